//! EXT-NODE-RESTART: the node restarted under the container, so nobody saw its end.

use jiff::SignedDuration;
use sonde_grammar::Fact;
use sonde_grammar::fact::NodeFact;
use sonde_model::{Code, Kind, Moment as _, Risk, Severity};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EXT-NODE-RESTART"),
    title: "the node restarted",
    explains: &[Symptom::Terminated],
    reads: &[Kind::Node],
    state,
    page: page!("EXT-NODE-RESTART"),
};

/// A machine needs this long to boot and start its kubelet; a guess.
const BOOT: SignedDuration = SignedDuration::from_mins(10);

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((code, ended)) = facts.exit() else { return };
    let reason = facts
        .episode
        .run
        .as_ref()
        .map_or("", |run| run.end.reason.as_str());
    let lost = is_lost(reason);
    let cut = lost || code == 255 || matches!(facts.signal(), Some(9 | 15));
    if !cut || reason == "OOMKilled" {
        return;
    }
    if let Some((_, message)) = facts.killing() {
        case.refuted_by(message.seen(), "the kubelet itself ended it");
        return;
    }
    let Some(node) = facts.node_ref() else { return };
    let rebooted = reboot(facts);
    match &rebooted {
        Some(seen) if lost || code == 255 => case.proven_by(seen.clone()),
        Some(seen) => case.supported_by(seen.clone()),
        None if lost => {
            if let Some(want) = facts.want_kubelet_log() {
                case.wants(want, "whether the node restarted, or only its container runtime");
            }
            case.supported_by(ended.clone())
        }
        None => return,
    };
    let who = facts.container_phrase();
    case.step(format!("node {} restarts", node.name), rebooted.clone());
    case.step(
        format!("nobody saw the end of {who}: its state is a placeholder (exit code {code}, {reason})"),
        [ended],
    );
    case.headline(if rebooted.is_some() {
        format!("{who} ended because node {} restarted", node.name)
    } else {
        format!(
            "{who} ended unseen: node {} or its container runtime restarted",
            node.name
        )
    });
    case.root(node.clone());
    if facts.status().is_some_and(|(status, _)| status.ready) {
        // It runs well again: worth a word, no more.
        case.severity(Severity::Warning);
    }
    case.advice(
        "the program did nothing wrong; find out why the node restarted (update, crash, power)",
        Risk::None,
    );
    case.look(
        "what happened to the node",
        format!(
            "kubectl get events -A --field-selector involvedObject.name={}",
            node.name
        ),
    );
}

/// The status is a placeholder for an end that nobody observed.
pub(super) fn is_lost(reason: &str) -> bool {
    matches!(reason, "Unknown" | "ContainerStatusUnknown")
}

/// A boot of the node between the run's start and the next one's.
pub(super) fn reboot(facts: &Facts<'_>) -> Option<crate::Seen> {
    let (start, end) = facts
        .span()
        .or_else(|| facts.next_start().map(|next| (next.earlier(BOOT), next)))?;
    // The status of a lost container may carry the time at which the kubelet came back.
    let to = facts
        .next_start()
        .map_or(end.later(BOOT), |next| next.min(end.later(BOOT)));
    let heard = facts.node_heard(start, to, |fact| match fact {
        Fact::Node(NodeFact::Rebooted) => Some(()),
        _ => None,
    });
    heard.map(|((), seen)| seen)
}
