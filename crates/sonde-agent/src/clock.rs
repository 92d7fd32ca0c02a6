//! The node's clocks.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustix::time::{ClockId, clock_gettime};

/// The wall clock at the node's boot, by both clocks as they stand now. Asked for each batch of events, since the wall
/// clock may be set.
pub(crate) fn booted() -> Timestamp {
    let since_boot = clock_gettime(ClockId::Boottime);
    let since_boot = SignedDuration::new(since_boot.tv_sec, since_boot.tv_nsec as i32);
    Timestamp::now()
        .saturating_sub(since_boot)
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The wall clock so long after boot.
pub(crate) fn at(booted: Timestamp, since_boot: Duration) -> Timestamp {
    let since_boot = SignedDuration::try_from(since_boot).unwrap_or(SignedDuration::MAX);
    booted.saturating_add(since_boot).unwrap_or(Timestamp::MAX)
}
