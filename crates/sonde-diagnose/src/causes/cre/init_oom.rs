//! CRE-INIT-OOM: the runtime's own process that becomes the container's was killed for memory, or refused, at the container's limit.

use sonde_model::{Code, Risk, bytes_text};

use super::memory::{Face, ROOMY_ABOVE, SLIP_BELOW, face, pod_limit};
use crate::cause::page;
use crate::{Case, Cause, Facts, Seen, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-INIT-OOM"),
    title: "memory limit too low to start",
    explains: &[Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("CRE-INIT-OOM"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((face, seen)) = face(facts) else { return };
    let minimum = match face {
        Face::Refused {
            sandbox: false,
            minimum,
            ..
        } => minimum,
        Face::Init { .. } | Face::Kernel { .. } => None,
        _ => return,
    };
    let written = facts
        .container()
        .and_then(|(container, path)| Some((container.limit("memory")?, path)));
    let knows_spec = !facts.is_partial() && facts.container().is_some();
    let limit = written
        .as_ref()
        .and_then(|(amount, _)| Some(amount.quantity()?.units()))
        .or(face.limit());
    let limit = limit.or_else(|| pod_limit(facts.pod()));
    // A limit of a few bytes is a slip of the unit, which is another cause.
    if limit.is_some_and(|limit| limit < SLIP_BELOW) {
        return;
    }
    if minimum.is_none() && limit.map_or(knows_spec, |limit| limit > ROOMY_ABOVE) {
        return for_another(facts, case, limit, seen);
    }
    match face {
        // Old runtimes say nothing else when the kernel kills their init; it may have died of something else.
        Face::Init { surely: false, .. } if limit.is_none() => return,
        Face::Init { surely: false, .. } => case.supported_by(seen.clone()),
        _ => case.proven_by(seen.clone()),
    };
    let who = facts.container_phrase();
    if let Some((amount, path)) = &written {
        case.step(
            format!("{who} may use {amount} of memory"),
            [facts.field(&format!("{path}.resources.limits.memory"), amount)],
        );
    }
    let why = match minimum {
        Some(minimum) => format!("the runtime refuses limits below {}", bytes_text(minimum)),
        None => "the runtime's init process needs more before it becomes the command, so the kernel kills it"
            .into(),
    };
    case.step(why, [seen]);
    case.step("so its process never ran, and there is no log of it", []);
    let of = limit.map_or(String::new(), |limit| format!(" of {}", bytes_text(limit)));
    case.headline(format!(
        "{who} cannot start: its memory limit{of} is too low even for the runtime's own start"
    ));
    if let Some((container, owner)) = facts.episode.container.as_deref().zip(facts.template_owner()) {
        case.fix(
            "give it a limit in which a process can start, and then what the application needs",
            format!(
                "kubectl set resources {} -c {container} --limits=memory=64Mi",
                owner.kubectl()
            ),
            Risk::Restart,
        );
    }
}

/// There is no limit, or one that leaves room: the memory of the pod, its volumes or the node was short.
fn for_another(facts: &Facts<'_>, case: &mut Case, limit: Option<i64>, seen: Seen) {
    case.hinted_by(seen.clone());
    let who = facts.container_phrase();
    let although = limit.map_or_else(
        || "has no memory limit".to_owned(),
        |limit| format!("may use {}", bytes_text(limit)),
    );
    case.step(
        format!("{who} {although}, which is more than the runtime's own start needs"),
        [seen],
    );
    case.headline(format!(
        "{who} is killed for memory before its process runs, although it {although}: memory-backed volumes of the pod, or the node's memory, may be full"
    ));
    if let Some(want) = facts.want_kernel_log() {
        case.wants(want, "whose limit was reached when the kernel killed it");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::{Check, check_start, waiting};
    use crate::testing::Scene;

    #[test]
    fn a_limit_too_low_to_start() {
        check_start(&Check {
            code: "CRE-INIT-OOM",
            proofs: &[
                "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: container init was OOM-killed (memory limit too low?): unknown",
                "set memory limit 4194304 too low; should be at least 12582912 bytes",
                "crun: OOM: the memory limit could be too low: OCI runtime error",
            ],
            says: &["memory limit"],
            pod: json!({"spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "2Mi"}}}]}}),
        });
    }

    const KILLED: &str = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: container init was OOM-killed (memory limit too low?): unknown";

    #[test]
    fn a_limit_with_room_enough_or_none_is_not_blamed() {
        for limits in [json!({"memory": "1Gi"}), json!({})] {
            let patch = json!({"spec": {"containers": [{"name": "app", "resources": {"limits": limits}}]}});
            let outcome = Scene::new()
                .object(waiting(&patch, "RunContainerError", KILLED))
                .diagnose();
            let finding = outcome.finds_only("CRE-INIT-OOM", Verdict::Possible);
            assert!(!finding.headline.contains("too low"), "{}", finding.headline);
            assert!(!finding.next.is_empty());
        }
    }
}
