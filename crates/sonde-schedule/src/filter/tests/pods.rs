//! Filters that look at other pods.

use super::*;

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
