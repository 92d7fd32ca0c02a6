//! OOM-NODE: the node ran out of memory, and the kernel chose this container's process.

use sonde_grammar::Fact;
use sonde_grammar::fact::NodeFact;
use sonde_model::{Code, Kind, Quantity, Risk, Severity, bytes_text};
use sonde_world::view::Pod;

use super::kills::{
    Limit, container_limit, kib_text, kills, last_kill, limit_of, node_was_pressed, node_was_short, pod_limit,
};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("OOM-NODE"),
    title: "the node ran out of memory",
    explains: &[Symptom::Terminated],
    reads: &[Kind::Node, Kind::Pod],
    state,
    page: page!("OOM-NODE"),
};

/// How many pods are named as those that may take more than they asked for.
const NAMED_MAX: usize = 5;

/// 128 + SIGKILL.
const KILLED: i64 = 137;

const ADVICE: &str = "give the node's pods memory requests that match what they use, and limits near their requests; the kernel kills first what uses most beyond its request";

fn state(facts: &Facts<'_>, case: &mut Case) {
    let kill = if facts.is_text() {
        kills(facts).into_iter().next()
    } else {
        last_kill(facts)
    };
    let exit = facts.exit();
    let says_oom = facts
        .episode
        .run
        .as_ref()
        .is_some_and(|run| run.end.reason == "OOMKilled");
    // Of an end with another code only a child may have been killed.
    let unlimited = !facts.is_partial() && container_limit(facts).is_none() && pod_limit(facts).is_none();
    let killed = exit
        .as_ref()
        .is_some_and(|(code, _)| *code == KILLED || (says_oom && unlimited));
    let short = node_was_short(facts).filter(|_| killed);
    if let Some((kill, seen)) = &kill
        && matches!(limit_of(facts, kill), Some(Limit::Container | Limit::Pod))
    {
        case.refuted_by(seen.clone(), "the kernel names a limit of its own");
        return;
    }
    let on_node = kill.filter(|(kill, _)| limit_of(facts, kill) == Some(Limit::Node));
    // Lines alone: the kubelet's own report.
    let told = facts.find(|fact| match fact {
        Fact::Node(NodeFact::SystemOom { process, .. }) => Some(process.as_deref().unwrap_or("a process")),
        _ => None,
    });
    if let Some((victim, message)) = told.filter(|_| facts.is_text() && on_node.is_none()) {
        case.proven_by(message.seen());
        case.step(
            format!("the kubelet saw the kernel kill {victim} for the whole node's memory"),
            [message.seen()],
        );
        case.headline(format!("a node ran out of memory and the kernel killed {victim}"));
        case.severity(Severity::Critical);
        case.advice(ADVICE, Risk::Restart);
        return;
    }
    match (&on_node, &short) {
        (Some((_, seen)), _) => case.proven_by(seen.clone()),
        _ if facts.killing().is_some() || !killed => return,
        (None, Some(seen)) if says_oom && unlimited => case.proven_by(seen.clone()),
        (None, Some(seen)) => case.supported_by(seen.clone()),
        (None, None) => {
            let Some((_, ended)) = exit.as_ref().filter(|_| says_oom) else {
                return;
            };
            if let Some(want) = facts.want_kernel_log() {
                case.wants(
                    want,
                    "whether the node as a whole was out of memory, and who used most",
                );
            }
            match node_was_pressed(facts) {
                // No limit of its own was there to reach, so only the machine's remains.
                _ if unlimited => case.supported_by(ended.clone()),
                Some(seen) => case.hinted_by(seen),
                None => return,
            }
        }
    };
    let node = facts.node_ref();
    let node_name = node
        .as_ref()
        .map_or("the node".to_owned(), |node| format!("node {}", node.name));
    overcommit(facts, case);
    if let Some((kill, seen)) = &on_node {
        let rss = kib_text(kill.anon_rss_kib).map_or(String::new(), |rss| format!(", which held {rss}"));
        let by = kill.invoked_by.as_deref().map_or(String::new(), |by| {
            format!("{by} asked for memory that was not there; ")
        });
        let victim = kill.process.as_deref().unwrap_or("a process");
        if !kill.largest.is_empty() {
            let held: Vec<String> = kill
                .largest
                .iter()
                .map(|it| format!("{} {}", it.name, kib_text(Some(it.rss_kib)).unwrap_or_default()))
                .collect();
            case.step(
                format!("who held most of the node's memory then: {}", held.join(", ")),
                [seen.clone()],
            );
        }
        case.step(
            format!("{by}the kernel chose {victim} as its victim{rss}"),
            [seen.clone()],
        );
    } else if let Some(seen) = short {
        case.step(
            "the kubelet saw the kernel kill for the whole node's memory",
            [seen],
        );
    }
    if let Some((code, ended)) = exit {
        let who = facts.container_phrase();
        let text = if code == KILLED {
            format!("the process of {who} is killed (exit code {code})")
        } else {
            format!("a process of {who} is killed; its main process ends with exit code {code}")
        };
        case.step(text, [ended]);
    }
    case.headline(format!(
        "{node_name} ran out of memory and the kernel killed {}",
        if facts.is_text() {
            "a process".to_owned()
        } else {
            format!("{} of {}", facts.container_phrase(), facts.workload().name)
        }
    ));
    case.severity(Severity::Critical);
    if let Some(node) = node {
        case.look(
            "who uses the memory of the node",
            format!(
                "kubectl top pod -A --sort-by=memory; kubectl describe node {}",
                node.name
            ),
        );
        case.root(node);
    }
    case.advice(ADVICE, Risk::Restart);
}

/// What the node's pods may use, against what it has.
fn overcommit(facts: &Facts<'_>, case: &mut Case) {
    if facts.episode.ended.is_some() {
        return;
    }
    let Some(node_ref) = facts.node_ref() else { return };
    let Some(node) = facts.node() else { return };
    let Some(have) = node
        .allocatable("memory")
        .and_then(|amount| amount.quantity())
        .map(Quantity::units)
    else {
        return;
    };
    let (mut requested, mut limited, mut without) = (0_i64, 0_i64, Vec::new());
    for object in facts.snapshot.pods_on_node(&node_ref.name) {
        if object.pod().is_none_or(|pod| pod.is_terminal()) {
            continue;
        }
        let Ok(pod) = object.encoded.decode::<Pod>() else {
            continue;
        };
        let mut open = false;
        for container in &pod.spec.containers {
            let bytes = |amount: Option<&sonde_world::view::Amount>| {
                amount.and_then(|it| it.quantity()).map(Quantity::units)
            };
            requested = requested.saturating_add(bytes(container.request("memory")).unwrap_or(0));
            match bytes(container.limit("memory")) {
                Some(limit) => limited = limited.saturating_add(limit),
                None => open = true,
            }
        }
        if open {
            without.push(object.reference.name.to_string());
        }
    }
    without.sort();
    let total = without.len();
    without.truncate(NAMED_MAX);
    let text = format!(
        "{} allocatable; its pods request {} and may use {}{}",
        bytes_text(have),
        bytes_text(requested),
        bytes_text(limited),
        if total > 0 {
            format!(", and {total} have no limit: {}", without.join(", "))
        } else {
            String::new()
        }
    );
    if limited > have || total > 0 {
        case.step(
            "the node's pods may together use more memory than it has",
            [field_on(&node_ref, "memory of its pods", text)],
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Kind, Verdict};

    use crate::testing::{Scene, crashed, pod, status};

    pub(super) fn kernel() -> String {
        let id = "c".repeat(64);
        let pod = "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod0f2f7b7c_3a9d_4c39_b7f0_1b2c3d4e5f60.slice";
        format!(
            "2026-03-01T11:57:59+00:00 n1 kernel: java invoked oom-killer: gfp_mask=0x1100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=1000\n\
             2026-03-01T11:57:59+00:00 n1 kernel: [    812]     0   812   900000   393216  3145728        0           -999 database\n\
             2026-03-01T11:57:59+00:00 n1 kernel: [   4711]     0  4711    17500    16000   180000        0          1000 app\n\
             2026-03-01T11:57:59+00:00 n1 kernel: oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=x,mems_allowed=0,global_oom,task_memcg={pod}/cri-containerd-{id}.scope,task=app,pid=4711,uid=0\n\
             2026-03-01T11:57:59+00:00 n1 kernel: Out of memory: Killed process 4711 (app) total-vm:70000kB, anon-rss:64000kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:180kB oom_score_adj:1000\n"
        )
    }

    fn node() -> Value {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {"allocatable": {"memory": "2Gi"},
            "conditions": [{"type": "Ready", "status": "True"}]}})
    }

    fn killed(reason: &str) -> Value {
        pod(json!({"status": {"containerStatuses": [crashed(137, reason)]}}))
    }

    #[test]
    fn found_by_the_kernels_line_with_who_may_use_too_much() {
        let outcome = Scene::new()
            .object(node())
            .object(killed("OOMKilled"))
            .kernel("n1", &kernel())
            .diagnose();
        let finding = outcome.finds_only("OOM-NODE", Verdict::Proven);
        assert_eq!(finding.subject.kind, Kind::Node);
        let says = |words: &str| finding.chain.iter().any(|step| step.text.contains(words));
        assert!(says("more memory than it has"), "{:?}", finding.chain);
        assert!(says("database 1.5Gi, app 62.5Mi"), "{:?}", finding.chain);
    }

    #[test]
    fn only_likely_by_elimination() {
        Scene::new()
            .object(killed("OOMKilled"))
            .diagnose()
            .finds_only("OOM-NODE", Verdict::Likely);
    }

    #[test]
    fn not_found_when_there_is_a_limit_or_no_word_of_memory() {
        let limited = pod(json!({
            "spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "64Mi"}}}]},
            "status": {"containerStatuses": [crashed(137, "OOMKilled")]}
        }));
        Scene::new().object(limited).diagnose().lacks("OOM-NODE");
        Scene::new().object(killed("Error")).diagnose().lacks("OOM-NODE");
    }

    #[test]
    fn calm_on_a_healthy_pod_of_a_node_that_killed_another() {
        let other = kernel().replace(&"c".repeat(64), &"d".repeat(64));
        Scene::new()
            .object(node())
            .object(pod(json!({"status": {"containerStatuses": [status(json!({}))]}})))
            .kernel("n1", &other)
            .diagnose()
            .is_calm();
    }
}
