//! Samples, second by second, with their functions' names. On a thread of its own: symbol tables take their time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sonde_bpf::profile::{Profiler, Whom};
use sonde_bpf::{Error, Groups, Hierarchy};
use sonde_model::{Frame, Owner};

use super::symbols::Symbols;
use crate::owners;

/// So often the kernel's tables are emptied: a process that ends within is without names.
const ROUND: Duration = Duration::from_millis(500);
/// Different stacks that are kept.
const STACKS_MAX: usize = 65_536;

/// What makes two samples the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) pid: u32,
    pub(super) command: String,
    pub(super) group: u64,
    /// Outermost first.
    pub(super) frames: Vec<u32>,
}

/// Everything that was sampled.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) stacks: HashMap<Key, u64>,
    pub(super) frames: Vec<Frame>,
    /// Owners of groups that came while it ran.
    pub(super) groups: HashMap<u64, Owner>,
    pub(super) seconds: f64,
    pub(super) lost: u64,
    pub(super) stacks_lost: u64,
    /// Samples of processes that were gone.
    pub(super) gone: u64,
    /// Samples whose innermost function has no name.
    pub(super) unnamed: u64,
}

/// Sleeps, and wakes soon after it shall stop: an agent that is told to end leaves nothing attached.
fn rest(time: Duration, stop: &AtomicBool) {
    const STEP: Duration = Duration::from_millis(20);
    let start = Instant::now();
    while start.elapsed() < time && !stop.load(Ordering::Relaxed) {
        sleep(STEP.min(time.saturating_sub(start.elapsed())));
    }
}

/// Samples for `time`, or until `stop`.
pub(super) fn gather(
    hierarchy: &Hierarchy,
    whom: &Whom,
    hertz: u32,
    time: Duration,
    stop: &AtomicBool,
) -> Result<Gathered, Error> {
    let mut profiler = Profiler::start(hierarchy, whom, hertz)?;
    let mut symbols = Symbols::new();
    let mut gathered = Gathered::default();
    let start = Instant::now();
    let mut dropped = 0;
    while start.elapsed() < time && !stop.load(Ordering::Relaxed) {
        rest(ROUND.min(time.saturating_sub(start.elapsed())), stop);
        let taken = profiler.take()?;
        // Names are looked up meanwhile; what is sampled then comes with the next round, or is no part of it.
        gathered.seconds = start.elapsed().as_secs_f64();
        for (stack, named) in taken.iter().zip(symbols.name(&taken)) {
            gathered.gone += if named.gone { stack.samples } else { 0 };
            gathered.unnamed += if named.unnamed { stack.samples } else { 0 };
            let key = Key {
                pid: stack.pid,
                command: stack.command.clone(),
                group: stack.group,
                frames: named.frames,
            };
            if gathered.stacks.len() < STACKS_MAX || gathered.stacks.contains_key(&key) {
                *gathered.stacks.entry(key).or_default() += stack.samples;
            } else {
                dropped += stack.samples;
            }
        }
    }
    let losses = profiler.losses()?;
    drop(profiler);
    gathered.lost = losses.samples + dropped;
    gathered.stacks_lost = losses.stacks;
    gathered.frames = symbols.into_frames();
    let mut groups = Groups::new(hierarchy);
    groups.refresh();
    gathered.groups = groups
        .all()
        .map(|group| (group.id, owners::owner(group)))
        .collect();
    Ok(gathered)
}

#[cfg(test)]
mod tests;
