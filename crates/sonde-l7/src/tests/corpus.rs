//! Streams captured from real servers: precision and recall of the verdict, and their calls.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::*;
use crate::corpus::Stream;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it == "stream") {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

/// What the kernel would have handed over: turns, each cut to its first bytes.
fn turns(stream: &Stream, len_max: usize) -> Vec<(Side, Vec<u8>, u64)> {
    let mut turns: Vec<(Side, Vec<u8>, u64)> = Vec::new();
    for segment in &stream.segments {
        match turns.last_mut() {
            Some((side, bytes, len))
                if *side == segment.side && stream.transport == Transport::Tcp && !segment.lost_before =>
            {
                if bytes.len() as u64 == *len {
                    bytes.extend_from_slice(&segment.bytes);
                }
                *len += segment.len;
            }
            _ => turns.push((segment.side, segment.bytes.clone(), segment.len)),
        }
    }
    for (_, bytes, _) in &mut turns {
        bytes.truncate(len_max);
    }
    turns
}

/// How the streams of one protocol were judged.
#[derive(Default)]
struct Judged {
    right: usize,
    /// Without a verdict that they should have.
    missed: Vec<String>,
    /// Of this protocol, and taken for another; or nobody's, and claimed.
    wrong: Vec<String>,
}

impl Judged {
    fn all(&self) -> usize {
        self.right + self.missed.len() + self.wrong.len()
    }
}

fn per_cent(part: usize, of: usize) -> f64 {
    100.0 * part as f64 / of.max(1) as f64
}

#[test]
fn the_corpus_is_judged_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut table: BTreeMap<&str, Judged> = BTreeMap::new();
    for path in files(&folder) {
        let text = std::fs::read_to_string(&path).unwrap();
        let stream = Stream::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let shown = path.strip_prefix(&folder).unwrap().display().to_string();
        let expected = stream.protocol.map(|protocol| Verdict {
            protocol,
            server: stream.server,
        });
        let judged = table
            .entry(stream.protocol.map_or("none", Protocol::name))
            .or_default();
        match verdict(&stream) {
            found if found == expected => judged.right += 1,
            None => judged.missed.push(shown.clone()),
            Some(found) => judged.wrong.push(format!("{shown}: {found:?}")),
        }
        if let (Some(verdict), Some(expected)) = (expected, stream.calls) {
            assert_eq!(calls(&stream, verdict), expected, "calls of {shown}");
        }
    }
    println!("protocol    streams  right  missed  wrong");
    for (name, judged) in &table {
        let (missed, wrong) = (judged.missed.len(), judged.wrong.len());
        println!(
            "{name:<11} {:7}  {:5}  {missed:6}  {wrong:5}  {}",
            judged.all(),
            judged.right,
            judged.missed.join(" ")
        );
    }
    let ours = || {
        table
            .iter()
            .filter(|(name, _)| **name != "none")
            .map(|(_, it)| it)
    };
    let named: usize = ours().map(|it| it.right).sum();
    let spoken: usize = ours().map(Judged::all).sum();
    let wrong: Vec<&String> = table.values().flat_map(|it| &it.wrong).collect();
    println!(
        "precision {:.2} % of {} verdicts, recall {:.2} % of {spoken} streams; {} streams are nobody's",
        per_cent(named, named + wrong.len()),
        named + wrong.len(),
        per_cent(named, spoken),
        table.get("none").map_or(0, Judged::all),
    );
    assert!(wrong.len() * 1000 <= named, "wrong verdicts: {wrong:?}");
    assert!(
        (spoken - named) * 100 <= spoken,
        "verdicts for {named} of {spoken} streams"
    );
}

/// As the kernel hands it over.
fn verdict(stream: &Stream) -> Option<Verdict> {
    let turns = turns(stream, 256);
    let turns: Vec<Turn<'_>> = turns
        .iter()
        .map(|(side, bytes, len)| Turn {
            side: *side,
            bytes,
            len: *len,
        })
        .collect();
    judge(stream.transport, &turns, stream.opener)
}

fn calls(stream: &Stream, verdict: Verdict) -> u64 {
    let mut connection = Connection::new(stream.transport, verdict, stream.start).unwrap();
    let mut count = 0;
    for segment in &stream.segments {
        connection.feed(segment.segment(), &mut |_| count += 1);
    }
    connection.close(u64::MAX, &mut |_| count += 1);
    count
}

#[test]
fn a_stream_is_read_as_written() {
    for sample in all() {
        let stream = Stream {
            remarks: vec!["a server, a client".into()],
            protocol: Some(sample.protocol),
            transport: sample.transport,
            server: B,
            opener: Some(A),
            start: Start::Fresh,
            calls: Some(sample.calls.len() as u64),
            segments: sample
                .turns
                .iter()
                .map(|(side, bytes)| crate::corpus::OwnedSegment {
                    side: *side,
                    time_ns: 5,
                    bytes: bytes.clone(),
                    len: bytes.len() as u64 + 1,
                    lost_before: *side == B,
                })
                .collect(),
        };
        assert_eq!(Stream::parse(&stream.to_text()), Ok(stream));
    }
}

#[test]
fn a_wrong_line_is_named() {
    for (text, error) in [
        ("protocol x", "line 1: no protocol is named x"),
        ("a 0 1 - hello", "line 1: more bytes than the true length"),
        ("# x\na 0 y - h", "line 2: y is no number"),
        (
            "a 0 5 - \\q",
            "line 1: a backslash stands before r, n, t, x or a backslash",
        ),
    ] {
        assert_eq!(Stream::parse(text), Err(error.to_owned()));
    }
}
