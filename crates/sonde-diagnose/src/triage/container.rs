//! The containers of a pod that is bound to a node.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sonde_grammar::Fact;
use sonde_grammar::fact::{ProbeKind, ProbeOutcome, PullFact};
use sonde_grammar::log::NodeLog;
use sonde_model::{Kind, Moment as _, Severity};
use sonde_world::view::{Deployment, Job, Pod, ReplicaSet, StatefulSet};
use sonde_world::{ContainerColumns, ContainerRole, ContainerState, Object, PodColumns};

use super::{Opened, Told, Triage, young};
use crate::probing::flapping::{AT_TIMES, Failures};
use crate::{Episode, Symptom};

/// The kubelet forgets the restart back-off of a container that ran this long (`kubelet.go`, `MaxContainerBackOff` times two).
const STABLE: SignedDuration = SignedDuration::from_mins(10);
/// A container that fails at its start does so within seconds; a guess.
const SETTLED_LEAST: SignedDuration = SignedDuration::from_secs(30);
/// A trouble that is over is worth a word for this long; a guess.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);
/// Init containers may work for long; one without a known trouble is reported after this. A guess.
const INIT_PATIENCE: SignedDuration = SignedDuration::from_mins(5);
/// The kubelet reports a probe's change within its sync period of ten seconds.
const PROBE_SLACK: i64 = 10;

/// Waiting reasons that say that an image is not there.
pub(crate) const IMAGE_REASONS: &[&str] = &[
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

pub(super) fn look(
    triage: &Triage<'_>,
    object: &Object,
    pod: &PodColumns,
    container: &ContainerColumns,
    out: &mut Vec<Opened>,
) {
    let me = object.reference.clone();
    let name = container.name.as_ref();
    let since = pod.started.or(object.created);
    match &container.state {
        ContainerState::Waiting { reason } => match reason.as_ref() {
            "" | "ContainerCreating" | "PodInitializing" => {
                // Between two runs the status shows the next one being created.
                if matches!(container.last, ContainerState::Terminated { .. }) {
                    out.extend(terminated(object, container, reason));
                } else {
                    image_pull_in_the_way(triage, object, name, since, out);
                }
            }
            "CrashLoopBackOff" => {
                let run = terminated(object, container, reason);
                // A table or a cut text does not show how the last run ended.
                let unseen = run.is_none() && object.partial;
                out.extend(run);
                out.extend(unseen.then(|| {
                    Episode::new(me, Symptom::Terminated, &**reason)
                        .of_container(name)
                        .since(since)
                        .into()
                }));
                out.extend(failed_pre_stop(triage, object, container));
            }
            "PostStartHookError" => {
                out.push(
                    Episode::new(me, Symptom::HookFailed, &**reason)
                        .of_container(name)
                        .since(since)
                        .into(),
                );
            }
            word => {
                let image = IMAGE_REASONS.contains(&word);
                let symptom = if image {
                    Symptom::ImageNotPulled
                } else {
                    Symptom::ContainerNotCreated
                };
                out.push(
                    Episode::new(me, symptom, word)
                        .of_container(name)
                        .since(since)
                        .into(),
                );
            }
        },
        state @ ContainerState::Terminated { .. } => {
            // A part of a pod may not show the policy; that a container was started again does.
            let restarts_always = pod
                .restarts_always
                .unwrap_or(!object.partial || container.restarts > 0);
            let may_end = container.role == ContainerRole::Init || !restarts_always;
            if !(state.ended_well() && may_end) {
                out.extend(terminated(object, container, "Terminated"));
            }
        }
        ContainerState::Running { since } => running(triage, object, container, *since, out),
        // A few pasted lines may show only how the last run ended.
        ContainerState::Unknown => {
            if container.last.ended_badly() && object.partial {
                out.extend(terminated(object, container, "Restarting"));
            }
        }
    }
}

/// The container whose image is being pulled, or pulled in vain, as the newest step towards a start; `None` where the
/// newest is another: a sandbox that fails, a volume, an image that came.
pub(super) fn newest_step_is_pull(
    triage: &Triage<'_>,
    object: &Object,
    wanted: Option<&str>,
) -> Option<Option<Arc<str>>> {
    for event in triage.snapshot.events_about(&object.reference).iter().rev() {
        let Some(event) = event.event() else { continue };
        let named = event.container.as_deref();
        if wanted.is_some_and(|wanted| named.is_some_and(|named| named != wanted)) {
            continue;
        }
        if event.reason.as_ref() == "Pulled" || (event.warning && event.reason.starts_with("Failed")) {
            let says = sonde_grammar::message::facts(&event.reason, &event.message);
            let pull_failed = says.iter().any(|fact| {
                matches!(
                    fact,
                    Fact::Pull(PullFact::Failed { .. } | PullFact::BackOff { .. })
                )
            });
            return pull_failed.then(|| event.container.clone());
        }
        if event.reason.as_ref() == "Pulling" {
            return Some(event.container.clone());
        }
    }
    None
}

/// A container that has never run and does not say why: a pull goes on, or fails without the status saying so yet.
pub(super) fn image_pull_in_the_way(
    triage: &Triage<'_>,
    object: &Object,
    name: &str,
    since: Option<Timestamp>,
    out: &mut Vec<Opened>,
) {
    if newest_step_is_pull(triage, object, Some(name)).is_some() {
        out.push(Opened::patient(
            Episode::new(
                object.reference.clone(),
                Symptom::ImageNotPulled,
                "ContainerCreating",
            )
            .of_container(name)
            .since(since),
            since.map(|since| since.later(INIT_PATIENCE)),
        ));
    }
}

/// How long a container must run after a restart before the trouble counts as over: longer than the run that ended.
fn settled_after(object: &Object, name: &str) -> SignedDuration {
    let last_run = object.encoded.decode::<Pod>().ok().and_then(|pod| {
        let (status, _) = pod.container_status(name)?;
        let end = status.last_state.terminated.as_ref()?;
        let start = end.started_at.0.filter(|start| start.as_second() > 0)?;
        Some(end.finished_at.0?.duration_since(start))
    });
    last_run.map_or(STABLE, |last_run| {
        last_run.saturating_add(last_run).clamp(SETTLED_LEAST, STABLE)
    })
}

fn running(
    triage: &Triage<'_>,
    object: &Object,
    container: &ContainerColumns,
    since: Option<Timestamp>,
    out: &mut Vec<Opened>,
) {
    let mut restarting = false;
    if let ContainerState::Terminated { finished, .. } = &container.last {
        let ended_badly = container.last.ended_badly() || container.restarts > 1;
        let remembered = triage.elapsed(*finished).is_none_or(|age| age < REMEMBERED);
        if ended_badly
            && remembered
            && let Some(mut opened) = terminated(object, container, "Restarting")
        {
            // Decoded only now: a healthy pod costs its columns.
            let stable = triage
                .elapsed(since)
                .is_some_and(|age| age > settled_after(object, &container.name));
            // Nothing in the text is newer than its present run, which is well: that is no clock, and no sign of trouble.
            let unclocked = object.partial && container.restarts <= 1 && triage.now == since;
            if (stable || unclocked) && container.ready {
                opened.episode.ended = since;
            } else {
                restarting = true;
                out.extend(failed_pre_stop(triage, object, container));
            }
            out.push(opened);
        }
    }
    if object.partial
        && container.last == ContainerState::Unknown
        && restarts_often(triage, object, container)
    {
        restarting = true;
        let word = format!("restarted {} times", container.restarts);
        let episode =
            Episode::new(object.reference.clone(), Symptom::Terminated, word).of_container(&container.name);
        out.push(Opened::from(episode).unexplained(Severity::Warning));
    }
    if !restarting {
        out.extend(killed_children(triage, object, &container.name));
        out.extend(broken_probe(triage, object, &container.name, since));
    }
    match container.role {
        ContainerRole::Init => {
            out.push(Opened::patient(
                Episode::new(object.reference.clone(), Symptom::InitBlocked, "Init")
                    .of_container(&container.name)
                    .since(since),
                since.map(|since| since.later(INIT_PATIENCE)),
            ));
        }
        ContainerRole::Sidecar
            if container.started == Some(false)
                && !restarting
                && over_budget(triage, object, container, since) =>
        {
            out.push(
                Episode::new(object.reference.clone(), Symptom::InitBlocked, "Init")
                    .of_container(&container.name)
                    .since(since)
                    .into(),
            );
        }
        _ if container.ready && !restarting => out.extend(comes_and_goes(triage, object, container, since)),
        _ if !container.ready && !restarting => {
            let told = if over_budget(triage, object, container, since) {
                Told::Always
            } else if triage.is_timeless(object) {
                Told::Timeless
            } else {
                return;
            };
            let not_ready_since = object
                .pod()
                .and_then(|pod| pod.condition("ContainersReady"))
                .and_then(|condition| condition.last_transition_time.0);
            let episode = Episode::new(object.reference.clone(), Symptom::NotReady, "NotReady")
                .of_container(&container.name)
                .since(not_ready_since.max(since));
            out.push(Opened {
                told,
                ..episode.into()
            });
        }
        _ => {}
    }
}

/// So many restarts, one within this time of the other, are no accident. Guesses.
const MANY: i64 = 5;
const OFTEN: SignedDuration = SignedDuration::from_hours(6);

/// A row of a table tells that a container that runs now was restarted again and again, and not long ago.
fn restarts_often(triage: &Triage<'_>, object: &Object, container: &ContainerColumns) -> bool {
    let Some(age) = triage.age(object).filter(|_| container.restarts >= MANY) else {
        return false;
    };
    let row = object.encoded.decode::<serde_json::Value>().unwrap_or_default();
    let last = row["metadata"]["restartAgeSeconds"].as_i64();
    age.as_secs() < OFTEN.as_secs().saturating_mul(container.restarts)
        && last.is_none_or(|seconds| seconds < OFTEN.as_secs())
}

/// A container that restarts, and whose preStop hook failed at its last end, or may have used up the grace period: a
/// trouble of its own beside the reason of the restart.
fn failed_pre_stop(triage: &Triage<'_>, object: &Object, container: &ContainerColumns) -> Option<Opened> {
    let mut opened = terminated(object, container, "FailedPreStopHook")?;
    opened.episode.symptom = Symptom::HookFailed;
    let events = triage.snapshot.events_about(&object.reference);
    let failed = events
        .iter()
        .rev()
        .filter_map(|event| event.event())
        .find(|event| {
            event.reason.as_ref() == "FailedPreStopHook"
                && event
                    .container
                    .as_deref()
                    .is_none_or(|it| it == container.name.as_ref())
                && triage.elapsed(event.last).is_none_or(|age| age < REMEMBERED)
        });
    match failed {
        // The event may be of an earlier run than the last.
        Some(event) => {
            opened.episode.since = event.first.or(event.last);
            opened.of_ended_run = false;
        }
        // No event tells of an overrun: only what proves it, or makes it likely, is worth a word.
        None if container.pre_stop && newest_end(container).is_some_and(|(_, code, _)| code == Some(137)) => {
            opened.told = Told::WithItsCause;
        }
        None => return None,
    }
    Some(opened)
}

/// A liveness or startup probe whose command the image lacks: many kubelets count that as unknown, so the container runs
/// on without the probe that was meant to watch it.
fn broken_probe(
    triage: &Triage<'_>,
    object: &Object,
    name: &str,
    since: Option<Timestamp>,
) -> Option<Opened> {
    let events = triage.snapshot.events_about(&object.reference);
    let broken = events.iter().rev().filter_map(|event| event.event()).find(|event| {
        event.reason.as_ref() == "Unhealthy"
            && event.container.as_deref().is_none_or(|it| it == name)
            && event.last.is_none_or(|last| since.is_none_or(|since| last >= since))
            && triage.elapsed(event.last).is_none_or(|age| age < REMEMBERED)
            && sonde_grammar::message::facts(&event.reason, &event.message).iter().any(|fact| {
                matches!(fact, Fact::Probe(it) if it.probe != ProbeKind::Readiness && matches!(it.outcome, ProbeOutcome::CommandMissing { .. }))
            })
    })?;
    let episode = Episode::new(object.reference.clone(), Symptom::Terminated, "Unhealthy")
        .of_container(name)
        .since(broken.first.or(broken.last));
    Some(episode.into())
}

/// A container that is ready at the moment, and was not again and again.
fn comes_and_goes(
    triage: &Triage<'_>,
    object: &Object,
    container: &ContainerColumns,
    since: Option<Timestamp>,
) -> Option<Opened> {
    if object.partial {
        return None;
    }
    let events = triage.snapshot.events_about(&object.reference);
    let name = container.name.as_ref();
    let mut failures = Failures::default();
    for event in events.iter().filter_map(|event| event.event()) {
        let of_run = event
            .last
            .is_some_and(|last| since.is_some_and(|since| last >= since));
        if event.reason.as_ref() == "Unhealthy"
            && event.message.starts_with("Readiness probe")
            && event.container.as_deref().is_none_or(|it| it == name)
            && of_run
        {
            failures.add(event.count, event.first, event.last);
        }
    }
    let (first, _) = failures.span?;
    // Decoded only now: a healthy pod costs its columns.
    let pod = object.encoded.decode::<Pod>().ok()?;
    let (spec, _) = pod.container(name)?;
    failures.come_and_go(spec, since, triage.now).then(|| Opened {
        told: Told::WithItsCause,
        ..Episode::new(object.reference.clone(), Symptom::NotReady, AT_TIMES)
            .of_container(name)
            .since(Some(first))
            .into()
    })
}

/// The kernel killed a process of the running container for memory: neither status nor events show it, only the
/// kernel's log or an agent.
fn killed_children(triage: &Triage<'_>, object: &Object, name: &str) -> Option<Opened> {
    if triage.texts.kernel.is_empty() && triage.texts.node.is_empty() {
        return None;
    }
    let pod = object.encoded.decode::<Pod>().ok()?;
    let id = &pod.container_status(name)?.0.container_id;
    let id = id.rsplit("://").next().filter(|id| !id.is_empty())?;
    let node = pod.spec.node_name.as_str();
    let of_kernel = triage.texts.kernel.get(node).into_iter().flatten();
    let of_kernel = of_kernel.filter_map(|line| {
        matches!(&line.fact, Fact::OomKill(kill) if kill.container_id().as_deref() == Some(id))
            .then_some(line.time)
    });
    let of_agent = triage.texts.node.get(node).into_iter().flatten();
    let of_agent = of_agent.filter_map(|line| {
        let ours = line.origin == NodeLog::Agent && line.container_id.as_deref() == Some(id);
        (ours && matches!(line.facts.first(), Some(Fact::OomKill(_)))).then_some(line.time)
    });
    let mut kills: Vec<_> = of_kernel.chain(of_agent).collect();
    kills.sort_unstable();
    let killed = *kills.last()?;
    let recent = triage.elapsed(killed).is_none_or(|age| age < REMEMBERED);
    // One after the other is one trouble.
    let first = kills
        .iter()
        .rev()
        .fold(killed, |since, kill| match (kill, since) {
            (Some(kill), Some(before)) if before.duration_since(*kill) < REMEMBERED => Some(*kill),
            _ => since,
        });
    let episode = Episode::new(object.reference.clone(), Symptom::Terminated, "child killed")
        .of_container(name)
        .since(first);
    recent.then(|| episode.into())
}

/// Init containers that have not ended, where the source shows no more.
pub(super) fn init_goes_on(object: &Object, since: Option<Timestamp>) -> Opened {
    Opened::patient(
        Episode::new(object.reference.clone(), Symptom::InitBlocked, "Init").since(since),
        since.map(|since| since.later(INIT_PATIENCE)),
    )
}

/// Whether a container that is not ready had the time that its own probes give it.
fn over_budget(
    triage: &Triage<'_>,
    object: &Object,
    container: &ContainerColumns,
    since: Option<Timestamp>,
) -> bool {
    // A table does not show since when a container runs, but how old its pod is.
    let Some(age) = triage.elapsed(since.or(object.created)).or(object.age) else {
        return true;
    };
    let Ok(pod) = object.encoded.decode::<Pod>() else {
        return true;
    };
    let Some((spec, _)) = pod.container(&container.name) else {
        return !object.partial || age > young::UNREADY;
    };
    let startup = spec
        .startup_probe
        .as_ref()
        .map_or(0, |probe| probe.budget_seconds().saturating_add(probe.timeout()));
    let readiness = spec
        .readiness_probe
        .as_ref()
        .map_or(0, |probe| probe.budget_seconds().saturating_add(probe.timeout()));
    // Once the startup probe has passed only the readiness probe's own budget counts.
    let budget = if container.started == Some(false) {
        startup
    } else {
        startup.max(readiness)
    };
    age.as_secs() > budget.saturating_add(PROBE_SLACK)
}

/// The containers of a pod that failed as a whole.
pub(super) fn failed_containers(
    triage: &Triage<'_>,
    object: &Object,
    pod: &PodColumns,
    out: &mut Vec<Opened>,
) {
    let over = replaced(triage, object);
    let before = out.len();
    for container in &pod.containers {
        if let ContainerState::Terminated { finished, .. } = &container.state
            && container.state.ended_badly()
            && let Some(mut opened) = terminated(object, container, "Error")
        {
            if over {
                opened.episode.ended = *finished;
            }
            out.push(opened);
        }
    }
    if out.len() == before && !over {
        let word = if pod.reason.is_empty() {
            "Failed"
        } else {
            pod.reason.as_ref()
        };
        let mut episode = Episode::new(object.reference.clone(), Symptom::Terminated, word);
        episode.since = pod.started.or(object.created);
        out.push(episode.into());
    }
}

/// The failed pod no longer matters: its controller has what it wants without it.
pub(super) fn replaced(triage: &Triage<'_>, object: &Object) -> bool {
    let Some(owner) = &object.owner else { return false };
    let owner = &owner.reference;
    let snapshot = triage.snapshot;
    match owner.kind {
        Kind::Job => snapshot.view::<Job>(owner).is_some_and(|job| {
            let has = |kind: &str| {
                job.status
                    .conditions
                    .iter()
                    .any(|it| it.kind == kind && it.is_true())
            };
            // A pod that had to make way for something else says nothing about the Job, which goes on with another.
            let made_way = object
                .pod()
                .and_then(|pod| pod.condition("DisruptionTarget"))
                .is_some_and(|it| it.is_true() && it.reason != "TerminationByKubelet");
            // A later run of the same CronJob has made it good.
            let later = || {
                let run = snapshot.get(owner)?;
                super::workload::made_good(triage, run, ended_at(object).or(object.created))
            };
            has("Complete") || later().is_some() || (made_way && job.status.active > 0 && !has("Failed"))
        }),
        Kind::ReplicaSet => snapshot.view::<ReplicaSet>(owner).is_some_and(|set| {
            let wanted = set.spec.replicas.unwrap_or(1);
            // An old revision that is scaled away, or a set that has all its pods ready.
            set.status.ready_replicas >= wanted && deployment_is_whole(triage, owner)
        }),
        Kind::StatefulSet => snapshot
            .view::<StatefulSet>(owner)
            .is_some_and(|set| set.status.ready_replicas >= set.spec.replicas.unwrap_or(1)),
        Kind::DaemonSet => snapshot
            .view::<sonde_world::view::DaemonSet>(owner)
            .is_some_and(|set| set.status.number_ready >= set.status.desired_number_scheduled),
        _ => false,
    }
}

fn ended_at(pod: &Object) -> Option<Timestamp> {
    let ends = pod.pod()?.containers.iter().filter_map(newest_end);
    ends.filter_map(|(_, _, time)| time).max()
}

fn deployment_is_whole(triage: &Triage<'_>, set: &sonde_model::ObjectRef) -> bool {
    let root = triage.snapshot.root_owner(set);
    root.kind != Kind::Deployment
        || triage
            .snapshot
            .view::<Deployment>(&root)
            .is_none_or(|it| it.status.ready_replicas >= it.spec.replicas.unwrap_or(1))
}

/// The episode of a container whose present state is terminated.
pub(super) fn terminated_now(object: &Object, container: &ContainerColumns) -> Option<Opened> {
    terminated(object, container, "Terminated")
}

/// How the newest run ended: the present state, else the one before the last restart.
fn newest_end(container: &ContainerColumns) -> Option<(&str, Option<i64>, Option<Timestamp>)> {
    [&container.state, &container.last]
        .into_iter()
        .find_map(|state| match state {
            ContainerState::Terminated {
                reason,
                exit_code,
                finished,
            } => Some((reason.as_ref(), *exit_code, *finished)),
            _ => None,
        })
}

/// The episode of the newest run that ended.
fn terminated(object: &Object, container: &ContainerColumns, word: &str) -> Option<Opened> {
    let (reason, _, finished) = newest_end(container)?;
    let symptom = if matches!(reason, "StartError" | "ContainerCannotRun") {
        Symptom::ContainerNotCreated
    } else {
        Symptom::Terminated
    };
    let word = match word {
        "Terminated" | "" | "ContainerCreating" | "PodInitializing" if container.restarts > 0 => {
            "CrashLoopBackOff"
        }
        "Terminated" if !reason.is_empty() => reason,
        word => word,
    };
    let since = finished.filter(|time| time.as_second() > 0).or(object.created);
    let mut opened = Opened::from(
        Episode::new(object.reference.clone(), symptom, word)
            .of_container(&container.name)
            .since(since),
    );
    opened.of_ended_run = true;
    Some(opened)
}
