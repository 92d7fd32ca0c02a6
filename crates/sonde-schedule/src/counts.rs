//! What a pod's rules about other pods count, per topology domain: the scheduler's state before the filters.

use std::collections::HashMap;
use std::sync::Arc;

use sonde_model::ObjectRef;
use sonde_world::Object;

use crate::cluster::{TermReader, Terms};
use crate::needs::{PodNeeds, SpreadRule};
use crate::selector::{Selector, Term, namespace_labels};
use crate::{Cluster, NodeRoom};

/// Pods that forbid others near them, grouped by equal rules.
#[derive(Debug, Default)]
pub(crate) struct Repellers {
    groups: Vec<RepellerGroup>,
}

#[derive(Debug)]
struct RepellerGroup {
    terms: Terms,
    /// The pods with the place of their node.
    members: Vec<(Arc<Object>, usize)>,
}

impl Repellers {
    pub(crate) fn collect(nodes: &[Arc<NodeRoom>]) -> Self {
        let mut reader = TermReader::default();
        let mut groups: Vec<RepellerGroup> = Vec::new();
        let mut places: HashMap<*const Vec<Term>, usize> = HashMap::new();
        for (at, node) in nodes.iter().enumerate() {
            for pod in &node.pods {
                if !pod
                    .pod()
                    .is_some_and(|columns| columns.has_required_anti_affinity)
                {
                    continue;
                }
                let terms = reader.anti_affinity(pod);
                let place = *places.entry(Arc::as_ptr(&terms)).or_insert_with(|| {
                    groups.push(RepellerGroup {
                        terms: terms.clone(),
                        members: Vec::new(),
                    });
                    groups.len() - 1
                });
                groups[place].members.push((pod.clone(), at));
            }
        }
        Self { groups }
    }
}

type Domains<T> = HashMap<Arc<str>, T>;

/// The counts for one pod.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Per term of the pod's affinity: pods near, by domain. Only pods that all terms mean count.
    affinity: Vec<Domains<i64>>,
    /// Per term of the pod's anti-affinity: pods near, by domain.
    anti: Vec<Domains<Vec<ObjectRef>>>,
    /// Pods that forbid this one, by label and value.
    repelled: HashMap<(Arc<str>, Arc<str>), Vec<ObjectRef>>,
    /// Per spread constraint.
    spread: Vec<SpreadCounts>,
}

#[derive(Debug, Default)]
struct SpreadCounts {
    domains: Domains<i64>,
    eligible: Vec<bool>,
}

impl Counts {
    /// Counts for a pod. Costs nothing for a pod without such rules, except where others have rules about it.
    pub(crate) fn of(needs: &PodNeeds, cluster: &Cluster) -> Self {
        let mut counts = Self {
            affinity: vec![Domains::new(); needs.affinity.len()],
            anti: vec![Domains::new(); needs.anti_affinity.len()],
            ..Self::default()
        };
        counts.collect_repellers(needs, cluster);
        counts.spread = needs
            .spread
            .iter()
            .map(|rule| SpreadCounts::domains(rule, needs, cluster))
            .collect();
        let mut rules: Vec<&Term> = needs.anti_affinity.iter().collect();
        // A pod must satisfy every affinity term, so the candidates of the first one are enough.
        rules.extend(needs.affinity.first());
        let mut seen: std::collections::HashSet<ObjectRef> = std::collections::HashSet::new();
        let mut each = |pod: &Arc<Object>| {
            if seen.insert(pod.reference.clone()) {
                counts.shift(needs, cluster, pod, 1, false);
            }
        };
        for term in rules {
            candidates(term, cluster, &mut each);
        }
        for rule in &needs.spread {
            if let Selector::Labels(selector) = &rule.selector
                && !selector.is_empty()
            {
                cluster
                    .snapshot
                    .pods_matching(&needs.pod.namespace, selector)
                    .for_each(&mut each);
            }
        }
        counts
    }

    /// `interpodaffinity/filtering.go`, `getExistingAntiAffinityCounts`.
    fn collect_repellers(&mut self, needs: &PodNeeds, cluster: &Cluster) {
        let groups = &cluster.repellers().groups;
        if groups.is_empty() {
            return;
        }
        let labels = namespace_labels(&cluster.snapshot, &needs.pod.namespace);
        for group in groups {
            let meant: Vec<usize> = (0..group.terms.len())
                .filter(|at| group.terms[*at].matches(&needs.object, labels.as_ref()))
                .collect();
            if meant.is_empty() {
                continue;
            }
            let keys: Vec<Arc<str>> = meant
                .iter()
                .map(|term| group.terms[*term].topology_key.as_str().into())
                .collect();
            for (pod, at) in group.members.iter().filter(|(pod, _)| pod.reference != needs.pod) {
                for key in &keys {
                    if let Some(value) = cluster.nodes()[*at].label(key) {
                        self.repelled
                            .entry((key.clone(), value.clone()))
                            .or_default()
                            .push(pod.reference.clone());
                    }
                }
            }
        }
    }

    /// Takes a pod out, as a victim of preemption would go.
    pub(crate) fn remove(&mut self, needs: &PodNeeds, cluster: &Cluster, pod: &Arc<Object>) {
        self.shift(needs, cluster, pod, -1, true);
    }

    /// Puts it back.
    pub(crate) fn restore(&mut self, needs: &PodNeeds, cluster: &Cluster, pod: &Arc<Object>) {
        self.shift(needs, cluster, pod, 1, true);
    }

    fn shift(&mut self, needs: &PodNeeds, cluster: &Cluster, pod: &Arc<Object>, by: i64, repellers: bool) {
        let Some(columns) = pod.pod().filter(|columns| !columns.is_terminal()) else {
            return;
        };
        let Some(at) = cluster.position(&columns.node) else {
            return;
        };
        if pod.reference == needs.pod {
            return;
        }
        let node = &cluster.nodes()[at];
        if !needs.affinity.is_empty() && needs.affinity.iter().all(|term| term.matches(pod, None)) {
            for (term, domains) in needs.affinity.iter().zip(&mut self.affinity) {
                if let Some(value) = node.label(&term.topology_key) {
                    let count = domains.entry(value.clone()).or_insert(0);
                    *count = count.saturating_add(by);
                    if *count == 0 {
                        domains.remove(value);
                    }
                }
            }
        }
        for (term, domains) in needs.anti_affinity.iter().zip(&mut self.anti) {
            if let Some(value) = node.label(&term.topology_key)
                && term.matches(pod, None)
            {
                change(domains.entry(value.clone()).or_default(), &pod.reference, by);
            }
        }
        for (rule, counts) in needs.spread.iter().zip(&mut self.spread) {
            counts.shift(rule, needs, pod, (at, node), by);
        }
        if repellers && columns.has_required_anti_affinity {
            let terms = TermReader::default().anti_affinity(pod);
            let labels = namespace_labels(&cluster.snapshot, &needs.pod.namespace);
            for term in terms
                .iter()
                .filter(|term| term.matches(&needs.object, labels.as_ref()))
            {
                if let Some(value) = node.label(&term.topology_key) {
                    let key = (term.topology_key.as_str().into(), value.clone());
                    change(self.repelled.entry(key).or_default(), &pod.reference, by);
                }
            }
        }
    }

    /// Pods near that the pod's affinity term asks for.
    pub(crate) fn partners(&self, term: usize, domain: &str) -> i64 {
        self.affinity
            .get(term)
            .and_then(|domains| domains.get(domain))
            .copied()
            .unwrap_or(0)
    }

    /// Whether no pod anywhere is meant by the pod's affinity.
    pub(crate) fn no_partner(&self) -> bool {
        self.affinity.iter().all(HashMap::is_empty)
    }

    /// A pod near that the pod's anti-affinity term forbids.
    pub(crate) fn opponent(&self, term: usize, domain: &str) -> Option<&ObjectRef> {
        self.anti.get(term)?.get(domain)?.first()
    }

    /// A pod near whose anti-affinity forbids this one, with the label that is counted by.
    pub(crate) fn repeller(&self, node: &NodeRoom) -> Option<(Arc<str>, Arc<str>, &ObjectRef)> {
        if self.repelled.is_empty() {
            return None;
        }
        node.object.labels.iter().find_map(|label| {
            let pod = self.repelled.get(label)?.first()?;
            Some((label.0.clone(), label.1.clone(), pod))
        })
    }

    /// Pods in a domain, pods in the emptiest domain, and how many domains there are.
    pub(crate) fn spread(&self, rule: usize, domain: &str) -> (i64, i64, i64) {
        let Some(counts) = self.spread.get(rule) else {
            return (0, 0, 0);
        };
        (
            counts.domains.get(domain).copied().unwrap_or(0),
            counts.domains.values().copied().min().unwrap_or(0),
            i64::try_from(counts.domains.len()).unwrap_or(i64::MAX),
        )
    }
}

impl SpreadCounts {
    /// The domains that count: those of nodes that have every topology label and pass the inclusion policies.
    fn domains(rule: &SpreadRule, needs: &PodNeeds, cluster: &Cluster) -> Self {
        let is_eligible = |node: &Arc<NodeRoom>| {
            let labelled = needs
                .spread
                .iter()
                .all(|rule| node.label(&rule.topology_key).is_some());
            labelled
                && (!rule.honor_affinity || needs.matches_node(node))
                && (!rule.honor_taints || needs.untolerated(node).next().is_none())
        };
        let mut counts = Self {
            eligible: cluster.nodes().iter().map(is_eligible).collect(),
            domains: Domains::new(),
        };
        for (node, eligible) in cluster.nodes().iter().zip(&counts.eligible) {
            if let Some(value) = node.label(&rule.topology_key).filter(|_| *eligible) {
                counts.domains.entry(value.clone()).or_insert(0);
            }
        }
        counts
    }

    /// `podtopologyspread/common.go`, `countPodsMatchSelector`: ending pods do not count, an empty selector counts none.
    fn shift(
        &mut self,
        rule: &SpreadRule,
        needs: &PodNeeds,
        pod: &Object,
        (at, node): (usize, &NodeRoom),
        by: i64,
    ) {
        let counted = self.eligible.get(at).copied().unwrap_or(false)
            && pod.deletion.is_none()
            && pod.reference.namespace == needs.pod.namespace
            && !rule.selector.is_everything()
            && rule.selector.matches(pod);
        if let Some(value) = node.label(&rule.topology_key).filter(|_| counted) {
            let count = self.domains.entry(value.clone()).or_insert(0);
            *count = count.saturating_add(by);
        }
    }
}

fn change(pods: &mut Vec<ObjectRef>, pod: &ObjectRef, by: i64) {
    if by > 0 {
        pods.push(pod.clone());
    } else if let Some(at) = pods.iter().position(|have| have == pod) {
        pods.remove(at);
    }
}

/// The pods that a term may mean, through the label index where the namespaces are named.
fn candidates(term: &Term, cluster: &Cluster, each: &mut impl FnMut(&Arc<Object>)) {
    let Selector::Labels(selector) = &term.selector else {
        return;
    };
    if term.namespace_selector.is_everything() {
        cluster
            .nodes()
            .iter()
            .flat_map(|node| &node.pods)
            .filter(|pod| term.selector.matches(pod))
            .for_each(each);
        return;
    }
    for namespace in &term.namespaces {
        cluster
            .snapshot
            .pods_matching(namespace, selector)
            .for_each(&mut *each);
    }
}
