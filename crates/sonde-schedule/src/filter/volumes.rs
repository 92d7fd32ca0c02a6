//! What a pod's claims ask of a node.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sonde_model::{Kind, ObjectRef};
use sonde_world::view::{CsiNode, PersistentVolume, PersistentVolumeClaim, TopologyTerm, VolumeAttachment};

use super::Place;
use crate::fit::Rejection;
use crate::needs::{Attachment, DelayedClaim, attachment};
use crate::{Cluster, NodeRoom};

/// How many volumes each driver may attach, and which are attached, per node.
#[derive(Debug, Default)]
pub(crate) struct VolumeUse {
    nodes: HashMap<Arc<str>, NodeVolumes>,
    /// Attachments by pod, so that a pod that goes can take its volumes along.
    by_pod: HashMap<ObjectRef, Vec<Attachment>>,
}

#[derive(Debug, Default)]
struct NodeVolumes {
    limits: BTreeMap<Arc<str>, i64>,
    /// What the node has attached, whether a pod is known to use it or not.
    attached: BTreeSet<Attachment>,
}

impl VolumeUse {
    /// Reads the limits, and what is attached on the nodes that have any.
    pub(crate) fn collect(cluster: &Cluster) -> Self {
        let snapshot = cluster.snapshot();
        let mut use_ = Self::default();
        for object in snapshot.of_kind(Kind::CSINode) {
            let Some(node) = snapshot.view::<CsiNode>(&object.reference) else {
                continue;
            };
            let limits: BTreeMap<Arc<str>, i64> = node
                .spec
                .drivers
                .iter()
                .filter_map(|driver| {
                    let count = driver.allocatable.as_ref()?.count?;
                    Some((driver.name.as_str().into(), count))
                })
                .collect();
            if !limits.is_empty() {
                use_.nodes.insert(
                    object.reference.name.clone(),
                    NodeVolumes {
                        limits,
                        attached: BTreeSet::new(),
                    },
                );
            }
        }
        if use_.nodes.is_empty() {
            return use_;
        }
        for node in cluster.nodes() {
            if !use_.nodes.contains_key(node.name()) {
                continue;
            }
            for pod in &node.pods {
                let claims = pod.pod().into_iter().flat_map(|columns| &columns.references);
                let volumes: Vec<Attachment> = claims
                    .filter(|reference| reference.kind == Kind::PersistentVolumeClaim)
                    .filter_map(|reference| {
                        let claim = ObjectRef {
                            kind: Kind::PersistentVolumeClaim,
                            namespace: pod.reference.namespace.clone(),
                            name: reference.name.clone(),
                        };
                        let view = snapshot.view::<PersistentVolumeClaim>(&claim)?;
                        attachment(snapshot, &claim, &view)
                    })
                    .collect();
                if !volumes.is_empty() {
                    use_.by_pod.insert(pod.reference.clone(), volumes);
                }
            }
        }
        use_.collect_attachments(cluster);
        use_
    }

    /// Volumes that are attached while no known pod uses them take their place too.
    fn collect_attachments(&mut self, cluster: &Cluster) {
        let snapshot = cluster.snapshot();
        for object in snapshot.of_kind(Kind::VolumeAttachment) {
            let Some(view) = snapshot.view::<VolumeAttachment>(&object.reference) else {
                continue;
            };
            let Some(node) = self.nodes.get_mut(view.spec.node_name.as_str()) else {
                continue;
            };
            let name = &view.spec.source.persistent_volume_name;
            let volume = ObjectRef::cluster(Kind::PersistentVolume, name);
            let handle = snapshot
                .view::<PersistentVolume>(&volume)
                .and_then(|volume| volume.spec.csi)
                .map_or_else(|| name.clone(), |csi| csi.volume_handle);
            node.attached.insert(Attachment {
                driver: view.spec.attacher.into(),
                handle,
            });
        }
    }
}

/// `volumerestrictions/volume_restrictions.go`: where one pod uses the claim, no node will do.
pub(super) fn exclusive(place: &Place<'_>, out: &mut Vec<Rejection>) {
    for claim in &place.needs.volumes.exclusive {
        if let Some(holder) = claim.holders.first() {
            out.push(Rejection::ReadWriteOncePod {
                claim: claim.claim.clone(),
                holder: holder.clone(),
            });
        }
    }
}

/// `nodevolumelimits/csi.go`.
pub(super) fn limits(place: &Place<'_>, out: &mut Vec<Rejection>) {
    let wanted = &place.needs.volumes.attachments;
    if wanted.is_empty() {
        return;
    }
    let Some(node) = place.attached.nodes.get(place.node.name()) else {
        return;
    };
    let mut attached: BTreeSet<&Attachment> = node.attached.iter().collect();
    let of_pods = place
        .node
        .pods
        .iter()
        .filter_map(|pod| place.attached.by_pod.get(&pod.reference));
    attached.extend(of_pods.flatten());
    for (driver, limit) in &node.limits {
        let of_driver = |it: &&&Attachment| it.driver == *driver;
        let have = attached.iter().filter(of_driver).count();
        let new = wanted
            .iter()
            .filter(|it| it.driver == *driver && !attached.contains(it))
            .count();
        if new > 0 && i64::try_from(have + new).unwrap_or(i64::MAX) > *limit {
            out.push(Rejection::VolumeLimit {
                driver: driver.clone(),
                attached: i64::try_from(have).unwrap_or(i64::MAX),
                wanted: i64::try_from(new).unwrap_or(i64::MAX),
                limit: *limit,
            });
        }
    }
}

/// `volumebinding/binder.go`, `FindPodVolumes`.
pub(super) fn binding(place: &Place<'_>, out: &mut Vec<Rejection>) {
    let volumes = &place.needs.volumes;
    for bound in &volumes.bound {
        let (claim, volume) = (bound.claim.clone(), bound.volume.clone());
        if bound.gone {
            out.push(Rejection::VolumeGone { claim, volume });
        } else if let Some(terms) = &bound.affinity
            && !terms.matches(place.node)
        {
            out.push(Rejection::VolumeNodeAffinity {
                claim,
                volume,
                misses: terms.misses(place.node),
            });
        }
    }
    let mut taken: Vec<&Arc<str>> = Vec::new();
    for claim in &volumes.delayed {
        let refuse = |elsewhere| Rejection::NoVolume {
            claim: claim.claim.clone(),
            class: claim.class.clone(),
            elsewhere,
            selected_node: claim.selected_node.clone(),
        };
        match &claim.selected_node {
            Some(selected) if selected != place.node.name() => out.push(refuse(true)),
            None if take_volume(claim, place.node, &mut taken) => {}
            _ if !claim.provisions => out.push(refuse(false)),
            _ if !topology_allows(&claim.topologies, place.node) => out.push(refuse(true)),
            _ => {}
        }
    }
}

/// A volume reserved for the claim is the only one it takes; else the smallest that the node can reach.
fn take_volume<'a>(claim: &'a DelayedClaim, node: &NodeRoom, taken: &mut Vec<&'a Arc<str>>) -> bool {
    for candidate in &claim.candidates {
        if taken.contains(&&candidate.name) {
            continue;
        }
        let reachable = candidate
            .affinity
            .as_ref()
            .is_none_or(|terms| terms.matches(node));
        if reachable {
            taken.push(&candidate.name);
            return true;
        }
        if candidate.reserved {
            return false;
        }
    }
    false
}

/// `component-helpers/scheduling/corev1/helpers.go`, `MatchTopologySelectorTerms`: no terms allow all, an empty term none.
fn topology_allows(terms: &[TopologyTerm], node: &NodeRoom) -> bool {
    terms.is_empty()
        || terms.iter().any(|term| {
            !term.match_label_expressions.is_empty()
                && term.match_label_expressions.iter().all(|it| {
                    node.label(&it.key)
                        .is_some_and(|have| it.values.iter().any(|want| want == have.as_ref()))
                })
        })
}

/// `volumezone/volume_zone.go`: a node without any zone label is taken as the only zone there is.
pub(super) fn zones(place: &Place<'_>, out: &mut Vec<Rejection>) {
    const GA: [(&str, &str); 2] = [
        (
            "failure-domain.beta.kubernetes.io/zone",
            "topology.kubernetes.io/zone",
        ),
        (
            "failure-domain.beta.kubernetes.io/region",
            "topology.kubernetes.io/region",
        ),
    ];
    let node = place.node;
    let zoned = || {
        GA.iter()
            .any(|(beta, ga)| node.label(beta).is_some() || node.label(ga).is_some())
    };
    for bound in &place.needs.volumes.bound {
        for (key, values) in &bound.zones {
            let newer = GA
                .iter()
                .find(|(beta, _)| *beta == key.as_ref())
                .map(|(_, ga)| *ga);
            let actual = node.label(key).or_else(|| node.label(newer?));
            let matches = actual.is_some_and(|have| values.iter().any(|want| want == have.as_ref()));
            if !matches && zoned() {
                out.push(Rejection::VolumeZone {
                    claim: bound.claim.clone(),
                    volume: bound.volume.clone(),
                    key: key.clone(),
                    values: values.clone(),
                    actual: actual.cloned(),
                });
            }
        }
    }
}
