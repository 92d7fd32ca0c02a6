//! Every protocol's samples against every protocol's dialect, and what must hold for all of them.
//!
//! Samples here are written by hand, from the protocols' definitions; captured streams stand in `corpus/`.

mod amqp;
mod corpus;
mod dns;
mod dubbo;
mod http1;
mod http2;
mod kafka;
mod matrix;
mod memcached;
mod mongodb;
mod mqtt;
mod mysql;
mod nats;
mod postgres;
mod properties;
mod redaction;
mod redis;
mod strangers;
mod tls;
mod zookeeper;

use crate::call::{Blame, Call, Flags};
use crate::connection::{Connection, Segment, Start};
use crate::kernel::Rule;
use crate::protocol::{Protocol, Transport};
use crate::verdict::Side::{self, A, B};
use crate::verdict::{Turn, Verdict, judge};

use std::collections::HashSet;

/// A connection: what was sent in turns, and the calls in it.
struct Sample {
    name: &'static str,
    protocol: Protocol,
    transport: Transport,
    turns: Vec<(Side, Vec<u8>)>,
    calls: Vec<&'static str>,
}

impl Sample {
    /// Over TCP; side A is the client.
    fn tcp(protocol: Protocol, name: &'static str, turns: &[(Side, &[u8])], calls: &[&'static str]) -> Self {
        Self {
            name,
            protocol,
            transport: Transport::Tcp,
            turns: turns
                .iter()
                .map(|(side, bytes)| (*side, bytes.to_vec()))
                .collect(),
            calls: calls.to_vec(),
        }
    }

    fn turns(&self, len_max: usize) -> Vec<Turn<'_>> {
        self.turns
            .iter()
            .map(|(side, bytes)| Turn {
                side: *side,
                bytes: &bytes[..bytes.len().min(len_max)],
                len: bytes.len() as u64,
            })
            .collect()
    }

    fn connection(&self) -> Connection {
        let verdict = Verdict {
            protocol: self.protocol,
            server: B,
        };
        Connection::new(self.transport, verdict, Start::Fresh).unwrap()
    }
}

fn all() -> Vec<Sample> {
    let mut all = Vec::new();
    for samples in SAMPLES {
        all.extend(samples());
    }
    all
}

/// One line for each protocol.
const SAMPLES: &[fn() -> Vec<Sample>] = &[
    amqp::samples,
    dns::samples,
    dubbo::samples,
    http1::samples,
    http2::samples,
    kafka::samples,
    memcached::samples,
    mongodb::samples,
    mqtt::samples,
    mysql::samples,
    nats::samples,
    postgres::samples,
    redis::samples,
    tls::samples,
    zookeeper::samples,
];

/// A call as one line: `GET /x/{id} @host -> 200`.
fn shown(call: &Call<'_>) -> String {
    let mut out = format!("{} {}", call.protocol.name(), call.request.operation);
    let key = call.request.target.key();
    if !key.is_empty() {
        out.push_str(&format!(" {key}"));
    }
    if !call.request.scope.is_empty() {
        out.push_str(&format!(" @{}", String::from_utf8_lossy(call.request.scope)));
    }
    if let Some(response) = call.response {
        out.push_str(" ->");
        if let Some(status) = response.status {
            out.push_str(&format!(" {status}"));
        }
        if let Some(failure) = response.failure {
            let mark = if failure.blame == Blame::Caller {
                "!caller"
            } else {
                "!callee"
            };
            out.push_str(&format!(" {mark} {}", failure.code));
            if !failure.message.is_empty() {
                out.push_str(&format!(" ({})", String::from_utf8_lossy(failure.message)));
            }
        }
    }
    for (flag, word) in [
        (Flags::PIPELINED, "pipelined"),
        (Flags::COMPRESSED, "compressed"),
        (Flags::TRUNCATED, "truncated"),
        (Flags::STREAMING, "streaming"),
        (Flags::UPGRADED, "upgraded"),
        (Flags::UNANSWERED, "unanswered"),
        (Flags::ONE_WAY, "one-way"),
        (Flags::FROM_SERVER, "from-server"),
    ] {
        if call.flags.has(flag) {
            out.push_str(&format!(" +{word}"));
        }
    }
    if call.request_messages > 1 || call.response_messages > 1 {
        out.push_str(&format!(" {}/{}", call.request_messages, call.response_messages));
    }
    if let Some(trace) = call.request.trace {
        out.push_str(&format!(" #{}", String::from_utf8_lossy(trace.id)));
    }
    out
}

/// Feeds segments of (side, bytes) and gives the calls, the open ones at the end too.
fn calls(mut connection: Connection, segments: &[(Side, &[u8])]) -> Vec<String> {
    let mut out = Vec::new();
    for (at, (side, bytes)) in segments.iter().enumerate() {
        connection.feed(Segment::whole(*side, at as u64 * 1000, bytes), &mut |call| {
            out.push(shown(call));
        });
    }
    connection.close(u64::MAX, &mut |call| out.push(shown(call)));
    out
}

fn whole(sample: &Sample) -> Vec<(Side, &[u8])> {
    sample
        .turns
        .iter()
        .map(|(side, bytes)| (*side, bytes.as_slice()))
        .collect()
}

#[test]
fn samples_give_their_calls() {
    for sample in all() {
        let found = calls(sample.connection(), &whole(&sample));
        assert_eq!(found, sample.calls, "{} {}", sample.protocol.name(), sample.name);
    }
}

#[test]
fn samples_give_their_calls_byte_by_byte() {
    for sample in all().iter().filter(|it| it.transport == Transport::Tcp) {
        let bytes: Vec<(Side, &[u8])> = whole(sample)
            .into_iter()
            .flat_map(|(side, bytes)| bytes.chunks(1).map(move |byte| (side, byte)))
            .collect();
        let found = calls(sample.connection(), &bytes);
        assert_eq!(found, sample.calls, "{} {}", sample.protocol.name(), sample.name);
    }
}

#[test]
fn samples_are_judged_and_followed() {
    for sample in all() {
        let connection = Connection::undecided(sample.transport, None, Start::Fresh);
        let found = calls(connection, &whole(&sample));
        assert_eq!(found, sample.calls, "{} {}", sample.protocol.name(), sample.name);
    }
}

/// The kernel's look at the first bytes says what the parser says, or nothing.
#[test]
fn the_kernel_agrees() {
    let mut compared = 0;
    for sample in all() {
        let check = sample.protocol.kernel_check(sample.transport).unwrap();
        for pair in sample.turns.windows(2) {
            let [(A, request), (B, response)] = pair else {
                continue;
            };
            let failed = crate::describe(sample.transport, sample.protocol, request, response, |call| {
                call.response
                    .filter(|_| call.protocol == sample.protocol)
                    .map(|_| call.error().is_some())
            });
            let outcome = check.outcome(response);
            if let Some(Some(failed)) = failed
                && !matches!(outcome, crate::Outcome::Unknown | crate::Outcome::Interim)
            {
                compared += 1;
                assert_eq!(
                    outcome.is_error(),
                    failed,
                    "{} {}",
                    sample.protocol.name(),
                    sample.name
                );
            }
        }
    }
    assert!(compared > 10, "{compared}");
}

/// What the kernel takes as correlation id and length is what they are.
#[test]
fn the_kernel_pairs() {
    for protocol in Protocol::ALL {
        let samples: Vec<Sample> = all().into_iter().filter(|it| it.protocol == *protocol).collect();
        for transport in [Transport::Tcp, Transport::Udp] {
            let Some(check) = protocol.kernel_check(transport) else {
                continue;
            };
            if check.correlation.width == 0 || *protocol == Protocol::Grpc {
                continue;
            }
            let paired = samples.iter().any(|sample| {
                sample.turns.windows(2).any(|pair| {
                    let [(A, request), (B, response)] = pair else {
                        return false;
                    };
                    let id = check.correlation_id(false, request);
                    sample.transport == transport
                        && id.is_some()
                        && id == check.correlation_id(true, response)
                })
            });
            assert!(paired, "{}", protocol.name());
        }
    }
}

/// What the kernel takes as length leads from message to message.
#[test]
fn the_kernel_measures() {
    for sample in all() {
        let check = sample.protocol.kernel_check(sample.transport).unwrap();
        // First turns of another form: start-ups, prefaces.
        let skipped = match sample.protocol {
            Protocol::Postgres => 3,
            Protocol::Http2 | Protocol::Amqp => 1,
            _ => 0,
        };
        if check.length.width == 0 || sample.turns.len() < 6 || sample.name == "compressed" {
            continue;
        }
        for (_, bytes) in &sample.turns[skipped..] {
            let mut at = 0;
            while at < bytes.len() {
                let len = check.message_len(&bytes[at..]).unwrap_or(u64::MAX);
                at = at.saturating_add(usize::try_from(len).unwrap_or(usize::MAX));
            }
            assert_eq!(at, bytes.len(), "{} {}", sample.protocol.name(), sample.name);
        }
    }
}

/// Calls that the kernel counts on a connection whose frames carry ids: what `programs/frames.h` does with the table.
fn followed(check: &crate::KernelCheck, turns: &[(Side, Vec<u8>)]) -> usize {
    let framing = &check.framing;
    let all_hold = |rules: &[Rule], frame: &[u8]| {
        let mut rules = rules.iter().filter(|rule| rule.width > 0);
        rules.all(|rule| rule.holds(frame) == Some(true))
    };
    let mut streams = [Vec::new(), Vec::new()];
    let (mut open, mut answered) = (HashSet::new(), HashSet::new());
    for (side, bytes) in turns {
        let answers = *side == B;
        let stream = &mut streams[usize::from(answers)];
        stream.extend_from_slice(bytes);
        let (header, each) = if answers {
            (framing.answer_header, framing.server)
        } else {
            (framing.request_header, framing.client)
        };
        while stream.len() >= usize::from(header) {
            if framing.preface_len > 0 && stream.starts_with(&framing.preface) {
                stream.drain(..usize::from(framing.preface_len));
                continue;
            }
            let len = usize::try_from(check.message_len(stream).unwrap()).unwrap();
            assert!(
                len >= usize::from(header) && len <= framing.len_max as usize && all_hold(&[each], stream)
            );
            if stream.len() < len {
                break;
            }
            let frame: Vec<u8> = stream.drain(..len).collect();
            let id = check.correlation_id(answers, &frame).unwrap();
            let aborts = framing.abort.width > 0 && all_hold(&[framing.abort], &frame);
            let begins = all_hold(
                if answers {
                    &framing.answer
                } else {
                    &framing.request
                },
                &frame,
            );
            let is_final = check.outcome(&frame) != crate::Outcome::Interim;
            if !answers && begins {
                open.insert(id);
            } else if answers && (aborts || (begins && is_final)) && open.contains(&id) {
                answered.insert(id);
            }
        }
    }
    answered.len()
}

#[test]
fn the_kernel_follows() {
    let mut compared = 0;
    for sample in all() {
        let check = sample.protocol.kernel_check(sample.transport).unwrap();
        if check.framing.request_header == 0 {
            continue;
        }
        let answered = sample.calls.iter().filter(|call| call.contains(" ->")).count();
        let counted = followed(check, &sample.turns);
        // Of a driver that looks whether its server lives the parser says nothing.
        let greetings = usize::from(sample.protocol == Protocol::Mongodb && sample.name == "commands");
        let place = format!("{} {}", sample.protocol.name(), sample.name);
        assert_eq!(counted, answered + greetings, "{place}");
        compared += counted;
    }
    assert!(compared > 10, "{compared}");
}

#[test]
fn names_are_unique_and_found() {
    for protocol in Protocol::ALL {
        assert_eq!(Protocol::from_name(protocol.name()), Some(*protocol));
    }
}
