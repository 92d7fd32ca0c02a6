//! Just enough of BSON (<https://bsonspec.org/spec.html>): the elements of a document, one level deep.

use crate::bytes::Cursor;

/// An element's value, as far as it is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Text(&'a [u8]),
    Number(f64),
    Bool(bool),
    Other(&'a [u8]),
}

/// Walks a document's elements, as far as they were captured. Documents and arrays inside are stepped over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elements<'a> {
    cursor: Cursor<'a>,
    /// What ended the walk was no element.
    wrong: bool,
}

impl<'a> Elements<'a> {
    /// `None` if this is not the start of a document.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let len = usize::try_from(cursor.i32_le()?).ok()?;
        // Documents have at most 16 MiB, and a message a little more.
        if !(5..=48 << 20).contains(&len) {
            return None;
        }
        Some(Self {
            cursor: Cursor::new(&bytes[4..bytes.len().min(len)]),
            wrong: false,
        })
    }

    pub(super) fn is_wrong(&self) -> bool {
        self.wrong
    }

    fn value(&mut self, kind: u8) -> Option<Value<'a>> {
        let cursor = &mut self.cursor;
        Some(match kind {
            0x01 => Value::Number(f64::from_bits(cursor.u64_le()?)),
            0x02 | 0x0d | 0x0e => {
                let len = usize::try_from(cursor.i32_le()?).ok()?;
                Value::Text(cursor.take(len)?.strip_suffix(b"\0").unwrap_or_default())
            }
            0x03 | 0x04 => {
                let start = cursor.rest();
                let len = usize::try_from(cursor.i32_le()?).ok()?;
                cursor.take(len.checked_sub(4)?)?;
                Value::Other(start.get(..len)?)
            }
            0x05 => {
                let len = usize::try_from(cursor.i32_le()?).ok()?;
                cursor.u8()?;
                Value::Other(cursor.take(len)?)
            }
            0x06 | 0x0a | 0xff | 0x7f => Value::Other(b""),
            0x07 => Value::Other(cursor.take(12)?),
            0x08 => Value::Bool(cursor.u8()? != 0),
            0x09 | 0x11 => Value::Other(cursor.take(8)?),
            0x0b => {
                cursor.cstr()?;
                cursor.cstr()?;
                Value::Other(b"")
            }
            0x10 => Value::Number(f64::from(cursor.i32_le()?)),
            // Codes and flags are small, so nothing is lost.
            0x12 => Value::Number(cursor.u64_le()? as i64 as f64),
            0x13 => Value::Other(cursor.take(16)?),
            _ => {
                self.wrong = true;
                return None;
            }
        })
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let kind = self.cursor.u8().filter(|kind| *kind != 0)?;
        let name = self.cursor.cstr()?;
        let value = self.value(kind)?;
        Some((name, value))
    }
}
