//! Those who ask from elsewhere, and a collector to which the agent sends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::process::{Agent, Wrapped};

fn openssl(folder: &Path, arguments: &str) -> bool {
    Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// An authority, and certificates by it for the agent and for who asks; another authority with one for a stranger.
fn certificates(folder: &Path) -> bool {
    let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1";
    let ask = "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1").unwrap();
    let sign = |who: &str, by: &str| {
        openssl(
            folder,
            &format!("{ask} -subj /CN={who} -keyout {who}.key -out {who}.csr"),
        ) && openssl(
            folder,
            &format!(
                "x509 -req -in {who}.csr -CA {by}.pem -CAkey {by}.key -CAcreateserial -days 1 -extfile names -out {who}.pem"
            ),
        )
    };
    let authority = |who: &str| {
        openssl(
            folder,
            &format!("{new} -subj /CN={who} -keyout {who}.key -out {who}.pem"),
        )
    };
    authority("ca")
        && authority("other")
        && sign("agent", "ca")
        && sign("friend", "ca")
        && sign("stranger", "other")
}

fn curl(folder: &Path, port: u16, who: Option<&str>) -> Output {
    let mut command = Command::new("curl");
    command
        .current_dir(folder)
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "10",
            "--noproxy",
            "*",
            "--cacert",
            "ca.pem",
        ])
        .arg(format!("https://localhost:{port}/v1/status"));
    if let Some(who) = who {
        command.args(["--cert", &format!("{who}.pem"), "--key", &format!("{who}.key")]);
    }
    command.output().unwrap()
}

#[test]
fn over_tcp_only_those_ask_who_show_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    if !certificates(folder.path()) || Command::new("curl").arg("-V").output().is_err() {
        eprintln!("skipped: openssl or curl is not installed");
        return;
    }
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let listen = format!("listen=127.0.0.1:{port} {}", folder.path().display());
    let Some(_agent) = Agent::start_with(folder.path(), "agent", &[], &[listen], Wrapped::No) else {
        return;
    };
    let answer = curl(folder.path(), port, Some("friend"));
    let status: Value = serde_json::from_slice(&answer.stdout).unwrap_or_else(|_| panic!("{answer:?}"));
    assert_eq!(status["node"], "worker-1");
    for who in [None, Some("stranger")] {
        let answer = curl(folder.path(), port, who);
        assert!(
            !answer.status.success() && answer.stdout.is_empty(),
            "{who:?}: {answer:?}"
        );
    }
    // And it goes on for those who may.
    assert!(curl(folder.path(), port, Some("friend")).status.success());
}

/// Takes one post, answers it, and tells its head and body.
fn take_post(listener: &TcpListener, answer: &str) -> (String, Value) {
    let (mut stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut line) = (String::new(), String::new());
    while reader.read_line(&mut line).unwrap() > 2 {
        head.push_str(&line.to_lowercase());
        line.clear();
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.trim().parse().ok())
        .unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    write!(
        stream,
        "HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    (head, serde_json::from_slice(&body).unwrap())
}

#[test]
fn a_collector_gets_the_counts_and_a_refusal_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let otlp = format!("otlp=http://{}/base", listener.local_addr().unwrap());
    let Some(agent) = Agent::start_with(folder.path(), "agent", &[], &[otlp], Wrapped::No) else {
        return;
    };
    let (head, body) = take_post(&listener, "503 Service Unavailable");
    assert!(head.starts_with("post /base/v1/metrics http/1.1"), "{head}");
    assert!(head.contains("x-key: s3cret"), "{head}");
    let resource = &body["resourceMetrics"][0];
    assert_eq!(
        resource["resource"]["attributes"][1]["value"]["stringValue"],
        "worker-1"
    );
    assert!(
        resource["scopeMetrics"][0]["metrics"]
            .as_array()
            .is_some_and(|all| all.len() > 5)
    );
    // The next post is taken; between the two the status tells of the refusal.
    let coverage = |status: &Value| {
        let all = status["coverage"].as_array().unwrap();
        all.iter()
            .find(|it| it["signal"].as_str().unwrap().contains("collector"))
            .cloned()
    };
    let told = loop {
        if let Some(told) = coverage(&agent.get("/v1/status")) {
            break told;
        }
        std::thread::yield_now();
    };
    assert_eq!(told["seen"], "nothing");
    assert!(told["why"].as_str().unwrap().contains("503"), "{told}");
    while take_post(&listener, "200 OK").1["resourceMetrics"].is_null() {}
    // The answer may be on its way yet when the agent is asked.
    while coverage(&agent.get("/v1/status")).unwrap()["seen"] != "whole" {
        std::thread::yield_now();
    }
}
