//! What was listed: absence proves something only where a kind was completely listed.

use std::collections::BTreeSet;
use std::sync::Arc;

use sonde_model::Kind;

/// How much of a kind is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Completeness {
    /// Nothing was listed; objects may be there by chance.
    #[default]
    None,
    /// These namespaces were completely listed.
    Namespaces(BTreeSet<Arc<str>>),
    /// The whole cluster was listed.
    All,
}

impl Completeness {
    /// Whether everything of the kind in the namespace is known.
    pub fn covers(&self, namespace: &str) -> bool {
        match self {
            Completeness::None => false,
            Completeness::Namespaces(set) => !namespace.is_empty() && set.contains(namespace),
            Completeness::All => true,
        }
    }
}

/// The completeness of each kind.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    kinds: imbl::OrdMap<Kind, Completeness>,
}

impl Coverage {
    /// Marks a kind as completely listed, for the cluster or for one namespace.
    pub fn mark(&mut self, kind: Kind, namespace: Option<&str>) {
        let entry = self.kinds.entry(kind).or_default();
        match (namespace, &mut *entry) {
            (None, _) => *entry = Completeness::All,
            (Some(_), Completeness::All) => {}
            (Some(ns), Completeness::Namespaces(set)) => {
                set.insert(ns.into());
            }
            (Some(ns), Completeness::None) => {
                *entry = Completeness::Namespaces(BTreeSet::from([ns.into()]));
            }
        }
    }

    /// How much of a kind is known.
    pub fn of(&self, kind: &Kind) -> &Completeness {
        const NOTHING: &Completeness = &Completeness::None;
        self.kinds.get(kind).unwrap_or(NOTHING)
    }

    /// Every kind with its completeness.
    pub fn iter(&self) -> impl Iterator<Item = (&Kind, &Completeness)> {
        self.kinds.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_list_does_not_speak_for_another() {
        let mut coverage = Coverage::default();
        coverage.mark(Kind::ConfigMap, Some("shop"));
        assert!(coverage.of(&Kind::ConfigMap).covers("shop"));
        assert!(!coverage.of(&Kind::ConfigMap).covers("bank"));
        assert!(!coverage.of(&Kind::ConfigMap).covers(""));
        assert!(!coverage.of(&Kind::Secret).covers("shop"));
        coverage.mark(Kind::ConfigMap, None);
        assert!(coverage.of(&Kind::ConfigMap).covers("bank"));
    }
}
