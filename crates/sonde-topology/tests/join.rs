//! What agents of two nodes counted, joined by the names in a snapshot.

use std::net::IpAddr;

use serde_json::{Value, json};
use sonde_model::{CallCounts, CallEdge, Calls, Owner, Role, Timestamp};
use sonde_topology::{Edge, Graph, Level, Names, join};
use sonde_world::{Snapshot, World};

fn pod(name: &str, owner: &str, ip: &str, node: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "uid": name, "labels": {"app": owner},
            "creationTimestamp": "2026-03-01T10:00:00Z",
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": owner, "uid": owner, "controller": true}]},
        "spec": {"nodeName": node, "containers": [{"name": "main", "ports": [{"name": "http", "containerPort": 8080}]}]},
        "status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "startTime": "2026-03-01T10:00:01Z"}})
}

fn snapshot(more: &[Value]) -> Snapshot {
    let mut world = World::new();
    let service = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "app", "namespace": "shop", "uid": "s", "creationTimestamp": "2026-03-01T09:00:00Z"},
        "spec": {"clusterIP": "10.96.0.7", "selector": {"app": "app"}, "ports": [{"port": 80, "targetPort": "http"}]}});
    let mut all = vec![
        pod("gateway-0", "gateway", "10.1.0.2", "n1"),
        pod("app-0", "app", "10.1.1.3", "n2"),
        service,
    ];
    all.extend_from_slice(more);
    for object in all {
        world
            .put_json(object.to_string().into(), None)
            .expect("an object");
    }
    world.snapshot()
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn answer(node: &str, edges: Vec<CallEdge>) -> Calls {
    Calls {
        schema: Calls::SCHEMA.into(),
        node: node.into(),
        since: time("2026-03-01T12:00:00Z"),
        now: time("2026-03-01T12:00:10Z"),
        slow_ns: 0,
        edges,
        overflowed: 0,
        unseen: 0,
    }
}

fn edge(pod: &str, role: Role, remote: &str, port: u16, total_ns: u64) -> CallEdge {
    CallEdge {
        since: time("2026-03-01T12:00:00Z"),
        owner: Owner {
            namespace: "shop".into(),
            pod: pod.into(),
            container: "main".into(),
            ..Owner::default()
        },
        role,
        remote: remote.parse::<IpAddr>().expect("an address"),
        port,
        protocol: if role == Role::Server {
            "http".into()
        } else {
            String::new()
        },
        counts: CallCounts {
            calls: 10,
            total_ns,
            ..CallCounts::default()
        },
    }
}

fn both_ends() -> Vec<Calls> {
    vec![
        // The caller knows the service's address and port.
        answer("n1", vec![edge("gateway-0", Role::Client, "10.96.0.7", 80, 500)]),
        answer("n2", vec![edge("app-0", Role::Server, "10.1.0.2", 8080, 300)]),
    ]
}

fn shown(graph: &Graph) -> Vec<String> {
    let one = |edge: &Edge| {
        let ends = [edge.client.is_some(), edge.server.is_some()];
        format!(
            "{} -> {}:{} {} {ends:?}",
            edge.from, edge.to, edge.port, edge.protocol
        )
    };
    graph.edges.iter().map(one).collect()
}

#[test]
fn both_ends_of_calls_through_a_service_are_one_edge_between_workloads() {
    let names = Names::from_snapshot(&snapshot(&[]));
    let graph = join(&both_ends(), &names, Level::Workload);
    assert_eq!(
        shown(&graph),
        ["shop/sts/gateway -> shop/sts/app:8080 http [true, true]"]
    );
    let edge = &graph.edges[0];
    assert_eq!(edge.network_ns(), Some(20));
    assert_eq!(edge.mismatch(), Some(0.0));
    assert_eq!(
        edge.service.as_ref().map(ToString::to_string).as_deref(),
        Some("service/app")
    );
}

#[test]
fn at_other_levels_the_ends_have_their_names() {
    let names = Names::from_snapshot(&snapshot(&[]));
    assert_eq!(
        shown(&join(&both_ends(), &names, Level::Namespace)),
        ["namespace/shop -> namespace/shop:8080 http [true, true]"]
    );
    // Which pod answered a call through a service, the caller's node does not know.
    assert_eq!(
        shown(&join(&both_ends(), &names, Level::Pod)),
        [
            "shop/pod/gateway-0 -> shop/pod/app-0:8080 http [false, true]",
            "shop/pod/gateway-0 -> shop/service/app:8080  [true, false]",
        ]
    );
}

#[test]
fn an_address_that_a_younger_pod_has_is_not_taken_for_it() {
    let mut young = pod("late-0", "late", "10.1.0.9", "n1");
    young["status"]["startTime"] = json!("2026-03-01T12:00:05Z");
    let names = Names::from_snapshot(&snapshot(&[young]));
    let graph = join(
        &[answer(
            "n2",
            vec![edge("app-0", Role::Server, "10.1.0.9", 8080, 300)],
        )],
        &names,
        Level::Workload,
    );
    assert_eq!(
        shown(&graph),
        ["10.1.0.9 -> shop/sts/app:8080 http [false, true]"]
    );
}
