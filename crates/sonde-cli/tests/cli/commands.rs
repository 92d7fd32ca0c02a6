//! Help, version, completion, explain.

use crate::run::{command, run, sonde};

#[test]
fn help_is_an_answer_and_wrong_usage_is_not() {
    sonde(&["--help"]).says(0, &["Usage: sonde", "diagnose", "Examples:"]);
    sonde(&["diagnose", "--help"]).says(0, &["Exit codes: 0", "-n, --namespace", "--from"]);
    for args in [
        &["diagnos"][..],
        &["diagnose", "--form", "x"],
        &["diagnose", "-o", "jsn"],
        &["diagnose", "--from", "a", "-f", "b"],
        &["diagnose", "-A", "-n", "shop"],
        &["collect"],
        &[],
    ] {
        let said = sonde(args);
        assert_eq!(said.code, 2, "{args:?}: {}", said.err);
        assert!(said.out.is_empty(), "{args:?}: {}", said.out);
    }
    sonde(&["diagnos"]).fails(2, &["diagnose"]);
    sonde(&["diagnose", "-o", "jsn"]).fails(2, &["json"]);
}

#[test]
fn version_is_a_line_or_an_object() {
    sonde(&["--version"]).says(0, &["sonde "]);
    sonde(&["version"]).says(0, &["sonde "]);
    let said = sonde(&["version", "-o", "json"]);
    let value: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(value["reportSchema"], "sonde.report/v1");
}

#[test]
fn as_a_plugin_of_kubectl_it_speaks_of_kubectl_sonde() {
    let folder = crate::run::empty_folder("plugin");
    let link = folder.join("kubectl-sonde");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sonde"), &link).unwrap();
    let output = std::process::Command::new(&link)
        .args(["diagnose", "--help"])
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(out.contains("Usage: kubectl sonde diagnose"), "{out}");

    let link = folder.join("kubectl_complete-sonde");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sonde"), &link).unwrap();
    let output = std::process::Command::new(&link)
        .args(["diagnose", "deplo"])
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(out.starts_with("deployment") && out.ends_with(":4\n"), "{out}");
}

#[test]
fn every_shell_has_completion() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = sonde(&["completion", shell]);
        said.says(0, &["COMPLETE", "sonde"]);
        assert!(!said.out.contains(env!("CARGO_TARGET_TMPDIR")), "{}", said.out);
    }
}

#[test]
fn types_and_codes_complete() {
    for (words, expected) in [
        (&["sonde", "diagnose", "stateful"][..], "statefulset"),
        (&["sonde", "explain", "OOM-CONT"], "OOM-CONTAINER-LIMIT"),
        (&["sonde", "dia"], "diagnose"),
    ] {
        let mut completing = command(&["--"]);
        completing
            .args(words)
            .env("COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
            .env("_CLAP_COMPLETE_COMP_TYPE", "9")
            .env("_CLAP_COMPLETE_SPACE", "true")
            .env("_CLAP_IFS", "\n");
        run(completing, b"").says(0, &[expected]);
    }
}

#[test]
fn explain_finds_by_code_family_number_and_words() {
    sonde(&["explain"]).says(0, &["OOM-CONTAINER-LIMIT", "HOK lifecycle hooks"]);
    sonde(&["explain", "oom-container-limit"]).says(0, &["What it means", "How it is proven"]);
    sonde(&["explain", "137"]).says(0, &["OOM-CONTAINER-LIMIT", "LIV-LIVENESS-KILL"]);
    sonde(&["explain", "DEP-CONFIG-MISSING", "-o", "markdown"]).says(0, &["## What it means"]);
    sonde(&["explain", "OOM-CONTAINER-LIMTI"]).fails(2, &["did you mean OOM-CONTAINER-LIMIT?"]);
}

#[test]
fn a_closed_pipe_is_success() {
    use std::process::Stdio;
    let mut child = command(&["explain"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && err.is_empty(),
        "{:?}: {err}",
        output.status
    );
}
