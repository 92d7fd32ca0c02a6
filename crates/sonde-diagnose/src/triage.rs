//! Finds the subjects that are not as they should be. Healthy objects cost a look at their columns and nothing more.

mod container;
mod hook;
mod ingress;
mod manifest;
mod node;
mod pod;
mod rollout;
mod service;
#[cfg(test)]
mod tests;
mod text;
mod workload;
mod young;

pub(crate) use container::IMAGE_REASONS;
pub(crate) use hook::{StillThere, still_there};
pub(crate) use ingress::{Unrouted, unrouted};
pub(crate) use manifest::{invalid_fields, manifest_spec};
pub(crate) use pod::GATE_PATIENCE;
pub(crate) use rollout::{
    METRICS_PATIENCE, ORDINAL_PATIENCE, RETURN_PATIENCE, held_by_budget, held_pod, lets_none_go, unready_for,
    unready_since,
};
pub(crate) use service::{ADDRESS_PATIENCE, WITH_TEMPLATE, is_described_empty, templates, unserved_port};
pub(crate) use text::nameless;
pub(crate) use workload::{
    EMPTYING_PATIENCE, KEPT_PATIENCE, cleanup_patience, kept_running, only_remains, pods_ending,
};

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sonde_model::{Kind, ObjectRef, Severity};
use sonde_world::{Object, Snapshot};

use crate::{Episode, Scope, Symptom, Texts, node_check};

/// Kinds whose objects are looked at for more than a deletion that hangs.
pub fn examines(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Pod
            | Kind::Node
            | Kind::Namespace
            | Kind::Deployment
            | Kind::ReplicaSet
            | Kind::ReplicationController
            | Kind::StatefulSet
            | Kind::DaemonSet
            | Kind::Job
            | Kind::CronJob
            | Kind::HorizontalPodAutoscaler
            | Kind::PodDisruptionBudget
            | Kind::PersistentVolumeClaim
            | Kind::Service
            | Kind::Ingress
    )
}

/// What triage looks at.
pub(crate) struct Triage<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) texts: &'a Texts,
    pub(crate) now: Option<Timestamp>,
    /// How often the pods of an owner met the same fate in a row; filled as it is asked for.
    pub(crate) fates: RefCell<BTreeMap<ObjectRef, BTreeMap<pod::Fate, usize>>>,
}

/// When an episode is told although no cause is at least likely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// Whatever is concluded.
    Always,
    /// From then on: before, the subject may just be slow.
    From(Timestamp),
    /// Never: what was seen is worth a word only with its cause.
    WithItsCause,
    /// No alarm and no clean bill: the source does not tell how long it lasts.
    Timeless,
}

impl Told {
    /// Without a time to compare with, nobody can say that the subject is just slow.
    pub(crate) fn even_if_unclear(self, now: Option<Timestamp>) -> bool {
        match self {
            Told::Always | Told::Timeless => true,
            Told::From(time) => now.is_none_or(|now| now >= time),
            Told::WithItsCause => false,
        }
    }
}

/// An episode with what the engine must know before it reports it.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    pub(crate) episode: Episode,
    pub(crate) told: Told,
    /// It is about the container's newest run that ended: the engine adds it from the decoded status.
    pub(crate) of_ended_run: bool,
    /// How severe it is while nothing explains it.
    pub(crate) unexplained: Severity,
}

impl From<Episode> for Opened {
    fn from(episode: Episode) -> Self {
        Opened {
            episode,
            told: Told::Always,
            of_ended_run: false,
            unexplained: Severity::Error,
        }
    }
}

impl Opened {
    /// As severe as this while nothing explains it.
    fn unexplained(mut self, severity: Severity) -> Self {
        self.unexplained = severity;
        self
    }

    /// An episode of a subject that may just be slow until then.
    fn patient(episode: Episode, until: Option<Timestamp>) -> Self {
        Opened {
            told: until.map_or(Told::Always, Told::From),
            ..episode.into()
        }
    }
}

impl Triage<'_> {
    /// Opens an episode for everything in scope that is not as it should be, in the order of the objects.
    pub(crate) fn open(&self, scope: &Scope) -> Vec<Opened> {
        let mut opened = Vec::new();
        let wider = match scope {
            Scope::Objects(wanted) => Scope::Objects(self.with_behind(wanted)),
            other => other.clone(),
        };
        for object in self.snapshot.objects() {
            if self.in_scope(&wider, object) {
                let before = opened.len();
                self.look_at(object, &mut opened);
                self.spare_ending(object, &mut opened, before);
                self.spare_young(object, &mut opened[before..]);
                self.mark_timeless(object, &mut opened[before..]);
                // Who names an object wants to know why nothing happens; nobody else does.
                if matches!(scope, Scope::Objects(wanted) if wanted.contains(&object.reference)) {
                    workload::at_rest(self, object, &mut opened);
                }
            }
        }
        let of_node = |node: &ObjectRef| match self.snapshot.get(node) {
            Some(object) => self.in_scope(&wider, object),
            None => node_check::is_wanted(scope, node),
        };
        let checks = node_check::open(self.texts, self.now, of_node);
        opened.extend(checks.into_iter().map(Opened::from));
        hook::of_replaced(self, &wider, &mut opened);
        text::loose(self, &mut opened);
        text::kernel_alone(self, &mut opened);
        text::events_alone(self, &mut opened);
        text::node_lines_alone(self, &mut opened);
        text::logs_alone(self, &mut opened);
        opened
    }

    fn look_at(&self, object: &Object, out: &mut Vec<Opened>) {
        match object.reference.kind {
            _ if object.uid.is_empty() && manifest::is_wrong(object) => manifest::open(object, out),
            Kind::Pod => pod::look(self, object, out),
            Kind::Node => node::look(self, object, out),
            // There are many, and only a deletion of theirs can hang.
            Kind::ConfigMap | Kind::Secret if object.deletion.is_none() => {}
            Kind::Event => {}
            _ => workload::look(self, object, out),
        }
    }

    /// How long ago a time is; `None` where either is unknown.
    pub(crate) fn elapsed(&self, since: Option<Timestamp>) -> Option<SignedDuration> {
        Some(self.now?.duration_since(since?))
    }

    fn in_scope(&self, scope: &Scope, object: &Object) -> bool {
        let reference = &object.reference;
        match scope {
            Scope::All => true,
            Scope::Namespace(namespace) => {
                *reference.namespace == **namespace
                    || (reference.kind == Kind::Namespace && *reference.name == **namespace)
                    || (reference.kind == Kind::Node
                        && self.hosts(reference, |pod| *pod.namespace == **namespace))
            }
            Scope::Objects(wanted) => self.concerns(wanted, reference),
        }
    }

    /// A wanted object itself, what it owns, and what a wanted pod refers to or runs on.
    fn concerns(&self, wanted: &BTreeSet<ObjectRef>, reference: &ObjectRef) -> bool {
        wanted.contains(reference)
            || self.owners(reference).any(|owner| wanted.contains(&owner))
            || match reference.kind {
                Kind::Node => self.hosts(reference, |pod| wanted.contains(pod)),
                Kind::PersistentVolumeClaim => {
                    let mut pods = self.snapshot.pods_using(reference);
                    pods.any(|pod| wanted.contains(&pod.reference))
                }
                _ => false,
            }
    }

    /// Who asks for a service asks for what answers for it: the pods that it selects and their workloads. Who asks for an
    /// ingress asks for the services that it sends to.
    fn with_behind(&self, wanted: &BTreeSet<ObjectRef>) -> BTreeSet<ObjectRef> {
        let ingresses = wanted.iter().filter(|it| it.kind == Kind::Ingress);
        let routed: Vec<ObjectRef> = ingresses.flat_map(|it| ingress::services(self, it)).collect();
        let services = wanted.iter().chain(&routed).filter(|it| it.kind == Kind::Service);
        let behind = services
            .filter_map(|it| self.snapshot.get(it))
            .flat_map(|it| service::behind(self, it));
        wanted
            .iter()
            .chain(&routed)
            .cloned()
            .chain(behind.map(|it| it.reference.clone()))
            .collect()
    }

    /// In a namespace that is being deleted everything goes away: what lacks there is lacking on purpose. What does not
    /// go, and what its pods still meet, is told.
    fn spare_ending(&self, object: &Object, opened: &mut Vec<Opened>, before: usize) {
        let namespace = &object.reference.namespace;
        if opened.len() == before || namespace.is_empty() {
            return;
        }
        let namespace = ObjectRef::cluster(Kind::Namespace, namespace);
        if self
            .snapshot
            .get(&namespace)
            .is_none_or(|it| it.deletion.is_none())
        {
            return;
        }
        let mut at = 0;
        opened.retain_mut(|it| {
            at += 1;
            if at <= before || it.episode.symptom == Symptom::Deleting {
                return true;
            }
            // Who asks why nothing can be made there is answered.
            if it.episode.symptom == Symptom::PodsNotCreated {
                it.told = Told::WithItsCause;
                return true;
            }
            object.reference.kind == Kind::Pod
        });
    }

    fn owners(&self, reference: &ObjectRef) -> impl Iterator<Item = ObjectRef> {
        let owner =
            |reference: &ObjectRef| Some(self.snapshot.get(reference)?.owner.as_ref()?.reference.clone());
        // Owner chains are short; the bound ends cycles.
        std::iter::successors(owner(reference), move |it| owner(it)).take(16)
    }

    fn hosts(&self, node: &ObjectRef, wanted: impl Fn(&ObjectRef) -> bool) -> bool {
        self.snapshot
            .pods_on_node(&node.name)
            .any(|pod| wanted(&pod.reference))
    }
}
