//! ROL-PAUSED: a workload makes no pods, or does not roll out, or a node takes none, because it was told so.

use sonde_model::{Code, Kind, Risk, Severity};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-PAUSED"),
    title: "paused, scaled to zero or cordoned",
    explains: &[Symptom::AtRest],
    reads: &[],
    state,
    page: page!("ROL-PAUSED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    if matches!(subject.kind, Kind::Job | Kind::CronJob) {
        return;
    }
    case.severity(Severity::Info);
    if subject.kind == Kind::Node {
        let seen = facts.field("spec.unschedulable", true);
        case.proven_by(seen.clone());
        case.step("somebody, or a tool of theirs, has cordoned it", [seen]);
        case.headline(format!("{subject} is cordoned: it takes no new pods"));
        case.fix(
            "let it take pods again, if nobody drains it",
            format!("kubectl uncordon {}", subject.name),
            Risk::Wide,
        );
        return;
    }
    if facts.episode.word == "paused" {
        let seen = facts.field("spec.paused", true);
        case.proven_by(seen.clone());
        case.step(
            "its rollouts are paused, so a change of its template makes no new pods",
            [seen],
        );
        case.headline(format!(
            "{subject} is paused: changes of its template are not rolled out"
        ));
        case.fix(
            "roll out what has changed since",
            format!("kubectl rollout resume {}", subject.kubectl()),
            Risk::Restart,
        );
        return;
    }
    let seen = facts.field("spec.replicas", 0);
    case.proven_by(seen.clone());
    case.step("it is to have no pods", [seen]);
    case.headline(format!("{subject} is scaled to zero, so it has no pods"));
    case.fix(
        "let it have pods",
        format!("kubectl scale {} --replicas=1", subject.kubectl()),
        Risk::None,
    );
}
