//! What scales, schedules and guards workloads.

use crate::wording::count;
use jiff::{SignedDuration, Timestamp};
use sonde_grammar::Fact;
use sonde_grammar::fact::WorkloadFact;
use sonde_model::{Kind, Moment as _, ObjectRef};
use sonde_world::view::{Condition, CronJob, HorizontalPodAutoscaler, PodDisruptionBudget, StatefulSet};
use sonde_world::{Object, Snapshot};

use super::{Opened, Told, Triage};
use crate::{Episode, Symptom};

/// A StatefulSet starts its pods one after the other; one that is slow is reported after this. A guess.
pub(crate) const ORDINAL_PATIENCE: SignedDuration = SignedDuration::from_mins(10);
/// No set is larger; a hostile one may say so.
const ORDINALS_MAX: usize = 100_000;
/// An autoscaler needs a few rounds (15 seconds each) before its first metrics; a guess.
pub(crate) const METRICS_PATIENCE: SignedDuration = SignedDuration::from_mins(2);
/// So many changes of scale within the life of an event (an hour) may be a fight; a guess.
const RESCALES_MIN: i64 = 6;
/// A pod that a budget waits for is back within this time; a guess.
pub(crate) const RETURN_PATIENCE: SignedDuration = SignedDuration::from_mins(5);
/// A missed run that is older than this was made up for or noticed; a guess.
const MISSED_MEMORY: SignedDuration = SignedDuration::from_hours(24);

fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.kind == kind)
}

/// An ordered set that is not whole: one pod holds those behind it.
pub(super) fn stateful_set(triage: &Triage<'_>, object: &Object, out: &mut Vec<Opened>) {
    let Some(Ok(it)) = triage.snapshot.decode::<StatefulSet>(&object.reference) else {
        return;
    };
    let wanted = it.spec.replicas.unwrap_or(1);
    let ordered = it.spec.pod_management_policy != "Parallel";
    if object.deletion.is_some() || !ordered || it.status.ready_replicas >= wanted || it.status.replicas == 0
    {
        return;
    }
    let held = held_pod(triage.snapshot, &object.reference, &it);
    // A description does not tell how many are ready; the pods beside it do.
    if object.partial && held.is_none() {
        return;
    }
    // A rollout restarts one pod after the other: only one that stays so is a trouble.
    let since = triage
        .snapshot
        .owned_by(&object.reference)
        .chain(held.iter().map(|(_, pod)| pod))
        .filter_map(|pod| unready_since(pod))
        .min()
        .or(object.created);
    let word = format!("{} of {} ready", it.status.ready_replicas, count(wanted, "pod"));
    let mut opened = Opened::patient(
        Episode::new(object.reference.clone(), Symptom::RolloutStuck, word).since(since),
        since.map(|since| since.later(ORDINAL_PATIENCE)),
    );
    let young = |pod: &Object| unready_for(triage.now, pod).is_some_and(|time| time < ORDINAL_PATIENCE);
    if since.is_none() && held.is_some_and(|(_, pod)| young(&pod)) {
        opened.told = Told::WithItsCause;
    }
    out.push(opened);
}

/// The first pod of an ordered set that is seen not ready, with its ordinal.
pub(crate) fn held_pod(
    snapshot: &Snapshot,
    set: &ObjectRef,
    it: &StatefulSet,
) -> Option<(i64, std::sync::Arc<Object>)> {
    let start = it.spec.ordinals.as_ref().map_or(0, |it| it.start);
    let end = start.saturating_add(it.spec.replicas.unwrap_or(1));
    (start..end).take(ORDINALS_MAX).find_map(|ordinal| {
        let name = ObjectRef::new(Kind::Pod, &set.namespace, &format!("{}-{ordinal}", set.name));
        let pod = snapshot.get(&name)?;
        let unready = readiness(pod).map_or(!pod.partial, |it| !it.is_true());
        unready.then(|| (ordinal, pod.clone()))
    })
}

/// The condition that tells whether a pod is ready; a table tells only of its containers.
fn readiness(pod: &Object) -> Option<&Condition> {
    let columns = pod.pod()?;
    let of_containers = || columns.condition("ContainersReady").filter(|_| pod.partial);
    columns.condition("Ready").or_else(of_containers)
}

/// How long a pod has not been ready, as far as a time or its age tells.
pub(crate) fn unready_for(now: Option<Timestamp>, pod: &Object) -> Option<SignedDuration> {
    if readiness(pod).is_some_and(Condition::is_true) {
        return None;
    }
    let elapsed = now
        .zip(unready_since(pod))
        .map(|(now, since)| now.duration_since(since));
    elapsed.or(pod.age)
}

/// Since when a pod is not ready; `None` for one that is.
pub(crate) fn unready_since(pod: &Object) -> Option<Timestamp> {
    match readiness(pod) {
        Some(ready) if ready.is_true() => None,
        Some(ready) => ready.last_transition_time.0.max(pod.created),
        None => pod.created,
    }
}

/// A CronJob whose newest word is that it missed a run, or cannot read its schedule.
pub(super) fn cron_job(triage: &Triage<'_>, object: &Object, out: &mut Vec<Opened>) {
    let Some(Ok(it)) = triage.snapshot.decode::<CronJob>(&object.reference) else {
        return;
    };
    if it.spec.suspend || object.deletion.is_some() {
        return;
    }
    let trouble = triage
        .snapshot
        .events_about(&object.reference)
        .into_iter()
        .rev()
        .find_map(|event| {
            let event = event.event()?;
            let recent = triage.elapsed(event.last).is_none_or(|age| age < MISSED_MEMORY);
            // A run that began after the missed one shows that the schedule works again.
            let made_up = it
                .status
                .last_schedule_time
                .0
                .zip(event.last)
                .is_some_and(|(ran, missed)| ran > missed);
            let says = sonde_grammar::message::facts(&event.reason, &event.message);
            let missed = says.iter().any(|fact| match fact {
                Fact::Workload(WorkloadFact::MissedSchedule { .. }) => true,
                // The words quote the schedule or time zone that they are about: another was corrected since.
                Fact::Workload(WorkloadFact::InvalidSchedule { .. }) => {
                    let zone = it.spec.time_zone.as_deref().unwrap_or_default();
                    event.message.contains(it.spec.schedule.as_str())
                        || (!zone.is_empty() && event.message.contains(zone))
                        || !event.message.contains('"')
                }
                _ => false,
            });
            // Runs that are left out one after the other are left out since the first.
            (missed && recent && !made_up).then_some(event.first.or(event.last))
        });
    if let Some(since) = trouble {
        out.push(
            Episode::new(object.reference.clone(), Symptom::ScheduleMissed, "no run")
                .since(since)
                .into(),
        );
    }
}

/// An autoscaler that says that it cannot scale, or wants more than it may.
pub(super) fn autoscaler(triage: &Triage<'_>, object: &Object, out: &mut Vec<Opened>) {
    let Some(Ok(it)) = triage
        .snapshot
        .decode::<HorizontalPodAutoscaler>(&object.reference)
    else {
        return;
    };
    let conditions = &it.conditions();
    let blind =
        find(conditions, "ScalingActive").filter(|it| it.is_false() && it.reason != "ScalingDisabled");
    // Up to 1.11 an autoscaler that waits between two steps said that it is unable, too.
    let unable =
        find(conditions, "AbleToScale").filter(|it| it.is_false() && !it.reason.starts_with("Backoff"));
    // For minutes after somebody else set more pods, it "wants" that size because it steps down late.
    let limited = find(conditions, "ScalingLimited")
        .filter(|limited| limited.is_true() && limited.reason == "TooManyReplicas" && !it.is_content());
    if let Some(condition) = blind.or(unable).or(limited) {
        // Pods that were just started have no metrics yet.
        let from = object.created.max(condition.last_transition_time.0);
        // A description does not tell since when.
        let known = !object.partial || condition.last_transition_time.0.is_some();
        let patient_until = from.filter(|_| known).map(|from| from.later(METRICS_PATIENCE));
        out.push(Opened::patient(
            Episode::new(object.reference.clone(), Symptom::NotScaling, &condition.reason)
                .since(condition.last_transition_time.0),
            patient_until,
        ));
        return;
    }
    // A row of a table shows no conditions, but that no metric is known.
    let blind = object.partial && it.status.current_metrics.as_ref().is_some_and(Vec::is_empty);
    if blind && triage.age(object).is_none_or(|age| age > METRICS_PATIENCE) {
        let episode = Episode::new(object.reference.clone(), Symptom::NotScaling, "without metrics");
        out.push(episode.since(object.created).into());
        return;
    }
    // Everything looks well from inside while somebody else undoes each step.
    let rescales = triage
        .snapshot
        .events_about(&object.reference)
        .iter()
        .filter_map(|event| event.event())
        .filter(|event| event.reason.as_ref() == "SuccessfulRescale")
        .map(|event| event.count)
        .sum::<i64>();
    if rescales >= RESCALES_MIN {
        let episode = Episode::new(
            object.reference.clone(),
            Symptom::NotScaling,
            "rescaled again and again",
        );
        out.push(Opened {
            // Only a cause that sees who undoes it makes this worth a word.
            told: Told::WithItsCause,
            ..episode.into()
        });
    }
}

/// A budget without any disruption left matters when somebody wants one: a cordoned node with its pods on it.
pub(super) fn budget(triage: &Triage<'_>, object: &Object, out: &mut Vec<Opened>) {
    let Some(Ok(it)) = triage.snapshot.decode::<PodDisruptionBudget>(&object.reference) else {
        return;
    };
    if object.deletion.is_some() || it.status.disruptions_allowed > 0 || it.status.expected_pods == 0 {
        return;
    }
    if held_by_budget(triage.snapshot, &object.reference, &it).is_some() {
        // Pods that are on their way back end the hold by themselves.
        let back = it
            .spec
            .selector
            .iter()
            .flat_map(|selector| {
                triage
                    .snapshot
                    .pods_matching(&object.reference.namespace, selector)
            })
            .filter(|pod| pod.pod().is_some_and(|it| !it.is_terminal()))
            .filter_map(|pod| unready_since(pod))
            .max();
        out.push(Opened::patient(
            Episode::new(
                object.reference.clone(),
                Symptom::BudgetBlocks,
                "no disruption allowed",
            ),
            back.map(|back| back.later(RETURN_PATIENCE)),
        ));
    } else if lets_none_go(&it) && guards_known_pods(triage, &object.reference, &it) {
        let episode = Episode::new(
            object.reference.clone(),
            Symptom::BudgetBlocks,
            "no drain can pass",
        );
        out.push(Opened {
            told: super::Told::WithItsCause,
            ..episode.since(object.created).into()
        });
    }
}

fn guards_known_pods(triage: &Triage<'_>, budget: &ObjectRef, it: &PodDisruptionBudget) -> bool {
    it.spec.selector.as_ref().is_some_and(|selector| {
        let mut pods = triage.snapshot.pods_matching(&budget.namespace, selector);
        pods.any(|pod| pod.pod().is_some_and(|it| !it.is_terminal()))
    })
}

/// All pods are healthy and none may go: no drain of their nodes can ever pass.
pub(crate) fn lets_none_go(it: &PodDisruptionBudget) -> bool {
    let status = &it.status;
    status.disruptions_allowed == 0
        && status.expected_pods > 0
        && status.desired_healthy >= status.expected_pods
        && status.current_healthy >= status.expected_pods
}

/// A pod that the budget guards and that a drain of its cordoned node cannot evict, with the node.
pub(crate) fn held_by_budget(
    snapshot: &Snapshot,
    budget: &ObjectRef,
    it: &PodDisruptionBudget,
) -> Option<(ObjectRef, ObjectRef)> {
    let selector = it.spec.selector.as_ref()?;
    // A pod that is not ready may go, unless too few others are healthy (`IfHealthyBudget`, 1.26 on).
    let sick_may_go = it.spec.unhealthy_pod_eviction_policy == "AlwaysAllow"
        || it.status.current_healthy >= it.status.desired_healthy && it.status.desired_healthy > 0;
    snapshot
        .pods_matching(&budget.namespace, selector)
        .find_map(|pod| {
            let columns = pod.pod()?;
            let ready = columns.condition("Ready").is_some_and(Condition::is_true);
            if columns.is_terminal() || pod.deletion.is_some() || (!ready && sick_may_go) {
                return None;
            }
            let node = ObjectRef::cluster(Kind::Node, &columns.node);
            let cordoned = snapshot.get(&node)?.node()?.unschedulable;
            cordoned.then(|| (pod.reference.clone(), node))
        })
}
