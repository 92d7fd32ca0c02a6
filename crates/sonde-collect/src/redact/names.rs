//! Secrets that are known by the name before them: `DB_PASSWORD=…`, `"token": "…"`, `--api-key …`, an environment
//! variable's name with its value.

use std::ops::Range;

use super::{Edit, Form};

/// A name says that its value is secret when it ends with one of these, written without separators.
const ENDINGS: &[(&str, &str)] = &[
    ("password", "password"),
    ("passwd", "password"),
    ("passphrase", "password"),
    ("pwd", "password"),
    ("secret", "secret"),
    ("token", "token"),
    ("apikey", "key"),
    ("accesskey", "key"),
    ("accountkey", "key"),
    ("secretkey", "key"),
    ("privatekey", "key"),
    ("encryptionkey", "key"),
    ("signingkey", "key"),
    ("credential", "credentials"),
    ("credentials", "credentials"),
    (PASS, "password"),
];

/// The end of other words too (`bypass`): it counts where a word begins with it.
const PASS: &str = "pass";

/// Names that Kubernetes itself uses for names of Secrets, not for their values.
const NAMES_OF_SECRETS: &[&str] = &[
    "imagepullsecret",
    "pullsecret",
    "tlssecret",
    "serviceaccounttoken",
];

/// Longest name that is looked at.
const NAME_BYTES_MAX: usize = 128;

struct Name {
    /// What the value is.
    mark: &'static str,
    /// The bare word `secret` or the like: its value is as often a name as a secret.
    weak: bool,
    /// In capitals, as environment variables are.
    capitals: bool,
    /// With dashes before it, as arguments are.
    argument: bool,
}

fn name(word: &[u8]) -> Option<Name> {
    let plain: String = word
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    let plain = plain.trim_end_matches(|it: char| it.is_ascii_digit());
    let (ending, mark) = ENDINGS.iter().find(|(ending, _)| plain.ends_with(ending))?;
    if *ending == PASS && !ends_with_word_pass(word) {
        return None;
    }
    if NAMES_OF_SECRETS.iter().any(|it| plain.ends_with(it)) {
        return None;
    }
    Some(Name {
        mark,
        weak: plain == *ending && matches!(*mark, "secret" | "credentials" | "token"),
        capitals: !word.iter().any(u8::is_ascii_lowercase),
        argument: word.starts_with(b"-"),
    })
}

/// `DB_PASS`, `smtpPass`, `--pass`, `PASS2`; not `bypass`.
fn ends_with_word_pass(word: &[u8]) -> bool {
    let end = word
        .iter()
        .rposition(u8::is_ascii_alphabetic)
        .map_or(0, |at| at + 1);
    let Some(start) = end.checked_sub(PASS.len()) else {
        return false;
    };
    let begins = match start.checked_sub(1).map(|at| word[at]) {
        None => true,
        Some(before) if before.is_ascii_lowercase() => word[start].is_ascii_uppercase(),
        Some(before) => !before.is_ascii_alphabetic(),
    };
    begins && word[start..end].eq_ignore_ascii_case(PASS.as_bytes())
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

/// A quote with the backslashes before it, as JSON in JSON has; returns how many there are and where it ends.
fn quote(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let slashes = text.get(at..)?.iter().take_while(|byte| **byte == b'\\').count();
    matches!(text.get(at + slashes), Some(b'"')).then_some((slashes, at + slashes + 1))
}

/// How deep a quote is in JSON in JSON, by the backslashes before it: 0, 1, 3 and 7 are the first four levels, and
/// whatever more there is belongs to backslashes of the text.
fn level(slashes: usize) -> u32 {
    slashes.trailing_ones()
}

/// Where the string ends that was opened by a quote with so many backslashes.
fn closing(text: &[u8], from: usize, slashes: usize) -> usize {
    let mut at = from;
    while let Some(len) = text.get(at..).and_then(|rest| memchr::memchr(b'"', rest)) {
        let end = at + len;
        let before = text[from..end]
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count();
        if level(before) <= level(slashes) {
            return end - ((1 << level(before)) - 1);
        }
        at = end + 1;
    }
    text.len()
}

fn space(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// A value that hides nothing: a reference, a placeholder, a path, something already hidden.
pub(super) fn is_harmless(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    const STARTS: &[&[u8]] = &[b"<", b"$(", b"${", b"{{", b"[redacted", b"**", b"/", b"{", b"["];
    is_nothing(value) || STARTS.iter().any(|start| value.starts_with(start))
}

/// No value, or a word that is none.
fn is_nothing(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    const WORDS: &[&[u8]] = &[
        b"true",
        b"false",
        b"null",
        b"none",
        b"nil",
        b"nan",
        b"optional",
        b"required",
    ];
    value.is_empty()
        || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
        || value.iter().all(|byte| matches!(byte, b'x' | b'X' | b'*' | b'.'))
}

/// A value after a name that leaves no doubt: only what stands for a value as a whole hides nothing, as any letters may
/// begin a password.
fn is_placeholder(text: &[u8], range: &Range<usize>) -> bool {
    const PAIRS: &[(&[u8], &[u8])] = &[(b"<", b">"), (b"$(", b")"), (b"${", b"}")];
    // kubectl describe writes it behind a reference to a key.
    const OPTIONAL: &[u8] = b"Optional:";
    let value = text[range.clone()].trim_ascii();
    let after = &text[range.end..];
    let line = text[range.start..]
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let is_template = value.starts_with(b"{{") && memchr::memmem::find(line, b"}}").is_some();
    let reference = value.strip_prefix(b"<").and_then(|rest| {
        let end = memchr::memchr(b'>', rest)?;
        Some(rest[end + 1..].trim_ascii_start().starts_with(OPTIONAL))
    });
    is_template
        || reference == Some(true)
        || value.starts_with(b"[redacted:")
        || PAIRS.iter().any(|(open, close)| {
            value.starts_with(open) && (value.ends_with(close) || after.starts_with(close))
        })
}

/// Behind the marks and colours that a person or a program puts around a value: `**value**`, a tick, `ESC[31m`.
fn behind_marks(text: &[u8], mut at: usize) -> usize {
    loop {
        let rest = text.get(at..).unwrap_or_default();
        at += match rest {
            [b'*', b'*', next, ..] if *next > b' ' && *next != b'*' => 2,
            [b'`', ..] => 1,
            [0x1b, b'[', ..] => match rest.iter().skip(2).position(|byte| byte.is_ascii_alphabetic()) {
                Some(end) if end < 16 => end + 3,
                _ => return at,
            },
            _ => return at,
        };
    }
}

fn is_random(value: &[u8]) -> bool {
    value.len() >= 16
        && value.iter().any(u8::is_ascii_digit)
        && value.iter().any(u8::is_ascii_alphabetic)
        && !value.iter().any(|byte| matches!(byte, b'/' | b' ' | b':'))
}

/// The value that follows a name which says that it is secret.
pub(super) fn value_of_name(text: &[u8], hit: Range<usize>, form: Form) -> Option<Edit> {
    let floor = hit.start.saturating_sub(NAME_BYTES_MAX);
    let mut start = hit.start
        - text[floor..hit.start]
            .iter()
            .rev()
            .take_while(|byte| is_name_byte(**byte))
            .count();
    // `\npassword` in a JSON string: the `n` belongs to the escape.
    if start > 0 && start < hit.start && text[start - 1] == b'\\' && matches!(text[start], b'n' | b't' | b'r')
    {
        start += 1;
    }
    let ceiling = text.len().min(hit.end + NAME_BYTES_MAX);
    let end = hit.end
        + text[hit.end..ceiling]
            .iter()
            .take_while(|byte| is_name_byte(**byte))
            .count();
    let name = name(&text[start..end])?;
    let range = match quote(text, end) {
        Some((slashes, after)) => quoted_name(text, start, after, slashes, &name)?,
        None => bare_name(text, start, end, &name, form)?,
    };
    let value = &text[range.clone()];
    let harmless = if name.weak {
        is_harmless(value)
    } else {
        is_nothing(value) || is_placeholder(text, &range)
    };
    if harmless || (name.weak && name.mark != "token" && !is_random(value)) {
        return None;
    }
    Some(Edit {
        range,
        mark: name.mark,
    })
}

/// After `"NAME"`: `: "value"`, or `, "value": "…"` as in environment variables, or the next argument.
fn quoted_name(text: &[u8], start: usize, after: usize, slashes: usize, name: &Name) -> Option<Range<usize>> {
    let opened = start > 0 && text[start - 1] == b'"';
    if !opened {
        return None;
    }
    let at = space(text, after);
    match text.get(at)? {
        b':' => same_level(text, space(text, at + 1), slashes),
        b',' => {
            let next = same_level(text, space(text, at + 1), slashes)?;
            let (_, after_next) = quote(text, next.end)?;
            if &text[next.clone()] == b"value" {
                let colon = space(text, after_next);
                if text.get(colon) == Some(&b':') {
                    return same_level(text, space(text, colon + 1), slashes);
                }
            }
            let is_argument = name.argument && slashes == 0 && !text[next.clone()].starts_with(b"-");
            is_argument.then_some(next)
        }
        _ => None,
    }
}

/// The inside of the string that starts here.
fn string_at(text: &[u8], at: usize) -> Option<Range<usize>> {
    let (slashes, start) = quote(text, at)?;
    Some(start..closing(text, start, slashes))
}

/// After a name without quotes: `=value`, or `: value` where the name begins its line.
fn bare_name(text: &[u8], start: usize, end: usize, name: &Name, form: Form) -> Option<Range<usize>> {
    match text.get(end)? {
        b'=' => {
            if let Some(range) = inner_string(text, end + 1, form) {
                return Some(range);
            }
            let value = behind_marks(text, end + 1);
            let quoted = text.get(value) == Some(&b'\'');
            let from = value + usize::from(quoted);
            let len = text.get(from..)?.iter().take_while(|byte| {
                if quoted {
                    !b"'\"\\\n".contains(byte)
                } else if name.weak {
                    is_value_byte(**byte)
                } else {
                    // Brackets may begin a password, and may stand within one.
                    is_value_byte(**byte) || b"<>[]{}()".contains(byte)
                }
            });
            let range = from..from + len.count();
            // The shell's working directory.
            let is_folder =
                matches!(&text[start..end], b"PWD" | b"OLDPWD") && text[range.clone()].starts_with(b"/");
            (!is_folder).then_some(range)
        }
        b':' => {
            let spaced = matches!(text.get(end + 1), Some(b' ' | b'\t'));
            if !begins_line(text, start) || (!spaced && name.weak) {
                return None;
            }
            let from = end
                + 1
                + text[end + 1..]
                    .iter()
                    .take_while(|byte| matches!(byte, b' ' | b'\t'))
                    .count();
            let from = behind_marks(text, from);
            let len = text[from..]
                .iter()
                .take_while(|byte| !matches!(byte, b'\n' | b'\r' | b'\\' | b'"' | b'`' | 0x1b))
                .count();
            if len == 0
                && let Some(range) = inner_string(text, from, form)
            {
                return (!name.weak || is_random(&text[range.clone()])).then_some(range);
            }
            let value = text[from..from + len].trim_ascii_end();
            let one_word = !value.contains(&b' ');
            let certain = name.capitals || one_word;
            (certain && (!name.weak || is_random(value))).then_some(from..from + value.len())
        }
        _ => None,
    }
}

/// As [`string_at`], for a string that is quoted as the one before it was.
fn same_level(text: &[u8], at: usize, slashes: usize) -> Option<Range<usize>> {
    let (have, _) = quote(text, at)?;
    if level(have) == level(slashes) {
        string_at(text, at)
    } else {
        None
    }
}

/// As [`string_at`], for a string that stands in the middle of text.
fn inner_string(text: &[u8], at: usize, form: Form) -> Option<Range<usize>> {
    let (slashes, _) = quote(text, at)?;
    if form == Form::Json && level(slashes) == 0 {
        return None;
    }
    string_at(text, at)
}

fn is_value_byte(byte: u8) -> bool {
    byte > b' ' && !b"\"'&;,)]}\\<>`".contains(&byte)
}

/// Only blanks, a list's dash and the marks of quotes, code and tables stand before it on its line; a JSON string's line may begin with its quote or `\n`.
fn begins_line(text: &[u8], start: usize) -> bool {
    let before = &text[..start];
    let blanks = before
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'-' | b'`' | b'>' | b'*' | b'|'))
        .count();
    matches!(
        before[..start - blanks],
        [] | [.., b'\n' | b'\r' | b'"'] | [.., b'\\', b'n' | b't']
    )
}

/// `"auth": "base64"` of a registry's configuration.
pub(super) fn docker_auth(text: &[u8], hit: Range<usize>, _: Form) -> Option<Edit> {
    let at = space(text, hit.end);
    if text.get(at) != Some(&b':') || !matches!(text.get(hit.start.wrapping_sub(1)), Some(b'"')) {
        return None;
    }
    let range = string_at(text, space(text, at + 1))?;
    let value = &text[range.clone()];
    let base64 = value.len() >= 8
        && value
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte));
    base64.then_some(Edit {
        range,
        mark: "credentials",
    })
}
