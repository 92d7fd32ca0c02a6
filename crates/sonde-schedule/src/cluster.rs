//! The cluster as the scheduler sees it: nodes, and what the pods on them hold.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use serde_json::value::RawValue;
use sonde_model::{Kind, ObjectRef};
use sonde_world::view::{PodAffinity, Taint};
use sonde_world::{NodeColumns, Object, Resources, Snapshot};

use crate::counts::Repellers;
use crate::filter::volumes::VolumeUse;
use crate::selector::Term;

/// A snapshot prepared for many questions about where pods fit. Copies share everything.
#[derive(Debug, Clone)]
pub struct Cluster {
    pub(crate) snapshot: Snapshot,
    nodes: Arc<Vec<Arc<NodeRoom>>>,
    index: Arc<HashMap<Arc<str>, usize>>,
    repellers: OnceLock<Arc<Repellers>>,
    volumes: OnceLock<Arc<VolumeUse>>,
}

/// A node and what is taken there.
#[derive(Debug, Clone)]
pub struct NodeRoom {
    /// The node.
    pub object: Arc<Object>,
    /// What the pods there have requested.
    pub requested: Resources,
    /// The pods that hold room there: bound and not ended.
    pub pods: Vec<Arc<Object>>,
    /// Pods that are to come there, as soon as the victims of their preemption are gone.
    pub nominated: Vec<Arc<Object>>,
}

impl NodeRoom {
    fn new(object: Arc<Object>) -> Self {
        Self {
            object,
            requested: Resources::default(),
            pods: Vec::new(),
            nominated: Vec::new(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.object.reference.name
    }

    /// Its columns.
    pub fn columns(&self) -> &NodeColumns {
        static NOTHING: OnceLock<NodeColumns> = OnceLock::new();
        self.object
            .node()
            .unwrap_or_else(|| NOTHING.get_or_init(NodeColumns::default))
    }

    /// A label's value.
    pub fn label(&self, key: &str) -> Option<&Arc<str>> {
        let labels = &self.object.labels;
        let at = labels.binary_search_by(|(have, _)| have.as_ref().cmp(key)).ok()?;
        Some(&labels[at].1)
    }

    /// What pods may still request of a resource; negative where the node is overcommitted. CPU in millicores.
    pub fn free(&self, resource: &str) -> i64 {
        let free = self
            .columns()
            .allocatable
            .get(resource)
            .saturating_sub(self.requested.get(resource));
        if resource == "pods" {
            self.columns()
                .max_pods
                .saturating_sub(i64::try_from(self.pods.len()).unwrap_or(i64::MAX))
        } else {
            free
        }
    }

    /// The taints that keep pods away.
    pub fn hard_taints(&self) -> impl Iterator<Item = &Taint> {
        self.columns()
            .taints
            .iter()
            .filter(|taint| matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute"))
    }

    /// Whether the source tells what the node offers: a table has its name and little else.
    pub fn is_told(&self) -> bool {
        let offers = &self.columns().allocatable;
        !self.object.partial || offers.cpu_milli > 0 || offers.memory > 0
    }

    /// Whether the node reports itself ready.
    pub fn is_ready(&self) -> bool {
        self.columns()
            .conditions
            .iter()
            .any(|condition| condition.kind == "Ready" && condition.is_true())
    }

    pub(crate) fn add(&mut self, pod: &Arc<Object>) {
        if let Some(columns) = pod.pod() {
            self.requested.add(&columns.requests);
            self.pods.push(pod.clone());
        }
    }

    pub(crate) fn take(&mut self, pod: &ObjectRef) -> Option<Arc<Object>> {
        let at = self.pods.iter().position(|have| have.reference == *pod)?;
        let object = self.pods.remove(at);
        if let Some(columns) = object.pod() {
            self.requested.subtract(&columns.requests);
        }
        Some(object)
    }
}

impl Cluster {
    /// Prepares a snapshot: what every node has and what its pods hold. Do it once for many pods.
    pub fn prepare(snapshot: &Snapshot) -> Self {
        let mut nodes: Vec<NodeRoom> = snapshot.of_kind(Kind::Node).cloned().map(NodeRoom::new).collect();
        let index: HashMap<Arc<str>, usize> = nodes
            .iter()
            .enumerate()
            .map(|(at, node)| (node.name().clone(), at))
            .collect();
        for pod in snapshot.of_kind(Kind::Pod) {
            let Some(columns) = pod.pod().filter(|columns| !columns.is_terminal()) else {
                continue;
            };
            if let Some(at) = index.get(&columns.node) {
                nodes[*at].add(pod);
            } else if columns.node.is_empty()
                && let Some(at) = columns.nominated.as_ref().and_then(|name| index.get(name))
            {
                nodes[*at].nominated.push(pod.clone());
            }
        }
        Self {
            snapshot: snapshot.clone(),
            nodes: Arc::new(nodes.into_iter().map(Arc::new).collect()),
            index: Arc::new(index),
            repellers: OnceLock::new(),
            volumes: OnceLock::new(),
        }
    }

    /// The snapshot.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Every node, by name; nodes that an update added come last.
    pub fn nodes(&self) -> &[Arc<NodeRoom>] {
        &self.nodes
    }

    /// A node by name.
    pub fn node(&self, name: &str) -> Option<&Arc<NodeRoom>> {
        self.nodes.get(*self.index.get(name)?)
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// The cluster of a later snapshot or a fork in which only these pods and nodes differ. Costs what they cost.
    pub fn updated(&self, snapshot: &Snapshot, changed: &[ObjectRef]) -> Self {
        let known = |reference: &ObjectRef| {
            reference.kind == Kind::Pod || (reference.kind == Kind::Node && snapshot.get(reference).is_some())
        };
        if !changed.iter().all(known) {
            return Self::prepare(snapshot);
        }
        let mut nodes: Vec<Arc<NodeRoom>> = self.nodes.as_ref().clone();
        let mut index = self.index.clone();
        let mut repel = false;
        for reference in changed {
            if reference.kind == Kind::Node {
                let place = index.get(&reference.name).and_then(|at| nodes.get_mut(*at));
                match (place, snapshot.get(reference)) {
                    (Some(node), Some(object)) => Arc::make_mut(node).object = object.clone(),
                    (None, Some(object)) => {
                        // At the end, so that the places of the others stay; it has no pods yet.
                        Arc::make_mut(&mut index).insert(reference.name.clone(), nodes.len());
                        nodes.push(Arc::new(NodeRoom::new(object.clone())));
                    }
                    (_, None) => {}
                }
                continue;
            }
            let (before, after) = (self.snapshot.get(reference), snapshot.get(reference));
            for (pod, arrives) in [(before, false), (after, true)] {
                let Some((pod, columns)) = pod.and_then(|pod| Some((pod, pod.pod()?))) else {
                    continue;
                };
                repel |= columns.has_required_anti_affinity && !columns.node.is_empty();
                if columns.is_terminal() {
                    continue;
                }
                let name = if columns.node.is_empty() {
                    columns.nominated.as_ref()
                } else {
                    Some(&columns.node)
                };
                let Some(node) = name
                    .and_then(|name| index.get(name))
                    .and_then(|at| nodes.get_mut(*at))
                else {
                    continue;
                };
                let node = Arc::make_mut(node);
                match (columns.node.is_empty(), arrives) {
                    (true, true) => node.nominated.push(pod.clone()),
                    (true, false) => node.nominated.retain(|have| have.reference != *reference),
                    (false, true) => node.add(pod),
                    (false, false) => {
                        node.take(reference);
                    }
                }
            }
        }
        Self {
            snapshot: snapshot.clone(),
            nodes: Arc::new(nodes),
            index,
            repellers: if repel {
                OnceLock::new()
            } else {
                self.repellers.clone()
            },
            volumes: OnceLock::new(),
        }
    }

    /// The cluster with the room of a pod free.
    pub(crate) fn with_room_of(&self, pod: &ObjectRef, node: &str) -> Option<Self> {
        let at = self.position(node)?;
        let mut cluster = self.clone();
        cluster.volumes = OnceLock::new();
        Arc::make_mut(Arc::make_mut(&mut cluster.nodes).get_mut(at)?).take(pod)?;
        Some(cluster)
    }

    /// The pods that forbid others near them, grouped by equal rules.
    pub(crate) fn repellers(&self) -> &Repellers {
        self.repellers
            .get_or_init(|| Arc::new(Repellers::collect(&self.nodes)))
    }

    pub(crate) fn volume_use(&self) -> &VolumeUse {
        self.volumes.get_or_init(|| Arc::new(VolumeUse::collect(self)))
    }
}

/// Terms that many pods share.
pub(crate) type Terms = Arc<Vec<Term>>;

/// Reads the anti-affinity terms of many pods; pods with the same text share one reading.
#[derive(Default)]
pub(crate) struct TermReader {
    /// By text and namespace.
    seen: HashMap<(Box<str>, Arc<str>), Terms>,
}

#[derive(Deserialize)]
struct OnlyAffinity {
    spec: OnlySpec,
}

#[derive(Deserialize)]
struct OnlySpec {
    affinity: Box<RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OnlyAnti {
    pod_anti_affinity: Option<PodAffinity>,
}

impl TermReader {
    /// The required anti-affinity terms of a pod.
    pub(crate) fn anti_affinity(&mut self, pod: &Object) -> Terms {
        let Ok(only) = pod.encoded.decode::<OnlyAffinity>() else {
            return Arc::default();
        };
        let namespace = &pod.reference.namespace;
        let key = (only.spec.affinity.get().into(), namespace.clone());
        self.seen
            .entry(key)
            .or_insert_with(|| {
                let anti: OnlyAnti = serde_json::from_str(only.spec.affinity.get()).unwrap_or_default();
                let terms = anti.pod_anti_affinity.unwrap_or_default();
                Arc::new(
                    terms
                        .required_during_scheduling_ignored_during_execution
                        .iter()
                        .map(|term| Term::of(term, namespace))
                        .collect(),
                )
            })
            .clone()
    }
}
