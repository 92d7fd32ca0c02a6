//! `sonde map`: who calls whom, as a tree, as JSON, or for Graphviz.

use std::collections::BTreeMap;

use serde::Serialize;
use sonde_model::Calls;
use sonde_topology::{Blame, Edge, Graph, Name, Place, blame};

use super::{Filter, nanos, rate, share, time};
use crate::render::{Page, Paint, Span, View, words};

/// A map for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MapAnswer {
    schema: &'static str,
    node: String,
    since: String,
    now: String,
    edges: Vec<MapEdge>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MapEdge {
    from: String,
    to: String,
    port: u16,
    protocol: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    calls_per_second: f64,
    errors: u64,
    slow: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    p50_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p99_ns: Option<u64>,
    /// Per call, in the callee's receive queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    waited_ns: Option<u64>,
    /// Per call, what is left between both ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    network_ns: Option<u64>,
    seen_by: Vec<&'static str>,
    /// Where most of the time of its calls goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_goes_to: Option<String>,
}

/// The numbers of the edges that are shown.
pub(super) fn shown(graph: &Graph, filter: &Filter) -> Vec<usize> {
    let all = graph.edges.iter().enumerate();
    all.filter(|(_, edge)| edge.counts().calls > 0 && filter.takes_either(&edge.from, &edge.to))
        .map(|(at, _)| at)
        .collect()
}

fn seconds(answer: &Calls) -> f64 {
    answer.now.duration_since(answer.since).as_secs_f64().max(1e-3)
}

/// The map for programs.
pub(crate) fn map_json(graph: &Graph, answer: &Calls, filter: &Filter) -> MapAnswer {
    let nanos_of =
        |time: Option<std::time::Duration>| time.and_then(|time| u64::try_from(time.as_nanos()).ok());
    let edge = |at: usize| {
        let edge = &graph.edges[at];
        let it = edge.counts();
        MapEdge {
            from: edge.from.to_string(),
            to: edge.to.to_string(),
            port: edge.port,
            protocol: edge.protocol.clone(),
            service: edge
                .service
                .as_ref()
                .map(|service| format!("{}/{service}", service.namespace)),
            calls_per_second: it.calls as f64 / seconds(answer),
            errors: it.errors,
            slow: it.slow,
            p50_ns: nanos_of(it.total.quantile(0.5)),
            p99_ns: nanos_of(it.total.quantile(0.99)),
            waited_ns: it.waited_ns.checked_div(it.with_wait),
            network_ns: edge.network_ns(),
            seen_by: [(&edge.client, "caller"), (&edge.server, "callee")]
                .into_iter()
                .filter(|(end, _)| end.is_some())
                .map(|(_, word)| word)
                .collect(),
            time_goes_to: blame(graph, at).map(|it| place(&it)),
        }
    };
    MapAnswer {
        schema: "sonde.map/v1",
        node: answer.node.clone(),
        since: answer.since.to_string(),
        now: answer.now.to_string(),
        edges: shown(graph, filter).into_iter().map(edge).collect(),
    }
}

/// The tree: callers, and below each whom it calls.
pub(crate) fn map(graph: &Graph, answer: &Calls, filter: &Filter, view: &View) -> String {
    let mut callers: BTreeMap<&Name, Vec<usize>> = BTreeMap::new();
    for at in shown(graph, filter) {
        callers.entry(&graph.edges[at].from).or_default().push(at);
    }
    let mut page = Page::new(view);
    let edges: usize = callers.values().map(Vec::len).sum();
    let lead = format!(
        "node {}: {} over {:.0} s",
        answer.node,
        words::count(edges, "edge"),
        seconds(answer)
    );
    page.verbatim(0, Paint::Plain, &lead);
    if edges == 0 {
        page.verbatim(0, Paint::Plain, "Nobody called anybody in that time.");
        return page.finish();
    }
    for (caller, mut calls) in callers {
        page.gap();
        page.verbatim(0, Paint::Plain, &caller.to_string());
        calls.sort_by_key(|at| std::cmp::Reverse(graph.edges[*at].counts().calls));
        let last = calls.len() - 1;
        let mut rows = Vec::new();
        let mut notes = Vec::new();
        for (number, at) in calls.into_iter().enumerate() {
            let edge = &graph.edges[at];
            rows.push(row(edge, answer, number == last));
            let rest = if number == last { "    " } else { "│   " };
            notes.push(note(graph, at).map(|note| format!("{rest}  {note}")));
        }
        page.table_with_notes(&rows, |page, row| {
            if let Some(Some(note)) = notes.get(row) {
                page.verbatim(0, Paint::Plain, note);
            }
        });
    }
    page.finish()
}

fn row(edge: &Edge, answer: &Calls, last: bool) -> Vec<Span<'static>> {
    let it = edge.counts();
    let branch = if last { "└─▶" } else { "├─▶" };
    let protocol = if edge.protocol.is_empty() {
        "tcp"
    } else {
        &edge.protocol
    };
    let errors = share(it.errors, it.calls);
    let mut line = vec![
        Span::plain(format!("{branch} {}:{}", edge.to, edge.port)),
        Span::plain(protocol.to_owned()),
        Span::plain(format!("{}/s", rate(it.calls, seconds(answer)))),
        Span::plain(format!("p50 {}", time(it.total.quantile(0.5)))),
        Span::plain(format!("p99 {}", time(it.total.quantile(0.99)))),
    ];
    if it.errors > 0 {
        line.push(Span::new(Paint::Bad, format!("{errors} errors")));
    }
    line
}

/// Where the time of slow calls goes.
pub(super) fn note(graph: &Graph, at: usize) -> Option<String> {
    let edge = &graph.edges[at];
    if edge.counts().slow == 0 {
        return None;
    }
    let it = blame(graph, at)?;
    let spent = time(nanos(it.spent_ns, 1));
    let total = time(nanos(it.total_ns, 1));
    Some(format!(
        "{} slow; most of the time: {} ({spent} of {total} per call)",
        edge.counts().slow,
        place(&it)
    ))
}

fn place(blame: &Blame) -> String {
    match &blame.place {
        Place::Queue(name) => format!("unread in the receive queue of {name}, which is saturated"),
        Place::Application(name) => format!("the work of {name}"),
        Place::ApplicationOrQueue(name) => {
            format!("the work of {name} or the wait in its receive queue, which its agent cannot tell apart")
        }
        Place::Network(from, to) => format!("the network between {from} and {to}"),
        Place::Unseen(name) => format!("at {name} or beyond it, where no agent sees its end"),
    }
}

/// What stands at an edge of a drawing.
pub(super) fn label(edge: &Edge, answer: &Calls) -> String {
    let it = edge.counts();
    let mut label = format!(
        "{}:{} {}/s p99 {}",
        if edge.protocol.is_empty() {
            "tcp"
        } else {
            &edge.protocol
        },
        edge.port,
        rate(it.calls, seconds(answer)),
        time(it.total.quantile(0.99))
    );
    if it.errors > 0 {
        label.push_str(&format!(" {} errors", share(it.errors, it.calls)));
    }
    label
}

/// The map for Graphviz.
pub(crate) fn dot(graph: &Graph, answer: &Calls, filter: &Filter) -> String {
    let quoted = |text: &str| {
        format!(
            "\"{}\"",
            text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " ")
        )
    };
    let mut out = String::from("digraph calls {\n  rankdir=LR;\n  node [shape=box];\n");
    for at in shown(graph, filter) {
        let edge = &graph.edges[at];
        let it = edge.counts();
        let label = label(edge, answer);
        let color = if it.errors > 0 || it.slow > 0 {
            ", color=red"
        } else {
            ""
        };
        out.push_str(&format!(
            "  {} -> {} [label={}{color}];\n",
            quoted(&edge.from.to_string()),
            quoted(&edge.to.to_string()),
            quoted(&label)
        ));
    }
    out.push_str("}\n");
    out
}
