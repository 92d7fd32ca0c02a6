//! CRE-CNI-FAILED: the CNI plugin failed for a reason of its own.

use sonde_grammar::Fact;
use sonde_grammar::fact::SandboxFailure;
use sonde_model::{Code, Risk};

use super::said::{said, tell_node};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-CNI-FAILED"),
    title: "network plugin failed",
    explains: &[Symptom::NotStarting],
    reads: &[],
    state,
    page: page!("CRE-CNI-FAILED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Sandbox(SandboxFailure::CniFailed { plugin, detail }) => Some((plugin, detail)),
        _ => None,
    });
    let Some(((plugin, detail), message)) = found else {
        return;
    };
    let name = plugin.as_ref().map_or_else(
        || "the network plugin".to_owned(),
        |plugin| format!("the network plugin {plugin}"),
    );
    case.proven_by(message.seen());
    tell_node(facts, case, message, &format!("{name} failed: {detail}"));
    case.root_key(plugin.clone().unwrap_or_default());
    case.look(
        "whether the network add-on is well",
        "kubectl get pods -n kube-system -o wide",
    );
    case.advice(
        "look at the log of the network add-on's pod on that node; the words above are its own",
        Risk::Wide,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_sandbox};

    #[test]
    fn a_plugin_that_fails() {
        check_sandbox(&Check {
            code: "CRE-CNI-FAILED",
            proofs: &[
                "failed to setup network for sandbox \"4ad\": plugin type=\"calico\" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized",
                "failed to setup network for sandbox \"4ad\": plugin type=\"cilium-cni\" failed (add): unable to connect to Cilium daemon: failed to create cilium agent client after 30.000000 seconds timeout: Get \"http://localhost/v1/config\": dial unix /var/run/cilium/cilium.sock: connect: no such file or directory",
            ],
            says: &["failed:"],
            pod: json!({}),
        });
    }
}
