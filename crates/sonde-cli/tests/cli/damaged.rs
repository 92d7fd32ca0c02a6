//! Objects and texts that are broken, among good ones: the good ones are used, the rest is told.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::archives::sick_pod;
use crate::run::{Said, empty_folder, sonde, sonde_reading};

/// A folder with a good pod and one other file.
fn beside_a_good_one(name: &str, bytes: &[u8]) -> Said {
    let folder = empty_folder("damaged");
    std::fs::write(folder.join("good.json"), sick_pod("good-1").to_string()).unwrap();
    std::fs::write(folder.join(name), bytes).unwrap();
    let started = Instant::now();
    let said = sonde(&["diagnose", "--from", folder.to_str().unwrap()]);
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{name}: {:?}",
        started.elapsed()
    );
    said.says(1, &["good-1", "IMG-NOT-FOUND"]);
    said
}

fn list(items: Value) -> Vec<u8> {
    json!({"apiVersion": "v1", "kind": "List", "items": items})
        .to_string()
        .into_bytes()
}

#[test]
fn a_broken_file_does_not_lose_the_others() {
    let cut = list(json!([sick_pod("cut-1"), sick_pod("cut-2")]));
    let flow = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: d}}\nspec: {}\n",
        "[".repeat(100_000)
    );
    let nested: String = (1..3000)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    let mut aliases = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata:\n  k0: &k0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let many = vec![format!("*k{}", level - 1); 9].join(", ");
        aliases.push_str(&format!("  k{level}: &k{level} [{many}]\n"));
    }
    for (name, bytes, words) in [
        ("cut.json", &cut[..cut.len() - 200], "the objects before are used"),
        (
            "tab.yaml",
            b"apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n bad\n\t- [\n",
            "line 5",
        ),
        ("flow.yaml", flow.as_bytes(), "limit exceeded"),
        (
            "nested.yaml",
            format!("apiVersion: v1\nkind: Pod\nmetadata:\n{nested}").as_bytes(),
            "limit exceeded",
        ),
        (
            "aliases.yaml",
            aliases.as_bytes(),
            "aliases make the document larger",
        ),
        (
            "twice.json",
            br#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","name":"b","namespace":"shop"}}"#,
            "duplicate field",
        ),
    ] {
        let said = beside_a_good_one(name, bytes);
        said.says(1, &["Could not be used", name, words]);
    }
}

#[test]
fn nesting_has_a_bound() {
    let deep = format!(
        r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"deep","namespace":"shop"}},"spec":{}1{}}}"#,
        r#"{"a":"#.repeat(200_000),
        "}".repeat(200_000)
    );
    beside_a_good_one("deep.json", deep.as_bytes());
    beside_a_good_one("brackets.json", &vec![b'['; 1_000_000]);
    beside_a_good_one("braces.json", "{\"a\":".repeat(200_000).as_bytes());
}

#[test]
fn a_pod_that_is_no_pod() {
    let said = beside_a_good_one(
        "types.json",
        &list(json!([
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b-1", "namespace": "shop", "labels": [1, 2],
                "ownerReferences": "x", "creationTimestamp": 12}, "spec": "none", "status": ["a"]},
            {"apiVersion": "v1", "kind": "Pod", "metadata": "x"},
            {"apiVersion": 1, "kind": 2}, 7, null, [],
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b-2", "namespace": "shop"},
                "spec": {"containers": {"a": 1}}, "status": {"containerStatuses": [{"state": 5, "restartCount": "many"}], "phase": 9}},
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {"allocatable": {"cpu": {}, "memory": "lots"}, "conditions": 7}},
            {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "shop"}, "involvedObject": "pod",
                "message": {"a": 1}, "reason": [1], "lastTimestamp": "yesterday"},
        ])),
    );
    said.says(
        1,
        &[
            "Could not be used",
            "types.json",
            "this object was left out, the others are used",
        ],
    );
}

#[test]
fn owners_in_a_circle() {
    let owner = |kind: &str, name: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name, "controller": true}]);
    let set = |name: &str, of: &str| {
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": name, "namespace": "shop", "uid": name,
            "ownerReferences": owner("ReplicaSet", of)}, "spec": {"replicas": 1}})
    };
    let (mut round, mut own) = (sick_pod("round-1"), sick_pod("own-1"));
    round["metadata"]["ownerReferences"] = owner("ReplicaSet", "a");
    own["metadata"]["ownerReferences"] = owner("Pod", "own-1");
    beside_a_good_one(
        "owners.json",
        &list(json!([round, own, set("a", "b"), set("b", "c"), set("c", "a")])),
    );
}

#[test]
fn times_that_are_missing_or_odd() {
    let mut none = sick_pod("none-1");
    none["metadata"]["creationTimestamp"] = Value::Null;
    let mut odd = sick_pod("odd-1");
    odd["metadata"]["creationTimestamp"] = json!("9999-12-31T23:59:59Z");
    odd["metadata"]["deletionTimestamp"] = json!("0000-00-00T00:00:00Z");
    odd["metadata"]["deletionGracePeriodSeconds"] = json!(i64::MIN);
    odd["status"]["startTime"] = json!("2026-13-45T99:99:99Z");
    let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "shop"},
        "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "none-1"}, "reason": "BackOff",
        "message": "Back-off pulling image", "type": "Warning", "lastTimestamp": null, "count": -1});
    beside_a_good_one("times.json", &list(json!([none, odd, event])));
}

#[test]
fn invalid_utf_8_and_bytes_that_are_no_text() {
    let bad = sick_pod("bad-1").to_string().into_bytes();
    let at = bad.windows(6).position(|it| it == b"failed").unwrap();
    let bad = [&bad[..at], b"\xff\xfe\xc3 ", &bad[at..]].concat();
    beside_a_good_one("bad.json", &bad).says(1, &["bad-1", "invalid UTF-8", "replacement characters"]);
    beside_a_good_one("core", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0").says(1, &["core", "is binary, left out"]);
}

#[test]
fn sizes_that_no_cluster_has() {
    let mut node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "spec": {},
        "status": {"allocatable": {"cpu": "9".repeat(400), "memory": "1e99999", "pods": i64::MIN.to_string()}}});
    node["metadata"]["labels"] = (0..20_000).map(|at| (format!("k{at}"), json!("v"))).collect();
    let mut pod = sick_pod("large-1");
    pod["spec"]["containers"][0]["resources"] =
        json!({"requests": {"cpu": "1e400", "memory": "-5Ei"}, "limits": {"memory": "0x10"}});
    pod["status"] = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
        "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient cpu."}]});
    beside_a_good_one("sizes.json", &list(json!([node, pod])));
}

#[test]
fn a_line_of_64_mebibytes() {
    let mut text = b"panic: ".to_vec();
    text.resize(64 << 20, b'x');
    text.extend(b"\nError: boom\n");
    let started = Instant::now();
    // The head and the end of a text are read; a line without an end within the head is not half read.
    sonde_reading(&["diagnose", "-f", "-"], &text)
        .says(1, &["bytes in its middle were left out", "Error: boom"]);
    assert!(
        started.elapsed() < Duration::from_secs(60),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let folder = empty_folder("twice");
    let pods: Vec<Value> = (0..20).map(|at| sick_pod(&format!("app-{at}"))).collect();
    std::fs::write(folder.join("pods.json"), list(json!(pods))).unwrap();
    let read = || sonde(&["diagnose", "--from", folder.to_str().unwrap(), "-o", "json"]).out;
    assert_eq!(read(), read());
}
