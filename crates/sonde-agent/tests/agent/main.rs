//! The agent on this very kernel, as a process of its own. Where rights are missing a test skips and says why.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod elsewhere;
mod pod;
mod process;
mod runtime;

use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use libbpf_rs::query::ProgInfoIter;
use serde_json::Value;

use pod::Pod;
use process::{Agent, ROLE, Started as _, Wrapped};
use runtime::FakeRuntime;

/// Not a test: the agent's process, for which the others start this binary once more.
#[test]
fn agent_process() {
    let Ok(role) = std::env::var(ROLE) else { return };
    process::run_agent(&role);
}

/// The first entry that `pick` takes, or what there was instead.
fn await_death(agent: &Agent, pick: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = agent.get("/v1/deaths");
        let found = answer["deaths"]
            .as_array()
            .and_then(|deaths| deaths.iter().find(|death| pick(death)));
        if let Some(found) = found {
            return found.clone();
        }
        assert!(Instant::now() < deadline, "not in {answer:#}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn is_exit_of(pid: u32) -> impl Fn(&Value) -> bool {
    move |death| death["what"] == "exit" && death["process"]["pid"] == pid
}

#[test]
fn a_container_that_is_killed_is_named_with_its_killer() {
    let folder = tempfile::tempdir().unwrap();
    let Some(pod) = Pod::start("a") else { return };
    let runtime = FakeRuntime::start(&folder.path().join("runtime.sock"), &pod);
    let Some(agent) = Agent::start(folder.path(), "agent", &[runtime.socket()], Wrapped::No) else {
        return;
    };
    let pid = pod.first_process();
    let mut killer = Command::new("sh")
        .args(["-c", &format!("kill -9 {pid}; :")])
        .spawn()
        .unwrap();
    let death = await_death(&agent, |death| {
        is_exit_of(pid)(death) && death["process"]["owner"]["pod"] == "checkout-1"
    });
    let killer_pid = killer.id();
    killer.wait().unwrap();
    assert_eq!(death["signal"], 9, "{death:#}");
    assert_eq!(death["process"]["first"], true, "{death:#}");
    let owner = &death["process"]["owner"];
    for (field, expected) in [
        ("namespace", "shop"),
        ("container", "app"),
        ("podUid", pod.uid()),
        ("containerId", pod.container_id()),
    ] {
        assert_eq!(owner[field], expected, "{death:#}");
    }
    assert_eq!(death["sender"]["kind"], "nodeProcess", "{death:#}");
    assert_eq!(death["sender"]["process"]["pid"], killer_pid, "{death:#}");
}

#[test]
fn what_ends_with_its_namespace_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let Some(pod) = Pod::start("b") else { return };
    let Some(agent) = Agent::start(folder.path(), "agent", &[], Wrapped::No) else {
        return;
    };
    let child = pod.second_process();
    Command::new("kill")
        .args(["-9", &pod.first_process().to_string()])
        .status()
        .unwrap();
    let death = await_death(&agent, is_exit_of(child));
    assert_eq!(death["sender"]["kind"], "namespaceEnd", "{death:#}");
    assert_eq!(death["process"]["owner"]["containerId"], pod.container_id());
}

#[test]
fn a_victim_of_the_memory_limit_is_told_with_what_it_held() {
    const LIMIT: u64 = 32 << 20;
    let folder = tempfile::tempdir().unwrap();
    let Some(agent) = Agent::start(folder.path(), "agent", &[], Wrapped::No) else {
        return;
    };
    let Some(pod) = Pod::start_greedy("d", LIMIT) else {
        return;
    };
    let pid = pod.first_process();
    let end = await_death(&agent, is_exit_of(pid));
    assert_eq!(end["sender"]["kind"], "outOfMemory", "{end:#}");
    let victim = await_death(&agent, |death| {
        death["what"] == "outOfMemory" && death["process"]["pid"] == pid
    });
    let held = victim["anonymousBytes"].as_u64().unwrap();
    // The kernel counts by batches on each processor, and a page table or two is not the process's.
    assert!((LIMIT / 2..=LIMIT).contains(&held), "{victim:#}");
    assert!(victim["sharedBytes"].as_u64().unwrap() < 1 << 20, "{victim:#}");
    let group = &victim["groups"][0];
    assert_eq!(group["name"], pod.container_id());
    assert_eq!(group["limitBytes"], LIMIT);
    assert!(group["usageBytes"].as_u64().unwrap() <= LIMIT, "{victim:#}");
}

#[test]
fn without_a_runtime_the_groups_are_shown_raw_and_the_status_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let Some(pod) = Pod::start("c") else { return };
    let socket = folder.path().join("runtime.sock");
    let Some(agent) = Agent::start(folder.path(), "agent", std::slice::from_ref(&socket), Wrapped::No) else {
        return;
    };
    let names = |status: &Value| -> Value {
        let coverage = status["coverage"].as_array().unwrap();
        let names = coverage
            .iter()
            .find(|it| it["signal"].as_str().unwrap().starts_with("names"));
        names.unwrap().clone()
    };
    let missing = names(&agent.get("/v1/status"));
    assert_eq!(missing["seen"], "nothing", "{missing}");
    assert!(
        missing["why"].as_str().unwrap().contains("no such socket"),
        "{missing}"
    );
    let pid = pod.first_process();
    Command::new("kill").args([&pid.to_string()]).status().unwrap();
    Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status()
        .unwrap();
    let death = await_death(&agent, is_exit_of(pid));
    assert_eq!(
        death["process"]["owner"]["group"],
        pod.container_id(),
        "{death:#}"
    );
    assert_eq!(death["process"]["owner"]["podUid"], pod.uid(), "{death:#}");
    // It starts late: what waits gets its name.
    let _runtime = FakeRuntime::start(&socket, &pod);
    await_death(&agent, |death| {
        is_exit_of(pid)(death) && death["process"]["owner"]["pod"] == "checkout-1"
    });
    let there = names(&agent.get("/v1/status"));
    assert_eq!(there["seen"], "whole", "{there}");
}

#[test]
fn two_agents_see_the_same_and_a_taken_socket_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let Some(one) = Agent::start(folder.path(), "one", &[], Wrapped::No) else {
        return;
    };
    let other = Agent::start(folder.path(), "other", &[], Wrapped::No).unwrap();
    let mut victim = Command::new("sleep").arg("600").spawn().unwrap();
    victim.kill().unwrap();
    victim.wait().unwrap();
    for agent in [&one, &other] {
        let death = await_death(agent, is_exit_of(victim.id()));
        assert_eq!(death["sender"]["process"]["pid"], std::process::id());
    }
    let refused = Agent::start(folder.path(), "one", &[], Wrapped::No);
    assert!(refused.is_none_with("another agent answers"));
}

/// Whether the kernel still has one of these programs.
fn any_left(programs: &[u32]) -> bool {
    ProgInfoIter::default().any(|program| programs.contains(&program.id))
}

#[test]
fn nothing_stays_attached_after_sigkill() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut agent) = Agent::start(folder.path(), "agent", &[], Wrapped::No) else {
        return;
    };
    let programs = agent.programs();
    assert!(programs.len() >= 3, "{programs:?}");
    assert!(any_left(&programs));
    agent.kill();
    let deadline = Instant::now() + Duration::from_secs(10);
    while any_left(&programs) {
        assert!(Instant::now() < deadline, "some of {programs:?} are still there");
        std::thread::sleep(Duration::from_millis(10));
    }
    // What it left of its socket is no hindrance to the next.
    assert!(agent.socket().exists());
    assert!(Agent::start(folder.path(), "agent", &[], Wrapped::No).is_some());
}

#[test]
fn an_interrupt_takes_all_down_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut agent) = Agent::start(folder.path(), "agent", &[], Wrapped::No) else {
        return;
    };
    let programs = agent.programs();
    let took = agent.interrupt();
    assert!(took < Duration::from_millis(100), "{took:?}");
    assert!(!agent.socket().exists());
    let deadline = Instant::now() + Duration::from_secs(10);
    while any_left(&programs) {
        assert!(Instant::now() < deadline, "some of {programs:?} are still there");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn three_capabilities_are_enough() {
    let folder = tempfile::tempdir().unwrap();
    if !Path::new("/usr/bin/setpriv").exists() {
        eprintln!("skipped: there is no setpriv");
        return;
    }
    let Some(agent) = Agent::start(folder.path(), "agent", &[], Wrapped::ThreeCapabilities) else {
        return;
    };
    // CAP_NET_ADMIN 12, CAP_PERFMON 38, CAP_BPF 39: capabilities(7).
    assert_eq!(agent.effective_capabilities(), 1 << 12 | 1 << 38 | 1 << 39);
    let mut victim = Command::new("sleep").arg("600").spawn().unwrap();
    victim.kill().unwrap();
    victim.wait().unwrap();
    await_death(&agent, is_exit_of(victim.id()));
}

#[test]
fn metrics_are_served_and_other_requests_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let Some(agent) = Agent::start(folder.path(), "agent", &[], Wrapped::No) else {
        return;
    };
    let (status, text) = agent.request("GET", "/metrics");
    assert_eq!(status, 200);
    assert!(
        text.contains("sonde_agent_program_running{program=\"deaths\"} 1"),
        "{text}"
    );
    assert!(
        text.contains("# TYPE sonde_call_duration_seconds histogram\n"),
        "{text}"
    );
    assert!(text.ends_with("# EOF\n"));
    for (method, path, expected) in [
        ("GET", "/v1/nonsense", 404),
        ("GET", "/v1/deaths?since=x", 400),
        ("POST", "/v1/deaths", 405),
    ] {
        let (status, text) = agent.request(method, path);
        assert_eq!(status, expected, "{method} {path}");
        assert!(text.contains("message"), "{text}");
    }
}

#[test]
fn a_name_that_is_not_there_is_told_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let Some(agent) = Agent::start(folder.path(), "agent", &[], Wrapped::No) else {
        return;
    };
    // An address that no resolver of a machine has.
    let server = UdpSocket::bind(("127.77.0.3", 53)).unwrap();
    let asker = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut message =
        *b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04gone\x06sonde1\x04test\x00\x00\x01\x00\x01";
    for id in 0..3 {
        let mut buffer = [0; 64];
        message[0] = id;
        message[2..4].copy_from_slice(&[0x01, 0x00]);
        asker.send_to(&message, server.local_addr().unwrap()).unwrap();
        let (_, from) = server.recv_from(&mut buffer).unwrap();
        // An answer: there is no such name.
        message[2..4].copy_from_slice(&[0x81, 0x03]);
        server.send_to(&message, from).unwrap();
        asker.recv_from(&mut buffer).unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    let told = loop {
        let answer = agent.get("/v1/lookups");
        let lookups = answer["lookups"].as_array().unwrap();
        let ours = lookups.iter().filter(|it| it["name"] == "gone.sonde1.test");
        let ours: Vec<Value> = ours.cloned().collect();
        // Both ends are here.
        if ours.len() == 6 && agent.get("/v1/calls").to_string().contains("127.77.0.3") {
            break ours;
        }
        assert!(Instant::now() < deadline, "{answer:#}");
        std::thread::sleep(Duration::from_millis(100));
    };
    assert!(told.iter().all(|it| it["answer"] == "NXDOMAIN"), "{told:#?}");
    let calls = agent.get("/v1/calls");
    let edge = calls["edges"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["remote"] == "127.77.0.3" && it["protocol"] == "dns");
    let edge = edge.unwrap_or_else(|| panic!("no edge to the server in {calls:#}"));
    assert_eq!(
        (&edge["calls"], &edge["errors"]),
        (&3.into(), &3.into()),
        "{edge:#}"
    );
}
