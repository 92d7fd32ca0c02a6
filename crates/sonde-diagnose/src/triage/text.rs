//! Pasted lines that are about no known object.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use sonde_grammar::fact::{
    KillReason, NodeFact, ProbeKind, PullFact, RuntimeFact, VolumeFailure, WorkloadFact,
};
use sonde_grammar::log::{self, AppSign, Known, Standing};
use sonde_grammar::{Fact, message};
use sonde_model::{Kind, ObjectRef};
use sonde_world::EventColumns;

use super::{Opened, Told, Triage};
use crate::{Episode, Symptom};

/// The subject of lines that name none.
pub(crate) fn nameless() -> ObjectRef {
    ObjectRef::cluster(Kind::Other("Text".into()), "pasted")
}

pub(super) fn loose(triage: &Triage<'_>, out: &mut Vec<Opened>) {
    let mut opened = BTreeSet::new();
    for message in &triage.texts.loose {
        let subject = message.about.clone().unwrap_or_else(nameless);
        if triage.snapshot.get(&subject).is_some() {
            continue;
        }
        // A sandbox that lacks its own image is the sandbox' trouble, though a pull failed.
        let sandbox = message.facts.iter().any(|fact| matches!(fact, Fact::Sandbox(_)));
        let of_pull = |fact: &&Fact| !(sandbox && matches!(fact, Fact::Pull(_)));
        for symptom in message.facts.iter().filter(of_pull).filter_map(symptom_of) {
            if opened.insert((subject.clone(), symptom, message.container.clone())) {
                let mut episode = Episode::new(subject.clone(), symptom, word(symptom)).since(message.time);
                episode.container = message.container.as_deref().map(Into::into);
                out.push(episode.into());
            }
        }
    }
}

/// Kernel lines alone, without any object that they could be about: what was killed is all that is known. Beside
/// objects an unknown victim is a pod that is long gone.
pub(super) fn kernel_alone(triage: &Triage<'_>, out: &mut Vec<Opened>) {
    if triage.snapshot.of_kind(Kind::Pod).next().is_some() {
        return;
    }
    let mut opened = BTreeSet::new();
    for line in triage.texts.kernel.values().flatten() {
        let kill = match &line.fact {
            Fact::OomKill(kill) => kill,
            Fact::Node(NodeFact::ProcessFault { .. }) => {
                if opened.insert(Symptom::Terminated) {
                    let episode = Episode::new(nameless(), Symptom::Terminated, "ended by the kernel");
                    out.push(episode.since(line.time).into());
                }
                continue;
            }
            Fact::Node(alarm) if of_node(alarm) == Some(Symptom::NodePressure) => {
                if opened.insert(Symptom::NodePressure) {
                    let episode = Episode::new(nameless(), Symptom::NodePressure, "in the kernel's log");
                    out.push(episode.since(line.time).into());
                }
                continue;
            }
            _ => continue,
        };
        // A process of the runtime has not become the container's command yet.
        let prepares = kill
            .process
            .as_deref()
            .is_some_and(|name| name.starts_with("runc:["));
        let symptom = if prepares {
            Symptom::ContainerNotCreated
        } else {
            Symptom::Terminated
        };
        if opened.insert(symptom) {
            out.push(
                Episode::new(nameless(), symptom, word(symptom))
                    .since(line.time)
                    .into(),
            );
        }
    }
}

/// Logs alone, without any object that they could be of: what the application tells of itself is all that is known.
pub(super) fn logs_alone(triage: &Triage<'_>, out: &mut Vec<Opened>) {
    if triage
        .snapshot
        .objects()
        .any(|object| RUN_PODS.contains(&object.reference.kind))
    {
        return;
    }
    let others = !out.is_empty();
    let mut opened = BTreeSet::new();
    for (key, lines) in &triage.texts.container_logs {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        // What it listens on, waits for or was told is no trouble.
        let trouble = log::application(&lines).into_iter().find(|line| {
            let passes = matches!(
                line.sign,
                AppSign::Error { .. } | AppSign::Known(Known::EtcdSlowDisk)
            );
            let goes_on = passes && lines.len() - line.line > GOES_ON;
            let ends_it = match line.sign {
                AppSign::Error { .. } => line.standing == Standing::Decisive,
                _ => matches!(line.standing, Standing::Decisive | Standing::Last),
            };
            !line.calm
                && ends_it
                && !goes_on
                && !matches!(
                    line.sign,
                    AppSign::ListeningOn { .. }
                        | AppSign::Waiting { .. }
                        | AppSign::Signal { .. }
                        | AppSign::Finished
                )
        });
        // Beside a trouble that was understood, an error of no known kind is as a rule what follows from it.
        let trouble = trouble.filter(|line| !(others && matches!(line.sign, AppSign::Error { .. })));
        let Some(trouble) = trouble else { continue };
        let subject = if key.pod.is_empty() {
            nameless()
        } else {
            ObjectRef::new(Kind::Pod, &key.namespace, &key.pod)
        };
        // The log of a run before and the present one may tell of the same.
        if opened.insert((subject.clone(), key.container.clone())) {
            let mut episode =
                Episode::new(subject, Symptom::Terminated, "in trouble by its log").since(trouble.time);
            episode.container = Some(key.container.clone());
            // Only what a cause understands is worth a word: the lines may be those of a healthy program.
            out.push(Opened {
                told: Told::WithItsCause,
                ..episode.into()
            });
        }
    }
}

/// A program that says so many lines after an error of no known kind has survived it. A guess.
const GOES_ON: usize = 20;

/// Kinds that run pods: beside one of these an event of an unknown pod is of one that is long gone.
const RUN_PODS: &[Kind] = &[
    Kind::Pod,
    Kind::ReplicaSet,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::Job,
    Kind::CronJob,
];

/// Events alone, as `kubectl get events` prints them, without any object that they could be about.
pub(super) fn events_alone(triage: &Triage<'_>, out: &mut Vec<Opened>) {
    if triage
        .snapshot
        .objects()
        .any(|object| RUN_PODS.contains(&object.reference.kind))
    {
        return;
    }
    let mut opened = BTreeSet::new();
    let mut restarting: BTreeMap<ObjectRef, &EventColumns> = BTreeMap::new();
    for (reference, event) in triage
        .snapshot
        .of_kind(Kind::Event)
        .filter_map(|object| Some((&object.reference, object.event()?)))
    {
        if triage.snapshot.get(&event.about).is_some()
            || triage
                .snapshot
                .is_complete(&event.about.kind, &event.about.namespace)
        {
            continue;
        }
        let facts = message::facts(&event.reason, &event.message);
        if event.count >= RESTARTS && facts.iter().any(|it| matches!(it, Fact::RestartBackOff { .. })) {
            restarting.entry(event.about.clone()).or_insert(event);
        }
        for symptom in facts.iter().filter_map(symptom_of) {
            if !is_over(triage, reference, event, symptom)
                && opened.insert((event.about.clone(), symptom, event.container.clone()))
            {
                let mut episode = Episode::new(event.about.clone(), symptom, word(symptom))
                    .since(event.first.or(event.last));
                episode.container.clone_from(&event.container);
                out.push(episode.into());
            }
        }
    }
    // Why it restarts may be told by another event of it; then this is what follows.
    for (about, event) in restarting {
        if !opened.iter().any(|(subject, ..)| *subject == about) {
            let mut episode = Episode::new(about, Symptom::Terminated, "CrashLoopBackOff")
                .since(event.first.or(event.last));
            episode.container.clone_from(&event.container);
            out.push(episode.into());
        }
    }
}

/// So often the kubelet waits before a restart when a container cannot stay up.
const RESTARTS: i64 = 3;

/// Lines of kubelets and runtimes without any pod that they could be about.
pub(super) fn node_lines_alone(triage: &Triage<'_>, out: &mut Vec<Opened>) {
    let others = |kind: &Kind| !RUN_PODS.contains(kind) && *kind != Kind::Event;
    if !triage
        .snapshot
        .objects()
        .all(|object| others(&object.reference.kind))
    {
        return;
    }
    let times = triage.texts.node.values().flatten().filter_map(|line| line.time);
    let newest = times.max();
    // Subject, symptom and container; how often, and since when.
    type Key<'a> = (ObjectRef, Symptom, Option<&'a str>);
    let mut seen: BTreeMap<Key<'_>, (i64, Option<jiff::Timestamp>)> = BTreeMap::new();
    for line in triage.texts.node.values().flatten() {
        let subject = match &line.pod {
            Some(pod) => ObjectRef::new(Kind::Pod, &pod.namespace, &pod.name),
            None => nameless(),
        };
        for fact in line.facts.iter().filter(|fact| !passes(fact)) {
            let Some(symptom) = symptom_of(fact) else { continue };
            // What is true of a node is told by its own conditions, and by its kubelet when they change; a kubelet that
            // starts complains for a while.
            let became = line.facts.contains(&Fact::Node(NodeFact::NotReady));
            let is_last = newest
                .zip(line.time)
                .is_none_or(|(newest, time)| newest.duration_since(time) < GOT_OVER);
            if matches!(symptom, Symptom::NodeNotReady | Symptom::NodePressure)
                && line.pod.is_none()
                && !became
                && !(is_last && lasts(fact))
            {
                continue;
            }
            let key = (subject.clone(), symptom, line.container.as_deref());
            let (count, since) = seen.entry(key).or_insert((0, line.time));
            *count = count.saturating_add(if matches!(fact, Fact::Probe(_)) {
                1
            } else {
                PROBE_FAILURES
            });
            *since = (*since).min(line.time).or(*since).or(line.time);
        }
    }
    for ((subject, symptom, container), (count, since)) in seen {
        if count < PROBE_FAILURES {
            continue;
        }
        let mut episode = Episode::new(subject, symptom, word(symptom)).since(since);
        episode.container = container.map(Into::into);
        let told = match symptom {
            // It says so when it starts, too; its words tell that apart.
            Symptom::NodeNotReady => Told::WithItsCause,
            _ => Told::Always,
        };
        out.push(Opened {
            told,
            ..episode.into()
        });
    }
}

/// A kubelet that has said nothing of a trouble for so long, and talks of other things, got over it: it repeats itself
/// every few seconds to minutes. A guess.
const GOT_OVER: SignedDuration = SignedDuration::from_mins(5);

/// What no kubelet says while it starts, and what does not pass by itself.
fn lasts(fact: &Fact) -> bool {
    match fact {
        Fact::Node(NodeFact::PlegUnhealthy { detail }) => detail.contains("last seen active"),
        Fact::Node(NodeFact::Certificate { detail }) => detail.contains("expired"),
        Fact::Node(NodeFact::FreeDiskFailed { .. }) => true,
        _ => false,
    }
}

/// Busy kubelets say this of pods that are well.
fn passes(fact: &Fact) -> bool {
    matches!(fact, Fact::Volume(it) if matches!(it.failure, VolumeFailure::NotRegistered { .. }))
}

/// A probe fails a few times while an application starts.
const PROBE_FAILURES: i64 = 3;

/// Another event tells that what stood in the way was overcome, or the trouble is of a kind that passes.
fn is_over(triage: &Triage<'_>, reference: &ObjectRef, event: &EventColumns, symptom: Symptom) -> bool {
    let overcome: &[&str] = match symptom {
        Symptom::Unschedulable => &["Scheduled"],
        Symptom::ImageNotPulled => &["Pulled", "Started"],
        // Volumes and sandbox stand before images are pulled.
        Symptom::NotStarting => &["Pulling", "Pulled", "Created", "Started"],
        Symptom::ContainerNotCreated => &["Started"],
        Symptom::NotReady => return event.count < PROBE_FAILURES,
        Symptom::NodeNotReady => &["NodeReady"],
        Symptom::NodePressure => &[
            "NodeHasNoDiskPressure",
            "NodeHasSufficientMemory",
            "NodeHasSufficientPID",
        ],
        _ => &[],
    };
    let events = triage.snapshot.events_about(&event.about);
    let age = |name: &ObjectRef| triage.snapshot.get(name).and_then(|it| it.age);
    if let Some(age) = age(reference)
        && (symptom == Symptom::Terminated && has_settled(triage, event, age)
            || is_replaced(triage, event, age, symptom))
    {
        return true;
    }
    // Where no clock is known the events stand in their order.
    let after = |other: &ObjectRef, last| match (event.last, last) {
        (Some(this), Some(last)) => last >= this,
        _ => other.name > reference.name,
    };
    events
        .iter()
        .filter_map(|object| Some((&object.reference, object.event()?)))
        .any(|(name, other)| overcome.contains(&&*other.reason) && after(name, other.last))
}

/// How long nothing may be said of a kill, in a table that tells ages, until it counts as over. A guess.
const SETTLED: SignedDuration = SignedDuration::from_mins(10);

/// A kill that is long past, by a table of ages: nothing that ends or fails was said of its subject since.
fn has_settled(triage: &Triage<'_>, kill: &EventColumns, age: SignedDuration) -> bool {
    let goes_on = |other: &sonde_world::Object| {
        let ends = other
            .event()
            .is_some_and(|it| matches!(it.reason.as_ref(), "Killing" | "BackOff" | "Failed"));
        ends && other.age.is_none_or(|it| it < SETTLED)
    };
    let events = triage.snapshot.events_about(&kill.about);
    // A probe that failed since killed nobody.
    let spared = kill.reason.as_ref() == "Unhealthy"
        && events.iter().any(|it| {
            let stops = it.event().is_some_and(|it| it.reason.as_ref() == "Killing");
            stops && it.age.is_some_and(|age| age >= SETTLED)
        });
    (age >= SETTLED || spared) && kill.count < RESTARTS && !events.iter().any(|it| goes_on(it))
}

/// Another of the same owner has come since, by a table of ages: a pod that runs in place of the one that was evicted, a
/// Job of the same schedule that completed.
fn is_replaced(triage: &Triage<'_>, event: &EventColumns, age: SignedDuration, symptom: Symptom) -> bool {
    let (kind, made_good) = match symptom {
        Symptom::Evicted => (Kind::Pod, "Started"),
        Symptom::JobFailed => (Kind::Job, "Completed"),
        _ => return false,
    };
    let Some((stem, _)) = event.about.name.rsplit_once('-') else {
        return false;
    };
    triage.snapshot.of_kind(Kind::Event).any(|object| {
        object.event().is_some_and(|other| {
            other.about.kind == kind
                && other.about.name != event.about.name
                && other.about.namespace == event.about.namespace
                && other
                    .about
                    .name
                    .rsplit_once('-')
                    .is_some_and(|(it, _)| it == stem)
                && other.reason.as_ref() == made_good
                && object.age.is_some_and(|it| it <= age)
        })
    })
}

/// The symptom that a message alone shows.
fn symptom_of(fact: &Fact) -> Option<Symptom> {
    Some(match fact {
        Fact::Unschedulable(_) => Symptom::Unschedulable,
        Fact::Admission(_) => Symptom::PodsNotCreated,
        Fact::Pull(PullFact::Failed { .. } | PullFact::BackOff { .. }) => Symptom::ImageNotPulled,
        Fact::Volume(_) | Fact::Sandbox(_) => Symptom::NotStarting,
        Fact::Claim(_) => Symptom::ClaimNotBound,
        Fact::Create(_) | Fact::Start(_) => Symptom::ContainerNotCreated,
        // Only these probes kill; a readiness probe takes a pod out of its services.
        Fact::Probe(it) if it.probe == ProbeKind::Readiness => Symptom::NotReady,
        Fact::Probe(_) => Symptom::Terminated,
        Fact::Hook(_) => Symptom::HookFailed,
        // A planned end, as far as the text shows.
        Fact::Killing {
            reason: KillReason::Stopping | KillReason::DefinitionChanged,
            ..
        } => return None,
        Fact::Killing {
            reason: KillReason::Unkillable { .. } | KillReason::Other(_) | KillReason::GraceExceeded,
            ..
        } => Symptom::Deleting,
        Fact::Killing { .. } | Fact::OomKill(_) | Fact::Runtime(RuntimeFact::OomEvent) => Symptom::Terminated,
        Fact::Eviction(_) => Symptom::Evicted,
        Fact::Reject(_) => Symptom::Rejected,
        Fact::Node(it) => return of_node(it),
        Fact::Workload(WorkloadFact::JobDeadline | WorkloadFact::BackoffLimit) => Symptom::JobFailed,
        Fact::Workload(WorkloadFact::ResourceClaimNotMade { .. }) => Symptom::Unschedulable,
        Fact::Workload(WorkloadFact::NoMetrics { .. } | WorkloadFact::MissingRequest { .. }) => {
            Symptom::NotScaling
        }
        // What a node's checks say is told by `node_check`.
        Fact::Pull(_)
        | Fact::RestartBackOff { .. }
        | Fact::Runtime(_)
        | Fact::Workload(_)
        | Fact::Death(_)
        | Fact::NodeCheck(_) => return None,
    })
}

/// What a word about a node shows; many tell only what happened.
fn of_node(fact: &NodeFact) -> Option<Symptom> {
    match fact {
        NodeFact::KubeletSilent
        | NodeFact::NotReady
        | NodeFact::PlegUnhealthy { .. }
        | NodeFact::RuntimeDown { .. }
        | NodeFact::NetworkNotReady { .. }
        | NodeFact::Certificate { .. }
        | NodeFact::ApiUnreachable { .. }
        | NodeFact::ApiForbidden { .. }
        | NodeFact::KubeletNotReady { .. }
        | NodeFact::ShuttingDown => Some(Symptom::NodeNotReady),
        NodeFact::Pressure { .. }
        | NodeFact::Reclaiming { .. }
        | NodeFact::FreeDiskFailed { .. }
        | NodeFact::KernelTrouble { .. }
        | NodeFact::HungTask { .. }
        | NodeFact::ForkRejected { .. } => Some(Symptom::NodePressure),
        NodeFact::SystemOom { .. } => Some(Symptom::Terminated),
        NodeFact::MissingClusterDns
        | NodeFact::Rebooted
        | NodeFact::KubeletStarted
        | NodeFact::ProcessFault { .. }
        | NodeFact::Deleted => None,
    }
}

fn word(symptom: Symptom) -> &'static str {
    match symptom {
        Symptom::Unschedulable => "Pending",
        Symptom::ImageNotPulled => "ErrImagePull",
        Symptom::NotStarting => "ContainerCreating",
        Symptom::Evicted => "Evicted",
        Symptom::Deleting => "not ended",
        Symptom::Rejected => "refused by its node",
        Symptom::ContainerNotCreated => "not started",
        Symptom::PodsNotCreated => "FailedCreate",
        Symptom::ClaimNotBound => "Pending",
        Symptom::HookFailed => "with a failed hook",
        Symptom::NotReady | Symptom::NodeNotReady => "NotReady",
        Symptom::Terminated => "restarted",
        _ => "in the text",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::{Kind, Verdict};

    use crate::testing::{Scene, pod};

    #[test]
    fn a_log_alone_tells_what_the_application_says() {
        let panic = "panic: runtime error: index out of range [3] with length 3\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:12 +0x1d\n";
        let heap = "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space\n\tat com.example.App.load(App.java:41)\n";
        let lookup = "FATAL could not connect to postgres: dial tcp: lookup db: no such host\n";
        for (log, code, words) in [
            (panic, "EXT-ERROR", "index out of range"),
            (lookup, "EXT-ERROR", "db"),
            (heap, "OOM-JVM-HEAP", "heap"),
        ] {
            for key in ["/", "shop/web-1"] {
                for previous in [false, true] {
                    let outcome = Scene::new().log(key, "", previous, log).diagnose();
                    outcome.finds_only(code, Verdict::Likely);
                    assert!(
                        outcome.finding(code).headline.contains(words),
                        "{}",
                        outcome.summary()
                    );
                }
            }
        }
        Scene::new()
            .log("/", "", false, "listening on :8080\nGET / 200\n")
            .diagnose()
            .is_calm();
    }

    #[test]
    fn what_a_program_got_over_is_no_alarm() {
        let log = "WARN  retrying connection to redis:6379 (connection refused), attempt 1/5\nINFO  connected to redis:6379\nINFO  Started ShopApplication in 12.3 seconds\nINFO  GET / 200\n";
        Scene::new().log("/", "", false, log).diagnose().is_calm();
    }

    const UNSCHEDULED: &str = "0/3 nodes are available: 3 node(s) had untolerated taint {dedicated: gpu}.";

    fn events() -> Scene {
        Scene::new().event(
            "Pod/shop/db-0",
            "FailedScheduling",
            UNSCHEDULED,
            "2026-03-01T11:58:00Z",
        )
    }

    #[test]
    fn events_alone_tell_of_troubles() {
        let outcome = events().diagnose();
        assert!(
            outcome.finding("SCH-TAINT").subject.name.as_ref() == "db-0",
            "{}",
            outcome.summary()
        );
    }

    #[test]
    fn a_container_that_restarts_for_no_told_reason_is_unknown() {
        let again =
            "Back-off restarting failed container app in pod db-0_shop(0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60)";
        let scene = |count: i64| {
            Scene::new().object(json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "db-0.1", "namespace": "shop"},
                "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "db-0"}, "type": "Warning",
                "reason": "BackOff", "message": again, "count": count, "lastTimestamp": "2026-03-01T11:59:00Z"}))
        };
        let outcome = scene(7).diagnose();
        assert!(
            outcome.finding("EXT-UNKNOWN").subject.name.as_ref() == "db-0",
            "{}",
            outcome.summary()
        );
        scene(1).diagnose().is_calm();
    }

    #[test]
    fn events_of_what_is_gone_or_was_overcome_do_not() {
        events().complete(&[Kind::Pod]).diagnose().is_calm();
        events().object(pod(json!({}))).diagnose().is_calm();
        events()
            .event(
                "Pod/shop/db-0",
                "Scheduled",
                "Successfully assigned shop/db-0 to n1",
                "2026-03-01T11:59:00Z",
            )
            .diagnose()
            .is_calm();
        Scene::new()
            .event(
                "Pod/shop/web-0",
                "Unhealthy",
                "Readiness probe failed: dial tcp 10.0.0.4:80: connect: connection refused",
                "2026-03-01T11:59:00Z",
            )
            .diagnose()
            .is_calm();
    }
}
