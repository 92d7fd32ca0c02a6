//! CRE-NAME-RESERVED: the runtime still holds the name for an earlier attempt that has not ended.

use sonde_grammar::Fact;
use sonde_grammar::fact::{CreateFailure, SandboxFailure};
use sonde_model::{Code, Risk, Severity};

use super::said::{look_at_node, said, says_more_than_echo, tell_node};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-NAME-RESERVED"),
    title: "an earlier attempt holds the name",
    explains: &[Symptom::NotStarting, Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-NAME-RESERVED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Sandbox(SandboxFailure::NameReserved) => Some(()),
        Fact::Create(CreateFailure::NameReserved) => Some(()),
        _ => None,
    });
    let Some((_, message)) = found else { return };
    // What the earlier attempt met says more.
    if says_more_than_echo(facts) {
        case.hinted_by(message.seen());
    } else {
        case.generally_proven_by(message.seen());
    }
    tell_node(
        facts,
        case,
        message,
        "the runtime still holds the name for an earlier attempt that it has not ended",
    );
    case.severity(Severity::Warning);
    look_at_node(
        facts,
        case,
        "load, disk and runtime",
        "uptime; journalctl -u containerd -u crio -n 50",
    );
    case.advice("it passes when the earlier attempt ends; where it stays, the runtime hangs (slow disk, overload): restart it", Risk::Wide);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_sandbox};

    #[test]
    fn a_name_that_is_held() {
        check_sandbox(&Check {
            code: "CRE-NAME-RESERVED",
            proofs: &[
                "failed to reserve sandbox name \"app-1_shop_0f2f_0\": name \"app-1_shop_0f2f_0\" is reserved for \"4ad\"",
            ],
            says: &["earlier attempt"],
            pod: json!({}),
        });
    }
}
