//! EXT-NODE-SHUTDOWN: the node was shutting down and ended the container.

use jiff::SignedDuration;
use sonde_grammar::Fact;
use sonde_grammar::fact::NodeFact;
use sonde_model::{Code, Kind, Moment as _, Risk, Severity};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EXT-NODE-SHUTDOWN"),
    title: "the node was shutting down",
    explains: &[Symptom::Terminated],
    reads: &[Kind::Node],
    state,
    page: page!("EXT-NODE-SHUTDOWN"),
};

/// Graceful shutdown gives pods minutes at most (`shutdownGracePeriod`).
const SHUTDOWN: SignedDuration = SignedDuration::from_mins(5);

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((code, ended)) = facts.exit() else { return };
    let Some((_, end)) = facts.span() else { return };
    if facts
        .episode
        .run
        .as_ref()
        .is_some_and(|run| run.end.reason == "OOMKilled")
    {
        return;
    }
    let heard = facts.node_heard(end.earlier(SHUTDOWN), end, |fact| match fact {
        Fact::Node(NodeFact::ShuttingDown) => Some(()),
        _ => None,
    });
    let Some(((), seen)) = heard else { return };
    let Some(node) = facts.node_ref() else { return };
    let who = facts.container_phrase();
    case.proven_by(seen.clone());
    case.step(format!("node {} shuts down", node.name), [seen]);
    case.step(format!("its kubelet ends {who} (exit code {code})"), [ended]);
    case.headline(format!(
        "{who} ended because node {} was shutting down",
        node.name
    ));
    case.root(node);
    if facts.status().is_some_and(|(status, _)| status.ready) {
        // It runs well again: worth a word, no more.
        case.severity(Severity::Warning);
    }
    case.advice(
        "the program did nothing wrong; drain nodes before they are shut down",
        Risk::None,
    );
}
