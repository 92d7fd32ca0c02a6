//! The kubelet's summary of a pod's synchronization: `failed to "StartContainer" for "app" with REASON: "MESSAGE"`.
//!
//! It is the `err` of the pod worker's log line, and the text of the event `FailedSync` of old kubelets.

use super::words::{any, detail, name};
use crate::fact::{Fact, KillReason};

pub(super) const LEAD: &str = "failed to \"";

/// Containers that fail at once in one pod.
const FAILURES_MAX: usize = 16;

/// Reads each part as the message of its own reason.
pub(super) fn by_text(text: &str, out: &mut Vec<Fact>) {
    if !text.contains(LEAD) {
        // Up to 1.9 the volumes' summary stood here as it was.
        if text.contains("volumes to attach") {
            super::volume::by_text(text, out);
        }
        return;
    }
    for part in text.split(LEAD).skip(1).take(FAILURES_MAX) {
        let Some((action, subject, reason, message)) = split(part) else {
            continue;
        };
        match reason {
            "KillContainerError" => out.push(unkillable(Some(subject), message)),
            // Else it is the network that is not taken down.
            "KillPodSandboxError" if any(message, &["annot kill container", "to be killed"]) => {
                out.push(unkillable(None, message));
            }
            // Only what may not be split again: the parts hold no summary.
            _ => super::read_part(action, reason, message, out),
        }
    }
}

/// `StartContainer" for "app" with ErrImagePull: "words", `
fn split(part: &str) -> Option<(&str, &str, &str, &str)> {
    let (action, rest) = part.split_once('"')?;
    let subject = rest.strip_prefix(" for ").and_then(name)?;
    let (_, rest) = rest.split_once(" with ")?;
    let (reason, message) = rest.split_once(':')?;
    let plain =
        !reason.is_empty() && reason.len() < 64 && reason.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let message = message.trim_start();
    let message = message.strip_prefix('"').unwrap_or(message);
    let message = message.trim_end_matches([' ', ',', ']']);
    let message = message.strip_suffix(", skipping").unwrap_or(message);
    plain.then_some((
        action,
        subject,
        reason,
        message.strip_suffix('"').unwrap_or(message),
    ))
}

fn unkillable(container: Option<&str>, message: &str) -> Fact {
    let late = any(
        message,
        &[
            "deadline exceeded",
            "to be killed",
            "tried to kill container",
            "timeout",
        ],
    );
    let reason = if late {
        KillReason::Unkillable {
            detail: detail(message),
        }
    } else {
        KillReason::Other(detail(message))
    };
    Fact::Killing {
        container: container.map(str::to_owned),
        reason,
    }
}
