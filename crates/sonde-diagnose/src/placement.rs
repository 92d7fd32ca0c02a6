//! Where pending pods fit: the scheduler's filters, run once per cluster and once per sort of pod.

mod outlook;

use std::cell::{OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use sonde_model::{EvidenceKind, Kind, ObjectRef};
use sonde_schedule::{Cluster, Fit, Preemption, Remedy, Room, Unknown};
use sonde_world::view::{Labels, Pod, PodSpec};
use sonde_world::{Object, Snapshot};

pub(crate) use outlook::{Outlook, Why, is_abnormal_key, is_cordon, is_extended, is_not_ready, outlooks};

use crate::case::Seen;
use crate::field_on;

/// The name of the scheduler that pods ask for unless they say otherwise.
const DEFAULT_SCHEDULER: &str = "default-scheduler";

/// Answers that are kept: one has the numbers of every node, so all of them would be more than the cluster itself.
const KEPT: usize = 4;

/// The answers of the filters; those of the last pods are kept.
pub(crate) struct Placements<'a> {
    snapshot: &'a Snapshot,
    cluster: OnceCell<Cluster>,
    at_work: OnceCell<Option<Seen>>,
    kept: RefCell<VecDeque<Kept>>,
}

/// The pod that was asked about last with an answer, and the answer.
struct Kept {
    pod: ObjectRef,
    owner: Option<ObjectRef>,
    spec: PodSpec,
    labels: Labels,
    placement: Option<Rc<Placement>>,
}

/// Where one pod fits, and what would help.
pub(crate) struct Placement {
    pub(crate) fit: Fit,
    outlooks: OnceCell<Vec<Outlook>>,
    room: OnceCell<Vec<Room>>,
    remedies: OnceCell<Vec<Remedy>>,
    preemption: OnceCell<Option<Preemption>>,
}

impl<'a> Placements<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            cluster: OnceCell::new(),
            at_work: OnceCell::new(),
            kept: RefCell::default(),
        }
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        self.cluster.get_or_init(|| Cluster::prepare(self.snapshot))
    }

    /// The newest thing that the default scheduler did to any pod, with its time.
    pub(crate) fn scheduler_at_work(&self) -> Option<&Seen> {
        self.at_work.get_or_init(|| at_work(self.snapshot)).as_ref()
    }

    pub(crate) fn of(&self, reference: &ObjectRef, pod: &Pod) -> Option<Rc<Placement>> {
        if reference.kind != Kind::Pod {
            return None;
        }
        let owner = self.owner(reference);
        if let Some(kept) = self
            .kept
            .borrow_mut()
            .iter_mut()
            .find(|kept| kept.answers(reference, &owner, pod))
        {
            // The causes of one episode ask one after the other.
            kept.pod = reference.clone();
            return kept.placement.clone();
        }
        let placement = self.cluster().explain(reference).map(|fit| {
            Rc::new(Placement {
                fit,
                outlooks: OnceCell::new(),
                room: OnceCell::new(),
                remedies: OnceCell::new(),
                preemption: OnceCell::new(),
            })
        });
        let mut kept = self.kept.borrow_mut();
        kept.truncate(KEPT - 1);
        kept.push_front(Kept {
            pod: reference.clone(),
            owner,
            spec: pod.spec.clone(),
            labels: pod.metadata.labels.clone(),
            placement: placement.clone(),
        });
        placement
    }

    fn owner(&self, pod: &ObjectRef) -> Option<ObjectRef> {
        let object = self.snapshot.get(pod)?;
        (!object.partial).then(|| object.owner.as_ref().map(|owner| owner.reference.clone()))?
    }
}

/// Only what nobody else writes: its events, and the condition of a pod that it found no node for. Where a pod has a node
/// the kubelet writes the condition too, and the API server where there are gates.
fn at_work(snapshot: &Snapshot) -> Option<Seen> {
    let mut newest: Option<(Timestamp, &Arc<Object>)> = None;
    let mut note = |time: Option<Timestamp>, object| {
        if let Some(time) = time.filter(|time| newest.is_none_or(|(have, _)| *time > have)) {
            newest = Some((time, object));
        }
    };
    for pod in snapshot.of_kind(Kind::Pod) {
        let Some(columns) = pod.pod().filter(|it| it.scheduler.is_none()) else {
            continue;
        };
        let judged = columns
            .condition("PodScheduled")
            .filter(|it| it.is_false() && matches!(it.reason.as_str(), "Unschedulable" | "SchedulerError"));
        note(judged.and_then(|it| it.last_transition_time.0), pod);
    }
    for event in snapshot.of_kind(Kind::Event) {
        let ours = event
            .event()
            .filter(|it| &*it.component == DEFAULT_SCHEDULER && it.about.kind == Kind::Pod);
        note(ours.and_then(|it| it.last), event);
    }
    let (time, object) = newest?;
    Some(match object.event() {
        Some(event) => Seen {
            kind: EvidenceKind::Event,
            source: format!("event {} from {}", event.reason, event.component),
            object: Some(event.about.clone()),
            time: Some(time),
            text: event.message.to_string(),
        },
        None => Seen {
            time: Some(time),
            ..field_on(
                &object.reference,
                "status.conditions[PodScheduled].lastTransitionTime",
                time,
            )
        },
    })
}

impl Kept {
    /// It is the same pod, or a sibling: pods with the same owner, labels and spec, none of them bound, get the same answer.
    fn answers(&self, reference: &ObjectRef, owner: &Option<ObjectRef>, pod: &Pod) -> bool {
        self.pod == *reference
            || (self.placement.is_some()
                && owner.is_some()
                && self.owner == *owner
                && pod.spec.node_name.is_empty()
                && pod.status.nominated_node_name.is_empty()
                && pod.spec.volumes.iter().all(|volume| volume.ephemeral.is_none())
                && self.spec == pod.spec
                && self.labels == pod.metadata.labels)
    }
}

impl Placement {
    /// What decides, and what would once that is mended, where everything was known that such a statement needs.
    /// `total` is how many nodes there are by the scheduler's own count: where as many are known, they are all.
    pub(crate) fn outlooks(&self, total: Option<u32>) -> &[Outlook] {
        let all = total.is_some_and(|total| total > 0 && total as usize == self.fit.nodes.len());
        let of_nodes =
            (all || !self.fit.unknowns.contains(&Unknown::Nodes)) && self.fit.proves_no_fit_on_known_nodes();
        if !of_nodes && !self.fit.proves_no_fit() {
            return &[];
        }
        self.outlooks.get_or_init(|| outlooks(&self.fit, of_nodes))
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
