//! Captured streams as text: what was seen on a real connection, and what has to be told about it.
//!
//! ```text
//! # free words: which server, which client, which versions
//! protocol http1
//! transport tcp
//! server b
//! opener a
//! start fresh
//! calls 1
//! a 0 78 - GET / HTTP/1.1\r\nhost: x\r\n\r\n
//! b 1200 4096 - HTTP/1.1 200 OK\r\n...
//! ```
//!
//! A segment's line is side, time in nanoseconds, true length, `-` or `lost` if bytes before it are missing, and its
//! bytes: printable ASCII as it is, the rest as `\r`, `\n`, `\t`, `\\` or `\xHH`. `protocol none` is a stream that no
//! protocol of ours may claim.

use crate::connection::{Segment, Start};
use crate::protocol::{Protocol, Transport};
use crate::verdict::Side;

/// One captured connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// The lines that start with `#`, without it.
    pub remarks: Vec<String>,
    /// What it speaks; `None` if nothing that is known here.
    pub protocol: Option<Protocol>,
    /// What carried it.
    pub transport: Transport,
    /// Which side answered.
    pub server: Side,
    /// The side that opened it, if the capture saw that.
    pub opener: Option<Side>,
    /// Whether the capture began with the connection.
    pub start: Start,
    /// How many calls it carried, if that is known for sure.
    pub calls: Option<u64>,
    /// What was sent.
    pub segments: Vec<OwnedSegment>,
}

/// A [`Segment`] that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedSegment {
    /// Who sent it.
    pub side: Side,
    /// When.
    pub time_ns: u64,
    /// Its first bytes.
    pub bytes: Vec<u8>,
    /// All its bytes.
    pub len: u64,
    /// Whether bytes before it are missing.
    pub lost_before: bool,
}

impl OwnedSegment {
    /// The segment, borrowed.
    pub fn segment(&self) -> Segment<'_> {
        Segment {
            side: self.side,
            time_ns: self.time_ns,
            bytes: &self.bytes,
            len: self.len,
            lost_before: self.lost_before,
        }
    }
}

impl Stream {
    /// Writes the stream in the form that [`parse`](Self::parse) reads.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for remark in &self.remarks {
            line(&mut out, &["#", remark]);
        }
        line(
            &mut out,
            &["protocol", self.protocol.map_or("none", Protocol::name)],
        );
        line(&mut out, &["transport", transport_name(self.transport)]);
        line(&mut out, &["server", side_name(self.server)]);
        if let Some(opener) = self.opener {
            line(&mut out, &["opener", side_name(opener)]);
        }
        let start = match self.start {
            Start::Fresh => "fresh",
            Start::Midway => "midway",
        };
        line(&mut out, &["start", start]);
        if let Some(calls) = self.calls {
            line(&mut out, &["calls", &calls.to_string()]);
        }
        for segment in &self.segments {
            let lost = if segment.lost_before { "lost" } else { "-" };
            let (time, len) = (segment.time_ns.to_string(), segment.len.to_string());
            let bytes = escape(&segment.bytes);
            line(&mut out, &[side_name(segment.side), &time, &len, lost, &bytes]);
        }
        out
    }

    /// Reads a stream; an error names the line and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut stream = Self {
            remarks: Vec::new(),
            protocol: None,
            transport: Transport::Tcp,
            server: Side::B,
            opener: None,
            start: Start::Fresh,
            calls: None,
            segments: Vec::new(),
        };
        for (at, line) in text.lines().enumerate() {
            stream
                .line(line)
                .map_err(|what| format!("line {}: {what}", at + 1))?;
        }
        Ok(stream)
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() {
            return Ok(());
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "#" => self.remarks.push(rest.to_owned()),
            "protocol" if rest == "none" => self.protocol = None,
            "protocol" => {
                let protocol = Protocol::from_name(rest);
                self.protocol = Some(protocol.ok_or_else(|| format!("no protocol is named {rest}"))?);
            }
            "transport" => {
                self.transport = [Transport::Tcp, Transport::Udp]
                    .into_iter()
                    .find(|it| transport_name(*it) == rest)
                    .ok_or_else(|| format!("{rest} is no transport"))?;
            }
            "server" => self.server = side(rest)?,
            "opener" => self.opener = Some(side(rest)?),
            "start" => {
                self.start = match rest {
                    "fresh" => Start::Fresh,
                    "midway" => Start::Midway,
                    _ => return Err(format!("{rest} is no start")),
                }
            }
            "calls" => self.calls = Some(number(rest)?),
            "a" | "b" => {
                let mut words = rest.splitn(4, ' ');
                let mut next = || words.next().unwrap_or_default();
                let (time, len, lost, bytes) = (next(), next(), next(), next());
                let segment = OwnedSegment {
                    side: side(word)?,
                    time_ns: number(time)?,
                    len: number(len)?,
                    lost_before: match lost {
                        "lost" => true,
                        "-" => false,
                        _ => return Err(format!("{lost} is neither `-` nor `lost`")),
                    },
                    bytes: unescape(bytes)?,
                };
                if segment.bytes.len() as u64 > segment.len {
                    return Err("more bytes than the true length".to_owned());
                }
                self.segments.push(segment);
            }
            _ => return Err(format!("{word} is no word of this format")),
        }
        Ok(())
    }
}

fn line(out: &mut String, words: &[&str]) {
    out.push_str(&words.join(" "));
    out.push('\n');
}

fn transport_name(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    }
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::A => "a",
        Side::B => "b",
    }
}

fn side(word: &str) -> Result<Side, String> {
    match word {
        "a" => Ok(Side::A),
        "b" => Ok(Side::B),
        _ => Err(format!("{word} is no side")),
    }
}

fn number(word: &str) -> Result<u64, String> {
    word.parse().map_err(|_| format!("{word} is no number"))
}

fn escape(bytes: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\r' => out.push_str("\\r"),
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            b'\\' => out.push_str("\\\\"),
            // Editors strip white space at the end of a line.
            b' ' if at + 1 == bytes.len() => out.push_str("\\x20"),
            b' '..=b'~' => out.push(char::from(*byte)),
            _ => {
                out.push_str("\\x");
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    out
}

fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        out.push(match bytes.next() {
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'\\') => b'\\',
            Some(b'x') => {
                let mut digit = || {
                    bytes
                        .next()
                        .and_then(|byte| char::from(byte).to_digit(16))
                        .ok_or("\\x needs two hexadecimal digits")
                };
                // Two digits are less than 256.
                (digit()? << 4 | digit()?) as u8
            }
            _ => return Err("a backslash stands before r, n, t, x or a backslash".to_owned()),
        });
    }
    Ok(out)
}
