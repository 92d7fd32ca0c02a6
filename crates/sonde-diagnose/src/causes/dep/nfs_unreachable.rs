//! DEP-NFS-UNREACHABLE: the storage server does not answer.

use sonde_grammar::fact::VolumeFailure;
use sonde_model::{Code, Kind};

use super::volume::{Told, tell};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-NFS-UNREACHABLE"),
    title: "storage server does not answer",
    explains: &[Symptom::NotStarting],
    reads: &[Kind::PersistentVolumeClaim],
    state,
    page: page!("DEP-NFS-UNREACHABLE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, |failure| {
        let what = match failure {
            VolumeFailure::ServerUnreachable {
                server: Some(server),
                detail,
            } => format!("server {server} does not answer: {detail}"),
            VolumeFailure::ServerUnreachable { server: None, detail } => {
                format!("the storage server does not answer: {detail}")
            }
            _ => return None,
        };
        Some(Told {
            what,
            advice: "look at the server, its exports and the firewall between it and the nodes",
        })
    });
}
