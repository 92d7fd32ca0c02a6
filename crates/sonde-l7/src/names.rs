//! Keys to numbers, bounded: however many routes or statements there are, a table has so many and no more.

use std::collections::HashMap;

/// The number of a key in [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(u32);

impl NameId {
    /// All keys that came when the table was full.
    pub const OTHER: Self = Self(0);

    /// As a small number, for maps in the kernel.
    pub fn number(self) -> u32 {
        self.0
    }
}

/// A dictionary of at most so many keys. A key that is known costs no allocation.
#[derive(Debug)]
pub struct Names {
    max: usize,
    ids: HashMap<Box<str>, NameId>,
    texts: Vec<Box<str>>,
    overflowed: u64,
}

impl Names {
    /// A table of at most `max` keys beside [`NameId::OTHER`].
    pub fn new(max: usize) -> Self {
        Self {
            max: max.min(u32::MAX as usize - 1),
            ids: HashMap::new(),
            texts: vec![Box::from("…")],
            overflowed: 0,
        }
    }

    /// The number of a key, which is given one if there is room.
    pub fn id(&mut self, key: &str) -> NameId {
        if let Some(id) = self.ids.get(key) {
            return *id;
        }
        if self.ids.len() >= self.max {
            self.overflowed += 1;
            return NameId::OTHER;
        }
        // Less than `max`, which fits.
        let id = NameId(self.texts.len() as u32);
        self.texts.push(Box::from(key));
        self.ids.insert(Box::from(key), id);
        id
    }

    /// The key of a number; `…` for the others.
    pub fn text(&self, id: NameId) -> &str {
        self.texts.get(id.0 as usize).map_or("…", |text| text)
    }

    /// Keys in the table.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether no key was given a number yet.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// How often a key found no room.
    pub fn overflowed(&self) -> u64 {
        self.overflowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_table_knows_what_it_knew() {
        let mut names = Names::new(2);
        let (a, b) = (names.id("a"), names.id("b"));
        assert_eq!([names.id("c"), names.id("c")], [NameId::OTHER; 2]);
        assert_eq!((names.id("a"), names.id("b")), (a, b));
        assert_eq!([a, b, NameId::OTHER].map(|id| names.text(id)), ["a", "b", "…"]);
        assert_eq!((names.len(), names.overflowed()), (2, 2));
    }
}
