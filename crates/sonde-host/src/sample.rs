//! Everything that is read of a node at one time.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use sonde_model::{Coverage, Owner, Seen};

use crate::files::{self, CoreTicks, DiskWork, Load, Memory, Mount, Pressure};
use crate::groups::{self, ContainerCounters, Hierarchies};
use crate::host::Room;
use crate::processes::{self, Process};
use crate::text::{column_sum, number, pairs, protocol_value};
use crate::{Clock, Host};

/// Network namespaces of containers beyond these are not read.
const NETWORKS_MAX: usize = 512;
/// Processes whose owner is looked up.
pub(crate) const TOP: usize = 10;

/// What was read of a node at one time. Two of them, some time apart, are judged.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// Seconds since boot.
    pub(crate) uptime: f64,
    pub(crate) cores: BTreeMap<u32, CoreTicks>,
    pub(crate) load: Option<Load>,
    /// By `cpu`, `memory`, `io`.
    pub(crate) pressure: BTreeMap<&'static str, Pressure>,
    pub(crate) memory: Option<Memory>,
    pub(crate) oom_kills: Option<u64>,
    pub(crate) major_faults: Option<u64>,
    pub(crate) file_systems: Vec<(Mount, Option<Room>)>,
    pub(crate) disks: BTreeMap<String, DiskWork>,
    /// Open files and their limit.
    pub(crate) files: Option<(u64, u64)>,
    pub(crate) pid_max: Option<u64>,
    pub(crate) threads_max: Option<u64>,
    pub(crate) processes: BTreeMap<u32, Process>,
    /// Owners of the processes that matter.
    pub(crate) owners: BTreeMap<u32, Owner>,
    pub(crate) conntrack: Option<Conntrack>,
    /// Connections that no program took in time, by network namespace.
    pub(crate) listen: BTreeMap<String, Listen>,
    pub(crate) clock: Option<Clock>,
    pub(crate) containers: BTreeMap<String, ContainerCounters>,
    pub(crate) groups: &'static str,
    /// What could not be read.
    pub(crate) gaps: Vec<Coverage>,
}

/// The table of tracked connections of the node's network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Conntrack {
    pub(crate) entries: u64,
    pub(crate) max: u64,
    pub(crate) inserts_failed: u64,
    pub(crate) dropped: u64,
}

/// Queues of one network namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Listen {
    /// The node's own namespace has none.
    pub(crate) owner: Option<Owner>,
    pub(crate) overflows: u64,
    pub(crate) source: String,
}

impl Sample {
    /// Reads a node now.
    pub fn read(host: &Host) -> Self {
        let mut sample = Self::default();
        sample.read_files(host);
        sample.read_network(host);
        sample.read_groups(host);
        sample.read_processes(host);
        sample
    }

    /// As [`Self::read`], later: whose the processes are is looked up for those that did most since then.
    pub fn read_after(host: &Host, before: &Self) -> Self {
        let mut sample = Self::read(host);
        let mut busy: Vec<(u64, u32)> = sample
            .processes
            .iter()
            .map(|(pid, process)| (ticks_since(before, *pid, process), *pid))
            .collect();
        busy.sort_by_key(|(ticks, pid)| (std::cmp::Reverse(*ticks), *pid));
        let stuck = |process: &Process| matches!(process.state, 'D' | 'Z');
        let mut wanted: BTreeSet<u32> = busy.iter().take(TOP).map(|(_, pid)| *pid).collect();
        let troubled = sample.processes.iter().filter(|(_, process)| stuck(process));
        wanted.extend(
            troubled
                .take(256)
                .flat_map(|(pid, process)| [*pid, process.parent]),
        );
        for pid in wanted {
            if let Ok(text) = host.text(&format!("/proc/{pid}/cgroup")) {
                sample.owners.insert(pid, groups::owner_of(&text));
            }
        }
        sample
    }

    /// Every owner, to be given the names that a runtime tells.
    pub fn owners_mut(&mut self) -> impl Iterator<Item = &mut Owner> {
        let containers = self.containers.values_mut().map(|container| &mut container.owner);
        let queues = self.listen.values_mut().filter_map(|queue| queue.owner.as_mut());
        containers.chain(self.owners.values_mut()).chain(queues)
    }

    fn gap(&mut self, signal: &str, why: impl Into<String>, remedy: &str) {
        self.gaps.push(Coverage {
            signal: signal.to_owned(),
            seen: Seen::Nothing,
            why: why.into(),
            remedy: remedy.to_owned(),
        });
    }

    /// What is read, or the reason why it is not.
    fn have<T>(
        &mut self,
        signal: &str,
        path: &str,
        read: io::Result<String>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        match read {
            Ok(text) => {
                let parsed = parse(&text);
                if parsed.is_none() {
                    self.gap(signal, format!("{path} is not as expected"), "");
                }
                parsed
            }
            Err(error) => {
                self.gap(signal, format!("{path}: {error}"), remedy(&error));
                None
            }
        }
    }

    fn file<T>(
        &mut self,
        host: &Host,
        signal: &str,
        path: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let read = host.text(path);
        self.have(signal, path, read, parse)
    }

    fn read_files(&mut self, host: &Host) {
        let seconds = |text: &str| text.split(' ').next()?.parse().ok();
        self.uptime = self
            .file(host, "time since boot", "/proc/uptime", seconds)
            .unwrap_or_default();
        let cores = |text: &str| Some(files::cores(text)).filter(|cores| !cores.is_empty());
        self.cores = self
            .file(host, "processors", "/proc/stat", cores)
            .unwrap_or_default();
        self.load = self.file(host, "load", "/proc/loadavg", files::load);
        for (name, signal) in [
            ("cpu", "pressure of processors"),
            ("memory", "pressure of memory"),
            ("io", "pressure of disks"),
        ] {
            let path = format!("/proc/pressure/{name}");
            if let Some(pressure) = self.file(host, signal, &path, files::pressure) {
                self.pressure.insert(name, pressure);
            }
        }
        self.memory = self.file(host, "memory", "/proc/meminfo", files::memory);
        let vmstat = self.file(host, "memory kills and major faults", "/proc/vmstat", |text| {
            let pairs = pairs(text);
            Some((pairs.get("oom_kill").copied(), pairs.get("pgmajfault").copied()))
        });
        (self.oom_kills, self.major_faults) = vmstat.unwrap_or_default();
        let disks = |text: &str| Some(files::disks(text));
        self.disks = self
            .file(host, "work of disks", "/proc/diskstats", disks)
            .unwrap_or_default();
        self.files = self.file(host, "open files", "/proc/sys/fs/file-nr", |text| {
            let mut words = text.split_ascii_whitespace();
            Some((words.next()?.parse().ok()?, words.nth(1)?.parse().ok()?))
        });
        self.pid_max = self.file(host, "limit of processes", "/proc/sys/kernel/pid_max", number);
        self.threads_max = self.file(host, "limit of threads", "/proc/sys/kernel/threads-max", number);
        match host.clock() {
            Ok(clock) => self.clock = Some(clock),
            Err(error) => self.gap("clock", format!("adjtimex: {error}"), remedy(&error)),
        }
        self.read_mounts(host);
    }

    fn read_mounts(&mut self, host: &Host) {
        // The first process sees what the node sees, also from a container with the node's pids.
        let read = host.first_text(&["/proc/1/mountinfo", "/proc/self/mountinfo"]);
        let Some(mounts) = self.have(
            "file systems",
            "/proc/1/mountinfo",
            read.map(|(text, _)| text),
            |text| Some(files::mounts(text)),
        ) else {
            return;
        };
        let hierarchies = Hierarchies::of(&mounts);
        self.groups = hierarchies.words();
        if hierarchies.are_mounted() {
            let (containers, more) = groups::containers(host, &hierarchies);
            self.containers = containers;
            if more {
                self.gap("containers", "there are more control groups than are walked", "");
            }
        } else {
            self.gap(
                "containers",
                "no control groups are mounted here",
                "mount /sys/fs/cgroup of the node",
            );
        }
        if mounts
            .iter()
            .any(|mount| mount.point == "/" && mount.kind == "overlay")
        {
            self.gap(
                "file systems of the node",
                "a container's own are seen instead: the files that its kubelet mounts into it are on the node's disk",
                "run with the node's pids (hostPID) and SYS_PTRACE, or on the node itself",
            );
        }
        let mut seen = BTreeSet::new();
        for mount in mounts.into_iter().filter(Mount::is_disk) {
            // One file system may be mounted in many places; the first is where it lives.
            if !seen.insert(mount.device.clone()) {
                continue;
            }
            let room = match host.room(&mount.point) {
                Ok(room) => Some(room),
                Err(error) => {
                    let signal = format!("space on {}", mount.point);
                    self.gap(&signal, format!("statvfs: {error}"), remedy(&error));
                    None
                }
            };
            self.file_systems.push((mount, room));
        }
    }

    fn read_network(&mut self, host: &Host) {
        let sysctl = |name: &str| host.text(&format!("/proc/sys/net/netfilter/nf_conntrack_{name}"));
        match (sysctl("count"), sysctl("max")) {
            (Ok(count), Ok(max)) => {
                let stat = host
                    .first_text(&["/proc/1/net/stat/nf_conntrack", "/proc/net/stat/nf_conntrack"])
                    .map(|(text, _)| text);
                let stat = stat.unwrap_or_default();
                self.conntrack = number(&count).zip(number(&max)).map(|(entries, max)| Conntrack {
                    entries,
                    max,
                    inserts_failed: column_sum(&stat, "insert_failed").unwrap_or_default(),
                    dropped: column_sum(&stat, "drop").unwrap_or_default(),
                });
            }
            (Err(error), _) | (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                // No connection is tracked, so no table can be full.
            }
            (Err(error), _) | (_, Err(error)) => {
                self.gap(
                    "tracked connections",
                    format!("nf_conntrack_count: {error}"),
                    remedy(&error),
                );
            }
        }
        match host.first_text(&["/proc/1/net/netstat", "/proc/net/netstat"]) {
            Ok((text, path)) => {
                let overflows = protocol_value(&text, "TcpExt", "ListenOverflows").unwrap_or_default();
                let listen = Listen {
                    owner: None,
                    overflows,
                    source: format!("{path} ListenOverflows"),
                };
                self.listen.insert(String::new(), listen);
            }
            Err(error) => self.gap(
                "listen queues",
                format!("/proc/net/netstat: {error}"),
                remedy(&error),
            ),
        }
    }

    /// Each pod has queues of its own, in its own network namespace.
    fn read_groups(&mut self, host: &Host) {
        let mut known: BTreeSet<String> = BTreeSet::new();
        known.extend(host.link("/proc/1/ns/net"));
        known.extend(host.link("/proc/self/ns/net"));
        let mut unread = 0_usize;
        for (id, container) in &self.containers {
            let Some(pid) = container.pid else { continue };
            let Some(namespace) = host.link(&format!("/proc/{pid}/ns/net")) else {
                unread += 1;
                continue;
            };
            if known.contains(&namespace) {
                continue;
            }
            if known.len() >= NETWORKS_MAX {
                unread += 1;
                continue;
            }
            let path = format!("/proc/{pid}/net/netstat");
            let overflows = host
                .text(&path)
                .ok()
                .and_then(|text| protocol_value(&text, "TcpExt", "ListenOverflows"));
            match overflows {
                Some(overflows) => {
                    known.insert(namespace);
                    let listen = Listen {
                        owner: Some(container.owner.clone()),
                        overflows,
                        source: format!("{path} ListenOverflows"),
                    };
                    self.listen.insert(id.clone(), listen);
                }
                None => unread += 1,
            }
        }
        if unread > 0 {
            self.gap(
                "listen queues of pods",
                format!("the network namespaces of {unread} containers cannot be read"),
                "run as root with the node's pids (hostPID)",
            );
        }
    }

    fn read_processes(&mut self, host: &Host) {
        let (processes, more) = processes::read(host);
        self.processes = processes;
        if more {
            self.gap(
                "processes",
                format!(
                    "more than {} run; the rest was not read",
                    processes::PROCESSES_MAX
                ),
                "",
            );
        }
        let threads: u64 = self.processes.values().map(|process| process.threads).sum();
        let of_node = self.load.map_or(0, |load| load.tasks);
        // Tasks come and go while they are read; far fewer means that others are hidden.
        if of_node > 2 * threads + 64 {
            self.gap(
                "processes",
                format!("{threads} of the node's {of_node} tasks can be seen"),
                "run on the node itself, or with the node's pids (hostPID)",
            );
        }
    }
}

/// Ticks of a process since a sample; all of them where it is new.
pub(crate) fn ticks_since(before: &Sample, pid: u32, process: &Process) -> u64 {
    let had = before
        .processes
        .get(&pid)
        .filter(|had| had.started == process.started);
    process.ticks.saturating_sub(had.map_or(0, |had| had.ticks))
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "ask as root",
        _ => "",
    }
}

#[cfg(test)]
impl Sample {
    /// An empty sample so many seconds after boot.
    pub(crate) fn at_uptime(uptime: f64) -> Self {
        Self {
            uptime,
            groups: "",
            ..Self::default()
        }
    }
}
