//! Workloads, claims and what scales or guards workloads.

use crate::wording::count;
use jiff::{SignedDuration, Timestamp};
use sonde_model::{Kind, Moment as _, ObjectRef, Severity};
use sonde_world::view::{
    Condition, CronJob, DaemonSet, Deployment, Job, PersistentVolumeClaim, ReplicaSet, StatefulSet,
    WorkloadStatus,
};
use sonde_world::{ContainerRole, ContainerState, Object, Snapshot};

use super::{Opened, Triage, ingress, rollout, service};
use crate::{Episode, Symptom};

/// Controllers create pods within seconds; a shortage without a word is reported after this. A guess.
const CREATE_PATIENCE: SignedDuration = SignedDuration::from_mins(2);
/// Finalizers of a healthy cluster are lifted within seconds; a guess.
const DELETION_PATIENCE: SignedDuration = SignedDuration::from_secs(30);
/// Provisioners usually take seconds; silence is reported after this. A guess.
const CLAIM_PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// A deployment's own default for a rollout without progress.
const PROGRESS_PATIENCE: SignedDuration = SignedDuration::from_mins(10);

pub(super) fn look(triage: &Triage<'_>, object: &Object, out: &mut Vec<Opened>) {
    if is_calm(object) {
        return;
    }
    match object.reference.kind {
        Kind::Deployment => deployment(triage, object, out),
        Kind::ReplicaSet | Kind::DaemonSet | Kind::ReplicationController => creates_pods(triage, object, out),
        Kind::StatefulSet => {
            creates_pods(triage, object, out);
            rollout::stateful_set(triage, object, out);
            out.extend(short_alone(triage, object));
        }
        Kind::Service => service::look(triage, object, out),
        Kind::Ingress => ingress::look(triage, object, out),
        Kind::CronJob => rollout::cron_job(triage, object, out),
        Kind::HorizontalPodAutoscaler => rollout::autoscaler(triage, object, out),
        Kind::PodDisruptionBudget => rollout::budget(triage, object, out),
        Kind::Job => job(triage, object, out),
        Kind::PersistentVolumeClaim => claim(triage, object, out),
        _ => {}
    }
    deleting(triage, object, out);
}

/// Whether the columns alone tell that none of the looks below would find anything. Most objects are so.
fn is_calm(object: &Object) -> bool {
    if object.partial || object.deletion.is_some() {
        return false;
    }
    if let Some(phase) = object.claim_phase() {
        return !matches!(phase, "Pending" | "Lost");
    }
    let Some(it) = object.workload().filter(|it| !it.failing) else {
        return false;
    };
    match object.reference.kind {
        Kind::Deployment => true,
        Kind::ReplicaSet | Kind::ReplicationController | Kind::DaemonSet => it.have >= it.wanted,
        Kind::StatefulSet => it.have >= it.wanted && it.ready >= it.wanted,
        // One that runs may be kept from its end by a container that runs on.
        Kind::Job => it.at_rest,
        _ => false,
    }
}

/// The words of a namespace's controller while what it has deleted goes; it looks again, and nothing has failed yet.
pub(crate) fn only_remains(message: &str) -> bool {
    message.contains("unexpected items still remain")
}

/// How long a namespace may take to become empty. A guess.
pub(crate) const EMPTYING_PATIENCE: SignedDuration = SignedDuration::from_mins(3);

/// A namespace's controller says that a part of the deletion fails.
fn deletion_fails(object: &Object) -> bool {
    #[derive(serde::Deserialize)]
    struct Conditioned {
        #[serde(default)]
        status: sonde_world::view::ConditionedStatus,
    }
    object.encoded.decode::<Conditioned>().is_ok_and(|it| {
        let mut conditions = it.status.conditions.iter();
        // That something remains is so while pods end within their grace.
        conditions.any(|it| it.kind.ends_with("Failure") && it.is_true() && !only_remains(&it.message))
    })
}

fn phase_of(object: &Object) -> String {
    let status = object.encoded.decode::<serde_json::Value>().unwrap_or_default();
    status["status"]["phase"].as_str().unwrap_or_default().to_owned()
}

/// Anything that outlives its deletion: namespaces, claims, volumes, custom resources.
fn deleting(triage: &Triage<'_>, object: &Object, out: &mut Vec<Opened>) {
    let Some(deletion) = object.deletion else {
        // The word of a table, which does not tell since when.
        if object.partial && object.reference.kind == Kind::Namespace && phase_of(object) == "Terminating" {
            let episode = Episode::new(object.reference.clone(), Symptom::Deleting, "Terminating");
            out.push(Opened::from(episode).unexplained(Severity::Warning));
        }
        return;
    };
    // What its controller says that fails needs no waiting.
    if object.reference.kind == Kind::Namespace && deletion_fails(object) {
        let episode =
            Episode::new(object.reference.clone(), Symptom::Deleting, "Terminating").since(Some(deletion));
        out.push(episode.into());
        return;
    }
    if triage
        .elapsed(Some(deletion))
        .is_none_or(|age| age > DELETION_PATIENCE)
    {
        let episode =
            Episode::new(object.reference.clone(), Symptom::Deleting, "Terminating").since(Some(deletion));
        // Pods that end within their own grace may hold it that long.
        let settled = pods_ending(triage.snapshot, object).max();
        out.push(Opened::patient(
            episode,
            Some(deletion.later(cleanup_patience(&object.reference.kind))).max(settled),
        ));
    }
}

/// How long the end of an object may take without trouble: clouds and operators clean up for minutes. A guess.
pub(crate) fn cleanup_patience(kind: &Kind) -> SignedDuration {
    match kind {
        Kind::Service | Kind::PersistentVolume | Kind::VolumeAttachment | Kind::Other(_) => {
            SignedDuration::from_mins(5)
        }
        _ => DELETION_PATIENCE,
    }
}

/// When the pods that are being deleted with the object must have ended: those of a namespace, those that a workload owns.
pub(crate) fn pods_ending<'a>(
    snapshot: &'a Snapshot,
    object: &'a Object,
) -> Box<dyn Iterator<Item = Timestamp> + 'a> {
    /// Kubelet and API server need a moment beyond the grace period; a guess.
    const SLACK: SignedDuration = SignedDuration::from_secs(20);
    let ends = |pod: &std::sync::Arc<Object>| {
        let deletion = pod.deletion.filter(|_| pod.reference.kind == Kind::Pod)?;
        Some(deletion.later(SLACK))
    };
    let me = &object.reference;
    if me.kind == Kind::Namespace {
        return Box::new(snapshot.in_namespace(Kind::Pod, &me.name).filter_map(ends));
    }
    let children = snapshot.owned_by(me);
    Box::new(children.flat_map(move |child| {
        let grandchildren = snapshot.owned_by(&child.reference).filter_map(ends);
        ends(child).into_iter().chain(grandchildren)
    }))
}

fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.kind == kind)
}

fn deployment(triage: &Triage<'_>, object: &Object, out: &mut Vec<Opened>) {
    let Some(Ok(it)) = triage.snapshot.decode::<Deployment>(&object.reference) else {
        return;
    };
    if it.spec.paused || it.spec.replicas == Some(0) || object.deletion.is_some() {
        return;
    }
    // Its ReplicaSet says more, where it was read.
    let is_alone = || triage.snapshot.owned_by(&object.reference).next().is_none();
    if find(&it.status.conditions, "ReplicaFailure").is_some_and(Condition::is_true) && is_alone() {
        let wanted = it.spec.replicas.unwrap_or(1);
        not_created(triage, object, wanted, it.status.replicas, &it.status, out);
    }
    if object.partial && unavailable_alone(triage, object) {
        let word = format!("0 of {} ready", it.spec.replicas.unwrap_or(1));
        let episode =
            Episode::new(object.reference.clone(), Symptom::RolloutStuck, word).since(object.created);
        out.push(episode.into());
        return;
    }
    out.extend(short_alone(triage, object));
    if let Some(progress) =
        find(&it.status.conditions, "Progressing").filter(|condition| condition.is_false())
    {
        // Without its ReplicaSet no pod can be made.
        let symptom = if progress.reason == "ReplicaSetCreateError" {
            Symptom::PodsNotCreated
        } else {
            Symptom::RolloutStuck
        };
        let episode = Episode::new(object.reference.clone(), symptom, &progress.reason)
            .since(progress.last_transition_time.0);
        out.push(episode.into());
    }
}

/// The text shows something of a workload's pods, which tells more than how many there are.
fn shows_pods(triage: &Triage<'_>) -> bool {
    let mut objects = triage.snapshot.objects();
    objects.any(|it| matches!(it.reference.kind, Kind::Pod | Kind::ReplicaSet | Kind::Event))
}

/// A row of a table says that some of a workload's pods are not ready, and nothing is shown of the pods themselves. While
/// it changes its pods that may be part of the change: no alarm, and no clean bill.
fn short_alone(triage: &Triage<'_>, object: &Object) -> Option<Opened> {
    let young = triage.age(object).is_none_or(|age| age < PROGRESS_PATIENCE);
    if !object.partial || young || shows_pods(triage) {
        return None;
    }
    let it = object.encoded.decode::<serde_json::Value>().ok()?;
    let wanted = it["spec"]["replicas"].as_i64()?;
    let ready = it["status"]["readyReplicas"].as_i64()?;
    if ready >= wanted || ready < 0 {
        return None;
    }
    let changes = it["status"]["updatedReplicas"]
        .as_i64()
        .is_some_and(|updated| updated < wanted);
    let word = format!("{ready} of {} ready", count(wanted, "pod"));
    let episode = Episode::new(object.reference.clone(), Symptom::RolloutStuck, word);
    let severity = if changes {
        Severity::Info
    } else {
        Severity::Warning
    };
    Some(Opened::from(episode.since(object.created)).unexplained(severity))
}

/// A row of a table says that none of a deployment's pods is ready, and nothing is shown of the pods themselves.
fn unavailable_alone(triage: &Triage<'_>, object: &Object) -> bool {
    let young = triage.age(object).is_some_and(|age| age < PROGRESS_PATIENCE);
    let number =
        |value: &serde_json::Value, pointer: &str| value.pointer(pointer).and_then(serde_json::Value::as_i64);
    !young
        && !shows_pods(triage)
        && object.encoded.decode::<serde_json::Value>().is_ok_and(|it| {
            number(&it, "/status/readyReplicas") == Some(0)
                && number(&it, "/spec/replicas").is_some_and(|wanted| wanted > 0)
        })
}

fn creates_pods(triage: &Triage<'_>, object: &Object, out: &mut Vec<Opened>) {
    let (wanted, have, status) = match object.reference.kind {
        Kind::StatefulSet => {
            let Some(Ok(it)) = triage.snapshot.decode::<StatefulSet>(&object.reference) else {
                return;
            };
            (it.spec.replicas.unwrap_or(1), it.status.replicas, it.status)
        }
        Kind::DaemonSet => {
            let Some(Ok(it)) = triage.snapshot.decode::<DaemonSet>(&object.reference) else {
                return;
            };
            (
                it.status.desired_number_scheduled,
                it.status.current_number_scheduled,
                it.status,
            )
        }
        _ => {
            let Some(Ok(it)) = triage.snapshot.decode::<ReplicaSet>(&object.reference) else {
                return;
            };
            (it.spec.replicas.unwrap_or(1), it.status.replicas, it.status)
        }
    };
    if object.reference.kind == Kind::DaemonSet && object.partial && some_unready_alone(triage, object) {
        let word = format!("{} of {} ready", status.number_ready, count(wanted, "pod"));
        let episode =
            Episode::new(object.reference.clone(), Symptom::RolloutStuck, word).since(object.created);
        out.push(episode.into());
    }
    not_created(triage, object, wanted, have, &status, out);
}

/// A row of a table says that some of a daemon set's pods are not ready though all are of its present template, and
/// nothing is shown of the pods themselves.
fn some_unready_alone(triage: &Triage<'_>, object: &Object) -> bool {
    let young = triage.age(object).is_none_or(|age| age < PROGRESS_PATIENCE);
    let shows_pods = || {
        let mut objects = triage.snapshot.objects();
        objects.any(|it| matches!(it.reference.kind, Kind::Pod | Kind::Event))
    };
    object.encoded.decode::<serde_json::Value>().is_ok_and(|it| {
        let number = |field: &str| it["status"][field].as_i64();
        number("desiredNumberScheduled").is_some_and(|wanted| {
            number("numberReady").is_some_and(|ready| ready < wanted)
                && number("updatedNumberScheduled") == Some(wanted)
        })
    }) && !young
        && !shows_pods()
}

/// Fewer pods than wanted, and the controller says that it cannot create them.
fn not_created(
    triage: &Triage<'_>,
    object: &Object,
    wanted: i64,
    have: i64,
    status: &WorkloadStatus,
    out: &mut Vec<Opened>,
) {
    if have >= wanted || object.deletion.is_some() {
        return;
    }
    let failure = find(&status.conditions, "ReplicaFailure").filter(|condition| condition.is_true());
    let refused = triage
        .snapshot
        .events_about(&object.reference)
        .iter()
        .filter_map(|event| event.event())
        .filter(|event| event.reason.as_ref() == "FailedCreate")
        .filter_map(|event| {
            event
                .first
                .or(event.last)
                .map(Some)
                .unwrap_or(Some(jiff::Timestamp::UNIX_EPOCH))
        })
        .min();
    let silent_for_long = triage.age(object).is_some_and(|age| age > CREATE_PATIENCE)
        && matches!(
            object.reference.kind,
            Kind::ReplicaSet | Kind::ReplicationController
        )
        && have == 0;
    if failure.is_none() && refused.is_none() && !silent_for_long {
        return;
    }
    let since = failure
        .and_then(|condition| condition.last_transition_time.0)
        .or(refused.filter(|time| *time != jiff::Timestamp::UNIX_EPOCH))
        .or(object.created);
    let word = format!("{have} of {} created", count(wanted, "pod"));
    out.push(
        Episode::new(object.reference.clone(), Symptom::PodsNotCreated, word)
            .since(since)
            .into(),
    );
}

fn job(triage: &Triage<'_>, object: &Object, out: &mut Vec<Opened>) {
    let Some(Ok(it)) = triage.snapshot.decode::<Job>(&object.reference) else {
        return;
    };
    if let Some(failed) = find(&it.status.conditions, "Failed").filter(|condition| condition.is_true()) {
        let since = failed.last_transition_time.0;
        // A table tells no reason.
        let word = Some(failed.reason.as_str())
            .filter(|it| !it.is_empty())
            .unwrap_or("Failed");
        let mut episode = Episode::new(object.reference.clone(), Symptom::JobFailed, word).since(since);
        episode.ended = made_good(triage, object, since);
        out.push(episode.into());
        return;
    }
    let done = find(&it.status.conditions, "Complete").is_some_and(Condition::is_true);
    if done || it.spec.suspend {
        return;
    }
    let wanted = it.spec.parallelism.unwrap_or(1).min(
        it.spec
            .completions
            .unwrap_or(i64::MAX)
            .saturating_sub(it.status.succeeded),
    );
    let status = WorkloadStatus::default();
    not_created(triage, object, wanted, it.status.active, &status, out);
    if let Some(kept) = kept_running(triage.snapshot, &object.reference) {
        let long = triage.elapsed(kept.ended).is_some_and(|age| age > KEPT_PATIENCE);
        if long {
            let episode = Episode::new(object.reference.clone(), Symptom::JobFailed, "not complete");
            out.push(Opened::from(episode.since(kept.ended)));
        }
    }
}

/// Who names a Job is told sooner that a container runs on beside the one that is done.
fn kept_young(triage: &Triage<'_>, object: &Object, out: &mut Vec<Opened>) {
    if object.reference.kind != Kind::Job {
        return;
    }
    let Some(kept) = kept_running(triage.snapshot, &object.reference) else {
        return;
    };
    let age = triage.elapsed(kept.ended);
    if age.is_some_and(|age| age > NAMED_PATIENCE && age <= KEPT_PATIENCE) {
        let episode = Episode::new(object.reference.clone(), Symptom::JobFailed, "not complete");
        out.push(Opened {
            told: super::Told::WithItsCause,
            ..episode.since(kept.ended).into()
        });
    }
}

/// A container that is asked to end by the other one does so within this. A guess.
const NAMED_PATIENCE: SignedDuration = SignedDuration::from_secs(30);

/// Containers of one pod may do their work side by side; one that goes on so long after the other is asked about. A guess.
pub(crate) const KEPT_PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// A pod of a Job of which one container has done its work and another runs on.
pub(crate) struct KeptRunning {
    pub(crate) pod: ObjectRef,
    pub(crate) done: String,
    pub(crate) ended: Option<Timestamp>,
    pub(crate) running: String,
}

/// The first such pod: a Job is complete when all containers of its pods have ended, sidecars among the containers too.
pub(crate) fn kept_running(snapshot: &Snapshot, job: &ObjectRef) -> Option<KeptRunning> {
    snapshot.owned_by(job).find_map(|object| {
        let pod = object
            .pod()
            .filter(|it| !it.is_terminal() && object.deletion.is_none())?;
        let main = || pod.containers.iter().filter(|it| it.role == ContainerRole::Main);
        let mut running = main().filter(|it| matches!(it.state, ContainerState::Running { .. }));
        let (one, others) = (running.next()?, running.next());
        let mut ended = main().filter(|it| it.name != one.name);
        // Only one is left, and all others have done well.
        if others.is_some() || !ended.clone().all(|it| it.state.ended_well()) {
            return None;
        }
        let done = ended.next()?;
        let last = main().filter_map(|it| match &it.state {
            ContainerState::Terminated { finished, .. } => *finished,
            _ => None,
        });
        Some(KeptRunning {
            pod: object.reference.clone(),
            done: done.name.to_string(),
            ended: last.max(),
            running: one.name.to_string(),
        })
    })
}

/// When a later run of the same CronJob succeeded.
pub(super) fn made_good(triage: &Triage<'_>, job: &Object, failed: Option<Timestamp>) -> Option<Timestamp> {
    let owner = &job.owner.as_ref()?.reference;
    if owner.kind != Kind::CronJob {
        return None;
    }
    // The status has it from 1.21 on.
    let told = triage
        .snapshot
        .view::<CronJob>(owner)
        .and_then(|it| it.status.last_successful_time.0);
    let seen = triage.snapshot.owned_by(owner).filter_map(|other| {
        let other: Job = other.encoded.decode().ok()?;
        find(&other.status.conditions, "Complete").filter(|it| it.is_true())?;
        other.status.completion_time.0
    });
    let last = seen.max().max(told)?;
    failed.is_none_or(|failed| last > failed).then_some(last)
}

/// A workload that does nothing because it was told so.
pub(super) fn at_rest(triage: &Triage<'_>, object: &Object, out: &mut Vec<Opened>) {
    let me = &object.reference;
    if object.deletion.is_some() {
        return;
    }
    service::waiting_for_address(triage, object, out);
    kept_young(triage, object, out);
    // Who asks for a service asks for what is behind it.
    for workload in service::behind(triage, object) {
        at_rest(triage, workload, out);
    }
    let word = match me.kind {
        Kind::Job => triage
            .snapshot
            .view::<Job>(me)
            .filter(|it| it.spec.suspend)
            .map(|_| "suspended"),
        Kind::CronJob => triage
            .snapshot
            .view::<CronJob>(me)
            .filter(|it| it.spec.suspend)
            .map(|_| "suspended"),
        Kind::Deployment => triage
            .snapshot
            .view::<Deployment>(me)
            .and_then(|it| match it.spec.replicas {
                Some(0) => Some("scaled to zero"),
                _ if it.spec.paused => Some("paused"),
                _ => None,
            }),
        Kind::StatefulSet | Kind::ReplicaSet | Kind::ReplicationController => triage
            .snapshot
            .view::<ReplicaSet>(me)
            .filter(|it| it.spec.replicas == Some(0))
            .map(|_| "scaled to zero"),
        Kind::Node => object.node().filter(|it| it.unschedulable).map(|_| "cordoned"),
        _ => None,
    };
    if let Some(word) = word {
        out.push(Episode::new(me.clone(), Symptom::AtRest, word).into());
    }
}

fn claim(triage: &Triage<'_>, object: &Object, out: &mut Vec<Opened>) {
    let Some(Ok(it)) = triage.snapshot.decode::<PersistentVolumeClaim>(&object.reference) else {
        return;
    };
    if object.deletion.is_some() {
        return;
    }
    match it.status.phase.as_str() {
        "Pending" => out.push(Opened::patient(
            Episode::new(object.reference.clone(), Symptom::ClaimNotBound, "Pending").since(object.created),
            object.created.map(|created| created.later(CLAIM_PATIENCE)),
        )),
        "Lost" => {
            out.push(
                Episode::new(object.reference.clone(), Symptom::ClaimNotBound, "Lost")
                    .since(object.created)
                    .into(),
            );
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use crate::testing::Scene;

    /// As a table has it, and a controller of somebody's own may write it.
    #[test]
    fn a_job_that_failed_without_a_reason_is_told() {
        let job = |kind: &str| {
            json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "import", "namespace": "shop"},
                "status": {"conditions": [{"type": kind, "status": "True"}]}})
        };
        let outcome = Scene::new().object(job("Failed")).diagnose();
        outcome.finds_only("ROL-JOB-UNKNOWN", Verdict::Unknown);
        Scene::new().object(job("Complete")).diagnose().is_calm();
    }
}
