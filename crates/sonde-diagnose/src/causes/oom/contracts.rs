//! Every cause of the family against its contract.

use serde_json::{Value, json};
use sonde_model::Verdict;

use super::CAUSES;
use crate::testing::contract::{Contract, keep};
use crate::testing::{Scene, crashed, merge, pod, recovered};

const POD: &str = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f2f7b7c_3a9d_4c39_b7f0_1b2c3d4e5f60.slice";

fn scope() -> String {
    format!("{POD}/cri-containerd-{}.scope", "c".repeat(64))
}

/// The kernel's line of a kill at a limit, or for the whole machine.
fn kill(time: &str, id: &str, limit: &str) -> String {
    let victim = format!("{POD}/cri-containerd-{}.scope", id.repeat(64));
    let (constraint, of) = match limit {
        "" => ("CONSTRAINT_NONE", "global_oom".to_owned()),
        "container" => ("CONSTRAINT_MEMCG", format!("oom_memcg={victim}")),
        limit => ("CONSTRAINT_MEMCG", format!("oom_memcg={limit}")),
    };
    format!(
        "2026-03-01T{time}+00:00 n1 kernel: oom-kill:constraint={constraint},nodemask=(null),cpuset=x,mems_allowed=0,{of},task_memcg={victim},task=app,pid=4711,uid=0\n"
    )
}

fn files(kib: u64) -> String {
    let (at, scope) = ("2026-03-01T11:57:59+00:00 n1 kernel:", scope());
    format!(
        "{at} dd invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=999\n{at} memory: usage 65536kB, limit 65536kB, failcnt 12\n{at} Memory cgroup stats for {scope}:\n{at} anon 1048576\n{at} file {0}\n{at} shmem {0}\n{at} oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg={scope},task_memcg={scope},task=dd,pid=4711,uid=0\n",
        kib << 10
    )
}

fn limited(status: Value) -> Value {
    pod(
        json!({"spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "64Mi"}}}]}, "status": {"containerStatuses": [status]}}),
    )
}

fn ended(code: i64, reason: &str) -> Scene {
    Scene::new().object(limited(crashed(code, reason)))
}

fn unlimited(reason: &str) -> Scene {
    Scene::new().object(pod(
        json!({"status": {"containerStatuses": [crashed(137, reason)]}}),
    ))
}

/// The pod has a limit of its own, its container none.
fn shared() -> Scene {
    Scene::new().object(pod(json!({"spec": {"resources": {"limits": {"memory": "256Mi"}}}, "status": {"containerStatuses": [crashed(137, "OOMKilled")]}})))
}

/// It runs well, below its limit, though the kernel killed in other pods.
fn healthy() -> Scene {
    let other = kill("11:57:59", "d", "container").replace("0f2f7b7c", "ffffffff");
    Scene::new()
        .object(limited(crate::testing::status(json!({}))))
        .kernel("n1", &other)
}

fn over(code: i64, reason: &str, kernel: &str) -> Scene {
    Scene::new()
        .object(limited(recovered(code, reason)))
        .kernel("n1", kernel)
}

fn says(code: i64, words: &str) -> Scene {
    ended(code, "Error").log("shop/app-1", "app", true, words)
}

/// It said so and lives on.
fn survives(words: &str) -> Scene {
    Scene::new()
        .object(limited(crate::testing::status(json!({}))))
        .log("shop/app-1", "app", false, words)
}

fn said_before(words: &str) -> Scene {
    over(1, "Error", "").log("shop/app-1", "app", true, words)
}

fn regularly() -> String {
    ["09:10:00", "10:05:00", "11:00:30"]
        .iter()
        .zip(["0", "1", "2"])
        .map(|(time, id)| kill(time, id, "container"))
        .collect()
}

const HEAP: &str = "java.lang.OutOfMemoryError: Java heap space\n";
const METASPACE: &str = "java.lang.OutOfMemoryError: Metaspace\n";
const THREADS: &str = "java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory or process/resource limits reached\n";
const NODE: &str = "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n";
const OTHER: &str = "FATAL: password authentication failed for user \"orders\"\n";

const TABLE: &[Contract] = &[
    Contract {
        code: "OOM-CONTAINER-LIMIT",
        verdict: Verdict::Proven,
        found: || ended(137, "OOMKilled").kernel("n1", &kill("11:57:59", "c", "container")),
        rival: ("OOM-NODE", || {
            ended(137, "OOMKilled").kernel("n1", &kill("11:57:59", "c", ""))
        }),
        open: || ended(137, "OOMKilled"),
        healthy,
        over: || over(137, "OOMKilled", ""),
    },
    Contract {
        code: "OOM-CHILD-PROCESS",
        verdict: Verdict::Proven,
        found: || ended(1, "OOMKilled").kernel("n1", &kill("11:57:50", "c", "container")),
        rival: ("OOM-CONTAINER-LIMIT", || ended(137, "OOMKilled")),
        open: || ended(1, "OOMKilled"),
        healthy,
        over: || over(1, "OOMKilled", &kill("11:19:50", "c", "container")),
    },
    Contract {
        code: "OOM-GROWTH",
        verdict: Verdict::Proven,
        found: || ended(137, "OOMKilled").kernel("n1", &(regularly() + &kill("11:57:59", "c", "container"))),
        // Killed at once each time: its work does not fit, nothing grows.
        rival: ("OOM-CONTAINER-LIMIT", || {
            let at_once: String = ["11:56:00", "11:57:00"]
                .iter()
                .zip(["0", "1"])
                .map(|(time, id)| kill(time, id, "container"))
                .collect();
            ended(137, "OOMKilled").kernel("n1", &(at_once + &kill("11:57:59", "c", "container")))
        }),
        open: || ended(137, "OOMKilled"),
        healthy,
        over: || {
            over(
                137,
                "OOMKilled",
                &(regularly() + &kill("11:19:57", "c", "container")),
            )
        },
    },
    Contract {
        code: "OOM-JVM-HEAP",
        verdict: Verdict::Proven,
        found: || says(1, HEAP),
        rival: ("EXT-ERROR", || says(1, OTHER)),
        open: || ended(1, "Error"),
        healthy: || survives(HEAP),
        over: || said_before(HEAP),
    },
    Contract {
        code: "OOM-JVM-METASPACE",
        verdict: Verdict::Proven,
        found: || says(1, METASPACE),
        rival: ("OOM-JVM-HEAP", || says(1, HEAP)),
        open: || ended(1, "Error"),
        healthy: || survives(METASPACE),
        over: || said_before(METASPACE),
    },
    Contract {
        code: "OOM-JVM-THREADS",
        verdict: Verdict::Proven,
        found: || says(1, THREADS),
        rival: ("OOM-JVM-HEAP", || says(1, HEAP)),
        open: || ended(1, "Error"),
        healthy: || survives(THREADS),
        over: || said_before(THREADS),
    },
    Contract {
        code: "OOM-RUNTIME-HEAP",
        verdict: Verdict::Proven,
        found: || says(134, NODE),
        rival: ("OOM-CONTAINER-LIMIT", || {
            ended(137, "OOMKilled").log("shop/app-1", "app", true, "serving\n")
        }),
        open: || ended(134, "Error"),
        healthy: || survives(NODE),
        over: || said_before(NODE),
    },
    Contract {
        code: "OOM-NODE",
        verdict: Verdict::Proven,
        found: || unlimited("OOMKilled").kernel("n1", &kill("11:57:59", "c", "")),
        rival: ("OOM-CONTAINER-LIMIT", || {
            ended(137, "OOMKilled").kernel("n1", &kill("11:57:59", "c", "container"))
        }),
        open: || unlimited("OOMKilled"),
        healthy,
        over: || over(137, "OOMKilled", &kill("11:19:57", "c", "")),
    },
    Contract {
        code: "OOM-POD-LIMIT",
        verdict: Verdict::Proven,
        found: || shared().kernel("n1", &kill("11:57:59", "c", POD)),
        rival: ("OOM-NODE", || shared().kernel("n1", &kill("11:57:59", "c", ""))),
        open: shared,
        healthy,
        over: || {
            let mut it = pod(json!({"spec": {"resources": {"limits": {"memory": "256Mi"}}}}));
            merge(
                &mut it,
                json!({"status": {"containerStatuses": [recovered(137, "OOMKilled")]}}),
            );
            Scene::new().object(it).kernel("n1", &kill("11:19:57", "c", POD))
        },
    },
    Contract {
        code: "OOM-TMPFS",
        verdict: Verdict::Proven,
        found: || ended(137, "OOMKilled").kernel("n1", &files(60 << 10)),
        rival: ("OOM-CONTAINER-LIMIT", || {
            ended(137, "OOMKilled").kernel("n1", &files(1 << 10))
        }),
        open: || ended(137, "OOMKilled"),
        healthy,
        over: || over(137, "OOMKilled", &files(60 << 10).replace("11:57:59", "11:19:57")),
    },
];

#[test]
fn every_cause_keeps_its_contract() {
    keep(CAUSES, TABLE);
}

/// A program that went on long after its heap was full ends of something else.
#[test]
fn a_full_heap_that_was_survived_is_not_the_cause() {
    let later = format!("{HEAP}{}{OTHER}", "INFO request served\n".repeat(400));
    for words in [HEAP, METASPACE, THREADS, NODE] {
        says(1, &later.replace(HEAP, words))
            .diagnose()
            .finds_only("EXT-ERROR", Verdict::Proven);
    }
    let goes_on = format!("{HEAP}{}", "INFO request served\n".repeat(1500));
    assert!(!says(1, &goes_on).diagnose().claims("OOM-JVM-HEAP"));
    // The lines of one death: the trace and what the program says of it.
    let one = format!(
        "{HEAP}{}ERROR: worker died\n",
        "\tat com.example.App.load(App.java:41)\n".repeat(90)
    );
    says(1, &one)
        .diagnose()
        .finds_only("OOM-JVM-HEAP", Verdict::Proven);
}

/// Whose limit it was only the kernel can say. The kubelet's word that the machine ran short during the run makes the
/// node a rival; without that word it is still not refuted.
#[test]
fn a_kill_of_which_the_kernel_is_not_heard_is_only_likely_the_containers() {
    for (reason, message) in [
        (
            "NodeHasInsufficientMemory",
            "Node n1 status is now: NodeHasInsufficientMemory",
        ),
        ("EvictionThresholdMet", "Attempting to reclaim memory"),
        (
            "SystemOOM",
            "System OOM encountered, victim process: java, pid: 4711",
        ),
    ] {
        let scene = || ended(137, "OOMKilled").event("Node//n1", reason, message, "2026-03-01T11:57:50Z");
        let outcome = scene().diagnose();
        let verdict = outcome.finding("OOM-CONTAINER-LIMIT").verdict;
        assert!(verdict < Verdict::Proven, "{reason}: {}", outcome.summary());
        let rivals = &outcome.finding("OOM-CONTAINER-LIMIT").rivals;
        assert!(rivals.iter().any(|it| it.as_str() == "OOM-NODE"), "{reason}");
        assert!(!outcome.wants.is_empty(), "{reason}");
        scene()
            .kernel("n1", &kill("11:57:59", "c", "container"))
            .diagnose()
            .finds_only("OOM-CONTAINER-LIMIT", Verdict::Proven);
        // Of another hour it says nothing.
        let earlier = ended(137, "OOMKilled").event("Node//n1", reason, message, "2026-03-01T10:57:50Z");
        earlier
            .diagnose()
            .finds_only("OOM-CONTAINER-LIMIT", Verdict::Likely);
    }
}

#[test]
fn the_kubelets_report_alone_tells_of_a_node_out_of_memory() {
    const TEXT: &str = "System OOM encountered, victim process: java, pid: 4711";
    for scene in [
        Scene::new().loose(TEXT),
        Scene::new().event("Node//n1", "SystemOOM", TEXT, "2026-03-01T11:59:00Z"),
    ] {
        let outcome = scene.diagnose();
        let finding = outcome.finds_only("OOM-NODE", Verdict::Proven);
        assert!(finding.headline.contains("java"), "{}", finding.headline);
    }
}

/// The "say": limit, usage at death, the kernel's line.
#[test]
fn a_kill_tells_limit_usage_and_the_kernels_line() {
    let outcome = ended(137, "OOMKilled").kernel("n1", &files(1 << 10)).diagnose();
    let finding = outcome.finds_only("OOM-CONTAINER-LIMIT", Verdict::Proven);
    let told: String = finding
        .chain
        .iter()
        .map(|step| format!("{}\n", step.text))
        .collect();
    assert!(
        told.contains("may use 64Mi") && told.contains("64Mi of 64Mi"),
        "{told}"
    );
    assert!(
        finding
            .evidence
            .iter()
            .any(|it| it.text.contains("oom-kill:constraint")),
        "{:?}",
        finding.evidence
    );
}
