//! Tables: one row is one wording and the fact that it states.

use super::reasons::READERS;
use super::*;

mod admission;
mod container;
mod field;
mod hook;
mod image;
mod node;
mod probe;
mod sandbox;
mod scheduling;
mod volume;
mod workload;

/// Checks that the message says exactly this.
#[track_caller]
fn says(reason: &str, text: &str, expect: &[Fact]) {
    assert_eq!(
        facts(reason, text),
        expect,
        "\n reason {reason:?}\n text {text:?}"
    );
}

#[test]
fn tables_are_sorted() {
    assert!(READERS.is_sorted_by(|a, b| a.0 < b.0));
    assert!(HARMLESS.is_sorted_by(|a, b| a < b));
}

/// Pieces of real messages: random joints of them reach deeper into the readers than random characters do.
pub(super) const PIECES: &[&str] = &[
    "0/5 nodes are available: ",
    "3 Insufficient cpu",
    ", ",
    ". preemption: ",
    "taint {a: b}",
    "Failed to pull image \"",
    "lookup ",
    "dial tcp ",
    "no such host",
    "\"",
    "`",
    "\\",
    "\\\"",
    "\\u00",
    " not found",
    "configmap ",
    "exec: \"",
    "stat ",
    "executable file `",
    "MountVolume.SetUp failed for volume \"",
    "unmounted volumes=[",
    "]",
    "(",
    ")",
    ": no space left on device",
    "rpc error: code = ",
    "desc = ",
    "OCI runtime create failed: ",
    "Liveness probe failed: ",
    "Readiness probe errored",
    "lifecycle hook ([",
    "exited with 99999999999999999999",
    "\u{e9}",
    "\u{201c}",
    "\n",
    "failed to \"StartContainer\" for \"web\" with ErrImagePull: \"",
    "Failed to create pod sandbox: ",
    "exceeded quota: q, requested: ",
    "a=1,b=2",
    ", used: ",
    ", limited: ",
    "violates PodSecurity \"",
    "maximum cpu usage per Container is ",
    "failed calling webhook \"w\": ",
    "Post \"https://a.b.svc:443/x\": ",
    "The node was low on resource: ",
    "Container a was using 1, request is 2",
    "Predicate ",
    "aiting for pod",
    "Scaled up replica set ",
    " to 99999999999",
    "missing request for ",
    "Back-off ",
    "E0101 00:00:00.000000       1 a.go:1] ",
    "/",
    "://",
    ":",
    " ",
];

proptest::proptest! {
    #[test]
    fn never_panics_on_anything(reason in 0..READERS.len() + 1, text in "\\PC{0,300}") {
        let reason = READERS.get(reason).map_or("", |(reason, _)| reason);
        bounded_facts(reason, &text);
    }

    #[test]
    fn never_panics_on_pieces(
        reason in 0..READERS.len() + 1,
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..12),
    ) {
        let reason = READERS.get(reason).map_or("", |(reason, _)| reason);
        bounded_facts(reason, &pieces.concat());
    }
}

/// What comes out is bounded whatever comes in.
fn bounded_facts(reason: &str, text: &str) {
    let found = facts(reason, text);
    assert!(found.len() <= 16, "{} facts", found.len());
    let size = format!("{found:?}").len();
    assert!(
        size <= 8 * text.len() + 4096,
        "{size} bytes of facts from {}",
        text.len()
    );
}

#[test]
fn long_texts_are_bounded() {
    for piece in PIECES {
        let text = piece.repeat(20_000);
        for reason in ["", "Failed", "FailedScheduling"] {
            let size = format!("{:?}", facts(reason, &text)).len();
            assert!(size < 256 * 1024, "{size} bytes from {reason} {piece:?}");
        }
    }
}
