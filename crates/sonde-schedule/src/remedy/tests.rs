use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::explain;
use crate::testing::{Stage, pod_ref};

fn remedies(stage: &Stage) -> Vec<Remedy> {
    let cluster = Cluster::prepare(&stage.snapshot());
    let fit = cluster.explain(&pod_ref("new")).unwrap();
    cluster.remedies(&fit)
}

fn changes(stage: &Stage) -> Vec<Change> {
    remedies(stage).into_iter().map(|remedy| remedy.change).collect()
}

fn asks(spec: Value) -> Value {
    json!({"spec": spec})
}

fn cpu(amount: &str) -> Value {
    json!({"spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": amount}}}]}})
}

#[test]
fn room_is_made_or_asked_for_less() {
    let mut stage = Stage::new();
    let daemon = json!({"metadata": {"ownerReferences": [{"kind": "DaemonSet", "name": "agent", "controller": true}]}});
    stage
        .node("n1", json!({}))
        .running("agent", "n1", "2", daemon)
        .running("large", "n1", "1500m", json!({}))
        .running("small", "n1", "500m", json!({}))
        .pod("new", cpu("400m"));
    assert_eq!(
        changes(&stage),
        [
            Change::RemovePods {
                node: "n1".into(),
                pods: vec![pod_ref("small")]
            },
            Change::AddNode { like: "n1".into() },
        ]
    );
    stage.pod("new", cpu("5"));
    assert_eq!(
        changes(&stage),
        [],
        "no node is large enough, and nothing is free"
    );
    stage.pod("small", json!({"status": {"phase": "Succeeded"}}));
    assert_eq!(
        changes(&stage),
        [Change::LowerRequest {
            resource: "cpu".into(),
            from: 5000,
            to: 500
        }]
    );
}

#[test]
fn misspelt_labels_are_corrected() {
    for (selector, key, value) in [
        (json!({"disktype": "sdd"}), "disktype", "ssd"),
        (json!({"disktyp": "ssd"}), "disktype", "ssd"),
        (json!({"zone": "a"}), "topology.kubernetes.io/zone", "a"),
    ] {
        let mut stage = Stage::new();
        stage
            .node(
                "n1",
                json!({"metadata": {"labels": {"disktype": "ssd", "topology.kubernetes.io/zone": "a"}}}),
            )
            .pod("new", asks(json!({"nodeSelector": selector})));
        let first = changes(&stage).remove(0);
        let Change::Correct {
            key: to_key,
            value: to_value,
            ..
        } = &first
        else {
            panic!("{first:?}");
        };
        assert_eq!((to_key.as_str(), to_value.as_str()), (key, value));
    }
    let mut stage = Stage::new();
    let term = json!({"matchExpressions": [{"key": "disktype", "operator": "In", "values": ["sdd"]}]});
    stage
        .node("n1", json!({"metadata": {"labels": {"disktype": "ssd"}}}))
        .pod("new", asks(json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}})));
    assert!(matches!(&changes(&stage)[0], Change::Correct { value, .. } if value == "ssd"));
}

#[test]
fn a_label_that_nobody_has_can_be_given() {
    let mut stage = Stage::new();
    stage
        .node("n1", json!({}))
        .pod("new", asks(json!({"nodeSelector": {"team": "payments"}})));
    assert_eq!(
        changes(&stage),
        [Change::LabelNode {
            node: "n1".into(),
            key: "team".into(),
            value: "payments".into()
        }]
    );
}

#[test]
fn taints_on_purpose_can_be_tolerated_and_troubles_not() {
    let taint =
        |key: &str| json!({"spec": {"taints": [{"key": key, "value": "gpu", "effect": "NoSchedule"}]}});
    let mut stage = Stage::new();
    let owner = |name: &str, tolerations: serde_json::Value| json!({"metadata": {"ownerReferences": [{"kind": "ReplicaSet", "name": name, "controller": true}]}, "spec": {"tolerations": tolerations}});
    stage
        .node("n1", taint("dedicated"))
        .running(
            "user",
            "n1",
            "1",
            owner("train", json!([{"key": "dedicated", "operator": "Exists"}])),
        )
        // It was there before the taint.
        .running("old", "n1", "1", owner("old", json!([])))
        .pod("new", json!({}));
    let found = remedies(&stage);
    assert!(matches!(&found[0].change, Change::Tolerate(taint) if taint.key == "dedicated"));
    assert_eq!(
        found[0].used_by,
        [ObjectRef::new(Kind::ReplicaSet, "shop", "train")]
    );
    let mut stage = Stage::new();
    stage
        .node("n1", taint("node.kubernetes.io/memory-pressure"))
        .pod("new", json!({}));
    assert_eq!(changes(&stage), [Change::AddNode { like: "n1".into() }]);
}

#[test]
fn cordons_ports_and_gates() {
    let mut stage = Stage::new();
    stage
        .node(
            "n1",
            json!({"spec": {"unschedulable": true, "taints": [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]}}),
        )
        .pod("new", json!({}));
    assert_eq!(changes(&stage)[0], Change::Uncordon("n1".into()));

    let port =
        json!({"spec": {"containers": [{"name": "app", "ports": [{"containerPort": 80, "hostPort": 80}]}]}});
    let mut stage = Stage::new();
    stage
        .node("n1", json!({}))
        .running("holder", "n1", "0", port.clone())
        .pod("new", port);
    assert_eq!(
        changes(&stage)[0],
        Change::RemovePods {
            node: "n1".into(),
            pods: vec![pod_ref("holder")]
        }
    );

    let mut stage = Stage::new();
    stage
        .node("n1", json!({}))
        .pod("new", asks(json!({"schedulingGates": [{"name": "quota"}]})));
    assert_eq!(changes(&stage), [Change::RemoveGates]);
}

/// A random small cluster with a pod that may or may not fit.
fn random_stage() -> impl Strategy<Value = Stage> {
    let node = (0..5_i64, 0..3_u8, any::<bool>(), 0..4_u8);
    let pod = (0..6_i64, 0..4_u8, any::<bool>(), any::<bool>());
    (prop::collection::vec(node, 1..4), pod).prop_map(|(nodes, (request, label, apart, wants_port))| {
        let mut stage = Stage::new();
        let port = |wanted: bool| {
            if wanted {
                json!([{"containerPort": 80, "hostPort": 80}])
            } else {
                json!([])
            }
        };
        for (at, (used, taint, cordoned, label)) in nodes.into_iter().enumerate() {
            let name = format!("n{at}");
            let taints = match taint {
                0 => json!([{"key": "dedicated", "value": "db", "effect": "NoSchedule"}]),
                _ => json!([]),
            };
            stage.node(
                &name,
                json!({"metadata": {"labels": {"disk": format!("ssd{label}")}}, "spec": {"taints": taints, "unschedulable": cordoned}}),
            );
            stage.running(
                &format!("on-{name}"),
                &name,
                &used.to_string(),
                json!({"metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": used.to_string()}}, "ports": port(used % 2 == 0)}]}}),
            );
        }
        let mut new = json!({"spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": request.to_string()}}, "ports": port(wants_port)}]}});
        if label > 0 {
            new["spec"]["nodeSelector"] = json!({"disk": format!("ssd{label}")});
        }
        if apart {
            new["spec"]["affinity"] = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}]}});
        }
        stage.pod("new", new);
        stage
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_remedy_makes_the_pod_fit(stage in random_stage()) {
        let snapshot = stage.snapshot();
        for remedy in remedies(&stage) {
            let mut fork = snapshot.fork();
            remedy.change.apply(&snapshot, &pod_ref("new"), &mut fork).unwrap();
            let fit = explain(&fork.snapshot(), &pod_ref("new")).unwrap();
            prop_assert!(fit.node(&remedy.node).unwrap().fits(), "{:?}", remedy);
        }
    }

    #[test]
    fn more_room_never_hurts(stage in random_stage()) {
        let snapshot = stage.snapshot();
        let before = explain(&snapshot, &pod_ref("new")).unwrap();
        let mut fork = snapshot.fork();
        for node in snapshot.of_kind(Kind::Node) {
            let mut value: Value = node.encoded.decode().unwrap();
            value["status"]["allocatable"]["cpu"] = json!("64");
            fork.put_json(value.to_string().into(), None).unwrap();
        }
        let after = explain(&fork.snapshot(), &pod_ref("new")).unwrap();
        for (before, after) in before.nodes.iter().zip(&after.nodes) {
            prop_assert!(!before.fits() || after.fits());
            prop_assert!(after.rejections.len() <= before.rejections.len());
        }
    }

    #[test]
    fn an_updated_cluster_equals_a_prepared_one(stage in random_stage()) {
        let snapshot = stage.snapshot();
        let cluster = Cluster::prepare(&snapshot);
        let mut fork = snapshot.fork();
        fork.remove(&pod_ref("on-n0"));
        let fork = fork.snapshot();
        let updated = cluster.updated(&fork, &[pod_ref("on-n0")]);
        let fresh = Cluster::prepare(&fork);
        for (a, b) in updated.nodes().iter().zip(fresh.nodes()) {
            prop_assert_eq!(&a.requested, &b.requested);
            prop_assert_eq!(a.pods.len(), b.pods.len());
        }
        let (a, b) = (updated.explain(&pod_ref("new")).unwrap(), fresh.explain(&pod_ref("new")).unwrap());
        prop_assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }
}
