//! What Sonde's agent saw of deaths, a line of logfmt for each: written and read here.
//!
//! ```text
//! time="2026-11-21T19:00:00Z" source=sonde-agent msg="watching" node=n1 since="2026-11-21T18:00:00Z" lost=0 dropped=0
//! time="2026-11-21T18:40:12.345678Z" source=sonde-agent msg="signal sent" signal=KILL delivered=true pid=13801 command=app … sender=runtime senderPid=15140 senderCommand=runc …
//! ```
//!
//! What is empty is left out. A value that could be taken for something else stands in quotes, so a process cannot
//! choose a name that changes the line.

use std::fmt::{Display, Write as _};
use std::sync::Arc;

use jiff::Timestamp;
use sonde_model::{Death, DeathKind, Deaths, GroupMemory, Owner, ProcessSeen, SenderKind, SenderSeen};

use crate::Fact;
use crate::fact::OomKill;

use super::scan::pairs;

pub(super) mod check;
mod kill;
#[cfg(test)]
mod tests;

pub use check::text as node_text;

/// The value of `source` by which the lines are known.
const SOURCE: &str = "sonde-agent";
const WATCHING: &str = "watching";
const SIGNAL: &str = "signal sent";
const EXIT: &str = "process ended";
const MEMORY: &str = "killed for memory";

/// More levels of control groups than these are not told.
const GROUPS_MAX: usize = 8;

/// What an agent watched, without what it saw: its first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// The node's name.
    pub node: Arc<str>,
    /// Since when it has watched.
    pub since: Timestamp,
    /// When it told.
    pub now: Timestamp,
    /// Events that did not fit into the kernel's ring.
    pub lost: u64,
    /// Events that it had no room to keep.
    pub dropped: u64,
}

impl Watch {
    /// Everything that happened in that time is told.
    pub fn is_whole(&self) -> bool {
        self.lost == 0 && self.dropped == 0
    }
}

/// All that an agent remembers, a line each.
pub fn text(deaths: &Deaths) -> String {
    let mut out = Line::new(deaths.now, WATCHING);
    out.put("node", &deaths.node);
    out.put("since", deaths.since);
    out.put("lost", deaths.lost);
    out.put("dropped", deaths.dropped);
    let mut text = out.0;
    for death in &deaths.deaths {
        text.push('\n');
        text.push_str(&line(death));
    }
    text.push('\n');
    text
}

/// One death as a line.
pub fn line(death: &Death) -> String {
    let msg = match death.kind {
        DeathKind::Signal { .. } => SIGNAL,
        DeathKind::Exit { .. } => EXIT,
        DeathKind::OutOfMemory { .. } => MEMORY,
    };
    let mut out = Line::new(death.time, msg);
    match &death.kind {
        DeathKind::Signal {
            signal, delivered, ..
        } => {
            out.put("signal", signal_word(*signal));
            out.put("delivered", delivered);
        }
        DeathKind::Exit { code, signal, .. } => {
            if let Some(code) = code {
                out.put("exitCode", code);
            }
            if let Some(signal) = signal {
                out.put("signal", signal_word(i32::from(*signal)));
            }
        }
        DeathKind::OutOfMemory { .. } => {}
    }
    out.process("", &death.process);
    match &death.kind {
        DeathKind::Signal { sender, .. }
        | DeathKind::Exit {
            sender: Some(sender), ..
        } => {
            out.put("sender", sender.kind.word());
            out.process("sender", &sender.process);
        }
        DeathKind::Exit { sender: None, .. } => {}
        DeathKind::OutOfMemory {
            trigger,
            anonymous_bytes,
            file_bytes,
            shared_bytes,
            groups,
        } => {
            out.put("anonymousBytes", anonymous_bytes);
            out.put("fileBytes", file_bytes);
            out.put("sharedBytes", shared_bytes);
            for (at, group) in groups.iter().take(GROUPS_MAX).enumerate() {
                let at = at + 1;
                out.put_some(&format!("group{at}"), &group.name);
                out.put(&format!("usage{at}"), group.usage_bytes);
                if let Some(limit) = group.limit_bytes {
                    out.put(&format!("limit{at}"), limit);
                }
            }
            out.process("trigger", trigger);
        }
    }
    out.0
}

/// A line without the ids by which it was tied to its container: what a person reads of it.
pub fn brief(text: &str) -> String {
    const IDS: &[&str] = &["poduid", "containerid", "group", "parentpid", "uid"];
    let Some(fields) = Fields::of(text) else {
        return text.to_owned();
    };
    let mut out = Line(String::new());
    for (key, value) in &fields.0 {
        let bare = ["sender", "trigger"]
            .iter()
            .find_map(|prefix| key.strip_prefix(prefix))
            .unwrap_or(key);
        // Whose name the kernel acted in is the user's matter only for a sender.
        let is_id = IDS.iter().any(|id| bare.eq_ignore_ascii_case(id)) && *key != "senderUid";
        if !matches!(*key, "time" | "source") && !is_id {
            out.put(key, value);
        }
    }
    out.0.trim_start().to_owned()
}

/// A line in the making.
struct Line(String);

impl Line {
    fn new(time: Timestamp, msg: &str) -> Self {
        Self(format!("time=\"{time}\" source={SOURCE} msg=\"{msg}\""))
    }

    fn put(&mut self, key: &str, value: impl Display) {
        self.0.push(' ');
        self.0.push_str(key);
        self.0.push('=');
        let value = value.to_string();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
        if !value.is_empty() && value.bytes().all(plain) {
            self.0.push_str(&value);
        } else {
            self.quote(&value);
        }
    }

    fn put_some(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.put(key, value);
        }
    }

    fn quote(&mut self, value: &str) {
        self.0.push('"');
        for c in value.chars() {
            match c {
                '"' | '\\' => self.0.extend(['\\', c]),
                ' ' => self.0.push(c),
                // All of these lie in the first plane, so four digits are enough.
                c if c.is_control() || c.is_whitespace() => {
                    let _infallible = write!(self.0, "\\u{:04x}", u32::from(c));
                }
                c => self.0.push(c),
            }
        }
        self.0.push('"');
    }

    fn process(&mut self, prefix: &str, process: &ProcessSeen) {
        let ProcessSeen {
            pid,
            command,
            uid,
            parent_pid,
            parent_command,
            first,
            owner,
        } = process;
        self.put(&key(prefix, "pid"), pid);
        self.put_some(&key(prefix, "command"), command);
        self.put(&key(prefix, "uid"), uid);
        self.put(&key(prefix, "parentPid"), parent_pid);
        self.put_some(&key(prefix, "parent"), parent_command);
        if *first {
            self.put(&key(prefix, "first"), true);
        }
        for (name, value) in [
            ("namespace", &owner.namespace),
            ("pod", &owner.pod),
            ("podUID", &owner.pod_uid),
            ("container", &owner.container),
            ("containerID", &owner.container_id),
            ("group", &owner.group),
        ] {
            self.put_some(&key(prefix, name), value);
        }
        if owner.sandbox {
            self.put(&key(prefix, "sandbox"), true);
        }
    }
}

/// `pid` of the process itself, `senderPid` of its sender.
fn key(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        return name.to_owned();
    }
    let (first, rest) = name.split_at(1);
    format!("{prefix}{}{rest}", first.to_ascii_uppercase())
}

/// `KILL`, or the number of a signal without a name.
pub fn signal_word(signal: i32) -> String {
    let name = usize::try_from(signal).ok().and_then(|at| SIGNALS.get(at));
    name.filter(|name| !name.is_empty())
        .map_or_else(|| signal.to_string(), |name| (*name).to_owned())
}

fn signal_of(word: &str) -> Option<i32> {
    let by_name = SIGNALS.iter().position(|name| *name == word && !name.is_empty());
    by_name
        .and_then(|at| i32::try_from(at).ok())
        .or_else(|| word.parse().ok())
}

/// Linux' signals by number (`signal(7)`, x86 and arm64).
const SIGNALS: &[&str] = &[
    "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// The line is an agent's, by its format alone.
pub(crate) fn is_agent_text(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("time=") && text.contains(" source=sonde-agent msg=\"")
}

/// What an agent watched, where the line is its first.
pub fn watch(text: &str) -> Option<Watch> {
    let fields = Fields::of(text)?;
    if fields.get("msg")? != WATCHING {
        return None;
    }
    Some(Watch {
        node: fields.text("node"),
        since: fields.parsed("since")?,
        now: fields.parsed("time")?,
        lost: fields.parsed("lost")?,
        dropped: fields.parsed("dropped")?,
    })
}

/// One death as written by [`line`].
pub fn read(text: &str) -> Option<Death> {
    let fields = Fields::of(text)?;
    let kind = match fields.get("msg")? {
        SIGNAL => DeathKind::Signal {
            signal: signal_of(fields.get("signal")?)?,
            sender: fields.sender()?,
            delivered: fields.parsed("delivered")?,
        },
        EXIT => DeathKind::Exit {
            code: fields.parsed("exitCode"),
            signal: fields
                .get("signal")
                .and_then(signal_of)
                .and_then(|signal| u8::try_from(signal).ok()),
            sender: fields.sender(),
        },
        MEMORY => DeathKind::OutOfMemory {
            trigger: fields.process("trigger")?,
            anonymous_bytes: fields.parsed("anonymousBytes")?,
            file_bytes: fields.parsed("fileBytes")?,
            shared_bytes: fields.parsed("sharedBytes")?,
            groups: (1..=GROUPS_MAX).map_while(|at| fields.group(at)).collect(),
        },
        _ => return None,
    };
    Some(Death {
        time: fields.parsed("time")?,
        process: fields.process("")?,
        kind,
    })
}

/// The facts of a death: a kill for memory is the same fact as the kernel's own lines give.
pub(super) fn facts(death: Death) -> Vec<Fact> {
    let kill: Option<OomKill> = kill::of(&death);
    vec![kill.map_or_else(|| Fact::Death(Arc::new(death)), Fact::OomKill)]
}

/// The pairs of one line.
struct Fields<'a>(Vec<(&'a str, std::borrow::Cow<'a, str>)>);

impl<'a> Fields<'a> {
    fn of(text: &'a str) -> Option<Self> {
        if !is_agent_text(text) {
            return None;
        }
        let fields = Self(pairs(super::clip(text.trim())));
        (fields.get("source") == Some(SOURCE)).then_some(fields)
    }

    fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(have, _)| *have == key);
        found.map(|(_, value)| value.as_ref())
    }

    fn text(&self, key: &str) -> Arc<str> {
        self.get(key).unwrap_or_default().into()
    }

    fn parsed<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        self.get(key)?.parse().ok()
    }

    fn sender(&self) -> Option<SenderSeen> {
        Some(SenderSeen {
            kind: SenderKind::from_word(self.get("sender")?)?,
            process: self.process("sender")?,
        })
    }

    /// A process; what is left out is empty, and a pid is not.
    fn process(&self, prefix: &str) -> Option<ProcessSeen> {
        let text = |name: &str| self.text(&key(prefix, name));
        let number = |name: &str| self.parsed(&key(prefix, name));
        Some(ProcessSeen {
            pid: number("pid")?,
            command: text("command").to_string(),
            uid: number("uid").unwrap_or_default(),
            parent_pid: number("parentPid").unwrap_or_default(),
            parent_command: text("parent").to_string(),
            first: self.parsed(&key(prefix, "first")).unwrap_or_default(),
            owner: Owner {
                namespace: text("namespace"),
                pod: text("pod"),
                pod_uid: text("podUID"),
                container: text("container"),
                container_id: text("containerID"),
                sandbox: self.parsed(&key(prefix, "sandbox")).unwrap_or_default(),
                group: text("group"),
            },
        })
    }

    fn group(&self, at: usize) -> Option<GroupMemory> {
        Some(GroupMemory {
            usage_bytes: self.parsed(&format!("usage{at}"))?,
            limit_bytes: self.parsed(&format!("limit{at}")),
            name: self.text(&format!("group{at}")).to_string(),
        })
    }
}
