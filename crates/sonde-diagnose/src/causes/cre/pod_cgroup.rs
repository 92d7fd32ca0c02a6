//! CRE-POD-CGROUP: the node could not make or set the cgroup of the pod.

use sonde_grammar::Fact;
use sonde_grammar::fact::{SandboxFailure, StartFailure};
use sonde_model::{Code, Risk};

use super::said::{look_at_node, said, tell_node};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-POD-CGROUP"),
    title: "pod's cgroup could not be made",
    explains: &[Symptom::NotStarting, Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-POD-CGROUP"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Sandbox(SandboxFailure::PodCgroup { detail }) => Some(detail),
        Fact::Start(StartFailure::Cgroup { detail }) => Some(detail),
        _ => None,
    });
    let Some((detail, message)) = found else { return };
    case.proven_by(message.seen());
    tell_node(
        facts,
        case,
        message,
        &format!("the pod's cgroup could not be made: {detail}"),
    );
    look_at_node(
        facts,
        case,
        "cgroups and systemd",
        "systemctl status kubelet; stat -fc %T /sys/fs/cgroup; cat /proc/cgroups",
    );
    case.advice("kubelet and runtime must use the same cgroup driver (systemd or cgroupfs); a node that has kept too many dead cgroups needs a restart", Risk::Wide);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_event};

    #[test]
    fn a_cgroup_that_cannot_be_made() {
        let check = Check {
            code: "CRE-POD-CGROUP",
            proofs: &[
                "unable to ensure pod container exists: failed to create container for [kubepods burstable pod9f] : Unit kubepods-burstable-pod9f.slice already exists.",
            ],
            says: &["cgroup could not be made"],
            pod: json!({}),
        };
        check_event(&check, "FailedCreatePodContainer", "");
    }
}
