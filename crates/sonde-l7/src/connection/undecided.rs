//! Connections without a verdict: what is kept until there is one.

use super::Segment;
use crate::dialect::Start;
use crate::limits::{UNDECIDED_MAX, UNDECIDED_TURNS_MAX};
use crate::protocol::Transport;
use crate::verdict::{Side, Turn, Verdict, judge};

#[derive(Debug)]
pub(super) struct Undecided {
    pub(super) opener: Option<Side>,
    pub(super) start: Start,
    pub(super) kept: Vec<Kept>,
}

/// A segment that waits for the verdict.
#[derive(Debug)]
pub(super) struct Kept {
    side: Side,
    time_ns: u64,
    bytes: Vec<u8>,
    len: u64,
    lost_before: bool,
}

impl Undecided {
    /// Keeps a segment. `Some` if nothing more is needed: a verdict, or the end of patience.
    #[allow(clippy::option_option, reason = "not yet, never and now are three answers")]
    pub(super) fn keep(&mut self, transport: Transport, segment: Segment<'_>) -> Option<Option<Verdict>> {
        let used = match self.kept.last() {
            Some(last) if last.side == segment.side && !segment.lost_before => last.bytes.len(),
            _ => 0,
        };
        let room = UNDECIDED_MAX.saturating_sub(used);
        let bytes = &segment.bytes[..segment.bytes.len().min(room)];
        // Pieces of one turn are one turn; after a hole only its length grows.
        match self.kept.last_mut() {
            Some(last)
                if transport == Transport::Tcp && last.side == segment.side && !segment.lost_before =>
            {
                if last.bytes.len() as u64 == last.len {
                    last.bytes.extend_from_slice(bytes);
                }
                last.len += segment.len;
            }
            _ => self.kept.push(Kept {
                side: segment.side,
                time_ns: segment.time_ns,
                bytes: bytes.to_vec(),
                len: segment.len,
                lost_before: segment.lost_before,
            }),
        }
        let turns: Vec<Turn<'_>> = self.kept.iter().map(Kept::turn).collect();
        match judge(transport, &turns, self.opener) {
            Some(verdict) => Some(Some(verdict)),
            None if self.kept.len() > UNDECIDED_TURNS_MAX => Some(None),
            None => None,
        }
    }
}

impl Kept {
    fn turn(&self) -> Turn<'_> {
        Turn {
            side: self.side,
            bytes: &self.bytes,
            len: self.len,
        }
    }

    pub(super) fn segment(&self) -> Segment<'_> {
        Segment {
            side: self.side,
            time_ns: self.time_ns,
            bytes: &self.bytes,
            len: self.len,
            lost_before: self.lost_before,
        }
    }
}
