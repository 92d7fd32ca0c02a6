//! Every cause. A family is a folder, a cause is a file in it named by the rest of its code.

use std::sync::OnceLock;

use crate::Cause;

mod adm;
mod cre;
mod dep;
mod evi;
mod ext;
mod hok;
mod img;
mod ini;
mod liv;
mod los;
mod net;
mod nod;
mod oom;
mod rdy;
mod rol;
mod sch;
mod svc;
mod trm;

#[cfg(test)]
mod pasted;
#[cfg(test)]
mod senders;

pub(crate) use cre::memory_slips;
use trm::forced_delete_leaves;

const FAMILIES: &[&[&Cause]] = &[
    adm::CAUSES,
    cre::CAUSES,
    dep::CAUSES,
    evi::CAUSES,
    ext::CAUSES,
    hok::CAUSES,
    img::CAUSES,
    ini::CAUSES,
    liv::CAUSES,
    los::CAUSES,
    net::CAUSES,
    nod::CAUSES,
    oom::CAUSES,
    rdy::CAUSES,
    rol::CAUSES,
    svc::CAUSES,
    sch::CAUSES,
    trm::CAUSES,
];

/// Every cause, by code.
pub fn causes() -> &'static [&'static Cause] {
    static ALL: OnceLock<Vec<&'static Cause>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all: Vec<&'static Cause> = FAMILIES
            .iter()
            .flat_map(|family| family.iter().copied())
            .collect();
        all.sort_by(|a, b| a.code.cmp(&b.code));
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_of_a_family() {
        for pair in causes().windows(2) {
            assert_ne!(pair[0].code, pair[1].code);
        }
        for cause in causes() {
            assert!(cause.code.family().is_some(), "{}", cause.code);
            assert!(!cause.explains.is_empty(), "{} explains no symptom", cause.code);
        }
    }

    #[test]
    fn every_page_has_its_sections() {
        for cause in causes() {
            assert!(
                cause.page.starts_with(&format!("# {}", cause.code)),
                "{}",
                cause.code
            );
            for section in [
                "## What it means",
                "## How it is proven",
                "## Rivals",
                "## What to do",
                "## Sources",
            ] {
                assert!(cause.page.contains(section), "{} lacks {section:?}", cause.code);
            }
        }
    }
}
