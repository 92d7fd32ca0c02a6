//! What an agent remembers of deaths, as a table: one row for each process that ended.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use sonde_model::{Death, DeathKind, Deaths, GroupMemory, ProcessSeen, SenderKind, SenderSeen, bytes_text};

use super::{Page, Paint, Span, View, age, words};

/// A victim of the out-of-memory killer ends soon; a later end of the same number is another process's.
const MEMORY_BELONGS: SignedDuration = SignedDuration::from_mins(1);

/// One row: an end, or a signal that ended nothing.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    time: Timestamp,
    process: &'a ProcessSeen,
    how: String,
    by: String,
    memory: Option<&'a DeathKind>,
    bad: bool,
}

impl Row<'_> {
    /// When.
    pub(crate) fn time(&self) -> Timestamp {
        self.time
    }
}

/// The ends in the order of time, each with what else was told of it. With `signals`, what was sent and ended nothing,
/// too.
pub(crate) fn rows(answer: &Deaths, signals: bool) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut victims: HashMap<u32, &Death> = HashMap::new();
    let mut sent: HashMap<u32, Vec<&Death>> = HashMap::new();
    for death in &answer.deaths {
        let pid = death.process.pid;
        match &death.kind {
            DeathKind::Signal { .. } => sent.entry(pid).or_default().push(death),
            DeathKind::OutOfMemory { .. } => {
                victims.insert(pid, death);
            }
            DeathKind::Exit { code, signal, sender } => {
                let before = sent.remove(&pid).unwrap_or_default();
                let (how, by) = match (code, signal) {
                    (_, Some(signal)) => (signal_name(i32::from(*signal)), by_whom(sender.as_ref(), death)),
                    (code, None) => (
                        format!("exit {}", code.unwrap_or_default()),
                        after(&before).map_or_else(
                            || "itself".to_owned(),
                            |(signal, by)| format!("itself, after {signal} from {by}"),
                        ),
                    ),
                };
                let memory = victims
                    .remove(&pid)
                    .filter(|victim| death.time.duration_since(victim.time) < MEMORY_BELONGS);
                rows.push(Row {
                    time: death.time,
                    process: &death.process,
                    how,
                    by,
                    memory: memory.map(|victim| &victim.kind),
                    bad: signal.is_some() || *code != Some(0),
                });
            }
        }
    }
    // No end was told of these: it is still to come, or was lost.
    rows.extend(victims.into_values().map(|victim| Row {
        time: victim.time,
        process: &victim.process,
        how: "chosen".to_owned(),
        by: kind_words(SenderKind::OutOfMemory).to_owned(),
        memory: Some(&victim.kind),
        bad: true,
    }));
    if signals {
        rows.extend(sent.into_values().flatten().filter_map(signal_row));
    }
    rows.sort_by_key(|row| (row.time, row.process.pid));
    rows
}

fn signal_row(death: &Death) -> Option<Row<'_>> {
    let DeathKind::Signal {
        signal,
        sender,
        delivered,
    } = &death.kind
    else {
        return None;
    };
    let ended = if *delivered {
        "lives on"
    } else {
        "did not reach it"
    };
    Some(Row {
        time: death.time,
        process: &death.process,
        how: format!("{}, {ended}", signal_name(*signal)),
        by: by_whom(Some(sender), death),
        memory: None,
        bad: false,
    })
}

/// The last signal of somebody else that reached the process before it left by itself.
fn after(before: &[&Death]) -> Option<(String, String)> {
    before.iter().rev().find_map(|death| match &death.kind {
        DeathKind::Signal {
            signal,
            sender,
            delivered: true,
        } if sender.kind != SenderKind::Itself => Some((signal_name(*signal), by_whom(Some(sender), death))),
        _ => None,
    })
}

/// The table, with its header where it is the first.
pub(crate) fn table(rows: &[Row<'_>], answer: &Deaths, view: &View, header: bool) -> String {
    let mut page = Page::new(view);
    if rows.is_empty() {
        return page.finish();
    }
    let mut cells: Vec<Vec<Span<'_>>> = Vec::with_capacity(rows.len() + 1);
    if header {
        let mut names = vec!["TIME", "CONTAINER", "PROCESS", "ENDED BY", "BY WHOM"];
        if view.wide {
            names.extend(["FIRST", "UID", "PARENT", "CONTAINER ID", "POD UID"]);
        }
        names.push("MEMORY");
        cells.push(names.into_iter().map(Span::plain).collect());
    }
    for row in rows {
        let paint = if row.bad { Paint::Bad } else { Paint::Plain };
        let mut line = vec![
            Span::plain(age::clock(row.time, Some(answer.now))),
            Span::plain(row.process.owner.words()),
            Span::plain(name(row.process)),
            Span::new(paint, row.how.clone()),
            Span::plain(row.by.clone()),
        ];
        if view.wide {
            let owner = &row.process.owner;
            line.push(Span::plain(if row.process.first { "yes" } else { "no" }));
            line.push(Span::plain(row.process.uid.to_string()));
            line.push(Span::plain(format!(
                "{} ({})",
                row.process.parent_command, row.process.parent_pid
            )));
            line.push(Span::plain(or_dash(&owner.container_id).to_owned()));
            line.push(Span::plain(or_dash(&owner.pod_uid).to_owned()));
        }
        line.push(Span::plain(memory(row.memory, view.wide)));
        cells.push(line);
    }
    page.table(&cells);
    page.finish()
}

/// What the reader of the table should know beside it.
pub(crate) fn notes(answer: &Deaths, namespace: Option<&str>) -> Vec<String> {
    let mut notes = Vec::new();
    let place = match namespace {
        Some(namespace) => format!("in namespace {namespace} on node {}", answer.node),
        None => format!("on node {}", answer.node),
    };
    if answer.deaths.is_empty() {
        notes.push(format!(
            "Nothing died {place} in what the agent remembers; it has watched since {}.",
            age::dated(answer.since, Some(answer.now))
        ));
    }
    for (count, why) in [
        (answer.lost, "came faster than the agent could take them"),
        (answer.dropped, "were dropped because its memory is bounded"),
    ] {
        if count > 0 {
            let count = words::count(usize::try_from(count).unwrap_or(usize::MAX), "event");
            notes.push(format!("Not all is shown: {count} {why}."));
        }
    }
    notes
}

fn name(process: &ProcessSeen) -> String {
    format!("{} ({})", process.command, process.pid)
}

fn by_whom(sender: Option<&SenderSeen>, death: &Death) -> String {
    let Some(sender) = sender else {
        return "not seen".to_owned();
    };
    let words = kind_words(sender.kind);
    match sender.kind {
        SenderKind::OutOfMemory | SenderKind::Fault | SenderKind::Itself => words.to_owned(),
        SenderKind::OtherContainer => {
            format!(
                "{words} {}: {}",
                sender.process.owner.words(),
                name(&sender.process)
            )
        }
        // In its name the kernel acted; of itself there is nothing to add.
        SenderKind::Kernel if sender.process.pid == death.process.pid => words.to_owned(),
        _ => format!("{words}: {}", name(&sender.process)),
    }
}

fn kind_words(kind: SenderKind) -> &'static str {
    match kind {
        SenderKind::OutOfMemory => "out-of-memory killer",
        SenderKind::NamespaceEnd => "kernel, as the first process ended",
        SenderKind::Fault => "kernel, for a fault of its own",
        SenderKind::Kernel => "kernel",
        SenderKind::Itself => "itself",
        SenderKind::SameContainer => "same container",
        SenderKind::OtherContainer => "other container",
        SenderKind::Runtime => "runtime",
        SenderKind::Kubelet => "kubelet",
        SenderKind::ServiceManager => "service manager",
        SenderKind::NodeProcess => "process of the node",
    }
}

fn memory(kind: Option<&DeathKind>, wide: bool) -> String {
    let Some(DeathKind::OutOfMemory {
        trigger,
        anonymous_bytes,
        file_bytes,
        shared_bytes,
        groups,
    }) = kind
    else {
        return String::new();
    };
    let bytes = |bytes: u64| bytes_text(i64::try_from(bytes).unwrap_or(i64::MAX));
    let held = bytes(anonymous_bytes + file_bytes + shared_bytes);
    let of_group = |group: &GroupMemory| match group.limit_bytes {
        Some(limit) => format!("{} of {}", bytes(group.usage_bytes), bytes(limit)),
        None => format!("{} without limit", bytes(group.usage_bytes)),
    };
    if !wide {
        // Whose limit was hit: the nearest that is as full as it can be, else the nearest with a limit.
        let full = groups
            .iter()
            .find(|group| {
                group
                    .limit_bytes
                    .is_some_and(|limit| group.usage_bytes + (limit >> 6) >= limit)
            })
            .or_else(|| groups.iter().find(|group| group.limit_bytes.is_some()));
        return match full {
            Some(group) => format!("held {held}, group {}", of_group(group)),
            None => format!("held {held}, no limit of a group"),
        };
    }
    let groups: Vec<String> = groups
        .iter()
        .map(|group| format!("{} {}", or_dash(&group.name), of_group(group)))
        .collect();
    format!(
        "held {held}: {} anonymous, {} files, {} shared; asked for by {}; {}",
        bytes(*anonymous_bytes),
        bytes(*file_bytes),
        bytes(*shared_bytes),
        name(trigger),
        groups.join("; ")
    )
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

/// signal(7).
const SIGNALS: &[(i32, &str)] = &[
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (10, "SIGUSR1"),
    (11, "SIGSEGV"),
    (12, "SIGUSR2"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
    (24, "SIGXCPU"),
    (25, "SIGXFSZ"),
    (31, "SIGSYS"),
];

fn signal_name(signal: i32) -> String {
    SIGNALS
        .iter()
        .find(|(number, _)| *number == signal)
        .map_or_else(|| format!("signal {signal}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests;
