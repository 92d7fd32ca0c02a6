//! CRE-DYNAMIC-RESOURCES: the devices of a ResourceClaim could not be prepared on the node.

use sonde_grammar::Fact;
use sonde_grammar::fact::SandboxFailure;
use sonde_model::{Code, Risk};

use super::said::{said, tell_node};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-DYNAMIC-RESOURCES"),
    title: "claimed devices not prepared",
    explains: &[Symptom::NotStarting],
    reads: &[],
    state,
    page: page!("CRE-DYNAMIC-RESOURCES"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Sandbox(SandboxFailure::DynamicResources { detail }) => Some(detail),
        _ => None,
    });
    let Some((detail, message)) = found else { return };
    case.proven_by(message.seen());
    tell_node(
        facts,
        case,
        message,
        &format!("the devices that the pod claims could not be prepared: {detail}"),
    );
    case.look(
        "the claims and the drivers",
        "kubectl get resourceclaims,resourceslices -A",
    );
    case.advice("look at the log of the driver's pod on that node", Risk::Wide);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_event};

    #[test]
    fn a_claim_that_is_not_prepared() {
        let check = Check {
            code: "CRE-DYNAMIC-RESOURCES",
            proofs: &[
                "Failed to prepare dynamic resources: prepare dynamic resources: claim gpu: driver gpu.example is not registered",
            ],
            says: &["could not be prepared"],
            pod: json!({}),
        };
        check_event(&check, "FailedPrepareDynamicResources", "");
    }
}
