//! OOM-JVM-METASPACE: Java's space for classes is full.

use sonde_grammar::log::AppSign;
use sonde_model::Code;

use super::own_heap::{Own, state as own_state};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("OOM-JVM-METASPACE"),
    title: "the Java metaspace is full",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("OOM-JVM-METASPACE"),
};

const OWN: Own = Own {
    what: "its Java metaspace is full",
    settings: &["-XX:MaxMetaspaceSize="],
    advice: "raise -XX:MaxMetaspaceSize, or find what loads classes without end (class loaders of redeployed or generated code)",
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    own_state(facts, case, &OWN, |sign| matches!(sign, AppSign::JvmMetaspace));
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
        "Caused by: java.lang.OutOfMemoryError: Metaspace\n",
        "java.lang.OutOfMemoryError: Compressed class space\n",
    ];

    #[test]
    fn found_when_the_program_says_so() {
        for says in SAYS {
            let outcome = Scene::new()
                .object(ended(1))
                .log("shop/app-1", "app", true, says)
                .diagnose();
            outcome.finds_only("OOM-JVM-METASPACE", Verdict::Proven);
        }
    }

    #[test]
    fn not_found_without_its_words_or_when_it_runs() {
        Scene::new()
            .object(ended(1))
            .diagnose()
            .lacks("OOM-JVM-METASPACE");
        let healthy = pod(json!({"status": {"containerStatuses": [status(json!({}))]}}));
        Scene::new()
            .object(healthy)
            .log("shop/app-1", "app", false, SAYS[0])
            .diagnose()
            .is_calm();
    }
}
