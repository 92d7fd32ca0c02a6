//! DEP-CLAIM-PROVISIONING-FAILED: the provisioner tried and failed.

use sonde_grammar::fact::ClaimFact;
use sonde_model::{Code, Kind, Risk};

use super::claim::{NO_PROVISIONER, unbound};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-CLAIM-PROVISIONING-FAILED"),
    title: "provisioning failed",
    explains: &[
        Symptom::ClaimNotBound,
        Symptom::Unschedulable,
        Symptom::NotStarting,
    ],
    reads: &[Kind::StorageClass],
    state,
    page: page!("DEP-CLAIM-PROVISIONING-FAILED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    for claim in unbound(facts) {
        let failed = claim.said(|fact| match fact {
            ClaimFact::ProvisioningFailed { detail } => Some(detail.clone()),
            _ => None,
        });
        let Some((detail, seen)) = failed else { continue };
        // Nobody tries for such a class: the words only mean that no volume fits.
        if detail.contains(NO_PROVISIONER) {
            continue;
        }
        case.proven_by(seen.clone());
        if let Some(size) = claim.claim.spec.size() {
            case.step(
                format!("the claim asks for {size}"),
                [claim.field("spec.resources.requests.storage", &size.0)],
            );
        }
        case.step(
            format!("the provisioner cannot make the volume: {detail}"),
            [seen],
        );
        claim.conclude(
            facts,
            case,
            &format!("the provisioner cannot make its volume: {detail}"),
        );
        case.advice(
            "the words are the provisioner's own: look at its quota, credentials and parameters",
            Risk::None,
        );
        return;
    }
}
