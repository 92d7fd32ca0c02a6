//! Selectors as the scheduler reads them: an absent one matches nothing, an empty one everything.

use std::collections::BTreeSet;

use sonde_model::{Kind, ObjectRef};
use sonde_world::view::{LabelSelector, Labels, PodAffinityTerm, Requirement};
use sonde_world::{Object, Snapshot};

/// A label selector (`apimachinery/pkg/apis/meta/v1/helpers.go`, `LabelSelectorAsSelector`).
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Selector {
    /// Absent.
    Nothing,
    /// Given; matches everything where empty.
    Labels(LabelSelector),
}

impl Selector {
    pub(crate) fn of(selector: Option<&LabelSelector>) -> Self {
        selector.map_or(Selector::Nothing, |selector| Selector::Labels(selector.clone()))
    }

    pub(crate) fn matches(&self, object: &Object) -> bool {
        match self {
            Selector::Nothing => false,
            Selector::Labels(selector) => selector.matches(|key| object.label(key)),
        }
    }

    pub(crate) fn is_everything(&self) -> bool {
        matches!(self, Selector::Labels(selector) if selector.is_empty())
    }

    /// Adds what `matchLabelKeys` and `mismatchLabelKeys` stand for: the pod's own values of these labels.
    /// The API server has done so for pods that it stored (1.31 on); doing it twice changes nothing.
    pub(crate) fn with_label_keys(mut self, pod: &Object, equal: &[String], different: &[String]) -> Self {
        if let Selector::Labels(selector) = &mut self {
            for (keys, operator) in [(equal, "In"), (different, "NotIn")] {
                for key in keys {
                    if let Some(value) = pod.label(key) {
                        selector.match_expressions.push(Requirement {
                            key: key.clone(),
                            operator: operator.to_owned(),
                            values: vec![value.to_owned()],
                        });
                    }
                }
            }
        }
        self
    }

    /// As a person writes it: `app=web,tier in (a,b)`.
    pub(crate) fn text(&self) -> String {
        match self {
            Selector::Nothing => "no pod".to_owned(),
            Selector::Labels(selector) if selector.is_empty() => "every pod".to_owned(),
            Selector::Labels(selector) => {
                let mut parts: Vec<String> = selector
                    .match_labels
                    .iter()
                    .map(|(key, value)| format!("{key}={value}"))
                    .collect();
                for requirement in &selector.match_expressions {
                    let text = requirement.text();
                    if !parts.contains(&text) {
                        parts.push(text);
                    }
                }
                parts.join(",")
            }
        }
    }
}

/// A term of required pod affinity or anti-affinity (`kube-scheduler/framework/types.go`, `AffinityTerm`).
#[derive(Debug, Clone)]
pub(crate) struct Term {
    pub(crate) selector: Selector,
    pub(crate) topology_key: String,
    pub(crate) namespaces: BTreeSet<String>,
    pub(crate) namespace_selector: Selector,
}

impl Term {
    /// Neither namespaces nor a selector: the pod's own namespace.
    pub(crate) fn of(term: &PodAffinityTerm, namespace: &str) -> Self {
        let mut namespaces: BTreeSet<String> = term.namespaces.iter().cloned().collect();
        if namespaces.is_empty() && term.namespace_selector.is_none() {
            namespaces.insert(namespace.to_owned());
        }
        Self {
            selector: Selector::of(term.label_selector.as_ref()),
            topology_key: term.topology_key.clone(),
            namespaces,
            namespace_selector: Selector::of(term.namespace_selector.as_ref()),
        }
    }

    /// Whether a pod in a namespace with these labels is meant.
    pub(crate) fn matches(&self, pod: &Object, namespace_labels: Option<&Labels>) -> bool {
        let here = self.namespaces.contains(pod.reference.namespace.as_ref())
            || match &self.namespace_selector {
                Selector::Nothing => false,
                selector if selector.is_everything() => true,
                Selector::Labels(selector) => namespace_labels
                    .is_some_and(|labels| selector.matches(|key| labels.get(key).map(String::as_str))),
            };
        here && self.selector.matches(pod)
    }

    /// Puts the namespaces that the selector matches into the set, as the scheduler does for the incoming pod.
    /// Says whether all namespaces were known.
    pub(crate) fn resolve_namespaces(&mut self, snapshot: &Snapshot) -> bool {
        match &self.namespace_selector {
            Selector::Nothing => return true,
            selector if selector.is_everything() => return true,
            Selector::Labels(_) => {}
        }
        let matching: Vec<String> = snapshot
            .of_kind(Kind::Namespace)
            .filter(|namespace| self.namespace_selector.matches(namespace))
            .map(|namespace| namespace.reference.name.to_string())
            .collect();
        self.namespaces.extend(matching);
        self.namespace_selector = Selector::Nothing;
        snapshot.is_complete_everywhere(&Kind::Namespace)
    }

    /// As a person writes it.
    pub(crate) fn text(&self) -> String {
        self.selector.text()
    }
}

/// The labels of a namespace; every namespace carries its own name (1.21 on).
pub(crate) fn namespace_labels(snapshot: &Snapshot, namespace: &str) -> Option<Labels> {
    let object = snapshot.get(&ObjectRef::cluster(Kind::Namespace, namespace))?;
    Some(
        object
            .labels
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .collect(),
    )
}
