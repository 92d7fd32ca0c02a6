//! Which response is whose.

use super::{Counters, Sink};
use crate::call::{Flags, Times};
use crate::dialect::{Event, Expects, Key};
use crate::protocol::Protocol;
use crate::record::{Open, Record};
use crate::verdict::{Role, Verdict};

/// What pairing one message needs.
pub(super) struct Paired<'p> {
    pub(super) verdict: Verdict,
    pub(super) in_order: bool,
    pub(super) role: Role,
    pub(super) started_ns: u64,
    pub(super) time_ns: u64,
    pub(super) open: &'p mut Open,
    pub(super) counters: &'p mut Counters,
}

impl Paired<'_> {
    /// Applies an event. Gives the call that ended, and the protocol that the connection becomes.
    #[allow(clippy::option_option, reason = "as in feed")]
    pub(super) fn take(&mut self, event: Event<'_>) -> (Option<Box<Record>>, Option<Option<Protocol>>) {
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

    pub(super) fn yield_call(&mut self, record: Box<Record>, time_ns: u64, sink: Sink<'_>) {
        yield_call(record, time_ns, self.open, self.counters, sink);
    }
}

pub(super) fn yield_call(
    mut record: Box<Record>,
    time_ns: u64,
    open: &mut Open,
    counters: &mut Counters,
    sink: Sink<'_>,
) {
    if !record.flags.has(Flags::ONE_WAY) {
        record.times.end_ns = Some(time_ns);
    }
    if !record.silent {
        counters.calls += 1;
        sink(&record.call());
    }
    open.give_back(record);
}
