//! Paths with many values to routes with few: `/orders/123` is `/orders/{id}`.

/// Segments of a route; deeper paths end in `…`.
const SEGMENTS_MAX: usize = 10;

/// The place of what differs from call to call.
const HOLE: &str = "{id}";

/// Appends the route of an URL's path: without query and fragment, ids folded, at most `max` bytes.
///
/// `http://host/path`, as proxies are asked, gives the path; the host is elsewhere.
pub fn fold(target: &[u8], separator: u8, max: usize, out: &mut String) {
    let path = match memchr::memmem::find(target, b"://") {
        Some(at) if !target.starts_with(b"/") => {
            let rest = &target[at + 3..];
            memchr::memchr(b'/', rest).map_or(b"/".as_slice(), |slash| &rest[slash..])
        }
        _ => target,
    };
    let end = path
        .iter()
        .position(|byte| matches!(byte, b'?' | b'#' | b';'))
        .unwrap_or(path.len());
    fold_path(&path[..end], separator, max, out);
}

/// Appends a name of several parts, ids folded, at most `max` bytes.
pub fn fold_path(path: &[u8], separator: u8, max: usize, out: &mut String) {
    let start = out.len();
    for (at, segment) in path.split(|byte| *byte == separator).enumerate() {
        if at > 0 {
            out.push(char::from(separator));
        }
        // The root makes an empty first segment.
        if at > SEGMENTS_MAX || out.len() - start + segment.len().min(64) > max {
            out.push('…');
            return;
        }
        write_segment(segment, out);
    }
}

/// Appends text without control characters, at most `max` bytes, marked if cut.
pub fn write_clean(bytes: &[u8], max: usize, out: &mut String) {
    let cut = bytes.len() > max;
    for chunk in bytes[..bytes.len().min(max)].utf8_chunks() {
        for c in chunk.valid().chars() {
            out.push(if c.is_control() { ' ' } else { c });
        }
        if !chunk.invalid().is_empty() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
    if cut {
        out.push('…');
    }
}

/// Appends a name in DNS' wire format in lower case, with dots; a root is `.`.
pub fn write_dns(labels: &[u8], out: &mut String) {
    let start = out.len();
    let mut rest = labels;
    while let Some((len, tail)) = rest.split_first() {
        let Some((label, tail)) = tail.split_at_checked(usize::from(*len)) else {
            break;
        };
        if label.is_empty() {
            break;
        }
        if out.len() > start {
            out.push('.');
        }
        for byte in label {
            out.push(match byte {
                b'!'..=b'~' => char::from(byte.to_ascii_lowercase()),
                _ => '?',
            });
        }
        rest = tail;
    }
    if out.len() == start {
        out.push('.');
    }
}

fn write_segment(segment: &[u8], out: &mut String) {
    // A file keeps its ending: `app.3f9a01bc.js` says more as `{id}.js`.
    let (stem, ending) = match segment.iter().rposition(|byte| *byte == b'.') {
        Some(at) if at > 0 && !segment.contains(&b'@') && is_ending(&segment[at + 1..]) => {
            segment.split_at(at)
        }
        _ => (segment, b"".as_slice()),
    };
    if is_id(stem) {
        out.push_str(HOLE);
        write_clean(ending, ending.len(), out);
    } else {
        write_clean(segment, segment.len(), out);
    }
}

fn is_ending(text: &[u8]) -> bool {
    (1..=5).contains(&text.len())
        && text[0].is_ascii_alphabetic()
        && text.iter().all(u8::is_ascii_alphanumeric)
}

/// Whether a segment looks like one of very many.
fn is_id(segment: &[u8]) -> bool {
    let count = |test: fn(&u8) -> bool| segment.iter().filter(|byte| test(byte)).count();
    let digits = count(u8::is_ascii_digit);
    if segment.is_empty() || is_version(segment, digits) {
        return false;
    }
    let letters = count(u8::is_ascii_alphabetic);
    let hex = count(u8::is_ascii_hexdigit);
    // Numbers, dates, addresses.
    (digits > 0 && letters == 0)
        // Numbered things: `order-20231`.
        || digits >= 4
        // Hashes and UUIDs of few digits.
        || (digits > 0 && segment.len() >= 8 && hex + count(|byte| *byte == b'-') == segment.len())
        // Tokens.
        || (segment.len() >= 20 && digits > 0)
        || segment.len() > 40
        // Mail addresses and escaped text are somebody's own words.
        || segment.contains(&b'@')
        || count(|byte| *byte == b'%') >= 2
}

/// `v1`, `v1beta1`, `v12`.
fn is_version(segment: &[u8], digits: usize) -> bool {
    digits <= 3
        && segment.len() <= 9
        && matches!(segment.first(), Some(b'v' | b'V'))
        && segment.get(1).is_some_and(u8::is_ascii_digit)
        && segment.iter().all(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_fold_and_words_stay() {
        for (path, route) in [
            ("/", "/"),
            ("/orders/123", "/orders/{id}"),
            ("/orders/123/items/7?x=1#y", "/orders/{id}/items/{id}"),
            ("/users/550e8400-e29b-41d4-a716-446655440000", "/users/{id}"),
            ("/blobs/deadbeefcafe0000", "/blobs/{id}"),
            ("/api/v1/pods", "/api/v1/pods"),
            ("/apis/apps/v1beta1/deployments", "/apis/apps/v1beta1/deployments"),
            ("/oauth2/token", "/oauth2/token"),
            ("/static/app.3f9a01bc.js", "/static/{id}.js"),
            ("/static/3f9a01bc.js", "/static/{id}.js"),
            ("/index.html", "/index.html"),
            ("/t/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "/t/{id}"),
            ("/u/anna@example.org/mail", "/u/{id}/mail"),
            ("/d/2026-11-21", "/d/{id}"),
            ("http://example.org/a/77", "/a/{id}"),
            ("http://example.org", "/"),
            ("*", "*"),
            ("/a;jsessionid=1234", "/a"),
            ("/s/%E4%BD%A0%E5%A5%BD", "/s/{id}"),
        ] {
            let mut out = String::new();
            fold(path.as_bytes(), b'/', 512, &mut out);
            assert_eq!(out, route, "{path}");
        }
    }

    #[test]
    fn a_route_is_bounded() {
        let mut out = String::new();
        fold(&b"/x".repeat(5000), b'/', 512, &mut out);
        assert!(out.len() < 64, "{out}");
        out.clear();
        fold(
            &[b"/".as_slice(), &b"\xff".repeat(5000)].concat(),
            b'/',
            512,
            &mut out,
        );
        assert_eq!(out, "/{id}");
    }

    #[test]
    fn names_of_dns_are_lower_case() {
        let mut out = String::new();
        write_dns(b"\x03wWw\x07eXample\x03org\0", &mut out);
        assert_eq!(out, "www.example.org");
        out.clear();
        write_dns(b"\0", &mut out);
        assert_eq!(out, ".");
    }
}
