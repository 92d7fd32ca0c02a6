//! IMG-MANIFEST-UNSUPPORTED: the registry serves the image in a format that the node's runtime does not read.

use sonde_grammar::fact::PullFailure;
use sonde_model::{Code, Risk};

use super::pull::{Root, failed_by};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("IMG-MANIFEST-UNSUPPORTED"),
    title: "manifest format not supported",
    explains: &[Symptom::ImageNotPulled],
    reads: &[],
    state,
    page: page!("IMG-MANIFEST-UNSUPPORTED"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(pull) = failed_by(facts, |failure| {
        matches!(failure, PullFailure::UnsupportedManifest)
    }) else {
        return;
    };
    case.proven_by(pull.seen());
    pull.tell(
        facts,
        case,
        &Root::Image,
        "the registry serves it in a format that the node's runtime does not read",
    );
    case.advice("push the image again with a present tool (manifest v2 schema 2 or OCI); containerd 2.1 and docker 25 no longer read schema 1", Risk::None);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Check, check};

    #[test]
    fn an_old_manifest() {
        check(&Check {
            code: "IMG-MANIFEST-UNSUPPORTED",
            proofs: &[
                "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": media type \"application/vnd.docker.distribution.manifest.v1+prettyjws\" is no longer supported since containerd v2.1, please rebuild the image as \"application/vnd.docker.distribution.manifest.v2+json\" or \"application/vnd.oci.image.manifest.v1+json\"",
            ],
            says: &["format"],
        });
    }
}
