use super::says;
use crate::fact::{Fact, HookFact, HookKind, KillReason};

fn hook(kind: HookKind) -> HookFact {
    HookFact {
        hook: kind,
        container: None,
        command: None,
        exit_code: None,
        overran: false,
        command_missing: false,
        detail: None,
    }
}

fn killing(container: Option<&str>, reason: KillReason) -> Fact {
    Fact::Killing {
        container: container.map(str::to_owned),
        reason,
    }
}

#[test]
fn hooks() {
    for (reason, text, kind) in [
        ("FailedPostStartHook", "PostStartHook failed", HookKind::PostStart),
        ("FailedPreStopHook", "PreStopHook failed", HookKind::PreStop),
        ("", "PostStartHook failed", HookKind::PostStart),
        ("", "PreStopHook failed", HookKind::PreStop),
        ("PostStartHookError", "", HookKind::PostStart),
    ] {
        says(reason, text, &[Fact::Hook(hook(kind))]);
    }
    let full = "Exec lifecycle hook ([/bin/sh -c exit 3]) for Container \"web\" in Pod \"web-1_shop(9f)\" failed - error: command '/bin/sh -c exit 3' exited with 3: cannot, message: \"cannot\"";
    let expect = HookFact {
        container: Some("web".to_owned()),
        command: Some("/bin/sh -c exit 3".to_owned()),
        exit_code: Some(3),
        detail: Some("command '/bin/sh -c exit 3' exited with 3: cannot, message: \"cannot\"".to_owned()),
        ..hook(HookKind::PreStop)
    };
    says("FailedPreStopHook", full, &[Fact::Hook(expect.clone())]);
    says(
        "FailedPreStopHook",
        &full.replace('"', "\\\"").replace(' ', "\n "),
        &[Fact::Hook(expect)],
    );
    for verb in ["Http", "HTTP"] {
        says(
            "FailedPostStartHook",
            &format!("{verb} lifecycle hook (/start) for Container \"web\" in Pod \"web-1_shop(9f)\" failed - error: Get http://10.1.0.5:80//start: dial tcp 10.1.0.5:80: connect: connection refused, message: \"\""),
            &[Fact::Hook(HookFact {
                container: Some("web".to_owned()),
                command: Some("/start".to_owned()),
                detail: Some("Get http://10.1.0.5:80//start: dial tcp 10.1.0.5:80: connect: connection refused, message: \"\"".to_owned()),
                ..hook(HookKind::PostStart)
            })],
        );
    }
    let missing = "rpc error: code = Unknown desc = failed to exec in container: failed to start exec \"5\": OCI runtime exec failed: exec failed: unable to start container process: exec: \"warm\": executable file not found in $PATH: unknown";
    says(
        "PostStartHookError",
        &format!(
            "Exec lifecycle hook ([warm]) for Container \"web\" in Pod \"web-1_shop(9f)\" failed - error: {missing}, message: \"\""
        ),
        &[Fact::Hook(HookFact {
            container: Some("web".to_owned()),
            command: Some("warm".to_owned()),
            command_missing: true,
            detail: Some(format!(
                "{}, message: \"\"",
                missing.trim_start_matches("rpc error: code = Unknown desc = ")
            )),
            ..hook(HookKind::PostStart)
        })],
    );
    says(
        "PostStartHookError",
        "PostStart handler: command 'warm' exited with 126: OCI runtime exec failed: exec failed: exec: \"warm\": executable file not found in $PATH",
        &[Fact::Hook(HookFact {
            command: Some("warm".to_owned()),
            exit_code: Some(126),
            command_missing: true,
            detail: Some(
                "command 'warm' exited with 126: OCI runtime exec failed: exec failed: exec: \"warm\": executable file not found in $PATH".to_owned(),
            ),
            ..hook(HookKind::PostStart)
        })],
    );
    says(
        "",
        "PreStop hook not completed in grace period",
        &[Fact::Hook(HookFact {
            overran: true,
            ..hook(HookKind::PreStop)
        })],
    );
}

#[test]
fn kills() {
    for (text, container, reason) in [
        (
            "Container web failed liveness probe, will be restarted",
            Some("web"),
            KillReason::Liveness,
        ),
        (
            "Init container proxy failed liveness probe",
            Some("proxy"),
            KillReason::Liveness,
        ),
        (
            "Container failed liveness probe.. Container will be killed and recreated.",
            None,
            KillReason::Liveness,
        ),
        (
            "Killing container with id docker://web:pod \"web-1_shop(9f)\" container \"web\" is unhealthy, it will be killed and re-created.",
            Some("web"),
            KillReason::Liveness,
        ),
        (
            "Killing container with id docker://web:Container failed liveness probe.. Container will be killed and recreated.",
            Some("web"),
            KillReason::Liveness,
        ),
        (
            "Killing container with id docker://web:Need to kill Pod",
            Some("web"),
            KillReason::Stopping,
        ),
        (
            "Container web failed startup probe, will be restarted",
            Some("web"),
            KillReason::Startup,
        ),
        (
            "Container web definition changed, will be restarted",
            Some("web"),
            KillReason::DefinitionChanged,
        ),
        ("FailedPostStartHook", None, KillReason::PostStartHook),
        ("Stopping container web", Some("web"), KillReason::Stopping),
        (
            "the cat did it",
            None,
            KillReason::Other("the cat did it".to_owned()),
        ),
    ] {
        says("Killing", text, &[killing(container, reason)]);
    }
    says(
        "",
        "Stopping container web",
        &[killing(Some("web"), KillReason::Stopping)],
    );
    says(
        "",
        "Container web failed liveness probe, will be restarted",
        &[killing(Some("web"), KillReason::Liveness)],
    );
    let grace = [killing(None, KillReason::GraceExceeded)];
    says(
        "ExceededGracePeriod",
        "Container runtime did not kill the pod within specified grace period.",
        &grace,
    );
    says(
        "",
        "Container runtime did not kill the pod within specified grace period.",
        &grace,
    );
}

#[test]
fn back_off() {
    for (text, wait_seconds) in [
        ("Back-off restarting failed container", None),
        (
            "Back-off restarting failed container web in pod web-1_shop(9f)",
            None,
        ),
        (
            "Back-off 5m0s restarting failed container=web pod=web-1_shop(9f)",
            Some(300),
        ),
        (
            "back-off 1m20s restarting failed container=web pod=web-1_shop(9f)",
            Some(80),
        ),
        (
            "back-off -9223372036854775807s restarting failed container=web pod=web-1_shop(9f)",
            None,
        ),
    ] {
        for reason in ["BackOff", "CrashLoopBackOff", ""] {
            says(reason, text, &[Fact::RestartBackOff { wait_seconds }]);
        }
    }
    says(
        "CrashLoopBackOff",
        "",
        &[Fact::RestartBackOff { wait_seconds: None }],
    );
}
