//! DEP-CLAIM-NO-CLASS: the claim names no storage class, none is the default, and no volume fits.

use sonde_grammar::fact::ClaimFact;
use sonde_model::{Code, Kind, Risk};
use sonde_world::view::StorageClass;

use super::claim::unbound;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-CLAIM-NO-CLASS"),
    title: "claim without a storage class",
    explains: &[
        Symptom::ClaimNotBound,
        Symptom::Unschedulable,
        Symptom::NotStarting,
    ],
    reads: &[Kind::StorageClass, Kind::PersistentVolume],
    state,
    page: page!("DEP-CLAIM-NO-CLASS"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    for claim in unbound(facts) {
        if claim.class_name().is_some_and(|name| !name.is_empty()) {
            continue;
        }
        let said = claim.said(|fact| match fact {
            ClaimFact::NoClass => Some(()),
            _ => None,
        });
        let Some((_, seen)) = said else { continue };
        let explicit = claim.class_name() == Some("");
        let default = facts.snapshot.of_kind(Kind::StorageClass).find(|it| {
            it.encoded
                .decode::<StorageClass>()
                .is_ok_and(|class| class.is_default())
        });
        case.proven_by(seen.clone());
        let field = claim.field("spec.storageClassName", if explicit { "\"\"" } else { "not set" });
        case.step("the claim names no storage class", [field]);
        let why = match (explicit, default) {
            (true, _) => "it asks for a volume made by hand, and none fits".to_owned(),
            (false, Some(class)) => format!(
                "it was made before {} became the default storage class, and no volume fits",
                class.reference.name
            ),
            (false, None) => {
                "it names no storage class, no class is the default, and no volume fits".to_owned()
            }
        };
        case.step(why.clone(), [seen]);
        claim.conclude(facts, case, &why);
        case.fix(
            "make a class the default one, or create the claim anew with a class",
            "kubectl get storageclass",
            Risk::None,
        );
        return;
    }
}
