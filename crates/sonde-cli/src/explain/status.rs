//! The words that kubectl shows for a symptom, and the causes behind each.

use sonde_diagnose::Symptom;
use sonde_model::Family;

use super::Entry;

/// Words (any of them, letter case and punctuation ignored), the symptom, and the families where not all of its causes
/// are meant.
type Row = (&'static [&'static str], Symptom, &'static [Family]);

const ROWS: &[Row] = &[
    (
        &["liveness probe failed", "failed liveness probe"],
        Symptom::Terminated,
        &[Family::Liv],
    ),
    (
        &["startup probe failed", "failed startup probe"],
        Symptom::Terminated,
        &[Family::Liv],
    ),
    (&["readiness probe failed"], Symptom::NotReady, &[Family::Rdy]),
    (
        &[
            "failedmount",
            "failedattachvolume",
            "unable to attach or mount",
            "mountvolume",
        ],
        Symptom::NotStarting,
        &[Family::Dep],
    ),
    (
        &["failedcreatepodsandbox", "failed to create pod sandbox"],
        Symptom::NotStarting,
        &[Family::Cre],
    ),
    (
        &[
            "imagepullbackoff",
            "errimagepull",
            "errimageneverpull",
            "invalidimagename",
            "back off pulling image",
            "failed to pull image",
        ],
        Symptom::ImageNotPulled,
        &[],
    ),
    (
        &[
            "createcontainerconfigerror",
            "createcontainererror",
            "runcontainererror",
            "starterror",
            "containercannotrun",
        ],
        Symptom::ContainerNotCreated,
        &[],
    ),
    (
        &["poststarthookerror", "failedpoststarthook", "failedprestophook"],
        Symptom::HookFailed,
        &[],
    ),
    (
        &[
            "crashloopbackoff",
            "back off restarting failed container",
            "restarting",
        ],
        Symptom::Terminated,
        &[],
    ),
    (&["oomkilled"], Symptom::Terminated, &[Family::Oom]),
    (
        &["containercreating", "podinitializing"],
        Symptom::NotStarting,
        &[],
    ),
    (
        &["init 0", "init 1", "init 2", "init 3"],
        Symptom::InitBlocked,
        &[],
    ),
    (
        &[
            "pending",
            "unschedulable",
            "failedscheduling",
            "nodes are available",
        ],
        Symptom::Unschedulable,
        &[],
    ),
    (&["evicted", "preempted"], Symptom::Evicted, &[]),
    (&["terminating"], Symptom::Deleting, &[]),
    (&["nodenotready", "notready"], Symptom::NodeNotReady, &[]),
    (&["failedcreate"], Symptom::PodsNotCreated, &[]),
    (&["progressdeadlineexceeded"], Symptom::RolloutStuck, &[]),
    (
        &["backofflimitexceeded", "deadlineexceeded"],
        Symptom::JobFailed,
        &[],
    ),
    (&["containerstatusunknown", "nodelost"], Symptom::Lost, &[]),
];

/// The causes of the symptom that a query names, where it does; `query` is folded.
pub(super) fn causes_of(entries: &[Entry], query: &str) -> Option<Vec<Entry>> {
    let has = |words: &str| {
        query
            .match_indices(words)
            .any(|(at, _)| at == 0 || query.as_bytes()[at - 1] == b' ')
    };
    let (_, symptom, families) = ROWS
        .iter()
        .find(|(words, ..)| words.iter().any(|words| has(words)))?;
    let found: Vec<Entry> = sonde_diagnose::causes()
        .iter()
        .filter(|cause| cause.explains.contains(symptom))
        .filter(|cause| {
            families.is_empty()
                || cause
                    .code
                    .family()
                    .is_some_and(|family| families.contains(&family))
        })
        .filter_map(|cause| entries.iter().find(|entry| entry.code == cause.code.as_str()))
        .copied()
        .collect();
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::super::{catalog, search::folded};
    use super::*;

    #[test]
    fn what_kubectl_shows_leads_to_its_causes() {
        let entries = catalog();
        for (query, code, not) in [
            ("CrashLoopBackOff", "EXT-ERROR", "IMG-NOT-FOUND"),
            ("ImagePullBackOff", "IMG-NOT-FOUND", "EXT-ERROR"),
            ("CreateContainerConfigError", "DEP-CONFIG-MISSING", "EXT-ERROR"),
            (
                "0/3 nodes are available: 3 Insufficient cpu",
                "SCH-CLUSTER-FULL",
                "EXT-ERROR",
            ),
            (
                "Back-off restarting failed container",
                "EXT-ERROR",
                "IMG-NOT-FOUND",
            ),
            (
                "Liveness probe failed: HTTP probe failed with statuscode: 503",
                "LIV-STATUS-CODE",
                "EXT-ERROR",
            ),
            ("Readiness probe failed", "RDY-NOTHING-LISTENS", "LIV-STATUS-CODE"),
            ("Init:0/1", "INI-WAITING-FOR", "EXT-COMPLETED"),
            ("Terminating", "TRM-FINALIZER", "EXT-ERROR"),
        ] {
            let codes: Vec<_> = causes_of(&entries, &folded(query))
                .unwrap_or_default()
                .iter()
                .map(|entry| entry.code)
                .collect();
            assert!(codes.contains(&code), "{query}: {codes:?}");
            assert!(!codes.contains(&not), "{query}: {codes:?}");
        }
        assert!(causes_of(&entries, "no space left").is_none());
    }
}
