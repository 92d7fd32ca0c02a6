//! Trace ids that callers put into requests: W3C, B3, Jaeger, SkyWalking, EagleEye.

/// Whose convention a trace id follows, the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TraceFormat {
    /// `traceparent` (<https://www.w3.org/TR/trace-context/>).
    W3c,
    /// `b3`, or `x-b3-traceid` and its kin (<https://github.com/openzipkin/b3-propagation>).
    B3,
    /// `uber-trace-id`.
    Jaeger,
    /// `sw8`; its ids are in Base64, as they came.
    SkyWalking,
    /// `eagleeye-traceid`.
    EagleEye,
}

/// The trace that a request belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace<'a> {
    /// Its convention.
    pub format: TraceFormat,
    /// The trace's id, as it was sent.
    pub id: &'a [u8],
    /// The caller's span, as it was sent; may be empty.
    pub span: &'a [u8],
    /// Whether the caller records the trace, if it says so.
    pub sampled: Option<bool>,
}

/// Collects the trace from headers, in whatever order they come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TraceReader<'a> {
    best: Option<Trace<'a>>,
    b3_id: Option<&'a [u8]>,
    b3_span: &'a [u8],
    b3_sampled: Option<bool>,
    eagle_span: &'a [u8],
}

impl<'a> TraceReader<'a> {
    /// Looks at a header. Names are compared without case.
    pub(crate) fn header(&mut self, name: &[u8], value: &'a [u8]) {
        // Most headers are sorted out by their length and first letter.
        let found = match (name.len(), name.first().map(u8::to_ascii_lowercase)) {
            (11, Some(b't')) if name.eq_ignore_ascii_case(b"traceparent") => w3c(value),
            (2, Some(b'b')) if name.eq_ignore_ascii_case(b"b3") => b3(value),
            (13, Some(b'u')) if name.eq_ignore_ascii_case(b"uber-trace-id") => jaeger(value),
            (3, Some(b's')) if name.eq_ignore_ascii_case(b"sw8") => skywalking(value),
            (16, Some(b'e')) if name.eq_ignore_ascii_case(b"eagleeye-traceid") => eagle_eye(value),
            (14, Some(b'e')) if name.eq_ignore_ascii_case(b"eagleeye-rpcid") => {
                self.eagle_span = value;
                None
            }
            (12, Some(b'x')) if name.eq_ignore_ascii_case(b"x-b3-traceid") => {
                self.b3_id = is_hex(value, 16..=32).then_some(value);
                None
            }
            (11, Some(b'x')) if name.eq_ignore_ascii_case(b"x-b3-spanid") => {
                self.b3_span = value;
                None
            }
            (12, Some(b'x')) if name.eq_ignore_ascii_case(b"x-b3-sampled") => {
                self.b3_sampled = flag(value);
                None
            }
            _ => None,
        };
        self.offer(found);
    }

    pub(crate) fn finish(mut self) -> Option<Trace<'a>> {
        self.offer(self.b3_id.map(|id| Trace {
            format: TraceFormat::B3,
            id,
            span: self.b3_span,
            sampled: self.b3_sampled,
        }));
        let mut trace = self.best?;
        if trace.format == TraceFormat::EagleEye {
            trace.span = self.eagle_span;
        }
        Some(trace)
    }

    fn offer(&mut self, found: Option<Trace<'a>>) {
        if let Some(found) = found
            && self.best.is_none_or(|best| found.format < best.format)
        {
            self.best = Some(found);
        }
    }
}

/// Whether [`TraceReader::header`] wants to see a header of this name.
pub(crate) fn is_header(name: &[u8]) -> bool {
    [
        "traceparent",
        "b3",
        "uber-trace-id",
        "sw8",
        "eagleeye-traceid",
        "eagleeye-rpcid",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-sampled",
    ]
    .iter()
    .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// Finds a trace in bytes of any form: record headers, attachments, comments of SQL.
pub(crate) fn scan(bytes: &[u8]) -> Option<Trace<'_>> {
    type Parse = fn(&[u8]) -> Option<Trace<'_>>;
    const FORMS: &[(&[u8], Parse)] = &[
        (b"traceparent", w3c),
        (b"uber-trace-id", jaeger),
        (b"sw8", skywalking),
        (b"X-B3-TraceId", b3_id),
    ];
    // Between a name and its value stand at most a length, quotes, colons or white space.
    const GAP_MAX: usize = 8;
    for (name, parse) in FORMS {
        let mut from = 0;
        // A text that repeats a name again and again is not searched for ever.
        for _ in 0..4 {
            let Some(at) = memchr::memmem::find(&bytes[from..], name) else {
                break;
            };
            from += at + name.len();
            let rest = &bytes[from..];
            for gap in 1..=GAP_MAX.min(rest.len()) {
                let value = &rest[gap..];
                let end = value
                    .iter()
                    .position(|byte| !byte.is_ascii_alphanumeric() && !b"-:=+/".contains(byte))
                    .unwrap_or(value.len());
                if let Some(trace) = parse(&value[..end]) {
                    return Some(trace);
                }
            }
        }
    }
    None
}

fn w3c(value: &[u8]) -> Option<Trace<'_>> {
    let value = value.trim_ascii();
    // version "-" trace-id "-" parent-id "-" flags; later versions may append.
    let (id, span) = (value.get(3..35)?, value.get(36..52)?);
    let flags = value.get(53..55)?;
    let dashes = [2, 35, 52].iter().all(|at| value[*at] == b'-');
    let whole = value.len() == 55 || value.get(55) == Some(&b'-');
    let valid = dashes
        && whole
        && is_hex(&value[..2], 2..=2)
        && &value[..2] != b"ff"
        && is_hex(id, 32..=32)
        && is_hex(span, 16..=16)
        && is_hex(flags, 2..=2)
        && id.iter().any(|byte| *byte != b'0');
    valid.then(|| Trace {
        format: TraceFormat::W3c,
        id,
        span,
        sampled: hex_digit(flags[1]).map(|digit| digit & 1 == 1),
    })
}

fn b3(value: &[u8]) -> Option<Trace<'_>> {
    let mut parts = value.trim_ascii().split(|byte| *byte == b'-');
    let (id, span) = (parts.next()?, parts.next()?);
    (is_hex(id, 16..=32) && is_hex(span, 16..=16)).then(|| Trace {
        format: TraceFormat::B3,
        id,
        span,
        sampled: parts.next().and_then(flag),
    })
}

fn b3_id(value: &[u8]) -> Option<Trace<'_>> {
    is_hex(value, 16..=32).then_some(Trace {
        format: TraceFormat::B3,
        id: value,
        span: b"",
        sampled: None,
    })
}

fn jaeger(value: &[u8]) -> Option<Trace<'_>> {
    // Some senders escape the colons as in a URL.
    let escaped = memchr::memmem::find(value, b"%3A").is_some();
    let separator: &[u8] = if escaped { b"%3A" } else { b":" };
    let mut rest = value.trim_ascii();
    let mut next = || {
        let end = memchr::memmem::find(rest, separator).unwrap_or(rest.len());
        let part = &rest[..end];
        rest = rest.get(end + separator.len()..).unwrap_or_default();
        part
    };
    let (id, span, _parent, flags) = (next(), next(), next(), next());
    (is_hex(id, 1..=32) && is_hex(span, 1..=16) && is_hex(flags, 1..=2)).then(|| Trace {
        format: TraceFormat::Jaeger,
        id,
        span,
        sampled: flags
            .last()
            .and_then(|byte| hex_digit(*byte))
            .map(|digit| digit & 1 == 1),
    })
}

fn skywalking(value: &[u8]) -> Option<Trace<'_>> {
    let mut parts = value.trim_ascii().split(|byte| *byte == b'-');
    let (sample, id, segment, span) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let base64 = |text: &[u8]| {
        text.len() >= 4
            && text
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
    };
    let valid = matches!(sample, b"0" | b"1")
        && base64(id)
        && base64(segment)
        && !span.is_empty()
        && span.iter().all(u8::is_ascii_digit)
        && parts.next().is_some();
    valid.then_some(Trace {
        format: TraceFormat::SkyWalking,
        id,
        span: segment,
        sampled: Some(sample == b"1"),
    })
}

fn eagle_eye(value: &[u8]) -> Option<Trace<'_>> {
    let id = value.trim_ascii();
    is_hex(id, 16..=64).then_some(Trace {
        format: TraceFormat::EagleEye,
        id,
        span: b"",
        sampled: None,
    })
}

fn flag(value: &[u8]) -> Option<bool> {
    match value.trim_ascii() {
        b"1" | b"d" | b"true" => Some(true),
        b"0" | b"false" => Some(false),
        _ => None,
    }
}

fn is_hex(text: &[u8], len: std::ops::RangeInclusive<usize>) -> bool {
    len.contains(&text.len()) && text.iter().all(u8::is_ascii_hexdigit)
}

fn hex_digit(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn read(headers: &[(&str, &str)]) -> Option<(TraceFormat, String, String, Option<bool>)> {
        let mut reader = TraceReader::default();
        for (name, value) in headers {
            reader.header(name.as_bytes(), value.as_bytes());
        }
        reader.finish().map(shown)
    }

    fn shown(trace: Trace<'_>) -> (TraceFormat, String, String, Option<bool>) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (trace.format, text(trace.id), text(trace.span), trace.sampled)
    }

    #[test]
    fn every_convention_is_read() {
        let w3c = format!("00-{ID}-00f067aa0ba902b7-01");
        let b3 = format!("{ID}-00f067aa0ba902b7-0-05e3ac9a4f6e3b90");
        let jaeger = format!("{ID}:00f067aa0ba902b7:0:1");
        let escaped = format!("{ID}%3A00f067aa0ba902b7%3A0%3A1");
        let span = "00f067aa0ba902b7";
        type Row<'a> = (
            &'a [(&'a str, &'a str)],
            TraceFormat,
            &'a str,
            &'a str,
            Option<bool>,
        );
        let table: &[Row<'_>] = &[
            (&[("Traceparent", &w3c)], TraceFormat::W3c, ID, span, Some(true)),
            (&[("b3", &b3)], TraceFormat::B3, ID, span, Some(false)),
            (
                &[("X-B3-Sampled", "1"), ("X-B3-SpanId", span), ("X-B3-TraceId", ID)],
                TraceFormat::B3,
                ID,
                span,
                Some(true),
            ),
            (
                &[("uber-trace-id", &jaeger)],
                TraceFormat::Jaeger,
                ID,
                span,
                Some(true),
            ),
            (
                &[("uber-trace-id", &escaped)],
                TraceFormat::Jaeger,
                ID,
                span,
                Some(true),
            ),
            (
                &[("sw8", "1-MWYyZDRiZjQ=-NzI5YTQ=-3-UEFZTUVOVA==-aW5z-L3A=-MTI3")],
                TraceFormat::SkyWalking,
                "MWYyZDRiZjQ=",
                "NzI5YTQ=",
                Some(true),
            ),
            (
                &[
                    ("EagleEye-RpcId", "0.1.2"),
                    ("EagleEye-TraceID", "0a0a0a0a15000000000001001d0001"),
                ],
                TraceFormat::EagleEye,
                "0a0a0a0a15000000000001001d0001",
                "0.1.2",
                None,
            ),
            // The standard outranks what else a gateway adds.
            (
                &[("b3", &b3), ("traceparent", &w3c)],
                TraceFormat::W3c,
                ID,
                span,
                Some(true),
            ),
        ];
        for (headers, format, id, span, sampled) in table {
            let expected = (*format, (*id).to_owned(), (*span).to_owned(), *sampled);
            assert_eq!(read(headers), Some(expected), "{headers:?}");
        }
    }

    #[test]
    fn what_is_not_an_id_is_none() {
        let zero = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
        for header in [
            ("traceparent", zero.as_str()),
            ("traceparent", "00-4bf9"),
            ("b3", "0"),
            ("sw8", "hello"),
            ("uber-trace-id", "a:b"),
            ("x-trace", ID),
        ] {
            assert_eq!(read(&[header]), None, "{header:?}");
        }
    }

    #[test]
    fn a_trace_is_found_in_any_bytes() {
        let value = format!("00-{ID}-00f067aa0ba902b7-01");
        let record = [b"\x02\x16traceparent\x6e".as_slice(), value.as_bytes(), b"\0\0"].concat();
        assert_eq!(scan(&record).map(|trace| trace.id), Some(ID.as_bytes()));
        let sql = format!("SELECT 1 /*traceparent='{value}'*/");
        assert_eq!(scan(sql.as_bytes()).map(|trace| trace.id), Some(ID.as_bytes()));
        assert_eq!(scan(b"traceparent traceparent"), None);
    }
}
