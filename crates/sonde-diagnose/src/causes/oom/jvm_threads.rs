//! OOM-JVM-THREADS: Java could not create another thread: no memory for its stack, or too many processes.

use sonde_grammar::log::AppSign;
use sonde_model::Code;

use super::own_heap::{Own, state as own_state};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("OOM-JVM-THREADS"),
    title: "Java cannot create another thread",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("OOM-JVM-THREADS"),
};

const OWN: Own = Own {
    what: "Java cannot create another thread",
    settings: &["-Xss"],
    advice: "find what starts threads without end; each needs a stack (-Xss) beside the heap, and the pod's and node's limits of processes count (kubelet podPidsLimit)",
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    own_state(facts, case, &OWN, |sign| matches!(sign, AppSign::JvmThreads));
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, crashed, pod, status};

    fn ended(code: i64) -> Value {
        pod(json!({"status": {"containerStatuses": [crashed(code, "Error")]}}))
    }

    const SAYS: &[&str] = &[
        "java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory or process/resource limits reached\n",
        "java.lang.OutOfMemoryError: unable to create new native thread\n",
    ];

    #[test]
    fn found_when_the_program_says_so() {
        for says in SAYS {
            let outcome = Scene::new()
                .object(ended(1))
                .log("shop/app-1", "app", true, says)
                .diagnose();
            outcome.finds_only("OOM-JVM-THREADS", Verdict::Proven);
        }
    }

    #[test]
    fn not_found_without_its_words_or_when_it_runs() {
        Scene::new().object(ended(1)).diagnose().lacks("OOM-JVM-THREADS");
        let healthy = pod(json!({"status": {"containerStatuses": [status(json!({}))]}}));
        Scene::new()
            .object(healthy)
            .log("shop/app-1", "app", false, SAYS[0])
            .diagnose()
            .is_calm();
    }
}
