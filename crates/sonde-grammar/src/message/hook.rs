//! Lifecycle hooks, and the kubelet's kills of containers.

use super::sync;
use super::words::{after, any, between, detail, name, name_after_any, number};
use crate::fact::{Fact, HookFact, HookKind, KillReason};

const POST_START: &[&str] = &[
    "PostStartHook failed",
    "PostStart hook failed",
    "PostStart handler",
    "PostStartHookError",
];

const PRE_STOP: &[&str] = &[
    "PreStopHook failed",
    "PreStop hook failed",
    "PreStop handler",
    "PreStop hook not completed in grace period",
];

const HOOK: &str = " lifecycle hook (";

/// Words that open [`by_text`].
pub(super) const OPENERS: &[&[&str]] = &[POST_START, PRE_STOP, &[HOOK]];

const GRACE: &str = "did not kill the pod within specified grace period";

/// Words that open [`killing_by_text`].
pub(super) const KILLING_OPENERS: &[&[&str]] = &[&[
    "will be restarted",
    "Stopping container ",
    "Killing container with id ",
    "FailedPostStartHook",
    GRACE,
]];

/// What the kubelet says while it waits before a restart.
pub(super) const RESTART: &[&str] = &[
    "ack-off restarting failed container",
    "restarting failed container=",
];

/// Reads a text whose reason names the hook.
pub(super) fn read(kind: HookKind, text: &str, out: &mut Vec<Fact>) {
    out.push(Fact::Hook(hook(kind, text)));
}

/// Reads a text of unknown origin.
pub(super) fn by_text(text: &str, out: &mut Vec<Fact>) {
    if any(text, POST_START) {
        read(HookKind::PostStart, text, out);
    } else if any(text, PRE_STOP) {
        read(HookKind::PreStop, text, out);
    } else if let Some(at) = text.find(HOOK) {
        // The text does not say which hook; it is asked about at start far more often, and the error ends the container
        // only there.
        let kind = if text[at..].contains("PreStop") {
            HookKind::PreStop
        } else {
            HookKind::PostStart
        };
        read(kind, text, out);
    }
}

fn hook(kind: HookKind, text: &str) -> HookFact {
    const MISSING: &[&str] = &[
        "executable file not found",
        "executable file `",
        "no such file or directory: unknown",
        "no such file or directory\": unknown",
        "exit status 127",
        "exited with 126",
        "exited with 127",
    ];
    let full = text.contains("lifecycle hook (") || text.contains("exited with ");
    let exit_code = after(text, "exited with ")
        .or_else(|| after(text, "exit code "))
        .and_then(number)
        .and_then(|code| i32::try_from(code).ok());
    HookFact {
        hook: kind,
        container: name_after_any(text, &["for Container ", "for container "]).map(str::to_owned),
        command: command(text),
        exit_code,
        overran: any(
            text,
            &[
                "not completed in grace period",
                "did not complete",
                "grace period",
            ],
        ),
        command_missing: any(text, MISSING),
        detail: (full || text.contains(": ")).then(|| hook_words(text)),
    }
}

/// `Exec lifecycle hook ([sh -c exit 1])`, `Http lifecycle hook (/path)`, `command 'sh -c exit 1' exited with 1`.
fn command(text: &str) -> Option<String> {
    let command = between(text, "lifecycle hook ([", "])")
        .or_else(|| between(text, "lifecycle hook (", ")"))
        .or_else(|| between(text, "command '", "' exited"))?;
    (!command.is_empty()).then(|| detail(command))
}

fn hook_words(text: &str) -> String {
    const LEADS: &[&str] = &[
        "failed - error: ",
        "PostStartHook failed: ",
        "PreStopHook failed: ",
        "PostStart handler: ",
        "PreStop handler: ",
    ];
    LEADS
        .iter()
        .find_map(|lead| after(text, lead))
        .map_or_else(|| detail(text), detail)
}

/// Event `Killing`.
pub(super) fn killing(text: &str, out: &mut Vec<Fact>) {
    const REASONS: &[(&str, KillReason)] = &[
        ("failed liveness probe", KillReason::Liveness),
        ("failed startup probe", KillReason::Startup),
        ("definition changed", KillReason::DefinitionChanged),
        // 1.10 to 1.14: `Container failed liveness probe.. Container will be killed and recreated.`, spec hash instead of definition.
        ("spec hash changed", KillReason::DefinitionChanged),
        ("FailedPostStartHook", KillReason::PostStartHook),
        ("PostStartHook", KillReason::PostStartHook),
        ("Unhealthy", KillReason::Liveness),
        ("unhealthy", KillReason::Liveness),
        ("Stopping container", KillReason::Stopping),
        ("Need to kill Pod", KillReason::Stopping),
        ("Killing container", KillReason::Stopping),
    ];
    if text.is_empty() {
        return;
    }
    let reason = REASONS
        .iter()
        .find(|(marker, _)| text.contains(marker))
        .map(|(_, reason)| reason.clone());
    let reason = reason.unwrap_or_else(|| KillReason::Other(detail(text)));
    out.push(Fact::Killing {
        container: killed(text),
        reason,
    });
}

/// Reads a kill in a text of unknown origin.
pub(super) fn killing_by_text(text: &str, out: &mut Vec<Fact>) {
    let killed = text.ends_with("will be restarted")
        || text.starts_with("Stopping container ")
        || text.starts_with("Killing container with id ")
        || text == "FailedPostStartHook";
    if killed {
        killing(text, out);
    } else if text.contains(GRACE) {
        grace_exceeded(out);
    }
}

/// Reads a wait before a restart in a text of unknown origin.
pub(super) fn restart_by_text(text: &str, out: &mut Vec<Fact>) {
    if is_restart_back_off(text) {
        out.push(restart_back_off(text));
    }
}

/// Event `FailedKillPod`: the runtime could not end a container, or could not tear the sandbox down.
pub(super) fn kill_failed(text: &str, out: &mut Vec<Fact>) {
    sync::by_text(text, out);
    if out.is_empty() && !text.is_empty() {
        super::sandbox::read(text, out);
    }
}

/// Event `ExceededGracePeriod`.
pub(super) fn grace_exceeded(out: &mut Vec<Fact>) {
    out.push(Fact::Killing {
        container: None,
        reason: KillReason::GraceExceeded,
    });
}

fn killed(text: &str) -> Option<String> {
    // docker's era: `Killing container with id docker://NAME:Need to kill Pod`.
    if let Some(rest) = after(text, "Killing container with id ") {
        let id = rest.split("://").nth(1)?;
        return id
            .split(':')
            .next()
            .filter(|name| !name.is_empty())
            .map(str::to_owned);
    }
    const LEADS: &[&str] = &["Stopping container ", "Init container ", "Container "];
    let rest = LEADS.iter().find_map(|lead| text.strip_prefix(lead))?;
    let container = name(rest)?;
    (!matches!(container, "failed" | "definition" | "runtime" | "will")).then(|| container.to_owned())
}

/// The kubelet waits before a restart.
pub(super) fn is_restart_back_off(text: &str) -> bool {
    any(text, RESTART)
}

/// `back-off 1m20s restarting failed container=app pod=…`.
pub(super) fn restart_back_off(text: &str) -> Fact {
    let wait = text
        .split_once("ack-off ")
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .filter(|word| word.starts_with(|first: char| first.is_ascii_digit()))
        .and_then(|word| word.parse::<jiff::SignedDuration>().ok());
    Fact::RestartBackOff {
        wait_seconds: wait.map(|wait| wait.as_secs()),
    }
}
