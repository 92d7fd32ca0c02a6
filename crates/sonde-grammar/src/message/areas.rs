//! Which readers a text of unknown origin is for.
//!
//! Each reader is opened by words that only its area writes. All of them are looked for in one pass over the text: most
//! texts without a known reason are some controller's small talk, and are dismissed at the cost of reading them once.

use std::sync::LazyLock;

use super::{
    admission, claim, container, hook, image, node, probe, sandbox, scheduling, sync, volume, workload,
};
use crate::fact::Fact;

/// A reader and the words that open it.
pub(super) struct Area {
    read: fn(&str, &mut Vec<Fact>),
    openers: fn() -> Vec<&'static str>,
}

impl Area {
    pub(super) fn read(&self, text: &str, out: &mut Vec<Fact>) {
        (self.read)(text, out);
    }
}

/// The order counts: a sandbox that lacks its image is a sandbox' failure, a mount that is forbidden is a volume's, an
/// autoscaler quotes the scheduler.
pub(super) const AREAS: &[Area] = &[
    Area {
        read: sync::by_text,
        openers: || vec![sync::LEAD],
    },
    Area {
        read: probe::by_text,
        openers: || first(probe::KINDS),
    },
    Area {
        read: hook::by_text,
        openers: || hook::OPENERS.concat(),
    },
    Area {
        read: hook::killing_by_text,
        openers: || hook::KILLING_OPENERS.concat(),
    },
    Area {
        read: hook::restart_by_text,
        openers: || hook::RESTART.to_vec(),
    },
    Area {
        read: workload::scale_up_by_text,
        openers: || first(workload::SCALE_UP),
    },
    Area {
        read: scheduling::by_text,
        openers: || scheduling::ANCHORS.to_vec(),
    },
    Area {
        read: volume::by_text,
        openers: || volume::ANCHORS.to_vec(),
    },
    Area {
        read: sandbox::by_text,
        openers: || sandbox::ANCHORS.to_vec(),
    },
    Area {
        read: node::eviction_by_text,
        openers: || node::EVICTION_OPENERS.concat(),
    },
    Area {
        read: node::reject_by_text,
        openers: || node::REJECT_ANCHORS.to_vec(),
    },
    Area {
        read: admission::by_text,
        openers: || admission::ANCHORS.to_vec(),
    },
    Area {
        read: image::by_text,
        openers: || image::ANCHORS.to_vec(),
    },
    Area {
        read: claim::by_text,
        openers: || claim_openers(),
    },
    Area {
        read: container::by_text,
        openers: || [container::RUNTIME, container::KUBELETS].concat(),
    },
    Area {
        read: workload::by_text,
        openers: || [first(workload::CONTROLLERS).as_slice(), workload::BUDGET].concat(),
    },
    Area {
        read: node::by_text,
        openers: || [first(node::TEXTS).as_slice(), node::KUBELET, node::LEADS].concat(),
    },
];

fn first<T>(table: &[(&'static str, T)]) -> Vec<&'static str> {
    table.iter().map(|(words, _)| *words).collect()
}

fn claim_openers() -> Vec<&'static str> {
    let rows = claim::ROWS
        .iter()
        .flat_map(|(markers, _)| markers.iter().copied());
    rows.chain(claim::ANCHORS.iter().copied())
        .chain([claim::SCHEDULED])
        .collect()
}

/// Openers are found by their first bytes; none is shorter.
const PREFIX: usize = 6;

/// Two bytes of hash: with about 300 openers one position in 200 of ordinary text is looked at closer.
const SLOTS: usize = 1 << 16;

struct Index {
    /// One bit for each hash of a prefix.
    slots: Vec<u64>,
    /// Prefix, opener and the number of its area; sorted by prefix.
    openers: Vec<(u64, &'static str, u32)>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index {
        slots: vec![0; SLOTS / 64],
        openers: Vec::new(),
    };
    for (area, number) in AREAS.iter().zip(0..) {
        for opener in (area.openers)() {
            let prefix = prefix(opener.as_bytes());
            let slot = slot(prefix);
            index.slots[slot / 64] |= 1 << (slot % 64);
            index.openers.push((prefix, opener, number));
        }
    }
    index.openers.sort_unstable();
    index
});

/// The first bytes as a number; later bytes count more.
fn prefix(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .take(PREFIX)
        .fold(0, |window, byte| roll(window, *byte))
}

fn roll(window: u64, byte: u8) -> u64 {
    (window << 8 | u64::from(byte)) & ((1 << (8 * PREFIX)) - 1)
}

/// Multiplicative hashing; the high bits are the well mixed ones.
fn slot(window: u64) -> usize {
    (window.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as usize % SLOTS
}

/// The areas whose words are in the text, as bits.
pub(super) fn open(text: &str) -> u64 {
    let index = &*INDEX;
    let bytes = text.as_bytes();
    let mut open = 0;
    let mut window = 0;
    for (at, byte) in bytes.iter().enumerate() {
        window = roll(window, *byte);
        let slot = slot(window);
        if index.slots[slot / 64] >> (slot % 64) & 1 == 0 || at + 1 < PREFIX {
            continue;
        }
        let here = &bytes[at + 1 - PREFIX..];
        let first = index.openers.partition_point(|(prefix, ..)| *prefix < window);
        for (prefix, opener, area) in &index.openers[first..] {
            if *prefix != window {
                break;
            }
            if here.starts_with(opener.as_bytes()) {
                open |= 1 << area;
            }
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_opener_opens_its_area() {
        assert!(AREAS.len() <= 64);
        for (area, number) in AREAS.iter().zip(0..) {
            for opener in (area.openers)() {
                assert!(opener.len() >= PREFIX, "{opener:?} is too short");
                for text in [opener.to_owned(), format!("xy {opener} z")] {
                    assert!(
                        open(&text) >> number & 1 == 1,
                        "{text:?} does not open area {number}"
                    );
                }
            }
        }
        assert_eq!(
            open("the frobnicator reconciled the thing in namespace shop without trouble"),
            0
        );
    }

    /// What the readers find by themselves, each asked in turn.
    fn ungated(text: &str) -> Vec<Fact> {
        let mut out = Vec::new();
        for area in AREAS {
            area.read(text, &mut out);
            if !out.is_empty() {
                break;
            }
        }
        out
    }

    proptest::proptest! {
        #[test]
        fn no_reader_finds_more_than_its_openers_allow(
            pieces in proptest::collection::vec(proptest::sample::select(super::super::tests::PIECES), 0..12),
        ) {
            let text = pieces.concat();
            let text = super::super::clean(&text);
            let mut gated = Vec::new();
            super::super::by_text(&text, &mut gated);
            assert_eq!(gated, ungated(&text), "{text:?}");
        }
    }
}
