//! CRE-SANDBOX-MEMORY: the pod's memory limit is too low for the first process of its sandbox.

use sonde_model::{Code, Risk, bytes_text};

use super::memory::{Face, ROOMY_ABOVE, SLIP_BELOW, face, pod_limit};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-SANDBOX-MEMORY"),
    title: "memory limit too low for the sandbox",
    explains: &[Symptom::NotStarting],
    reads: &[],
    state,
    page: page!("CRE-SANDBOX-MEMORY"),
};

/// Every runtime's first process finds room in this; below it some do not.
const AMPLE: i64 = 16 << 20;

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((face, seen)) = face(facts) else { return };
    let minimum = match face {
        Face::Refused {
            sandbox: true,
            minimum,
            ..
        } => minimum,
        Face::Sandbox { .. } | Face::Kernel { .. } => None,
        _ => return,
    };
    let limit = pod_limit(facts.pod()).or(face.limit());
    // A limit of a few bytes is a slip of the unit; and without any limit nothing was too low.
    let knows_spec = !facts.is_partial() && !facts.pod().spec.containers.is_empty();
    if limit.is_some_and(|limit| limit < SLIP_BELOW) || (knows_spec && limit.is_none()) {
        return;
    }
    // In so much memory every sandbox starts: what was short is not the pod's own.
    let roomy = minimum.is_none() && limit.is_some_and(|limit| limit > ROOMY_ABOVE);
    match face {
        _ if roomy => case.hinted_by(seen.clone()),
        Face::Sandbox { surely: false, .. } if limit.is_none_or(|limit| limit >= AMPLE) => {
            case.hinted_by(seen.clone())
        }
        Face::Sandbox { surely: false, .. } => case.supported_by(seen.clone()),
        _ if limit.is_none() => case.supported_by(seen.clone()),
        _ => case.proven_by(seen.clone()),
    };
    let of = limit.map_or(String::new(), |limit| format!(" of {}", bytes_text(limit)));
    if let Some(limit) = limit {
        let text = format!(
            "every container has a memory limit, so the pod's cgroup gets their sum: {}",
            bytes_text(limit)
        );
        case.step(
            text.clone(),
            [facts.computed("memory limits of the pod's containers", text)],
        );
    }
    let why = match minimum {
        Some(minimum) => format!("the runtime refuses limits below {}", bytes_text(minimum)),
        None => "the first process of the sandbox needs more, and is killed or refused".into(),
    };
    case.step(why, [seen]);
    case.step("so the kubelet makes the sandbox anew, again and again", []);
    if roomy {
        case.headline(format!("the pod cannot start: its sandbox is killed for memory or refused, although the pod's limit{of} leaves room; the node's memory may be full"));
        if let Some(want) = facts.want_kernel_log() {
            case.wants(want, "whose limit was reached when the kernel killed it");
        }
        return;
    }
    case.headline(format!(
        "the pod cannot start: its memory limit{of} is too low for its sandbox"
    ));
    case.advice(
        "raise the memory limits of its containers: a few MiB do not start a process, 32Mi do",
        Risk::Restart,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use sonde_model::Verdict;

    use super::super::testing::{Check, check_sandbox, starting};
    use crate::testing::Scene;

    #[test]
    fn a_limit_too_low_for_the_sandbox() {
        check_sandbox(&Check {
            code: "CRE-SANDBOX-MEMORY",
            proofs: &[
                "container create failed: set memory limit 4194304 too low; should be at least 12582912 bytes",
                "failed to start sandbox container task \"4ad\": failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: unable to apply cgroup configuration: unable to set memory limit to 2097152 (current usage: 3000000, peak usage: 4096): unknown",
            ],
            says: &["too low for its sandbox"],
            pod: json!({"spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "4Mi"}}}]}}),
        });
    }

    #[test]
    fn a_limit_with_room_enough_is_not_blamed_nor_is_none() {
        let words = "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to start sandbox container task \"4ad\": failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: container init was OOM-killed (memory limit too low?): unknown";
        let scene = |limits: serde_json::Value| {
            let patch = json!({"spec": {"containers": [{"name": "app", "resources": {"limits": limits}}]}});
            Scene::new().object(starting(&patch)).event(
                "Pod/shop/app-1",
                "FailedCreatePodSandBox",
                words,
                "2026-03-01T11:59:00Z",
            )
        };
        let outcome = scene(json!({"memory": "4Gi"})).diagnose();
        let finding = outcome.finds_only("CRE-SANDBOX-MEMORY", Verdict::Possible);
        assert!(
            !finding.headline.contains("too low") && !finding.next.is_empty(),
            "{}",
            finding.headline
        );
        scene(json!({})).diagnose().lacks("CRE-SANDBOX-MEMORY");
        scene(json!({"memory": "4Mi"}))
            .diagnose()
            .finds_only("CRE-SANDBOX-MEMORY", Verdict::Proven);
    }
}
