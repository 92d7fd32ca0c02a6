//! DEP-CLAIM-MISSING: the pod refers to a claim that does not exist.

use sonde_grammar::fact::{PreFilter, VolumeFailure};
use sonde_model::{Code, Kind, ObjectRef, Risk, nearest};

use super::claim::{claims, reference, stopped};
use super::volume::failing;
use crate::cause::page;
use crate::{Case, Cause, Facts, Seen, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-CLAIM-MISSING"),
    title: "claim missing",
    explains: &[Symptom::Unschedulable, Symptom::NotStarting],
    reads: &[Kind::PersistentVolumeClaim],
    state,
    page: page!("DEP-CLAIM-MISSING"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let by_scheduler = stopped(facts, |stop| match stop {
        PreFilter::ClaimNotFound(name) => Some(name),
        _ => None,
    });
    let by_kubelet = || {
        let (name, _, message) = failing(facts, |failure| match failure {
            VolumeFailure::ClaimMissing { claim } => Some(claim),
            _ => None,
        })?;
        Some((name, message))
    };
    let mut told: Vec<ObjectRef> = Vec::new();
    if let Some((name, message)) = by_scheduler.or_else(by_kubelet) {
        let claim = reference(facts, name.rsplit('/').next().unwrap_or(name));
        if !facts.is_partial() && facts.episode.subject.kind == Kind::Pod && !claims(facts).contains(&claim) {
            return;
        }
        if facts.snapshot.get(&claim).is_some() {
            case.refuted_by(
                crate::field_on(&claim, "metadata.name", &claim.name),
                "the claim exists by now",
            );
        } else {
            tell(facts, case, &claim, message.seen());
        }
        told.push(claim);
    }
    // The scheduler and the kubelet stop at the first that is missing.
    for claim in claims(facts) {
        let Some(seen) = facts.absence(&claim).filter(|_| !told.contains(&claim)) else {
            continue;
        };
        let case = if told.is_empty() {
            &mut *case
        } else {
            case.beside()
        };
        // A generic ephemeral volume's claim is made by the control plane, not by a person.
        tell(facts, case, &claim, seen);
        told.push(claim);
    }
}

fn tell(facts: &Facts<'_>, case: &mut Case, claim: &ObjectRef, seen: Seen) {
    case.proven_by(seen.clone());
    let at = facts.pod().spec.volumes.iter().position(|volume| {
        volume
            .persistent_volume_claim
            .as_ref()
            .is_some_and(|it| *it.claim_name == *claim.name)
    });
    let field = at.map(|at| {
        facts.field(
            &format!("spec.volumes[{at}].persistentVolumeClaim.claimName"),
            &claim.name,
        )
    });
    case.step(format!("the pod needs claim {}", claim.name), field);
    case.step(
        format!("claim {} does not exist in {}", claim.name, claim.namespace),
        [seen],
    );
    case.headline(format!(
        "the pod cannot start: claim {} does not exist",
        claim.name
    ));
    case.part(format!("claim {}", claim.name));
    case.root(claim.clone());
    let names: Vec<String> = facts
        .snapshot
        .in_namespace(Kind::PersistentVolumeClaim, &claim.namespace)
        .map(|it| it.reference.name.to_string())
        .collect();
    if let Some(close) = nearest(&claim.name, names.iter().map(String::as_str)) {
        case.step(
            format!("there is a claim {close}, which is nearly the same name"),
            [facts.computed("claims of the namespace", close)],
        );
        case.advice(
            format!("if {close} was meant, correct the name in the pod's template"),
            Risk::Restart,
        );
    }
    case.advice(
        "create the claim, or correct its name in the pod's template",
        Risk::None,
    );
}
