//! Each table holds a pod, a node and what the scheduler says of them.

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
            used: 3000,
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

fn zoned() -> Stage {
    let mut stage = Stage::new();
    for (name, zone) in [("n1", "a"), ("n2", "a"), ("n3", "b")] {
        stage.node(name, json!({"metadata": {"labels": {"zone": zone}}}));
    }
    stage.node("n4", json!({}));
    stage
}

fn term(key: &str, more: Value) -> Value {
    let mut term = json!({"topologyKey": key, "labelSelector": {"matchLabels": {"app": "web"}}});
    crate::testing::merge(&mut term, more);
    json!([term])
}

#[test]
fn pod_affinity_wants_partners() {
    let near = |terms: Value| json!({"spec": {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}});
    let web = json!({"metadata": {"labels": {"app": "web"}}});
    for (case, partner, new, expected) in [
        (
            "in the zone",
            Some(("n2", "shop")),
            near(term("zone", json!({}))),
            vec![],
        ),
        (
            "in another zone",
            Some(("n3", "shop")),
            near(term("zone", json!({}))),
            vec![PodAffinity],
        ),
        (
            "on another node",
            Some(("n2", "shop")),
            near(term("kubernetes.io/hostname", json!({}))),
            vec![PodAffinity],
        ),
        (
            "on a node without the label",
            Some(("n4", "shop")),
            near(term("zone", json!({}))),
            vec![PodAffinity],
        ),
        (
            "in another namespace",
            Some(("n2", "bank")),
            near(term("zone", json!({}))),
            vec![PodAffinity],
        ),
        (
            "in a named namespace",
            Some(("n2", "bank")),
            near(term("zone", json!({"namespaces": ["bank"]}))),
            vec![],
        ),
        (
            "in every namespace",
            Some(("n2", "bank")),
            near(term("zone", json!({"namespaceSelector": {}}))),
            vec![],
        ),
        (
            "in a namespace by label",
            Some(("n2", "bank")),
            near(term(
                "zone",
                json!({"namespaceSelector": {"matchLabels": {"team": "money"}}}),
            )),
            vec![],
        ),
        (
            "in a namespace by another label",
            Some(("n2", "bank")),
            near(term(
                "zone",
                json!({"namespaceSelector": {"matchLabels": {"team": "x"}}}),
            )),
            vec![PodAffinity],
        ),
        ("nobody", None, near(term("zone", json!({}))), vec![PodAffinity]),
        (
            "no selector means no pod",
            Some(("n2", "shop")),
            near(json!([{"topologyKey": "zone"}])),
            vec![PodAffinity],
        ),
        (
            "an empty selector means every pod",
            Some(("n2", "shop")),
            near(json!([{"topologyKey": "zone", "labelSelector": {}}])),
            vec![],
        ),
    ] {
        let mut stage = zoned();
        stage.put(json!({"kind": "Namespace", "metadata": {"name": "bank", "labels": {"team": "money"}}}));
        if let Some((node, namespace)) = partner {
            let mut pod = web.clone();
            crate::testing::merge(&mut pod, json!({"metadata": {"namespace": namespace}}));
            stage.running("partner", node, "0", pod);
        }
        stage.pod("new", new);
        check(&stage, &expected, case);
    }
}

#[test]
fn the_first_of_a_series_may_start() {
    let new = |labels: Value, key: &str| json!({"metadata": {"labels": labels}, "spec": {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": term(key, json!({}))}}}});
    let web = json!({"app": "web"});
    let mut stage = zoned();
    stage.pod("new", new(web.clone(), "zone"));
    check(&stage, &[], "nobody yet and it means itself");
    let mut stage = zoned();
    stage.pod("new", new(web.clone(), "rack"));
    check(&stage, &[PodAffinity], "but the node must have the label");
    let mut stage = zoned();
    stage.pod("new", new(json!({"app": "other"}), "zone"));
    check(&stage, &[PodAffinity], "it does not mean itself");
    let mut stage = zoned();
    stage
        .running("first", "n3", "0", json!({"metadata": {"labels": web.clone()}}))
        .pod("new", new(web, "zone"));
    check(&stage, &[PodAffinity], "it is not the first");
}

#[test]
fn anti_affinity_works_both_ways() {
    let apart = |labels: Value, terms: Value| json!({"metadata": {"labels": labels}, "spec": {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}});
    let (web, none) = (json!({"app": "web"}), json!({}));
    let plain = |labels: &Value| json!({"metadata": {"labels": labels}});
    let host = "kubernetes.io/hostname";
    for (case, node, there, new, expected) in [
        (
            "own, same node",
            "n1",
            plain(&web),
            apart(none.clone(), term(host, json!({}))),
            vec![PodAntiAffinity],
        ),
        (
            "own, other node",
            "n2",
            plain(&web),
            apart(none.clone(), term(host, json!({}))),
            vec![],
        ),
        (
            "own, same zone",
            "n2",
            plain(&web),
            apart(none.clone(), term("zone", json!({}))),
            vec![PodAntiAffinity],
        ),
        (
            "own, label missing on the node",
            "n2",
            plain(&web),
            apart(none.clone(), term("rack", json!({}))),
            vec![],
        ),
        (
            "existing",
            "n2",
            apart(none.clone(), term("zone", json!({}))),
            plain(&web),
            vec![PodAntiAffinity],
        ),
        (
            "existing means others",
            "n2",
            apart(none.clone(), term("zone", json!({}))),
            plain(&none),
            vec![],
        ),
        (
            "existing in another namespace",
            "n2",
            {
                let mut pod = apart(none.clone(), term("zone", json!({})));
                crate::testing::merge(&mut pod, json!({"metadata": {"namespace": "bank"}}));
                pod
            },
            plain(&web),
            vec![],
        ),
        (
            "existing, ended",
            "n2",
            {
                let mut pod = apart(none.clone(), term("zone", json!({})));
                crate::testing::merge(&mut pod, json!({"status": {"phase": "Failed"}}));
                pod
            },
            plain(&web),
            vec![],
        ),
        (
            "both",
            "n1",
            apart(web.clone(), term(host, json!({}))),
            apart(web.clone(), term(host, json!({}))),
            vec![PodAntiAffinity, PodAntiAffinity],
        ),
        (
            "only the same revision",
            "n1",
            json!({"metadata": {"labels": {"app": "web", "rev": "1"}}}),
            apart(
                json!({"app": "web", "rev": "2"}),
                term(host, json!({"matchLabelKeys": ["rev"]})),
            ),
            vec![],
        ),
        (
            "only other tenants",
            "n1",
            json!({"metadata": {"labels": {"app": "web", "tenant": "x"}}}),
            apart(
                json!({"app": "web", "tenant": "x"}),
                term(host, json!({"mismatchLabelKeys": ["tenant"]})),
            ),
            vec![],
        ),
    ] {
        let mut stage = zoned();
        stage.running("there", node, "0", there).pod("new", new);
        check(&stage, &expected, case);
    }
    let mut stage = zoned();
    stage.pod("new", apart(web, term(host, json!({}))));
    check(&stage, &[], "a pod does not forbid itself");
}

#[test]
fn spread_is_counted_by_domain() {
    let spread = |more: Value| {
        let mut rule = json!({"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "web"}}});
        crate::testing::merge(&mut rule, more);
        json!({"metadata": {"labels": {"app": "web", "rev": "2"}}, "spec": {"topologySpreadConstraints": [rule]}})
    };
    let web = json!({"metadata": {"labels": {"app": "web", "rev": "1"}}});
    let with = |changes: Value| {
        let mut pod = web.clone();
        crate::testing::merge(&mut pod, changes);
        pod
    };
    for (case, there, new, expected) in [
        ("even", vec![], spread(json!({})), vec![]),
        (
            "one more here",
            vec![("n2", web.clone())],
            spread(json!({})),
            vec![Spread],
        ),
        (
            "one more there",
            vec![("n3", web.clone())],
            spread(json!({})),
            vec![],
        ),
        (
            "one each",
            vec![("n2", web.clone()), ("n3", web.clone())],
            spread(json!({})),
            vec![],
        ),
        (
            "more is allowed",
            vec![("n2", web.clone())],
            spread(json!({"maxSkew": 2})),
            vec![],
        ),
        (
            "a wish forbids nothing",
            vec![("n2", web.clone())],
            spread(json!({"whenUnsatisfiable": "ScheduleAnyway"})),
            vec![],
        ),
        (
            "ending pods do not count",
            vec![(
                "n2",
                with(json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})),
            )],
            spread(json!({})),
            vec![],
        ),
        (
            "other namespaces do not count",
            vec![("n2", with(json!({"metadata": {"namespace": "bank"}})))],
            spread(json!({})),
            vec![],
        ),
        (
            "other revisions do not count",
            vec![("n2", web.clone())],
            spread(json!({"matchLabelKeys": ["rev"]})),
            vec![],
        ),
        (
            "fewer domains than asked for",
            vec![("n2", web.clone()), ("n3", web.clone())],
            spread(json!({"minDomains": 3})),
            vec![Spread],
        ),
        (
            "as many domains as asked for",
            vec![("n2", web.clone()), ("n3", web.clone())],
            spread(json!({"minDomains": 2})),
            vec![],
        ),
        (
            "no such label",
            vec![],
            spread(json!({"topologyKey": "rack"})),
            vec![SpreadLabelMissing],
        ),
        (
            "an empty selector counts nobody",
            vec![("n2", web.clone())],
            spread(json!({"labelSelector": {"matchLabels": null}})),
            vec![],
        ),
    ] {
        let mut stage = zoned();
        for (at, (node, pod)) in there.into_iter().enumerate() {
            stage.running(&format!("there-{at}"), node, "0", pod);
        }
        stage.pod("new", new);
        check(&stage, &expected, case);
    }
}

#[test]
fn spread_leaves_out_nodes_by_policy() {
    // Zone b is empty, so zone a is one ahead; unless zone b does not count.
    let new = |more: Value| {
        let mut rule = json!({"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "web"}}});
        crate::testing::merge(&mut rule, more);
        json!({"metadata": {"labels": {"app": "web"}}, "spec": {"nodeSelector": {"zone": "a"}, "topologySpreadConstraints": [rule]}})
    };
    let web = json!({"metadata": {"labels": {"app": "web"}}});
    for (case, rule, expected) in [
        ("affinity is honoured unless said otherwise", json!({}), vec![]),
        (
            "affinity ignored",
            json!({"nodeAffinityPolicy": "Ignore"}),
            vec![Spread],
        ),
    ] {
        let mut stage = zoned();
        stage
            .running("there", "n1", "0", web.clone())
            .pod("new", new(rule));
        check(&stage, &expected, case);
    }
    for (case, rule, expected) in [
        (
            "taints are ignored unless said otherwise",
            json!({}),
            vec![Spread],
        ),
        ("taints honoured", json!({"nodeTaintsPolicy": "Honor"}), vec![]),
    ] {
        let mut stage = zoned();
        stage.node("n3", json!({"metadata": {"labels": {"zone": "b"}}, "spec": {"taints": [{"key": "x", "effect": "NoSchedule"}]}}));
        let mut pod = new(rule);
        pod["spec"]["nodeSelector"] = json!(null);
        stage.running("there", "n1", "0", web.clone()).pod("new", pod);
        check(&stage, &expected, case);
    }
}
