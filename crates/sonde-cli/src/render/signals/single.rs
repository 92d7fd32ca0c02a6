//! `sonde trace`: single calls, the oldest first.

use std::time::Duration;

use sonde_model::{Role, TracedCall, Traces};
use sonde_topology::{Level, Name, Names};

use super::time;
use crate::render::{Page, Paint, Span, View, age, words};

/// The table of single calls.
pub(crate) fn traces(answer: &Traces, names: &Names, view: &View) -> String {
    let mut page = Page::new(view);
    let mut lead = format!(
        "node {}: {} (slow is {} or more)",
        answer.node,
        words::count(answer.calls.len(), "call"),
        time(Some(Duration::from_nanos(answer.slow_ns)))
    );
    if answer.lost > 0 {
        lead.push_str(&format!(
            "; {} came faster than the agent could take them",
            answer.lost
        ));
    }
    page.verbatim(0, Paint::Plain, &lead);
    if answer.calls.is_empty() {
        return page.finish();
    }
    page.gap();
    let mut header = vec![
        "TIME", "OWNER", "", "PEER", "PROTOCOL", "CALL", "STATUS", "TOTAL", "WAITED", "WORKED",
    ];
    if view.wide {
        header.extend(["FAILURE", "TRACE"]);
    }
    let mut cells = vec![header.into_iter().map(Span::plain).collect::<Vec<_>>()];
    cells.extend(
        answer
            .calls
            .iter()
            .map(|call| line(call, answer, names, view.wide)),
    );
    page.table(&cells);
    page.finish()
}

fn line(call: &TracedCall, answer: &Traces, names: &Names, wide: bool) -> Vec<Span<'static>> {
    let nanos = |ns: u64| time((ns > 0).then(|| Duration::from_nanos(ns)));
    let peer = names.owner_of(call.remote, call.time, answer.now);
    let peer = peer.map_or_else(|| Name::Address(call.remote), |peer| Name::Object(peer.clone()));
    let dash = |text: &str| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            text.to_owned()
        }
    };
    let failed = !call.failure.is_empty();
    let direction = match call.role {
        Role::Client => "calls",
        Role::Server => "serves",
    };
    let mut line = vec![
        Span::plain(age::clock(call.time, Some(answer.now))),
        Span::plain(names.of_owner(&call.owner, &answer.node, Level::Pod).to_string()),
        Span::plain(direction),
        Span::plain(format!("{peer}:{}", call.port)),
        Span::plain(dash(&call.protocol)),
        Span::plain(dash(format!("{} {}", call.operation, call.target).trim())),
        Span::new(
            if failed { Paint::Bad } else { Paint::Plain },
            call.status
                .map_or_else(|| dash(&call.failure), |status| status.to_string()),
        ),
        Span::plain(nanos(call.total_ns)),
        Span::plain(nanos(call.waited_ns)),
        Span::plain(nanos(call.worked_ns)),
    ];
    if wide {
        line.push(Span::plain(dash(&call.failure)));
        line.push(Span::plain(dash(&call.trace_id)));
    }
    line
}
