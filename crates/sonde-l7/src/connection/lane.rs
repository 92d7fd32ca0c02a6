//! One direction of a connection.

use crate::dialect::{Dialect, Start};
use crate::limits::BUFFER_MAX;
use crate::record::Record;
use crate::verdict::{Role, Turn};

/// What the next byte of a lane is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The start of a message, or the rest of one that is skipped.
    InStep,
    /// Unknown: a strict start of a message is waited for.
    Lost,
    /// Unknown until the side's next turn, which is expected to start with a message.
    Gap,
}

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) state: State,
    pub(super) starts: fn(Role, &Turn<'_>) -> bool,
    /// The start of a message that is not complete.
    pub(super) buffer: Vec<u8>,
    /// When the message at the start of the buffer began.
    pub(super) started_ns: u64,
    /// Bytes of the last message that are still to come.
    pub(super) skip_left: u64,
    /// The call that ends when they have come.
    pub(super) finishing: Option<Box<Record>>,
}

impl Lane {
    pub(super) fn new(dialect: &Dialect, start: Start) -> Self {
        Self {
            state: match start {
                Start::Fresh => State::InStep,
                Start::Midway => State::Lost,
            },
            starts: dialect.starts,
            buffer: Vec::new(),
            started_ns: 0,
            skip_left: 0,
            finishing: None,
        }
    }

    pub(super) fn lose(&mut self) {
        self.state = State::Lost;
        self.buffer.clear();
        self.skip_left = 0;
    }

    /// What is left of `bytes` after the message under way.
    pub(super) fn skip<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let skipped = usize::try_from(self.skip_left)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        self.skip_left -= skipped as u64;
        &bytes[skipped..]
    }

    /// What is left of a hole after the message under way.
    pub(super) fn skip_hole(&mut self, hole: u64) -> u64 {
        let skipped = self.skip_left.min(hole);
        self.skip_left -= skipped;
        hole - skipped
    }

    /// Moves past a message; whether all of it was there.
    pub(super) fn consume(&mut self, bytes: &mut &[u8], size: Option<u64>, time_ns: u64) -> bool {
        let Some(size) = size else {
            *bytes = &[];
            self.state = State::Gap;
            return true;
        };
        if size > 0 {
            self.started_ns = time_ns;
        }
        let here = usize::try_from(size).unwrap_or(usize::MAX).min(bytes.len());
        *bytes = &bytes[here..];
        self.skip_left = size - here as u64;
        self.skip_left == 0
    }
}

/// The part of the bytes that is looked at, and whether it is as much as is ever looked at.
pub(super) fn window(bytes: &[u8]) -> (&[u8], bool) {
    if bytes.len() >= BUFFER_MAX {
        (&bytes[..BUFFER_MAX], true)
    } else {
        (bytes, false)
    }
}
