//! The answer to one question: `schema: "sonde.report/v1"`. Fields are only ever added.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Code, Finding, Kind};

/// The value of [`Report::schema`].
pub const SCHEMA: &str = "sonde.report/v1";

/// Where the facts came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// The API server.
    Live,
    /// A folder or an archive.
    #[default]
    Dump,
    /// Pasted text.
    Paste,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Live, dump or paste.
    pub kind: SourceKind,
    /// The context's name, the path, or `stdin`.
    pub name: String,
    /// The API server's version, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_version: Option<String>,
    /// The "now" of the diagnosis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub time: Option<Timestamp>,
}

/// How much was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scanned {
    /// Objects by kind.
    pub objects: BTreeMap<Kind, usize>,
    /// Lines of logs and texts.
    pub lines: usize,
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlindSpot {
    /// What was not seen.
    pub what: String,
    /// Why not.
    pub why: String,
    /// The causes that can therefore not be concluded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forbids: Vec<Code>,
}

/// Messages that no grammar knows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct NotUnderstood {
    /// How many.
    pub count: usize,
    /// A few of them.
    pub samples: Vec<String>,
}

/// Something in the input that could not be used, and what was done with the rest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The file, line or object.
    pub place: String,
    /// What is wrong with it, and what was done.
    pub text: String,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// What was read.
    pub source: Source,
    /// How much was looked at.
    pub scanned: Scanned,
    /// What was found, worst first.
    pub findings: Vec<Finding>,
    /// What could not be looked at.
    pub blind_spots: Vec<BlindSpot>,
    /// Messages that no grammar knows.
    pub not_understood: NotUnderstood,
    /// Input that could not be used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}
