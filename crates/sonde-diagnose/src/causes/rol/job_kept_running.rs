//! ROL-JOB-KEPT-RUNNING: a Job's work is done, and a container beside it keeps the pod running.

use sonde_model::{Code, Kind, Risk, Severity};
use sonde_world::view::Pod;

use crate::cause::page;
use crate::triage::{KEPT_PATIENCE, kept_running};
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-JOB-KEPT-RUNNING"),
    title: "a container keeps the Job from completing",
    explains: &[Symptom::JobFailed],
    reads: &[Kind::Job, Kind::Pod],
    state,
    page: page!("ROL-JOB-KEPT-RUNNING"),
};

/// Parts of names and images of containers that serve others and never end by themselves.
const HELPERS: &[&str] = &[
    "proxy",
    "envoy",
    "istio",
    "linkerd",
    "sidecar",
    "agent",
    "fluent",
    "vector",
    "exporter",
    "collector",
    "otel",
    "daemon",
];

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(kept) = kept_running(facts.snapshot, subject).filter(|_| subject.kind == Kind::Job) else {
        return;
    };
    let image = facts
        .snapshot
        .view::<Pod>(&kept.pod)
        .and_then(|pod| pod.container(&kept.running).map(|(it, _)| it.image.clone()))
        .unwrap_or_default();
    let done = field_on(
        &kept.pod,
        &format!(
            "status.containerStatuses[{}].state.terminated.exitCode",
            kept.done
        ),
        0,
    );
    let runs = field_on(
        &kept.pod,
        &format!("status.containerStatuses[{}].state", kept.running),
        "running",
    );
    let helps = HELPERS
        .iter()
        .any(|word| kept.running.contains(word) || image.contains(word));
    let young = facts
        .now
        .zip(kept.ended)
        .is_some_and(|(now, ended)| now.duration_since(ended) <= KEPT_PATIENCE);
    if helps {
        case.supported_by(runs.clone());
        // It may still be on its way out.
        case.severity(if young { Severity::Info } else { Severity::Warning });
    } else {
        // It may have work of its own.
        case.hinted_by(runs.clone());
        case.severity(Severity::Info);
    }
    let (work, other) = (&kept.done, &kept.running);
    case.step(
        format!("container {work} of {} has done its work", kept.pod),
        [done],
    );
    case.step(format!("container {other} beside it runs on"), [runs]);
    case.step(
        "a Job is complete only when every container of its pod has ended",
        [],
    );
    case.headline(format!(
        "{subject} does not complete: its container {work} is done, and {other} runs on"
    ));
    case.advice(
        format!("make {other} a sidecar that ends with the pod: move it to initContainers with restartPolicy: Always (1.29 on); or let it end when {work} does"),
        Risk::Restart,
    );
    case.look(
        format!("what {other} still does"),
        format!("kubectl logs {} -c {other} --tail=20", kept.pod.kubectl()),
    );
}
