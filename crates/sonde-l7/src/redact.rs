//! Hides what must not be stored: credentials in heads, in commands, in statements and in bodies.
//!
//! A secret is overwritten by `*`, byte by byte, so that lengths and so the framing stay as they were.

use std::borrow::Cow;
use std::ops::Range;

use crate::protocol::{Protocol, Transport};
use crate::verdict::Role;

/// The byte that stands for each byte of a secret.
const MARK: u8 = b'*';

/// Hides the secrets in the first bytes of what one side sent.
///
/// `bytes` should start where a message starts. Without a protocol, and after what the protocol itself knows, words
/// that announce a secret (`password=…`, `"token": "…"`, `IDENTIFIED BY '…'`) are looked for.
pub fn redact(protocol: Option<Protocol>, from: Role, bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut mask = Mask { bytes, masked: None };
    if let Some(protocol) = protocol
        && let Some(dialect) = protocol
            .dialect(Transport::Tcp)
            .or(protocol.dialect(Transport::Udp))
    {
        (dialect.secrets)(from, bytes, &mut mask);
    }
    announced(bytes, &mut mask);
    match mask.masked {
        Some(masked) => Cow::Owned(masked),
        None => Cow::Borrowed(bytes),
    }
}

/// A sample and what of it is hidden.
#[derive(Debug)]
pub(crate) struct Mask<'a> {
    bytes: &'a [u8],
    masked: Option<Vec<u8>>,
}

impl Mask<'_> {
    /// Hides a range, as far as it is here.
    pub(crate) fn hide(&mut self, range: Range<usize>) {
        let end = range.end.min(self.bytes.len());
        if range.start >= end {
            return;
        }
        let masked = self.masked.get_or_insert_with(|| self.bytes.to_vec());
        masked[range.start..end].fill(MARK);
    }

    /// Hides a part that was borrowed from the sample.
    pub(crate) fn hide_part(&mut self, part: &[u8]) {
        let start = (part.as_ptr() as usize).wrapping_sub(self.bytes.as_ptr() as usize);
        if start <= self.bytes.len() && part.len() <= self.bytes.len() - start {
            self.hide(start..start + part.len());
        }
    }
}

/// Whether a header, a field or a key of this name holds a secret.
pub(crate) fn is_secret_name(name: &[u8]) -> bool {
    const EXACT: &[&[u8]] = &[
        b"authorization",
        b"proxy-authorization",
        b"cookie",
        b"set-cookie",
        b"x-api-key",
        b"api-key",
        b"apikey",
        b"x-amz-security-token",
        b"x-forwarded-client-cert",
        b"x-vault-token",
        b"private-token",
        b"sec-websocket-key",
    ];
    const PARTS: &[&[u8]] = &[b"password", b"passwd", b"secret", b"token", b"credential"];
    let mut lower = [0_u8; 64];
    let len = name.len().min(lower.len());
    lower[..len].copy_from_slice(&name[..len]);
    lower.make_ascii_lowercase();
    let lower = &lower[..len];
    EXACT.contains(&lower)
        || PARTS
            .iter()
            .any(|part| memchr::memmem::find(lower, part).is_some())
}

/// Words before a secret; compared without case.
const ANNOUNCERS: &[&[u8]] = &[
    b"password",
    b"passwd",
    b"pwd",
    b"secret",
    b"token",
    b"apikey",
    b"api_key",
    b"access_key",
    b"authorization",
    b"identified by",
    b"requirepass",
    b"masterauth",
];

/// Hides values that stand after a word that announces a secret.
fn announced(bytes: &[u8], mask: &mut Mask<'_>) {
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        // Most bytes are sorted out by the words' first letters.
        let first = rest[0].to_ascii_lowercase();
        let word = ANNOUNCERS.iter().find(|word| {
            word[0] == first
                && rest
                    .get(..word.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(word))
        });
        let Some(word) = word else {
            at += 1;
            continue;
        };
        at += word.len();
        if let Some(value) = value_after(&bytes[at..]) {
            mask.hide(at + value.start..at + value.end);
            at += value.end;
        }
    }
}

/// Where the value stands in the text after an announcing word.
fn value_after(text: &[u8]) -> Option<Range<usize>> {
    let byte = |at: usize| text.get(at).copied();
    let mut at = 0;
    // The rest of the word: `password_hash`, `tokens`, and a closing quote.
    while byte(at).is_some_and(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-')) {
        at += 1;
    }
    let name_end = at;
    while byte(at).is_some_and(|it| b" \t\"'`\\".contains(&it)) && at < name_end + 4 {
        at += 1;
    }
    let separated = byte(at).is_some_and(|it| b"=:(".contains(&it));
    if separated {
        at += 1;
        while byte(at).is_some_and(|it| b" \t=>".contains(&it)) {
            at += 1;
        }
    }
    let opening = match byte(at) {
        Some(quote @ (b'"' | b'\'' | b'`')) => Some(quote),
        Some(b'\\') if byte(at + 1) == Some(b'"') => {
            at += 1;
            Some(b'"')
        }
        _ => None,
    };
    // `PASSWORD 'x'`: the quote was taken for the word's own.
    let quote_before = at
        .checked_sub(1)
        .and_then(byte)
        .filter(|it| !separated && b"'\"`".contains(it));
    let (start, end_quote) = match (opening, quote_before) {
        (Some(quote), _) => (at + 1, Some(quote)),
        (None, Some(quote)) => (at, Some(quote)),
        (None, None) if separated => (at, None),
        (None, None) => return None,
    };
    let len = text[start..]
        .iter()
        .position(|it| match end_quote {
            Some(quote) => *it == quote,
            None => it.is_ascii_whitespace() || b"&;,\"')}<".contains(it) || *it == 0,
        })
        .unwrap_or(text.len() - start);
    (len > 0).then_some(start..start + len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announced_secrets_are_hidden() {
        for (text, expected) in [
            ("user=anna&password=s3cret&x=1", "user=anna&password=******&x=1"),
            (
                "{\"password\": \"s3cret\", \"a\": 1}",
                "{\"password\": \"******\", \"a\": 1}",
            ),
            (
                "CREATE USER a IDENTIFIED BY 'pw' REQUIRE SSL",
                "CREATE USER a IDENTIFIED BY '**' REQUIRE SSL",
            ),
            ("ALTER ROLE a PASSWORD 'pw'", "ALTER ROLE a PASSWORD '**'"),
            ("SET PASSWORD = 'pw'", "SET PASSWORD = '**'"),
            (
                "SET PASSWORD FOR a = PASSWORD('pw')",
                "SET PASSWORD FOR a = PASSWORD('**')",
            ),
            (
                "update u set password_hash = 'abc' where id=1",
                "update u set password_hash = '***' where id=1",
            ),
            ("access_token=abc", "access_token=***"),
            ("the password is wrong", "the password is wrong"),
            ("nothing here", "nothing here"),
        ] {
            let hidden = redact(None, Role::Client, text.as_bytes());
            assert_eq!(String::from_utf8_lossy(&hidden), expected);
            assert_eq!(hidden.len(), text.len());
        }
    }

    #[test]
    fn a_clean_sample_is_borrowed() {
        assert!(matches!(
            redact(None, Role::Client, b"GET / HTTP/1.1\r\n\r\n"),
            Cow::Borrowed(_)
        ));
    }
}
