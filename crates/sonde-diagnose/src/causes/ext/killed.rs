//! EXT-KILLED: somebody outside of Kubernetes and the kernel's memory management sent SIGKILL.

use sonde_grammar::log::NodeLog;
use sonde_model::{Code, Risk, SenderKind};

use crate::cause::page;
use crate::deaths::Sent;
use crate::{Case, Cause, Facts, Seen, Symptom};

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
    let Some(((code, ended), SIGKILL)) = facts.exit().zip(facts.signal()) else {
        return;
    };
    let witness = facts.witness();
    if let Some(kill) = witness.kill().filter(|kill| kill.by_somebody()) {
        return by(facts, case, kill, (code, ended));
    }
    let reason = facts
        .episode
        .run
        .as_ref()
        .map_or("", |run| run.end.reason.as_str());
    if matches!(reason, "OOMKilled" | "Unknown" | "ContainerStatusUnknown") {
        return;
    }
    if let Some((_, message)) = facts.killing() {
        case.refuted_by(message.seen(), "the kubelet ended it");
        return;
    }
    if let Some(kill) = witness.kill().filter(|kill| kill.for_memory()) {
        case.refuted_by(kill.seen.clone(), "the kernel killed it for memory");
        return;
    }
    if let Some((_, seen)) = facts.oom_kills().into_iter().next() {
        case.refuted_by(seen, "the kernel killed it for memory");
        return;
    }
    if let Some(end) = witness.end().filter(|end| end.code.is_some()) {
        return passed_on(facts, case, end.seen.clone(), (code, ended));
    }
    match witness.kill() {
        Some(kill) if kill.by_runtime() => through_runtime(facts, case, kill, (code, ended)),
        Some(kill) if kill.sender.kind == SenderKind::NamespaceEnd => {
            case.refuted_by(
                kill.seen.clone(),
                "the first process of its pid namespace ended, and all others with it",
            );
        }
        _ => unseen(facts, case, (code, ended)),
    }
}

/// An agent saw who it was.
fn by(facts: &Facts<'_>, case: &mut Case, kill: &Sent<'_>, (code, ended): (i64, Seen)) {
    let who = facts.container_phrase();
    let from = kill.from();
    case.proven_by(kill.seen.clone());
    case.step(
        format!(
            "{from} sends SIGKILL to its first process, {}",
            kill.process.command
        ),
        [kill.seen.clone()],
    );
    if let Some(last) = facts.last_line() {
        case.step("the last thing it says", [last]);
    }
    case.step(format!("the process ends at once (exit code {code})"), [ended]);
    case.headline(format!("{who} was killed (SIGKILL, exit code {code}) by {from}"));
    let started = match kill.sender.process.parent_command.as_str() {
        "" => String::new(),
        parent => format!(", which {parent} started"),
    };
    let sender = &kill.sender.process;
    let whose = match kill.sender.kind {
        SenderKind::OtherContainer | SenderKind::SameContainer => {
            "a container can only reach it where both share a pid namespace (shareProcessNamespace, hostPID)"
        }
        SenderKind::ServiceManager => "see its journal for the unit that it stopped at that time",
        _ => "a person, a script, a security agent or a low-memory killer on the node",
    };
    case.advice(
        format!("find out why {}{started} killed it: {whose}", sender.command),
        Risk::None,
    );
}

/// The runtime sent it; whoever told the runtime is not told by the signal.
fn through_runtime(facts: &Facts<'_>, case: &mut Case, kill: &Sent<'_>, (code, ended): (i64, Seen)) {
    let who = facts.container_phrase();
    case.step(
        format!("{} sends SIGKILL, as it was told", kill.from()),
        [kill.seen.clone()],
    );
    case.step(format!("the process ends at once (exit code {code})"), [ended]);
    // A kubelet that writes down its kills wrote of none: then it was not the kubelet.
    if let Some(silent) = facts.kubelet_log_tells_kills() {
        case.proven_by(kill.seen.clone());
        case.proven_by(silent.clone());
        case.step(
            "the kubelet, which writes down its kills, writes of none at that time",
            [silent],
        );
        case.headline(format!(
            "{who} was killed through the container runtime (exit code {code}), and not by the kubelet: somebody used crictl, ctr or the like"
        ));
        case.advice(
            "look for people and scripts that use `crictl stop`, `ctr task kill` or `docker kill` on the node",
            Risk::None,
        );
        return;
    }
    case.hinted_by(kill.seen.clone());
    if let Some(want) = facts.want_kubelet_log() {
        case.wants(
            want,
            "whether the kubelet told the runtime to end the container, and why",
        );
    }
    case.headline(format!(
        "{who} was killed through the container runtime (exit code {code}), which was told to: by the kubelet, or by somebody's `crictl stop`"
    ));
    case.advice(
        "look at the kubelet's log of that time; where it says nothing, look for people and scripts that use crictl, ctr or docker",
        Risk::None,
    );
}

/// No signal ended the first process: it left with that code by itself.
fn passed_on(facts: &Facts<'_>, case: &mut Case, end: Seen, (code, ended): (i64, Seen)) {
    let child = facts.witness().killed_child(facts.moment());
    let Some(kill) = child.filter(|kill| !kill.for_memory()) else {
        let reason = format!("no signal ended its first process, which left with exit code {code} by itself");
        case.refuted_by(end, reason);
        return;
    };
    let who = facts.container_phrase();
    let from = kill.from();
    case.proven_by(kill.seen.clone());
    case.step(
        format!(
            "{from} sends SIGKILL to {}, a process of it",
            kill.process.command
        ),
        [kill.seen.clone()],
    );
    case.step(
        format!("its first process passes that on: it leaves by itself with exit code {code}"),
        [end, ended],
    );
    case.headline(format!(
        "a process of {who}, {}, was killed by {from}; the first process passed that on (exit code {code})",
        kill.process.command
    ));
    case.advice(
        format!("find out why {} killed it", kill.sender.process.command),
        Risk::None,
    );
}

/// Nobody saw the signal.
fn unseen(facts: &Facts<'_>, case: &mut Case, (code, ended): (i64, Seen)) {
    let who = facts.container_phrase();
    let by_signal = facts.by_signal();
    let how = if by_signal {
        format!("its process is killed (SIGKILL, exit code {code})")
    } else {
        format!(
            "its process ended with exit code {code}, which is what SIGKILL gives, or a shell that passes on a child's {code}"
        )
    };
    case.step(how, [ended.clone()]);
    if let Some(last) = facts.last_line() {
        case.step("the last thing it says", [last]);
    } else if let Some(want) = facts.want_log().filter(|_| facts.log().is_none()) {
        case.wants(
            want,
            "what the program says before its end: a shell may only pass on its child's code",
        );
    }
    let kubelet = facts.kubelet_log_tells_kills();
    let kernel = facts.log_read(NodeLog::Kernel).or_else(|| facts.agent_watched());
    if let Some(seen) = &kubelet {
        case.step(
            "the kubelet, which writes down its kills, writes of none at that time",
            [seen.clone()],
        );
    }
    if let Some(seen) = &kernel {
        case.step(
            "the kernel tells of no kill for memory at that time",
            [seen.clone()],
        );
    }
    match (&kubelet, &kernel) {
        // Both logs were read across that moment, and neither Kubernetes nor the kernel speaks of it.
        (Some(kubelet), Some(kernel)) => {
            case.supported_by(kubelet.clone());
            case.supported_by(kernel.clone());
        }
        _ => {
            case.hinted_by(ended.clone());
        }
    }
    if let Some(want) = facts.want_kubelet_log().filter(|_| kubelet.is_none()) {
        case.wants(want, "whether the kubelet killed the container, and why");
    }
    if let Some(want) = facts.want_kernel_log().filter(|_| kernel.is_none()) {
        case.wants(want, "whether the kernel killed the process for memory");
    }
    if let Some(want) = facts.want_agent() {
        case.wants(
            want,
            "who sent the signal, where Sonde's agent watches the node; one that starts now tells of the next",
        );
    }
    let usual = usual_senders(facts);
    let whom = match (case.strength() >= crate::Strength::Support, by_signal) {
        (true, true) => {
            "neither Kubernetes nor the kernel did it, so somebody on the node or a tool of theirs did".to_owned()
        }
        (true, false) => {
            "neither Kubernetes nor the kernel's memory management ended it; its own program or shell left with that code, or somebody on the node killed it".to_owned()
        }
        (false, _) => match usual.first() {
            Some((sender, _)) => format!("nothing at hand says by whom; the kubelet may have done it for {sender}"),
            None => "nothing at hand says by whom".to_owned(),
        },
    };
    case.headline(if by_signal {
        format!("{who} was killed (SIGKILL, exit code {code}): {whom}")
    } else {
        format!("{who} ended with exit code {code}, as if it was killed (SIGKILL): {whom}")
    });
    if case.strength() < crate::Strength::Support {
        for (sender, seen) in usual {
            case.step(
                format!("the container has {sender}, for which the kubelet kills"),
                [seen],
            );
            case.advice(
                format!("see first whether {sender} fails or is hit: that ends containers far more often than people do"),
                Risk::None,
            );
        }
    }
    case.advice(
        "look for security agents, scripts, `crictl stop`, `docker kill` or people on the node at that time",
        Risk::None,
    );
    if !by_signal {
        case.advice(
            "where the container runs a shell script, see which of its commands ended with that code",
            Risk::None,
        );
    }
}

/// What of the container's spec lets the kubelet or the kernel send SIGKILL.
fn usual_senders(facts: &Facts<'_>) -> Vec<(&'static str, Seen)> {
    let Some((container, path)) = facts.container() else {
        return Vec::new();
    };
    let lifecycle = container.lifecycle.as_ref();
    let rows = [
        (
            "its liveness probe",
            "livenessProbe",
            container.liveness_probe.is_some(),
        ),
        (
            "its startup probe",
            "startupProbe",
            container.startup_probe.is_some(),
        ),
        (
            "its postStart hook",
            "lifecycle.postStart",
            lifecycle.is_some_and(|it| it.post_start.is_some()),
        ),
    ];
    rows.into_iter()
        .filter(|(.., set)| *set)
        .map(|(sender, field, _)| (sender, facts.field(&format!("{path}.{field}"), "set")))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use crate::testing::{Scene, crashed, pod, status};

    const SYNC: &str = "kubelet.go:1] \"SyncLoop (PLEG): event for pod\" pod=\"shop/other\"";
    const QUIET: &str = "server.go:1] \"Started kubelet\"";

    /// A container that was killed at 11:58; the kubelet's and the kernel's log from 11:00 to `until`.
    fn scene(kubelet: Option<(&str, &str)>, kernel: Option<&str>) -> Scene {
        let mut scene = Scene::new().object(pod(
            json!({"status": {"containerStatuses": [crashed(137, "Error")]}}),
        ));
        if let Some((says, until)) = kubelet {
            scene = scene.kubelet(
                "n1",
                &format!("I0301 11:00:00.000000 1 {says}\nI0301 {until}:00.000000 1 {says}"),
            );
        }
        if let Some(until) = kernel {
            scene = scene.kernel(
                "n1",
                &format!("2026-03-01T11:00:00+00:00 n1 kernel: eth0: link up\n2026-03-01T{until}:00+00:00 n1 kernel: eth0: link up"),
            );
        }
        scene
    }

    #[test]
    fn found_when_both_logs_were_read_over_that_moment_and_say_nothing() {
        let outcome = scene(Some((SYNC, "11:59")), Some("11:59")).diagnose();
        let finding = outcome.finds_only("EXT-KILLED", Verdict::Likely);
        assert!(
            finding
                .evidence
                .iter()
                .any(|it| it.source.contains("kernel log of node n1")),
            "{:?}",
            finding.evidence
        );
    }

    #[test]
    fn what_the_kubelet_may_have_killed_for_is_told_before_strangers() {
        let probed = json!({"spec": {"containers": [{"name": "app", "livenessProbe": {"tcpSocket": {"port": 1}}}]},
            "status": {"containerStatuses": [crashed(137, "Error")]}});
        let outcome = Scene::new().object(pod(probed)).diagnose();
        let finding = outcome.finding("EXT-KILLED");
        assert!(
            finding.headline.contains("for its liveness probe"),
            "{}",
            finding.headline
        );
        assert!(
            finding.fixes[0].text.contains("liveness probe"),
            "{:?}",
            finding.fixes
        );
    }

    #[test]
    fn silence_of_what_was_not_read_accuses_nobody() {
        for scene in [
            scene(None, None),
            scene(Some((SYNC, "11:59")), None),
            scene(None, Some("11:59")),
            // Read, but not over that moment.
            scene(Some((SYNC, "11:59")), Some("11:30")),
            scene(Some((SYNC, "11:30")), Some("11:59")),
            // At this verbosity a kubelet does not write down what it kills.
            scene(Some((QUIET, "11:59")), Some("11:59")),
        ] {
            scene.diagnose().does_not_claim("EXT-KILLED");
        }
        let outcome = scene(Some((SYNC, "11:30")), Some("11:30")).diagnose();
        let spots: Vec<_> = outcome
            .report
            .blind_spots
            .iter()
            .map(|it| it.why.as_str())
            .collect();
        assert!(
            spots
                .iter()
                .any(|why| why.contains("to 2026-03-01T11:30:00Z only")),
            "{spots:?}"
        );
    }

    #[test]
    fn a_bare_code_is_no_fact_about_a_signal_and_the_last_words_are_shown() {
        let outcome = scene(None, None)
            .log("shop/app-1", "app", true, "exiting with the child's code\n")
            .diagnose();
        let finding = outcome.finding("EXT-KILLED");
        assert!(finding.verdict <= Verdict::Possible, "{}", outcome.summary());
        let chain: String = finding.chain.iter().map(|step| step.text.as_str()).collect();
        assert!(
            chain.contains("or a shell that passes on a child's 137") && chain.contains("last thing"),
            "{chain}"
        );
        assert!(
            finding.evidence.iter().any(|it| it.text.contains("exiting with")),
            "{:?}",
            finding.evidence
        );
    }

    #[test]
    fn refuted_when_the_kubelet_did_it() {
        scene(Some((SYNC, "11:59")), Some("11:59"))
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Killing",
                "Container app failed liveness probe, will be restarted",
                "2026-03-01T11:57:40Z",
            )
            .diagnose()
            .lacks("EXT-KILLED");
    }

    #[test]
    fn calm_on_a_healthy_container_and_after_another_end() {
        Scene::new()
            .object(pod(json!({"status": {"containerStatuses": [status(json!({}))]}})))
            .diagnose()
            .is_calm();
        Scene::new()
            .object(pod(
                json!({"status": {"containerStatuses": [crashed(1, "Error")]}}),
            ))
            .diagnose()
            .lacks("EXT-KILLED");
    }
}
