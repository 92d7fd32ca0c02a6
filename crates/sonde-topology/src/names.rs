//! How the ends of an edge are called, at the level that was asked for.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use sonde_model::{Kind, ObjectRef, Owner, Timestamp};
use sonde_world::view::{IntOrString, LabelSelector, Node, Pod, Service};
use sonde_world::{Object, Snapshot};

use crate::Addresses;

/// What edges are rolled up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// A container of a pod.
    Container,
    /// A pod.
    Pod,
    /// What owns the pod at the root: a Deployment, a StatefulSet, a CronJob.
    Workload,
    /// A namespace.
    Namespace,
    /// A node.
    Node,
}

/// One end of an edge, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// Something in the cluster.
    Object(ObjectRef),
    /// A container of a pod.
    Container(ObjectRef, Arc<str>),
    /// A process of the node's own, by its control group.
    Group(Arc<str>),
    /// An address that nobody in the cluster is known to have had through all of that time.
    Address(IpAddr),
    /// An end whose process was never seen.
    Unknown,
}

impl Name {
    /// The namespace that it is in; empty for what is in none.
    pub fn namespace(&self) -> &str {
        match self {
            Self::Object(object) if object.kind == Kind::Namespace => &object.name,
            Self::Object(object) | Self::Container(object, _) => &object.namespace,
            _ => "",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(object) if object.namespace.is_empty() => write!(f, "{object}"),
            Self::Object(object) => write!(f, "{}/{object}", object.namespace),
            Self::Container(pod, container) => write!(f, "{}/{pod}/{container}", pod.namespace),
            Self::Group(group) => write!(f, "group {group}"),
            Self::Address(address) => write!(f, "{address}"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// The names in a snapshot, and whose addresses they are.
#[derive(Debug, Default)]
pub struct Names {
    addresses: Addresses,
    /// The root owner of each pod.
    workloads: BTreeMap<ObjectRef, ObjectRef>,
    /// The node of each pod.
    nodes: BTreeMap<ObjectRef, ObjectRef>,
    services: BTreeMap<ObjectRef, Backends>,
}

/// What is behind a service.
#[derive(Debug, Default)]
struct Backends {
    /// The one workload whose pods it selects; `None` where there are several, or none.
    workload: Option<ObjectRef>,
    /// The pods' port by the service's.
    ports: BTreeMap<u16, u16>,
}

impl Names {
    /// The names and addresses of a snapshot: pods from their start on, services and nodes from their creation on.
    ///
    /// A pod in its node's network has the node's address, which names the node.
    pub fn from_snapshot(snapshot: &Snapshot) -> Self {
        let mut names = Self::default();
        for object in snapshot.of_kind(Kind::Node) {
            names.add_node(object);
        }
        for object in snapshot.of_kind(Kind::Pod) {
            names.add_pod(snapshot, object);
        }
        for object in snapshot.of_kind(Kind::Service) {
            names.add_service(snapshot, object);
        }
        names
    }

    fn add_node(&mut self, object: &Object) {
        let Ok(node) = object.encoded.decode::<Node>() else {
            return;
        };
        for address in node
            .status
            .addresses
            .iter()
            .filter_map(|it| it.address.parse().ok())
        {
            self.addresses
                .assign(address, object.reference.clone(), object.created, None);
        }
    }

    fn add_pod(&mut self, snapshot: &Snapshot, object: &Object) {
        let me = &object.reference;
        self.workloads.insert(me.clone(), snapshot.root_owner(me));
        let Ok(pod) = object.encoded.decode::<Pod>() else {
            return;
        };
        if !pod.spec.node_name.is_empty() {
            self.nodes
                .insert(me.clone(), ObjectRef::cluster(Kind::Node, &pod.spec.node_name));
        }
        let is_over = object.pod().is_some_and(sonde_world::PodColumns::is_terminal);
        // When a pod that is over gave its address back is not written anywhere.
        if pod.spec.host_network || is_over {
            return;
        }
        let from = pod.status.start_time.0.or(object.created);
        let all = pod.status.pod_ips.iter().map(|it| it.ip.as_str());
        for address in all
            .chain([pod.status.pod_ip.as_str()])
            .filter_map(|ip| ip.parse().ok())
        {
            self.addresses.assign(address, me.clone(), from, None);
        }
    }

    fn add_service(&mut self, snapshot: &Snapshot, object: &Object) {
        let me = &object.reference;
        let Ok(service) = object.encoded.decode::<Service>() else {
            return;
        };
        let all = service.spec.cluster_ips.iter().map(String::as_str);
        // "None" of a headless service is no address: its clients call the pods'.
        for address in all
            .chain([service.spec.cluster_ip.as_str()])
            .filter_map(|ip| ip.parse().ok())
        {
            self.addresses.assign(address, me.clone(), object.created, None);
        }
        let selector = LabelSelector {
            match_labels: service.spec.selector.clone(),
            match_expressions: Vec::new(),
        };
        let mut backends = Backends::default();
        let pods: Vec<_> = match service.spec.selector.is_empty() {
            true => Vec::new(),
            false => snapshot.pods_matching(&me.namespace, &selector).collect(),
        };
        let mut owners: Vec<_> = pods
            .iter()
            .map(|pod| snapshot.root_owner(&pod.reference))
            .collect();
        owners.sort();
        owners.dedup();
        if let [one] = owners.as_slice() {
            backends.workload = Some(one.clone());
        }
        let example = pods.first().and_then(|pod| pod.encoded.decode::<Pod>().ok());
        for port in &service.spec.ports {
            let target = match &port.target_port {
                Some(IntOrString::Int(number)) => Some(*number),
                Some(IntOrString::String(name)) => example.as_ref().and_then(|pod| named_port(pod, name)),
                None => Some(port.port),
            };
            let number = |port: i64| u16::try_from(port).ok();
            if let Some((from, to)) = number(port.port).zip(target.and_then(number)) {
                backends.ports.insert(from, to);
            }
        }
        self.services.insert(me.clone(), backends);
    }

    /// Whose address it was through all of a span of time.
    pub fn owner_of(&self, address: IpAddr, from: Timestamp, until: Timestamp) -> Option<&ObjectRef> {
        self.addresses.owner(address, from, until)
    }

    /// The name of an owner that an agent saw, at a level.
    pub fn of_owner(&self, owner: &Owner, node: &str, level: Level) -> Name {
        if owner.pod.is_empty() {
            return match level {
                Level::Node => Name::Object(ObjectRef::cluster(Kind::Node, node)),
                _ if owner.group.is_empty() => Name::Unknown,
                _ => Name::Group(owner.group.clone()),
            };
        }
        let pod = ObjectRef::new(Kind::Pod, &owner.namespace, &owner.pod);
        match level {
            Level::Container => Name::Container(pod, owner.container.clone()),
            Level::Node => Name::Object(ObjectRef::cluster(Kind::Node, node)),
            _ => Name::Object(self.lift(&pod, level)),
        }
    }

    /// The name of whoever had a remote address, at a level, and the port as its own side counts it.
    pub fn of_address(
        &self,
        address: IpAddr,
        port: u16,
        (from, until): (Timestamp, Timestamp),
        level: Level,
    ) -> Remote {
        let Some(owner) = self.owner_of(address, from, until) else {
            return Remote {
                name: Name::Address(address),
                port,
                service: None,
            };
        };
        if owner.kind == Kind::Service {
            let backends = self.services.get(owner);
            let workload = backends.and_then(|it| it.workload.as_ref());
            let target = backends.and_then(|it| it.ports.get(&port)).copied();
            return Remote {
                // What is behind it, where that is one thing and the level can show it.
                name: match (level, workload) {
                    (Level::Workload, Some(workload)) => Name::Object(workload.clone()),
                    (Level::Namespace, _) => Name::Object(self.lift(owner, level)),
                    _ => Name::Object(owner.clone()),
                },
                port: target.unwrap_or(port),
                service: Some(owner.clone()),
            };
        }
        Remote {
            name: Name::Object(self.lift(owner, level)),
            port,
            service: None,
        }
    }

    fn lift(&self, object: &ObjectRef, level: Level) -> ObjectRef {
        match level {
            Level::Container | Level::Pod => object.clone(),
            Level::Workload => self.workloads.get(object).unwrap_or(object).clone(),
            Level::Namespace if object.namespace.is_empty() => object.clone(),
            Level::Namespace => ObjectRef::cluster(Kind::Namespace, &object.namespace),
            Level::Node => self.nodes.get(object).unwrap_or(object).clone(),
        }
    }
}

/// The remote end of an edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Its name.
    pub name: Name,
    /// The server's port as the server counts it: behind a service, the target port.
    pub port: u16,
    /// The service that was called.
    pub service: Option<ObjectRef>,
}

fn named_port(pod: &Pod, name: &str) -> Option<i64> {
    let mut ports = pod.spec.containers.iter().flat_map(|container| &container.ports);
    ports
        .find(|port| port.name == name)
        .map(|port| port.container_port)
}
