//! What the adapter could not look at, and which wants that leaves open: told by what it is, not by how it is worded.

use serde::{Deserialize, Serialize};
use sonde_model::BlindSpot;

use crate::Want;

/// Something that could not be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// How it is told.
    #[serde(flatten)]
    pub spot: BlindSpot,
    /// The wants that it leaves open, whatever time they are about; none where no want asks for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<Want>,
    /// It is worth a word only where one of them is wanted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_if_wanted: bool,
}

impl Gap {
    /// A gap that answers these wants.
    pub fn new(spot: BlindSpot, of: impl IntoIterator<Item = Want>) -> Self {
        Self {
            spot,
            of: of.into_iter().map(|want| want.at_any_time()).collect(),
            only_if_wanted: false,
        }
    }

    /// Whether it is why something that is wanted is still missing.
    pub fn answers(&self, want: &Want) -> bool {
        let want = want.at_any_time();
        self.of.iter().any(|mine| mine.covers(&want))
    }
}

impl From<BlindSpot> for Gap {
    fn from(spot: BlindSpot) -> Self {
        Self::new(spot, [])
    }
}

#[cfg(test)]
mod tests {
    use sonde_model::{Kind, ObjectRef};

    use super::*;

    fn kind(kind: Kind, namespace: &str) -> Want {
        Want::Kind {
            kind,
            namespace: namespace.into(),
        }
    }

    #[test]
    fn a_gap_answers_what_it_is_of() {
        let object = |namespace: &str| Want::Object(ObjectRef::new(Kind::Pod, namespace, "a"));
        let kernel = |time: Option<&str>| Want::KernelLog {
            node: "n1".into(),
            around: time.map(|time| time.parse().unwrap()),
        };
        for (of, want, answers) in [
            (kind(Kind::Pod, ""), kind(Kind::Pod, ""), true),
            (kind(Kind::Pod, ""), kind(Kind::Pod, "shop"), true),
            (kind(Kind::Pod, "shop"), kind(Kind::Pod, ""), false),
            (kind(Kind::Pod, "shop"), kind(Kind::Service, "shop"), false),
            (kind(Kind::Pod, ""), object("shop"), true),
            (kind(Kind::Pod, "shop"), object("shop"), true),
            (kind(Kind::Pod, "shop"), object("bank"), false),
            (object("shop"), kind(Kind::Pod, "shop"), false),
            (kernel(None), kernel(Some("2026-11-21T10:00:00Z")), true),
            (kernel(Some("2026-11-21T09:00:00Z")), kernel(None), true),
        ] {
            let gap = Gap::new(
                BlindSpot {
                    what: "x".into(),
                    why: "y".into(),
                    forbids: Vec::new(),
                },
                [of.clone()],
            );
            assert_eq!(gap.answers(&want), answers, "{of:?} {want:?}");
            let text = serde_json::to_string(&gap).unwrap();
            assert_eq!(serde_json::from_str::<Gap>(&text).unwrap(), gap, "{text}");
        }
    }
}
