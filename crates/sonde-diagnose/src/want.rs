//! Evidence that would decide and is not at hand.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sonde_grammar::log::NodeLog;
use sonde_model::{Kind, Moment as _, ObjectRef};

use crate::LogKey;
use crate::command::pasteable;

/// One thing to fetch before the engine runs again. Offline it becomes a blind spot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Want {
    /// The last lines of a container's log.
    ContainerLog(LogKey),
    /// A node's kernel log around a time.
    KernelLog {
        /// The node.
        node: Arc<str>,
        /// The time; `None` for the newest lines.
        around: Option<Timestamp>,
    },
    /// A node's kubelet log around a time.
    KubeletLog {
        /// The node.
        node: Arc<str>,
        /// The time; `None` for the newest lines.
        around: Option<Timestamp>,
    },
    /// The deaths that an agent on a node remembers.
    AgentDeaths {
        /// The node.
        node: Arc<str>,
    },
    /// The counters of a node's containers.
    Counters {
        /// The node.
        node: Arc<str>,
    },
    /// One object.
    Object(ObjectRef),
    /// Every object of a kind, in one namespace or (empty) in the cluster.
    Kind {
        /// The kind.
        kind: Kind,
        /// The namespace.
        namespace: Arc<str>,
    },
}

impl Want {
    /// The command with which a person gets it.
    pub fn command(&self) -> Option<String> {
        let command = match self {
            Want::ContainerLog(key) => format!(
                "kubectl logs {} -n {} -c {}{} --tail=200",
                key.pod,
                key.namespace,
                key.container,
                if key.previous { " --previous" } else { "" }
            ),
            Want::KernelLog { node, .. } => format!(
                "kubectl debug node/{node} -it --image=busybox --profile=sysadmin -- chroot /host dmesg -T"
            ),
            Want::KubeletLog { node, around } => {
                let since = around.map_or(String::new(), |time| {
                    format!("&sinceTime={}", time.earlier(LOOKBACK))
                });
                // Many kubelets do not answer queries for logs (`NodeLogQuery`).
                format!(
                    "kubectl get --raw \"/api/v1/nodes/{node}/proxy/logs/?query=kubelet{since}\" || ssh {node} journalctl -u kubelet -n 1000"
                )
            }
            // On the node itself; where no agent ran then, the next end is seen by one that runs.
            Want::AgentDeaths { .. } => "sonde deaths".to_owned(),
            Want::Counters { node } => format!(
                "kubectl get --raw /api/v1/nodes/{node}/proxy/metrics/cadvisor | grep container_cpu_cfs"
            ),
            Want::Object(object) => format!("kubectl get {} -o yaml", object.kubectl()),
            Want::Kind { kind, namespace } => {
                let plural = kind
                    .info()
                    .map_or_else(|| kind.word(), |info| info.plural.to_owned());
                if *kind == Kind::Node {
                    // The table shows neither what they offer nor what they refuse.
                    "kubectl describe nodes".to_owned()
                } else if !kind.is_namespaced() {
                    format!("kubectl get {plural}")
                } else if namespace.is_empty() {
                    format!("kubectl get {plural} -A")
                } else {
                    format!("kubectl get {plural} -n {namespace}")
                }
            }
        };
        pasteable(&command)
    }

    /// What it costs a person and the cluster, in order: an object, a list, a container's log, a node.
    pub(crate) fn cost(&self) -> u8 {
        match self {
            Want::Object(_) => 0,
            Want::Kind { .. } => 1,
            Want::ContainerLog(_) => 2,
            Want::Counters { .. } => 3,
            Want::KubeletLog { .. } => 4,
            Want::KernelLog { .. } => 5,
            // Few nodes have one.
            Want::AgentDeaths { .. } => 6,
        }
    }

    /// Which log of which node is wanted around which time, where it is one.
    pub(crate) fn node_log(&self) -> Option<(&Arc<str>, NodeLog, Option<Timestamp>)> {
        match self {
            Want::KernelLog { node, around } => Some((node, NodeLog::Kernel, *around)),
            Want::KubeletLog { node, around } => Some((node, NodeLog::Kubelet, *around)),
            Want::AgentDeaths { node } => Some((node, NodeLog::Agent, None)),
            _ => None,
        }
    }

    /// The same, whatever time it is about: a log that cannot be read cannot be read around any time.
    pub(crate) fn at_any_time(&self) -> Self {
        let mut want = self.clone();
        if let Want::KernelLog { around, .. } | Want::KubeletLog { around, .. } = &mut want {
            *around = None;
        }
        want
    }

    /// Who has the one has the other: a list has its namespaces and its objects.
    pub(crate) fn covers(&self, other: &Want) -> bool {
        let Want::Kind { kind, namespace } = self else {
            return self == other;
        };
        let (other, place) = match other {
            Want::Kind { kind, namespace } => (kind, namespace),
            Want::Object(object) => (&object.kind, &object.namespace),
            _ => return false,
        };
        kind == other && (namespace.is_empty() || namespace == place)
    }

    /// What it is, for a blind spot.
    pub fn describe(&self) -> String {
        match self {
            Want::ContainerLog(key) => format!(
                "{} log of container {} of pod/{} in {}",
                if key.previous { "previous" } else { "current" },
                key.container,
                key.pod,
                key.namespace
            ),
            Want::KernelLog { node, .. } => format!("kernel log of node {node}"),
            Want::KubeletLog { node, .. } => format!("kubelet log of node {node}"),
            Want::AgentDeaths { node } => format!("deaths seen by an agent on node {node}"),
            Want::Counters { node } => format!("CPU throttling counters of node {node}"),
            Want::Object(object) => object.kubectl(),
            Want::Kind { kind, namespace } if namespace.is_empty() => format!("all {kind} objects"),
            Want::Kind { kind, namespace } => format!("{kind} objects in {namespace}"),
        }
    }
}

/// How far before the time a log is worth reading.
const LOOKBACK: jiff::SignedDuration = jiff::SignedDuration::from_secs(300);
