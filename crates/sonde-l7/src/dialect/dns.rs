//! DNS (RFC 1035): datagrams, and streams where each message has its length before it.

use super::{Dialect, Event, Expects, Fit, Input, Key, Read, Session, Start};
use crate::bytes::Cursor;
use crate::call::{Blame, Failure, Flags, Kind, Request, Response, Target};
use crate::kernel::{KernelCheck, Outcome, Rule};
use crate::protocol::Transport;
use crate::record::Open;
use crate::redact::Mask;
use crate::verdict::{Role, Turn};

pub(crate) static UDP: Dialect = Dialect {
    starts: |role, turn| message(turn.bytes, turn.len).is_some_and(|it| it.role() == role),
    fit: |request, response| matched((request.bytes, request.len), (response.bytes, response.len)),
    greeting: None,
    session: |_: Start| Box::new(Dns(Transport::Udp)),
    secrets,
    kernel: check(0).correlated(0, 0, 2),
};

pub(crate) static TCP: Dialect = Dialect {
    starts: |role, turn| {
        framed(turn).is_some_and(|(bytes, len)| message(bytes, len).is_some_and(|it| it.role() == role))
    },
    fit: |request, response| match (framed(request), framed(response)) {
        (Some(request), Some(response)) => matched(request, response),
        _ => Fit::No,
    },
    greeting: None,
    session: |_: Start| Box::new(Dns(Transport::Tcp)),
    secrets,
    kernel: check(2).correlated(2, 2, 2).long(0, 2, false, 2),
};

/// NXDOMAIN blames the name that was asked, other codes the server.
const fn check(start: u8) -> KernelCheck {
    KernelCheck::new(
        [
            Rule::bits(start + 2, 0x80, 0..=0, Outcome::Unknown),
            Rule::bits(start + 3, 0x0f, 0..=0, Outcome::Ok),
            Rule::bits(start + 3, 0x0f, 1..=1, Outcome::CallerError),
            Rule::bits(start + 3, 0x0f, 3..=3, Outcome::CallerError),
        ],
        Outcome::CalleeError,
    )
}

/// Names of record types (IANA's registry), for what is asked in practice.
const TYPES: &[(u16, &str)] = &[
    (1, "A"),
    (2, "NS"),
    (5, "CNAME"),
    (6, "SOA"),
    (12, "PTR"),
    (13, "HINFO"),
    (15, "MX"),
    (16, "TXT"),
    (17, "RP"),
    (18, "AFSDB"),
    (24, "SIG"),
    (25, "KEY"),
    (28, "AAAA"),
    (29, "LOC"),
    (33, "SRV"),
    (35, "NAPTR"),
    (37, "CERT"),
    (39, "DNAME"),
    (41, "OPT"),
    (43, "DS"),
    (44, "SSHFP"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (48, "DNSKEY"),
    (50, "NSEC3"),
    (51, "NSEC3PARAM"),
    (52, "TLSA"),
    (53, "SMIMEA"),
    (55, "HIP"),
    (59, "CDS"),
    (60, "CDNSKEY"),
    (61, "OPENPGPKEY"),
    (62, "CSYNC"),
    (63, "ZONEMD"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (99, "SPF"),
    (249, "TKEY"),
    (250, "TSIG"),
    (251, "IXFR"),
    (252, "AXFR"),
    (255, "ANY"),
    (256, "URI"),
    (257, "CAA"),
    (32768, "TA"),
    (32769, "DLV"),
];

const RCODES: [&str; 12] = [
    "NOERROR",
    "FORMERR",
    "SERVFAIL",
    "NXDOMAIN",
    "NOTIMP",
    "REFUSED",
    "YXDOMAIN",
    "YXRRSET",
    "NXRRSET",
    "NOTAUTH",
    "NOTZONE",
    "DSOTYPENI",
];

const OPCODES: [&str; 6] = ["QUERY", "IQUERY", "STATUS", "", "NOTIFY", "UPDATE"];

/// The parts of a message that matter.
#[derive(Clone, Copy, Debug)]
struct Message<'a> {
    id: u16,
    is_response: bool,
    opcode: u8,
    truncated: bool,
    rcode: u8,
    /// The first question's name as it is, and its type; empty if there is no question.
    name: &'a [u8],
    record_type: u16,
    class: u16,
    questions: u16,
    answers: u16,
    /// All sections were walked to the message's last byte.
    walked: bool,
}

impl Message<'_> {
    fn role(&self) -> Role {
        if self.is_response {
            Role::Server
        } else {
            Role::Client
        }
    }

    fn operation(&self) -> &'static str {
        if self.opcode != 0 {
            return OPCODES.get(usize::from(self.opcode)).copied().unwrap_or_default();
        }
        TYPES
            .iter()
            .find(|(number, _)| *number == self.record_type)
            .map_or("TYPE", |(_, name)| name)
    }
}

/// Reads a message strictly; `len` is its true length.
fn message(bytes: &[u8], len: u64) -> Option<Message<'_>> {
    let mut cursor = Cursor::new(bytes);
    let (id, flags) = (cursor.u16()?, cursor.u16()?);
    let counts = [cursor.u16()?, cursor.u16()?, cursor.u16()?, cursor.u16()?];
    let [questions, answers, authorities, additionals] = counts;
    let is_response = flags & 0x8000 != 0;
    let opcode = (flags >> 11 & 0xf) as u8;
    let rcode = (flags & 0xf) as u8;
    // The one reserved bit is zero; QUERY, NOTIFY and UPDATE are in use.
    if flags & 0x0040 != 0 || !matches!(opcode, 0 | 4 | 5) || rcode > 11 {
        return None;
    }
    if !is_response && (rcode != 0 || flags & 0x0080 != 0) {
        return None;
    }
    if opcode == 0 && !is_response && (questions != 1 || answers != 0 || additionals > 3 || authorities > 1) {
        return None;
    }
    if questions > 1 || (questions == 0 && (!is_response || rcode == 0)) {
        return None;
    }
    // A section of n records has at least 11 n bytes.
    let records = u64::from(answers) + u64::from(authorities) + u64::from(additionals);
    if 12 + records * 11 > len {
        return None;
    }
    let mut found = Message {
        id,
        is_response,
        opcode,
        truncated: flags & 0x0200 != 0,
        rcode,
        name: b"",
        record_type: 0,
        class: 0,
        questions,
        answers,
        walked: false,
    };
    if questions == 1 {
        found.name = plain_name(&mut cursor)?;
        found.record_type = cursor.u16()?;
        found.class = cursor.u16()?;
        // The top bit is mDNS' wish for a unicast answer.
        if !matches!(found.class & 0x7fff, 1 | 3 | 4 | 254 | 255) || is_netbios(found.name) {
            return None;
        }
        let known = TYPES.iter().any(|(number, _)| *number == found.record_type);
        if !known && !(65280..65535).contains(&found.record_type) {
            return None;
        }
    }
    match walk(&mut cursor, records) {
        Walk::Whole => found.walked = cursor.is_empty() && bytes.len() as u64 == len,
        Walk::Cut if bytes.len() as u64 == len && !found.truncated => return None,
        Walk::Cut => {}
        Walk::Wrong => return None,
    }
    // Bytes after the last record belong to nothing.
    if !found.walked && cursor.is_empty() && bytes.len() as u64 == len && records > 0 && !found.truncated {
        return None;
    }
    Some(found)
}

/// A name without compression, as questions have it.
fn plain_name<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let start = cursor.rest();
    let mut len = 0;
    loop {
        let label = usize::from(cursor.u8()?);
        len += 1 + label;
        if label > 63 || len > 255 {
            return None;
        }
        let label = cursor.take(label)?;
        if label.is_empty() {
            return start.get(..len);
        }
        if label.iter().any(|byte| byte.is_ascii_control()) {
            return None;
        }
    }
}

/// NetBIOS asks for names of 32 letters from A to P; its messages look like DNS otherwise.
fn is_netbios(name: &[u8]) -> bool {
    name.first() == Some(&32)
        && name
            .get(1..33)
            .is_some_and(|label| label.iter().all(|byte| (b'A'..=b'P').contains(byte)))
}

enum Walk {
    Whole,
    Cut,
    Wrong,
}

fn walk(cursor: &mut Cursor<'_>, records: u64) -> Walk {
    for _ in 0..records {
        match record(cursor) {
            Some(true) => {}
            Some(false) => return Walk::Wrong,
            None => return Walk::Cut,
        }
    }
    Walk::Whole
}

/// Skips a record: `false` if it is none, `None` if it is cut.
fn record(cursor: &mut Cursor<'_>) -> Option<bool> {
    let mut len = 0;
    loop {
        let byte = cursor.u8()?;
        match byte {
            0 => break,
            1..=63 => {
                len += usize::from(byte) + 1;
                cursor.take(usize::from(byte))?;
            }
            0xc0.. => {
                cursor.u8()?;
                break;
            }
            64..0xc0 => return Some(false),
        }
        if len > 255 {
            return Some(false);
        }
    }
    let (_type, _class, _ttl, data) = (cursor.u16()?, cursor.u16()?, cursor.u32()?, cursor.u16()?);
    cursor.take(usize::from(data))?;
    Some(true)
}

/// The message after the length of a stream.
fn framed<'a>(turn: &Turn<'a>) -> Option<(&'a [u8], u64)> {
    let (len, rest) = turn.bytes.split_first_chunk()?;
    let len = u64::from(u16::from_be_bytes(*len));
    (len >= 12 && turn.holds(len + 2)).then(|| (&rest[..rest.len().min(len as usize)], len))
}

fn matched(request: (&[u8], u64), response: (&[u8], u64)) -> Fit {
    let (Some(asked), Some(answered)) = (message(request.0, request.1), message(response.0, response.1))
    else {
        return Fit::No;
    };
    if asked.is_response
        || !answered.is_response
        || asked.id != answered.id
        || asked.opcode != answered.opcode
    {
        return Fit::No;
    }
    let same_question = asked.record_type == answered.record_type
        && asked.class == answered.class
        && asked.name.eq_ignore_ascii_case(answered.name);
    match answered.questions {
        1 => Fit::strong_if(same_question),
        // Servers that refuse to understand do not repeat the question.
        _ if asked.walked && answered.rcode != 0 && answered.answers == 0 => Fit::Weak,
        _ => Fit::No,
    }
}

#[derive(Debug)]
struct Dns(Transport);

impl Session for Dns {
    fn read<'a>(&'a mut self, from: Role, input: Input<'a>, _: &Open) -> Read<'a> {
        let (bytes, size) = match self.0 {
            Transport::Udp => (input.bytes, input.bytes.len() as u64),
            Transport::Tcp => {
                let Some((len, _)) = input.bytes.split_first_chunk() else {
                    return Read::More;
                };
                let size = 2 + u64::from(u16::from_be_bytes(*len));
                match input.head(size) {
                    Some(head) => (&head[2..], size),
                    None => return Read::More,
                }
            }
        };
        // What is here is all that is known, so nothing has to end where the bytes end.
        let Some(message) = message(bytes, u64::from(u16::MAX)).filter(|it| it.role() == from) else {
            // A datagram that is no message says nothing about the next one.
            return match self.0 {
                Transport::Udp => Read::message(size, Event::Nothing),
                Transport::Tcp => Read::Lost,
            };
        };
        let key = u64::from(message.id);
        Read::message(size, event(key, &message))
    }
}

fn event<'a>(key: u64, message: &Message<'a>) -> Event<'a> {
    if !message.is_response {
        return Event::Request {
            key,
            tag: 0,
            request: Request {
                operation: message.operation(),
                target: Target::new(Kind::DnsName, message.name),
                scope: b"",
                trace: None,
                flags: Flags::default(),
            },
            expects: Expects::Response,
            protocol: None,
        };
    }
    let code = RCODES
        .get(usize::from(message.rcode))
        .copied()
        .unwrap_or_default();
    Event::Response {
        key: Key::Id(key),
        response: Response {
            status: Some(i32::from(message.rcode)),
            failure: (message.rcode != 0).then_some(Failure {
                blame: if matches!(message.rcode, 1 | 3) {
                    Blame::Caller
                } else {
                    Blame::Callee
                },
                code,
                message: b"",
            }),
            detail: "",
            flags: Flags::default().with_if(message.truncated, Flags::TRUNCATED),
        },
        messages: 1,
        last: true,
    }
}

/// Names are what DNS is about, and no secrets.
fn secrets(_: Role, _: &[u8], _: &mut Mask<'_>) {}
