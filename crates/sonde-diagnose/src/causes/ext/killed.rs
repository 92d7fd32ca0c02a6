//! EXT-KILLED: somebody outside of Kubernetes and the kernel's memory management sent SIGKILL.

use sonde_model::{Code, Risk};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EXT-KILLED"),
    title: "killed by somebody (SIGKILL, exit code 137)",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("EXT-KILLED"),
};

const SIGKILL: i64 = 9;

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(((code, ended), SIGKILL)) = facts.exit().zip(facts.signal()) else { return };
    let reason = facts.episode.run.as_ref().map_or("", |run| run.end.reason.as_str());
    if matches!(reason, "OOMKilled" | "Unknown" | "ContainerStatusUnknown") {
        return;
    }
    if let Some((_, message)) = facts.killing() {
        case.refuted_by(message.seen(), "the kubelet ended it");
        return;
    }
    if let Some((_, seen)) = facts.oom_kills().into_iter().next() {
        case.refuted_by(seen, "the kernel killed it for memory");
        return;
    }
    let who = facts.container_phrase();
    case.step(format!("its process is killed (SIGKILL, exit code {code})"), [ended.clone()]);
    let kubelet = facts.node_logs_cover_end();
    if let Some((before, after)) = kubelet {
        let seen = facts.computed(
            "kubelet log around the end",
            format!("lines from {before} to {after}, none about a kill of this container"),
        );
        case.step("the kubelet writes of no kill at that time", [seen.clone()]);
        if facts.has_kernel_log() {
            // Both logs were read across that moment, and neither Kubernetes nor the kernel speaks of it.
            case.supported_by(seen);
        } else {
            case.hinted_by(ended.clone());
        }
    } else {
        case.hinted_by(ended.clone());
    }
    if let Some(want) = facts.want_kubelet_log().filter(|_| kubelet.is_none()) {
        case.wants(want, "whether the kubelet killed the container, and why");
    }
    if let Some(want) = facts.want_kernel_log().filter(|_| !facts.has_kernel_log()) {
        case.wants(want, "whether the kernel killed the process for memory");
    }
    let whom = if case.strength() >= crate::Strength::Support {
        "neither Kubernetes nor the kernel did it, so somebody on the node or a tool of theirs did"
    } else {
        "nothing at hand says by whom"
    };
    case.headline(format!("{who} was killed (SIGKILL, exit code {code}): {whom}"));
    case.advice(
        "look for security agents, scripts, `crictl stop`, `docker kill` or people on the node at that time",
        Risk::None,
    );
}
