//! Resources, the number of pods, and host ports.

use sonde_world::{HostPort, Object};

use super::{Place, nominated};
use crate::fit::Rejection;

/// `noderesources/fit.go`, `fitsRequest`.
pub(super) fn fit(place: &Place<'_>, out: &mut Vec<Rejection>) {
    let (node, needs) = (place.node, place.needs);
    let columns = node.columns();
    let coming: Vec<_> = nominated(place).filter_map(|pod| pod.pod()).collect();
    let pods = i64::try_from(node.pods.len() + coming.len()).unwrap_or(i64::MAX);
    if pods >= columns.max_pods {
        out.push(Rejection::TooManyPods {
            pods,
            max: columns.max_pods,
        });
    }
    for (resource, requested) in needs.requests.iter().filter(|(_, amount)| *amount > 0) {
        let mut used = node.requested.get(resource);
        for pod in &coming {
            used = used.saturating_add(pod.requests.get(resource));
        }
        let allocatable = columns.allocatable.get(resource);
        if requested > allocatable.saturating_sub(used) {
            out.push(Rejection::Insufficient {
                resource: resource.into(),
                requested,
                used: Some(used),
                allocatable,
            });
        }
    }
}

/// `nodeports/node_ports.go`; a port on every address collides with the same port on any address.
pub(super) fn host_ports(place: &Place<'_>, out: &mut Vec<Rejection>) {
    if place.needs.host_ports.is_empty() {
        return;
    }
    let holder = |wanted: &HostPort| {
        place
            .node
            .pods
            .iter()
            .chain(nominated(place))
            .find(|pod| ports(pod).iter().any(|have| collide(have, wanted)))
    };
    for wanted in &place.needs.host_ports {
        if let Some(pod) = holder(wanted) {
            out.push(Rejection::HostPort {
                port: wanted.port,
                protocol: wanted.protocol.clone(),
                held_by: pod.reference.clone(),
            });
        }
    }
}

fn ports(pod: &Object) -> &[HostPort] {
    pod.pod().map_or(&[], |columns| &columns.host_ports)
}

pub(super) fn collide(a: &HostPort, b: &HostPort) -> bool {
    const ANY: &str = "0.0.0.0";
    a.port == b.port
        && a.protocol == b.protocol
        && (a.ip == b.ip || a.ip.as_ref() == ANY || b.ip.as_ref() == ANY)
}
