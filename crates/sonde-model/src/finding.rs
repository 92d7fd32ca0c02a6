//! What was concluded about a subject.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Code, Evidence, EvidenceId, Family, ObjectRef};

/// How sure a finding is. Never a percentage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing decides; the finding says what to look at next.
    Unknown,
    /// The evidence allows it, and other causes too.
    Possible,
    /// The evidence points at it and at no other cause as strongly; or, where the finding is `contradicted`, it proves
    /// another as well, and one of the two proofs is wrong.
    Likely,
    /// Proof, and every rival refuted or strictly weaker.
    Proven,
}

impl Verdict {
    /// The verdict as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Unknown => "unknown",
            Verdict::Possible => "possible",
            Verdict::Likely => "likely",
            Verdict::Proven => "proven",
        }
    }
}

/// How bad it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Advice or a trouble that is over; never an alarm.
    Info,
    /// Works, but not as it should.
    Warning,
    /// Does not work.
    Error,
    /// Does not work, and takes others with it.
    Critical,
}

impl Severity {
    /// The severity as a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
            Severity::Critical => "critical",
        }
    }
}

/// One step of the way from the root to the symptom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// What happened in this step.
    pub text: String,
    /// What shows it. A step that follows from the one before by a documented rule names that one's evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceId>,
}

/// A rival that is not the cause, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuledOut {
    /// The rival's code.
    pub code: Code,
    /// Why it is out, in a sentence.
    pub reason: String,
    /// What shows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceId>,
}

/// What a fix can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Changes nothing that runs.
    None,
    /// Restarts or replaces the subject, as a rollout does.
    Restart,
    /// Touches other workloads or a node.
    Wide,
    /// May lose data or running work.
    DataLoss,
}

/// Something to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fix {
    /// What it does, in a sentence.
    pub text: String,
    /// A command that can be pasted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What it can break.
    pub risk: Risk,
}

/// What to look at next, and what it decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NextLook {
    /// What would be learned, in a sentence.
    pub text: String,
    /// A command that can be pasted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The causes that it decides between.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decides: Vec<Code>,
}

/// Something that changed shortly before the trouble began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// When it changed.
    #[schemars(with = "String")]
    pub time: Timestamp,
    /// What changed, in a sentence.
    pub text: String,
    /// The object that changed.
    pub object: ObjectRef,
}

/// A conclusion about one root cause: the subject it was found on, its proof, and everything it explains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Stable across runs: made of the code and the root, not of times or counts.
    pub id: String,
    /// The cause's code.
    pub code: Code,
    /// The cause's family.
    pub family: Family,
    /// The object it is about: the root cause's object, or the workload of the failing pods.
    pub subject: ObjectRef,
    /// The container, where one is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// How bad it is now.
    pub severity: Severity,
    /// How sure we are.
    pub verdict: Verdict,
    /// What is wrong, in one sentence that a developer understands.
    pub headline: String,
    /// What the user sees, `CrashLoopBackOff`.
    pub symptom: String,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// It may have begun earlier: `since` is the first of it that can be seen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub since_at_least: bool,
    /// When it ended, for a trouble that is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub ended: Option<Timestamp>,
    /// What changed shortly before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// From the root to the symptom.
    pub chain: Vec<Step>,
    /// What was seen.
    pub evidence: Vec<Evidence>,
    /// What it is not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ruled_out: Vec<RuledOut>,
    /// Other causes that the evidence still allows; empty when proven.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rivals: Vec<Code>,
    /// The evidence proves each of the rivals as well, and only one of them can be true.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub contradicted: bool,
    /// What to do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixes: Vec<Fix>,
    /// What would decide.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<NextLook>,
    /// Every object that this one cause explains, the blast radius.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explains: Vec<ObjectRef>,
}
