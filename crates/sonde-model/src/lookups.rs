//! Questions for names, as an agent saw them.

use core::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Owner;

/// A question for a name that failed, was slow, or was picked, as the node's kernel saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LookupSeen {
    /// When it was answered, or given up, by the node's clock.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// Who asked.
    pub owner: Owner,
    /// Who was asked.
    pub server: IpAddr,
    /// The name in lower case, without the dot at its end; empty where no payload is read.
    pub name: String,
    /// What was asked of it: `A`, `AAAA`, `SRV`; `TYPE65` where it has no usual word.
    pub kind: String,
    /// How the answer went, by its code: `NOERROR`, `NXDOMAIN`, `SERVFAIL`, `REFUSED`; empty where none came.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub answer: String,
    /// How long it took, or was waited for.
    pub took_ns: u64,
}

/// Questions that an agent kept: the answer of its `/v1/lookups`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LookupsSeen {
    /// `sonde.lookups/v1`.
    pub schema: String,
    /// The node's name.
    pub node: String,
    /// The node's clock when it answered.
    #[schemars(with = "String")]
    pub now: Timestamp,
    /// Oldest first.
    pub lookups: Vec<LookupSeen>,
    /// Questions that did not fit into the kernel's ring since the start.
    pub lost: u64,
    /// Questions that made room for younger ones since the start.
    pub dropped: u64,
}

impl LookupsSeen {
    /// The schema's name.
    pub const SCHEMA: &str = "sonde.lookups/v1";
}
