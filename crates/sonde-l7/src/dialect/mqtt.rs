//! MQTT 3.1, 3.1.1 and 5 (<https://docs.oasis-open.org/mqtt/mqtt/v5.0/mqtt-v5.0.html>).

use super::{Dialect, Event, Expects, Fit, Input, Key, Read, Session, Start};
use crate::bytes::{Cursor, is_text};
use crate::call::{Blame, Failure, Kind, Request, Response, Target};
use crate::kernel::{KernelCheck, Outcome, Rule};
use crate::record::Open;
use crate::redact::Mask;
use crate::trace;
use crate::verdict::{Role, Turn};

pub(crate) static DIALECT: Dialect = Dialect {
    starts: |role, turn| packet_of(turn).is_some_and(|it| it.fits(role)),
    fit,
    greeting: None,
    session: |_: Start| Box::new(Mqtt::default()),
    secrets,
    kernel: KernelCheck::new(
        [
            Rule::byte(0, 0x30..=0x3f, Outcome::Interim),
            Rule::word(0, 0x2002..=0x2002, Outcome::Unknown),
            Rule::byte(0, 0xd0..=0xd0, Outcome::Ok),
        ],
        Outcome::Unknown,
    ),
};

const CONNECT: u8 = 1;
const CONNACK: u8 = 2;
const PUBLISH: u8 = 3;
const PUBACK: u8 = 4;
const PUBREC: u8 = 5;
const PUBREL: u8 = 6;
const PUBCOMP: u8 = 7;
const SUBSCRIBE: u8 = 8;
const SUBACK: u8 = 9;
const UNSUBSCRIBE: u8 = 10;
const UNSUBACK: u8 = 11;
const PINGREQ: u8 = 12;
const PINGRESP: u8 = 13;

/// Calls that have no number of their own; those that have, have less than 2^16.
const CONNECT_KEY: u64 = 1 << 32;
const PING_KEY: u64 = 2 << 32;

#[derive(Clone, Copy)]
struct Packet<'a> {
    kind: u8,
    flags: u8,
    /// Bytes of the fixed header and of the rest.
    header: usize,
    len: u32,
    body: &'a [u8],
}

impl Packet<'_> {
    fn size(&self) -> u64 {
        self.header as u64 + u64::from(self.len)
    }

    fn qos(&self) -> u8 {
        self.flags >> 1 & 3
    }

    fn fits(&self, role: Role) -> bool {
        match self.kind {
            CONNECT | SUBSCRIBE | UNSUBSCRIBE | PINGREQ => role == Role::Client,
            CONNACK | SUBACK | UNSUBACK | PINGRESP => role == Role::Server,
            _ => true,
        }
    }
}

fn packet(bytes: &[u8]) -> Option<Packet<'_>> {
    let (first, rest) = bytes.split_first()?;
    let (kind, flags) = (first >> 4, first & 0xf);
    let mut cursor = Cursor::new(rest);
    let len = cursor.varint().filter(|len| *len < 1 << 28)?;
    let header = bytes.len() - cursor.rest().len();
    let valid = match kind {
        CONNECT => flags == 0 && len >= 10,
        PUBLISH => flags >> 1 & 3 != 3 && len >= 3,
        PUBREL => flags == 2 && len >= 2,
        SUBSCRIBE | UNSUBSCRIBE => flags == 2 && len >= 5,
        CONNACK | PUBACK | PUBREC | PUBCOMP | SUBACK | UNSUBACK => flags == 0 && len >= 2,
        PINGREQ | PINGRESP => flags == 0 && len == 0,
        14 | 15 => flags == 0,
        _ => false,
    };
    valid.then(|| Packet {
        kind,
        flags,
        header,
        len,
        body: cursor.take_at_most(len as usize),
    })
}

fn packet_of<'a>(turn: &Turn<'a>) -> Option<Packet<'a>> {
    let packet = packet(turn.bytes).filter(|packet| turn.holds(packet.size()))?;
    let valid = match packet.kind {
        CONNECT => connect(packet.body).is_some(),
        PUBLISH => topic(packet).is_some(),
        SUBSCRIBE | UNSUBSCRIBE => filter(packet.body).is_some(),
        _ => true,
    };
    valid.then_some(packet)
}

fn fit(request: &Turn<'_>, response: &Turn<'_>) -> Fit {
    let (Some(asked), Some(answered)) = (packet_of(request), packet_of(response)) else {
        return Fit::No;
    };
    let same_id = || id_of(&asked).is_some_and(|id| id_of(&answered) == Some(id));
    match (asked.kind, answered.kind) {
        (CONNECT, CONNACK) => Fit::strong_if(answered.body.first().is_none_or(|flags| *flags <= 1)),
        (SUBSCRIBE, SUBACK) | (UNSUBSCRIBE, UNSUBACK) => Fit::strong_if(same_id()),
        // Either side publishes.
        (PUBLISH, PUBACK) if asked.qos() == 1 && same_id() => Fit::Sideless,
        (PUBLISH, PUBREC) if asked.qos() == 2 && same_id() => Fit::Sideless,
        (PINGREQ, PINGRESP) if request.len == 2 && response.len == 2 => Fit::Weak,
        _ => Fit::No,
    }
}

fn text<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let len = cursor.u16()?;
    cursor.take(usize::from(len))
}

/// The protocol's level and the flags of what follows.
fn connect(body: &[u8]) -> Option<(u8, u8)> {
    let mut cursor = Cursor::new(body);
    let name = text(&mut cursor)?;
    let (level, flags) = (cursor.u8()?, cursor.u8()?);
    let known = (name == b"MQTT" && matches!(level, 4 | 5)) || (name == b"MQIsdp" && level == 3);
    (known && flags & 1 == 0).then_some((level, flags))
}

/// The topic of a PUBLISH, whole, and the number after it if there is one.
fn topic(packet: Packet<'_>) -> Option<(&[u8], Option<u16>)> {
    let mut cursor = Cursor::new(packet.body);
    let len = cursor.u16()?;
    if u32::from(len) + 2 > packet.len {
        return None;
    }
    let topic = cursor.take_at_most(usize::from(len));
    // Publishing has no wildcards; with an alias, the topic may be empty.
    let valid = topic.is_empty() || (is_text(topic) && !topic.iter().any(|byte| matches!(byte, b'#' | b'+')));
    let id = if packet.qos() > 0 { cursor.u16() } else { None };
    valid.then_some((topic, id))
}

/// The first topic filter of a SUBSCRIBE.
fn filter(body: &[u8]) -> Option<&[u8]> {
    let first = |skip_properties: bool| {
        let mut cursor = Cursor::new(body);
        cursor.u16()?;
        if skip_properties {
            let len = cursor.varint()?;
            cursor.take(len as usize)?;
        }
        text(&mut cursor).filter(|filter| is_text(filter))
    };
    // Version 5 has properties before it; their length is most often zero, which is no length of a filter.
    if body.get(2) == Some(&0) && body.get(3).is_some_and(|len| *len > 0) {
        first(false).or_else(|| first(true))
    } else {
        first(true).or_else(|| first(false))
    }
}

/// The number that answers repeat.
fn id_of(packet: &Packet<'_>) -> Option<u16> {
    match packet.kind {
        PUBLISH => topic(*packet)?.1,
        PUBACK | PUBREC | PUBREL | PUBCOMP | SUBSCRIBE | SUBACK | UNSUBSCRIBE | UNSUBACK => {
            Cursor::new(packet.body).u16()
        }
        _ => None,
    }
}

#[derive(Debug, Default)]
struct Mqtt {
    version: u8,
}

impl Session for Mqtt {
    fn read<'a>(&'a mut self, from: Role, input: Input<'a>, _: &Open) -> Read<'a> {
        let Some(size) = packet(input.bytes).map(|packet| packet.size()) else {
            // A length has at most four bytes.
            return if input.bytes.len() < 5 {
                Read::More
            } else {
                Read::Lost
            };
        };
        let Some(packet) = input.head(size).and_then(packet) else {
            return Read::More;
        };
        if !packet.fits(from) {
            return Read::Lost;
        }
        let event = match from {
            Role::Client => self.client(packet),
            Role::Server => self.server(packet),
        };
        Read::message(size, event)
    }
}

impl Mqtt {
    fn client<'a>(&mut self, packet: Packet<'a>) -> Event<'a> {
        let id = u64::from(id_of(&packet).unwrap_or_default());
        match packet.kind {
            CONNECT => {
                self.version = connect(packet.body).map_or(0, |(level, _)| level);
                request(CONNECT_KEY, "CONNECT", b"", packet.body, Expects::Response)
            }
            PUBLISH => publish(packet, id, packet.qos() > 0),
            SUBSCRIBE | UNSUBSCRIBE => {
                let operation = if packet.kind == SUBSCRIBE {
                    "SUBSCRIBE"
                } else {
                    "UNSUBSCRIBE"
                };
                let filter = filter(packet.body).unwrap_or_default();
                request(id, operation, filter, b"", Expects::Response)
            }
            PINGREQ => request(PING_KEY, "PINGREQ", b"", b"", Expects::Silence),
            // Acknowledgements of what the server delivered, and the end.
            _ => Event::Nothing,
        }
    }

    fn server<'a>(&self, packet: Packet<'a>) -> Event<'a> {
        let id = u64::from(id_of(&packet).unwrap_or_default());
        let third = packet.body.get(2).copied().unwrap_or_default();
        match packet.kind {
            PUBLISH => publish(packet, 0, false),
            CONNACK => answer(
                CONNECT_KEY,
                packet.body.get(1).copied().unwrap_or_default(),
                true,
                self.detail(),
            ),
            PINGRESP => answer(PING_KEY, 0, true, ""),
            PUBACK | PUBCOMP => answer(id, third, true, ""),
            // The second half of the exchange follows unless the first one failed.
            PUBREC => answer(id, third, third >= 0x80, ""),
            // One code for each filter; version 5 has properties before them.
            SUBACK | UNSUBACK => {
                let code = packet
                    .body
                    .last()
                    .copied()
                    .filter(|code| packet.body.len() > 2 && *code >= 0x80);
                answer(id, code.unwrap_or_default(), true, "")
            }
            _ => Event::Nothing,
        }
    }

    fn detail(&self) -> &'static str {
        match self.version {
            3 => "3.1",
            4 => "3.1.1",
            5 => "5",
            _ => "",
        }
    }
}

fn publish(packet: Packet<'_>, id: u64, answered: bool) -> Event<'_> {
    let (topic, _) = topic(packet).unwrap_or_default();
    let expects = if answered {
        Expects::Response
    } else {
        Expects::Nothing
    };
    request(id, "PUBLISH", topic, packet.body, expects)
}

fn request<'a>(
    key: u64,
    operation: &'static str,
    topic: &'a [u8],
    traced: &'a [u8],
    expects: Expects,
) -> Event<'a> {
    Event::Request {
        key,
        tag: 0,
        request: Request {
            operation,
            target: Target::new(Kind::Path, topic),
            trace: trace::scan(traced),
            ..Request::default()
        },
        expects,
        protocol: None,
    }
}

fn answer(key: u64, code: u8, last: bool, detail: &'static str) -> Event<'static> {
    // Before version 5, a refused CONNECT has a small number; what is below 0x80 otherwise is a success with a remark.
    let failed = code >= 0x80 || (key == CONNECT_KEY && code > 0);
    Event::Response {
        key: Key::Id(key),
        response: Response {
            status: Some(i32::from(code)),
            failure: failed.then(|| failure(code)),
            detail,
            ..Response::default()
        },
        messages: 1,
        last,
    }
}

fn failure(code: u8) -> Failure<'static> {
    const CODES: &[(u8, &str)] = &[
        (1, "unacceptable protocol version"),
        (2, "identifier rejected"),
        (3, "server unavailable"),
        (4, "bad user name or password"),
        (5, "not authorized"),
        (0x80, "unspecified error"),
        (0x81, "malformed packet"),
        (0x82, "protocol error"),
        (0x83, "implementation specific error"),
        (0x84, "unsupported protocol version"),
        (0x85, "client identifier not valid"),
        (0x86, "bad user name or password"),
        (0x87, "not authorized"),
        (0x88, "server unavailable"),
        (0x89, "server busy"),
        (0x8a, "banned"),
        (0x8c, "bad authentication method"),
        (0x8f, "topic filter invalid"),
        (0x90, "topic name invalid"),
        (0x91, "packet identifier in use"),
        (0x93, "receive maximum exceeded"),
        (0x95, "packet too large"),
        (0x97, "quota exceeded"),
        (0x99, "payload format invalid"),
        (0x9a, "retain not supported"),
        (0x9b, "QoS not supported"),
        (0x9c, "use another server"),
        (0x9d, "server moved"),
        (0x9e, "shared subscriptions not supported"),
        (0x9f, "connection rate exceeded"),
        (0xa1, "subscription identifiers not supported"),
        (0xa2, "wildcard subscriptions not supported"),
    ];
    Failure {
        blame: if matches!(code, 3 | 0x80 | 0x83 | 0x88 | 0x89 | 0x97 | 0x9f) {
            Blame::Callee
        } else {
            Blame::Caller
        },
        code: CODES
            .iter()
            .find(|(number, _)| *number == code)
            .map_or("", |(_, name)| *name),
        message: b"",
    }
}

/// The password, which is the last field of a CONNECT.
fn secrets(from: Role, bytes: &[u8], mask: &mut Mask<'_>) {
    const HAS_WILL: u8 = 0x04;
    const HAS_PASSWORD: u8 = 0x40;
    const HAS_USER: u8 = 0x80;
    let Some(packet) = packet(bytes).filter(|it| it.kind == CONNECT && from == Role::Client) else {
        return;
    };
    let Some((level, flags)) = connect(packet.body).filter(|(_, flags)| flags & HAS_PASSWORD != 0) else {
        return;
    };
    let mut cursor = Cursor::new(packet.body);
    let mut password = || {
        text(&mut cursor)?;
        cursor.take(4)?;
        let properties = |cursor: &mut Cursor<'_>| {
            if level == 5 {
                let len = cursor.varint()?;
                cursor.take(len as usize)?;
            }
            Some(())
        };
        properties(&mut cursor)?;
        text(&mut cursor)?;
        if flags & HAS_WILL != 0 {
            properties(&mut cursor)?;
            text(&mut cursor)?;
            text(&mut cursor)?;
        }
        if flags & HAS_USER != 0 {
            text(&mut cursor)?;
        }
        cursor.u16()?;
        Some(cursor.rest())
    };
    match password() {
        Some(part) => mask.hide_part(part),
        // What cannot be told apart is hidden after the fixed fields.
        None => mask.hide_part(packet.body.get(10..).unwrap_or_default()),
    }
}
