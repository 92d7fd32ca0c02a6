//! What was prepared on a connection: names or numbers to statements, bounded.

use std::collections::VecDeque;

use crate::limits::{SAMPLE_MAX, STATEMENTS_MAX};

type Entry = (Box<[u8]>, Box<[u8]>);

/// Texts by key, the oldest forgotten first.
#[derive(Debug, Default)]
pub(super) struct Statements {
    kept: VecDeque<Entry>,
}

impl Statements {
    pub(super) fn get(&self, key: &[u8]) -> &[u8] {
        self.kept
            .iter()
            .find(|(other, _)| **other == *key)
            .map_or(b"", |(_, text)| text)
    }

    pub(super) fn put(&mut self, key: &[u8], text: &[u8]) {
        if key.len() > SAMPLE_MAX {
            return;
        }
        let text = &text[..text.len().min(SAMPLE_MAX)];
        self.remove(key);
        if self.kept.len() >= STATEMENTS_MAX {
            self.kept.pop_back();
        }
        self.kept.push_front((Box::from(key), Box::from(text)));
    }

    pub(super) fn remove(&mut self, key: &[u8]) {
        self.kept.retain(|(other, _)| **other != *key);
    }
}
