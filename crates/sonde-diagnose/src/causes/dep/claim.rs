//! What the causes of claims have in common: the claim of an episode, be the subject the claim or a pod that waits for it.

use sonde_grammar::Fact;
use sonde_grammar::fact::{ClaimFact, PreFilter};
use sonde_model::{Kind, ObjectRef};
use sonde_world::view::{PersistentVolume, PersistentVolumeClaim, StorageClass};

use crate::{Case, Facts, Message, Seen, Symptom, field_on};

/// A claim of the pod's namespace.
pub(super) fn reference(facts: &Facts<'_>, name: &str) -> ObjectRef {
    ObjectRef::new(
        Kind::PersistentVolumeClaim,
        &facts.episode.subject.namespace,
        name,
    )
}

/// The provisioner of classes whose volumes are made by hand.
pub(super) const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

/// A claim that is not bound.
pub(super) struct Unbound {
    pub(super) reference: ObjectRef,
    pub(super) claim: PersistentVolumeClaim,
    messages: Vec<Message>,
}

/// The claims of the episode that are there and not bound.
pub(super) fn unbound(facts: &Facts<'_>) -> Vec<Unbound> {
    claims(facts)
        .into_iter()
        .filter_map(|reference| {
            // Of a claim that only its events tell of nothing else is known.
            if reference == facts.episode.subject && facts.is_text() {
                let mut claim = PersistentVolumeClaim::default();
                claim.status.phase = "Pending".into();
                return Some(Unbound {
                    messages: facts.messages_about(&reference),
                    reference,
                    claim,
                });
            }
            let claim: PersistentVolumeClaim = facts.snapshot.view(&reference)?;
            let waits = matches!(claim.status.phase.as_str(), "Pending" | "Lost");
            waits.then(|| Unbound {
                messages: facts.messages_about(&reference),
                reference,
                claim,
            })
        })
        .collect()
}

/// The claims that the episode is about: the subject itself, or those that the pod refers to.
pub(super) fn claims(facts: &Facts<'_>) -> Vec<ObjectRef> {
    let subject = &facts.episode.subject;
    if subject.kind == Kind::PersistentVolumeClaim {
        return vec![subject.clone()];
    }
    let pod = facts.pod();
    pod.spec
        .volumes
        .iter()
        .filter_map(
            |volume| match (&volume.persistent_volume_claim, &volume.ephemeral) {
                (Some(it), _) => Some(reference(facts, &it.claim_name)),
                // `pkg/volume/util/ephemeral.go`: the pod's name, a dash, the volume's name.
                (None, Some(_)) => Some(reference(facts, &format!("{}-{}", subject.name, volume.name))),
                _ => None,
            },
        )
        .collect()
}

/// What the scheduler's newest words say of a claim, while the pod has no node: what it said before is over.
pub(super) fn stopped<'a, T>(
    facts: &Facts<'a>,
    pick: impl Fn(&'a PreFilter) -> Option<T>,
) -> Option<(T, &'a Message)> {
    if facts.episode.symptom != Symptom::Unschedulable {
        return None;
    }
    let (said, message) = facts.find(|fact| match fact {
        Fact::Unschedulable(said) => Some(said),
        _ => None,
    })?;
    Some((said.pre_filter.iter().find_map(pick)?, message))
}

impl Unbound {
    /// The newest message about the claim with a fact that `pick` takes.
    pub(super) fn said<T>(&self, pick: impl Fn(&ClaimFact) -> Option<T>) -> Option<(T, Seen)> {
        self.messages.iter().find_map(|message| {
            let picked = message.facts.iter().find_map(|fact| match fact {
                Fact::Claim(fact) => pick(fact),
                _ => None,
            })?;
            Some((picked, message.seen()))
        })
    }

    /// The name of its storage class: `None` where the field is not set, which means the default one.
    pub(super) fn class_name(&self) -> Option<&str> {
        let name = self.claim.spec.storage_class_name.as_deref()?;
        Some(name)
    }

    /// Its storage class, where it is known.
    pub(super) fn class(&self, facts: &Facts<'_>) -> Option<StorageClass> {
        facts.snapshot.view(&class_reference(self.class_name()?))
    }

    /// A field of the claim as evidence.
    pub(super) fn field(&self, path: &str, value: &str) -> Seen {
        field_on(&self.reference, path, value)
    }

    /// Ends the chain, and roots the case at the claim: the claim and every pod that waits for it are one finding.
    pub(super) fn conclude(&self, facts: &Facts<'_>, case: &mut Case, why: &str) {
        let name = &self.reference.name;
        case.step(
            format!("so claim {name} is not bound"),
            [self.field("status.phase", &self.claim.status.phase)],
        );
        let waiting: Vec<ObjectRef> = facts
            .snapshot
            .pods_using(&self.reference)
            .filter(|it| it.pod().is_some_and(|pod| !pod.is_terminal()))
            .map(|it| it.reference.clone())
            .collect();
        if let Some(pod) = waiting.first() {
            let list = waiting
                .iter()
                .take(3)
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ");
            let seen = field_on(pod, "spec.volumes[].persistentVolumeClaim.claimName", name);
            case.step(format!("and {list} waits for it"), [seen]);
        }
        case.headline(format!("claim {name} is not bound: {why}"));
        case.root(self.reference.clone());
    }
}

/// The volumes of a class. Of a class whose volumes are made by hand there need be no StorageClass object.
pub(super) fn volumes_of(facts: &Facts<'_>, class: &str) -> Vec<(ObjectRef, PersistentVolume)> {
    facts
        .snapshot
        .of_kind(Kind::PersistentVolume)
        .filter_map(|object| {
            let volume: PersistentVolume = object.encoded.decode().ok()?;
            (volume.spec.storage_class_name == class).then(|| (object.reference.clone(), volume))
        })
        .collect()
}

/// A storage class by name.
pub(super) fn class_reference(name: &str) -> ObjectRef {
    ObjectRef::cluster(Kind::StorageClass, name)
}
