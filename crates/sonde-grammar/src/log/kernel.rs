//! The kernel's log: kills for memory, whose lines are joined, and the kernel's own alarms.

mod tasks;

use jiff::Timestamp;

use crate::Fact;
use crate::fact::{KernelArea, NodeFact, OomConstraint, OomKill};

use super::prefix::{Bare, strip};
use super::scan::{after, between, number, signed, word};

/// A fact of the kernel log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelLine {
    /// Index of the deciding line in the input.
    pub line: usize,
    /// The deciding line without its prefixes.
    pub text: String,
    /// When, where the line has a wall clock time.
    pub time: Option<Timestamp>,
    /// The node, where syslog or the journal names it.
    pub host: Option<String>,
    /// What it says.
    pub fact: Fact,
}

/// Reads a kernel log: `dmesg` in all its time formats, `/dev/kmsg`, syslog and journal lines, up to 4.18 and later.
///
/// The lines of one kill become one [`OomKill`]; a block that is cut gives what is there. Lines that say nothing
/// known give nothing. Times without a year have none; see [`kernel_in_year`].
pub fn kernel(lines: &[&str]) -> Vec<KernelLine> {
    kernel_in_year(lines, None)
}

/// Like [`kernel`], for syslog lines whose year is known from elsewhere.
pub fn kernel_in_year(lines: &[&str], year: Option<i16>) -> Vec<KernelLine> {
    let mut reader = Reader::default();
    for (index, line) in lines.iter().enumerate() {
        let bare = strip(line, year);
        reader.line(index, &bare);
    }
    reader.finish()
}

/// The line is one that only a kernel writes.
pub(crate) fn is_kernel_text(text: &str) -> bool {
    const SIGNS: [&str; 7] = [
        "Out of memory and no killable processes",
        " invoked oom-killer: ",
        "oom-kill:constraint=",
        "emory cgroup out of memory: Kill",
        "Out of memory: Kill",
        "oom_reaper: reaped process",
        " killed as a result of limit of ",
    ];
    SIGNS.iter().any(|sign| text.contains(sign)) || alarm(text).is_some()
}

/// Kills whose lines are still coming. One machine writes one at a time (`oom_lock`); a paste of several machines
/// without host names mixes them.
#[derive(Default)]
struct Reader {
    done: Vec<KernelLine>,
    open: Vec<Block>,
    /// What further victims of `memory.oom.group` share with the first.
    group: Option<OomKill>,
    /// Finished kills whose lines without a process id may belong to a kill still open.
    mixed_done: Vec<usize>,
}

/// More open kills than this means a text that was filtered for their first lines.
const OPEN_MAX: usize = 16;
/// A block's lines stand close together; the process table between can be long.
const BLOCK_LINES_MAX: usize = 5_000;
/// The kernel writes a block within this time; what is older was cut.
const BLOCK_SECONDS_MAX: u64 = 5;

struct Block {
    line: usize,
    first: usize,
    text: String,
    time: Option<Timestamp>,
    host: Option<String>,
    kill: OomKill,
    /// Another kill of the same source was open when this one began.
    mixed: bool,
    stats_of_limit: bool,
}

impl Reader {
    fn line(&mut self, index: usize, bare: &Bare<'_>) {
        let text = bare.text.trim();
        if let Some(at) = text.find(" invoked oom-killer") {
            self.header(index, bare, &text[..at], text);
        } else if let Some(rest) = text.strip_prefix("oom-kill:") {
            self.summary(index, bare, rest, text);
        } else if let Some(rest) =
            after(text, "Task in ").filter(|rest| rest.contains(" killed as a result of limit of "))
        {
            self.limit_of(index, bare, rest, text);
        } else if text.contains("Kill process ") || text.contains("Killed process ") {
            self.killed(index, bare, text);
        } else if text.starts_with("Out of memory and no killable processes") {
            self.no_victim(index, bare, text);
        } else if let Some(fact) = alarm(text) {
            self.done.push(KernelLine {
                line: index,
                text: text.to_owned(),
                time: bare.time,
                host: bare.host.clone(),
                fact,
            });
        } else if let Some(cgroup) = between(
            text,
            "Tasks in ",
            " are going to be killed due to memory.oom.group set",
        ) {
            self.oom_group(cgroup);
        } else if !self.open.is_empty() {
            self.detail(bare, text);
        }
    }

    fn header(&mut self, index: usize, bare: &Bare<'_>, invoker: &str, text: &str) {
        self.group = None;
        self.close_cut(index, bare);
        let mut block = Block::new(index, bare, text);
        block.kill.invoked_by = Some(last_words(invoker));
        for other in &mut self.open {
            if other.kill.pid.is_none() && same_host(&other.host, &bare.host) {
                other.mixed = true;
                block.mixed = true;
            }
        }
        self.push(block);
    }

    /// 4.19 on: `constraint=CONSTRAINT_MEMCG,...,oom_memcg=/a,task_memcg=/a/b,task=c,pid=1,uid=0`.
    fn summary(&mut self, index: usize, bare: &Bare<'_>, rest: &str, text: &str) {
        let mut block = self
            .take(bare, |kill| kill.pid.is_none())
            .unwrap_or_else(|| Block::new(index, bare, text));
        block.line = index;
        text.clone_into(&mut block.text);
        let value = |key: &str| after(rest, key).map(|rest| word(rest, &[',']));
        let kill = &mut block.kill;
        kill.constraint = value("constraint=").and_then(|name| match name {
            "CONSTRAINT_MEMCG" => Some(OomConstraint::Cgroup),
            name if name.starts_with("CONSTRAINT_") => Some(OomConstraint::Global),
            _ => None,
        });
        if rest.contains(",global_oom") {
            kill.constraint = Some(OomConstraint::Global);
        }
        kill.limit_cgroup = value("oom_memcg=").map(str::to_owned);
        kill.victim_cgroup = value("task_memcg=").map(str::to_owned);
        // A process name may contain a comma or blank; the pid that follows ends it.
        kill.process = between(rest, "task=", ",pid=").map(str::to_owned);
        kill.pid = after(rest, ",pid=")
            .and_then(number)
            .and_then(|pid| u32::try_from(pid).ok());
        self.told_apart(&mut block);
        self.push(block);
    }

    /// Up to 4.18: `Task in <victim> killed as a result of limit of <limit>`.
    fn limit_of(&mut self, index: usize, bare: &Bare<'_>, rest: &str, text: &str) {
        let mut block = self
            .take(bare, |kill| kill.pid.is_none())
            .unwrap_or_else(|| Block::new(index, bare, text));
        block.line = index;
        text.clone_into(&mut block.text);
        block.kill.constraint = Some(OomConstraint::Cgroup);
        if let Some((victim, limit)) = rest.split_once(" killed as a result of limit of ") {
            block.kill.victim_cgroup = Some(victim.trim().to_owned());
            block.kill.limit_cgroup = Some(word(limit.trim(), &[]).to_owned());
        }
        self.told_apart(&mut block);
        self.push(block);
    }

    /// `Kill process N (c) score S or sacrifice child` announces, `Killed process N (c) ...` ends the block.
    fn killed(&mut self, index: usize, bare: &Bare<'_>, text: &str) {
        let done = text.contains("Killed process ");
        let Some(rest) = after(text, "Killed process ").or_else(|| after(text, "Kill process ")) else {
            return;
        };
        let Some(pid) = number(rest).and_then(|pid| u32::try_from(pid).ok()) else {
            return;
        };
        let process = between(rest, "(", ")").map(str::to_owned);
        let constraint = if text.contains("emory cgroup out of memory") {
            Some(OomConstraint::Cgroup)
        } else if text.contains("Out of memory") {
            Some(OomConstraint::Global)
        } else {
            None
        };
        let fits = |kill: &OomKill| {
            let agrees = constraint.is_none() || kill.constraint.is_none() || kill.constraint == constraint;
            // `sacrifice child` may kill another process than the one announced; only old kernels announce.
            agrees && kill.pid.is_none_or(|known| known == pid)
        };
        let found = self.take(bare, |kill| kill.pid == Some(pid));
        let found = match &self.group {
            None => found.or_else(|| self.take(bare, fits)),
            Some(_) => found,
        };
        let mut block = found.unwrap_or_else(|| {
            let mut block = Block::new(index, bare, text);
            if let Some(group) = &self.group {
                block.kill = OomKill {
                    time: bare.time,
                    uptime_seconds: bare.uptime_seconds,
                    ..group.clone()
                };
            }
            block
        });
        block.line = index;
        text.clone_into(&mut block.text);
        block.time = bare.time.or(block.time);
        let kill = &mut block.kill;
        kill.pid = Some(pid);
        kill.process = process.or(kill.process.take());
        kill.constraint = constraint.or(kill.constraint);
        if !done {
            self.push(block);
            return;
        }
        let kib = |key: &str| after(rest, key).and_then(number);
        kill.anon_rss_kib = kib("anon-rss:");
        kill.shmem_rss_kib = kib("shmem-rss:");
        let held = [kill.anon_rss_kib, kib("file-rss:"), kill.shmem_rss_kib];
        tasks::correct_page_size(&mut kill.largest, pid, held.into_iter().flatten().sum());
        kill.oom_score_adj = after(rest, "oom_score_adj:")
            .and_then(signed)
            .and_then(|n| i32::try_from(n).ok())
            .or(kill.oom_score_adj);
        self.close(block);
    }

    /// The limit is so low that nothing of the cgroup can be killed: what was to enter it fails instead.
    fn no_victim(&mut self, index: usize, bare: &Bare<'_>, text: &str) {
        let mut block = self
            .take(bare, |kill| kill.pid.is_none())
            .unwrap_or_else(|| Block::new(index, bare, text));
        if block.kill.usage_kib.is_some() {
            block.kill.constraint = block.kill.constraint.or(Some(OomConstraint::Cgroup));
        }
        self.close(block);
    }

    /// Lines of a block that name no process.
    fn detail(&mut self, bare: &Bare<'_>, text: &str) {
        let Some(block) = self
            .open
            .iter_mut()
            .rev()
            .find(|block| same_host(&block.host, &bare.host))
        else {
            return;
        };
        if let Some(rest) = text.strip_prefix("memory: usage ") {
            block.kill.usage_kib = number(rest);
            block.kill.limit_kib = after(rest, "limit ").and_then(number);
            block.stats_of_limit = true;
        } else if let Some(rest) = text.strip_prefix("Memory cgroup stats for ") {
            // Without a victim no other line names the cgroup.
            let path = word(rest, &[]).trim_end_matches(':');
            if block.kill.limit_cgroup.is_none() && path.starts_with('/') {
                block.kill.limit_cgroup = Some(path.to_owned());
            }
            // The first table is the limiting cgroup's; old kernels print one for each child after it.
            if block.kill.cgroup_shmem_kib.is_none() {
                block.stats_of_limit = true;
                block.kill.cgroup_shmem_kib = after(rest, " shmem:").and_then(number);
            } else {
                block.stats_of_limit = false;
            }
        } else if let Some(rest) = text.strip_prefix("total_shmem ") {
            // cgroup v1: the plain line is without the cgroups below.
            if block.stats_of_limit {
                block.kill.cgroup_shmem_kib = number(rest).map(|bytes| bytes / 1024);
            }
        } else if let Some(rest) = text.strip_prefix("shmem ")
            && block.stats_of_limit
            && block.kill.cgroup_shmem_kib.is_none()
        {
            block.kill.cgroup_shmem_kib = number(rest).map(|bytes| bytes / 1024);
        } else if let Some((task, adjustment)) = tasks::row(text) {
            if block.kill.oom_score_adj.is_none() && block.kill.pid == Some(task.pid) {
                block.kill.oom_score_adj = adjustment;
            }
            tasks::add(&mut block.kill.largest, task);
        }
    }

    /// After the first victim, the kernel kills all others of the cgroup; their lines carry no cgroup.
    fn oom_group(&mut self, cgroup: &str) {
        if let Some(last) = self.done.last()
            && let Fact::OomKill(kill) = &last.fact
            && kill
                .victim_cgroup
                .as_deref()
                .is_none_or(|victim| victim.starts_with(cgroup))
        {
            self.group = Some(OomKill {
                process: None,
                pid: None,
                anon_rss_kib: None,
                shmem_rss_kib: None,
                ..kill.clone()
            });
        }
    }

    fn push(&mut self, block: Block) {
        if self.open.len() >= OPEN_MAX {
            let oldest = self.open.remove(0);
            self.close(oldest);
        }
        self.open.push(block);
    }

    /// The newest open block of the same source that fits.
    fn take(&mut self, bare: &Bare<'_>, fits: impl Fn(&OomKill) -> bool) -> Option<Block> {
        let at = self
            .open
            .iter()
            .rposition(|block| same_host(&block.host, &bare.host) && fits(&block.kill))?;
        Some(self.open.remove(at))
    }

    /// Blocks that will not go on: their source writes the next one much later.
    fn close_cut(&mut self, index: usize, bare: &Bare<'_>) {
        let late = |block: &Block| {
            let by_uptime = match (block.kill.uptime_seconds, bare.uptime_seconds) {
                (Some(then), Some(now)) => Some(now.abs_diff(then) > BLOCK_SECONDS_MAX),
                _ => None,
            };
            let by_time = match (block.time, bare.time) {
                (Some(then), Some(now)) => {
                    Some(now.as_second().abs_diff(then.as_second()) > BLOCK_SECONDS_MAX)
                }
                _ => None,
            };
            by_uptime.or(by_time).unwrap_or(false) || index - block.first > BLOCK_LINES_MAX
        };
        for at in (0..self.open.len()).rev() {
            if same_host(&self.open[at].host, &bare.host) && late(&self.open[at]) {
                let block = self.open.remove(at);
                self.close(block);
            }
        }
        if self.open.is_empty() {
            self.mixed_done.clear();
        }
    }

    /// A line with a process id came for a block that was open beside another. When the other had one too, the
    /// lines without an id cannot be told apart, so neither kill keeps them.
    fn told_apart(&mut self, block: &mut Block) {
        if !block.mixed {
            return;
        }
        let mut really_mixed = !self.mixed_done.is_empty();
        for other in &mut self.open {
            if other.mixed && other.kill.victim_cgroup.is_some() {
                really_mixed = true;
                forget_unkeyed(&mut other.kill);
            }
        }
        for at in self.mixed_done.drain(..) {
            if let Some(KernelLine {
                fact: Fact::OomKill(kill),
                ..
            }) = self.done.get_mut(at)
            {
                forget_unkeyed(kill);
            }
        }
        if really_mixed {
            forget_unkeyed(&mut block.kill);
        }
    }

    fn close(&mut self, block: Block) {
        if block.mixed && !self.open.is_empty() {
            self.mixed_done.push(self.done.len());
        }
        self.done.push(KernelLine {
            line: block.line,
            text: block.text,
            time: block.time,
            host: block.host,
            fact: Fact::OomKill(block.kill),
        });
    }

    fn finish(mut self) -> Vec<KernelLine> {
        for block in std::mem::take(&mut self.open) {
            self.close(block);
        }
        self.done.sort_by_key(|line| line.line);
        self.done
    }
}

fn forget_unkeyed(kill: &mut OomKill) {
    kill.invoked_by = None;
    kill.usage_kib = None;
    kill.limit_kib = None;
    kill.cgroup_shmem_kib = None;
}

impl Block {
    fn new(index: usize, bare: &Bare<'_>, text: &str) -> Self {
        Block {
            first: index,
            line: index,
            text: text.to_owned(),
            time: bare.time,
            host: bare.host.clone(),
            kill: OomKill {
                time: bare.time,
                uptime_seconds: bare.uptime_seconds,
                ..OomKill::default()
            },
            mixed: false,
            stats_of_limit: false,
        }
    }
}

fn same_host(one: &Option<String>, other: &Option<String>) -> bool {
    one.is_none() || other.is_none() || one == other
}

/// `runc:[2:INIT]`, `Web Content`: the process name stands right before ` invoked`; the kernel allows 15 bytes.
fn last_words(invoker: &str) -> String {
    let mut start = invoker.len().saturating_sub(15);
    while !invoker.is_char_boundary(start) {
        start += 1;
    }
    let tail = &invoker[start..];
    // What a cut prefix leaves ends in `: ` or `] `.
    let begin = tail
        .rfind("] ")
        .map(|at| at + 2)
        .into_iter()
        .chain(tail.rfind(": ").map(|at| at + 2))
        .max();
    tail[begin.unwrap_or(0)..].trim().to_owned()
}

/// The kernel's alarms other than kills for memory.
fn alarm(text: &str) -> Option<Fact> {
    use KernelArea::{
        Connections, FileServer, Files, Hardware, Memory, Neighbours, Other, Processors, Sockets, Storage,
    };
    /// The whole line is the detail.
    const TROUBLE: [(&str, KernelArea); 23] = [
        ("BUG: soft lockup", Processors),
        ("BUG: unable to handle", Processors),
        ("Watchdog detected hard LOCKUP", Processors),
        ("rcu: INFO: rcu_", Processors),
        ("self-detected stall on CPU", Processors),
        ("Kernel panic - not syncing", Processors),
        ("EXT4-fs error", Storage),
        ("EXT4-fs warning", Storage),
        ("Remounting filesystem read-only", Storage),
        ("XFS (", Storage),
        ("BTRFS error", Storage),
        ("Buffer I/O error on dev", Storage),
        ("blk_update_request: I/O error", Storage),
        ("critical medium error", Storage),
        ("nf_conntrack: table full", Connections),
        ("neighbor table overflow", Neighbours),
        ("neighbour: arp_cache", Neighbours),
        ("TCP: out of memory", Sockets),
        ("unregister_netdevice: waiting for", Other),
        ("page allocation failure", Memory),
        ("Hardware Error", Hardware),
        ("VFS: file-max limit", Files),
        ("nfs: server ", FileServer),
    ];
    /// Parts that name healthy lines with the same words.
    const CALM: [&str; 7] = [
        "Mounting",
        "Ending clean mount",
        "Unmounting",
        " OK",
        "Quotacheck",
        "Deprecated",
        "Starting recovery",
    ];
    if let Some(rest) = text
        .strip_prefix("INFO: task ")
        .or_else(|| after(text, ": INFO: task "))
        && let Some((task, _)) = rest.split_once(" blocked for more than")
    {
        let (process, pid) = task.rsplit_once(':').unwrap_or((task, ""));
        return Some(Fact::Node(NodeFact::HungTask {
            process: process.to_owned(),
            pid: pid.parse().ok(),
        }));
    }
    if let Some(cgroup) = after(text, "fork rejected by pids controller in ") {
        return Some(Fact::Node(NodeFact::ForkRejected {
            cgroup: word(cgroup, &[]).to_owned(),
        }));
    }
    for sign in ["]: segfault at ", "] general protection", "] trap "] {
        if let Some((process, _)) = text.split_once(sign) {
            let process = process.strip_prefix("traps: ").unwrap_or(process);
            let (name, pid) = process.rsplit_once('[')?;
            return Some(Fact::Node(NodeFact::ProcessFault {
                process: name.to_owned(),
                pid: pid.parse().ok(),
            }));
        }
    }
    if text.starts_with("Linux version ") {
        return Some(Fact::Node(NodeFact::Rebooted));
    }
    let trouble = TROUBLE.iter().find(|(sign, _)| text.contains(sign));
    let (_, area) = trouble.filter(|_| !CALM.iter().any(|sign| text.contains(sign)))?;
    let xfs = text.contains("XFS (")
        && !["orrupt", "error", "rror:", "hutdown", "hut down"]
            .iter()
            .any(|w| text.contains(w));
    (!xfs).then(|| {
        Fact::Node(NodeFact::KernelTrouble {
            area: *area,
            detail: text.to_owned(),
        })
    })
}

#[cfg(test)]
mod tests;
