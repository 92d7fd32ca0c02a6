use std::time::Duration;

use sonde_model::{
    CallCounts, Calls, Histogram, KeptBecause, Kind, LookupSeen, LookupsSeen, ObjectRef, Owner, Role,
    TracedCall, Traces,
};
use sonde_topology::{Edge, Graph, Name, Names};

use super::*;
use crate::args::Sort;
use crate::render::View;

fn counts(calls: u64, milliseconds: u64, waited_share: u64) -> CallCounts {
    let mut total = Histogram::default();
    (0..calls).for_each(|_| total.observe(Duration::from_millis(milliseconds)));
    let total_ns = calls * milliseconds * 1_000_000;
    let waited_ns = total_ns * waited_share / 100;
    CallCounts {
        calls,
        total_ns,
        waited_ns,
        worked_ns: total_ns - waited_ns,
        with_wait: calls,
        total,
        ..CallCounts::default()
    }
}

fn workload(name: &str) -> Name {
    Name::Object(ObjectRef::new(Kind::Deployment, "shop", name))
}

/// The gateway calls the app, which is saturated; somebody unknown calls the gateway.
fn graph() -> Graph {
    let edge = |from: Name, to: &str, client: Option<CallCounts>, server: Option<CallCounts>| Edge {
        from,
        to: workload(to),
        port: 8080,
        protocol: "http1".into(),
        service: None,
        client,
        server,
    };
    let mut slow = counts(100, 600, 90);
    (slow.slow, slow.errors) = (100, 5);
    Graph {
        edges: vec![
            edge(workload("gateway"), "app", Some(counts(100, 601, 0)), Some(slow)),
            edge(
                Name::Address([192, 0, 2, 7].into()),
                "gateway",
                None,
                Some(counts(1000, 2, 0)),
            ),
        ],
    }
}

fn answer() -> Calls {
    Calls {
        schema: Calls::SCHEMA.into(),
        node: "n1".into(),
        since: "2026-03-01T12:00:00Z".parse().unwrap(),
        now: "2026-03-01T12:00:10Z".parse().unwrap(),
        slow_ns: 500_000_000,
        edges: Vec::new(),
        overflowed: 0,
        unseen: 0,
    }
}

#[test]
fn callees_with_the_busiest_first() {
    let text = top(
        &graph(),
        &answer(),
        false,
        Sort::Calls,
        &Filter::default(),
        &View::plain(),
    );
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "node n1: 2 callees over 10 s");
    assert!(lines[2].starts_with("CALLEE"), "{text}");
    assert!(
        lines[3].starts_with("shop/deploy/gateway:8080") && lines[3].contains(" 100 "),
        "{text}"
    );
    assert!(
        lines[4].contains(" 5.0% ") && lines[4].contains("540ms"),
        "{text}"
    );
    let by_p99 = top(
        &graph(),
        &answer(),
        true,
        Sort::P99,
        &Filter::default(),
        &View::plain(),
    );
    assert!(
        by_p99
            .lines()
            .nth(3)
            .is_some_and(|line| line.starts_with("shop/deploy/gateway  shop/deploy/app")),
        "{by_p99}"
    );
}

#[test]
fn nothing_of_another_namespace_and_nothing_at_all() {
    let bank = Filter {
        namespace: Some("bank".into()),
    };
    let text = top(&graph(), &answer(), false, Sort::Calls, &bank, &View::plain());
    assert!(text.contains("Nobody called anybody"), "{text}");
    let text = map(&Graph::default(), &answer(), &Filter::default(), &View::plain());
    assert!(text.contains("Nobody called anybody"), "{text}");
}

#[test]
fn what_was_not_counted_is_said() {
    let lossy = Calls {
        overflowed: 7,
        unseen: 2,
        ..answer()
    };
    let text = top(
        &graph(),
        &lossy,
        false,
        Sort::Calls,
        &Filter::default(),
        &View::plain(),
    );
    assert!(
        text.contains("7 calls without a row") && text.contains("2 uses of sockets"),
        "{text}"
    );
}

#[test]
fn the_map_says_where_slow_calls_spend_their_time() {
    let text = map(&graph(), &answer(), &Filter::default(), &View::plain());
    assert!(text.contains("└─▶ shop/deploy/app:8080"), "{text}");
    assert!(
        text.contains("100 slow; most of the time: unread in the receive queue of shop/deploy/app, which is saturated (540ms of 601ms per call)"),
        "{text}"
    );
}

#[test]
fn graphviz_gets_quoted_names() {
    let mut graph = graph();
    graph.edges[1].from = Name::Group("a \"strange\" group".into());
    let text = dot(&graph, &answer(), &Filter::default());
    assert!(text.starts_with("digraph calls {") && text.ends_with("}\n"));
    assert!(
        text.contains(r#""group a \"strange\" group" -> "shop/deploy/gateway""#),
        "{text}"
    );
}

#[test]
fn a_drawing_has_every_point_and_no_markup_of_others() {
    let mut graph = graph();
    graph.edges[1].from = Name::Group("a <script>\"strange\"</script> & group".into());
    let text = svg(&graph, &answer(), &Filter::default());
    assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"), "{text}");
    assert!(!text.contains("<script"), "{text}");
    assert!(
        text.contains("a &lt;script&gt;&quot;strange&quot;&lt;/script&gt; &amp; group"),
        "{text}"
    );
    assert!(text.contains(">shop/deploy/gateway<"), "{text}");
    assert_eq!(text.matches("marker-end").count(), graph.edges.len());
}

#[test]
fn single_calls_with_what_was_called() {
    let call = TracedCall {
        time: "2026-03-01T12:00:03Z".parse().unwrap(),
        owner: Owner {
            namespace: "shop".into(),
            pod: "app-1".into(),
            ..Owner::default()
        },
        role: Role::Server,
        remote: [10, 0, 0, 1].into(),
        port: 8080,
        protocol: "http1".into(),
        operation: "GET".into(),
        target: "/orders/{id}".into(),
        status: Some(503),
        failure: "503".into(),
        trace_id: String::new(),
        total_ns: 600_000_000,
        waited_ns: 540_000_000,
        worked_ns: 60_000_000,
        because: vec![KeptBecause::Slow, KeptBecause::Failed],
    };
    let answer = Traces {
        schema: Traces::SCHEMA.into(),
        node: "n1".into(),
        now: "2026-03-01T12:00:10Z".parse().unwrap(),
        slow_ns: 500_000_000,
        one_of: 1000,
        calls: vec![call],
        lost: 3,
        dropped: 0,
    };
    let text = traces(&answer, &Names::default(), &View::plain());
    assert!(
        text.starts_with("node n1: 1 call (slow is 500ms or more); 3 came faster"),
        "{text}"
    );
    let row = text.lines().last().unwrap_or_default();
    assert!(
        row.contains("shop/pod/app-1  serves  10.0.0.1:8080  http1"),
        "{text}"
    );
    assert!(
        row.contains("GET /orders/{id}  503     600ms  540ms   60ms"),
        "{text}"
    );
}

#[test]
fn numbers_have_as_many_digits_as_are_known() {
    let of = |micros: u64| time(Some(Duration::from_micros(micros)));
    assert_eq!(
        [of(9), of(95), of(950), of(1_240), of(12_400), of(3_400_000)],
        ["9.0us", "95us", "950us", "1.2ms", "12ms", "3.4s"]
    );
    assert_eq!(
        [rate(0, 10.0), rate(4, 10.0), rate(123_450, 10.0)],
        ["-", "0.4", "12,345"]
    );
    assert_eq!(
        [share(0, 9), share(1, 10_000), share(1, 20), share(1, 2)],
        ["-", "<0.1%", "5.0%", "50%"]
    );
}

#[test]
fn names_that_were_asked_for_in_vain() {
    let one = |name: &str, answer: &str, millis: u64| LookupSeen {
        time: "2026-03-01T12:00:03Z".parse().unwrap(),
        owner: Owner {
            namespace: "shop".into(),
            pod: "app-1".into(),
            ..Owner::default()
        },
        server: [10, 96, 0, 10].into(),
        name: name.into(),
        kind: "A".into(),
        answer: answer.into(),
        took_ns: millis * 1_000_000,
    };
    let answer = LookupsSeen {
        schema: LookupsSeen::SCHEMA.into(),
        node: "n1".into(),
        now: "2026-03-01T12:00:05Z".parse().unwrap(),
        lookups: vec![
            one("db.shop", "NXDOMAIN", 1),
            one("cache.shop", "", 10_000),
            one("db.shop", "NXDOMAIN", 3),
            one("web.shop", "NOERROR", 1),
            one("api.example", "NOERROR", 900),
        ],
        lost: 0,
        dropped: 0,
    };
    let text = lookups(
        &answer,
        &Names::default(),
        sonde_topology::Level::Pod,
        &Filter::default(),
        &View::plain(),
    );
    insta::assert_snapshot!(text);
}
