//! A connection as a stream of segments: finds messages, pairs them, yields calls.

mod lane;
mod pairing;
mod speaking;
mod undecided;

use crate::call::Call;
pub use crate::dialect::Start;
use crate::protocol::{Protocol, Transport};
use crate::verdict::{Role, Side, Verdict};
use speaking::Speaking;
use undecided::Undecided;

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
    verdict: Option<Verdict>,
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

impl Connection {
    /// A connection whose protocol and server are known. `None` if the protocol is not spoken on this transport by
    /// itself, as gRPC, which rides in HTTP/2.
    pub fn new(transport: Transport, verdict: Verdict, start: Start) -> Option<Self> {
        Some(Self {
            transport,
            verdict: Some(verdict),
            phase: Phase::Speaking(Box::new(Speaking::new(transport, verdict, start)?)),
            counters: Counters::default(),
        })
    }

    /// A connection that has to be judged first; `opener` is the side that opened it, if that was seen.
    pub fn undecided(transport: Transport, opener: Option<Side>, start: Start) -> Self {
        Self {
            transport,
            verdict: None,
            phase: Phase::Undecided(Undecided {
                opener,
                start,
                kept: Vec::new(),
            }),
            counters: Counters::default(),
        }
    }

    /// What it speaks, once that is known; after an upgrade, what it was upgraded to if that is known.
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdict
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
                        self.verdict = Some(verdict);
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
            Some(speaking) => {
                self.verdict = Some(speaking.verdict);
                Phase::Speaking(Box::new(speaking))
            }
            None => Phase::Opaque,
        };
        for (time_ns, side, bytes) in &rests {
            if !bytes.is_empty() {
                self.feed(Segment::whole(*side, *time_ns, bytes), sink);
            }
        }
    }
}

type Sink<'s> = &'s mut dyn FnMut(&Call<'_>);

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
