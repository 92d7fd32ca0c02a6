//! ROL-JOB-SUSPENDED: a Job or CronJob does nothing because it is suspended.

use sonde_model::{Code, Kind, Risk, Severity};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-JOB-SUSPENDED"),
    title: "Job or CronJob suspended",
    explains: &[Symptom::AtRest],
    reads: &[Kind::Job, Kind::CronJob],
    state,
    page: page!("ROL-JOB-SUSPENDED"),
};

/// The label by which Kueue knows the Jobs that it holds until their queue has room.
const QUEUE: &str = "kueue.x-k8s.io/queue-name";

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    if !matches!(subject.kind, Kind::Job | Kind::CronJob) {
        return;
    }
    let seen = facts.field("spec.suspend", true);
    case.proven_by(seen.clone());
    case.severity(Severity::Info);
    case.step(
        format!("{subject} is suspended, so no pods are made for it"),
        [seen],
    );
    let queue = facts
        .snapshot
        .get(subject)
        .and_then(|it| it.label(QUEUE).map(ToOwned::to_owned));
    match queue {
        Some(queue) => {
            case.step(
                format!("it waits in the queue {queue}, which lets it go when there is room"),
                [facts.field("metadata.labels", &queue)],
            );
            case.headline(format!(
                "{subject} is suspended until its queue {queue} lets it go"
            ));
            case.look(
                "what the queue waits for",
                format!("kubectl get workloads,localqueues -n {}", subject.namespace),
            );
        }
        None => {
            case.headline(format!(
                "{subject} is suspended: it makes no pods until somebody resumes it"
            ));
            case.fix(
                "let it go on",
                format!(
                    "kubectl patch {} --type merge -p '{{\"spec\":{{\"suspend\":false}}}}'",
                    subject.kubectl()
                ),
                Risk::None,
            );
        }
    }
}
