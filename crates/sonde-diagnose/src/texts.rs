//! Logs and lines at hand, by where they come from. The adapter that reads them has redacted them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sonde_grammar::Fact;
use sonde_grammar::counters::CpuThrottling;
use sonde_grammar::log::{KernelLine, NodeLine};
use sonde_model::ObjectRef;

/// Which log of which container.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogKey {
    /// The pod's namespace.
    pub namespace: Arc<str>,
    /// The pod.
    pub pod: Arc<str>,
    /// The container.
    pub container: Arc<str>,
    /// The log of the run before the last restart.
    pub previous: bool,
}

/// A message that is about no known object, as in a pasted line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LooseMessage {
    /// The line as it was.
    pub text: String,
    /// Its time, where it has one.
    pub time: Option<Timestamp>,
    /// The object that the line names, where it does.
    pub about: Option<ObjectRef>,
    /// The container that the line names, where it does.
    pub container: Option<String>,
    /// What it says.
    pub facts: Vec<Fact>,
}

/// Everything at hand that is not an object.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    /// The last lines of containers' logs, oldest first.
    pub container_logs: BTreeMap<LogKey, Vec<String>>,
    /// Understood kernel lines by node; the node is empty where the source does not tell.
    pub kernel: BTreeMap<Arc<str>, Vec<KernelLine>>,
    /// Understood kubelet and runtime lines by node; as above.
    pub node: BTreeMap<Arc<str>, Vec<NodeLine>>,
    /// CPU throttling of containers by node, as of the newest reading; as above.
    pub throttling: BTreeMap<Arc<str>, Vec<CpuThrottling>>,
    /// Messages about no known object.
    pub loose: Vec<LooseMessage>,
    /// How many lines were read in all.
    pub lines: usize,
}
