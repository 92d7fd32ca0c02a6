//! TRM-UNKILLABLE: a process cannot be killed: it hangs in the kernel, so its container and pod never end.

use sonde_grammar::Fact;
use sonde_grammar::fact::{KillReason, NodeFact};
use sonde_model::{Code, EvidenceKind, Kind, Risk};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("TRM-UNKILLABLE"),
    title: "process cannot be killed",
    explains: &[Symptom::Deleting],
    reads: &[],
    state,
    page: page!("TRM-UNKILLABLE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if facts.episode.subject.kind != Kind::Pod {
        return;
    }
    let pod = facts.pod();
    // Within its grace a process may live.
    if facts
        .now
        .zip(pod.metadata.deletion_timestamp.0)
        .is_some_and(|(now, deletion)| now < deletion)
    {
        return;
    }
    let running: Vec<&str> = pod
        .status
        .container_statuses
        .iter()
        .filter(|status| status.state.running.is_some())
        .map(|status| status.name.as_str())
        .collect();
    let Some(first) = running.first() else {
        let mut statuses = pod.status.container_statuses.iter();
        // One that is shown as being created may run: the kubelet waits for its postStart hook.
        if statuses.len() > 0 && statuses.all(|it| it.state.terminated.is_some()) {
            case.refuted_by(
                facts.field("status.containerStatuses[].state", "terminated"),
                "every container has ended",
            );
        }
        return;
    };
    let runs = facts.field("status.containerStatuses[].state.running", running.join(", "));
    let Some(node) = facts.node_ref() else { return };
    let hung = facts.messages_about(&node).into_iter().find_map(|message| {
        let process = message.facts.iter().find_map(|fact| match fact {
            Fact::Node(NodeFact::HungTask { process, .. }) => Some(process.clone()),
            _ => None,
        })?;
        Some((process, message.seen()))
    });
    let kill_failed = facts.find(|fact| match fact {
        Fact::Killing {
            reason: KillReason::GraceExceeded,
            ..
        } => Some(()),
        _ => None,
    });
    match (&hung, &kill_failed) {
        (Some((process, seen)), _) => {
            case.supported_by(seen.clone());
            case.step(
                format!(
                    "the kernel of {} says that {process} hangs in an uninterruptible wait",
                    node.name
                ),
                [seen.clone()],
            );
        }
        (None, Some((_, message))) => {
            case.supported_by(message.seen());
        }
        (None, None) => {
            case.hinted_by(runs.clone());
            if let Some(want) = facts.want_kernel_log() {
                case.wants(want, "whether a process of the pod hangs in the kernel (a task blocked for more than 120 seconds)");
            }
        }
    }
    case.step(
        format!("{first} still runs although its grace is over and SIGKILL was sent"),
        [runs],
    );
    case.step(
        "what the kubelet says about the kill",
        kill_failed.map(|(_, message)| message.seen()),
    );
    case.headline(format!(
        "{first} cannot be killed: it still runs past its grace period"
    ));
    case.look(
        "the state of the process on the node (D is an uninterruptible wait, usually for storage)",
        format!("kubectl debug {node} -it --image=busybox --profile=sysadmin -- chroot /host ps -eo pid,stat,wchan:32,comm"),
    );
    case.advice(
        "look at the storage that it waits for (NFS, a dead disk); often only a restart of the node ends such a process",
        Risk::Wide,
    );
    case.advice(super::forced_delete_leaves(facts), Risk::DataLoss);
    debug_assert!(case.seen.iter().all(|seen| seen.kind != EvidenceKind::Absence));
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, pod, status};

    fn stuck(state: Value) -> Value {
        pod(json!({"metadata": {"deletionTimestamp": "2026-03-01T11:30:00Z"},
            "status": {"containerStatuses": [status(state)]}}))
    }

    #[test]
    fn likely_when_the_kernel_names_a_hung_task() {
        let outcome = Scene::new()
            .object(stuck(json!({})))
            .object(
                json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
            )
            .kubelet(
                "n1",
                "Mar 01 11:40:00 n1 kernel: INFO: task app:4711 blocked for more than 120 seconds.",
            )
            .diagnose();
        outcome.finds_only("TRM-UNKILLABLE", Verdict::Likely);
    }

    #[test]
    fn only_possible_without_it() {
        let outcome = Scene::new().object(stuck(json!({}))).diagnose();
        outcome.finds_only("TRM-UNKILLABLE", Verdict::Possible);
        assert!(!outcome.wants.is_empty());
    }

    #[test]
    fn refuted_when_every_container_has_ended() {
        let ended =
            stuck(json!({"state": {"running": null, "terminated": {"exitCode": 0, "reason": "Completed"}}}));
        Scene::new()
            .object(ended)
            .diagnose()
            .lacks("TRM-UNKILLABLE")
            .rules_out("TRM-UNKILLABLE");
    }
}
