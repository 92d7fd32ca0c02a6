//! CRE-DEVICE-MISSING: a device that the container asks for is not on the node, or its driver failed.

use sonde_grammar::Fact;
use sonde_grammar::fact::{CreateFailure, StartFailure};
use sonde_model::{Code, Risk};

use super::said::{look_at_node, said, tell_start};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-DEVICE-MISSING"),
    title: "device not on the node",
    explains: &[Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-DEVICE-MISSING"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Create(CreateFailure::Device { device }) => Some(device.as_str()),
        Fact::Start(StartFailure::Device { detail }) => Some(detail.as_str()),
        _ => None,
    });
    let Some((device, message)) = found else { return };
    case.proven_by(message.seen());
    let what = if device.is_empty() {
        "a device that it asks for cannot be given to it".to_owned()
    } else {
        format!("a device that it asks for cannot be given to it: {device}")
    };
    let asked = facts.container().and_then(|(container, path)| {
        let (name, amount) = container
            .resources
            .limits
            .iter()
            .find(|(name, _)| name.contains('/'))?;
        Some((
            format!("{} asks for {amount} of {name}", facts.container_phrase()),
            facts.field(&format!("{path}.resources.limits"), format!("{name}: {amount}")),
        ))
    });
    tell_start(facts, case, asked, message, &what);
    look_at_node(
        facts,
        case,
        "the devices and drivers",
        "ls -l /dev; lsmod | head; nvidia-smi",
    );
    case.advice(
        "let the device's driver and its plugin run on the node, or keep the pod on nodes that have it",
        Risk::Wide,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_start};

    #[test]
    fn a_device_that_is_not_there() {
        check_start(&Check {
            code: "CRE-DEVICE-MISSING",
            proofs: &[
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error running prestart hook #0: exit status 1, stdout: , stderr: nvidia-container-cli: initialization error: nvml error: driver not loaded: unknown",
                "Error response from daemon: could not select device driver \"nvidia\" with capabilities: [[gpu]]",
            ],
            says: &["device"],
            pod: json!({}),
        });
    }
}
