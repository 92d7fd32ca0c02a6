//! What scales, schedules and guards workloads.

use jiff::SignedDuration;
use sonde_grammar::Fact;
use sonde_grammar::fact::WorkloadFact;
use sonde_model::{Kind, ObjectRef};
use sonde_world::Object;
use sonde_world::view::{Condition, CronJob, HorizontalPodAutoscaler, PodDisruptionBudget, StatefulSet};

use super::{Opened, Told, Triage};
use crate::{Episode, Symptom};

/// A StatefulSet starts its pods one after the other; one that is slow is reported after this. A guess.
const ORDINAL_PATIENCE: SignedDuration = SignedDuration::from_mins(10);
/// An autoscaler needs a few rounds (15 seconds each) before its first metrics; a guess.
/// So many changes of scale within the life of an event (an hour) may be a fight; a guess.
const RESCALES_MIN: i64 = 6;
const METRICS_PATIENCE: SignedDuration = SignedDuration::from_mins(2);
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
    let word = format!("{} of {wanted} pods ready", it.status.ready_replicas);
    out.push(Opened::patient(
        Episode::new(object.reference.clone(), Symptom::RolloutStuck, word).since(object.created),
        object.created.map(|created| created + ORDINAL_PATIENCE),
    ));
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
            let missed = says.iter().any(|fact| {
                matches!(
                    fact,
                    Fact::Workload(
                        WorkloadFact::MissedSchedule { .. } | WorkloadFact::InvalidSchedule { .. }
                    )
                )
            });
            (missed && recent && !made_up).then_some(event.last)
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
    let conditions = &it.status.conditions;
    let blind =
        find(conditions, "ScalingActive").filter(|it| it.is_false() && it.reason != "ScalingDisabled");
    let unable = find(conditions, "AbleToScale").filter(|it| it.is_false());
    let limited =
        find(conditions, "ScalingLimited").filter(|it| it.is_true() && it.reason == "TooManyReplicas");
    let patient_until = object.created.map(|created| created + METRICS_PATIENCE);
    if let Some(condition) = blind.or(unable).or(limited) {
        out.push(Opened::patient(
            Episode::new(object.reference.clone(), Symptom::NotScaling, &condition.reason)
                .since(condition.last_transition_time.0),
            patient_until,
        ));
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
    if it.status.disruptions_allowed > 0 || it.status.expected_pods == 0 {
        return;
    }
    let Some(selector) = &it.spec.selector else { return };
    let held = triage
        .snapshot
        .pods_matching(&object.reference.namespace, selector)
        .any(|pod| {
            pod.pod().is_some_and(|columns| {
                let node = ObjectRef::cluster(Kind::Node, &columns.node);
                triage
                    .snapshot
                    .get(&node)
                    .and_then(|it| it.node())
                    .is_some_and(|node| node.unschedulable)
            })
        });
    if held {
        out.push(
            Episode::new(
                object.reference.clone(),
                Symptom::BudgetBlocks,
                "no disruption allowed",
            )
            .into(),
        );
    }
}
