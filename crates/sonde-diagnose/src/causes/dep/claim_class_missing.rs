//! DEP-CLAIM-CLASS-MISSING: the claim names a storage class that does not exist.

use sonde_grammar::fact::ClaimFact;
use sonde_model::{Code, Kind, ObjectRef, Risk, nearest};

use super::claim::{class_reference, unbound, volumes_of};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-CLAIM-CLASS-MISSING"),
    title: "claim's storage class missing",
    explains: &[
        Symptom::ClaimNotBound,
        Symptom::Unschedulable,
        Symptom::NotStarting,
    ],
    reads: &[Kind::StorageClass, Kind::PersistentVolume],
    state,
    page: page!("DEP-CLAIM-CLASS-MISSING"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    for claim in unbound(facts) {
        // A claim that names its volume needs no class.
        if !claim.claim.spec.volume_name.is_empty() {
            continue;
        }
        let Some(name) = claim
            .class_name()
            .filter(|name| !name.is_empty())
            .map(ToOwned::to_owned)
        else {
            continue;
        };
        let class = class_reference(&name);
        if facts.snapshot.get(&class).is_some() {
            continue;
        }
        // Its volumes are made by hand, and such a class needs no object.
        if !volumes_of(facts, &name).is_empty() {
            continue;
        }
        let said = claim.said(|fact| match fact {
            ClaimFact::ClassMissing { class } => Some(class.clone()),
            _ => None,
        });
        let Some(seen) = said.map(|(_, seen)| seen).or_else(|| facts.absence(&class)) else {
            continue;
        };
        case.proven_by(seen.clone());
        case.step(
            format!("the claim asks for storage class {name}"),
            [claim.field("spec.storageClassName", &name)],
        );
        case.step(format!("there is no storage class {name}"), [seen]);
        claim.conclude(facts, case, &format!("its storage class {name} does not exist"));
        let names: Vec<String> = facts
            .snapshot
            .of_kind(Kind::StorageClass)
            .map(|it| it.reference.name.to_string())
            .collect();
        if let Some(close) = nearest(&name, names.iter().map(String::as_str)) {
            case.step(
                format!("there is a class {close}, which is nearly the same name"),
                [facts.computed("storage classes", close)],
            );
        }
        let exist = facts.existing(&Kind::StorageClass);
        if let Some((names, seen)) = &exist {
            case.step(format!("of storage classes {names}"), [seen.clone()]);
        }
        let exist = exist.map_or_else(String::new, |(names, _)| format!("; {names}"));
        match template_of(facts, &claim.reference) {
            Some(set) => case.fix(
                format!(
                    "a claim's class cannot be changed, and neither can {set}'s volumeClaimTemplates: delete {set} without its pods, delete {}, and apply the set anew with the right class{exist}",
                    claim.reference
                ),
                format!("kubectl delete {} --cascade=orphan && kubectl delete {}", set.kubectl(), claim.reference.kubectl()),
                Risk::Wide,
            ),
            None => case.fix(
                format!("a claim's class cannot be changed, so create the claim anew with the right one{exist}"),
                "kubectl get storageclass",
                Risk::None,
            ),
        };
        case.advice(
            format!("or, where volumes of class {name} are made by hand, make one that fits the claim"),
            Risk::None,
        );
        return;
    }
}

/// The StatefulSet from whose template a claim was made: its name ends with the pod's.
fn template_of(facts: &Facts<'_>, claim: &ObjectRef) -> Option<ObjectRef> {
    facts.snapshot.pods_using(claim).find_map(|pod| {
        let owner = facts.snapshot.root_owner(&pod.reference);
        let of_pod = claim
            .name
            .strip_suffix(&*pod.reference.name)
            .is_some_and(|it| it.ends_with('-'));
        (of_pod && owner.kind == Kind::StatefulSet).then_some(owner)
    })
}
