//! NOD-INODES: inodes nearly used up.

use sonde_model::{CheckKind, Code, Kind, Risk};

use crate::cause::page;
use crate::node_check::{Told, tell};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("NOD-INODES"),
    title: "inodes nearly used up",
    explains: &[Symptom::NodePressure],
    reads: &[Kind::Node],
    state,
    page: page!("NOD-INODES"),
};

const TOLD: Told = Told {
    kind: CheckKind::Inodes,
    headline: |it| {
        format!(
            "no more files can soon be made on {} of node {}: {}",
            it.about, it.node, it.found
        )
    },
    then: &["writes of new files fail with No space left on device although there is space"],
    look: (
        "which folder has so many files",
        "df -i; du -x --inodes --max-depth=3 /var | sort -n | tail -20",
    ),
    advice: &[
        ("find what makes so many small files, and remove them", Risk::Wide),
        ("remove images that nobody uses: crictl rmi --prune", Risk::Wide),
    ],
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    tell(facts, case, &TOLD);
}
