//! EXT-SEGFAULT: the program accessed memory that is not its own (SIGSEGV, exit code 139).

use sonde_grammar::Fact;
use sonde_grammar::fact::NodeFact;
use sonde_grammar::log::{AppSign, NodeLog};
use sonde_model::{Code, Risk, SenderKind, Severity};

use crate::cause::page;
use crate::facts::kernel_seen;
use crate::{Case, Cause, Facts, Seen, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EXT-SEGFAULT"),
    title: "segmentation fault (exit code 139)",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("EXT-SEGFAULT"),
};

const SIGSEGV: i64 = 11;
/// The kernel writes its line at the moment of the end; clocks of `dmesg -T` drift by a few seconds.
const DRIFT_SECONDS: i64 = 5;

fn state(facts: &Facts<'_>, case: &mut Case) {
    if facts.is_text() {
        return by_its_lines(facts, case);
    }
    let Some(((code, ended), SIGSEGV)) = facts.exit().zip(facts.signal()) else {
        return;
    };
    let who = facts.container_phrase();
    let own = facts.own_word(|sign| matches!(sign, AppSign::Segfault).then_some(()));
    let sent = facts.witness().signal(SIGSEGV);
    let by_fault = sent.filter(|sent| sent.sender.kind == SenderKind::Fault);
    let kernel =
        kernel_line(facts).or_else(|| by_fault.map(|sent| (sent.process.command.clone(), sent.seen.clone())));
    // A program may exit with 139 of its own will, and a shell passes on a child's; the kernel, the runtime or the
    // program's words decide.
    let by_signal = facts.by_signal();
    if by_signal || own.is_some() || kernel.is_some() {
        case.generally_proven_by(ended.clone());
    } else {
        case.supported_by(ended.clone());
    }
    let unseen = !by_signal && own.is_none() && kernel.is_none();
    if let Some((_, line)) = own {
        case.step("the program says so itself", [line]);
    }
    let by_other = sent.filter(|sent| sent.by_somebody() && sent.sender.kind != SenderKind::Itself);
    match kernel {
        None if by_other.is_some() => {
            if let Some(sent) = by_other {
                let from = sent.from();
                case.step(format!("{from} sends it SIGSEGV"), [sent.seen.clone()]);
                case.headline(format!(
                    "{who} is ended by a SIGSEGV that {from} sent (exit code {code}); it made no fault itself"
                ));
            }
        }
        Some((process, seen)) => {
            case.step(format!("the kernel saw the fault in {process}"), [seen]);
            case.headline(format!(
                "{who} ends with a segmentation fault in {process} (exit code {code})"
            ));
        }
        None => {
            case.headline(if unseen {
                format!("{who} ends with exit code {code}, as by a segmentation fault (SIGSEGV), unless the program or its shell returns that code itself")
            } else {
                format!("{who} ends with a segmentation fault (SIGSEGV, exit code {code})")
            });
            if let Some(want) = facts
                .want_kernel_log()
                .filter(|_| facts.log_read(NodeLog::Kernel).is_none())
            {
                case.wants(want, "which process and library the fault is in");
            }
        }
    }
    case.step(
        if unseen {
            format!("its process ended with exit code {code}: 128 + {SIGSEGV}, which is what SIGSEGV gives, unless the program exits so by itself")
        } else {
            format!("SIGSEGV ends the process (exit code {code} is 128 + {SIGSEGV})")
        },
        [ended],
    );
    case.advice(
        "this is a fault inside the program or a native library: compare with the last version that worked, look at native extensions, the C library of the image (musl or glibc) and the stack size",
        Risk::None,
    );
    case.look("what it says before its end", facts.logs_command());
}

/// Kernel lines alone: a process of the machine made a fault, of a container or not.
fn by_its_lines(facts: &Facts<'_>, case: &mut Case) {
    let faults = facts.texts.kernel.iter().flat_map(|(node, lines)| {
        lines.iter().filter_map(move |line| match &line.fact {
            Fact::Node(NodeFact::ProcessFault { process, .. }) => Some((process, kernel_seen(node, line))),
            _ => None,
        })
    });
    let Some((process, seen)) = faults.last() else {
        return;
    };
    case.supported_by(seen.clone());
    case.step(
        format!("the kernel ends {process} for a fault of its own"),
        [seen],
    );
    case.headline(format!(
        "the process {process} ends with a fault of its own (a segmentation fault or the like)"
    ));
    case.severity(Severity::Warning);
    case.advice(
        "this is a fault inside the program or a native library: compare with the last version that worked, look at native extensions, the C library of the image (musl or glibc) and the stack size",
        Risk::None,
    );
    case.look(
        "whether it was a container's process, and whose: pods whose container ended with exit code 139",
        "kubectl get pods -A -o wide --field-selector spec.nodeName=NODE",
    );
}

/// The kernel's line about a fault at the second of the end. It names no container, so the time must decide.
fn kernel_line(facts: &Facts<'_>) -> Option<(String, Seen)> {
    let (_, end) = facts.span()?;
    let node = facts.pod().spec.node_name.as_str();
    let lines = facts.texts.kernel.get(node)?;
    lines.iter().find_map(|line| match &line.fact {
        Fact::Node(NodeFact::ProcessFault { process, .. }) => {
            let near = line
                .time
                .is_some_and(|time| time.duration_since(end).as_secs().abs() <= DRIFT_SECONDS);
            near.then(|| (process.clone(), kernel_seen(node, line)))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, crashed, pod, status};

    const FAULT: &str = "2026-03-01T11:57:59+00:00 n1 kernel: server[4242]: segfault at 0 ip 000055d0c0a4 sp 00007ffd error 4 in libssl.so.3[7f00+1000]";

    fn ended(code: i64) -> Value {
        pod(json!({"status": {"containerStatuses": [crashed(code, "Error")]}}))
    }

    #[test]
    fn found_and_named_by_the_kernel() {
        Scene::new()
            .object(ended(139))
            .diagnose()
            .finds_only("EXT-SEGFAULT", Verdict::Likely);
        let outcome = Scene::new().object(ended(139)).kernel("n1", FAULT).diagnose();
        let finding = outcome.finds_only("EXT-SEGFAULT", Verdict::Proven);
        assert!(finding.headline.contains("server"), "{}", finding.headline);
    }

    /// A program can return 139 by itself: without the kernel's, the runtime's or its own word no fault was seen.
    #[test]
    fn the_code_alone_is_no_fault_that_was_seen() {
        let bare = crate::testing::pod(
            json!({"status": {"containerStatuses": [crate::testing::crashed(139, "Error")]}}),
        );
        let outcome = Scene::new()
            .object(bare)
            .log("shop/app-1", "app", true, "leaving with my own code\n")
            .diagnose();
        let finding = outcome.finding("EXT-SEGFAULT");
        assert!(
            finding
                .headline
                .contains("unless the program or its shell returns that code itself"),
            "{}",
            finding.headline
        );
        assert!(finding.verdict < Verdict::Proven, "{}", outcome.summary());
    }

    #[test]
    fn does_not_take_another_processes_fault() {
        let outcome = Scene::new()
            .object(ended(139))
            .kernel("n1", &FAULT.replace("11:57:59", "11:40:00"))
            .diagnose();
        assert!(!outcome.finding("EXT-SEGFAULT").headline.contains("server"));
    }

    #[test]
    fn silent_on_other_signals_and_healthy_pods() {
        for code in [1, 134, 137, 143] {
            Scene::new()
                .object(ended(code))
                .kernel("n1", FAULT)
                .diagnose()
                .lacks("EXT-SEGFAULT");
        }
        Scene::new()
            .object(pod(json!({"status": {"containerStatuses": [status(json!({}))]}})))
            .diagnose()
            .is_calm();
    }
}
