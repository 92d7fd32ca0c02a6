//! DEP-SUB-PATH: a subPath of a volume cannot be used.

use super::volume::failing;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};
use sonde_grammar::Fact;
use sonde_grammar::fact::{CreateFailure, VolumeFailure};
use sonde_model::{Code, Risk};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-SUB-PATH"),
    title: "subPath cannot be used",
    explains: &[Symptom::NotStarting, Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("DEP-SUB-PATH"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let of_volume = failing(facts, |failure| match failure {
        VolumeFailure::SubPath { detail } => Some(detail),
        _ => None,
    });
    let said = of_volume
        .map(|(detail, _, message)| (detail, message))
        .or_else(|| {
            facts.find(|fact| match fact {
                Fact::Create(CreateFailure::SubPath { detail }) => Some(detail),
                _ => None,
            })
        });
    let Some((detail, message)) = said else { return };
    case.proven_by(message.seen());
    if let Some((container, path)) = facts.container() {
        for (at, mount) in container
            .volume_mounts
            .iter()
            .enumerate()
            .filter(|(_, it)| !it.sub_path.is_empty())
        {
            let seen = facts.field(&format!("{path}.volumeMounts[{at}].subPath"), &mount.sub_path);
            case.step(
                format!("the container mounts {} of volume {}", mount.sub_path, mount.name),
                [seen],
            );
        }
    }
    case.step(format!("that path cannot be used: {detail}"), [message.seen()]);
    case.headline(format!(
        "the container cannot start: a subPath of its volumes cannot be used: {detail}"
    ));
    case.advice(
        "create the path in the volume, correct it, and look at its type: a subPath over a missing key or a file where a folder is meant fails",
        Risk::None,
    );
}
