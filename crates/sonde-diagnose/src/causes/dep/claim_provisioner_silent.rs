//! DEP-CLAIM-PROVISIONER-SILENT: the claim waits for a provisioner that says nothing.

use sonde_grammar::fact::ClaimFact;
use sonde_model::{Code, Kind, Risk};

use super::claim::{class_reference, unbound};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-CLAIM-PROVISIONER-SILENT"),
    title: "provisioner does not answer",
    explains: &[
        Symptom::ClaimNotBound,
        Symptom::Unschedulable,
        Symptom::NotStarting,
    ],
    reads: &[Kind::StorageClass, Kind::Deployment],
    state,
    page: page!("DEP-CLAIM-PROVISIONER-SILENT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    for claim in unbound(facts) {
        let waits = claim.said(|fact| match fact {
            ClaimFact::WaitingForProvisioner { provisioner } => Some(provisioner.clone()),
            _ => None,
        });
        let failed = claim.said(|fact| matches!(fact, ClaimFact::ProvisioningFailed { .. }).then_some(()));
        let (Some((named, seen)), None) = (waits, failed) else {
            continue;
        };
        let class = claim.class(facts);
        let provisioner = named
            .or_else(|| class.map(|it| it.provisioner))
            .unwrap_or_else(|| "the provisioner".into());
        // The wait itself is ordinary; its length is what makes it a trouble, and that nobody has said a word since.
        case.supported_by(seen.clone());
        if let Some(name) = claim.class_name() {
            let place = field_on(&class_reference(name), "provisioner", &provisioner);
            case.step(
                format!("storage class {name} leaves it to {provisioner}"),
                [place],
            );
        }
        case.step(
            format!("{provisioner} was asked for the volume and has said nothing"),
            [seen],
        );
        claim.conclude(
            facts,
            case,
            &format!("provisioner {provisioner} does not answer; it may not be installed"),
        );
        case.look(
            "whether the provisioner runs",
            format!(
                "kubectl get pods -A | grep -i {}",
                provisioner
                    .split(['.', '/'])
                    .find(|word| word.len() > 3)
                    .unwrap_or("csi")
            ),
        );
        case.advice(
            format!("install or mend {provisioner}, or use a class whose provisioner runs"),
            Risk::Wide,
        );
        return;
    }
}
