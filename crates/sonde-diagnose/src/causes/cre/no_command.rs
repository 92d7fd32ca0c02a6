//! CRE-NO-COMMAND: neither the pod nor the image names a command.

use sonde_grammar::Fact;
use sonde_grammar::fact::CreateFailure;
use sonde_model::{Code, Risk};

use super::said::{said, tell_start};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-NO-COMMAND"),
    title: "no command",
    explains: &[Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-NO-COMMAND"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| {
        matches!(fact, Fact::Create(CreateFailure::NoCommand)).then_some(())
    });
    let Some(((), message)) = found else { return };
    case.proven_by(message.seen());
    let field = facts
        .container()
        .filter(|(it, _)| !it.image.is_empty())
        .map(|(container, path)| {
            let text = format!(
                "{} sets no command, so that of its image {} counts",
                facts.container_phrase(),
                container.image
            );
            (text, facts.field(&format!("{path}.image"), &container.image))
        });
    tell_start(
        facts,
        case,
        field,
        message,
        "neither the pod nor the image names a command to run",
    );
    case.advice(
        "set the container's command, or give the image an ENTRYPOINT or CMD",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_create};

    #[test]
    fn no_command_at_all() {
        check_create(&Check {
            code: "CRE-NO-COMMAND",
            proofs: &[
                "failed to generate container \"4ad\" spec: failed to generate spec: no command specified",
                "Error response from daemon: No command specified",
            ],
            says: &["names a command"],
            pod: json!({}),
        });
    }
}
