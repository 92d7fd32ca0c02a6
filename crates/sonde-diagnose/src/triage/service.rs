//! Services.

use jiff::SignedDuration;
use sonde_model::Kind;
use sonde_world::Object;
use sonde_world::view::{LabelSelector, Service};

use super::{Opened, Triage};
use crate::{Episode, Symptom};

/// A service and its workload are made one after the other; a guess.
const PATIENCE: SignedDuration = SignedDuration::from_mins(2);

/// A service with a selector and no pod that could ever answer for it.
///
/// Services without a selector have endpoints made by hand, those of type ExternalName have none. A service whose pods
/// are there and not ready is their finding's business; one whose workload is scaled to zero is so on purpose.
pub(super) fn look(triage: &Triage<'_>, object: &Object, out: &mut Vec<Opened>) {
    let Some(Ok(it)) = triage.snapshot.decode::<Service>(&object.reference) else {
        return;
    };
    if object.partial
        || object.deletion.is_some()
        || it.spec.selector.is_empty()
        || it.spec.kind == "ExternalName"
    {
        return;
    }
    let namespace = &object.reference.namespace;
    if !triage.snapshot.is_complete(&Kind::Pod, namespace) {
        return;
    }
    let selector = LabelSelector {
        match_labels: it.spec.selector.clone(),
        match_expressions: Vec::new(),
    };
    let mut pods = triage
        .snapshot
        .pods_matching(namespace, &selector)
        .filter(|pod| pod.pod().is_some());
    let unwired = match pods.next() {
        None => true,
        Some(first) => named_port_is_missing(&it, first),
    };
    if unwired {
        out.push(Opened::patient(
            Episode::new(object.reference.clone(), Symptom::NoEndpoints, "no endpoints")
                .since(object.created),
            object.created.map(|created| created + PATIENCE),
        ));
    }
}

/// A target port that is a name which no container of the pod has.
fn named_port_is_missing(service: &Service, pod: &Object) -> bool {
    let Ok(pod) = pod.encoded.decode::<sonde_world::view::Pod>() else {
        return false;
    };
    service.spec.ports.iter().any(|port| match &port.target_port {
        Some(sonde_world::view::IntOrString::String(name)) => pod
            .all_containers()
            .all(|container| container.port_named(name).is_none()),
        _ => false,
    })
}
