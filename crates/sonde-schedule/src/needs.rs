//! What a pod asks of a node, read once.

use std::sync::Arc;

use sonde_model::{Kind, ObjectRef};
use sonde_world::view::{NodeSelectorTerm, Pod, Requirement, Taint, Toleration, TopologySpreadConstraint};
use sonde_world::{HostPort, Object, Resources, Snapshot};

use crate::NodeRoom;
use crate::fit::{Miss, Obstacle, Unknown};
use crate::selector::{Selector, Term};

mod volumes;

pub(crate) use volumes::{Attachment, DelayedClaim, VolumeNeeds, attachment};

/// The annotation-free name of the scheduler that clusters run unless they say otherwise.
pub(crate) const DEFAULT_SCHEDULER: &str = "default-scheduler";

/// What a pod asks of a node.
#[derive(Debug, Clone)]
pub struct PodNeeds {
    /// The pod.
    pub pod: ObjectRef,
    /// What the scheduler counts for it.
    pub requests: Resources,
    /// Its priority.
    pub priority: i64,
    /// Its scheduler.
    pub scheduler: Arc<str>,
    /// What stops it before any node is looked at.
    pub(crate) obstacles: Vec<Obstacle>,
    pub(crate) unknowns: Vec<Unknown>,
    pub(crate) object: Arc<Object>,
    pub(crate) never_preempts: bool,
    pub(crate) nominated: Option<Arc<str>>,
    pub(crate) node_name: Option<Arc<str>>,
    pub(crate) host_ports: Vec<HostPort>,
    pub(crate) tolerations: Vec<Toleration>,
    pub(crate) node_selector: Vec<Arc<NodeRequirement>>,
    pub(crate) node_affinity: Option<NodeTerms>,
    pub(crate) affinity: Vec<Term>,
    pub(crate) anti_affinity: Vec<Term>,
    pub(crate) spread: Vec<SpreadRule>,
    pub(crate) volumes: VolumeNeeds,
}

/// One requirement on a node's labels, and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeRequirement {
    /// The field, `spec.nodeSelector` or `….nodeSelectorTerms[0].matchExpressions[1]`.
    pub place: String,
    /// The requirement.
    pub requirement: Requirement,
    /// It is about the node's name and not its labels.
    pub of_field: bool,
}

/// Alternatives of which one must hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct NodeTerms {
    pub(crate) terms: Vec<Vec<Arc<NodeRequirement>>>,
}

/// A topology spread constraint that must hold.
#[derive(Debug, Clone)]
pub(crate) struct SpreadRule {
    pub(crate) topology_key: String,
    pub(crate) max_skew: i64,
    pub(crate) min_domains: i64,
    pub(crate) selector: Selector,
    pub(crate) honor_affinity: bool,
    pub(crate) honor_taints: bool,
}

impl PodNeeds {
    /// Reads what a pod of the snapshot asks for; `None` where it is not there or not readable.
    pub fn of(snapshot: &Snapshot, pod: &ObjectRef) -> Option<Self> {
        let object = snapshot.get(pod)?;
        let columns = object.pod()?;
        let view: Pod = snapshot.view(pod)?;
        let spec = &view.spec;
        let mut unknowns = Vec::new();
        if object.partial {
            unknowns.push(Unknown::Pod);
        }
        if !spec.resource_claims.is_empty() {
            unknowns.push(Unknown::DynamicResources);
        }
        let mut obstacles = Vec::new();
        if !spec.scheduling_gates.is_empty() {
            let gates = spec.scheduling_gates.iter().map(|gate| gate.name.clone());
            obstacles.push(Obstacle::Gates(gates.collect()));
        }
        let scheduler: Arc<str> = columns
            .scheduler
            .clone()
            .unwrap_or_else(|| DEFAULT_SCHEDULER.into());
        let affinity = spec.affinity.clone().unwrap_or_default();
        let mut read_terms = |list: Option<&sonde_world::view::PodAffinity>| -> Vec<Term> {
            let mut terms = Vec::new();
            for raw in list
                .iter()
                .flat_map(|list| &list.required_during_scheduling_ignored_during_execution)
            {
                let mut term = Term::of(raw, &pod.namespace);
                term.selector =
                    term.selector
                        .with_label_keys(object, &raw.match_label_keys, &raw.mismatch_label_keys);
                if !term.resolve_namespaces(snapshot) {
                    unknowns.push(Unknown::Namespaces);
                }
                terms.push(term);
            }
            terms
        };
        let near = read_terms(affinity.pod_affinity.as_ref());
        let apart = read_terms(affinity.pod_anti_affinity.as_ref());
        let node_affinity = affinity
            .node_affinity
            .and_then(|it| it.required_during_scheduling_ignored_during_execution)
            .map(|it| NodeTerms::read(&it.node_selector_terms, NODE_AFFINITY));
        if node_affinity.as_ref().is_some_and(NodeTerms::names_conflict) {
            obstacles.push(Obstacle::AffinityConflict);
        }
        let volumes = volumes::read(snapshot, &view, &pod.namespace, &mut obstacles, &mut unknowns);
        unknowns.sort();
        unknowns.dedup();
        Some(Self {
            pod: pod.clone(),
            requests: columns.requests.clone(),
            priority: columns.priority,
            scheduler,
            obstacles,
            unknowns,
            object: object.clone(),
            never_preempts: spec.preemption_policy == "Never",
            nominated: columns.nominated.clone(),
            node_name: Some(&columns.node).filter(|name| !name.is_empty()).cloned(),
            host_ports: columns.host_ports.clone(),
            tolerations: spec.tolerations.clone(),
            node_selector: node_selector(&view),
            node_affinity,
            affinity: near,
            anti_affinity: apart,
            spread: spec
                .topology_spread_constraints
                .iter()
                .filter(|constraint| matches!(constraint.when_unsatisfiable.as_str(), "" | "DoNotSchedule"))
                .map(|constraint| SpreadRule::read(constraint, object))
                .collect(),
            volumes,
        })
    }

    /// The taints of a node that keep the pod away, in the node's order.
    pub(crate) fn untolerated<'a>(&'a self, node: &'a NodeRoom) -> impl Iterator<Item = &'a Taint> {
        node.hard_taints().filter(|taint| {
            !self
                .tolerations
                .iter()
                .any(|toleration| tolerates(toleration, taint))
        })
    }

    /// Whether node selector and required node affinity hold.
    pub(crate) fn matches_node(&self, node: &NodeRoom) -> bool {
        self.node_selector.iter().all(|it| it.holds(node))
            && self
                .node_affinity
                .as_ref()
                .is_none_or(|terms| terms.matches(node))
    }
}

const NODE_AFFINITY: &str =
    "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";

fn node_selector(pod: &Pod) -> Vec<Arc<NodeRequirement>> {
    pod.spec
        .node_selector
        .iter()
        .map(|(key, value)| {
            Arc::new(NodeRequirement {
                place: "spec.nodeSelector".to_owned(),
                requirement: Requirement {
                    key: key.clone(),
                    operator: "In".to_owned(),
                    values: vec![value.clone()],
                },
                of_field: false,
            })
        })
        .collect()
}

/// `api/core/v1/toleration.go`, `ToleratesTaint`; `Lt` and `Gt` since 1.35.
pub(crate) fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    if !toleration.effect.is_empty() && toleration.effect != taint.effect {
        return false;
    }
    if !toleration.key.is_empty() && toleration.key != taint.key {
        return false;
    }
    // The API server refuses other ways to write a number, so a text that is none matches nothing.
    let number = |text: &str| {
        let plain = text.strip_prefix('-').unwrap_or(text);
        let canonical = plain == "0" || (!plain.is_empty() && !plain.starts_with('0'));
        canonical.then(|| text.parse::<i64>().ok()).flatten()
    };
    match toleration.operator.as_str() {
        "" | "Equal" => toleration.value == taint.value,
        "Exists" => true,
        operator @ ("Lt" | "Gt") => match (number(&taint.value), number(&toleration.value)) {
            (Some(have), Some(want)) if operator == "Lt" => have < want,
            (Some(have), Some(want)) => have > want,
            _ => false,
        },
        _ => false,
    }
}

impl NodeRequirement {
    /// What the node has under the requirement's key.
    pub(crate) fn actual(&self, node: &NodeRoom) -> Option<Arc<str>> {
        if self.of_field {
            (self.requirement.key == "metadata.name").then(|| node.name().clone())
        } else {
            node.label(&self.requirement.key).cloned()
        }
    }

    pub(crate) fn holds(&self, node: &NodeRoom) -> bool {
        let requirement = &self.requirement;
        // `component-helpers/.../nodeaffinity.go`: what does not parse matches nothing.
        let parses = match requirement.operator.as_str() {
            "In" | "NotIn" if self.of_field => requirement.values.len() == 1,
            "In" | "NotIn" => !requirement.values.is_empty(),
            "Exists" | "DoesNotExist" => requirement.values.is_empty() && !self.of_field,
            "Gt" | "Lt" => requirement.values.len() == 1 && !self.of_field,
            _ => false,
        };
        parses
            && requirement.matches(|key| {
                if self.of_field {
                    // A field that is not known reads as empty.
                    Some(if key == "metadata.name" {
                        node.name().as_ref()
                    } else {
                        ""
                    })
                } else {
                    node.label(key).map(AsRef::as_ref)
                }
            })
    }

    pub(crate) fn miss(self: &Arc<Self>, node: &NodeRoom) -> Option<Miss> {
        (!self.holds(node)).then(|| Miss {
            requirement: self.clone(),
            actual: self.actual(node),
        })
    }
}

impl NodeTerms {
    /// Empty terms match nothing and are left out, so a selector of empty terms matches nothing too.
    pub(crate) fn read(terms: &[NodeSelectorTerm], place: &str) -> Self {
        let terms = terms
            .iter()
            .enumerate()
            .map(|(at, term)| {
                let labels = term.match_expressions.iter().enumerate();
                let fields = term.match_fields.iter().enumerate();
                let each = |list: &str, index: usize, requirement: &Requirement, of_field| {
                    Arc::new(NodeRequirement {
                        place: format!("{place}[{at}].{list}[{index}]"),
                        requirement: requirement.clone(),
                        of_field,
                    })
                };
                labels
                    .map(|(index, it)| each("matchExpressions", index, it, false))
                    .chain(fields.map(|(index, it)| each("matchFields", index, it, true)))
                    .collect::<Vec<_>>()
            })
            .filter(|term| !term.is_empty())
            .collect();
        Self { terms }
    }

    pub(crate) fn matches(&self, node: &NodeRoom) -> bool {
        self.terms
            .iter()
            .any(|term| term.iter().all(|requirement| requirement.holds(node)))
    }

    /// What the alternative misses that misses least; nothing where one holds.
    pub(crate) fn misses(&self, node: &NodeRoom) -> Vec<Miss> {
        self.terms
            .iter()
            .map(|term| term.iter().filter_map(|it| it.miss(node)).collect::<Vec<_>>())
            .min_by_key(Vec::len)
            .unwrap_or_default()
    }

    /// Every alternative names nodes, and none of them can be met (`nodeaffinity`, `PreFilter`).
    fn names_conflict(&self) -> bool {
        let names = |term: &Vec<Arc<NodeRequirement>>| {
            let mut names: Option<Vec<String>> = None;
            for it in term.iter().filter(|it| it.of_field) {
                let requirement = &it.requirement;
                if requirement.key == "metadata.name" && requirement.operator == "In" {
                    names = Some(match names {
                        None => requirement.values.clone(),
                        Some(have) => have
                            .into_iter()
                            .filter(|name| requirement.values.contains(name))
                            .collect(),
                    });
                }
            }
            names
        };
        !self.terms.is_empty()
            && self
                .terms
                .iter()
                .all(|term| names(term).is_some_and(|names| names.is_empty()))
    }
}

impl SpreadRule {
    /// `podtopologyspread/common.go`, `filterTopologySpreadConstraints`.
    fn read(constraint: &TopologySpreadConstraint, pod: &Object) -> Self {
        Self {
            topology_key: constraint.topology_key.clone(),
            max_skew: constraint.max_skew,
            min_domains: constraint.min_domains.unwrap_or(1),
            selector: Selector::of(constraint.label_selector.as_ref()).with_label_keys(
                pod,
                &constraint.match_label_keys,
                &[],
            ),
            honor_affinity: constraint.node_affinity_policy != "Ignore",
            honor_taints: constraint.node_taints_policy == "Honor",
        }
    }
}

/// Whether another scheduler than the default one is seen at work: it bound a pod, or it wrote an event.
pub(crate) fn scheduler_is_seen(snapshot: &Snapshot, name: &str) -> bool {
    let at_work = snapshot.of_kind(Kind::Pod).any(|pod| {
        pod.pod().is_some_and(|columns| {
            // The API server itself writes the condition of a pod with gates.
            let judged = columns
                .condition("PodScheduled")
                .is_some_and(|condition| condition.reason != "SchedulingGated");
            columns.scheduler.as_deref() == Some(name) && (judged || !columns.node.is_empty())
        })
    });
    at_work
        || snapshot.of_kind(Kind::Event).any(|event| {
            event
                .event()
                .is_some_and(|columns| columns.component.as_ref() == name)
        })
}
