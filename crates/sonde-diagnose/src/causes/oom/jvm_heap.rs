//! OOM-JVM-HEAP: the Java heap is full, or may grow beyond the container's memory limit.

use sonde_grammar::log::AppSign;
use sonde_model::{Code, Risk, bytes_text};

use super::kills::{Limit, container_limit, last_kill, limit_of};
use super::own_heap::{Own, bytes_of, setting, state as own_state};
use crate::cause::page;
use crate::{Case, Cause, Facts, Seen, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("OOM-JVM-HEAP"),
    title: "the Java heap is full, or does not fit the limit",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("OOM-JVM-HEAP"),
};

const OWN: Own = Own {
    what: "its Java heap is full",
    settings: &["-Xmx", "-XX:MaxRAMPercentage=", "-XX:MaxHeapSize="],
    advice: "give Java a bigger heap (-Xmx or -XX:MaxRAMPercentage) and the container room for it, or find what fills the heap (-XX:+HeapDumpOnOutOfMemoryError)",
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    heap_beyond_limit(facts, case);
    if case.strength() == crate::Strength::None {
        own_state(facts, case, &OWN, |sign| {
            matches!(sign, AppSign::JvmHeap | AppSign::JvmDirect)
        });
    }
}

/// A heap that leaves no room beside it.
pub(super) struct Beyond {
    limit: i64,
    limit_seen: Seen,
    word: String,
    heap: i64,
    seen: Seen,
}

/// The heap that the container's settings allow, where it alone may take nine tenths of the memory limit.
pub(super) fn beyond_limit(facts: &Facts<'_>) -> Option<Beyond> {
    let (limit, limit_seen) = container_limit(facts)?;
    let (word, seen) = setting(facts, &["-Xmx", "-XX:MaxHeapSize=", "-XX:MaxRAMPercentage="])?;
    let heap = match word.strip_prefix("-XX:MaxRAMPercentage=") {
        Some(percent) => percent
            .split('.')
            .next()
            .and_then(|it| it.parse::<i64>().ok())
            .map(|it| (limit / 100).saturating_mul(it)),
        None => bytes_of(&word),
    };
    let heap = heap.filter(|heap| heap.saturating_mul(10) >= limit.saturating_mul(9))?;
    Some(Beyond {
        limit,
        limit_seen,
        word,
        heap,
        seen,
    })
}

/// The heap alone may take nine tenths of the limit: metaspace, threads and buffers do not fit beside it.
fn heap_beyond_limit(facts: &Facts<'_>, case: &mut Case) {
    let Some((137, ended)) = facts.exit() else { return };
    if facts
        .episode
        .run
        .as_ref()
        .is_none_or(|run| run.end.reason != "OOMKilled")
        || facts.killing().is_some()
    {
        return;
    }
    let Some(Beyond {
        limit,
        limit_seen,
        word,
        heap,
        seen,
    }) = beyond_limit(facts)
    else {
        return;
    };
    let who = facts.container_phrase();
    match last_kill(facts).map(|(kill, seen)| (limit_of(facts, kill), seen)) {
        Some((Some(Limit::Container), _)) => {
            case.proven_by(seen.clone());
        }
        Some((Some(_), kernel)) => {
            case.refuted_by(kernel, "the kernel names another limit than the container's");
            return;
        }
        // The runtime says the same of a kill for the whole machine's memory.
        _ => {
            case.supported_by(seen.clone());
            if let Some(want) = facts.want_kernel_log() {
                case.wants(want, "whether it was the container's limit that was reached");
            }
        }
    }
    case.step(
        format!("{who} may use {} of memory in all", bytes_text(limit)),
        [limit_seen],
    );
    case.step(
        format!("{word} lets the heap alone grow to {}", bytes_text(heap)),
        [seen],
    );
    case.step("metaspace, threads and buffers come on top, so the limit is reached and the kernel kills it (exit code 137)", [ended]);
    case.headline(format!(
        "{who} was killed at its memory limit of {}: {word} lets Java's heap alone take {}",
        bytes_text(limit),
        bytes_text(heap)
    ));
    case.advice("set the heap to at most three quarters of the memory limit (-XX:MaxRAMPercentage=75), or raise the limit", Risk::Restart);
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, crashed, pod, status};

    const FULL: &str = "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space\n\tat com.example.App.load(App.java:41)\n";

    fn java(code: i64, reason: &str, options: &str) -> Value {
        pod(json!({
            "spec": {"containers": [{"name": "app", "env": [{"name": "JAVA_TOOL_OPTIONS", "value": options}],
                "resources": {"limits": {"memory": "1Gi"}}}]},
            "status": {"containerStatuses": [crashed(code, reason)]}
        }))
    }

    fn kernel(constraint: &str, limit: &str) -> String {
        let scope = format!(
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f2f7b7c_3a9d_4c39_b7f0_1b2c3d4e5f60.slice/cri-containerd-{}.scope",
            "c".repeat(64)
        );
        format!(
            "2026-03-01T11:57:59+00:00 n1 kernel: oom-kill:constraint={constraint},nodemask=(null),cpuset=x,mems_allowed=0,{limit}={scope},task_memcg={scope},task=java,pid=4711,uid=0\n"
        )
    }

    #[test]
    fn found_when_java_says_so() {
        for code in [1, 3, 137] {
            let outcome = Scene::new()
                .object(java(code, "Error", "-Xmx512m"))
                .log("shop/app-1", "app", true, FULL)
                .diagnose();
            let finding = outcome.finds_only("OOM-JVM-HEAP", Verdict::Proven);
            assert!(finding.headline.contains("-Xmx512m"), "{}", finding.headline);
        }
    }

    #[test]
    fn found_when_the_heap_may_grow_beyond_the_limit() {
        for options in ["-Xms256m -Xmx1g", "-XX:MaxRAMPercentage=95.0"] {
            let scene = || Scene::new().object(java(137, "OOMKilled", options));
            scene().diagnose().finds_only("OOM-JVM-HEAP", Verdict::Likely);
            for (constraint, limit, code) in [
                ("CONSTRAINT_MEMCG", "oom_memcg", "OOM-JVM-HEAP"),
                // Not the heap, but the whole machine.
                ("CONSTRAINT_NONE", "global_oom,was", "OOM-NODE"),
            ] {
                scene()
                    .kernel("n1", &kernel(constraint, limit))
                    .diagnose()
                    .finds_only(code, Verdict::Proven);
            }
        }
    }

    #[test]
    fn not_found_when_the_heap_fits() {
        let outcome = Scene::new().object(java(137, "OOMKilled", "-Xmx512m")).diagnose();
        outcome.finds_only("OOM-CONTAINER-LIMIT", Verdict::Likely);
        Scene::new()
            .object(java(1, "Error", "-Xmx1g"))
            .diagnose()
            .lacks("OOM-JVM-HEAP");
    }

    #[test]
    fn not_proven_when_the_kernel_killed_it() {
        let outcome = Scene::new()
            .object(java(137, "OOMKilled", "-Xmx512m"))
            .log("shop/app-1", "app", true, FULL)
            .diagnose();
        outcome.finds_only("OOM-CONTAINER-LIMIT", Verdict::Likely);
    }

    #[test]
    fn calm_when_the_program_survived_it() {
        let healthy = pod(json!({"status": {"containerStatuses": [status(json!({}))]}}));
        Scene::new()
            .object(healthy)
            .log("shop/app-1", "app", false, FULL)
            .diagnose()
            .is_calm();
    }
}
