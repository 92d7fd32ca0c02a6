//! All needles of the table in one pass over a line.
//!
//! A log has many lines and the table many needles; looking for each needle in each line costs ten times as much.

use std::sync::LazyLock;

use super::rows;

/// Needles by their first two bytes.
struct Index {
    /// For each pair of bytes, its bucket; 0 is empty.
    by_pair: Vec<u8>,
    buckets: Vec<Vec<(&'static [u8], u64)>>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index {
        by_pair: vec![0; 1 << 16],
        buckets: vec![Vec::new()],
    };
    for (row, needles) in rows().enumerate() {
        for needle in needles.iter().map(|needle| needle.as_bytes()) {
            let &[one, two, ..] = needle else { continue };
            let slot = &mut index.by_pair[pair(one, two)];
            if *slot == 0 {
                // A table of 255 different beginnings would need a wider slot; a test holds it below.
                *slot = u8::try_from(index.buckets.len()).unwrap_or(0);
                index.buckets.push(Vec::new());
            }
            index.buckets[usize::from(*slot)].push((needle, 1 << row));
        }
    }
    index
});

fn pair(one: u8, two: u8) -> usize {
    usize::from(one) << 8 | usize::from(two)
}

/// The rows of which a needle is in the line, as bits.
pub(super) fn rows_of(lower: &[u8]) -> u64 {
    let index = &*INDEX;
    let mut rows = 0;
    for (at, window) in lower.windows(2).enumerate() {
        let bucket = index.by_pair[pair(window[0], window[1])];
        if bucket == 0 {
            continue;
        }
        for (needle, row) in &index.buckets[usize::from(bucket)] {
            if rows & row == 0 && lower[at..].starts_with(needle) {
                rows |= row;
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_holds_every_needle() {
        assert!(rows().count() <= 64);
        assert!(INDEX.buckets.len() <= 255 && INDEX.buckets[0].is_empty());
        for (row, needles) in rows().enumerate() {
            for needle in needles {
                assert!(
                    needle.len() >= 2 && needle.to_ascii_lowercase() == **needle,
                    "{needle}"
                );
                assert!(
                    rows_of(format!("x {needle}").as_bytes()) & 1 << row != 0,
                    "{needle}"
                );
            }
        }
        assert_eq!(rows_of(b"x"), 0);
    }
}
