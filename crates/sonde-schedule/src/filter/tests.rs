//! Each table holds a pod, a node and what the scheduler says of them.

mod pods;

use serde_json::{Value, json};

use crate::RejectionKind::{self, *};
use crate::testing::{Stage, pod_ref};
use crate::{Cluster, Rejection};

/// Why the pod `new` does not fit on the node `n1`.
#[track_caller]
fn check(stage: &Stage, expected: &[RejectionKind], case: &str) {
    let fit = Cluster::prepare(&stage.snapshot())
        .explain(&pod_ref("new"))
        .unwrap();
    let node = fit.node("n1").unwrap();
    let kinds: Vec<_> = node.rejections.iter().map(Rejection::kind).collect();
    assert_eq!(kinds, expected, "{case}: {:?}", node.rejections);
    assert_eq!(
        Cluster::prepare(&stage.snapshot()).fits_on(&pod_ref("new"), "n1"),
        expected.is_empty() && fit.before_nodes.is_empty()
    );
}

fn requests(list: Value) -> Value {
    json!({"spec": {"containers": [{"name": "app", "resources": {"requests": list}}]}})
}

#[test]
fn resources_count_what_is_requested() {
    for (case, request, expected) in [
        ("nothing asked for", json!({}), vec![]),
        ("the last core", json!({"cpu": "1"}), vec![]),
        (
            "a thousandth too much",
            json!({"cpu": "1001m"}),
            vec![Insufficient],
        ),
        ("memory", json!({"memory": "9Gi"}), vec![Insufficient]),
        (
            "two at once",
            json!({"cpu": "5", "memory": "9Gi"}),
            vec![Insufficient, Insufficient],
        ),
        (
            "a resource that the node does not have",
            json!({"nvidia.com/gpu": "1"}),
            vec![Insufficient],
        ),
        (
            "none of a resource it does not have",
            json!({"nvidia.com/gpu": "0"}),
            vec![],
        ),
        (
            "ephemeral storage",
            json!({"ephemeral-storage": "101Gi"}),
            vec![Insufficient],
        ),
        ("milli-bytes are one byte", json!({"memory": "300m"}), vec![]),
    ] {
        let mut stage = Stage::new();
        stage
            .node("n1", json!({}))
            .running("a", "n1", "3", json!({}))
            .pod("new", requests(request));
        check(&stage, &expected, case);
    }
}

#[test]
fn who_holds_room() {
    for (case, changes, expected) in [
        ("running", json!({}), vec![Insufficient]),
        (
            "ending",
            json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}),
            vec![Insufficient],
        ),
        ("succeeded", json!({"status": {"phase": "Succeeded"}}), vec![]),
        ("failed", json!({"status": {"phase": "Failed"}}), vec![]),
        (
            "not started",
            json!({"status": {"phase": "Pending"}}),
            vec![Insufficient],
        ),
        (
            "nominated, of equal priority",
            json!({"spec": {"nodeName": ""}, "status": {"phase": "Pending", "nominatedNodeName": "n1"}}),
            vec![Insufficient],
        ),
        (
            "nominated, of lower priority",
            json!({"spec": {"nodeName": "", "priority": -1}, "status": {"phase": "Pending", "nominatedNodeName": "n1"}}),
            vec![],
        ),
        ("pending elsewhere", json!({"spec": {"nodeName": ""}}), vec![]),
    ] {
        let mut stage = Stage::new();
        stage
            .node("n1", json!({}))
            .running("a", "n1", "3", changes)
            .pod("new", requests(json!({"cpu": "2"})));
        check(&stage, &expected, case);
    }
}

#[test]
fn the_amounts_are_told() {
    let mut stage = Stage::new();
    stage
        .node("n1", json!({}))
        .running("a", "n1", "3", json!({}))
        .pod("new", requests(json!({"cpu": "2"})));
    let fit = crate::explain(&stage.snapshot(), &pod_ref("new")).unwrap();
    assert_eq!(
        fit.nodes[0].rejections,
        [Rejection::Insufficient {
            resource: "cpu".into(),
            requested: 2000,
            used: Some(3000),
            allocatable: 4000
        }]
    );
    assert_eq!(fit.nodes[0].rejections[0].shortfall().unwrap().1, 1000);
    assert!(fit.proves_no_fit());
}

#[test]
fn the_number_of_pods_is_bounded() {
    for (max, expected) in [("2", vec![]), ("1", vec![TooManyPods])] {
        let mut stage = Stage::new();
        stage
            .node("n1", json!({"status": {"allocatable": {"pods": max}}}))
            .running("a", "n1", "0", json!({}))
            .running("b", "n1", "0", json!({"status": {"phase": "Succeeded"}}))
            .pod("new", json!({}));
        check(&stage, &expected, max);
    }
}

#[test]
fn host_ports_collide() {
    let port = |port: i64, protocol: &str, ip: &str| json!({"containerPort": 80, "hostPort": port, "protocol": protocol, "hostIP": ip});
    for (case, have, want, expected) in [
        ("same", port(80, "TCP", ""), port(80, "TCP", ""), vec![HostPort]),
        ("another port", port(81, "TCP", ""), port(80, "TCP", ""), vec![]),
        (
            "another protocol",
            port(80, "UDP", ""),
            port(80, "TCP", ""),
            vec![],
        ),
        (
            "no protocol is TCP",
            port(80, "", ""),
            port(80, "TCP", ""),
            vec![HostPort],
        ),
        (
            "all addresses and one",
            port(80, "TCP", "0.0.0.0"),
            port(80, "TCP", "10.0.0.1"),
            vec![HostPort],
        ),
        (
            "one and all addresses",
            port(80, "TCP", "10.0.0.1"),
            port(80, "TCP", ""),
            vec![HostPort],
        ),
        (
            "two addresses",
            port(80, "TCP", "10.0.0.1"),
            port(80, "TCP", "10.0.0.2"),
            vec![],
        ),
        (
            "not a host port",
            json!({"containerPort": 80}),
            port(80, "TCP", ""),
            vec![],
        ),
    ] {
        let mut stage = Stage::new();
        let with = |port: Value| json!({"spec": {"containers": [{"name": "app", "ports": [port]}]}});
        stage
            .node("n1", json!({}))
            .running("a", "n1", "0", with(have))
            .pod("new", with(want));
        check(&stage, &expected, case);
    }
}

#[test]
fn taints_and_tolerations() {
    let taint = |key: &str, value: &str, effect: &str| json!({"key": key, "value": value, "effect": effect});
    let gpu = taint("dedicated", "gpu", "NoSchedule");
    for (case, taint, tolerations, expected) in [
        ("none", gpu.clone(), json!([]), vec![Taint]),
        (
            "soft",
            taint("dedicated", "gpu", "PreferNoSchedule"),
            json!([]),
            vec![],
        ),
        (
            "NoExecute",
            taint("dedicated", "gpu", "NoExecute"),
            json!([]),
            vec![Taint],
        ),
        (
            "equal",
            gpu.clone(),
            json!([{"key": "dedicated", "operator": "Equal", "value": "gpu", "effect": "NoSchedule"}]),
            vec![],
        ),
        (
            "no operator is Equal",
            gpu.clone(),
            json!([{"key": "dedicated", "value": "gpu"}]),
            vec![],
        ),
        (
            "another value",
            gpu.clone(),
            json!([{"key": "dedicated", "value": "cpu"}]),
            vec![Taint],
        ),
        (
            "no value",
            gpu.clone(),
            json!([{"key": "dedicated"}]),
            vec![Taint],
        ),
        (
            "exists",
            gpu.clone(),
            json!([{"key": "dedicated", "operator": "Exists"}]),
            vec![],
        ),
        (
            "another effect",
            gpu.clone(),
            json!([{"key": "dedicated", "operator": "Exists", "effect": "NoExecute"}]),
            vec![Taint],
        ),
        (
            "no effect matches all",
            taint("dedicated", "gpu", "NoExecute"),
            json!([{"key": "dedicated", "operator": "Exists"}]),
            vec![],
        ),
        (
            "no key and Exists matches all",
            gpu.clone(),
            json!([{"operator": "Exists"}]),
            vec![],
        ),
        (
            "unknown operator",
            gpu.clone(),
            json!([{"key": "dedicated", "operator": "Like"}]),
            vec![Taint],
        ),
        (
            "greater",
            taint("tier", "5", "NoSchedule"),
            json!([{"key": "tier", "operator": "Gt", "value": "3"}]),
            vec![],
        ),
        (
            "not greater",
            taint("tier", "3", "NoSchedule"),
            json!([{"key": "tier", "operator": "Gt", "value": "3"}]),
            vec![Taint],
        ),
        (
            "less",
            taint("tier", "2", "NoSchedule"),
            json!([{"key": "tier", "operator": "Lt", "value": "3"}]),
            vec![],
        ),
        (
            "no number",
            taint("tier", "x", "NoSchedule"),
            json!([{"key": "tier", "operator": "Lt", "value": "3"}]),
            vec![Taint],
        ),
        (
            "not canonical",
            taint("tier", "02", "NoSchedule"),
            json!([{"key": "tier", "operator": "Lt", "value": "3"}]),
            vec![Taint],
        ),
    ] {
        let mut stage = Stage::new();
        stage
            .node("n1", json!({"spec": {"taints": [taint]}}))
            .pod("new", json!({"spec": {"tolerations": tolerations}}));
        check(&stage, &expected, case);
    }
}

#[test]
fn a_cordon_yields_to_its_toleration() {
    let taint = json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"});
    for (tolerations, expected) in [
        (json!([]), vec![Unschedulable, Taint]),
        (
            json!([{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}]),
            vec![],
        ),
    ] {
        let mut stage = Stage::new();
        stage
            .node(
                "n1",
                json!({"spec": {"unschedulable": true, "taints": [taint.clone()]}}),
            )
            .pod("new", json!({"spec": {"tolerations": tolerations}}));
        check(&stage, &expected, "cordon");
    }
}

#[test]
fn node_selectors_and_affinity() {
    let terms = |terms: Value| json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}});
    let one = |key: &str, operator: &str, values: Value| {
        terms(json!([{"matchExpressions": [{"key": key, "operator": operator, "values": values}]}]))
    };
    for (case, spec, fits) in [
        ("selector", json!({"nodeSelector": {"disk": "ssd"}}), true),
        ("wrong value", json!({"nodeSelector": {"disk": "hdd"}}), false),
        (
            "missing label",
            json!({"nodeSelector": {"disk": "ssd", "gpu": "yes"}}),
            false,
        ),
        ("In", one("disk", "In", json!(["hdd", "ssd"])), true),
        ("NotIn", one("disk", "NotIn", json!(["ssd"])), false),
        (
            "NotIn without the label",
            one("rack", "NotIn", json!(["r1"])),
            true,
        ),
        ("Exists", one("disk", "Exists", json!([])), true),
        ("DoesNotExist", one("disk", "DoesNotExist", json!([])), false),
        ("Gt", one("cores", "Gt", json!(["7"])), true),
        ("Gt of the same", one("cores", "Gt", json!(["8"])), false),
        ("Lt", one("cores", "Lt", json!(["9"])), true),
        ("Gt of no number", one("disk", "Gt", json!(["1"])), false),
        ("Gt of two", one("cores", "Gt", json!(["1", "2"])), false),
        (
            "In of nothing does not parse",
            one("disk", "In", json!([])),
            false,
        ),
        (
            "NotIn of nothing does not parse",
            one("disk", "NotIn", json!([])),
            false,
        ),
        ("no terms match nothing", terms(json!([])), false),
        ("an empty term matches nothing", terms(json!([{}])), false),
        (
            "an empty term beside one that holds",
            terms(json!([{}, {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}])),
            true,
        ),
        (
            "alternatives",
            terms(
                json!([{"matchExpressions": [{"key": "rack", "operator": "Exists"}]}, {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}]),
            ),
            true,
        ),
        (
            "all of a term",
            terms(
                json!([{"matchExpressions": [{"key": "rack", "operator": "Exists"}, {"key": "disk", "operator": "Exists"}]}]),
            ),
            false,
        ),
        (
            "by name",
            terms(json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}])),
            true,
        ),
        (
            "by another name",
            terms(json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n2"]}]}])),
            false,
        ),
        (
            "not by name",
            terms(
                json!([{"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["n1"]}]}]),
            ),
            false,
        ),
        (
            "a field takes one value",
            terms(
                json!([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1", "n2"]}]}]),
            ),
            false,
        ),
        (
            "selector and affinity",
            json!({"nodeSelector": {"disk": "hdd"}, "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "disk", "operator": "Exists"}]}]}}}}),
            false,
        ),
        (
            "preferences forbid nothing",
            json!({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {"matchExpressions": [{"key": "rack", "operator": "Exists"}]}}]}}}),
            true,
        ),
    ] {
        let mut stage = Stage::new();
        stage
            .node(
                "n1",
                json!({"metadata": {"labels": {"disk": "ssd", "cores": "8"}}}),
            )
            .pod("new", json!({"spec": spec}));
        let expected: &[RejectionKind] = if fits { &[] } else { &[NodeAffinity] };
        check(&stage, expected, case);
    }
}

#[test]
fn the_named_node_is_the_only_one() {
    let mut stage = Stage::new();
    stage
        .node("n1", json!({}))
        .pod("new", json!({"spec": {"nodeName": "gone"}}));
    check(&stage, &[NodeName], "a node that is not there");
}
