//! Two samples to a report. Pure.

mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use sonde_model::{
    Check, CheckKind, CheckVerdict, ContainerUse, CoreUse, Coverage, NodeReport, Owner, ProcessUse, Seen,
    bytes_text,
};

use crate::sample::{Sample, TOP, ticks_since};
use crate::{Answer, Services};
use rules::check;

/// What is read of memory is counted in pages of this size on the machines that Sonde runs on.
const PAGE_BYTES: u64 = 4_096;
/// Rows of one kind at most, worst first.
const ROWS_MAX: usize = 16;

/// How the node stands: `before` and `after` some time apart, and what its services answered in between.
pub fn judge(node: &str, now: Timestamp, before: &Sample, after: &Sample, services: &Services) -> NodeReport {
    let seconds = (after.uptime - before.uptime).max(0.01);
    let case = Interval {
        before,
        after,
        seconds,
    };
    let cores = case.cores();
    let mut checks = Vec::new();
    case.cpu(&cores, &mut checks);
    case.memory(&mut checks);
    case.disks(&mut checks);
    case.tasks(&mut checks);
    case.network(&mut checks);
    case.clock(&mut checks);
    let mut coverage = after.gaps.clone();
    case.services(services, &mut checks, &mut coverage);
    if !checks.iter().any(|check| check.kind == CheckKind::Conntrack)
        && !coverage.iter().any(|gap| gap.signal == "tracked connections")
    {
        coverage.push(gap(
            "tracked connections",
            "the kernel tracks none here: nf_conntrack is not loaded",
        ));
    }
    checks.sort_by_key(|check| (check.kind, std::cmp::Reverse(check.verdict)));
    NodeReport {
        schema: NodeReport::SCHEMA.to_owned(),
        node: node.to_owned(),
        now,
        interval_ms: (seconds * 1_000.0) as u64,
        by_agent: false,
        checks,
        cores,
        processes: case.processes(),
        containers: case.containers(),
        containers_seen: after.containers.len() as u64,
        coverage,
    }
}

struct Interval<'a> {
    before: &'a Sample,
    after: &'a Sample,
    seconds: f64,
}

impl Interval<'_> {
    fn cores(&self) -> Vec<CoreUse> {
        let of = |(core, after): (&u32, &crate::files::CoreTicks)| {
            let before = self.before.cores.get(core)?;
            let all = after.all.saturating_sub(before.all);
            let share = |after: u64, before: u64| percent(after.saturating_sub(before), all);
            Some(CoreUse {
                core: *core,
                busy: share(after.busy, before.busy),
                waiting: share(after.waiting, before.waiting),
                stolen: share(after.stolen, before.stolen),
            })
        };
        self.after.cores.iter().filter_map(of).collect()
    }

    fn cpu(&self, cores: &[CoreUse], checks: &mut Vec<Check>) {
        let count = cores.len().max(1) as f64;
        let busy = cores.iter().map(|core| core.busy).sum::<f64>() / count;
        let stolen = cores.iter().map(|core| core.stolen).sum::<f64>() / count;
        let load = self.after.load;
        let stall = self.after.pressure.get("cpu");
        if !cores.is_empty() {
            let mut found = format!("{busy:.0}% busy on {}", count_of(cores.len(), "core"));
            if stolen >= 1.0 {
                found.push_str(&format!(", {stolen:.0}% taken by the machine below"));
            }
            // One interval says little: a build, a burst. For a quarter of an hour more work than cores, and tasks that
            // waited for one over the last five minutes, says that the node is too small for what runs on it.
            let long = load.is_some_and(|load| load.averages[2] >= 2.0 * count)
                && stall.is_none_or(|stall| stall.some[2] >= 50.0);
            if let (true, Some(load)) = (long, load) {
                found.push_str(&format!("; load {:.1} over 15 min", load.averages[2]));
                if let Some(stall) = stall {
                    found.push_str(&format!("; tasks waited {:.0}% of the last 5 min", stall.some[2]));
                }
            }
            let mut check = check(
                CheckKind::Cpu,
                busy,
                found,
                "/proc/stat, /proc/loadavg, /proc/pressure/cpu",
            );
            if check.verdict == CheckVerdict::Note && long {
                check.verdict = CheckVerdict::Warning;
            }
            if let Some(top) = self
                .containers()
                .first()
                .filter(|top| top.cpu.unwrap_or_default() > 20.0)
            {
                check.who = format!(
                    "{} ({:.0}% of a core)",
                    top.owner.words(),
                    top.cpu.unwrap_or_default()
                );
            } else if let Some(top) = self.processes().first() {
                check.who = format!("{} ({}, {:.0}% of a core)", top.command, top.pid, top.cpu);
            }
            checks.push(check);
        }
        if let Some(load) = load {
            let [one, five, fifteen] = load.averages;
            checks.push(check(
                CheckKind::Load,
                fifteen / count,
                format!(
                    "{one:.2} {five:.2} {fifteen:.2} on {}",
                    count_of(cores.len(), "core")
                ),
                "/proc/loadavg",
            ));
        }
        if let Some(stall) = stall {
            checks.push(self.stall(CheckKind::CpuStall, "cpu", stall.some, 1));
        }
        let mut throttled: Vec<Check> = self
            .containers_all()
            .into_iter()
            .filter_map(|container| {
                let share = container.throttled.filter(|share| *share >= 25.0)?;
                let mut check = check(
                    CheckKind::Throttled,
                    share,
                    format!("stopped at its CPU limit in {share:.0}% of the periods"),
                    "cpu.stat of its control group",
                );
                check.owner = Some(container.owner);
                Some(check)
            })
            .collect();
        worst_first(&mut throttled);
        checks.extend(throttled);
    }

    /// Pressure over 10 s, 1 min and 5 min; `judged` says by which it is judged.
    fn stall(&self, kind: CheckKind, file: &str, shares: [f64; 3], judged: usize) -> Check {
        let [ten, minute, five] = shares;
        check(
            kind,
            shares.get(judged).copied().unwrap_or_default(),
            format!("{ten:.0}% of 10 s, {minute:.0}% of 1 min, {five:.0}% of 5 min"),
            format!("/proc/pressure/{file}"),
        )
    }

    fn memory(&self, checks: &mut Vec<Check>) {
        if let Some(memory) = self.after.memory {
            let used = memory.total.saturating_sub(memory.available);
            checks.push(check(
                CheckKind::Memory,
                percent(used, memory.total),
                format!("{} of {} available", bytes(memory.available), bytes(memory.total)),
                "/proc/meminfo",
            ));
            checks.push(check(
                CheckKind::Slab,
                percent(memory.slab_kept, memory.total),
                bytes(memory.slab_kept),
                "/proc/meminfo SUnreclaim",
            ));
            if memory.swap_total > 0 {
                let used = memory.swap_total.saturating_sub(memory.swap_free);
                checks.push(check(
                    CheckKind::Swap,
                    percent(used, memory.swap_total),
                    format!("{} of {}", bytes(used), bytes(memory.swap_total)),
                    "/proc/meminfo",
                ));
            }
        }
        if let Some(stall) = self.after.pressure.get("memory") {
            let mut check = self.stall(CheckKind::MemoryStall, "memory", stall.full, 1);
            let mut all = self.containers_all();
            all.sort_by_key(|container| std::cmp::Reverse(container.memory_bytes));
            if let Some((top, held)) = all.first().and_then(|top| Some((top, top.memory_bytes?))) {
                check.who = format!("{} ({})", top.owner.words(), bytes(held));
            }
            checks.push(check);
        }
        if let Some((after, before)) = self.after.major_faults.zip(self.before.major_faults) {
            let rate = self.rate(after, before);
            checks.push(check(
                CheckKind::MajorFaults,
                rate,
                format!("{rate:.0} a second"),
                "/proc/vmstat pgmajfault",
            ));
        }
        if let Some((after, before)) = self.after.oom_kills.zip(self.before.oom_kills) {
            let new = after.saturating_sub(before);
            checks.push(check(
                CheckKind::OomKills,
                new as f64,
                format!("{new} now, {after} since boot"),
                "/proc/vmstat oom_kill",
            ));
        }
    }

    fn disks(&self, checks: &mut Vec<Check>) {
        for (mount, room) in &self.after.file_systems {
            let source = format!("statvfs {}", mount.point);
            if mount.became_read_only() {
                let mut check = check(
                    CheckKind::ReadOnly,
                    1.0,
                    format!(
                        "{} on {} takes no writes: the kernel made it read-only after an error",
                        mount.kind, mount.source
                    ),
                    "/proc/1/mountinfo",
                );
                check.about.clone_from(&mount.point);
                checks.push(check);
            }
            // A full volume is its pod's trouble, and its pod tells of it.
            let Some(room) = room.filter(|_| !mount.is_volume()) else {
                continue;
            };
            for (kind, left, all, words) in [
                (
                    CheckKind::DiskSpace,
                    room.bytes_left,
                    room.bytes,
                    format!("{} of {} left", bytes(room.bytes_left), bytes(room.bytes)),
                ),
                (
                    CheckKind::Inodes,
                    room.files_left,
                    room.files,
                    format!("{} of {} left", room.files_left, room.files),
                ),
            ] {
                // btrfs makes inodes as it needs them, and says 0.
                if all > 0 {
                    let share = percent(left, all);
                    let mut check = check(kind, share, format!("{share:.0}%: {words}"), source.clone());
                    check.about.clone_from(&mount.point);
                    checks.push(check);
                }
            }
        }
        for (disk, after) in &self.after.disks {
            let Some(before) = self.before.disks.get(disk) else {
                continue;
            };
            let ms = self.seconds * 1_000.0;
            let queue = after.queued_ms.saturating_sub(before.queued_ms) as f64 / ms;
            let busy = (after.busy_ms.saturating_sub(before.busy_ms) as f64 / ms * 100.0).min(100.0);
            let rate = self.rate(after.requests, before.requests);
            let mut check = check(
                CheckKind::DiskBusy,
                queue,
                format!("busy {busy:.0}% of the time, {rate:.0} requests a second, {queue:.1} in the queue"),
                "/proc/diskstats",
            );
            check.about.clone_from(disk);
            checks.push(check);
        }
        if let Some(stall) = self.after.pressure.get("io") {
            checks.push(self.stall(CheckKind::IoStall, "io", stall.full, 1));
        }
    }

    fn tasks(&self, checks: &mut Vec<Check>) {
        let after = self.after;
        if let Some((open, max)) = after.files {
            // Since 5.x most systems have no limit that could be reached.
            let limit = if max > u64::from(u32::MAX) * 1_024 {
                "no limit".to_owned()
            } else {
                format!("{max}")
            };
            checks.push(check(
                CheckKind::FileHandles,
                percent(open, max),
                format!("{open} open of {limit}"),
                "/proc/sys/fs/file-nr",
            ));
        }
        let limits = [
            after.pid_max.map(|max| (max, "pid_max")),
            after.threads_max.map(|max| (max, "threads-max")),
        ];
        if let (Some(load), Some((max, name))) = (after.load, limits.into_iter().flatten().min()) {
            let share = percent(load.tasks, max);
            let mut check = check(
                CheckKind::Tasks,
                share,
                format!("{} of {max} ({name})", load.tasks),
                format!("/proc/loadavg, /proc/sys/kernel/{name}"),
            );
            let most = after.containers.values().max_by_key(|it| it.tasks);
            if let Some((top, tasks)) = most.and_then(|top| Some((top, top.tasks?))) {
                check.who = format!("{} ({tasks})", top.owner.words());
            }
            checks.push(check);
        }
        let mut full: Vec<Check> = after
            .containers
            .iter()
            .filter_map(|(id, container)| {
                let (tasks, limit) = container.tasks.zip(container.tasks_limit)?;
                let had = self
                    .before
                    .containers
                    .get(id)
                    .map_or(0, |before| before.tasks_refused);
                let refused = container.tasks_refused.saturating_sub(had);
                let mut check = check(
                    CheckKind::ContainerTasks,
                    percent(tasks, limit),
                    format!("{tasks} of {limit} tasks, {refused} refused now"),
                    "pids.current and pids.max of its control group",
                );
                if refused > 0 {
                    check.verdict = CheckVerdict::Critical;
                }
                check.owner = Some(container.owner.clone());
                (check.verdict > CheckVerdict::Ok).then_some(check)
            })
            .collect();
        worst_first(&mut full);
        checks.extend(full);
        if !after.processes.is_empty() {
            checks.push(self.stuck(
                CheckKind::Zombies,
                'Z',
                "that ended and were not waited for",
                true,
            ));
            checks.push(self.stuck(CheckKind::Blocked, 'D', "that cannot be interrupted", false));
        }
    }

    /// Processes that are in a state both times.
    fn stuck(&self, kind: CheckKind, state: char, words: &str, name_parent: bool) -> Check {
        let was = |pid: &u32| {
            let (before, after) = (self.before.processes.get(pid), self.after.processes.get(pid));
            before
                .zip(after)
                .is_some_and(|(before, after)| before.state == state && before.started == after.started)
        };
        let stuck = self
            .after
            .processes
            .iter()
            .filter(|(pid, process)| process.state == state && was(pid));
        let mut count = 0_u32;
        let mut by_who: BTreeMap<u32, u32> = BTreeMap::new();
        for (pid, process) in stuck {
            count += 1;
            *by_who
                .entry(if name_parent { process.parent } else { *pid })
                .or_default() += 1;
        }
        let mut check = check(
            kind,
            f64::from(count),
            format!("{} {words}", count_of(count as usize, "process")),
            "/proc/*/stat",
        );
        let most = by_who
            .into_iter()
            .max_by_key(|(pid, count)| (*count, std::cmp::Reverse(*pid)));
        if let Some((pid, _)) = most {
            let command = self
                .after
                .processes
                .get(&pid)
                .map_or("", |process| &process.command);
            let owner = self.after.owners.get(&pid).cloned().unwrap_or_default();
            check.who = if owner.is_container() {
                format!("{command} ({pid}) of {}", owner.words())
            } else {
                format!("{command} ({pid})")
            };
            check.owner = Some(owner).filter(Owner::is_container);
        }
        check
    }

    fn network(&self, checks: &mut Vec<Check>) {
        if let Some(after) = self.after.conntrack {
            let before = self.before.conntrack.unwrap_or(after);
            let dropped = after.dropped.saturating_sub(before.dropped);
            let share = percent(after.entries, after.max);
            let mut found = format!("{} of {} connections", after.entries, after.max);
            if dropped > 0 {
                found.push_str(&format!(", {dropped} packets dropped now"));
            }
            checks.push(check(
                CheckKind::Conntrack,
                share,
                found,
                "/proc/sys/net/netfilter/nf_conntrack_count and _max, /proc/net/stat/nf_conntrack",
            ));
            let rate = self.rate(after.inserts_failed, before.inserts_failed);
            checks.push(check(
                CheckKind::ConntrackInserts,
                rate,
                format!("{rate:.0} a second, {} since boot", after.inserts_failed),
                "/proc/net/stat/nf_conntrack insert_failed",
            ));
        }
        let mut queues: Vec<Check> = Vec::new();
        for (id, after) in &self.after.listen {
            // A namespace that is new has counted since its start, not since the first sample.
            let Some(before) = self.before.listen.get(id) else {
                continue;
            };
            let new = after.overflows.saturating_sub(before.overflows);
            let mut check = check(
                CheckKind::ListenQueue,
                self.rate(after.overflows, before.overflows),
                format!("{new} now, {} since the start", after.overflows),
                after.source.clone(),
            );
            check.owner.clone_from(&after.owner);
            if after.owner.is_none() || check.verdict > CheckVerdict::Ok {
                queues.push(check);
            }
        }
        worst_first(&mut queues);
        checks.extend(queues);
    }

    fn clock(&self, checks: &mut Vec<Check>) {
        let Some(clock) = self.after.clock else { return };
        let offset = clock.offset_ns as f64 / 1e9;
        let found = if clock.is_untouched() {
            "nothing on this machine has set it since boot: whether it is right cannot be told".to_owned()
        } else if clock.is_left_alone() {
            "it was kept right once and is no longer: the time daemon is gone or has no server".to_owned()
        } else {
            format!("{:.3} ms off, kept right", offset * 1e3)
        };
        let mut check = check(CheckKind::Clock, offset.abs(), found, "adjtimex");
        if clock.is_left_alone() {
            check.verdict = CheckVerdict::Warning;
        } else if clock.is_untouched() {
            check.verdict = CheckVerdict::Note;
        } else if let (CheckVerdict::Warning, Some(before)) = (check.verdict, self.before.clock) {
            // One that comes nearer is being mended.
            if clock.offset_ns.unsigned_abs() < before.offset_ns.unsigned_abs() {
                check.verdict = CheckVerdict::Note;
            }
        }
        checks.push(check);
    }

    fn services(&self, services: &Services, checks: &mut Vec<Check>, coverage: &mut Vec<Coverage>) {
        let runs = |name: &str| {
            self.after
                .processes
                .values()
                .any(|process| process.command == name)
        };
        let has_kubelet = runs("kubelet");
        let source = "http://127.0.0.1:10248/healthz";
        match &services.kubelet {
            Some(Answer::Well(words)) => checks.push(check(CheckKind::Kubelet, 0.0, words.as_str(), source)),
            Some(Answer::Bad(words)) => checks.push(check(CheckKind::Kubelet, 1.0, words.as_str(), source)),
            Some(Answer::Unasked(why)) => coverage.push(gap("kubelet", &format!("{source}: {why}"))),
            None if has_kubelet => {
                coverage.push(gap(
                    "kubelet",
                    "one runs, and listens for questions about its health elsewhere or not at all",
                ));
            }
            None => coverage.push(gap("kubelet", "none runs here")),
        }
        let any_well = services
            .runtimes
            .iter()
            .any(|(_, answer)| matches!(answer, Answer::Well(_)));
        for (socket, answer) in &services.runtimes {
            let (value, words) = match answer {
                Answer::Well(words) => (0.0, words),
                // Where a kubelet works, somebody must serve it.
                Answer::Bad(words) if has_kubelet && !any_well => (1.0, words),
                Answer::Unasked(why) | Answer::Bad(why) => {
                    coverage.push(gap("container runtime", &format!("{socket}: {why}")));
                    continue;
                }
            };
            let mut check = check(CheckKind::Runtime, value, words.as_str(), socket.as_str());
            check.about.clone_from(socket);
            checks.push(check);
        }
        if services.runtimes.is_empty() {
            coverage.push(gap(
                "container runtime",
                "no socket of one is in the usual places",
            ));
        }
    }

    /// The processes that used most.
    fn processes(&self) -> Vec<ProcessUse> {
        let cores: u64 = self.after.cores.len().max(1) as u64;
        let ticks = |sample: &Sample| -> u64 { sample.cores.values().map(|core| core.all).sum() };
        // All ticks of one core in the interval: what is 100 %.
        let one_core = ticks(self.after).saturating_sub(ticks(self.before)) / cores;
        let mut all: Vec<(u64, u32)> = self
            .after
            .processes
            .iter()
            .map(|(pid, process)| (ticks_since(self.before, *pid, process), *pid))
            .filter(|(ticks, _)| *ticks > 0)
            .collect();
        all.sort_by_key(|(ticks, pid)| (std::cmp::Reverse(*ticks), *pid));
        all.truncate(TOP);
        all.into_iter()
            .filter_map(|(ticks, pid)| {
                let process = self.after.processes.get(&pid)?;
                Some(ProcessUse {
                    pid,
                    command: process.command.clone(),
                    cpu: percent(ticks, one_core),
                    resident_bytes: process.resident_pages.saturating_mul(PAGE_BYTES),
                    threads: process.threads,
                    owner: self.after.owners.get(&pid).cloned().unwrap_or_default(),
                })
            })
            .collect()
    }

    fn containers(&self) -> Vec<ContainerUse> {
        let mut all = self.containers_all();
        all.sort_by(|a, b| {
            let cpu = |it: &ContainerUse| it.cpu.unwrap_or_default();
            cpu(b).total_cmp(&cpu(a)).then_with(|| a.owner.cmp(&b.owner))
        });
        all.truncate(TOP);
        all
    }

    fn containers_all(&self) -> Vec<ContainerUse> {
        let of = |(id, after): (&String, &crate::groups::ContainerCounters)| {
            let before = self.before.containers.get(id);
            let cpu = after.cpu_ns.zip(before.and_then(|before| before.cpu_ns));
            let periods = after.periods.zip(before.and_then(|before| before.periods));
            let throttled = periods.and_then(|(now, then)| {
                let ran = now.saturating_sub(then);
                let stopped = after
                    .throttled
                    .saturating_sub(before.map_or(0, |before| before.throttled));
                // Of a handful of periods no share can be told.
                (ran >= 5).then(|| percent(stopped, ran))
            });
            ContainerUse {
                owner: after.owner.clone(),
                cpu: cpu.map(|(now, then)| now.saturating_sub(then) as f64 / 1e9 / self.seconds * 100.0),
                throttled,
                memory_bytes: after.memory,
                memory_limit_bytes: after.memory_limit,
                tasks: after.tasks,
                tasks_limit: after.tasks_limit,
            }
        };
        self.after.containers.iter().map(of).collect()
    }

    fn rate(&self, after: u64, before: u64) -> f64 {
        after.saturating_sub(before) as f64 / self.seconds
    }
}

fn worst_first(checks: &mut Vec<Check>) {
    checks.sort_by(|a, b| b.value.total_cmp(&a.value));
    checks.truncate(ROWS_MAX);
}

fn gap(signal: &str, why: &str) -> Coverage {
    Coverage {
        signal: signal.to_owned(),
        seen: Seen::Nothing,
        why: why.to_owned(),
        remedy: String::new(),
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64 * 100.0
    }
}

fn bytes(bytes: u64) -> String {
    bytes_text(i64::try_from(bytes).unwrap_or(i64::MAX))
}

fn count_of(count: usize, thing: &str) -> String {
    match (count, thing) {
        (1, _) => format!("1 {thing}"),
        (_, "process") => format!("{count} processes"),
        _ => format!("{count} {thing}s"),
    }
}
