//! YAML to JSON bytes, part by part.
//!
//! A file is cut into parts by its text (documents, and the items of a list in block style), so that parts can be read
//! on all cores and one damaged object does not lose the others. Each part becomes the JSON that the API server would
//! have sent: YAML's own types are resolved as Kubernetes' reader resolves them.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, options};

use crate::limits::{YAML_DEPTH_MAX, YAML_GROWTH_MAX};

/// One part of a YAML file, to be read by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Where it is.
    pub(crate) text: Range<usize>,
    /// The line it starts on, from 1.
    pub(crate) line: usize,
    /// What it is.
    pub(crate) role: Role,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// A document without a list that could be cut.
    Document,
    /// One item of the list with this number, counted in the file.
    Item(usize),
    /// What stands around the items of the list with this number, as text.
    Header(usize, String),
}

/// A part is no YAML, or too large once read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum YamlError {
    /// The text is no YAML.
    #[error("line {line}: {text}")]
    Syntax { line: usize, text: String },
    /// Anchors and aliases make it too large.
    #[error("aliases make the document larger than {YAML_GROWTH_MAX} times its text")]
    Bomb,
    /// A mapping's key is a collection.
    #[error("line {0}: a key that is no scalar")]
    Key(usize),
}

/// Cuts a file into parts.
pub(crate) fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lists = 0;
    let mut document = Document::new(0, 1);
    let mut at = 0;
    let mut line = 1;
    while at < text.len() {
        let end = memchr::memchr(b'\n', &text.as_bytes()[at..]).map_or(text.len(), |len| at + len + 1);
        let content = text[at..end].trim_end();
        if is_boundary(content) {
            document.close(text, at, &mut lists, &mut parts);
            // `--- text` starts with content on the line; three dashes alone do not.
            let from = if content.len() > 3 { at } else { end };
            document = Document::new(from, if content.len() > 3 { line } else { line + 1 });
        } else {
            document.line(content, at, line);
        }
        at = end;
        line += 1;
    }
    document.close(text, text.len(), &mut lists, &mut parts);
    parts
}

fn is_boundary(line: &str) -> bool {
    line == "---" || line == "..." || line.starts_with("--- ")
}

/// Finds the items of the document's list, if it has one in block style.
struct Document {
    start: usize,
    line: usize,
    state: Items,
    items: Vec<(usize, usize)>,
}

enum Items {
    /// No `items:` yet.
    Before,
    /// After `items:`, before the first dash.
    Expected,
    /// In the items, whose dashes have this indentation.
    In(usize),
    /// After the items, which ended here.
    After(usize),
}

impl Document {
    fn new(start: usize, line: usize) -> Self {
        Self {
            start,
            line,
            state: Items::Before,
            items: Vec::new(),
        }
    }

    fn line(&mut self, content: &str, at: usize, line: usize) {
        let indent = content.len() - content.trim_start_matches(' ').len();
        let rest = &content[indent..];
        let dash = rest == "-" || rest.starts_with("- ");
        match self.state {
            Items::Before if content == "items:" => self.state = Items::Expected,
            Items::Expected if dash => {
                self.state = Items::In(indent);
                self.items.push((at, line));
            }
            Items::Expected if !rest.is_empty() && !rest.starts_with('#') => self.state = Items::Before,
            Items::In(dashes) if dash && indent == dashes => self.items.push((at, line)),
            Items::In(_) if indent == 0 && !rest.is_empty() && !rest.starts_with('#') => {
                self.state = Items::After(at);
            }
            _ => {}
        }
    }

    fn close(&self, text: &str, end: usize, lists: &mut usize, parts: &mut Vec<Part>) {
        if text[self.start..end].trim().is_empty() {
            return;
        }
        let Some((first, _)) = self.items.first() else {
            parts.push(Part {
                text: self.start..end,
                line: self.line,
                role: Role::Document,
            });
            return;
        };
        let items_end = if let Items::After(at) = self.state {
            at
        } else {
            end
        };
        let mut header = text[self.start..*first].trim_end().to_owned();
        header.push_str(" []\n");
        header.push_str(&text[items_end..end]);
        parts.push(Part {
            text: self.start..self.start,
            line: self.line,
            role: Role::Header(*lists, header),
        });
        for (index, (start, line)) in self.items.iter().enumerate() {
            let stop = self.items.get(index + 1).map_or(items_end, |(next, _)| *next);
            parts.push(Part {
                text: *start..stop,
                line: *line,
                role: Role::Item(*lists),
            });
        }
        *lists += 1;
    }
}

/// Reads every document of a text to JSON. `line` is where the text starts in its file.
pub(crate) fn to_json(text: &str, line: usize) -> Result<Vec<Vec<u8>>, YamlError> {
    let options = options! {
        block_nesting_limit: YAML_DEPTH_MAX,
        flow_nesting_limit: YAML_DEPTH_MAX,
        simple_key_max_lookahead: 64 << 10,
        emit_comments: false,
    };
    let mut documents = Vec::new();
    let mut writer = Writer::new(text.len());
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| YamlError::Syntax {
            line: line + error.marker().line().saturating_sub(1),
            text: error.info(),
        })?;
        if matches!(event, Event::DocumentEnd) {
            documents.push(std::mem::replace(&mut writer, Writer::new(0)).out);
        } else {
            writer.event(event).map_err(|error| match error {
                YamlError::Key(_) => YamlError::Key(line + span.start.line().saturating_sub(1)),
                other => other,
            })?;
        }
    }
    Ok(documents)
}

enum Frame {
    Sequence { empty: bool },
    Mapping { empty: bool, key_next: bool },
}

struct Writer {
    out: Vec<u8>,
    stack: Vec<(Frame, usize, usize)>,
    /// Where the JSON of an anchored node is.
    anchors: HashMap<usize, Range<usize>>,
    bytes_max: usize,
}

impl Writer {
    fn new(text_bytes: usize) -> Self {
        Self {
            out: Vec::with_capacity(text_bytes),
            stack: Vec::new(),
            anchors: HashMap::new(),
            bytes_max: text_bytes.saturating_mul(YAML_GROWTH_MAX) + (1 << 20),
        }
    }

    fn event(&mut self, event: Event<'_>) -> Result<(), YamlError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_key = self.before_node(true)?;
                let start = self.out.len();
                let string = is_key || style != ScalarStyle::Plain || tag.is_some();
                if string || !plain(&text, &mut self.out) {
                    write_string(&text, &mut self.out);
                }
                self.after_node(is_key, anchor, start);
            }
            Event::SequenceStart(_, anchor, _) => {
                self.before_node(false)?;
                self.stack
                    .push((Frame::Sequence { empty: true }, anchor, self.out.len()));
                self.out.push(b'[');
            }
            Event::MappingStart(_, anchor, _) => {
                self.before_node(false)?;
                let frame = Frame::Mapping {
                    empty: true,
                    key_next: true,
                };
                self.stack.push((frame, anchor, self.out.len()));
                self.out.push(b'{');
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let close = if matches!(event, Event::MappingEnd) {
                    b'}'
                } else {
                    b']'
                };
                self.out.push(close);
                if let Some((_, anchor, start)) = self.stack.pop() {
                    self.after_node(false, anchor, start);
                }
            }
            Event::Alias(anchor) => {
                self.before_node(false)?;
                let start = self.out.len();
                match self.anchors.get(&anchor).cloned() {
                    Some(range) if start + range.len() <= self.bytes_max => {
                        self.out.extend_from_within(range);
                    }
                    Some(_) => return Err(YamlError::Bomb),
                    None => self.out.extend_from_slice(b"null"),
                }
                self.after_node(false, 0, start);
            }
            _ => {}
        }
        Ok(())
    }

    /// Writes what stands before a node; says whether the node is a mapping's key.
    fn before_node(&mut self, scalar: bool) -> Result<bool, YamlError> {
        match self.stack.last_mut() {
            Some((Frame::Sequence { empty }, ..)) => {
                if !std::mem::take(empty) {
                    self.out.push(b',');
                }
                Ok(false)
            }
            Some((Frame::Mapping { empty, key_next }, ..)) if *key_next => {
                if !scalar {
                    return Err(YamlError::Key(0));
                }
                *key_next = false;
                if !std::mem::take(empty) {
                    self.out.push(b',');
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    fn after_node(&mut self, is_key: bool, anchor: usize, start: usize) {
        if anchor != 0 && !is_key {
            self.anchors.insert(anchor, start..self.out.len());
        }
        if is_key {
            self.out.push(b':');
        } else if let Some((Frame::Mapping { key_next, .. }, ..)) = self.stack.last_mut() {
            *key_next = true;
        }
    }
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    // Writing a string to memory cannot fail.
    let _written = serde_json::to_writer(out, text);
}

/// Writes a plain scalar that is no string; false when it is one.
fn plain(text: &str, out: &mut Vec<u8>) -> bool {
    let literal = match text {
        "" | "~" | "null" | "Null" | "NULL" => "null",
        "true" | "True" | "TRUE" => "true",
        "false" | "False" | "FALSE" => "false",
        _ => return number(text, out),
    };
    out.extend_from_slice(literal.as_bytes());
    true
}

fn number(text: &str, out: &mut Vec<u8>) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let Some(first @ (b'0'..=b'9' | b'.')) = unsigned.bytes().next() else {
        return false;
    };
    let sign = if text.starts_with('-') { "-" } else { "" };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits(unsigned) && (first != b'0' || unsigned.len() == 1) {
        out.extend_from_slice(sign.as_bytes());
        out.extend_from_slice(unsigned.as_bytes());
        return true;
    }
    // `0644` is octal for the reader that Kubernetes uses (YAML 1.1), `0o644` for YAML 1.2.
    let radix = match unsigned.as_bytes() {
        [b'0', b'x', ..] => Some((16, &unsigned[2..])),
        [b'0', b'o', ..] => Some((8, &unsigned[2..])),
        [b'0', b'0'..=b'7', ..] => Some((8, &unsigned[1..])),
        _ => None,
    };
    if let Some((radix, digits)) = radix
        && let Ok(value) = u64::from_str_radix(digits, radix)
    {
        out.extend_from_slice(format!("{sign}{value}").as_bytes());
        return true;
    }
    let float = unsigned
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'-' | b'+'));
    match unsigned.parse::<f64>() {
        Ok(value) if float && value.is_finite() => {
            out.extend_from_slice(format!("{sign}{value:?}").as_bytes());
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
