//! What the causes of volumes that are not there have in common.

use sonde_grammar::Fact;
use sonde_grammar::fact::{PullFact, VolumeFact, VolumeFailure};
use sonde_model::Risk;
use sonde_world::view::Volume;

use crate::message::Origin;
use crate::{Case, Facts, Message};

/// How a cause tells what happened to a volume.
pub(super) struct Told {
    /// What is wrong, to follow "volume x: ".
    pub(super) what: String,
    /// What to do.
    pub(super) advice: &'static str,
}

/// The newest message of the episode that `pick` takes, unless the kubelet has come past the volumes since, or past this
/// volume's failure: a newer one of it counts.
pub(super) fn failing<'a, T>(
    facts: &Facts<'a>,
    pick: impl Fn(&'a VolumeFailure) -> Option<T>,
) -> Option<(T, &'a VolumeFact, &'a Message)> {
    let mut newer: Vec<&[String]> = Vec::new();
    for message in facts.messages() {
        // Pasted words without a time are in no order.
        let ordered = message.origin != Origin::Text || message.seen.time.is_some();
        let mut told: Vec<&[String]> = Vec::new();
        for fact in &message.facts {
            match fact {
                Fact::Volume(it) if newer.contains(&it.volumes.as_slice()) => {}
                Fact::Volume(it) => {
                    if let Some(picked) = pick(&it.failure) {
                        return Some((picked, it, message));
                    }
                    if it.failure.tells_why() {
                        told.push(&it.volumes);
                    }
                }
                // The sandbox is made and images are pulled after all volumes are mounted: what failed before is over.
                Fact::Pull(PullFact::Started { .. } | PullFact::Done { .. }) if ordered => return None,
                Fact::Sandbox(failure) if ordered && failure.is_of_creation() => return None,
                _ => {}
            }
        }
        if ordered {
            newer.extend(told);
        }
    }
    None
}

/// The step that shows which of the pod's volumes a failure is about.
pub(super) fn need(facts: &Facts<'_>, case: &mut Case, volume: &VolumeFact) {
    if let Some((it, path)) = known_volume(facts, volume) {
        let kind = kind_of(it);
        case.step(
            format!("the pod needs volume {}, {kind}", it.name),
            [facts.field(&path, kind)],
        );
    }
}

/// States the case of a cause that one message about a volume proves.
pub(super) fn tell(facts: &Facts<'_>, case: &mut Case, pick: impl Fn(&VolumeFailure) -> Option<Told>) {
    let Some((told, volume, message)) = failing(facts, pick) else {
        return;
    };
    if volume.failure.is_late() {
        case.generally_proven_by(message.seen());
    } else {
        case.proven_by(message.seen());
    }
    let name = volume.volumes.first().map_or("a volume", String::as_str);
    let known = known_volume(facts, volume);
    if known.is_some() {
        need(facts, case, volume);
    } else {
        case.step(format!("the pod needs volume {name}"), []);
    }
    case.step(told.what.clone(), [message.seen()]);
    case.step(
        "the containers wait until every volume is there",
        [facts.field("status", &facts.episode.word)],
    );
    let shown = known.map_or_else(|| name.to_owned(), |(it, _)| it.name.clone());
    case.headline(format!("the pod cannot start: volume {shown}: {}", told.what));
    // A summary of several volumes may be about any of them.
    if volume.volumes.len() == 1 {
        case.part(format!("volume {shown}"));
    }
    case.root_key(shown);
    case.advice(told.advice, Risk::None);
}

/// The pod's volume that a message is about: messages name it by its own name, its claim's or its PersistentVolume's.
pub(super) fn known_volume<'a>(facts: &Facts<'a>, fact: &VolumeFact) -> Option<(&'a Volume, String)> {
    let volumes = &facts.pod().spec.volumes;
    let named = |volume: &Volume| {
        let claim = volume
            .persistent_volume_claim
            .as_ref()
            .map(|it| it.claim_name.as_str());
        fact.volumes.iter().any(|name| {
            *name == volume.name
                || claim == Some(name)
                || claim.is_some_and(|claim| volume_of_claim(facts, claim).as_deref() == Some(name))
        })
    };
    let at = volumes.iter().position(named)?;
    Some((&volumes[at], format!("spec.volumes[{at}]")))
}

/// The PersistentVolume that a claim of the pod is bound to.
fn volume_of_claim(facts: &Facts<'_>, claim: &str) -> Option<String> {
    let reference = super::claim::reference(facts, claim);
    Some(
        facts
            .snapshot
            .view::<sonde_world::view::PersistentVolumeClaim>(&reference)?
            .spec
            .volume_name,
    )
}

fn kind_of(volume: &Volume) -> String {
    if let Some(it) = &volume.persistent_volume_claim {
        format!("claim {}", it.claim_name)
    } else if let Some(it) = &volume.nfs {
        format!("NFS {}:{}", it.server, it.path)
    } else if let Some(it) = &volume.host_path {
        format!("host path {}", it.path)
    } else if let Some(it) = &volume.csi {
        format!("CSI driver {}", it.driver)
    } else if let Some(it) = &volume.config_map {
        format!("ConfigMap {}", it.name)
    } else if let Some(it) = &volume.secret {
        format!("Secret {}", it.secret_name)
    } else if volume.projected.is_some() {
        "projected".into()
    } else if volume.empty_dir.is_some() {
        "emptyDir".into()
    } else {
        "of its own kind".into()
    }
}
