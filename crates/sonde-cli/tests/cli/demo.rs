//! The demo: a capture of a real cluster, through the whole program.

use crate::run::{command, run, sonde};

#[test]
fn the_demo_shows_what_is_wrong() {
    let said = sonde(&["diagnose", "--demo"]);
    said.says(
        1,
        &[
            "OOM-CONTAINER-LIMIT",
            "DEP-CONFIG-MISSING",
            "IMG-NOT-FOUND",
            "SCH-NODE-AFFINITY",
            "CRE-COMMAND-NOT-FOUND",
            "CRE-MEMORY-UNIT",
            "deploy/orders",
            "300Mi",
        ],
    );
    assert!(
        !said.out.contains("frontend"),
        "what is healthy is not reported:\n{}",
        said.out
    );
    assert!(
        !said.out.contains("mailer"),
        "what is scaled to zero on purpose is not reported"
    );
}

#[test]
fn one_object_is_told_alone() {
    let said = sonde(&["diagnose", "--demo", "deploy/search", "-n", "shop"]);
    said.says(
        1,
        &["CRE-MEMORY-UNIT", "300m is 1 byte", "no space left on device"],
    );
    assert!(!said.out.contains("OOM-CONTAINER-LIMIT"), "{}", said.out);
    let by_label = sonde(&["diagnose", "--demo", "-l", "app in (search)"]);
    by_label.says(1, &["CRE-MEMORY-UNIT"]);
    assert!(!by_label.out.contains("OOM-CONTAINER-LIMIT"), "{}", by_label.out);
}

#[test]
fn what_is_healthy_is_said_to_be() {
    let said = sonde(&["diagnose", "--demo", "deploy/frontend"]);
    assert!(said.out.starts_with("Nothing wrong found"), "{}", said.out);
    assert_ne!(said.code, 1, "{}", said.out);
}

#[test]
fn names_that_are_not_there() {
    sonde(&["diagnose", "--demo", "deploy/chekout"]).fails(2, &["did you mean checkout?"]);
    sonde(&["diagnose", "--demo", "-n", "shpo"]).fails(2, &["did you mean shop?"]);
}

#[test]
fn the_exit_code_follows_fail_on() {
    assert_eq!(sonde(&["diagnose", "--demo", "--fail-on", "error"]).code, 1);
    assert_ne!(sonde(&["diagnose", "--demo", "--fail-on", "critical"]).code, 1);
}

#[test]
fn every_output_is_deterministic_and_goes_to_stdout() {
    for format in ["text", "wide", "json", "yaml", "markdown"] {
        let said = sonde(&["diagnose", "--demo", "-o", format]);
        assert!(said.err.is_empty(), "{format}: {}", said.err);
        assert!(!said.out.contains('\u{1b}'), "{format}: no colour in a pipe");
        assert_eq!(
            said.out,
            sonde(&["diagnose", "--demo", "-o", format]).out,
            "{format}"
        );
    }
    let json = sonde(&["diagnose", "--demo", "-o", "json"]);
    let report: sonde_model::Report = serde_json::from_str(&json.out).unwrap();
    for finding in &report.findings {
        assert!(!finding.evidence.is_empty(), "{} has no evidence", finding.code);
        let told = finding.chain.iter().flat_map(|step| &step.evidence);
        for id in told {
            assert!(
                finding.evidence.iter().any(|item| item.id == *id),
                "{}: {id}",
                finding.code
            );
        }
    }
    // The YAML is read by the same reader that reads people's YAML: it is a mapping with the same keys.
    let yaml = sonde(&["diagnose", "--demo", "-o", "yaml"]);
    assert!(yaml.out.starts_with("schema: sonde.report/v1\n"), "{}", yaml.out);
}

#[test]
fn a_locale_without_unicode_gets_ascii() {
    let mut ascii = command(&["diagnose", "--demo"]);
    ascii.env("LC_ALL", "C");
    assert!(run(ascii, b"").out.is_ascii());
}

#[test]
fn color_on_request_and_never_against_it() {
    let mut forced = command(&["diagnose", "--demo"]);
    forced.env("CLICOLOR_FORCE", "1");
    assert!(run(forced, b"").out.contains("\u{1b}[1m"));
    let mut refused = command(&["diagnose", "--demo"]);
    refused.env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1");
    assert!(!run(refused, b"").out.contains('\u{1b}'));
}

#[test]
fn an_interrupt_stops_at_once() {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Stdio;
    use std::time::{Duration, Instant};
    // A shell without job control starts what it puts in the background so, and children inherit it.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    if mask.is_some_and(|mask| mask & 0b10 != 0) {
        eprintln!("skipped: SIGINT is ignored where this test was started");
        return;
    }
    let mut child = command(&["diagnose", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It waits for input that never comes.
    std::thread::sleep(Duration::from_millis(300));
    let started = Instant::now();
    let sent = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let status = child.wait().unwrap();
    // Shells say 130 for this.
    assert_eq!(status.signal(), Some(2), "{status:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
}
