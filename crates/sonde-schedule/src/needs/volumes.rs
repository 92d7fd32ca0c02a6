//! What a pod's claims ask of a node (`volumebinding`, `volumezone`, `volumerestrictions`, `nodevolumelimits`).

use std::sync::Arc;

use sonde_model::{Kind, ObjectRef, Quantity};
use sonde_world::Snapshot;
use sonde_world::view::{PersistentVolume, PersistentVolumeClaim, Pod, StorageClass, TopologyTerm};

use super::NodeTerms;
use crate::fit::{Obstacle, UnboundClaim, Unknown};
use crate::selector::Selector;

/// What a pod's volumes ask of a node.
#[derive(Debug, Clone, Default)]
pub(crate) struct VolumeNeeds {
    pub(crate) bound: Vec<BoundVolume>,
    pub(crate) delayed: Vec<DelayedClaim>,
    pub(crate) exclusive: Vec<ExclusiveClaim>,
    pub(crate) attachments: Vec<Attachment>,
}

/// A claim that is bound.
#[derive(Debug, Clone)]
pub(crate) struct BoundVolume {
    pub(crate) claim: Arc<str>,
    pub(crate) volume: Arc<str>,
    /// The volume is known not to exist.
    pub(crate) gone: bool,
    pub(crate) affinity: Option<NodeTerms>,
    /// Zone and region labels with the values that each accepts.
    pub(crate) zones: Vec<(Arc<str>, Vec<String>)>,
}

/// A claim that is bound when its first pod is placed.
#[derive(Debug, Clone)]
pub(crate) struct DelayedClaim {
    pub(crate) claim: Arc<str>,
    pub(crate) class: Arc<str>,
    /// The class makes volumes.
    pub(crate) provisions: bool,
    pub(crate) topologies: Vec<TopologyTerm>,
    pub(crate) selected_node: Option<Arc<str>>,
    /// Volumes that it could take, smallest first.
    pub(crate) candidates: Vec<CandidateVolume>,
    size: Quantity,
}

/// A volume that a claim could take.
#[derive(Debug, Clone)]
pub(crate) struct CandidateVolume {
    pub(crate) name: Arc<str>,
    pub(crate) affinity: Option<NodeTerms>,
    /// Reserved for this claim: no other volume is taken then.
    pub(crate) reserved: bool,
    size: Quantity,
}

/// A ReadWriteOncePod claim and the pods that use it.
#[derive(Debug, Clone)]
pub(crate) struct ExclusiveClaim {
    pub(crate) claim: Arc<str>,
    pub(crate) holders: Vec<ObjectRef>,
}

/// A volume that a driver attaches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Attachment {
    pub(crate) driver: Arc<str>,
    pub(crate) handle: String,
}

const ZONE_LABELS: [&str; 4] = [
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
];

const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

/// The class of a claim; empty where it names none (`GetPersistentVolumeClaimClass`).
fn claim_class(claim: &PersistentVolumeClaim) -> &str {
    claim
        .metadata
        .annotations
        .get(CLASS_ANNOTATION)
        .or(claim.spec.storage_class_name.as_ref())
        .map_or("", String::as_str)
}

fn volume_class(volume: &PersistentVolume) -> &str {
    volume
        .metadata
        .annotations
        .get(CLASS_ANNOTATION)
        .unwrap_or(&volume.spec.storage_class_name)
}

pub(crate) fn read(
    snapshot: &Snapshot,
    pod: &Pod,
    namespace: &str,
    obstacles: &mut Vec<Obstacle>,
    unknowns: &mut Vec<Unknown>,
) -> VolumeNeeds {
    let mut needs = VolumeNeeds::default();
    let mut unbound = Vec::new();
    for volume in &pod.spec.volumes {
        let (name, ephemeral): (Arc<str>, bool) = match (&volume.persistent_volume_claim, &volume.ephemeral) {
            (Some(claim), _) => (claim.claim_name.as_str().into(), false),
            (None, Some(_)) => (format!("{}-{}", pod.metadata.name, volume.name).into(), true),
            (None, None) => continue,
        };
        let reference = ObjectRef::new(Kind::PersistentVolumeClaim, namespace, &name);
        let Some(claim) = snapshot.view::<PersistentVolumeClaim>(&reference) else {
            if snapshot.is_absent(&reference) {
                obstacles.push(Obstacle::ClaimMissing {
                    claim: name,
                    ephemeral,
                });
            } else {
                unknowns.push(Unknown::Claim(name));
            }
            continue;
        };
        if claim.metadata.deletion_timestamp.0.is_some() {
            obstacles.push(Obstacle::ClaimDeleting(name.clone()));
        }
        if claim
            .spec
            .access_modes
            .iter()
            .any(|mode| mode == "ReadWriteOncePod")
        {
            let users = snapshot.pods_using(&reference).filter(|user| {
                user.reference.name.as_ref() != pod.metadata.name
                    && user
                        .pod()
                        .is_some_and(|columns| !columns.node.is_empty() && !columns.is_terminal())
            });
            needs.exclusive.push(ExclusiveClaim {
                claim: name.clone(),
                holders: users.map(|user| user.reference.clone()).collect(),
            });
        }
        // A source that drops annotations still shows the phase.
        let bound = !claim.spec.volume_name.is_empty()
            && (claim.metadata.annotations.contains_key(BIND_COMPLETED) || claim.status.phase == "Bound");
        if claim.status.phase == "Lost" {
            obstacles.push(Obstacle::ClaimLost {
                claim: name,
                volume: claim.spec.volume_name.as_str().into(),
            });
        } else if bound {
            needs.bound.push(bound_volume(snapshot, name, &claim, unknowns));
        } else {
            match unbound_claim(snapshot, name, &claim, unknowns) {
                Unbound::Immediate(claim) => unbound.push(claim),
                Unbound::Delayed(claim) => needs.delayed.push(claim),
                Unbound::Unknown => {}
            }
        }
        needs.attachments.extend(attachment(snapshot, &reference, &claim));
    }
    if !unbound.is_empty() {
        obstacles.push(Obstacle::UnboundClaims(unbound));
    }
    needs.delayed.sort_by_key(|claim| claim.size);
    needs.attachments.sort();
    needs.attachments.dedup();
    needs
}

fn bound_volume(
    snapshot: &Snapshot,
    claim_name: Arc<str>,
    claim: &PersistentVolumeClaim,
    unknowns: &mut Vec<Unknown>,
) -> BoundVolume {
    let name: Arc<str> = claim.spec.volume_name.as_str().into();
    let reference = ObjectRef::cluster(Kind::PersistentVolume, &name);
    let volume = snapshot.view::<PersistentVolume>(&reference);
    let gone = snapshot.is_absent(&reference);
    if volume.is_none() && !gone {
        unknowns.push(Unknown::Volume(name.clone()));
    }
    let zones = volume.iter().flat_map(|volume| {
        ZONE_LABELS.iter().filter_map(|key| {
            let value = volume.metadata.labels.get(*key)?;
            // Several zones are written as `a__b`; an empty part makes the label void (`LabelZonesToSet`).
            let values: Vec<String> = value.split("__").map(|zone| zone.trim().to_owned()).collect();
            (!values.iter().any(String::is_empty)).then(|| ((*key).into(), values))
        })
    });
    BoundVolume {
        claim: claim_name,
        gone,
        zones: zones.collect(),
        affinity: volume.as_ref().and_then(volume_affinity),
        volume: name,
    }
}

fn volume_affinity(volume: &PersistentVolume) -> Option<NodeTerms> {
    let required = volume.spec.node_affinity.as_ref()?.required.as_ref()?;
    Some(NodeTerms::read(
        &required.node_selector_terms,
        "spec.nodeAffinity.required.nodeSelectorTerms",
    ))
}

enum Unbound {
    Immediate(UnboundClaim),
    Delayed(DelayedClaim),
    Unknown,
}

/// `component-helpers/storage/volume/pv_helpers.go`, `IsDelayBindingMode`: without a class, or with one that does not
/// exist, binding does not wait for the pod; neither for a claim that names its volume.
fn unbound_claim(
    snapshot: &Snapshot,
    name: Arc<str>,
    claim: &PersistentVolumeClaim,
    unknowns: &mut Vec<Unknown>,
) -> Unbound {
    let class_name: Arc<str> = claim_class(claim).into();
    let reference = ObjectRef::cluster(Kind::StorageClass, &class_name);
    let named = Some(claim.spec.volume_name.as_str()).filter(|name| !name.is_empty());
    let class = snapshot.view::<StorageClass>(&reference);
    let class_missing = !class_name.is_empty() && snapshot.is_absent(&reference);
    match class {
        Some(class) if class.waits_for_consumer() && named.is_none() => {
            if !snapshot.is_complete_everywhere(&Kind::PersistentVolume) {
                unknowns.push(Unknown::Volumes);
            }
            Unbound::Delayed(DelayedClaim {
                claim: name,
                provisions: !matches!(class.provisioner.as_str(), "" | NO_PROVISIONER),
                topologies: class.allowed_topologies.clone(),
                selected_node: claim
                    .metadata
                    .annotations
                    .get(SELECTED_NODE)
                    .map(|node| node.as_str().into()),
                candidates: candidates(snapshot, claim, &class_name),
                class: class_name,
                size: size(claim),
            })
        }
        None if !class_name.is_empty() && !class_missing && named.is_none() => {
            unknowns.push(Unknown::StorageClass(class_name));
            Unbound::Unknown
        }
        _ => Unbound::Immediate(UnboundClaim {
            claim: name,
            class: class_name,
            class_missing,
            volume: named.map(Into::into),
        }),
    }
}

fn size(claim: &PersistentVolumeClaim) -> Quantity {
    claim
        .spec
        .size()
        .and_then(sonde_world::view::Amount::quantity)
        .unwrap_or_default()
}

/// `pv_helpers.go`, `FindMatchingVolume`, except for the node.
fn candidates(snapshot: &Snapshot, claim: &PersistentVolumeClaim, class: &str) -> Vec<CandidateVolume> {
    let wanted = size(claim);
    let selector = claim
        .spec
        .selector
        .as_ref()
        .map(|selector| Selector::Labels(selector.clone()));
    let mode = |mode: &str| mode == "Block";
    let mut found: Vec<CandidateVolume> = Vec::new();
    for object in snapshot.of_kind(Kind::PersistentVolume) {
        let Some(volume) = snapshot.view::<PersistentVolume>(&object.reference) else {
            continue;
        };
        let reserved = volume.spec.claim_ref.as_ref().map(|reserved| {
            reserved.name == claim.metadata.name
                && reserved.namespace == claim.metadata.namespace
                && (reserved.uid.is_empty() || reserved.uid == claim.metadata.uid)
        });
        let capacity = volume
            .spec
            .capacity
            .get("storage")
            .and_then(sonde_world::view::Amount::quantity)
            .unwrap_or_default();
        if reserved == Some(false)
            || capacity < wanted
            || mode(&claim.spec.volume_mode) != mode(&volume.spec.volume_mode)
            || volume.metadata.deletion_timestamp.0.is_some()
        {
            continue;
        }
        let open = volume.status.phase == "Available"
            && selector.as_ref().is_none_or(|selector| selector.matches(object))
            && volume_class(&volume) == class
            && claim
                .spec
                .access_modes
                .iter()
                .all(|mode| volume.spec.access_modes.contains(mode));
        if reserved == Some(true) || open {
            found.push(CandidateVolume {
                name: object.reference.name.clone(),
                affinity: volume_affinity(&volume),
                reserved: reserved == Some(true),
                size: capacity,
            });
        }
    }
    found.sort_by(|a, b| (!a.reserved, a.size, &a.name).cmp(&(!b.reserved, b.size, &b.name)));
    found
}

/// The driver and volume of a claim (`nodevolumelimits/csi.go`, `getCSIDriverInfo`); a volume that is not made yet counts
/// under the claim's name.
pub(crate) fn attachment(
    snapshot: &Snapshot,
    reference: &ObjectRef,
    claim: &PersistentVolumeClaim,
) -> Option<Attachment> {
    if !claim.spec.volume_name.is_empty() {
        let volume = ObjectRef::cluster(Kind::PersistentVolume, &claim.spec.volume_name);
        if let Some(volume) = snapshot.view::<PersistentVolume>(&volume) {
            let csi = volume.spec.csi?;
            return Some(Attachment {
                driver: csi.driver.into(),
                handle: csi.volume_handle,
            });
        }
    }
    let class = ObjectRef::cluster(Kind::StorageClass, claim_class(claim));
    let class = snapshot.view::<StorageClass>(&class)?;
    (!class.provisioner.is_empty()).then(|| Attachment {
        driver: class.provisioner.into(),
        handle: format!("{}/{}", reference.namespace, reference.name),
    })
}
