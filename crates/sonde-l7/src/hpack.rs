//! HPACK (RFC 7541), for listeners.
//!
//! The decoders at hand are for a peer: one header that they cannot resolve ends the connection. A listener may have
//! missed the block that defined a header, so here such a header is one without a name or a value, and the rest is read.

mod huffman;
mod static_table;

use std::collections::VecDeque;

use crate::limits::{HEADERS_MAX, HPACK_TABLE_MAX, SAMPLE_MAX};
use static_table::STATIC;

/// The headers that one side has sent and may refer to.
#[derive(Debug)]
pub(crate) struct Table {
    entries: VecDeque<Entry>,
    size: usize,
    size_max: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            size: 0,
            // Until a change is announced (RFC 9113 §6.5.2).
            size_max: 4096,
        }
    }
}

/// A name, empty if it is unknown, and a value.
type Entry = (Box<[u8]>, Box<[u8]>);

/// A text of a header; `None` if it was defined in a block that was not seen.
type Text<'a> = Option<&'a [u8]>;

/// What reading a block gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    /// All of it.
    Whole,
    /// It ends inside a header.
    Cut,
    /// It is no block.
    Wrong,
}

impl Table {
    /// Forgets all: blocks were missed. What is defined from now on is counted from the newest, so it stays right.
    pub(crate) fn forget(&mut self) {
        self.entries.clear();
        self.size = 0;
    }

    /// Reads a block and shows every header to `each`, with `scratch` as the place for texts that are coded.
    pub(crate) fn read(
        &mut self,
        block: &[u8],
        scratch: &mut Vec<u8>,
        each: &mut dyn FnMut(Text<'_>, Text<'_>),
    ) -> Block {
        let mut rest = block;
        for _ in 0..HEADERS_MAX {
            let Some(first) = rest.first().copied() else {
                return Block::Whole;
            };
            scratch.clear();
            let step = match first {
                0x80.. => self.indexed(&mut rest, each),
                0x40.. => self.literal(&mut rest, 6, scratch, each),
                0x20.. => self.resize(&mut rest),
                _ => self.literal(&mut rest, 4, scratch, each),
            };
            if step != Block::Whole {
                return step;
            }
        }
        Block::Whole
    }

    fn indexed(&mut self, rest: &mut &[u8], each: &mut dyn FnMut(Text<'_>, Text<'_>)) -> Block {
        match integer(rest, 7) {
            Ok(0) => Block::Wrong,
            Ok(index) => {
                let (name, value) = self.entry(index);
                each(name, value);
                Block::Whole
            }
            Err(error) => error,
        }
    }

    /// A literal; with a prefix of six bits it is also added to the table.
    fn literal(
        &mut self,
        rest: &mut &[u8],
        prefix: u32,
        scratch: &mut Vec<u8>,
        each: &mut dyn FnMut(Text<'_>, Text<'_>),
    ) -> Block {
        let index = match integer(rest, prefix) {
            Ok(index) => index,
            Err(error) => return error,
        };
        let mut name_end = 0;
        if index == 0 {
            if let Err(error) = string(rest, scratch) {
                return error;
            }
            name_end = scratch.len();
        }
        if let Err(error) = string(rest, scratch) {
            return error;
        }
        let (name, value) = scratch.split_at(name_end);
        let name = if index == 0 {
            Some(name)
        } else {
            self.entry(index).0
        };
        each(name, Some(value));
        if prefix == 6 {
            let name = Box::from(name.unwrap_or_default());
            self.insert(name, Box::from(value));
        }
        Block::Whole
    }

    fn resize(&mut self, rest: &mut &[u8]) -> Block {
        match integer(rest, 5) {
            Ok(size) => {
                self.size_max = size.min(HPACK_TABLE_MAX);
                self.evict(0);
                Block::Whole
            }
            Err(error) => error,
        }
    }

    fn entry(&self, index: usize) -> (Text<'_>, Text<'_>) {
        if let Some((name, value)) = STATIC.get(index - 1) {
            return (Some(name.as_bytes()), Some(value.as_bytes()));
        }
        match self.entries.get(index - 1 - STATIC.len()) {
            // A name that was unknown when it was entered is unknown still.
            Some((name, value)) => (Some(name.as_ref()).filter(|name| !name.is_empty()), Some(value)),
            None => (None, None),
        }
    }

    fn insert(&mut self, name: Box<[u8]>, value: Box<[u8]>) {
        let size = entry_size(&name, &value);
        self.evict(size);
        // An entry that is greater than the table empties it and is not kept (§4.4).
        if size <= self.size_max {
            self.size += size;
            self.entries.push_front((name, value));
        }
    }

    fn evict(&mut self, incoming: usize) {
        while self.size + incoming > self.size_max {
            let Some((name, value)) = self.entries.pop_back() else {
                return;
            };
            self.size -= entry_size(&name, &value);
        }
    }
}

/// §4.1: 32 bytes for what an implementation needs around it.
fn entry_size(name: &[u8], value: &[u8]) -> usize {
    name.len() + value.len() + 32
}

/// §5.1.
fn integer(rest: &mut &[u8], prefix: u32) -> Result<usize, Block> {
    let (first, mut tail) = rest.split_first().ok_or(Block::Cut)?;
    let mask = (1_usize << prefix) - 1;
    let mut value = usize::from(*first) & mask;
    if value == mask {
        for shift in [0, 7, 14, 21] {
            let (byte, after) = tail.split_first().ok_or(Block::Cut)?;
            tail = after;
            value += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                *rest = tail;
                return Ok(value);
            }
        }
        return Err(Block::Wrong);
    }
    *rest = tail;
    Ok(value)
}

/// §5.2; appends at most `SAMPLE_MAX` bytes.
fn string(rest: &mut &[u8], out: &mut Vec<u8>) -> Result<(), Block> {
    let coded = rest.first().ok_or(Block::Cut)? & 0x80 != 0;
    let mut tail = *rest;
    let len = integer(&mut tail, 7)?;
    let (text, tail) = tail.split_at_checked(len).ok_or(Block::Cut)?;
    *rest = tail;
    if !coded {
        out.extend_from_slice(&text[..text.len().min(SAMPLE_MAX)]);
        return Ok(());
    }
    if huffman::decode(text, SAMPLE_MAX, out) {
        Ok(())
    } else {
        Err(Block::Wrong)
    }
}

/// Where the literal values of secret headers stand in a block, for redaction.
pub(crate) fn secret_values(block: &[u8], is_secret: fn(&[u8]) -> bool, each: &mut dyn FnMut(&[u8])) {
    let mut rest = block;
    let mut scratch = Vec::new();
    for _ in 0..HEADERS_MAX {
        let Some(first) = rest.first().copied() else {
            return;
        };
        let prefix = match first {
            0x80.. => 7,
            0x40.. => 6,
            0x20.. => 5,
            _ => 4,
        };
        let Ok(index) = integer(&mut rest, prefix) else {
            return;
        };
        if prefix == 7 || prefix == 5 {
            continue;
        }
        scratch.clear();
        if index == 0 && string(&mut rest, &mut scratch).is_err() {
            return;
        }
        let name = match STATIC.get(index.wrapping_sub(1)) {
            Some((name, _)) => Some(name.as_bytes()),
            None if index == 0 => Some(scratch.as_slice()),
            // A name from a block that is not at hand may be any.
            None => None,
        };
        let never_indexed = first & 0xf0 == 0x10;
        let secret = never_indexed || name.is_none_or(is_secret);
        let Ok(len) = integer(&mut rest, 7) else {
            return;
        };
        let (value, tail) = rest.split_at(len.min(rest.len()));
        if secret {
            each(value);
        }
        rest = tail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(table: &mut Table, hex: &str) -> (Block, Vec<String>) {
        let block: Vec<u8> = (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap())
            .collect();
        let mut out = Vec::new();
        let text = |text: Text<'_>| text.map_or("?".into(), |it| String::from_utf8_lossy(it).into_owned());
        let end = table.read(&block, &mut Vec::new(), &mut |name, value| {
            out.push(format!("{}: {}", text(name), text(value)));
        });
        (end, out)
    }

    /// RFC 7541 C.4: requests with Huffman coding.
    const REQUESTS: [(&str, &[&str]); 3] = [
        (
            "828684418cf1e3c2e5f23a6ba0ab90f4ff",
            &[
                ":method: GET",
                ":scheme: http",
                ":path: /",
                ":authority: www.example.com",
            ],
        ),
        (
            "828684be5886a8eb10649cbf",
            &[
                ":method: GET",
                ":scheme: http",
                ":path: /",
                ":authority: www.example.com",
                "cache-control: no-cache",
            ],
        ),
        (
            "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
            &[
                ":method: GET",
                ":scheme: https",
                ":path: /index.html",
                ":authority: www.example.com",
                "custom-key: custom-value",
            ],
        ),
    ];

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let mut table = Table::default();
        for (block, expected) in REQUESTS {
            let (end, headers) = read(&mut table, block);
            assert_eq!(
                (end, headers.iter().map(String::as_str).collect()),
                (Block::Whole, expected.to_vec())
            );
        }
        assert_eq!(table.size, 164);
    }

    #[test]
    fn a_missed_block_costs_only_its_headers() {
        let mut table = Table::default();
        let (end, headers) = read(&mut table, REQUESTS[1].0);
        assert_eq!(end, Block::Whole);
        assert_eq!(headers[3], "?: ?");
        assert_eq!(headers[4], "cache-control: no-cache");
        // The third block refers to the authority one entry further back, which is unknown still.
        let (_, headers) = read(&mut table, REQUESTS[2].0);
        assert_eq!(headers[3], "?: ?");
        assert_eq!(headers[4], "custom-key: custom-value");
    }

    #[test]
    fn a_cut_block_gives_what_is_there() {
        let (end, headers) = read(&mut Table::default(), &REQUESTS[0].0[..20]);
        assert_eq!((end, headers.len()), (Block::Cut, 3));
        assert_eq!(read(&mut Table::default(), "80").0, Block::Wrong);
    }
}
