//! Services.

use std::sync::Arc;

use jiff::SignedDuration;
use sonde_model::{Kind, Moment as _, ObjectRef, Severity};
use sonde_world::view::{
    Condition, Container, IntOrString, LabelSelector, Labels, Pod, Service, ServicePort,
};
use sonde_world::{Object, Snapshot};

use super::{Opened, Triage};
use crate::{Episode, Symptom};

/// A service and its workload are made one after the other; a guess.
const PATIENCE: SignedDuration = SignedDuration::from_mins(2);
/// Clouds make a load balancer within minutes; a guess.
pub(crate) const ADDRESS_PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// A service with a selector and no pod that could ever answer for it.
///
/// Services without a selector have endpoints made by hand, those of type ExternalName have none. A service whose pods
/// are there and not ready is their finding's business; one whose workload is scaled to zero is so on purpose.
pub(super) fn look(triage: &Triage<'_>, object: &Object, out: &mut Vec<Opened>) {
    let has_pods = object.service().is_some_and(|it| !it.selector.is_empty());
    if object.deletion.is_some() || !has_pods {
        return;
    }
    if object.partial {
        if is_described_empty(triage.snapshot, &object.reference) {
            let episode = Episode::new(object.reference.clone(), Symptom::NoEndpoints, "no endpoints");
            out.push(Opened::from(episode).unexplained(Severity::Warning));
        }
        return;
    }
    let Some(Ok(it)) = triage.snapshot.decode::<Service>(&object.reference) else {
        return;
    };
    let me = &object.reference;
    if waits_for_address(&it) && triage.age(object).is_none_or(|age| age > ADDRESS_PATIENCE) {
        let episode = Episode::new(me.clone(), Symptom::NoAddress, "no address");
        out.push(episode.since(object.created).into());
    }
    let namespace = &me.namespace;
    if !triage.snapshot.is_complete(&Kind::Pod, namespace) {
        return;
    }
    let selector = LabelSelector {
        match_labels: it.spec.selector.clone(),
        match_expressions: Vec::new(),
    };
    let pods: Vec<_> = triage
        .snapshot
        .pods_matching(namespace, &selector)
        .filter(|pod| pod.pod().is_some_and(|it| !it.is_terminal()))
        .collect();
    let unwired = if pods.is_empty() {
        !would_match(triage.snapshot, namespace, &it.spec.selector)
    } else {
        pods.iter().all(|pod| named_port_is_missing(&it, pod))
    };
    if unwired {
        out.push(Opened::patient(
            Episode::new(me.clone(), Symptom::NoEndpoints, "no endpoints").since(object.created),
            object.created.map(|created| created.later(PATIENCE)),
        ));
    } else if let Some(unserved) = unserved_port(triage.snapshot, me, &it) {
        let word = format!("sending to port {}", unserved.port);
        out.push(Episode::new(me.clone(), Symptom::PortNotServed, word).into());
    }
}

fn waits_for_address(service: &Service) -> bool {
    service.spec.kind == "LoadBalancer" && service.status.load_balancer.ingress.is_empty()
}

/// Who names a service that has no address yet is told so at once: nothing is wrong so far.
pub(super) fn waiting_for_address(triage: &Triage<'_>, object: &Object, out: &mut Vec<Opened>) {
    let me = &object.reference;
    let young = triage.age(object).is_some_and(|age| age <= ADDRESS_PATIENCE);
    if me.kind != Kind::Service || object.partial || !young {
        return;
    }
    let waits = triage
        .snapshot
        .view::<Service>(me)
        .is_some_and(|it| waits_for_address(&it));
    if waits {
        let episode = Episode::new(me.clone(), Symptom::NoAddress, "no address yet");
        out.push(episode.since(object.created).into());
    }
}

/// A description shows that the service has no endpoint, and nothing at hand shows pods or workloads that explain it.
pub(crate) fn is_described_empty(snapshot: &Snapshot, service: &ObjectRef) -> bool {
    let endpoints = ObjectRef::new(Kind::Endpoints, &service.namespace, &service.name);
    let subsets = snapshot
        .view::<DescribedEndpoints>(&endpoints)
        .map(|it| it.subsets.len());
    let nobody_else = [Kind::Pod].iter().chain(WITH_TEMPLATE).all(|kind| {
        snapshot
            .in_namespace(kind.clone(), &service.namespace)
            .next()
            .is_none()
    });
    subsets == Some(0) && nobody_else
}

#[derive(serde::Deserialize)]
struct DescribedEndpoints {
    #[serde(default)]
    subsets: Vec<serde::de::IgnoredAny>,
}

/// A port by number that a service sends to and that no container of its ready pods declares, though all of them declare
/// ports.
pub(crate) struct Unserved {
    /// Which of the service's ports.
    pub(crate) at: usize,
    /// The port at the pods.
    pub(crate) port: i64,
    /// One of the pods.
    pub(crate) pod: Pod,
    pub(crate) pod_ref: ObjectRef,
}

/// To declare a port is a courtesy: one container that declares none may listen anywhere. A headless service sends
/// nothing; who asks it for addresses knows the port.
pub(crate) fn unserved_port(snapshot: &Snapshot, me: &ObjectRef, service: &Service) -> Option<Unserved> {
    if service.spec.cluster_ip == "None" {
        return None;
    }
    let numbers: Vec<(usize, i64)> = service
        .spec
        .ports
        .iter()
        .enumerate()
        .filter_map(|(at, port)| Some((at, target_number(port)?)))
        .collect();
    if numbers.is_empty() {
        return None;
    }
    let selector = LabelSelector {
        match_labels: service.spec.selector.clone(),
        match_expressions: Vec::new(),
    };
    let is_ready = |pod: &&Arc<Object>| {
        pod.deletion.is_none()
            && pod
                .pod()
                .is_some_and(|it| !it.is_terminal() && it.condition("Ready").is_some_and(Condition::is_true))
    };
    let mut open = numbers;
    let mut one = None;
    for object in snapshot.pods_matching(&me.namespace, &selector).filter(is_ready) {
        let pod = object.encoded.decode::<Pod>().ok().filter(|_| !object.partial)?;
        // An init container that has ended serves nobody.
        let all_declare = pod
            .all_containers()
            .filter(|it| is_serving(&pod, it))
            .all(|it| !it.ports.is_empty());
        if !all_declare {
            return None;
        }
        open.retain(|(_, number)| {
            let mut declared = pod.all_containers().flat_map(|it| &it.ports);
            !declared.any(|port| port.container_port == *number)
        });
        if open.is_empty() {
            return None;
        }
        one.get_or_insert_with(|| (pod, object.reference.clone()));
    }
    let (at, port) = *open.first()?;
    let (pod, pod_ref) = one?;
    Some(Unserved {
        at,
        port,
        pod,
        pod_ref,
    })
}

fn is_serving(pod: &Pod, container: &Container) -> bool {
    let of_init = pod
        .spec
        .init_containers
        .iter()
        .any(|it| it.name == container.name);
    !of_init || container.restart_policy == "Always"
}

/// The port at the pods, where it is a number; the service's own where none is named (API default).
fn target_number(port: &ServicePort) -> Option<i64> {
    match &port.target_port {
        Some(IntOrString::Int(number)) if *number != 0 => Some(*number),
        Some(IntOrString::String(name)) => name.parse().ok(),
        _ => Some(port.port),
    }
    .filter(|number| *number > 0)
}

/// A workload that would match and has no pods was scaled to zero, or cannot create them. Labels that controllers add to
/// pods are in no template.
pub(crate) fn would_match(snapshot: &Snapshot, namespace: &str, selector: &Labels) -> bool {
    const ADDED: &[&str] = &[
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/",
        "pod-template-hash",
        "controller-revision-hash",
        "job-name",
    ];
    let of_template: Vec<_> = selector
        .iter()
        .filter(|(key, _)| !ADDED.iter().any(|added| key.starts_with(added)))
        .collect();
    // Only the name of a set's pod: the set must be there.
    if of_template.is_empty() {
        let set = selector
            .get("statefulset.kubernetes.io/pod-name")
            .and_then(|pod| pod.rsplit_once('-'));
        return set.is_some_and(|(set, _)| {
            let set = ObjectRef::new(Kind::StatefulSet, namespace, set);
            snapshot.get(&set).is_some()
        });
    }
    templates(snapshot, namespace).any(|(_, labels)| {
        of_template
            .iter()
            .all(|(key, value)| labels.get(*key) == Some(*value))
    })
}

/// The pods that a service selects, and the workloads that make such.
pub(super) fn behind<'a>(triage: &Triage<'a>, object: &Object) -> Vec<&'a Object> {
    let me = &object.reference;
    if me.kind != Kind::Service {
        return Vec::new();
    }
    let Some(Ok(it)) = triage.snapshot.decode::<Service>(me) else {
        return Vec::new();
    };
    let wanted = &it.spec.selector;
    if wanted.is_empty() {
        return Vec::new();
    }
    let selector = LabelSelector {
        match_labels: wanted.clone(),
        match_expressions: Vec::new(),
    };
    let snapshot = triage.snapshot;
    let mut behind: Vec<ObjectRef> = templates(snapshot, &me.namespace)
        .filter(|(_, labels)| wanted.iter().all(|(key, value)| labels.get(key) == Some(value)))
        .map(|(workload, _)| workload.clone())
        .collect();
    let pods = snapshot.pods_matching(&me.namespace, &selector);
    behind.extend(pods.map(|it| it.reference.clone()));
    behind
        .iter()
        .filter_map(|it| snapshot.get(it))
        .map(AsRef::as_ref)
        .collect()
}

/// Whose pods a service can select.
pub(crate) const WITH_TEMPLATE: &[Kind] = &[
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::ReplicaSet,
    Kind::ReplicationController,
    Kind::Job,
    Kind::CronJob,
];

/// The workloads of a namespace with the labels of their pods.
pub(crate) fn templates<'a>(
    snapshot: &'a Snapshot,
    namespace: &'a str,
) -> impl Iterator<Item = (&'a ObjectRef, &'a Labels)> {
    WITH_TEMPLATE
        .iter()
        .flat_map(move |kind| snapshot.in_namespace(kind.clone(), namespace))
        .filter(|object| object.owner.is_none())
        .filter_map(|object| Some((&object.reference, &object.workload()?.template)))
}

/// A target port that is a name which no container of the pod has.
fn named_port_is_missing(service: &Service, pod: &Object) -> bool {
    let Ok(pod) = pod.encoded.decode::<Pod>() else {
        return false;
    };
    service.spec.ports.iter().any(|port| match &port.target_port {
        Some(IntOrString::String(name)) if name.parse::<i64>().is_err() => pod
            .all_containers()
            .all(|container| container.port_named(name).is_none()),
        _ => false,
    })
}
