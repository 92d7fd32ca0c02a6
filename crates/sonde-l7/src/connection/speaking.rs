//! A connection whose protocol is known: segments to messages, messages to calls.

use super::lane::{self, Lane, State};
use super::pairing::{Paired, yield_call};
use super::{Counters, Segment, Sink};
use crate::call::Flags;
use crate::dialect::{Event, Input, Key, Read, Session, Start};
use crate::limits::HEAD_MAX;
use crate::protocol::{Duplex, Protocol, Transport};
use crate::record::Open;
use crate::verdict::{Role, Side, Turn, Verdict};

/// A connection whose protocol is known.
#[derive(Debug)]
pub(super) struct Speaking {
    pub(super) verdict: Verdict,
    pub(super) in_order: bool,
    pub(super) session: Box<dyn Session>,
    pub(super) client: Lane,
    pub(super) server: Lane,
    pub(super) open: Open,
    pub(super) last: Option<Side>,
}

impl Speaking {
    pub(super) fn new(transport: Transport, verdict: Verdict, start: Start) -> Option<Self> {
        let dialect = verdict.protocol.dialect(transport)?;
        Some(Self {
            verdict,
            in_order: verdict.protocol.duplex() == Duplex::InOrder,
            session: (dialect.session)(start),
            client: Lane::new(dialect, start),
            server: Lane::new(dialect, start),
            open: Open::default(),
            last: None,
        })
    }

    fn role(&self, side: Side) -> Role {
        if side == self.verdict.server {
            Role::Server
        } else {
            Role::Client
        }
    }

    fn lane(&mut self, role: Role) -> &mut Lane {
        match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    /// Takes a segment; `Some` if the connection becomes another protocol's.
    #[allow(
        clippy::option_option,
        reason = "no change, a change to nothing known and a change are three answers"
    )]
    pub(super) fn feed(
        &mut self,
        segment: Segment<'_>,
        counters: &mut Counters,
        sink: Sink<'_>,
    ) -> Option<Option<Protocol>> {
        let role = self.role(segment.side);
        let new_turn = self.last != Some(segment.side);
        self.last = Some(segment.side);
        if segment.lost_before {
            self.lose(role, counters, sink);
        }
        if !self.in_step(role, &segment, new_turn, counters, sink) {
            return None;
        }
        if role == Role::Client
            && self.in_order
            && let Some(call) = self.open.get_mut(Key::Back)
            && call.times.response_ns.is_none()
        {
            call.times.request_end_ns = segment.time_ns;
        }
        let mut hole = segment.len.saturating_sub(segment.bytes.len() as u64);
        let mut bytes = self.lane(role).skip(segment.bytes);
        self.finish(role, segment.time_ns, counters, sink);
        if self.lane(role).buffer.is_empty() {
            self.lane(role).started_ns = segment.time_ns;
        }
        let becomes = if self.lane(role).buffer.is_empty() {
            let becomes = self.messages(role, &mut bytes, hole > 0, segment.time_ns, counters, sink);
            let lane = self.lane(role);
            lane.buffer.extend_from_slice(bytes);
            becomes
        } else {
            let mut buffer = std::mem::take(&mut self.lane(role).buffer);
            buffer.extend_from_slice(bytes);
            let mut rest = buffer.as_slice();
            let becomes = self.messages(role, &mut rest, hole > 0, segment.time_ns, counters, sink);
            let read = buffer.len() - rest.len();
            buffer.drain(..read);
            // Heads that come in pieces are rare: an idle connection keeps no buffer for the next one.
            if buffer.is_empty() {
                buffer.shrink_to(HEAD_MAX);
            }
            self.lane(role).buffer = buffer;
            becomes
        };
        if becomes.is_some() {
            return becomes;
        }
        hole = self.lane(role).skip_hole(hole);
        self.finish(role, segment.time_ns, counters, sink);
        if hole > 0 && self.lane(role).state == State::InStep {
            self.gap(role, counters, sink);
        }
        None
    }

    /// Whether the lane's next byte is understood; tries to get in step at the start of a segment.
    fn in_step(
        &mut self,
        role: Role,
        segment: &Segment<'_>,
        new_turn: bool,
        counters: &mut Counters,
        sink: Sink<'_>,
    ) -> bool {
        let after_gap = match self.lane(role).state {
            State::InStep => return true,
            State::Gap => true,
            State::Lost => false,
        };
        // In order, a response is one only at the start of a turn and after its request.
        let response_due = role == Role::Client || !self.in_order || (new_turn && !self.open.is_empty());
        let may_start = if after_gap && self.in_order {
            new_turn
        } else {
            response_due
        };
        if !may_start {
            return false;
        }
        let turn = Turn {
            side: segment.side,
            bytes: segment.bytes,
            len: segment.len,
        };
        let starts = (self.lane(role).starts)(role, &turn);
        if starts {
            self.lane(role).state = State::InStep;
        } else if after_gap {
            self.lose(role, counters, sink);
        }
        starts
    }

    /// What follows on this side up to its next turn was not captured, or is not understood.
    fn gap(&mut self, role: Role, counters: &mut Counters, sink: Sink<'_>) {
        self.session.lost(role);
        let lane = self.lane(role);
        lane.lose();
        lane.state = State::Gap;
        if self.in_order && role == Role::Server {
            self.end_answered(counters, sink);
            counters.abandoned += self.open.clear();
        }
    }

    /// The response that was under way will not be seen to its end.
    fn end_answered(&mut self, counters: &mut Counters, sink: Sink<'_>) {
        if self
            .open
            .get_mut(Key::Front)
            .is_some_and(|call| call.times.response_ns.is_some())
            && let Some(mut record) = self.open.remove(Key::Front)
        {
            record.flags = record.flags.with(Flags::TRUNCATED);
            let end_ns = record.times.response_ns.unwrap_or_default();
            yield_call(record, end_ns, &mut self.open, counters, sink);
        }
    }

    /// A side is out of step: what is open in order can no longer be paired.
    fn lose(&mut self, role: Role, counters: &mut Counters, sink: Sink<'_>) {
        counters.lost += 1;
        self.session.lost(role);
        let lane = self.lane(role);
        lane.lose();
        if let Some(mut record) = lane.finishing.take() {
            record.flags = record.flags.with(Flags::TRUNCATED);
            let end_ns = record.times.response_ns.unwrap_or_default();
            yield_call(record, end_ns, &mut self.open, counters, sink);
        }
        if self.in_order {
            self.end_answered(counters, sink);
            counters.abandoned += self.open.clear();
            // A response may be under way for a request that was just forgotten.
            if role == Role::Client && self.server.state == State::InStep {
                self.session.lost(Role::Server);
                self.server.lose();
            }
        }
    }

    /// Reads the messages at the start of `bytes`, and leaves in it what is the start of the next one.
    #[allow(clippy::option_option, reason = "as in feed")]
    fn messages(
        &mut self,
        role: Role,
        bytes: &mut &[u8],
        hole_follows: bool,
        time_ns: u64,
        counters: &mut Counters,
        sink: Sink<'_>,
    ) -> Option<Option<Protocol>> {
        // Messages of no bytes only close calls that are open, so they end.
        let mut steps_left = bytes.len() + self.open.len() + 1;
        while !bytes.is_empty() && steps_left > 0 {
            steps_left -= 1;
            let (here, full) = lane::window(bytes);
            let input = Input {
                bytes: here,
                cut: full || hole_follows,
            };
            let before = match role {
                Role::Client => self.client.started_ns,
                Role::Server => self.server.started_ns,
            };
            let read = self.session.read(role, input, &self.open);
            let (size, event) = match read {
                Read::Message { size, event } => (size, event),
                Read::More if !input.cut => return None,
                Read::More if hole_follows => {
                    *bytes = &[];
                    self.gap(role, counters, sink);
                    return None;
                }
                Read::More | Read::Lost => {
                    *bytes = &[];
                    self.lose(role, counters, sink);
                    return None;
                }
            };
            let lane = match role {
                Role::Client => &mut self.client,
                Role::Server => &mut self.server,
            };
            let whole = lane.consume(bytes, size, time_ns);
            let mut paired = Paired {
                verdict: self.verdict,
                in_order: self.in_order,
                role,
                started_ns: before,
                time_ns,
                open: &mut self.open,
                counters,
            };
            let (ended, becomes) = paired.take(event);
            if let Some(record) = ended {
                if whole {
                    paired.yield_call(record, time_ns, sink);
                } else {
                    lane.finishing = Some(record);
                }
            }
            if becomes.is_some() {
                return becomes;
            }
            if lane.state != State::InStep {
                *bytes = &[];
            }
        }
        None
    }

    /// Yields the call whose last message was still under way, if it is complete now.
    fn finish(&mut self, role: Role, time_ns: u64, counters: &mut Counters, sink: Sink<'_>) {
        let lane = self.lane(role);
        if lane.skip_left > 0 {
            return;
        }
        if let Some(record) = lane.finishing.take() {
            yield_call(record, time_ns, &mut self.open, counters, sink);
        }
    }

    pub(super) fn close(&mut self, time_ns: u64, counters: &mut Counters, sink: Sink<'_>) {
        for role in [Role::Client, Role::Server] {
            if let Some(record) = self.lane(role).finishing.take() {
                yield_call(record, time_ns, &mut self.open, counters, sink);
            }
        }
        while let Some(mut record) = self.open.remove(Key::Front) {
            if record.times.response_ns.is_none() {
                record.flags = record.flags.with(Flags::UNANSWERED);
                if !record.silent {
                    counters.calls += 1;
                    sink(&record.call());
                }
            } else {
                yield_call(record, time_ns, &mut self.open, counters, sink);
            }
        }
    }

    /// Reads a side's bytes up to the first message that begins or ends a call.
    pub(super) fn describe(&mut self, role: Role, mut bytes: &[u8], counters: &mut Counters, sink: Sink<'_>) {
        let mut steps_left = bytes.len() + 1;
        while !bytes.is_empty() && steps_left > 0 {
            steps_left -= 1;
            let (here, _) = lane::window(bytes);
            let input = Input {
                bytes: here,
                cut: true,
            };
            let Read::Message { size, event } = self.session.read(role, input, &self.open) else {
                return;
            };
            let mut paired = Paired {
                verdict: self.verdict,
                in_order: self.in_order,
                role,
                started_ns: 0,
                time_ns: 0,
                open: &mut self.open,
                counters,
            };
            let begins = matches!(event, Event::Request { .. });
            if let (Some(record), _) = paired.take(event) {
                paired.yield_call(record, 0, sink);
                return;
            }
            let size = size.and_then(|size| usize::try_from(size).ok());
            match size {
                Some(size) if size < bytes.len() && !begins => bytes = &bytes[size..],
                _ => return,
            }
        }
    }
}
