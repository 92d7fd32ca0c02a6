//! Secrets that are known by their shape.

use std::ops::Range;

use super::names::is_harmless;
use super::{Edit, Form};

/// Bytes looked at on either side of a hit.
const REACH: usize = 2048;

fn run(text: &[u8], at: usize, fits: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| fits(**byte)).count()
}

fn run_back(text: &[u8], at: usize, fits: impl Fn(u8) -> bool) -> usize {
    at - text[..at].iter().rev().take_while(|byte| fits(**byte)).count()
}

fn starts_word(text: &[u8], at: usize) -> bool {
    // In JSON a word may follow `\n` or `\t`: the letter of the escape is no part of it.
    match text[..at] {
        [.., b'\\', b'n' | b't' | b'r'] => true,
        [.., last] => !last.is_ascii_alphanumeric() && last != b'_',
        [] => true,
    }
}

/// `Bearer XYZ`.
pub(super) fn bearer(text: &[u8], hit: Range<usize>, _: Form) -> Option<Edit> {
    let end = run(text, hit.end, |byte| {
        byte.is_ascii_alphanumeric() || b"._~+/=-".contains(&byte)
    });
    (end - hit.end >= 12).then_some(Edit {
        range: hit.end..end,
        mark: "token",
    })
}

/// `Authorization: Basic XYZ`.
pub(super) fn basic(text: &[u8], hit: Range<usize>, _: Form) -> Option<Edit> {
    let before = &text[hit.start.saturating_sub(24)..hit.start];
    let end = run(text, hit.end, |byte| {
        byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
    });
    let named = before
        .windows(12)
        .any(|it| it.eq_ignore_ascii_case(b"uthorization"))
        || before
            .windows(13)
            .any(|it| it.eq_ignore_ascii_case(b"authorization"));
    (named && end - hit.end >= 6).then_some(Edit {
        range: hit.end..end,
        mark: "credentials",
    })
}

/// A PEM block of a private key; to its end line, or as far as its characters go.
pub(super) fn private_key(text: &[u8], hit: Range<usize>, _: Form) -> Option<Edit> {
    let label = run(text, hit.end, |byte| byte.is_ascii_uppercase() || byte == b' ');
    if !text[hit.end..label].ends_with(b"PRIVATE KEY") || !text[label..].starts_with(b"-----") {
        return None;
    }
    let start = label + 5;
    let body = run(text, start, |byte| {
        byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/=\\:,-".contains(&byte)
    });
    let body = &text[start..body];
    let body = &body[..memchr::memmem::find(body, b"-----END").unwrap_or(body.len())];
    // The last backslash may escape the quote that ends the string.
    let kept = body.iter().rev().take_while(|byte| **byte == b'\\').count();
    Some(Edit {
        range: start..start + body.len() - kept,
        mark: "key",
    })
}

/// `scheme://user:password@host`.
pub(super) fn url(text: &[u8], hit: Range<usize>, _: Form) -> Option<Edit> {
    let window = text.len().min(hit.end + REACH);
    let end = run(&text[..window], hit.end, |byte| {
        byte > b' ' && !b"/\"'<>?#\\`".contains(&byte)
    });
    let authority = &text[hit.end..end];
    let at = memchr::memrchr(b'@', authority)?;
    let colon = memchr::memchr(b':', &authority[..at])?;
    let hidden = authority.contains(&b'[') || is_harmless(&authority[colon + 1..at]);
    (!hidden).then_some(Edit {
        range: hit.end..hit.end + at,
        mark: "credentials",
    })
}

/// Ends of names with an at sign that are no mail addresses: units of systemd.
const UNIT_KINDS: [&[u8]; 9] = [
    b"service", b"socket", b"slice", b"timer", b"mount", b"target", b"scope", b"path", b"device",
];

/// `jane@example.com`, and `user:password@tcp(host)`.
pub(super) fn mail(text: &[u8], hit: Range<usize>, _: Form) -> Option<Edit> {
    let rest = &text[hit.end..];
    if rest.starts_with(b"tcp(") || rest.starts_with(b"unix(") {
        let start = run_back(text, hit.start, |byte| {
            byte > b' ' && !b"\"'=:/\\".contains(&byte)
        });
        let named = start > 0 && text[start - 1] == b':' && !is_harmless(&text[start..hit.start]);
        return named.then_some(Edit {
            range: start..hit.start,
            mark: "password",
        });
    }
    let floor = hit.start.saturating_sub(64);
    let mut start = floor
        + run_back(&text[floor..], hit.start - floor, |byte| {
            byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte)
        });
    // `\n` before the name: the letter belongs to the escape.
    if start > 0 && text[start - 1] == b'\\' {
        start += 1;
    }
    let ceiling = text.len().min(hit.end + 255);
    let end = run(&text[..ceiling], hit.end, |byte| {
        byte.is_ascii_alphanumeric() || b".-".contains(&byte)
    });
    let domain = text[hit.end..end].trim_ascii_end();
    let domain = domain.strip_suffix(b".").unwrap_or(domain);
    let last = domain.rsplit(|byte| *byte == b'.').next()?;
    let version = matches!(domain, [b'v', b'0'..=b'9', ..]);
    let is_mail = start < hit.start
        && domain.contains(&b'.')
        && last.len() >= 2
        && last.iter().all(u8::is_ascii_alphabetic)
        && !version
        && !UNIT_KINDS.contains(&last)
        && &text[start..hit.start] != b"git";
    is_mail.then(|| Edit {
        range: start..hit.end + domain.len(),
        mark: "email",
    })
}

/// `eyJhbGci….eyJzdWIi….signature`.
pub(super) fn jwt(text: &[u8], hit: Range<usize>, _: Form) -> Option<Edit> {
    if &text[hit.clone()] != b"eyJ" || !starts_word(text, hit.start) {
        return None;
    }
    let part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let head = run(text, hit.end, part);
    if head - hit.end < 8 || text.get(head) != Some(&b'.') {
        return None;
    }
    let body = run(text, head + 1, part);
    if body - head < 9 {
        return None;
    }
    let end = if text.get(body) == Some(&b'.') {
        run(text, body + 1, part)
    } else {
        body
    };
    Some(Edit {
        range: hit.start..end,
        mark: "token",
    })
}

/// `AKIA` and `ASIA` with sixteen characters.
pub(super) fn aws_key(text: &[u8], hit: Range<usize>, _: Form) -> Option<Edit> {
    let end = run(text, hit.start, |byte| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit()
    });
    (end - hit.start == 20 && starts_word(text, hit.start)).then_some(Edit {
        range: hit.start..end,
        mark: "key",
    })
}

/// Tokens whose issuer marks them by a prefix.
pub(super) fn prefixed(text: &[u8], hit: Range<usize>, _: Form) -> Option<Edit> {
    let end = run(text, hit.end, |byte| {
        byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
    });
    let value = &text[hit.end..end];
    // A package or a label may begin alike; a token is long and has digits.
    let random = value.len() >= 16 && value.iter().any(u8::is_ascii_digit);
    (random && starts_word(text, hit.start)).then_some(Edit {
        range: hit.start..end,
        mark: "token",
    })
}

/// Bytes of a command line that are looked at after the tool's name.
const OPTIONS_REACH: usize = 512;

/// A tool's short option for its password: `redis-cli -a PASSWORD`, `mysql -pPASSWORD`; words of a line, or strings of a
/// list.
pub(super) fn short_option(text: &[u8], hit: Range<usize>, form: Form) -> Option<Edit> {
    let is_redis = text[hit.start] | 0x20 == b'r';
    let window = &text[..text.len().min(hit.end + OPTIONS_REACH)];
    let mut at = hit.end;
    while at + 2 < window.len() {
        let (before, byte) = (window[at - 1], window[at]);
        let ends = b"|;&]}".contains(&byte)
            || (byte == b'\n' && form == Form::Text)
            || window[at..].starts_with(b"\\n");
        if ends {
            return None;
        }
        let option = byte == b'-' && (before <= b' ' || b"\"'".contains(&before));
        let wanted = if is_redis { b'a' } else { b'p' };
        if option && window[at + 1] == wanted {
            let after = at + 2;
            let from = if is_redis {
                // The next word, which may be the next string.
                run(window, after, |byte| byte <= b' ' || b"\"',".contains(&byte))
            } else {
                // The word goes on, or the tool asks for it.
                run(window, after, |byte| byte == b'\'')
            };
            let end = run(window, from, |byte| byte > b' ' && !b"\"'\\;|&".contains(&byte));
            let value = &window[from..end];
            if (!is_redis || from > after) && !value.starts_with(b"$") && !is_harmless(value) {
                return Some(Edit {
                    range: from..end,
                    mark: "password",
                });
            }
        }
        at += 1;
    }
    None
}
