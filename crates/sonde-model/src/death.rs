//! What an agent saw of a process's end: from the kernel's own hooks, with who sent the signal.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who runs in a control group: a container, or something of the node's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    /// The pod's namespace; empty for what is no pod's.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub namespace: Arc<str>,
    /// The pod's name; empty where the runtime did not tell it.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub pod: Arc<str>,
    /// The pod's uid, by the runtime or by the name of its control group.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub pod_uid: Arc<str>,
    /// The container's name; empty for a pod's sandbox, and where the runtime did not tell it.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub container: Arc<str>,
    /// The container's id without the runtime's prefix; empty for what is no container's.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub container_id: Arc<str>,
    /// It is the container that holds the pod's namespaces and runs nothing of the pod's (`pause`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sandbox: bool,
    /// The control group's own name, as the kernel has it.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub group: Arc<str>,
}

impl Owner {
    /// Whether it is a container's.
    pub fn is_container(&self) -> bool {
        !self.container_id.is_empty()
    }

    /// `shop/checkout-1/app`; the id or the group's own name where the runtime told nothing.
    pub fn words(&self) -> String {
        if !self.pod.is_empty() {
            let container = if self.sandbox {
                "(sandbox)"
            } else {
                &self.container
            };
            return format!("{}/{}/{container}", self.namespace, self.pod);
        }
        if self.is_container() {
            let id: String = self.container_id.chars().take(ID_CHARACTERS).collect();
            return match &*self.pod_uid {
                "" => format!("container {id}"),
                uid => format!("pod {uid} container {id}"),
            };
        }
        match &*self.group {
            "" => "node".to_owned(),
            group => format!("node: {group}"),
        }
    }
}

/// Characters of an id that are enough to find it, as runtimes' own tools show them.
const ID_CHARACTERS: usize = 12;

/// A process as it was at that moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessSeen {
    /// Its id on the node.
    pub pid: u32,
    /// The command's name, cut by the kernel at 15 bytes.
    pub command: String,
    /// The effective user on the node.
    pub uid: u32,
    /// The parent's id on the node.
    pub parent_pid: u32,
    /// The parent's command.
    pub parent_command: String,
    /// It is the first process of its container: the container ends with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first: bool,
    /// Whose it is.
    pub owner: Owner,
}

/// What kind of sender a signal came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SenderKind {
    /// The kernel's out-of-memory killer.
    OutOfMemory,
    /// The kernel, when the first process of the pid namespace ended: the rest go with it.
    NamespaceEnd,
    /// The kernel, for a fault of the process itself (SIGSEGV, SIGILL and their kin).
    Fault,
    /// The kernel, for another reason.
    Kernel,
    /// The process itself.
    Itself,
    /// Another process of the same container.
    SameContainer,
    /// A process of another container.
    OtherContainer,
    /// The container runtime: runc, crun, or a shim. Whoever asked the runtime is not told by the signal.
    Runtime,
    /// The kubelet itself.
    Kubelet,
    /// The node's service manager.
    ServiceManager,
    /// Any other process of the node.
    NodeProcess,
}

impl SenderKind {
    /// The word in lines and tables; [`Self::from_word`] reads it.
    pub fn word(self) -> &'static str {
        KINDS
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("", |(_, word)| word)
    }

    /// The kind that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        KINDS.iter().find(|(_, it)| *it == word).map(|(kind, _)| *kind)
    }
}

const KINDS: &[(SenderKind, &str)] = &[
    (SenderKind::OutOfMemory, "out-of-memory"),
    (SenderKind::NamespaceEnd, "namespace-end"),
    (SenderKind::Fault, "fault"),
    (SenderKind::Kernel, "kernel"),
    (SenderKind::Itself, "itself"),
    (SenderKind::SameContainer, "same-container"),
    (SenderKind::OtherContainer, "other-container"),
    (SenderKind::Runtime, "runtime"),
    (SenderKind::Kubelet, "kubelet"),
    (SenderKind::ServiceManager, "service-manager"),
    (SenderKind::NodeProcess, "node-process"),
];

/// Who sent a signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SenderSeen {
    /// What it is.
    pub kind: SenderKind,
    /// The process that was running then: the sender, or for the kernel's own signals the one in whose name it acted.
    pub process: ProcessSeen,
}

/// Use and limit of a control group's memory, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupMemory {
    /// The group's own name; the root's is empty.
    pub name: String,
    /// What is charged to it.
    pub usage_bytes: u64,
    /// Its limit; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_bytes: Option<u64>,
}

/// What happened to the process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "what")]
pub enum DeathKind {
    /// A signal was sent whose default is to end a process.
    #[serde(rename_all = "camelCase")]
    Signal {
        /// Its number.
        signal: i32,
        /// Who sent it.
        sender: SenderSeen,
        /// Whether it reached the process; one that is blocked, ignored or already pending does not.
        delivered: bool,
    },
    /// The process ended.
    #[serde(rename_all = "camelCase")]
    Exit {
        /// The code, if it left by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u8>,
        /// The signal that ended it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<u8>,
        /// Who sent that signal, where it was seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sender: Option<SenderSeen>,
    },
    /// The kernel chose it when memory ran out.
    #[serde(rename_all = "camelCase")]
    OutOfMemory {
        /// The process whose allocation did not fit.
        trigger: ProcessSeen,
        /// Anonymous memory that the victim held, in bytes.
        anonymous_bytes: u64,
        /// Mapped files, in bytes.
        file_bytes: u64,
        /// Shared memory and tmpfs, in bytes.
        shared_bytes: u64,
        /// The victim's control group and those above it, the nearest first.
        groups: Vec<GroupMemory>,
    },
}

/// One thing that the kernel told of a process's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Death {
    /// When, by the node's clock.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// The process that was hit.
    pub process: ProcessSeen,
    /// What happened to it.
    #[serde(flatten)]
    pub kind: DeathKind,
}

/// What an agent remembers of deaths: the answer of its `/v1/deaths`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deaths {
    /// `sonde.deaths/v1`.
    pub schema: String,
    /// The node's name.
    pub node: String,
    /// The agent has watched since then; older ends are not known.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// The node's clock when it answered.
    #[schemars(with = "String")]
    pub now: Timestamp,
    /// Oldest first.
    pub deaths: Vec<Death>,
    /// Events that did not fit into the kernel's ring since the start.
    pub lost: u64,
    /// Events that were dropped here since the start because the memory for them is bounded.
    pub dropped: u64,
}

impl Deaths {
    /// The schema's name.
    pub const SCHEMA: &str = "sonde.deaths/v1";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_senders_are_read_back() {
        for (kind, word) in KINDS {
            assert_eq!(kind.word(), *word);
            assert_eq!(SenderKind::from_word(word), Some(*kind));
        }
        assert_eq!(SenderKind::from_word("somebody"), None);
    }
}
