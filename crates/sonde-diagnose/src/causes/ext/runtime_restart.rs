//! EXT-RUNTIME-RESTART: the node's container runtime restarted and lost or ended the container.

use jiff::SignedDuration;
use sonde_grammar::Fact;
use sonde_grammar::fact::RuntimeFact;
use sonde_model::{Code, Kind, Moment as _, Risk, Severity};

use super::node_restart::{is_lost, reboot};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EXT-RUNTIME-RESTART"),
    title: "the container runtime restarted",
    explains: &[Symptom::Terminated],
    reads: &[Kind::Node],
    state,
    page: page!("EXT-RUNTIME-RESTART"),
};

/// A runtime is back within this time after it ended its containers; a guess.
const BACK: SignedDuration = SignedDuration::from_mins(3);

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((code, ended)) = facts.exit() else { return };
    let reason = facts
        .episode
        .run
        .as_ref()
        .map_or("", |run| run.end.reason.as_str());
    let lost = is_lost(reason);
    if !(lost || matches!(facts.signal(), Some(9 | 15))) || reason == "OOMKilled" {
        return;
    }
    if let Some((_, message)) = facts.killing() {
        case.refuted_by(message.seen(), "the kubelet itself ended it");
        return;
    }
    if let Some(seen) = reboot(facts) {
        case.refuted_by(seen, "the whole node restarted");
        return;
    }
    let started = facts.span().and_then(|(_, end)| {
        facts.node_heard(end.earlier(BACK), end.later(BACK), |fact| match fact {
            Fact::Runtime(RuntimeFact::RuntimeStarted) => Some(()),
            _ => None,
        })
    });
    match &started {
        Some(((), seen)) if lost => case.proven_by(seen.clone()),
        Some(((), seen)) => case.supported_by(seen.clone()),
        None if lost => case.supported_by(ended.clone()),
        None => return,
    };
    let Some(node) = facts.node_ref() else { return };
    let who = facts.container_phrase();
    case.step(
        format!("the container runtime of node {} starts anew", node.name),
        started.map(|(_, seen)| seen),
    );
    case.step(
        format!("it does not know {who} any more, or ended it (exit code {code}, {reason})"),
        [ended],
    );
    case.headline(format!(
        "{who} ended because the container runtime of node {} restarted",
        node.name
    ));
    case.root(node.clone());
    if facts.status().is_some_and(|(status, _)| status.ready) {
        // It runs well again: worth a word, no more.
        case.severity(Severity::Warning);
    }
    case.advice(
        "the program did nothing wrong; find out why the runtime restarted. containerd keeps containers over a restart, docker only with live-restore",
        Risk::None,
    );
    case.look(
        "when the runtime started",
        format!("kubectl debug node/{} -it --image=busybox --profile=sysadmin -- chroot /host journalctl -u containerd -u crio -u docker -n 50", node.name),
    );
}
