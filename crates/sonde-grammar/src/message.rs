//! Event and status messages.
//!
//! An event's reason chooses the reader, and the text decides within it: `Failed` is image, create and start, `BackOff`
//! is pull and restart. Without a known reason (a pasted text, a log line's error) the readers are asked in a fixed
//! order, each by words that only its area writes.

mod clean;
mod container;
mod hook;
mod image;
mod probe;
mod scheduling;
mod volume;
mod words;

#[cfg(test)]
mod tests;

use crate::fact::{Fact, HookKind};
use clean::clean;

/// What a message says. `reason` is an event's reason, a waiting or terminated reason, or a condition's reason (`""` when unknown).
pub fn facts(reason: &str, text: &str) -> Vec<Fact> {
    let mut out = Vec::new();
    match reader(reason) {
        Some(Reader::Nothing) => {}
        Some(reader) => reader.read(reason, &clean(text), &mut out),
        None if text.is_empty() || is_known_harmless(reason) => {}
        None => by_text(&clean(text), &mut out),
    }
    out
}

/// Whether the reason carries no trouble, so that a message of it needs no understanding.
pub fn is_known_harmless(reason: &str) -> bool {
    HARMLESS.binary_search(&reason).is_ok()
}

/// Who reads the messages of a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Others' words (the application's, the kernel's): nothing of ours in it.
    Nothing,
    Scheduling,
    Image,
    ImageNamed,
    BackOff,
    Failed,
    Create,
    Start,
    Mount,
    Attach,
    Probe,
    PostStart,
    PreStop,
    Killing,
    GraceExceeded,
    Restart,
}

/// Sorted by reason.
const READERS: &[(&str, Reader)] = &[
    ("BackOff", Reader::BackOff),
    ("Completed", Reader::Nothing),
    ("ContainerCannotRun", Reader::Start),
    ("CrashLoopBackOff", Reader::Restart),
    ("CreateContainerConfigError", Reader::Create),
    ("CreateContainerError", Reader::Create),
    ("ErrImageNeverPull", Reader::ImageNamed),
    ("ErrImagePull", Reader::Image),
    ("ExceededGracePeriod", Reader::GraceExceeded),
    ("Failed", Reader::Failed),
    ("FailedAttachVolume", Reader::Attach),
    ("FailedMapVolume", Reader::Mount),
    ("FailedMount", Reader::Mount),
    ("FailedPostStartHook", Reader::PostStart),
    ("FailedPreStopHook", Reader::PreStop),
    ("FailedScheduling", Reader::Scheduling),
    ("FailedToRetrieveImagePullSecret", Reader::Image),
    ("FailedUnMount", Reader::Mount),
    ("ImageInspectError", Reader::Image),
    ("ImagePullBackOff", Reader::Image),
    ("InspectFailed", Reader::Image),
    ("InvalidImageName", Reader::ImageNamed),
    ("Killing", Reader::Killing),
    ("OOMKilled", Reader::Nothing),
    ("PostStartHookError", Reader::PostStart),
    ("PreCreateHookError", Reader::Create),
    ("PreStartHookError", Reader::Start),
    ("ProbeError", Reader::Probe),
    ("ProbeWarning", Reader::Probe),
    ("Pulled", Reader::Image),
    ("Pulling", Reader::Image),
    ("RegistryUnavailable", Reader::Image),
    ("RunContainerError", Reader::Start),
    ("SchedulerError", Reader::Scheduling),
    ("SchedulingGated", Reader::Scheduling),
    ("SignatureValidationFailed", Reader::ImageNamed),
    ("StartError", Reader::Start),
    ("Unhealthy", Reader::Probe),
    ("Unschedulable", Reader::Scheduling),
];

fn reader(reason: &str) -> Option<Reader> {
    READERS
        .binary_search_by(|(known, _)| known.cmp(&reason))
        .ok()
        .map(|at| READERS[at].1)
}

impl Reader {
    fn read(self, reason: &str, text: &str, out: &mut Vec<Fact>) {
        match self {
            Reader::Nothing => {}
            Reader::Scheduling => scheduling::read(text, out),
            Reader::Image => image::read(text, out),
            Reader::ImageNamed => image::read_named(reason, text, out),
            Reader::BackOff if hook::is_restart_back_off(text) => out.push(Fact::RestartBackOff),
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
            Reader::Restart => out.push(Fact::RestartBackOff),
        }
    }
}

type ByText = fn(&str, &mut Vec<Fact>);

/// The order counts: a sandbox that lacks its image is a sandbox' failure, a mount that is forbidden is a volume's.
const BY_TEXT: &[ByText] = &[
    probe::by_text,
    hook::by_text,
    hook::killing_by_text,
    restart_by_text,
    scheduling::by_text,
    volume::by_text,
    image::by_text,
    container::by_text,
];

fn by_text(text: &str, out: &mut Vec<Fact>) {
    for read in BY_TEXT {
        read(text, out);
        if !out.is_empty() {
            return;
        }
    }
}

fn restart_by_text(text: &str, out: &mut Vec<Fact>) {
    if hook::is_restart_back_off(text) {
        out.push(Fact::RestartBackOff);
    }
}

/// Sorted.
const HARMLESS: &[&str] = &[
    "Binding",
    "Completed",
    "Created",
    "LeaderElection",
    "Pulled",
    "Pulling",
    "Scheduled",
    "Started",
    "SuccessfulCreate",
    "SuccessfulDelete",
];
