//! Where processors are busy: samples of them all, counted in the kernel by their stacks.

mod event;

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use libbpf_rs::{MapCore as _, MapFlags};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::object::{Loaded, set_constants};
use crate::{Error, Hierarchy};

/// Which tasks are sampled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// All of them.
    Everyone,
    /// Those in these control groups, by their inodes, and in groups below them.
    Groups(Vec<u64>),
    /// Those of one process.
    Process(u32),
}

/// Groups that can be asked for at once.
pub const GROUPS_MAX: usize = 1_024;

/// Samples with the same stacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// The process.
    pub pid: u32,
    /// The name of the thread, cut by the kernel at 15 bytes.
    pub command: String,
    /// The inode of its control group.
    pub group: u64,
    /// Addresses in the kernel, innermost first; empty where it ran its own code.
    pub kernel: Vec<u64>,
    /// Addresses in the process, innermost first; empty for a thread of the kernel.
    pub user: Vec<u64>,
    /// The stacks' place in the table was another's: the samples count, where they were is not known.
    pub lost: bool,
    /// How many samples.
    pub samples: u64,
}

/// What did not fit since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses {
    /// Samples that were not counted.
    pub samples: u64,
    /// Samples whose stack is not known.
    pub stacks: u64,
}

/// The program at work. Dropping it takes it down.
pub struct Profiler {
    loaded: Loaded,
    second: bool,
}

static OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/profile.bpf.o"));
const SETS: [(&str, &str); 2] = [("stacks_a", "counts_a"), ("stacks_b", "counts_b")];
/// A program that began before the sets were changed has long ended by then; it takes some 10 us.
const SETTLE: Duration = Duration::from_millis(2);

/// The twin of `struct place`.
#[derive(FromBytes, KnownLayout, Immutable)]
#[repr(C)]
struct Place {
    group: u64,
    pid: u32,
    user: i32,
    kernel: i32,
    command: [u8; 16],
    pad: u32,
}

/// The twin of the constants.
#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct Settings {
    memory_on_v1: u64,
    only_groups: u64,
    only_pid: u64,
}

const EEXIST: i32 = -17;

impl Profiler {
    /// Loads the program and attaches it to every processor that is on.
    ///
    /// # Errors
    ///
    /// When the kernel refuses, for want of rights or of a feature.
    pub fn start(hierarchy: &Hierarchy, whom: &Whom, hertz: u32) -> Result<Self, Error> {
        let settings = Settings {
            memory_on_v1: u64::from(matches!(hierarchy, Hierarchy::Memory(_))),
            only_groups: u64::from(matches!(whom, Whom::Groups(_))),
            only_pid: match whom {
                Whom::Process(pid) => (*pid).into(),
                _ => 0,
            },
        };
        let mut loaded = Loaded::load("profile", OBJECT, |open| set_constants(open, settings.as_bytes()))?;
        if let Whom::Groups(groups) = whom {
            let wanted = loaded.map("wanted")?;
            for group in groups.iter().take(GROUPS_MAX) {
                wanted
                    .update(&group.to_ne_bytes(), &[1], MapFlags::ANY)
                    .map_err(Error::kernel("choosing the control groups to sample"))?;
            }
        }
        for processor in processors()? {
            let event = event::ticks(processor, hertz).map_err(|source| Error::File {
                doing: format!("opening the clock of processor {processor}"),
                source,
            })?;
            loaded.attach_perf_event("on_tick", event)?;
        }
        Ok(Self {
            loaded,
            second: false,
        })
    }

    /// What was counted since the last time, once; called every second or so, so that processes that ended can still be
    /// looked at.
    ///
    /// # Errors
    ///
    /// When the maps cannot be read.
    pub fn take(&mut self) -> Result<Vec<Stack>, Error> {
        let (stacks, counts) = SETS[usize::from(self.second)];
        self.second = !self.second;
        self.loaded
            .map("side")?
            .update(
                &0_u32.to_ne_bytes(),
                &u32::from(self.second).to_ne_bytes(),
                MapFlags::ANY,
            )
            .map_err(Error::kernel("changing the maps of the profile"))?;
        std::thread::sleep(SETTLE);
        let (stacks, counts) = (self.loaded.map(stacks)?, self.loaded.map(counts)?);
        let mut frames: HashMap<i32, Vec<u64>> = HashMap::new();
        let mut taken = Vec::new();
        let keys: Vec<Vec<u8>> = counts.keys().collect();
        for key in keys {
            let read = counts
                .lookup(&key, MapFlags::ANY)
                .map_err(Error::kernel("reading the counts of the profile"))?;
            let samples = read.and_then(|bytes| Some(u64::from_ne_bytes(bytes.as_slice().try_into().ok()?)));
            counts
                .delete(&key)
                .map_err(Error::kernel("emptying the counts of the profile"))?;
            let (Some(samples), Ok((place, _))) = (samples, Place::read_from_prefix(&key)) else {
                continue;
            };
            let mut walk = |number: i32| -> Vec<u64> {
                if number < 0 {
                    return Vec::new();
                }
                let known = frames.entry(number).or_insert_with(|| {
                    let bytes = stacks.lookup(&number.to_ne_bytes(), MapFlags::ANY).ok().flatten();
                    addresses(&bytes.unwrap_or_default())
                });
                known.clone()
            };
            taken.push(Stack {
                pid: place.pid,
                command: text(&place.command),
                group: place.group,
                kernel: walk(place.kernel),
                user: walk(place.user),
                lost: place.kernel == EEXIST || place.user == EEXIST,
                samples,
            });
        }
        for number in frames.keys() {
            // Its place is needed for the next time; one that is gone is as well.
            let _ = stacks.delete(&number.to_ne_bytes());
        }
        Ok(taken)
    }

    /// What did not fit since the start.
    ///
    /// # Errors
    ///
    /// When the counters cannot be read.
    pub fn losses(&self) -> Result<Losses, Error> {
        Ok(Losses {
            samples: self.loaded.counter("lost", 0)?,
            stacks: self.loaded.counter("lost", 1)?,
        })
    }
}

/// The addresses of a stack, innermost first; the rest of its place is zero.
fn addresses(bytes: &[u8]) -> Vec<u64> {
    bytes
        .chunks_exact(8)
        .filter_map(|chunk| Some(u64::from_ne_bytes(chunk.try_into().ok()?)))
        .take_while(|address| *address != 0)
        .collect()
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// The processors that are on: `0-3,5`.
fn processors() -> Result<Vec<u32>, Error> {
    let file = "/sys/devices/system/cpu/online";
    let list = fs::read_to_string(file).map_err(|source| Error::File {
        doing: format!("reading {file}"),
        source,
    })?;
    Ok(ranges(&list))
}

fn ranges(list: &str) -> Vec<u32> {
    /// More than any kernel is built for.
    const PROCESSORS_MAX: u32 = 8_192;
    list.trim()
        .split(',')
        .filter_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some((first.parse().ok()?, last.parse::<u32>().ok()?.min(PROCESSORS_MAX)))
        })
        .flat_map(|(first, last): (u32, u32)| first..=last)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors() {
        assert_eq!(ranges("0-3,5\n"), [0, 1, 2, 3, 5]);
        assert_eq!(ranges("0"), [0]);
        assert_eq!(ranges("x,3-1"), Vec::<u32>::new());
    }
}
