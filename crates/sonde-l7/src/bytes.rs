//! A cursor over borrowed bytes: every read is checked, none panics.

/// Reads from the front of a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

macro_rules! integers {
    ($($name:ident: $type:ty, $from:ident;)*) => {
        $(pub(crate) fn $name(&mut self) -> Option<$type> {
            let (head, rest) = self.rest.split_first_chunk()?;
            self.rest = rest;
            Some(<$type>::$from(*head))
        })*
    };
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    integers! {
        u8: u8, from_be_bytes;
        u16: u16, from_be_bytes;
        u32: u32, from_be_bytes;
        u64: u64, from_be_bytes;
        i16: i16, from_be_bytes;
        i32: i32, from_be_bytes;
        i64: i64, from_be_bytes;
        u16_le: u16, from_le_bytes;
        u32_le: u32, from_le_bytes;
        i32_le: i32, from_le_bytes;
        u64_le: u64, from_le_bytes;
    }

    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(head)
    }

    /// Takes `len` bytes, or what is there of them.
    pub(crate) fn take_at_most(&mut self, len: usize) -> &'a [u8] {
        let (head, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        head
    }

    /// Takes the bytes before a zero, and the zero.
    pub(crate) fn cstr(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memchr(0, self.rest)?;
        let head = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Some(head)
    }

    /// An unsigned number of seven bits a byte, the lowest first (MQTT's lengths, Kafka's compact lengths).
    pub(crate) fn varint(&mut self) -> Option<u32> {
        let mut value = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.u8()?;
            value |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

/// The first line without its line feed and carriage return, and the bytes that it takes with them.
pub(crate) fn line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = memchr::memchr(b'\n', bytes)?;
    let text = &bytes[..end];
    Some((text.strip_suffix(b"\r").unwrap_or(text), end + 1))
}

/// The first line if it ends in carriage return and line feed, and the bytes that it takes with them.
pub(crate) fn crlf_line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = memchr::memchr(b'\n', bytes)?;
    Some((bytes[..end].strip_suffix(b"\r")?, end + 1))
}

/// Text without control characters; empty text is not.
pub(crate) fn is_printable(bytes: &[u8]) -> bool {
    !bytes.is_empty() && !bytes.iter().any(|byte| byte.is_ascii_control())
}

/// Visible ASCII only.
pub(crate) fn is_graphic(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic)
}

/// Text of a language: UTF-8 whose only control characters are white space. The last character may be cut.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    let valid = match std::str::from_utf8(bytes) {
        Ok(_) => bytes,
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        Err(_) => return false,
    };
    !valid.is_empty()
        && valid
            .iter()
            .all(|byte| !byte.is_ascii_control() || matches!(byte, b'\t' | b'\n' | b'\r'))
}

/// A decimal number without a sign.
pub(crate) fn decimal(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || bytes.len() > 19 {
        return None;
    }
    bytes.iter().try_fold(0_u64, |sum, byte| {
        byte.is_ascii_digit().then(|| sum * 10 + u64::from(byte - b'0'))
    })
}

/// ASCII as text; anything else gives an empty text.
pub(crate) fn ascii(bytes: &[u8]) -> &str {
    if bytes.is_ascii() {
        std::str::from_utf8(bytes).unwrap_or_default()
    } else {
        ""
    }
}

/// FNV-1a: small, without a seed, the same on every machine.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
