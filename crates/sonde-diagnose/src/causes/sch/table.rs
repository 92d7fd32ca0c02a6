//! One table for the tests that every cause of this family passes: each row is a scene in which one cause is true. It is
//! found and no other; it is found too under the words of another time; it is not claimed where only the pod is known; a
//! pod that runs, or whose trouble is over, is no alarm.

use serde_json::{Value, json};
use sonde_model::{Finding, Kind, Severity, Verdict};

use super::testing::*;
use crate::testing::{Outcome, Scene, merge};

struct Row {
    code: &'static str,
    /// The newest words of the scheduler.
    said: &'static str,
    /// What is there beside the pod.
    objects: Vec<Value>,
    /// Merged over the pod, which asks for 2 CPU.
    pod: Value,
    /// What is there when it is over: only what differs.
    mended: Vec<Value>,
    /// The trouble is the node's or the claim's own: its finding explains the pod.
    explained: bool,
}

fn row(code: &'static str, said: &'static str, objects: Vec<Value>, pod: Value, mended: Vec<Value>) -> Row {
    Row {
        code,
        said,
        objects,
        pod,
        mended,
        explained: false,
    }
}

fn explained(row: Row) -> Row {
    Row {
        explained: true,
        ..row
    }
}

fn plain(name: &str) -> Value {
    node(name, json!({}))
}

fn full(name: &str, cpu: &str) -> Value {
    other(&format!("on-{name}"), name, cpu, json!({}))
}

fn with(base: Value, patch: Value) -> Value {
    let mut base = base;
    merge(&mut base, patch);
    base
}

fn tainted(name: &str, key: &str) -> Value {
    node(
        name,
        json!({"spec": {"taints": [{"key": key, "effect": "NoSchedule"}]}}),
    )
}

fn gpus(name: &str, amount: &str) -> Value {
    node(
        name,
        json!({"status": {"allocatable": {"nvidia.com/gpu": amount}}}),
    )
}

fn related(rule: &str, key: &str) -> Value {
    json!({"spec": {"affinity": {rule: {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": key, "labelSelector": {"matchLabels": {"app": "cache"}}}]}}}})
}

fn host_port(port: i64) -> Value {
    json!({"spec": {"containers": [{"name": "app", "image": "registry.example/app:1",
        "ports": [{"containerPort": 80, "hostPort": port, "protocol": "TCP"}]}]}})
}

fn attachments(limit: i64) -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": "n1"},
        "spec": {"drivers": [{"name": "csi.example.com", "nodeID": "n1", "allocatable": {"count": limit}}]}})
}

fn attached() -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": {"name": "x"},
        "spec": {"attacher": "csi.example.com", "nodeName": "n1", "source": {"persistentVolumeName": "w"}},
        "status": {"attached": true}})
}

fn table() -> Vec<Row> {
    let spread = json!({"spec": {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone",
        "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "app"}}}]}});
    let not_ready = with(
        tainted("n1", "node.kubernetes.io/not-ready"),
        json!({"status": {"conditions": [{"type": "Ready", "status": "False", "reason": "KubeletNotReady",
            "message": "PLEG is not healthy", "lastTransitionTime": "2026-03-01T11:00:00Z", "lastHeartbeatTime": "2026-03-01T11:59:30Z"}]}}),
    );
    let cordoned = with(
        tainted("n2", "node.kubernetes.io/unschedulable"),
        json!({"spec": {"unschedulable": true}}),
    );
    let single = json!({"spec": {"accessModes": ["ReadWriteOncePod"]}});
    vec![
        explained(row(
            "SCH-CLAIM-MISSING",
            "0/1 nodes are available: persistentvolumeclaim \"data\" not found.",
            vec![plain("n1")],
            with_claim(),
            vec![zoned("n1", "a"), claim(json!({})), volume("a")],
        )),
        row(
            "SCH-CLAIM-MISSING",
            "0/1 nodes are available: persistentvolumeclaim \"data\" is being deleted.",
            vec![
                zoned("n1", "a"),
                volume("a"),
                claim(json!({"metadata": {"deletionTimestamp": "2026-03-01T11:59:58Z"}})),
            ],
            with_claim(),
            vec![claim(json!({}))],
        ),
        row(
            "SCH-CLUSTER-FULL",
            "0/2 nodes are available: 2 Insufficient cpu.",
            vec![plain("n1"), full("n1", "3500m"), plain("n2"), full("n2", "3500m")],
            json!({}),
            vec![full("n2", "1")],
        ),
        row(
            "SCH-CORDONED",
            "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.",
            vec![plain("n1"), full("n1", "4"), cordoned],
            json!({}),
            vec![plain("n2")],
        ),
        row(
            "SCH-EXTENDED-RESOURCE-IN-USE",
            "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.",
            vec![
                gpus("n1", "1"),
                other("train", "n1", "0", asks(json!({"nvidia.com/gpu": "1"}))),
            ],
            asks(json!({"nvidia.com/gpu": "1"})),
            vec![gpus("n1", "2")],
        ),
        row(
            "SCH-EXTENDED-RESOURCE-UNKNOWN",
            "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
            vec![plain("n1")],
            asks(json!({"nvidia.com/gpu": "1"})),
            vec![gpus("n1", "1")],
        ),
        row(
            "SCH-FRAGMENTED",
            "0/2 nodes are available: 2 Insufficient cpu.",
            vec![plain("n1"), full("n1", "2500m"), plain("n2"), full("n2", "2500m")],
            json!({}),
            vec![full("n2", "1")],
        ),
        row(
            "SCH-HOST-PORT",
            "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
            vec![plain("n1"), other("edge", "n1", "0", host_port(80))],
            host_port(80),
            vec![other("edge", "n1", "0", host_port(81))],
        ),
        row(
            "SCH-NO-NODE",
            "no nodes available to schedule pods",
            vec![],
            json!({}),
            vec![plain("n1")],
        ),
        explained(row(
            "SCH-NO-NODE-READY",
            "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.",
            vec![not_ready],
            json!({}),
            vec![plain("n1")],
        )),
        row(
            "SCH-NODE-AFFINITY",
            "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
            vec![zoned("n1", "a"), zoned("n2", "b")],
            json!({"spec": {"nodeSelector": {"zone": "c"}}}),
            vec![zoned("n2", "c")],
        ),
        row(
            "SCH-POD-AFFINITY",
            "0/1 nodes are available: 1 node(s) didn't match pod affinity rules.",
            vec![zoned("n1", "a")],
            related("podAffinity", "zone"),
            vec![other("cache", "n1", "1", json!({}))],
        ),
        row(
            "SCH-POD-ANTI-AFFINITY",
            "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.",
            vec![zoned("n1", "a"), other("cache", "n1", "1", json!({}))],
            related("podAntiAffinity", "zone"),
            vec![zoned("n2", "b")],
        ),
        row(
            "SCH-POD-COUNT",
            "0/1 nodes are available: 1 Too many pods.",
            vec![
                node("n1", json!({"status": {"allocatable": {"pods": "1"}}})),
                full("n1", "0"),
            ],
            json!({}),
            vec![plain("n1")],
        ),
        row(
            "SCH-REQUEST-TOO-LARGE",
            "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
            vec![plain("n1"), plain("n2")],
            asks(json!({"cpu": "16"})),
            vec![node("n2", json!({"status": {"allocatable": {"cpu": "32"}}}))],
        ),
        row(
            "SCH-RWOP-IN-USE",
            "0/1 nodes are available: 1 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod.",
            vec![
                zoned("n1", "a"),
                claim(single),
                volume("a"),
                other("old", "n1", "1", with_claim()),
            ],
            with_claim(),
            vec![other("old", "n1", "1", json!({}))],
        ),
        row(
            "SCH-TAINT",
            "0/2 nodes are available: 1 node(s) had untolerated taint {dedicated: }, 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }.",
            vec![
                tainted("n1", "dedicated"),
                tainted("n2", "node-role.kubernetes.io/control-plane"),
            ],
            json!({}),
            vec![plain("n1")],
        ),
        row(
            "SCH-TOPOLOGY-SPREAD",
            "0/2 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 node(s) had untolerated taint {dedicated: }.",
            vec![
                zoned("n1", "a"),
                with(
                    tainted("n2", "dedicated"),
                    json!({"metadata": {"labels": {"zone": "b"}}}),
                ),
                other(
                    "there",
                    "n1",
                    "1",
                    json!({"metadata": {"labels": {"app": "app"}}}),
                ),
            ],
            spread,
            vec![zoned("n2", "b")],
        ),
        explained(row(
            "SCH-UNBOUND-CLAIM",
            "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
            vec![zoned("n1", "a"), unbound_claim()],
            with_claim(),
            vec![claim(json!({})), volume("a")],
        )),
        row(
            "SCH-VOLUME-AFFINITY",
            "0/1 nodes are available: 1 node(s) had volume node affinity conflict.",
            vec![zoned("n1", "a"), claim(json!({})), volume("b")],
            with_claim(),
            vec![zoned("n2", "b")],
        ),
        row(
            "SCH-VOLUME-LIMIT",
            "0/1 nodes are available: 1 node(s) exceed max volume count.",
            vec![
                zoned("n1", "a"),
                claim(json!({})),
                volume("a"),
                attachments(1),
                attached(),
            ],
            with_claim(),
            vec![attachments(2)],
        ),
    ]
}

/// Causes that the filters do not work out or of which the scheduler does not speak; their files test the same with their own scenes.
const WITHOUT_WORDS: &[&str] = &[
    "SCH-GATES",
    "SCH-NODE-NAME",
    "SCH-NO-SCHEDULER",
    "SCH-PREEMPTION-UNDER-WAY",
    "SCH-REJECTED-DEVICES",
    "SCH-REJECTED-PREDICATE",
    "SCH-REJECTED-RESOURCES",
    "SCH-REJECTED-TOPOLOGY",
    "SCH-RESOURCE-CLAIM",
    "SCH-RESOURCE-CLAIM-MISSING",
    "SCH-UNKNOWN-SCHEDULER",
];

fn all_of(row: &Row) -> Scene {
    row.objects.iter().cloned().fold(scene(), Scene::object)
}

/// What is there when the trouble is over: an object of the same name replaces the old one.
fn mended(row: &Row) -> Scene {
    row.mended.iter().cloned().fold(all_of(row), Scene::object)
}

/// The one finding, of the cause itself or of what explains the pod.
#[track_caller]
fn found<'a>(row: &Row, outcome: &'a Outcome) -> &'a Finding {
    if !row.explained {
        return outcome.finds_only(row.code, Verdict::Proven);
    }
    outcome.lacks(row.code);
    let [finding] = outcome.report.findings.as_slice() else {
        panic!("{}: {}", row.code, outcome.summary());
    };
    assert!(finding.verdict > Verdict::Unknown, "{}", outcome.summary());
    let pod = finding.explains.iter().any(|it| *it.name == *"app-1") || *finding.subject.name == *"app-1";
    assert!(pod, "{}: {}", row.code, outcome.summary());
    finding
}

/// No alarm of this family.
#[track_caller]
fn no_alarm(row: &Row, what: &str, outcome: &Outcome) {
    let alarm = outcome.report.findings.iter().any(|it| {
        let claimed =
            it.code.as_str().starts_with("SCH-") && it.severity > Severity::Info && it.ended.is_none();
        claimed && (it.code.as_str() == row.code || it.verdict >= Verdict::Likely)
    });
    assert!(!alarm, "{} {what}: {}", row.code, outcome.summary());
}

#[test]
fn every_cause_of_the_family_is_here() {
    let table = table();
    for cause in super::CAUSES {
        let code = cause.code.as_str();
        let here = table.iter().any(|row| row.code == code) || WITHOUT_WORDS.contains(&code);
        assert!(here, "{code}");
    }
}

#[test]
fn found_and_no_other() {
    for row in table() {
        let outcome = all_of(&row).object(pending(row.said, row.pod.clone())).diagnose();
        found(&row, &outcome);
    }
}

#[test]
fn every_finding_says_what_to_do_and_the_numbers_of_each_node() {
    for row in table().iter().filter(|row| !row.explained) {
        let outcome = all_of(row).object(pending(row.said, row.pod.clone())).diagnose();
        let finding = found(row, &outcome);
        assert!(!finding.fixes.is_empty(), "{}", row.code);
        let nodes = row
            .objects
            .iter()
            .filter(|it| it["kind"] == "Node" && !row.code.contains("CLAIM"));
        for node in nodes {
            let name = node["metadata"]["name"].as_str().unwrap();
            let told = finding
                .evidence
                .iter()
                .any(|it| it.text.starts_with(&format!("{name}: ")));
            assert!(
                told,
                "{} does not tell of node {name}: {:?}",
                row.code, finding.evidence
            );
        }
    }
}

#[test]
fn what_the_nodes_show_counts_and_not_the_words_of_another_time() {
    let table = table();
    for row in &table {
        for rival in table.iter().filter(|it| it.code != row.code) {
            let outcome = all_of(row)
                .object(pending(rival.said, row.pod.clone()))
                .diagnose();
            found(row, &outcome);
        }
    }
}

#[test]
fn not_claimed_where_only_the_pod_is_known() {
    for row in table() {
        let outcome = Scene::new().object(pending("", row.pod.clone())).diagnose();
        let finding = &outcome.does_not_claim(row.code).report.findings[0];
        assert!(
            finding.verdict <= Verdict::Possible,
            "{}: {}",
            row.code,
            outcome.summary()
        );
        assert!(!finding.next.is_empty(), "{}: {}", row.code, outcome.summary());
    }
}

#[test]
fn a_pod_that_runs_is_no_alarm_whatever_was_said_before() {
    for row in table() {
        let mut runs = scheduled(row.pod.clone());
        merge(&mut runs, json!({"spec": {"nodeName": "n1"}}));
        let scene = || all_of(&row).object(plain("n1")).object(runs.clone());
        no_alarm(&row, "healthy", &scene().diagnose());
        let before = scene().event(
            "Pod/shop/app-1",
            "FailedScheduling",
            row.said,
            "2026-03-01T09:59:00Z",
        );
        no_alarm(&row, "over", &before.diagnose());
    }
}

#[test]
fn over_when_what_stood_in_the_way_is_gone() {
    for row in table() {
        let outcome = mended(&row).object(pending(row.said, row.pod.clone())).diagnose();
        no_alarm(&row, "mended", &outcome);
    }
}

#[test]
fn words_that_the_nodes_contradict_prove_nothing() {
    // Every node is listed and well; which pods are on them is not known.
    for row in table() {
        let scene = Scene::new().complete(&[Kind::Node]).object(plain("n1"));
        let outcome = scene.object(pending(row.said, json!({}))).diagnose();
        let of_nodes = [
            "CORDONED",
            "NO-NODE",
            "NO-NODE-READY",
            "NODE-AFFINITY",
            "REQUEST-TOO-LARGE",
            "TAINT",
        ];
        let contradicted = of_nodes.iter().any(|name| row.code == format!("SCH-{name}"));
        let claimed = outcome.claims(row.code);
        assert!(!(contradicted && claimed), "{}: {}", row.code, outcome.summary());
    }
}

#[test]
fn another_scheduler_is_believed_as_well() {
    for row in table() {
        let patch = with(row.pod.clone(), json!({"spec": {"schedulerName": "batch"}}));
        let outcome = all_of(&row).object(pending(row.said, patch)).diagnose();
        found(&row, &outcome);
    }
}
