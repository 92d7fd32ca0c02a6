//! `sonde deaths`, `node` and `profile` against an agent that this test plays, and `sonde agent` where nothing may be
//! attached.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;

use crate::run::{Said, empty_folder, sonde};

const DEATHS: &str = r#"{
  "schema": "sonde.deaths/v1", "node": "worker-1",
  "since": "2026-11-21T09:00:00Z", "now": "2026-11-21T10:00:00Z", "lost": LOST, "dropped": 0,
  "deaths": [
    {"time": "2026-11-21T09:59:00Z", "what": "exit", "signal": 9,
     "process": {"pid": 11, "command": "app", "uid": 0, "parentPid": 4, "parentCommand": "shim", "first": true,
       "owner": {"namespace": "shop", "pod": "checkout-1", "container": "app", "containerId": "aa", "new": 1}},
     "sender": {"kind": "runtime", "process": {"pid": 90, "command": "runc", "uid": 0, "parentPid": 4,
       "parentCommand": "shim", "owner": {}}}},
    {"time": "2026-11-21T09:59:30Z", "what": "exit", "code": 3,
     "process": {"pid": 12, "command": "\u001b[2Jmake", "uid": 0, "parentPid": 4, "parentCommand": "sh", "owner": {}}}
  ]}"#;

/// Asks with `args` an agent that lost so many events.
fn asked(name: &str, lost: u32, args: &[&str]) -> Said {
    let socket = empty_folder(name).join("agent.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let read = stream.read(&mut request).unwrap();
        let body = DEATHS.replace("LOST", &lost.to_string());
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    let said = sonde(&[&["deaths", "--agent", socket.to_str().unwrap()], args].concat());
    let request = server.join().unwrap();
    assert!(request.starts_with("GET /v1/deaths"), "{request}");
    said
}

#[test]
fn deaths_are_a_table_with_who_died_and_who_sent_the_signal() {
    let said = asked("deaths-table", 0, &[]);
    said.says(
        0,
        &["shop/checkout-1/app", "SIGKILL", "runtime: runc (90)", "exit 3"],
    );
    assert!(
        !said.out.contains('\u{1b}'),
        "a name commands no terminal: {}",
        said.out
    );
    assert_eq!(said.out.lines().count(), 3, "{}", said.out);
}

#[test]
fn a_namespace_leaves_the_rest_out_and_what_was_lost_is_told() {
    let said = asked("deaths-namespace", 7, &["-n", "shop"]);
    said.says(3, &["checkout-1"]);
    assert!(!said.out.contains("make"), "{}", said.out);
    assert!(said.err.contains("7 events"), "{}", said.err);
    let said = asked("deaths-other", 0, &["-n", "bank", "-A"]);
    said.says(0, &["checkout-1", "make"]);
    let said = asked("deaths-none", 0, &["-n", "bank"]);
    assert_eq!(said.out, "");
    assert!(
        said.err
            .contains("Nothing died in namespace bank on node worker-1"),
        "{}",
        said.err
    );
}

#[test]
fn programs_get_every_event() {
    let said = asked("deaths-json", 0, &["-o", "json"]);
    let value: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(value["deaths"][0]["sender"]["kind"], "runtime");
    asked("deaths-yaml", 0, &["-o", "yaml"]).says(0, &["schema: sonde.deaths/v1", "kind: runtime"]);
    asked("deaths-wide", 0, &["-o", "wide"]).says(0, &["PARENT", "shim (4)"]);
}

#[test]
fn without_an_agent_it_says_what_to_do() {
    let nowhere = empty_folder("no-agent").join("agent.sock");
    let nowhere = nowhere.to_str().unwrap();
    sonde(&["deaths", "--agent", nowhere]).fails(
        2,
        &["no agent answers at", nowhere, "sudo sonde agent", "--agent"],
    );
    sonde(&["deaths", "--since", "yesterday"]).fails(2, &["--since", "hint: write it as"]);
}

#[cfg(not(feature = "agent"))]
#[test]
fn a_build_without_the_agent_says_how_to_get_one() {
    sonde(&["agent"]).fails(2, &["no agent in it", "--features agent", "cargo xtask dist"]);
    sonde(&["agent", "--check"]).fails(2, &["no agent in it"]);
}

#[cfg(feature = "agent")]
#[test]
fn what_is_missing_is_told_with_what_to_do() {
    let socket = empty_folder("blind").join("agent.sock");
    let socket = socket.to_str().unwrap();
    for (without, words) in [
        // Without BTF packets still tell of calls, unless there is no version 2 either.
        (&["btf", "cgroup-v2"][..], "CONFIG_DEBUG_INFO_BTF"),
        (&["ring-buffer"], "Linux 5.8"),
        (&["cap-bpf"], "setpriv"),
    ] {
        let without: Vec<&str> = without.iter().flat_map(|what| ["--without", what]).collect();
        sonde(&[&["agent", "--check"], &without[..]].concat()).says(2, &["missing", words, "tier P"]);
        sonde(&[&["agent", "--socket", socket], &without[..]].concat()).fails(
            2,
            &[
                "sees nothing here",
                "taken away for a test",
                "sonde agent --check",
            ],
        );
        assert!(!std::path::Path::new(socket).exists(), "it does not stay behind");
    }
    sonde(&["agent", "--without", "luck"]).fails(2, &["luck", "choose from cap-bpf"]);
    sonde(&["agent", "--listen-insecure", "0.0.0.0:1"]).fails(2, &["can be reached from other machines"]);
}

/// A node that is well but for one full disk.
const NODE: &str = r#"{
  "schema": "sonde.node/v1", "node": "worker-1", "now": "2026-11-21T10:00:00Z", "intervalMs": 1000, "byAgent": true,
  "checks": [
    {"kind": "cpu", "verdict": "ok", "value": 12.0, "unit": "percent", "found": "12% busy on 2 cores", "source": "/proc/stat"},
    {"kind": "disk-space", "about": "/var/lib", "verdict": "critical", "value": 1.0, "unit": "percent", "warning": 5.0,
     "critical": 3.0, "found": "1%: 1Gi of 100Gi left", "source": "statvfs /var/lib", "new": 1}],
  "cores": [{"core": 0, "busy": 12.0, "waiting": 0.0, "stolen": 0.0}], "processes": [], "containers": [],
  "containersSeen": 0, "coverage": [{"signal": "kubelet", "seen": "nothing", "why": "none runs here"}]}"#;

const PROFILE: &str = r#"{
  "schema": "sonde.profile/v1", "node": "worker-1", "start": "2026-11-21T10:00:00Z", "seconds": 10.0, "hertz": 99,
  "about": "pod shop/web-1", "samples": 10, "lost": 0, "stacksLost": 0,
  "frames": [{"name": "main", "module": "app"}, {"name": "work", "module": "app"}],
  "owners": [{"namespace": "shop", "pod": "web-1", "container": "app", "containerId": "aa"}],
  "stacks": [{"pid": 7, "command": "app", "owner": 0, "frames": [0, 1], "samples": 10}], "coverage": []}"#;

/// Asks an agent that has one answer; what was asked comes first.
fn answered(name: &str, answer: &'static str, args: &[&str]) -> (String, Said) {
    let socket = empty_folder(name).join("agent.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let read = stream.read(&mut request).unwrap();
        let length = answer.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{answer}"
        )
        .unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    let said = sonde(&[args, &["--agent", socket.to_str().unwrap()]].concat());
    let request = server.join().unwrap();
    (request.lines().next().unwrap_or_default().to_owned(), said)
}

#[test]
fn a_node_is_a_table_and_its_findings() {
    let (request, said) = answered("node-text", NODE, &["node", "--for", "5s"]);
    assert_eq!(request, "GET /v1/node?for=5 HTTP/1.1");
    said.says(
        1,
        &[
            "2 checks over 1.0 s, 1 critical",
            "disk-space",
            "NOD-DISK-FULL",
            "/var/lib of node worker-1 is nearly full",
        ],
    );
    let (request, said) = answered("node-json", NODE, &["node", "-o", "json"]);
    assert_eq!(request, "GET /v1/node HTTP/1.1");
    let value: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(value["findings"][0]["code"], "NOD-DISK-FULL");
    assert_eq!(value["checks"][1]["kind"], "disk-space");
    let (_, said) = answered("node-log", NODE, &["node", "-o", "log"]);
    said.says(
        1,
        &["source=sonde-agent msg=\"node check\" node=worker-1 check=disk-space"],
    );
}

/// Without an agent the command reads the node by itself, and says so.
#[test]
#[cfg(target_os = "linux")]
fn a_node_without_an_agent_is_read_all_the_same() {
    let said = sonde(&["node", "--no-agent", "--for", "1s"]);
    assert!(
        said.out.contains("no agent was asked")
            && said.out.contains("/proc") | said.out.contains("disk-space"),
        "{}",
        said.out
    );
    sonde(&["node", "--for", "2m"]).fails(2, &["longer than a minute"]);
}

#[test]
fn a_profile_has_its_forms() {
    let (request, said) = answered(
        "profile-text",
        PROFILE,
        &["profile", "pod/web-1", "-n", "shop", "--for", "1s"],
    );
    assert_eq!(
        request,
        "GET /v1/profile?for=1&hz=99&pod=web-1&namespace=shop HTTP/1.1"
    );
    said.says(0, &["10 samples of pod shop/web-1", "100.0%", "work", "app (7)"]);
    let (_, said) = answered(
        "profile-collapsed",
        PROFILE,
        &["profile", "pid/7", "-o", "collapsed"],
    );
    assert_eq!(said.out, "shop/web-1/app;app;main;work 10\n");
    let (_, said) = answered("profile-svg", PROFILE, &["profile", "-o", "svg"]);
    assert!(said.out.contains("<svg"), "{}", said.out);
    sonde(&["profile", "deploy/x"]).fails(2, &["nothing that can be profiled", "pod/NAME"]);
    sonde(&["profile", "pod/x&pid=1"]).fails(2, &["nothing that can be profiled"]);
    sonde(&["profile", "--for", "2m"]).fails(2, &["choose from 1s to 60s"]);
}
