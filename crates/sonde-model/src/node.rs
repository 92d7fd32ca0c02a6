//! How a node stands, as one node can tell by itself: checks with their thresholds, who uses what, what was not read.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Coverage, Owner};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckVerdict {
    /// As it should be.
    #[default]
    Ok,
    /// Worth knowing, no trouble by itself.
    Note,
    /// Trouble begins.
    Warning,
    /// Something fails, or soon will.
    Critical,
}

impl CheckVerdict {
    /// Each with its word.
    const WORDS: &[(Self, &str)] = &[
        (Self::Ok, "ok"),
        (Self::Note, "note"),
        (Self::Warning, "warning"),
        (Self::Critical, "critical"),
    ];

    /// The word in lines and tables.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|it| it.0 == self).map_or("", |it| it.1)
    }

    /// The verdict that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|it| it.1 == word).map(|it| it.0)
    }
}

/// Declares the checks once: variant, word, symptom, the code of its cause, what it is.
macro_rules! checks {
    ($($variant:ident $word:literal $symptom:literal $code:expr, $title:literal;)+) => {
        /// What is checked.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        pub enum CheckKind {
            $(#[doc = $title] #[serde(rename = $word)] $variant,)+
        }

        impl CheckKind {
            /// Every check, in the order in which reports list them.
            pub const ALL: &'static [CheckKind] = &[$(CheckKind::$variant),+];

            /// The word in lines, tables and JSON.
            pub fn word(self) -> &'static str {
                match self { $(CheckKind::$variant => $word),+ }
            }

            /// What a person sees when it fails, in the manner of a node's conditions.
            pub fn symptom(self) -> &'static str {
                match self { $(CheckKind::$variant => $symptom),+ }
            }

            /// The code of the cause that tells of it; `None` for what is no trouble by itself.
            pub fn code(self) -> Option<&'static str> {
                match self { $(CheckKind::$variant => $code),+ }
            }

            /// What it is, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(CheckKind::$variant => $title),+ }
            }
        }
    };
}

checks! {
    Cpu "cpu" "CPUSaturated" Some("NOD-CPU-SATURATED"), "processors busy";
    Load "load" "HighLoad" None, "load of 15 minutes by core";
    CpuStall "cpu-stall" "CPUStall" None, "tasks that wait for a processor";
    Throttled "throttled" "CPUThrottled" None, "container throttled at its CPU limit";
    Memory "memory" "MemoryLow" None, "memory in use";
    MemoryStall "memory-stall" "MemoryStall" Some("NOD-MEMORY-STALL"), "all tasks wait for memory";
    Slab "slab" "Slab" None, "memory of the kernel that it cannot give back";
    Swap "swap" "Swap" None, "swap in use";
    MajorFaults "major-faults" "MajorFaults" None, "pages read back from disk";
    OomKills "oom-kills" "OOMKilling" None, "processes killed for memory";
    DiskSpace "disk-space" "DiskFull" Some("NOD-DISK-FULL"), "space left on a file system";
    Inodes "inodes" "InodesUsedUp" Some("NOD-INODES"), "inodes left on a file system";
    ReadOnly "read-only" "ReadonlyFilesystem" Some("NOD-DISK-READ-ONLY"), "file system that became read-only";
    DiskBusy "disk-busy" "DiskBusy" None, "disk busy";
    IoStall "io-stall" "IOStall" Some("NOD-DISK-STALL"), "all tasks wait for disks";
    FileHandles "file-handles" "FileHandlesUsedUp" Some("NOD-FILE-HANDLES"), "open files";
    Tasks "tasks" "TasksUsedUp" Some("NOD-PIDS"), "processes and threads";
    ContainerTasks "container-tasks" "ContainerTasksUsedUp" Some("NOD-CONTAINER-PIDS"), "processes and threads of a container";
    Zombies "zombies" "Zombies" Some("NOD-ZOMBIES"), "processes that ended and were not waited for";
    Blocked "blocked" "TaskHung" Some("NOD-TASKS-BLOCKED"), "tasks stuck in the kernel";
    Conntrack "conntrack" "ConntrackFull" Some("NOD-CONNTRACK-FULL"), "connections that the kernel tracks";
    ConntrackInserts "conntrack-inserts" "ConntrackInsertFailed" None, "connections that could not be tracked";
    ListenQueue "listen-queue" "ListenQueueOverflow" Some("NET-LISTEN-OVERFLOW"), "connections that no program took in time";
    Clock "clock" "ClockUnsynchronized" Some("NOD-CLOCK"), "clock";
    Kubelet "kubelet" "KubeletUnhealthy" Some("NOD-KUBELET-UNHEALTHY"), "kubelet";
    Runtime "runtime" "ContainerRuntimeUnhealthy" Some("NOD-RUNTIME-SILENT"), "container runtime";
}

impl CheckKind {
    /// The check that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }
}

/// In what a value is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Unit {
    /// Of a hundred.
    #[default]
    Percent,
    /// Pieces.
    Count,
    /// Pieces in a second.
    PerSecond,
    /// Seconds.
    Seconds,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What is checked.
    pub kind: CheckKind,
    /// Of what: a mount point, a disk, a socket; empty for the whole node.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// The container that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// How it came out.
    pub verdict: CheckVerdict,
    /// The value.
    pub value: f64,
    /// What the value counts.
    pub unit: Unit,
    /// From (or, for what is left, below) this value on it is a warning; absent where it is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<f64>,
    /// From (or below) this value on it is critical.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub critical: Option<f64>,
    /// The value in words, with what it is made of.
    pub found: String,
    /// Who uses most of it, where that is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub who: String,
    /// Where it was read.
    pub source: String,
}

impl Default for CheckKind {
    fn default() -> Self {
        Self::ALL[0]
    }
}

/// How busy one core was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CoreUse {
    /// Its number.
    pub core: u32,
    /// Of a hundred: not idle, and not waiting for disks.
    pub busy: f64,
    /// Of a hundred: idle while a disk was waited for.
    pub waiting: f64,
    /// Of a hundred: taken away by the machine below this one.
    pub stolen: f64,
}

/// What one process used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessUse {
    /// Its id.
    pub pid: u32,
    /// The command's name, cut by the kernel at 15 bytes.
    pub command: String,
    /// Of a hundred of one core.
    pub cpu: f64,
    /// Resident memory in bytes.
    pub resident_bytes: u64,
    /// Its threads.
    pub threads: u64,
    /// Whose it is.
    pub owner: Owner,
}

/// What one container used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerUse {
    /// Whose it is.
    pub owner: Owner,
    /// Of a hundred of one core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
    /// Of a hundred periods in which it ran, so many ended at its limit; absent without a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled: Option<f64>,
    /// Memory without what can be dropped at once, in bytes, as the kubelet counts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Its memory limit in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit_bytes: Option<u64>,
    /// Its processes and threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<u64>,
    /// Their limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks_limit: Option<u64>,
}

/// How a node stands: the answer of an agent's `/v1/node`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeReport {
    /// `sonde.node/v1`.
    pub schema: String,
    /// The node's name.
    pub node: String,
    /// The node's clock at the end of the interval.
    #[schemars(with = "String")]
    pub now: Timestamp,
    /// Rates are over so many milliseconds.
    pub interval_ms: u64,
    /// Read by an agent; else by the command itself, with the rights of who started it.
    pub by_agent: bool,
    /// The checks, in the order of their kinds.
    pub checks: Vec<Check>,
    /// Each core.
    pub cores: Vec<CoreUse>,
    /// The processes that used most CPU, most first.
    pub processes: Vec<ProcessUse>,
    /// The containers that used most CPU, most first.
    pub containers: Vec<ContainerUse>,
    /// How many containers there are.
    pub containers_seen: u64,
    /// What could not be read, and why.
    pub coverage: Vec<Coverage>,
}

impl NodeReport {
    /// The schema's name.
    pub const SCHEMA: &str = "sonde.node/v1";

    /// The worst verdict of all.
    pub fn worst(&self) -> CheckVerdict {
        let all = self.checks.iter().map(|check| check.verdict);
        all.max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back_and_are_the_json() {
        for kind in CheckKind::ALL {
            assert_eq!(CheckKind::from_word(kind.word()), Some(*kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        }
        for (verdict, word) in CheckVerdict::WORDS {
            assert_eq!(CheckVerdict::from_word(word), Some(*verdict));
            assert_eq!(serde_json::to_value(verdict).unwrap(), *word);
        }
        assert_eq!(CheckKind::from_word("weather"), None);
    }
}
