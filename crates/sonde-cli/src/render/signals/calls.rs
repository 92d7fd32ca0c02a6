//! `sonde top`: a row for each callee, or for each caller and callee.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sonde_model::{CallCounts, Calls};
use sonde_topology::{Edge, Graph, Name};

use super::{Filter, bytes, count, nanos, rate, share, time};
use crate::args::Sort;
use crate::render::{Page, Paint, Span, View, words};

struct Row {
    from: Option<String>,
    to: String,
    protocol: String,
    counts: CallCounts,
    /// The callee's own end was seen.
    seen: bool,
}

/// The table of calls.
pub(crate) fn top(
    graph: &Graph,
    answer: &Calls,
    edges: bool,
    sort: Sort,
    filter: &Filter,
    view: &View,
) -> String {
    let shown = graph
        .edges
        .iter()
        .filter(|edge| filter.takes_either(&edge.from, &edge.to))
        .filter(|edge| edge.counts().calls + edge.counts().connect_failed + edge.counts().opened > 0);
    let mut rows = if edges { by_edge(shown) } else { by_callee(shown) };
    rows.sort_by_key(|row| (Reverse(weight(row, sort)), row.to.clone(), row.from.clone()));
    let seconds = answer.now.duration_since(answer.since).as_secs_f64();
    let mut page = Page::new(view);
    let mut lead = format!(
        "node {}: {} over {:.0} s",
        answer.node,
        words::count(rows.len(), if edges { "edge" } else { "callee" }),
        seconds
    );
    for (number, what) in [
        (
            answer.overflowed,
            "calls without a row of their own because a table was full",
        ),
        (answer.unseen, "uses of sockets that could not be followed"),
    ] {
        if number > 0 {
            lead.push_str(&format!("; {number} {what}"));
        }
    }
    page.verbatim(0, Paint::Plain, &lead);
    if rows.is_empty() {
        page.verbatim(0, Paint::Plain, "Nobody called anybody in that time.");
        return page.finish();
    }
    page.gap();
    let mut header = Vec::new();
    if edges {
        header.push("CALLER");
    }
    header.extend([
        "CALLEE", "PROTOCOL", "CALLS/S", "P50", "P90", "P95", "P99", "ERRORS", "SLOW", "WAITED", "RETRANS",
    ]);
    if view.wide {
        header.extend([
            "WORKED", "SENT", "RECEIVED", "OPENED", "FAILED", "RESETS", "SEEN BY",
        ]);
    }
    let mut cells = vec![header.into_iter().map(Span::plain).collect::<Vec<_>>()];
    cells.extend(rows.iter().map(|row| line(row, seconds, view.wide)));
    page.table(&cells);
    page.finish()
}

fn line(row: &Row, seconds: f64, wide: bool) -> Vec<Span<'static>> {
    let it = &row.counts;
    let bad = |is_bad: bool, text: String| Span::new(if is_bad { Paint::Bad } else { Paint::Plain }, text);
    let mut line: Vec<Span<'static>> = row.from.iter().map(|from| Span::plain(from.clone())).collect();
    line.push(Span::plain(row.to.clone()));
    line.push(Span::plain(if row.protocol.is_empty() {
        "-".to_owned()
    } else {
        row.protocol.clone()
    }));
    line.push(Span::plain(rate(it.calls, seconds)));
    line.extend([0.5, 0.9, 0.95, 0.99].map(|part| Span::plain(time(it.total.quantile(part)))));
    line.push(bad(it.errors > 0, share(it.errors, it.calls)));
    line.push(bad(it.slow > 0, count(it.slow)));
    line.push(Span::plain(time(nanos(it.waited_ns, it.with_wait))));
    line.push(bad(it.retransmits > 0, count(it.retransmits)));
    if wide {
        let worked = if row.seen {
            nanos(it.worked_ns, it.calls)
        } else {
            None
        };
        line.push(Span::plain(time(worked)));
        line.push(Span::plain(bytes(it.bytes_sent)));
        line.push(Span::plain(bytes(it.bytes_received)));
        line.push(Span::plain(count(it.opened)));
        line.push(bad(it.connect_failed > 0, count(it.connect_failed)));
        line.push(Span::plain(count(it.resets_sent + it.resets_received)));
        line.push(Span::plain(if row.seen { "callee" } else { "caller" }));
    }
    line
}

fn by_edge<'a>(edges: impl Iterator<Item = &'a Edge>) -> Vec<Row> {
    let row = |edge: &Edge| Row {
        from: Some(edge.from.to_string()),
        to: format!("{}:{}", edge.to, edge.port),
        protocol: edge.protocol.clone(),
        counts: whole(edge),
        seen: edge.server.is_some(),
    };
    edges.map(row).collect()
}

fn by_callee<'a>(edges: impl Iterator<Item = &'a Edge>) -> Vec<Row> {
    let mut rows: BTreeMap<(&Name, u16), Row> = BTreeMap::new();
    for edge in edges {
        let row = rows.entry((&edge.to, edge.port)).or_insert_with(|| Row {
            from: None,
            to: format!("{}:{}", edge.to, edge.port),
            protocol: String::new(),
            counts: CallCounts::default(),
            seen: true,
        });
        row.counts.add(&whole(edge));
        row.seen &= edge.server.is_some();
        if row.protocol.is_empty() {
            row.protocol.clone_from(&edge.protocol);
        }
    }
    rows.into_values().collect()
}

/// The counts of an edge, with what only the caller's end can know: connections that did not come about.
fn whole(edge: &Edge) -> CallCounts {
    let mut counts = edge.counts().clone();
    if let (Some(client), Some(_)) = (&edge.client, &edge.server) {
        counts.connect_failed = client.connect_failed;
        counts.retransmits += client.retransmits;
    }
    counts
}

fn weight(row: &Row, sort: Sort) -> u64 {
    let it = &row.counts;
    match sort {
        Sort::Calls => it.calls,
        Sort::Errors => it.errors + it.connect_failed,
        Sort::Slow => it.slow,
        Sort::P99 => it
            .total
            .quantile(0.99)
            .map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)),
        Sort::Bytes => it.bytes_sent + it.bytes_received,
    }
}
