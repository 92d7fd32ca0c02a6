//! What an agent says of itself: what it watches, what it cannot see and why, how full it is.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer of an agent's `/v1/status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentStatus {
    /// `sonde.agent/v1`.
    pub schema: String,
    /// The agent's version.
    pub version: String,
    /// The node's name.
    pub node: String,
    /// The agent's process id.
    pub pid: u32,
    /// It has watched since then.
    #[schemars(with = "String")]
    pub since: Timestamp,
    /// The node's clock when it answered.
    #[schemars(with = "String")]
    pub now: Timestamp,
    /// The kernel programs, running or not.
    pub programs: Vec<Program>,
    /// What it can tell, and what not and why.
    pub coverage: Vec<Coverage>,
    /// Everything that is bounded, with how full it is.
    pub bounds: Vec<Bound>,
    /// Resident memory of the agent's process, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident_bytes: Option<u64>,
    /// Memory of the kernel's maps, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map_bytes: Option<u64>,
}

impl AgentStatus {
    /// The schema's name.
    pub const SCHEMA: &str = "sonde.agent/v1";
}

/// Programs of the kernel that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Program {
    /// `deaths`.
    pub name: String,
    /// The hooks they sit on.
    pub hooks: Vec<String>,
    /// Why they do not run; absent while they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
    /// What the kernel counted of their runs, where it is told to (`sysctl kernel.bpf_stats_enabled=1`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<ProgramRuns>,
}

/// The kernel's own statistics of one program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgramRuns {
    /// The program's name.
    pub name: String,
    /// How often it ran.
    pub count: u64,
    /// How long, all runs together.
    pub ns: u64,
}

/// How much of a signal is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Seen {
    /// All of it.
    Whole,
    /// A part of it.
    Partly,
    /// Nothing.
    Nothing,
}

/// How much an agent sees of one signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// What could be seen: "deaths", "names of containers".
    pub signal: String,
    /// How much of it is.
    pub seen: Seen,
    /// From what it is known, or why it is not.
    pub why: String,
    /// What to do about it; empty where nothing is missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

/// Something bounded, and how full it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bound {
    /// What is kept or waits there.
    pub name: String,
    /// How many there are; absent where it cannot be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
    /// How many there can be; absent where the bound is in bytes or time alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// How many did not fit since the start.
    pub dropped: u64,
}
