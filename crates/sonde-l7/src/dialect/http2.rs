//! HTTP/2 (RFC 9113), and gRPC in it (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).

mod frame;
mod session;

use super::{Dialect, Fit, Start};
use crate::hpack::{self, Block, Table};
use crate::kernel::{Framing, KernelCheck, Outcome, Rule};
use crate::redact::{Mask, is_secret_name};
use crate::verdict::{Role, Turn};
use frame::{Frame, HEADER_LEN, PREFACE};

pub(crate) static DIALECT: Dialect = Dialect {
    starts,
    fit,
    greeting: Some(|server, client| {
        Fit::strong_if(is_settings(server.bytes) && client.bytes.starts_with(PREFACE))
    }),
    session: |_: Start| Box::new(session::Http2::default()),
    secrets,
    kernel: KernelCheck::new(
        [
            // The status codes of the static table, as all encoders send them.
            Rule::byte(9, 0x88..=0x8b, Outcome::Ok),
            Rule::byte(9, 0x8c..=0x8d, Outcome::CallerError),
            Rule::byte(9, 0x8e..=0x8e, Outcome::CalleeError),
        ],
        Outcome::Unknown,
    )
    .guarded(Rule::word(3, 0x0104..=0x0105, Outcome::Unknown))
    .correlated(5, 5, 4)
    .long(0, 3, false, 9)
    .framed(FRAMING),
};

/// For connections of gRPC: its status comes in the trailers, which only a full parser finds.
pub(crate) static GRPC_KERNEL: KernelCheck = KernelCheck::new([], Outcome::Unknown)
    .correlated(5, 5, 4)
    .long(0, 3, false, 9)
    .framed(FRAMING);

/// Of a frame's first four bytes: its type is one that there is, its length is below 32 KiB.
const FRAME: Rule = Rule::when(0, 0xff80_00f0, 0..=0);

/// Streams of clients have odd numbers. The first headers of an answer begin it, what has the flag of the end ends it,
/// which may be its data or trailers.
const FRAMING: Framing = Framing {
    request_header: HEADER_LEN as u8,
    answer_header: HEADER_LEN as u8,
    preface_len: PREFACE.len() as u8,
    preface: *b"PRI ",
    len_max: 1 << 15,
    client: FRAME,
    server: FRAME,
    request: [HEADERS, ODD],
    answer: [HEADERS, ODD],
    end: Rule::when(1, 0xfe01, 1..=1),
    abort: Rule::when(0, 0xff, 3..=3),
    ..Framing::NONE
};
const HEADERS: Rule = Rule::when(0, 0xff, 1..=1);
const ODD: Rule = Rule::when(5, 1, 1..=1);

fn starts(role: Role, turn: &Turn<'_>) -> bool {
    (role == Role::Client && turn.bytes.starts_with(PREFACE)) || walk(turn, &mut |_, _| {})
}

fn fit(request: &Turn<'_>, response: &Turn<'_>) -> Fit {
    if request.bytes.starts_with(PREFACE) {
        return Fit::strong_if(is_settings(response.bytes));
    }
    let (Some(asked), Some(answered)) = (
        stream_with(request, b":method"),
        stream_with(response, b":status"),
    ) else {
        return Fit::No;
    };
    // Answers may belong to earlier requests, but not to later ones.
    match answered {
        _ if asked == answered => Fit::Strong,
        _ if answered < asked => Fit::Weak,
        _ => Fit::No,
    }
}

/// A server's settings, or its word that it has the client's: its own may have come before the preface.
fn is_settings(bytes: &[u8]) -> bool {
    frame::frame(bytes)
        .is_some_and(|it| it.kind == frame::SETTINGS && (it.flags == 0 || (it.flags == 1 && it.len == 0)))
}

/// Shows every frame and its payload, as far as it is here. `false` if the turn is not made of frames.
fn walk<'a>(turn: &Turn<'a>, each: &mut dyn FnMut(Frame, &'a [u8])) -> bool {
    let mut rest = turn.bytes;
    let mut known = false;
    while !rest.is_empty() {
        let Some(frame) = frame::frame(rest) else {
            // The last header may be cut.
            return known && rest.len() < HEADER_LEN;
        };
        known |= frame.kind <= frame::CONTINUATION;
        let payload = &rest[HEADER_LEN..];
        let (payload, tail) = payload.split_at((frame.len as usize).min(payload.len()));
        each(frame, payload);
        rest = tail;
    }
    known
}

/// The first stream of a client's number whose header block has a header of this name.
fn stream_with(turn: &Turn<'_>, wanted: &[u8]) -> Option<u32> {
    let mut found = None;
    let framed = walk(turn, &mut |frame, payload| {
        if found.is_some() || frame.kind != frame::HEADERS || frame.stream % 2 == 0 {
            return;
        }
        let Some(block) = frame::block(frame, payload) else {
            return;
        };
        let mut has = false;
        let mut first = true;
        let end = Table::default().read(block, &mut Vec::new(), &mut |name, _| {
            // Pseudo-headers come first (§8.3); a resolvable name among them is needed.
            has |= name == Some(wanted) && (first || wanted == b":method");
            first = false;
        });
        if has && end != Block::Wrong {
            found = Some(frame.stream);
        }
    });
    found.filter(|_| framed)
}

/// Literal values of secret headers.
fn secrets(_: Role, bytes: &[u8], mask: &mut Mask<'_>) {
    let bytes = bytes.strip_prefix(PREFACE).unwrap_or(bytes);
    let turn = Turn {
        side: crate::verdict::Side::A,
        bytes,
        len: bytes.len() as u64,
    };
    let framed = walk(&turn, &mut |frame, payload| {
        let block = match frame.kind {
            frame::HEADERS | frame::PUSH_PROMISE => frame::block(frame, payload),
            frame::CONTINUATION => Some(payload),
            _ => None,
        };
        if let Some(block) = block {
            hpack::secret_values(block, is_secret_name, &mut |value| mask.hide_part(value));
        }
    });
    // Header blocks may stand anywhere in what cannot be read.
    if !framed {
        mask.hide(0..bytes.len());
    }
}
