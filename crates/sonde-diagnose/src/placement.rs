//! Where pending pods fit: the scheduler's filters, run once per cluster and once per sort of pod.

mod outlook;

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use sonde_model::{Kind, ObjectRef};
use sonde_schedule::{Cluster, Fit, Preemption, Remedy, Room};
use sonde_world::Snapshot;
use sonde_world::view::{Labels, Pod, PodSpec};

pub(crate) use outlook::{Outlook, Why, is_abnormal_key, is_cordon, is_extended, is_not_ready, outlook};

/// The answers of the filters, each asked for once.
pub(crate) struct Placements<'a> {
    snapshot: &'a Snapshot,
    cluster: OnceCell<Cluster>,
    pods: RefCell<BTreeMap<ObjectRef, Option<Rc<Placement>>>>,
    /// The last pod of each owner: its siblings ask the same question.
    siblings: RefCell<BTreeMap<ObjectRef, Sibling>>,
}

struct Sibling {
    spec: PodSpec,
    labels: Labels,
    placement: Rc<Placement>,
}

/// Where one pod fits, and what would help.
pub(crate) struct Placement {
    pub(crate) fit: Fit,
    outlook: OnceCell<Option<Outlook>>,
    room: OnceCell<Vec<Room>>,
    remedies: OnceCell<Vec<Remedy>>,
    preemption: OnceCell<Option<Preemption>>,
}

impl<'a> Placements<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            cluster: OnceCell::new(),
            pods: RefCell::default(),
            siblings: RefCell::default(),
        }
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        self.cluster.get_or_init(|| Cluster::prepare(self.snapshot))
    }

    pub(crate) fn of(&self, reference: &ObjectRef, pod: &Pod) -> Option<Rc<Placement>> {
        if reference.kind != Kind::Pod {
            return None;
        }
        if let Some(known) = self.pods.borrow().get(reference) {
            return known.clone();
        }
        let placement = self.like_a_sibling(reference, pod).or_else(|| {
            let placement = Rc::new(Placement {
                fit: self.cluster().explain(reference)?,
                outlook: OnceCell::new(),
                room: OnceCell::new(),
                remedies: OnceCell::new(),
                preemption: OnceCell::new(),
            });
            if let Some(owner) = self.owner(reference) {
                let sibling = Sibling {
                    spec: pod.spec.clone(),
                    labels: pod.metadata.labels.clone(),
                    placement: placement.clone(),
                };
                self.siblings.borrow_mut().insert(owner, sibling);
            }
            Some(placement)
        });
        self.pods
            .borrow_mut()
            .insert(reference.clone(), placement.clone());
        placement
    }

    fn owner(&self, pod: &ObjectRef) -> Option<ObjectRef> {
        let object = self.snapshot.get(pod)?;
        (!object.partial).then(|| object.owner.as_ref().map(|owner| owner.reference.clone()))?
    }

    /// Pods with the same labels and the same spec, none of them bound, get the same answer.
    fn like_a_sibling(&self, reference: &ObjectRef, pod: &Pod) -> Option<Rc<Placement>> {
        let owner = self.owner(reference)?;
        let siblings = self.siblings.borrow();
        let sibling = siblings.get(&owner)?;
        let alike = pod.spec.node_name.is_empty()
            && pod.status.nominated_node_name.is_empty()
            && pod.spec.volumes.iter().all(|volume| volume.ephemeral.is_none())
            && sibling.spec == pod.spec
            && sibling.labels == pod.metadata.labels;
        alike.then(|| sibling.placement.clone())
    }
}

impl Placement {
    /// What decides, where everything was known that such a statement needs. `total` is how many nodes there are by
    /// the scheduler's own count: where as many are known, they are all.
    pub(crate) fn outlook(&self, total: Option<u32>) -> Option<&Outlook> {
        let all = total.is_some_and(|total| total > 0 && total as usize == self.fit.nodes.len());
        let proven = self.fit.proves_no_fit() || (all && self.fit.proves_no_fit_on_known_nodes());
        proven
            .then(|| self.outlook.get_or_init(|| outlook(&self.fit)))?
            .as_ref()
    }

    /// The room for each resource on the nodes that would take the pod.
    pub(crate) fn room(&self, cluster: &Cluster) -> &[Room] {
        self.room.get_or_init(|| cluster.room(&self.fit))
    }

    /// Changes that were tried and make it fit.
    pub(crate) fn remedies(&self, cluster: &Cluster) -> &[Remedy] {
        self.remedies.get_or_init(|| cluster.remedies(&self.fit))
    }

    /// What removing pods of lower priority could do.
    pub(crate) fn preemption(&self, cluster: &Cluster) -> Option<&Preemption> {
        self.preemption
            .get_or_init(|| cluster.preemption(&self.fit))
            .as_ref()
    }
}
