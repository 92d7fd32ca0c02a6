//! CRE-CNI-MISSING: a CNI plugin's program is not on the node.

use sonde_grammar::Fact;
use sonde_grammar::fact::SandboxFailure;
use sonde_model::{Code, Risk};

use super::said::{look_at_node, said, tell_node};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-CNI-MISSING"),
    title: "network plugin not on the node",
    explains: &[Symptom::NotStarting],
    reads: &[],
    state,
    page: page!("CRE-CNI-MISSING"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Sandbox(SandboxFailure::CniPluginMissing { plugin }) => Some(plugin),
        _ => None,
    });
    let Some((plugin, message)) = found else { return };
    case.proven_by(message.seen());
    tell_node(
        facts,
        case,
        message,
        &format!("the network plugin {plugin} is not in the CNI folder"),
    );
    case.root_key(plugin.as_str());
    look_at_node(facts, case, "the plugins", "ls -l /opt/cni/bin /etc/cni/net.d");
    case.advice("install the plugin on the node (the network add-on's DaemonSet usually does), or correct the configuration in /etc/cni/net.d that names it", Risk::Wide);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_sandbox};

    #[test]
    fn a_missing_plugin() {
        check_sandbox(&Check {
            code: "CRE-CNI-MISSING",
            proofs: &[
                "failed to setup network for sandbox \"4ad\": plugin type=\"calico\" failed (add): failed to find plugin \"calico\" in path [/opt/cni/bin]",
                "failed to setup network for sandbox \"4ad\": failed to find plugin \"bridge\" in path [/opt/cni/bin]",
            ],
            says: &["is not in the CNI folder"],
            pod: json!({}),
        });
    }
}
