//! Event and status messages.
//!
//! An event's reason chooses the reader, and the text decides within it: `Failed` is image, create and start, `BackOff`
//! is pull and restart. Without a known reason (a pasted text, a log line's error) the readers are asked in a fixed
//! order, each by words that only its area writes.

mod admission;
mod areas;
mod claim;
mod clean;
mod container;
mod hook;
mod image;
mod node;
mod probe;
mod reasons;
mod sandbox;
mod scheduling;
mod sync;
mod volume;
mod words;
mod workload;

#[cfg(test)]
mod tests;

use crate::fact::{Fact, HookKind};
use clean::{clean, is_error};
use reasons::{HARMLESS, Reader, reader};

/// What a message says. `reason` is an event's reason, a waiting or terminated reason, or a condition's reason (`""` when unknown).
pub fn facts(reason: &str, text: &str) -> Vec<Fact> {
    let mut out = Vec::new();
    match reader(reason) {
        Some(Reader::Nothing) => {}
        Some(Reader::Failed) if is_error(text) => container::read_failed_error(&clean(text), &mut out),
        Some(reader) => reader.read(reason, &clean(text), &mut out),
        None if text.is_empty() || is_known_harmless(reason) => {}
        None => by_text(&clean(text), &mut out),
    }
    out
}

/// Whether a controller, a kubelet or a scheduler writes events with this reason, as far as is known.
pub(crate) fn is_reason(reason: &str) -> bool {
    reader(reason).is_some() || is_known_harmless(reason)
}

/// A reason of phase Failed with which a kubelet refuses a pod that was bound to its node.
pub fn is_rejection(reason: &str) -> bool {
    reader(reason) == Some(Reader::Rejected)
}

/// Whether the reason carries no trouble, so that a message of it needs no understanding.
pub fn is_known_harmless(reason: &str) -> bool {
    HARMLESS.binary_search(&reason).is_ok()
}

impl Reader {
    fn read(self, reason: &str, text: &str, out: &mut Vec<Fact>) {
        match self {
            Reader::Nothing => {}
            Reader::Scheduling => scheduling::read(text, out),
            Reader::Image if matches!(reason, "Pulling" | "Pulled") => image::read_progress(text, out),
            Reader::Image => image::read(text, out),
            Reader::ImageNamed => image::read_named(reason, text, out),
            Reader::BackOff if hook::is_restart_back_off(text) => out.push(hook::restart_back_off(text)),
            Reader::BackOff => image::by_text(text, out),
            Reader::Failed => container::read_failed(text, out),
            Reader::Create => container::read_create(text, out),
            Reader::Start => container::read_start(text, out),
            Reader::Mount => volume::read_mount(text, out),
            Reader::Attach => volume::read_attach(text, out),
            Reader::Probe => probe::by_text(text, out),
            Reader::PostStart => hook::read(HookKind::PostStart, text, out),
            Reader::PreStop => hook::read(HookKind::PreStop, text, out),
            Reader::Killing => hook::killing(text, out),
            Reader::GraceExceeded => hook::grace_exceeded(out),
            Reader::Restart => out.push(hook::restart_back_off(text)),
            Reader::Terminated => container::terminated(text, out),
            Reader::Admission => admission::read(text, out),
            Reader::Sandbox => sandbox::read(text, out),
            Reader::SandboxChanged => sandbox::changed(out),
            Reader::SandboxStatus => {
                sync::by_text(text, out);
                if out.is_empty() {
                    sandbox::status(text, out);
                }
            }
            Reader::DynamicResources => sandbox::dynamic_resources(text, out),
            Reader::KillPod => hook::kill_failed(text, out),
            Reader::Claim => claim::read(reason, text, out),
            Reader::Workload => workload::read(reason, text, out),
            Reader::Evicted => node::evicted(text, out),
            Reader::Preempted => node::preempted(text, out),
            Reader::Taint => node::taint(text, out),
            Reader::Disruption => node::disruption(reason, text, out),
            Reader::Rejected => node::rejected(reason, text, out),
            Reader::Shutdown => {
                node::eviction_by_text(text, out);
                if out.is_empty() {
                    node::reject_by_text(text, out);
                }
                if out.is_empty() {
                    node::read(reason, text, out);
                }
            }
            Reader::KubeletNotReady => node::kubelet_not_ready(text, out),
            Reader::Node => node::read(reason, text, out),
        }
    }
}

/// One part of a pod's synchronization error, which has a reason of its own.
fn read_part(action: &str, reason: &str, text: &str, out: &mut Vec<Fact>) {
    let before = out.len();
    match reader(reason) {
        // These would look for parts again.
        Some(Reader::SandboxStatus | Reader::KillPod) => {}
        Some(reader) => {
            let mut found = Vec::new();
            reader.read(reason, text, &mut found);
            out.append(&mut found);
        }
        None => {}
    }
    if out.len() == before && action.contains("Sandbox") {
        sandbox::read(text, out);
    }
}

/// Asks, in order, the readers that the text has a word for.
fn by_text(text: &str, out: &mut Vec<Fact>) {
    let mut open = areas::open(text);
    while open != 0 {
        areas::AREAS[open.trailing_zeros() as usize].read(text, out);
        if !out.is_empty() {
            return;
        }
        open &= open - 1;
    }
}
