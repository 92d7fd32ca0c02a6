//! A connection as a stream of segments: finds messages, pairs them, yields calls.

mod lane;

use crate::call::{Call, Flags, Times};
pub use crate::dialect::Start;
use crate::dialect::{Event, Expects, Input, Key, Read, Session};
use crate::limits::{HEAD_MAX, UNDECIDED_MAX, UNDECIDED_TURNS_MAX};
use crate::protocol::{Protocol, Transport};
use crate::record::{Open, Record};
use crate::verdict::{Role, Side, Turn, Verdict, judge};
use lane::{Lane, State};

/// Bytes that one side sent, as they were captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Who sent them.
    pub side: Side,
    /// When, in nanoseconds of any clock.
    pub time_ns: u64,
    /// The first bytes of the segment.
    pub bytes: &'a [u8],
    /// All bytes of the segment, captured or not.
    pub len: u64,
    /// Whether bytes of this side before this segment are missing.
    pub lost_before: bool,
}

impl<'a> Segment<'a> {
    /// A segment that was captured whole, with nothing lost before it.
    pub fn whole(side: Side, time_ns: u64, bytes: &'a [u8]) -> Self {
        Self {
            side,
            time_ns,
            bytes,
            len: bytes.len() as u64,
            lost_before: false,
        }
    }
}

/// What a connection could not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Calls that were yielded.
    pub calls: u64,
    /// Requests whose response was not recognized, because bytes were lost or too many were open.
    pub abandoned: u64,
    /// Times at which a side was out of step.
    pub lost: u64,
}

/// Follows one connection.
///
/// Feed it segments in the order of their times; it calls back with every call that ended. A connection made by
/// [`Connection::undecided`] first keeps a few turns, judges them, and yields their calls then.
#[derive(Debug)]
pub struct Connection {
    transport: Transport,
    phase: Phase,
    counters: Counters,
}

#[derive(Debug)]
enum Phase {
    Undecided(Undecided),
    Speaking(Box<Speaking>),
    /// Nobody can tell more: not a known protocol, or a tunnel.
    Opaque,
}

#[derive(Debug)]
struct Undecided {
    opener: Option<Side>,
    start: Start,
    kept: Vec<Kept>,
}

/// A segment that waits for the verdict.
#[derive(Debug)]
struct Kept {
    side: Side,
    time_ns: u64,
    bytes: Vec<u8>,
    len: u64,
    lost_before: bool,
}

/// A connection whose protocol is known.
#[derive(Debug)]
struct Speaking {
    verdict: Verdict,
    in_order: bool,
    session: Box<dyn Session>,
    client: Lane,
    server: Lane,
    open: Open,
    last: Option<Side>,
}

impl Connection {
    /// A connection whose protocol and server are known. `None` if the protocol is not spoken on this transport by
    /// itself, as gRPC, which rides in HTTP/2.
    pub fn new(transport: Transport, verdict: Verdict, start: Start) -> Option<Self> {
        Some(Self {
            transport,
            phase: Phase::Speaking(Box::new(Speaking::new(transport, verdict, start)?)),
            counters: Counters::default(),
        })
    }

    /// A connection that has to be judged first; `opener` is the side that opened it, if that was seen.
    pub fn undecided(transport: Transport, opener: Option<Side>, start: Start) -> Self {
        Self {
            transport,
            phase: Phase::Undecided(Undecided {
                opener,
                start,
                kept: Vec::new(),
            }),
            counters: Counters::default(),
        }
    }

    /// What it speaks, once that is known.
    pub fn verdict(&self) -> Option<Verdict> {
        match &self.phase {
            Phase::Speaking(speaking) => Some(speaking.verdict),
            Phase::Undecided(_) | Phase::Opaque => None,
        }
    }

    /// What was yielded and what could not be told.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Takes the next segment and yields the calls that end with it.
    pub fn feed(&mut self, segment: Segment<'_>, sink: &mut dyn FnMut(&Call<'_>)) {
        match &mut self.phase {
            Phase::Opaque => {}
            Phase::Speaking(speaking) => {
                if let Some(next) = speaking.feed(segment, &mut self.counters, sink) {
                    self.turn_into(next, sink);
                }
            }
            Phase::Undecided(undecided) => {
                let decided = undecided.keep(self.transport, segment);
                match decided {
                    None => {}
                    Some(None) => self.phase = Phase::Opaque,
                    Some(Some(verdict)) => {
                        let (start, kept) = (undecided.start, std::mem::take(&mut undecided.kept));
                        self.phase = match Speaking::new(self.transport, verdict, start) {
                            Some(speaking) => Phase::Speaking(Box::new(speaking)),
                            None => Phase::Opaque,
                        };
                        for it in &kept {
                            self.feed(it.segment(), sink);
                        }
                    }
                }
            }
        }
    }

    /// Ends the connection and yields what is still open, marked `UNANSWERED`.
    pub fn close(&mut self, time_ns: u64, sink: &mut dyn FnMut(&Call<'_>)) {
        if let Phase::Speaking(speaking) = &mut self.phase {
            speaking.close(time_ns, &mut self.counters, sink);
        }
        self.phase = Phase::Opaque;
    }

    /// The protocol changes in the middle: by an upgrade, or because encryption starts.
    fn turn_into(&mut self, next: Option<Protocol>, sink: &mut dyn FnMut(&Call<'_>)) {
        let Phase::Speaking(old) = &mut self.phase else {
            return;
        };
        let server = old.verdict.server;
        let rests = [
            (
                old.client.started_ns,
                server.other(),
                std::mem::take(&mut old.client.buffer),
            ),
            (
                old.server.started_ns,
                server,
                std::mem::take(&mut old.server.buffer),
            ),
        ];
        self.counters.abandoned += old.open.clear();
        let speaking = next
            .and_then(|protocol| Speaking::new(self.transport, Verdict { protocol, server }, Start::Fresh));
        self.phase = match speaking {
            Some(speaking) => Phase::Speaking(Box::new(speaking)),
            None => Phase::Opaque,
        };
        for (time_ns, side, bytes) in &rests {
            if !bytes.is_empty() {
                self.feed(Segment::whole(*side, *time_ns, bytes), sink);
            }
        }
    }
}

impl Undecided {
    /// Keeps a segment. `Some` if nothing more is needed: a verdict, or the end of patience.
    #[allow(clippy::option_option, reason = "not yet, never and now are three answers")]
    fn keep(&mut self, transport: Transport, segment: Segment<'_>) -> Option<Option<Verdict>> {
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

    fn segment(&self) -> Segment<'_> {
        Segment {
            side: self.side,
            time_ns: self.time_ns,
            bytes: &self.bytes,
            len: self.len,
            lost_before: self.lost_before,
        }
    }
}

type Sink<'s> = &'s mut dyn FnMut(&Call<'_>);

impl Speaking {
    fn new(transport: Transport, verdict: Verdict, start: Start) -> Option<Self> {
        let dialect = verdict.protocol.dialect(transport)?;
        Some(Self {
            verdict,
            in_order: dialect.in_order,
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
    fn feed(
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

    fn close(&mut self, time_ns: u64, counters: &mut Counters, sink: Sink<'_>) {
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
}

/// What pairing one message needs.
struct Paired<'p> {
    verdict: Verdict,
    in_order: bool,
    role: Role,
    started_ns: u64,
    time_ns: u64,
    open: &'p mut Open,
    counters: &'p mut Counters,
}

impl Paired<'_> {
    /// Applies an event. Gives the call that ended, and the protocol that the connection becomes.
    #[allow(clippy::option_option, reason = "as in feed")]
    fn take(&mut self, event: Event<'_>) -> (Option<Record>, Option<Option<Protocol>>) {
        match event {
            Event::Nothing => {}
            Event::Becomes(protocol) => return (None, Some(protocol)),
            Event::Request {
                key,
                tag,
                request,
                expects,
                protocol,
            } => {
                if expects == Expects::Response && self.open.is_full() {
                    self.make_room();
                }
                let mut record = self.open.spare();
                let times = Times {
                    request_ns: self.started_ns,
                    request_end_ns: self.time_ns,
                    response_ns: None,
                    end_ns: None,
                };
                record.begin(protocol.unwrap_or(self.verdict.protocol), &request, times);
                record.key = key;
                record.tag = tag;
                record.silent = expects == Expects::Silence;
                record.flags = Flags::default()
                    .with_if(self.in_order && !self.open.is_empty(), Flags::PIPELINED)
                    .with_if(self.role == Role::Server, Flags::FROM_SERVER)
                    .with_if(expects == Expects::Nothing, Flags::ONE_WAY);
                if expects == Expects::Nothing {
                    return (Some(record), None);
                }
                self.open.push(record);
            }
            Event::RequestPart { key, messages } => {
                if let Some(call) = self.open.get_mut(key) {
                    call.request_messages = call.request_messages.saturating_add(messages);
                    call.times.request_end_ns = self.time_ns;
                }
            }
            Event::Response {
                key,
                response,
                messages,
                last,
            } => {
                if let Some(call) = self.open.get_mut(key) {
                    call.answer(&response);
                    call.response_messages = call.response_messages.saturating_add(messages);
                    call.times.response_ns.get_or_insert(self.started_ns);
                }
                if last {
                    return (self.open.remove(key), None);
                }
            }
            Event::End { key } => return (self.open.remove(key), None),
            Event::Drop { key } => {
                if let Some(record) = self.open.remove(key) {
                    self.open.give_back(record);
                }
            }
        }
        (None, None)
    }

    fn make_room(&mut self) {
        if self.in_order {
            self.counters.abandoned += self.open.clear();
        } else if let Some(record) = self.open.remove(Key::Front) {
            self.counters.abandoned += u64::from(!record.silent);
            self.open.give_back(record);
        }
    }

    fn yield_call(&mut self, record: Record, time_ns: u64, sink: Sink<'_>) {
        yield_call(record, time_ns, self.open, self.counters, sink);
    }
}

fn yield_call(mut record: Record, time_ns: u64, open: &mut Open, counters: &mut Counters, sink: Sink<'_>) {
    if !record.flags.has(Flags::ONE_WAY) {
        record.times.end_ns = Some(time_ns);
    }
    if !record.silent {
        counters.calls += 1;
        sink(&record.call());
    }
    open.give_back(record);
}

/// Describes one request and, if there is one, its response, from the first bytes of each.
///
/// For protocols whose messages only make sense with what came before, such as a prepared statement's number, the call
/// has no target.
pub fn describe<T>(
    transport: Transport,
    protocol: Protocol,
    request: &[u8],
    response: &[u8],
    then: impl FnOnce(&Call<'_>) -> T,
) -> Option<T> {
    let verdict = Verdict {
        protocol,
        server: Side::B,
    };
    let mut speaking = Speaking::new(transport, verdict, Start::Midway)?;
    let mut then = Some(then);
    let mut out = None;
    let mut sink = |call: &Call<'_>| {
        if let Some(then) = then.take() {
            out = Some(then(call));
        }
    };
    let mut counters = Counters::default();
    speaking.describe(Role::Client, request, &mut counters, &mut sink);
    speaking.describe(Role::Server, response, &mut counters, &mut sink);
    speaking.close(0, &mut counters, &mut sink);
    out
}

impl Speaking {
    /// Reads a side's bytes up to the first message that begins or ends a call.
    fn describe(&mut self, role: Role, mut bytes: &[u8], counters: &mut Counters, sink: Sink<'_>) {
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
