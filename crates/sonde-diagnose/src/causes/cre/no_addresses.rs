//! CRE-NO-ADDRESSES: the network plugin has no address left for the pod.

use sonde_grammar::Fact;
use sonde_grammar::fact::SandboxFailure;
use sonde_model::{Code, Risk};

use super::said::{look_at_node, said, tell_node};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-NO-ADDRESSES"),
    title: "no free pod address",
    explains: &[Symptom::NotStarting],
    reads: &[],
    state,
    page: page!("CRE-NO-ADDRESSES"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Sandbox(SandboxFailure::NoAddresses { range }) => Some(range),
        _ => None,
    });
    let Some((range, message)) = found else { return };
    let what = match range {
        Some(range) => format!("the network plugin has no free address in {range}"),
        None => "the network plugin has no free address".into(),
    };
    case.proven_by(message.seen());
    tell_node(facts, case, message, &what);
    case.root_key(range.clone().unwrap_or_default());
    case.look(
        "how many pods the node has, with their addresses",
        "kubectl get pods -A -o wide",
    );
    look_at_node(
        facts,
        case,
        "addresses that are kept for pods that are gone",
        "ls /var/lib/cni/networks/*",
    );
    case.advice("free addresses (pods that ended keep theirs when their removal failed), give the nodes larger ranges, or lower the number of pods per node", Risk::Wide);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_sandbox};

    #[test]
    fn a_range_that_is_used_up() {
        check_sandbox(&Check {
            code: "CRE-NO-ADDRESSES",
            proofs: &[
                "failed to setup network for sandbox \"4ad\": plugin type=\"host-local\" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.1.0.1-10.1.0.254",
                "failed to setup network for sandbox \"4ad\": add cmd: failed to assign an IP address to container",
                "failed to setup network for sandbox \"4ad\": plugin type=\"aws-cni\" name=\"aws-cni\" failed (add): add cmd: failed to assign an IP address to container",
            ],
            says: &["no free address"],
            pod: json!({}),
        });
    }
}
