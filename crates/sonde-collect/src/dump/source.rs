//! Takes files from wherever they come, within the bounds.

use std::collections::VecDeque;
use std::io::{self, Read};

use bytes::Bytes;
use sonde_model::Problem;

use super::recognize::{self, Looks};
use crate::limits::{
    FILES_MAX, OBJECT_FILE_BYTES_MAX, PASTE_BYTES_MAX, PASTE_HEAD_BYTES, TEXT_BYTES_MAX, TOTAL_BYTES_MAX,
};

/// Bytes that decide what a file is.
const HEAD_BYTES: usize = 64 << 10;

/// A file that was read.
pub(super) struct File {
    /// Its path in the dump, with `/`.
    pub(super) path: String,
    /// Its bytes.
    pub(super) bytes: Bytes,
    /// Its end is missing.
    pub(super) cut: bool,
}

/// The files read so far, and what was wrong.
pub(crate) struct Intake {
    pub(super) files: Vec<File>,
    pub(super) problems: Vec<Problem>,
    bytes_left: u64,
}

/// Whether more files may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Go {
    /// Yes.
    On,
    /// A bound was reached.
    Stop,
}

impl Intake {
    pub(crate) fn new() -> Self {
        Self {
            files: Vec::new(),
            problems: Vec::new(),
            bytes_left: TOTAL_BYTES_MAX,
        }
    }

    pub(super) fn problem(&mut self, place: &str, text: impl Into<String>) {
        self.problems.push(Problem {
            place: place.to_owned(),
            text: text.into(),
        });
    }

    /// The bytes of the only text.
    #[cfg(test)]
    pub(crate) fn pasted(&self) -> &[u8] {
        self.files.first().map_or(&[], |file| &file.bytes)
    }

    /// Takes a text that a person pasted.
    pub(crate) fn paste(&mut self, name: &str, reader: &mut dyn Read) -> io::Result<()> {
        let mut bytes = Vec::new();
        reader.take(PASTE_HEAD_BYTES).read_to_end(&mut bytes)?;
        let head = &bytes[..bytes.len().min(HEAD_BYTES)];
        match recognize::looks(head) {
            Looks::Binary => {
                let packed = recognize::is_archive(head);
                let what = if packed {
                    "is packed, which is read with --from"
                } else {
                    "is no text"
                };
                self.problem(name, what);
                return Ok(());
            }
            Looks::Text => {
                let dropped = fill_around(reader, &mut bytes, PASTE_BYTES_MAX)?;
                if dropped > 0 {
                    self.problem(
                        name,
                        format!("is long: {dropped} bytes in its middle were left out"),
                    );
                }
            }
            Looks::Objects => {
                reader
                    .take(PASTE_BYTES_MAX - PASTE_HEAD_BYTES)
                    .read_to_end(&mut bytes)?;
                if io::copy(&mut reader.take(1), &mut io::sink())? > 0 {
                    self.problem(
                        name,
                        format!("is long: only its first {} bytes are used", bytes.len()),
                    );
                }
            }
        }
        let (bytes, note) = recognize::to_utf8(bytes);
        if let Some(note) = note {
            self.problem(name, note);
        }
        self.files.push(File {
            path: name.to_owned(),
            bytes,
            cut: false,
        });
        Ok(())
    }

    /// Reads one file. An error of the reader keeps what was read before it.
    pub(super) fn take(&mut self, path: &str, reader: &mut dyn Read, size_hint: u64) -> Go {
        if self.files.len() >= FILES_MAX {
            self.problem(
                path,
                format!("and all after it were left out: more than {FILES_MAX} files"),
            );
            return Go::Stop;
        }
        let mut reader = reader.take(self.bytes_left);
        let (file, error) = self.read(path, &mut reader, size_hint);
        self.bytes_left = reader.limit();
        if let Some(file) = file {
            self.files.push(file);
        }
        if self.bytes_left == 0 {
            self.problem(
                path,
                format!("is cut and all after it left out: more than {TOTAL_BYTES_MAX} bytes in all"),
            );
            return Go::Stop;
        }
        if let Some(error) = error {
            self.problem(
                path,
                format!("is damaged ({error}); what was before the damage is used"),
            );
        }
        Go::On
    }

    fn read(
        &mut self,
        path: &str,
        reader: &mut dyn Read,
        size_hint: u64,
    ) -> (Option<File>, Option<io::Error>) {
        // One byte more than the file has, so that its end is seen without growing.
        let capacity = usize::try_from(size_hint.min(OBJECT_FILE_BYTES_MAX)).unwrap_or(0) + 1;
        let mut bytes = Vec::with_capacity(capacity.min(256 << 20));
        let mut error = fill(reader, &mut bytes, HEAD_BYTES as u64);
        let looks = recognize::looks(&bytes);
        let mut cut = false;
        if error.is_none() && bytes.len() == HEAD_BYTES {
            match looks {
                Looks::Binary => {}
                Looks::Text => {
                    let (dropped, failure) = fill_tail(reader, &mut bytes);
                    error = failure;
                    if dropped > 0 {
                        self.problem(path, format!("is long: the first {dropped} bytes were left out"));
                    }
                }
                Looks::Objects => {
                    error = fill(reader, &mut bytes, OBJECT_FILE_BYTES_MAX - HEAD_BYTES as u64);
                    let mut more = [0];
                    if error.is_none() && reader.read(&mut more).is_ok_and(|count| count > 0) {
                        cut = true;
                        self.problem(path, format!("is cut at {OBJECT_FILE_BYTES_MAX} bytes"));
                    }
                }
            }
        }
        if looks == Looks::Binary {
            if recognize::is_archive(&bytes) {
                self.problem(
                    path,
                    "is an archive in the dump, left out: unpack it and read it by itself",
                );
            } else {
                self.problem(path, "is binary, left out");
            }
            return (None, error);
        }
        cut |= error.is_some();
        let bytes = recognize::to_utf8(bytes);
        if let Some(note) = bytes.1 {
            self.problem(path, note);
        }
        let file = File {
            path: path.to_owned(),
            bytes: bytes.0,
            cut,
        };
        (Some(file), error)
    }
}

fn fill(reader: &mut dyn Read, bytes: &mut Vec<u8>, count: u64) -> Option<io::Error> {
    reader.take(count).read_to_end(bytes).err()
}

/// Reads to the end and keeps the last part beside what was read, `bound` bytes in all; returns how much was dropped
/// between. Lines that were cut are dropped whole: half a line says something else.
fn fill_around(reader: &mut dyn Read, bytes: &mut Vec<u8>, bound: u64) -> io::Result<usize> {
    const STEP: usize = 1 << 20;
    let room = usize::try_from(bound)
        .unwrap_or(usize::MAX)
        .saturating_sub(bytes.len());
    let mut tail: VecDeque<Vec<u8>> = VecDeque::new();
    let (mut kept, mut dropped) = (0, 0);
    loop {
        let mut step = Vec::new();
        reader.take(STEP as u64).read_to_end(&mut step)?;
        if step.is_empty() {
            break;
        }
        kept += step.len();
        tail.push_back(step);
        while kept > room
            && let Some(first) = tail.pop_front()
        {
            kept -= first.len();
            dropped += first.len();
        }
    }
    let mut tail: Vec<u8> = tail.into_iter().flatten().collect();
    if dropped > 0 {
        let whole = memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
        dropped += bytes.len() - whole;
        bytes.truncate(whole);
        let from = memchr::memchr(b'\n', &tail).map_or(tail.len(), |at| at + 1);
        dropped += from;
        tail.drain(..from);
    }
    bytes.append(&mut tail);
    Ok(dropped)
}

/// Reads to the end and keeps the last part; returns how much was dropped.
fn fill_tail(reader: &mut dyn Read, bytes: &mut Vec<u8>) -> (usize, Option<io::Error>) {
    const STEP: u64 = 1 << 20;
    let mut dropped = 0;
    let mut drop_to = |bytes: &mut Vec<u8>, bound: usize| {
        if bytes.len() > bound {
            let extra = bytes.len() - TEXT_BYTES_MAX;
            bytes.drain(..extra);
            dropped += extra;
        }
    };
    loop {
        let before = bytes.len();
        let error = fill(reader, bytes, STEP);
        let ended = error.is_some() || bytes.len() == before;
        drop_to(bytes, if ended { TEXT_BYTES_MAX } else { 2 * TEXT_BYTES_MAX });
        if ended {
            return (dropped, error);
        }
    }
}
