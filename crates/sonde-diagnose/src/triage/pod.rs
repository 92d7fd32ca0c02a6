//! Pods.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sonde_grammar::message::is_rejection;
use sonde_model::{Kind, Moment as _, ObjectRef};
use sonde_world::{ContainerColumns, ContainerRole, ContainerState, Object, Phase, PodColumns};

use super::{Opened, Told, Triage, container};
use crate::{Episode, Symptom};

/// Kubelet and API server need a moment beyond the grace period; a guess.
const DELETION_SLACK: SignedDuration = SignedDuration::from_secs(20);
/// Most processes end within the default grace of 30 seconds; one that takes longer uses a grace made longer.
const LONG_GRACE: SignedDuration = SignedDuration::from_secs(45);
/// The grace of a pod that names none: a younger pod cannot have outlived it.
const DEFAULT_GRACE: SignedDuration = SignedDuration::from_secs(30);
/// A scheduler takes milliseconds; without a word from one for this long, something is wrong. A guess.
const SCHEDULING_SILENCE: SignedDuration = SignedDuration::from_secs(30);
/// Pulling, mounting and sandboxing usually take seconds; silence is reported after this. A guess.
const START_PATIENCE: SignedDuration = SignedDuration::from_secs(300);

/// A status that is being written may be seen half; a guess.
const LOST_PATIENCE: SignedDuration = SignedDuration::from_secs(60);
/// Controllers of load balancers set their readiness gates within a minute or two; a guess.
pub(crate) const GATE_PATIENCE: SignedDuration = SignedDuration::from_mins(2);

pub(super) fn look(triage: &Triage<'_>, object: &Object, out: &mut Vec<Opened>) {
    let Some(pod) = object.pod() else { return };
    let me = &object.reference;
    if let Some(deletion) = object.deletion {
        deleting(triage, object, deletion, out);
        return;
    }
    // The word of a table, where no clock tells more.
    if object.partial && pod.reason.as_ref() == "Terminating" {
        if is_alone(triage, object) && triage.age(object).is_none_or(|age| age > DEFAULT_GRACE) {
            out.push(Episode::new(me.clone(), Symptom::Deleting, "Terminating").into());
        }
        return;
    }
    match pod.phase {
        Phase::Succeeded => killed_children(object, pod, out),
        Phase::Failed => failed(triage, object, pod, out),
        _ if pod.phase == Phase::Unknown
            || pod.reason.as_ref() == "NodeLost"
            || node_is_silent(triage, pod) =>
        {
            let since = pod
                .condition("Ready")
                .and_then(|ready| ready.last_transition_time.0);
            // Nobody has ever taken it: it was bound by hand, and waits since it was made.
            let is_taken = pod.started.is_some() || !pod.conditions.is_empty() || object.partial;
            let (word, since) = match pod.phase {
                Phase::Unknown => ("Unknown", since),
                Phase::Pending if !is_taken => ("Pending", object.created),
                _ => ("NodeLost", since),
            };
            out.push(Episode::new(me.clone(), Symptom::Lost, word).since(since).into());
        }
        _ if pod.node.is_empty() && !started(pod) && !was_scheduled(object, pod) => {
            not_scheduled(triage, object, pod, out)
        }
        _ => bound(triage, object, pod, out),
    }
}

/// Within its grace a pod ends as planned, whatever its containers say meanwhile; only one that takes long over a long
/// grace is worth a look.
fn deleting(triage: &Triage<'_>, object: &Object, deletion: Timestamp, out: &mut Vec<Opened>) {
    let asked = deletion.earlier(SignedDuration::from_secs(object.deletion_grace.unwrap_or(0)));
    let episode = Episode::new(object.reference.clone(), Symptom::Deleting, "Terminating").since(Some(asked));
    let over = triage.now.is_none_or(|now| now > deletion.later(DELETION_SLACK));
    if over || triage.elapsed(Some(asked)).is_some_and(|age| age > LONG_GRACE) {
        out.push(Opened::patient(episode, Some(deletion.later(DELETION_SLACK))));
    }
}

/// Beside others a pod that ends may make way for the next; a row that was pasted alone is what somebody asks about.
fn is_alone(triage: &Triage<'_>, object: &Object) -> bool {
    triage
        .snapshot
        .objects()
        .all(|other| other.reference == object.reference)
}

fn node_is_silent(triage: &Triage<'_>, pod: &PodColumns) -> bool {
    let node = ObjectRef::cluster(Kind::Node, &pod.node);
    if pod.node.is_empty() {
        return false;
    }
    match triage.snapshot.get(&node).and_then(|object| object.node()) {
        Some(node) => node
            .conditions
            .iter()
            .any(|condition| condition.kind == "Ready" && condition.status == "Unknown"),
        None => triage.snapshot.is_absent(&node),
    }
}

fn started(pod: &PodColumns) -> bool {
    pod.containers
        .iter()
        .any(|it| it.state != ContainerState::Unknown || it.last != ContainerState::Unknown)
}

/// A part of a pod may not show its node, and show that it has one.
fn was_scheduled(object: &Object, pod: &PodColumns) -> bool {
    object.partial
        && pod
            .condition("PodScheduled")
            .is_some_and(|condition| condition.is_true())
}

/// A pod that is held back may lack more than what holds it: the next step would show it.
fn what_comes_next(object: &Object) -> Opened {
    let episode = Episode::new(object.reference.clone(), Symptom::NotYetStarted, "Pending");
    Opened {
        told: Told::WithItsCause,
        ..episode.into()
    }
}

fn not_scheduled(triage: &Triage<'_>, object: &Object, pod: &PodColumns, out: &mut Vec<Opened>) {
    let me = object.reference.clone();
    match pod.condition("PodScheduled") {
        Some(condition) if condition.is_false() => {
            let word = if condition.reason.is_empty() {
                "Pending"
            } else {
                &condition.reason
            };
            let since = condition.last_transition_time.0.or(object.created);
            out.push(Episode::new(me, Symptom::Unschedulable, word).since(since).into());
            out.push(what_comes_next(object));
        }
        Some(_) => {}
        // A part of a pod may simply not show its node.
        None if object.partial => {
            let failed = triage.snapshot.events_about(&me).iter().any(|event| {
                event
                    .event()
                    .is_some_and(|it| it.reason.as_ref() == "FailedScheduling")
            });
            if failed || pod.phase == Phase::Pending {
                out.push(
                    Episode::new(me, Symptom::Unschedulable, "Pending")
                        .since(object.created)
                        .into(),
                );
            }
        }
        None => {
            let silent = triage
                .elapsed(object.created)
                .is_some_and(|age| age > SCHEDULING_SILENCE);
            if silent || triage.is_timeless(object) {
                let episode = Episode::new(me, Symptom::Unschedulable, "Pending").since(object.created);
                let told = if silent { Told::Always } else { Told::Timeless };
                out.push(Opened {
                    told,
                    ..episode.into()
                });
            }
        }
    }
}

fn failed(triage: &Triage<'_>, object: &Object, pod: &PodColumns, out: &mut Vec<Opened>) {
    let me = &object.reference;
    let ended = pod
        .containers
        .iter()
        .filter_map(|container| match &container.state {
            ContainerState::Terminated { finished, .. } => *finished,
            _ => None,
        })
        .max();
    let since = ended.or(pod.started).or(object.created);
    let reason = pod.reason.as_ref();
    let symptom = match reason {
        "Evicted" | "Preempting" | "Terminated" | "NodeShutdown" | "Shutdown" => Some(Symptom::Evicted),
        _ if is_rejection(reason) => Some(Symptom::Rejected),
        _ => None,
    };
    if let Some(symptom) = symptom {
        let mut episode = Episode::new(me.clone(), symptom, reason).since(since);
        let in_a_row = times_in_a_row(triage, object);
        if in_a_row >= REPEATED {
            episode.repeated = in_a_row;
        } else if container::replaced(triage, object) {
            // The kubelet never deletes such a pod; its controller has long made another.
            episode.ended = since;
        }
        out.push(episode.into());
        return;
    }
    container::failed_containers(triage, object, pod, out);
}

/// So many replacements that met the same fate are no accident; a guess.
const REPEATED: usize = 3;
/// What happened longer ago is over; a guess.
const MEMORY: SignedDuration = SignedDuration::from_hours(1);

/// Reason and message of a pod that was evicted or refused, up to the first figure: what differs from one time to the
/// next comes after it.
pub(super) type Fate = (String, String);

/// How many pods of one owner, each made after the one before was gone, were refused or evicted for the same reason
/// within the hour. Many pods that go at once count once.
fn times_in_a_row(triage: &Triage<'_>, object: &Object) -> usize {
    let Some(owner) = &object.owner else { return 0 };
    let Some(fate) = fate(object) else { return 0 };
    let mut fates = triage.fates.borrow_mut();
    // Each pod of the owner is decoded once, however many of them ask.
    let of_owner = fates
        .entry(owner.reference.clone())
        .or_insert_with(|| rows_of(triage, &owner.reference));
    of_owner.get(&fate).copied().unwrap_or(0)
}

/// The lengths of the rows of all pods of an owner, by what befell them.
fn rows_of(triage: &Triage<'_>, owner: &ObjectRef) -> BTreeMap<Fate, usize> {
    let mut lives: BTreeMap<Fate, Vec<(Timestamp, Timestamp)>> = BTreeMap::new();
    for pod in triage.snapshot.owned_by(owner) {
        let Some((columns, made)) = pod.pod().filter(|it| it.phase == Phase::Failed).zip(pod.created) else {
            continue;
        };
        let recent = triage.elapsed(Some(made)).is_none_or(|age| age < MEMORY);
        if let Some(fate) = fate(pod).filter(|_| recent) {
            lives
                .entry(fate)
                .or_default()
                .push((made, gone(columns).unwrap_or(made)));
        }
    }
    lives
        .into_iter()
        .map(|(fate, lives)| (fate, longest_row(lives)))
        .collect()
}

fn longest_row(mut lives: Vec<(Timestamp, Timestamp)>) -> usize {
    lives.sort_unstable();
    let mut count: usize = 0;
    let mut free_from = Timestamp::MIN;
    for (made, gone) in lives {
        // Clocks tell seconds: the replacement may be made in the same one.
        if made >= free_from {
            count += 1;
            free_from = gone.max(made.later(SignedDuration::from_secs(1)));
        }
    }
    count
}

/// When a pod that was evicted or refused was gone.
fn gone(pod: &PodColumns) -> Option<Timestamp> {
    let finished = pod
        .containers
        .iter()
        .filter_map(|container| match &container.state {
            ContainerState::Terminated { finished, .. } => *finished,
            _ => None,
        });
    let disrupted = pod
        .condition("DisruptionTarget")
        .and_then(|it| it.last_transition_time.0);
    disrupted.or(finished.min()).or(pod.started)
}

fn fate(object: &Object) -> Option<Fate> {
    let status = object.encoded.decode::<sonde_world::view::Pod>().ok()?.status;
    let words = status
        .message
        .split(|letter: char| letter.is_ascii_digit())
        .next()
        .unwrap_or_default();
    Some((status.reason.to_string(), words.to_owned()))
}

/// A container that ended well although the kernel killed one of its processes: `OOMKilled` with exit code 0.
fn killed_children(object: &Object, pod: &PodColumns, out: &mut Vec<Opened>) {
    for it in &pod.containers {
        if let ContainerState::Terminated { reason, .. } = &it.state
            && reason.as_ref() == "OOMKilled"
        {
            out.extend(container::terminated_now(object, it));
        }
    }
}

fn bound(triage: &Triage<'_>, object: &Object, pod: &PodColumns, out: &mut Vec<Opened>) {
    if !anything_ran(pod) && waits_to_start(pod) {
        match container::newest_step_is_pull(triage, object, None) {
            Some(Some(name)) if pod.container(&name).is_some() => {
                let since = pod.started.or(object.created);
                container::image_pull_in_the_way(triage, object, &name, since, out);
            }
            _ => not_starting(triage, object, pod, out),
        }
        return;
    }
    let before = out.len();
    for it in &pod.containers {
        container::look(triage, object, pod, it, out);
        if blocks(it) {
            if out[before..].iter().any(|opened| opened.told == Told::Always) {
                out.push(what_comes_next(object));
            }
            return;
        }
    }
    let all_ready = pod
        .containers
        .iter()
        .filter(|it| it.role == ContainerRole::Main)
        .all(|it| it.ready);
    let ready = pod.condition("Ready");
    // A kubelet counts a pod as ready together with its containers; the control plane takes that back when it hears
    // nothing of the node. Where the node itself can be looked at, it tells so.
    if let Some(ready) = ready.filter(|it| !it.is_true() && all_ready && !pod.containers.is_empty())
        && ready.reason != "ReadinessGatesNotReady"
        && pod.containers.iter().any(|it| it.role == ContainerRole::Main)
        && triage
            .snapshot
            .get(&ObjectRef::cluster(Kind::Node, &pod.node))
            .is_none()
        && !object.partial
    {
        let since = ready.last_transition_time.0;
        out.push(Opened::patient(
            Episode::new(object.reference.clone(), Symptom::Lost, "NotReady").since(since),
            since.map(|since| since.later(LOST_PATIENCE)),
        ));
        return;
    }
    if let Some(ready) = ready.filter(|ready| ready.is_false() && all_ready && !pod.containers.is_empty()) {
        let since = ready.last_transition_time.0;
        let episode = Episode::new(object.reference.clone(), Symptom::NotReady, "NotReady").since(since);
        if ready.reason == "ReadinessGatesNotReady" {
            out.push(Opened::patient(
                episode,
                since.map(|since| since.later(GATE_PATIENCE)),
            ));
        } else if ready.reason.is_empty() && object.partial {
            // A description shows no reasons; the gates that it shows may tell.
            out.push(Opened {
                told: Told::WithItsCause,
                ..episode.into()
            });
        }
    }
}

/// An init container that has not ended well holds everything behind it; a sidecar until it has started.
fn blocks(container: &ContainerColumns) -> bool {
    match container.role {
        ContainerRole::Main => false,
        ContainerRole::Init => !container.state.ended_well(),
        ContainerRole::Sidecar => {
            !matches!(container.state, ContainerState::Running { .. }) || container.started == Some(false)
        }
    }
}

fn anything_ran(pod: &PodColumns) -> bool {
    pod.containers.iter().any(|container| {
        matches!(
            container.state,
            ContainerState::Running { .. } | ContainerState::Terminated { .. }
        ) || matches!(container.last, ContainerState::Terminated { .. })
    })
}

fn waits_to_start(pod: &PodColumns) -> bool {
    pod.containers.iter().all(|container| match &container.state {
        ContainerState::Waiting { reason } => {
            matches!(reason.as_ref(), "" | "ContainerCreating" | "PodInitializing")
        }
        state => *state == ContainerState::Unknown,
    })
}

/// A volume or a network may come a moment late, with a warning or two; who still warns after this is not just slow. A
/// guess.
const COMPLAINT_PATIENCE: SignedDuration = SignedDuration::from_secs(90);

/// From when a start that fails again and again is told, whether or not its words are known.
fn complained_since(triage: &Triage<'_>, object: &Object) -> Option<Timestamp> {
    let events = triage.snapshot.events_about(&object.reference);
    let complaints = events
        .iter()
        .filter_map(|event| event.event())
        .filter(|event| event.warning);
    let repeated = complaints.filter(|event| event.count > 1);
    repeated
        .filter_map(|event| {
            let told = event.first?.later(COMPLAINT_PATIENCE);
            (event.last? >= told).then_some(told)
        })
        .min()
}

fn not_starting(triage: &Triage<'_>, object: &Object, pod: &PodColumns, out: &mut Vec<Opened>) {
    // A part of a pod without any container says nothing about starting.
    let shows = |it: &ContainerColumns| it.state != ContainerState::Unknown;
    let silent = triage.snapshot.events_about(&object.reference).is_empty();
    if object.partial
        && pod.phase != Phase::Pending
        && (pod.containers.is_empty() || silent && !pod.containers.iter().any(shows))
    {
        return;
    }
    let scheduled = pod
        .condition("PodScheduled")
        .and_then(|condition| condition.last_transition_time.0);
    let since = pod.started.or(scheduled).or(object.created);
    // A table says that init containers have not ended, and not what they wait for.
    let unnamed = |it: &ContainerColumns| it.role == ContainerRole::Init && it.name.is_empty();
    if object.partial && silent && pod.containers.iter().any(unnamed) {
        out.push(container::init_goes_on(object, since));
        return;
    }
    let complained = complained_since(triage, object);
    let patience = since.map(|since| since.later(START_PATIENCE));
    out.push(Opened::patient(
        Episode::new(
            object.reference.clone(),
            Symptom::NotStarting,
            "ContainerCreating",
        )
        .since(since),
        patience.map(|until| until.min(complained.unwrap_or(until))),
    ));
    if triage.elapsed(since).is_none_or(|age| age > START_PATIENCE) {
        out.push(what_comes_next(object));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, merge, pod};

    /// A pod that has been about to start since two and a half minutes, and a warning of it in words that nobody knows.
    fn scene(count: i64, first: &str, last: &str) -> Scene {
        let mut starting = pod(
            json!({"status": {"phase": "Pending", "startTime": "2026-03-01T11:57:30Z",
            "containerStatuses": [{"name": "app", "ready": false, "restartCount": 0,
                "state": {"waiting": {"reason": "ContainerCreating"}}}]}}),
        );
        merge(
            &mut starting,
            json!({"metadata": {"creationTimestamp": "2026-03-01T11:57:30Z"}}),
        );
        merge(&mut starting, json!({"status": {"conditions": Value::Null}}));
        Scene::new().object(starting).object(json!({"apiVersion": "v1", "kind": "Event",
            "metadata": {"name": "e1", "namespace": "shop"},
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "app-1"},
            "reason": "FailedCreatePodSandBox", "type": "Warning",
            "message": "Failed to create pod sandbox: the flux capacitor is not charged",
            "firstTimestamp": first, "lastTimestamp": last, "count": count, "source": {"component": "kubelet"}}))
    }

    #[test]
    fn a_start_that_fails_again_and_again_is_told_in_words_that_nobody_knows() {
        let outcome = scene(11, "2026-03-01T11:57:31Z", "2026-03-01T11:59:50Z").diagnose();
        let finding = outcome.finds_only("CRE-NOT-STARTING-UNKNOWN", Verdict::Unknown);
        assert!(
            finding.headline.contains("the flux capacitor is not charged"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn a_warning_or_two_at_the_beginning_are_not() {
        scene(1, "2026-03-01T11:59:50Z", "2026-03-01T11:59:50Z")
            .diagnose()
            .is_calm();
        scene(3, "2026-03-01T11:57:31Z", "2026-03-01T11:58:01Z")
            .diagnose()
            .is_calm();
    }
}
