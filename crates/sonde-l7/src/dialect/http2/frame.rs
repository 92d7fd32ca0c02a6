//! Frames (RFC 9113 §4, §6).

/// What a client sends first.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) const HEADER_LEN: usize = 9;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;
pub(super) const PADDED: u8 = 0x8;
pub(super) const HAS_PRIORITY: u8 = 0x20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) len: u32,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Frame {
    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(super) fn size(self) -> u64 {
        HEADER_LEN as u64 + u64::from(self.len)
    }
}

/// A frame's header, if there is one that follows the rules; `None` for too few bytes as well.
pub(super) fn frame(bytes: &[u8]) -> Option<Frame> {
    let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = *bytes.first_chunk::<HEADER_LEN>()?;
    let len = u32::from_be_bytes([0, l0, l1, l2]);
    let stream = u32::from_be_bytes([s0, s1, s2, s3]);
    // The least maximum is the default of all, and peers rarely allow more than this (§4.2).
    const LEN_MAX: u32 = 1 << 20;
    if stream >= 1 << 31 || len > LEN_MAX {
        return None;
    }
    let on_stream = stream != 0;
    let valid = match kind {
        DATA => on_stream && flags & !(END_STREAM | PADDED) == 0,
        HEADERS => on_stream && len > 0 && flags & !(END_STREAM | END_HEADERS | PADDED | HAS_PRIORITY) == 0,
        PRIORITY => on_stream && len == 5,
        RST_STREAM => on_stream && len == 4,
        SETTINGS => {
            !on_stream && len.is_multiple_of(6) && len <= 600 && (flags == 0 || (flags == 1 && len == 0))
        }
        PUSH_PROMISE => on_stream && len > 4 && flags & !(END_HEADERS | PADDED) == 0,
        PING => !on_stream && len == 8 && flags <= 1,
        GOAWAY => !on_stream && len >= 8,
        WINDOW_UPDATE => len == 4,
        CONTINUATION => on_stream && flags & !END_HEADERS == 0,
        // Extensions, and types that are sent so that nobody relies on their absence.
        _ => len <= 16 * 1024,
    };
    valid.then_some(Frame {
        len,
        kind,
        flags,
        stream,
    })
}

/// The header block in the payload of HEADERS or PUSH_PROMISE, as far as it is here.
pub(super) fn block(frame: Frame, payload: &[u8]) -> Option<&[u8]> {
    let mut block = payload;
    let mut padding = 0;
    if frame.has(PADDED) {
        let (len, rest) = block.split_first()?;
        padding = usize::from(*len);
        block = rest;
    }
    if frame.kind == HEADERS && frame.has(HAS_PRIORITY) {
        block = block.get(5..)?;
    }
    if frame.kind == PUSH_PROMISE {
        block = block.get(4..)?;
    }
    if payload.len() < frame.len as usize {
        return Some(block);
    }
    block.get(..block.len().checked_sub(padding)?)
}

/// Names of error codes (§7).
pub(super) fn error_name(code: u32) -> &'static str {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    NAMES.get(code as usize).copied().unwrap_or_default()
}
