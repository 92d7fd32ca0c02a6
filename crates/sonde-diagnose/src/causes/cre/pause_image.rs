//! CRE-PAUSE-IMAGE: the node cannot get the image of the pod's sandbox.

use sonde_grammar::Fact;
use sonde_grammar::fact::{PullFact, PullFailure, SandboxFailure};
use sonde_model::{Code, Risk};

use super::said::{look_at_node, said, tell_node};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-PAUSE-IMAGE"),
    title: "pause image not there",
    explains: &[Symptom::NotStarting],
    reads: &[],
    state,
    page: page!("CRE-PAUSE-IMAGE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let found = said(facts, |fact| match fact {
        Fact::Sandbox(SandboxFailure::PauseImage { image }) => Some(image),
        _ => None,
    });
    let Some((image, message)) = found else { return };
    case.proven_by(message.seen());
    let why = message.facts.iter().find_map(|fact| match fact {
        Fact::Pull(PullFact::Failed { failure, .. }) => Some(reason(failure)),
        _ => None,
    });
    let what = format!(
        "the image of every pod's sandbox, {image}, cannot be pulled: {}",
        why.unwrap_or("see the words")
    );
    tell_node(facts, case, message, &what);
    case.root_key(image.as_str());
    look_at_node(
        facts,
        case,
        "the sandbox image",
        "crictl images | grep pause; containerd config dump | grep sandbox",
    );
    case.advice(
        "let the nodes reach its registry, load the image onto them, or name another one: `sandbox_image` (containerd), `pause_image` (CRI-O), --pod-infra-container-image (older kubelets)",
        Risk::Wide,
    );
}

fn reason(failure: &PullFailure) -> &'static str {
    match failure {
        PullFailure::Dns { .. } => "its registry's name cannot be resolved",
        PullFailure::NotFound => "its registry does not have it",
        PullFailure::Unauthorized { .. } => "its registry refuses",
        PullFailure::Refused => "nobody listens at its registry",
        PullFailure::Unreachable => "there is no route to its registry",
        PullFailure::ConnectTimeout | PullFailure::Deadline => "its registry does not answer in time",
        PullFailure::Broken => "the connection to its registry broke",
        PullFailure::TlsUnknownAuthority | PullFailure::TlsExpired | PullFailure::TlsWrongName => {
            "the certificate of its registry is not accepted"
        }
        PullFailure::HttpToHttps => "its registry speaks plain HTTP",
        PullFailure::RateLimit => "its registry limits pulls",
        PullFailure::ServerError { .. } => "its registry answers with an error of its own",
        PullFailure::DiskFull => "the node's disk is full",
        PullFailure::Platform => "there is none for the node's architecture",
        _ => "see the words",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{Check, check_sandbox};

    #[test]
    fn a_pause_image_that_cannot_be_pulled() {
        check_sandbox(&Check {
            code: "CRE-PAUSE-IMAGE",
            proofs: &[
                "failed to get sandbox image \"registry.k8s.io/pause:3.9\": failed to pull image \"registry.k8s.io/pause:3.9\": failed to pull and unpack image \"registry.k8s.io/pause:3.9\": failed to resolve reference \"registry.k8s.io/pause:3.9\": failed to do request: Head \"https://registry.k8s.io/v2/pause/manifests/3.9\": dial tcp: lookup registry.k8s.io: no such host",
            ],
            says: &["registry.k8s.io/pause:3.9", "cannot be resolved"],
            pod: json!({}),
        });
    }
}
