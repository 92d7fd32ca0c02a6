//! Clusters that cannot be reached, or answer badly.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::kubeconfig::for_server;
use crate::run::{Said, command, empty_folder, run, sonde};
use crate::server::{Reply, Server};

fn diagnose(url: &str, more: &[&str]) -> Said {
    let config = for_server(url);
    let mut args = vec![
        "diagnose",
        "--kubeconfig",
        config.to_str().unwrap(),
        "--request-timeout",
        "2s",
    ];
    args.extend(more);
    sonde(&args)
}

#[test]
fn no_kubeconfig_and_no_cluster() {
    sonde(&["diagnose"]).fails(2, &["error: ", "hint: "]);
    sonde(&["diagnose", "--kubeconfig", "/nowhere/config"]).fails(2, &["/nowhere/config", "hint: "]);
}

#[test]
fn a_kubeconfig_that_is_broken() {
    let path = empty_folder("broken").join("config");
    for text in ["{{{", "\u{0}\u{1}", "clusters: 5\n", ""] {
        std::fs::write(&path, text).unwrap();
        sonde(&["diagnose", "--kubeconfig", path.to_str().unwrap()]).fails(2, &["error: ", "hint: "]);
    }
    let mut by_env = command(&["diagnose"]);
    std::fs::write(&path, "{{{").unwrap();
    by_env.env("KUBECONFIG", &path);
    run(by_env, b"").fails(2, &["error: "]);
}

#[test]
fn a_context_that_is_not_there() {
    diagnose("http://127.0.0.1:1", &["--context", "tset"]).fails(2, &["tset", "hint: ", "test"]);
}

#[test]
fn a_port_that_nobody_listens_on() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    diagnose(&format!("http://{address}"), &[]).fails(2, &["error: ", &address.to_string(), "hint: "]);
}

#[test]
fn a_server_that_refuses_or_fails() {
    for (code, reason, words) in [
        (401, "Unauthorized", &["401", "hint: "][..]),
        (500, "InternalError", &["500"]),
        (503, "ServiceUnavailable", &["503"]),
        (429, "TooManyRequests", &["429"]),
    ] {
        let server = Server::start(move |_| Reply::status(code, reason, "no"));
        diagnose(&format!("http://{}", server.address), &[]).fails(2, words);
        assert!(server.requests.load(std::sync::atomic::Ordering::Relaxed) < 500);
    }
}

#[test]
fn a_server_that_is_slow() {
    let server = Server::start(|_| Reply {
        after: Duration::from_secs(30),
        ..Reply::json(serde_json::json!({}))
    });
    let started = Instant::now();
    diagnose(
        &format!("http://{}", server.address),
        &["--request-timeout", "1s"],
    )
    .fails(2, &["error: "]);
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_server_that_speaks_no_json() {
    let server = Server::start(|_| Reply {
        body: "<html>login</html>".into(),
        ..Reply::json(serde_json::json!({}))
    });
    diagnose(&format!("http://{}", server.address), &[]).fails(2, &["error: "]);
}
