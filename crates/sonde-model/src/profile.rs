//! Where processors were busy: samples by their stacks.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Coverage, Owner};

/// One function, or what is known of a place without one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Frame {
    /// Its name; the file and the offset in it where no table of symbols names it.
    pub name: String,
    /// The file that it is in: a program, a library; empty for the kernel and where it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub module: String,
    /// It is the kernel's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kernel: bool,
}

/// Samples with the same stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfiledStack {
    /// The process.
    pub pid: u32,
    /// The thread's name, cut by the kernel at 15 bytes.
    pub command: String,
    /// Whose it is: index into the owners.
    pub owner: u32,
    /// Indexes into the frames, outermost first.
    pub frames: Vec<u32>,
    /// How many.
    pub samples: u64,
}

/// A profile of processors: the answer of an agent's `/v1/profile`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// `sonde.profile/v1`.
    pub schema: String,
    /// The node's name.
    pub node: String,
    /// The node's clock at the start.
    #[schemars(with = "String")]
    pub start: Timestamp,
    /// So long it was sampled.
    pub seconds: f64,
    /// So often a second, on each processor.
    pub hertz: u32,
    /// What was sampled, in words.
    pub about: String,
    /// How many samples there are.
    pub samples: u64,
    /// Samples that were taken and not counted, because a table was full.
    pub lost: u64,
    /// Samples that count, whose stack is not known because its place in the table was taken.
    pub stacks_lost: u64,
    /// Every function once.
    pub frames: Vec<Frame>,
    /// Every owner once.
    pub owners: Vec<Owner>,
    /// The stacks, most samples first.
    pub stacks: Vec<ProfiledStack>,
    /// What cannot be seen, and why.
    pub coverage: Vec<Coverage>,
}

impl Profile {
    /// The schema's name.
    pub const SCHEMA: &str = "sonde.profile/v1";
    /// A profile takes no longer than these seconds.
    pub const SECONDS_MAX: u64 = 60;
    /// No processor is sampled more often in a second.
    pub const HERTZ_MAX: u32 = 1_000;

    /// The frames of a stack, outermost first.
    pub fn frames_of<'a>(&'a self, stack: &'a ProfiledStack) -> impl Iterator<Item = &'a Frame> {
        let frame = |at: &u32| self.frames.get(usize::try_from(*at).ok()?);
        stack.frames.iter().filter_map(frame)
    }

    /// The owner of a stack.
    pub fn owner_of(&self, stack: &ProfiledStack) -> Option<&Owner> {
        self.owners.get(usize::try_from(stack.owner).ok()?)
    }
}
