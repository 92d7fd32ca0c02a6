//! `sonde net`: what the kernel knows of live connections.

use std::collections::BTreeMap;
use std::time::Duration;

use sonde_model::{ConnectionSeen, Connections, Role, Timestamp};
use sonde_topology::{Level, Name, Names};

use super::{Filter, bytes, count, time};
use crate::render::{Page, Paint, Span, View, words};

#[derive(Default)]
struct Row {
    connections: u64,
    smoothed: Vec<u32>,
    least: Option<u32>,
    retransmits: u64,
    unread: u64,
    unacked: u64,
    stopped: u64,
}

/// The table, by caller and callee at a level, or of each connection.
pub(crate) fn net(
    answer: &Connections,
    names: &Names,
    by: Option<Level>,
    filter: &Filter,
    view: &View,
) -> String {
    let mut page = Page::new(view);
    let seen: Vec<_> = answer
        .connections
        .iter()
        .filter(|it| filter.takes(&it.owner.namespace))
        .collect();
    let lead = format!("node {}: {}", answer.node, words::count(seen.len(), "connection"));
    page.verbatim(0, Paint::Plain, &lead);
    if seen.is_empty() {
        return page.finish();
    }
    page.gap();
    let cells = match by {
        Some(level) => rolled(&seen, answer, names, level),
        None => each(&seen, answer.now, names, view.wide),
    };
    page.table(&cells);
    page.finish()
}

fn rolled(
    seen: &[&ConnectionSeen],
    answer: &Connections,
    names: &Names,
    level: Level,
) -> Vec<Vec<Span<'static>>> {
    let mut rows: BTreeMap<(Name, &str, Name), Row> = BTreeMap::new();
    for it in seen {
        let own = names.of_owner(&it.owner, &answer.node, level);
        let remote = names
            .of_address(it.remote, it.remote_port, (answer.now, answer.now), level)
            .name;
        let row = rows.entry((own, direction(it.role), remote)).or_default();
        row.connections += 1;
        row.retransmits += u64::from(it.retransmits);
        row.unread += u64::from(it.unread_bytes);
        row.unacked += u64::from(it.unacked_bytes);
        row.stopped += u64::from(it.peer_window_bytes == 0 && it.state == "ESTABLISHED");
        if it.smoothed_rtt_us > 0 {
            row.smoothed.push(it.smoothed_rtt_us);
        }
        if it.min_rtt_us > 0 {
            row.least = Some(row.least.map_or(it.min_rtt_us, |least| least.min(it.min_rtt_us)));
        }
    }
    let header = [
        "OWNER",
        "",
        "PEER",
        "CONNECTIONS",
        "RTT P50",
        "RTT MAX",
        "RTT MIN",
        "RETRANS",
        "UNREAD",
        "UNACKED",
        "WINDOW 0",
    ];
    let mut cells = vec![header.into_iter().map(Span::plain).collect::<Vec<_>>()];
    for ((own, direction, remote), mut row) in rows {
        row.smoothed.sort_unstable();
        let micros = |us: Option<u32>| time(us.map(|us| Duration::from_micros(us.into())));
        let median = row.smoothed.get(row.smoothed.len() / 2).copied();
        let paint = |bad: bool| if bad { Paint::Bad } else { Paint::Plain };
        cells.push(vec![
            Span::plain(own.to_string()),
            Span::plain(direction),
            Span::plain(remote.to_string()),
            Span::plain(count(row.connections)),
            Span::plain(micros(median)),
            Span::plain(micros(row.smoothed.last().copied())),
            Span::plain(micros(row.least)),
            Span::new(paint(row.retransmits > 0), count(row.retransmits)),
            Span::plain(bytes(row.unread)),
            Span::plain(bytes(row.unacked)),
            Span::new(paint(row.stopped > 0), count(row.stopped)),
        ]);
    }
    cells
}

fn each(seen: &[&ConnectionSeen], now: Timestamp, names: &Names, wide: bool) -> Vec<Vec<Span<'static>>> {
    let mut header = vec![
        "OWNER", "LOCAL", "", "REMOTE", "PEER", "STATE", "PROTOCOL", "RTT", "RTT MIN", "RETRANS", "UNREAD",
        "UNACKED",
    ];
    if wide {
        header.extend(["WINDOW", "ACKED", "RECEIVED", "CALLS"]);
    }
    let mut cells = vec![header.into_iter().map(Span::plain).collect::<Vec<_>>()];
    for it in seen {
        let micros = |us: u32| time((us > 0).then(|| Duration::from_micros(us.into())));
        let peer = names.owner_of(it.remote, now, now);
        let protocol = if it.protocol.is_empty() { "-" } else { &it.protocol };
        let mut line = vec![
            Span::plain(names.of_owner(&it.owner, "", Level::Container).to_string()),
            Span::plain(format!("{}:{}", it.local, it.local_port)),
            Span::plain(direction(it.role)),
            Span::plain(format!("{}:{}", it.remote, it.remote_port)),
            Span::plain(peer.map_or_else(|| "-".to_owned(), |peer| Name::Object(peer.clone()).to_string())),
            Span::plain(it.state.clone()),
            Span::plain(protocol.to_owned()),
            Span::plain(micros(it.smoothed_rtt_us)),
            Span::plain(micros(it.min_rtt_us)),
            Span::plain(count(it.retransmits.into())),
            Span::plain(bytes(it.unread_bytes.into())),
            Span::plain(bytes(it.unacked_bytes.into())),
        ];
        if wide {
            line.push(Span::plain(bytes(it.peer_window_bytes.into())));
            line.push(Span::plain(bytes(it.bytes_acked)));
            line.push(Span::plain(bytes(it.bytes_received)));
            line.push(Span::plain(count(it.calls)));
        }
        cells.push(line);
    }
    cells
}

fn direction(role: Role) -> &'static str {
    match role {
        Role::Client => "calls",
        Role::Server => "serves",
    }
}
