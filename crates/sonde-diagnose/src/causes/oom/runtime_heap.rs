//! OOM-RUNTIME-HEAP: Node.js, Python or Go could get no more memory for its heap.

use sonde_grammar::log::AppSign;
use sonde_model::Code;

use super::own_heap::{Own, state as own_state};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("OOM-RUNTIME-HEAP"),
    title: "the language's own heap is full",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("OOM-RUNTIME-HEAP"),
};

const OWN: Own = Own {
    what: "the heap of its language's runtime is full",
    settings: &["--max-old-space-size", "--max_old_space_size", "GOMEMLIMIT="],
    advice: "give the runtime more (Node.js: --max-old-space-size, in MiB, at most three quarters of the memory limit), or find what fills its memory",
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    own_state(facts, case, &OWN, |sign| {
        matches!(
            sign,
            AppSign::NodeHeap | AppSign::PythonMemory | AppSign::GoMemory
        )
    });
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
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n",
        "MemoryError\n",
        "fatal error: runtime: out of memory\n",
    ];

    #[test]
    fn found_when_the_program_says_so() {
        for says in SAYS {
            let outcome = Scene::new()
                .object(ended(1))
                .log("shop/app-1", "app", true, says)
                .diagnose();
            outcome.finds_only("OOM-RUNTIME-HEAP", Verdict::Proven);
        }
    }

    #[test]
    fn not_found_without_its_words_or_when_it_runs() {
        Scene::new().object(ended(1)).diagnose().lacks("OOM-RUNTIME-HEAP");
        let healthy = pod(json!({"status": {"containerStatuses": [status(json!({}))]}}));
        Scene::new()
            .object(healthy)
            .log("shop/app-1", "app", false, SAYS[0])
            .diagnose()
            .is_calm();
    }
}
