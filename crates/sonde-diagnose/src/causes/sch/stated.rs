//! The part of a case that all causes of the family share: what decides, the numbers of each node, the scheduler's own
//! words, and the changes that help.

use crate::wording::{agree, count};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use sonde_grammar::Fact;
use sonde_grammar::fact::{NodeReason, PreFilter, Unschedulable};
use sonde_model::{Kind, ObjectRef};
use sonde_schedule::{NodeFit, Obstacle, Preemption, Rejection, Room, Unknown};

use super::known_nodes::{beyond_every_node, is_gone, is_of_size};
use super::told::{Told, mix, told};
use super::{fixes, words};
use crate::placement::{Outlook, Placement, Why, is_extended};
use crate::{Case, Facts, Message, Seen, Want};

/// Nodes whose numbers are shown one by one.
const NODES_SHOWN: usize = 5;

/// What a cause can build its headline from.
pub(super) struct Stated<'a> {
    placement: Option<(Rc<Placement>, Outlook)>,
    /// The scheduler stops at something else first.
    comes_next: bool,
    /// It is all that stands against the pod.
    pub(super) alone: bool,
    pub(super) said: Option<&'a Unschedulable>,
    pub(super) message: Option<&'a Message>,
}

impl<'a> Stated<'a> {
    /// The filters were run, and their remedies are told.
    pub(super) fn is_computed(&self) -> bool {
        self.placement.is_some()
    }

    /// The nodes that decide.
    pub(super) fn nodes(&self) -> Vec<&NodeFit> {
        let Some((placement, outlook)) = &self.placement else {
            return Vec::new();
        };
        outlook
            .nodes
            .iter()
            .filter_map(|at| placement.fit.nodes.get(*at))
            .collect()
    }

    /// The reasons on the nodes that decide.
    pub(super) fn rejections(&self) -> impl Iterator<Item = &Rejection> {
        self.nodes().into_iter().flat_map(|node| &node.rejections)
    }

    /// What stopped the pod before any node was looked at.
    pub(super) fn obstacles(&self) -> &[Obstacle] {
        self.placement
            .as_ref()
            .map_or(&[], |(placement, _)| placement.fit.before_nodes.as_slice())
    }

    /// What the scheduler said before any node was looked at.
    pub(super) fn stops(&self) -> &'a [PreFilter] {
        self.said.map_or(&[], |said| said.pre_filter.as_slice())
    }

    /// The room on the nodes that would take the pod.
    pub(super) fn room(&self, facts: &Facts<'_>) -> Vec<Room> {
        self.placement.as_ref().map_or_else(Vec::new, |(placement, _)| {
            placement.room(facts.placements.cluster()).to_vec()
        })
    }

    /// The resources that the scheduler names as short, `core` ones or extended ones: `cpu and memory`.
    pub(super) fn named_short(&self, extended: bool) -> String {
        let reasons = self.said.map_or(&[][..], |said| said.reasons.as_slice());
        let mut names: Vec<&str> = reasons
            .iter()
            .filter_map(|(_, reason)| match reason {
                NodeReason::Insufficient(resource) if is_extended(resource) == extended => {
                    Some(resource.as_str())
                }
                _ => None,
            })
            .collect();
        names.dedup();
        names.join(" and ")
    }

    /// Every pod is known: what is free on the nodes is really free.
    pub(super) fn knows_pods(&self) -> bool {
        self.placement
            .as_ref()
            .is_some_and(|(placement, _)| !placement.fit.unknowns.contains(&Unknown::Pods))
    }

    /// The nodes that decide, in words: `n1`, `n1 and n2`, `5 nodes`.
    pub(super) fn node_names(&self) -> String {
        let nodes = self.nodes();
        match nodes.as_slice() {
            [] => "the nodes".to_owned(),
            [one] => format!("node {}", one.node),
            [one, two] => format!("nodes {} and {}", one.node, two.node),
            many => count(many.len(), "node"),
        }
    }

    /// Adds what is common to the family at the end of a case.
    pub(super) fn finish(&self, facts: &Facts<'_>, case: &mut Case) {
        each_node(facts, case, self);
        // Where the scheduler's words are all there is, and they name several reasons, no single one is sold.
        if self.placement.is_none()
            && let Some(said) = self.said
            && let Some(mix) = mix(said)
        {
            let all = said.nodes_total.map_or("no node".to_owned(), |all| {
                format!("none of {}", count(all, "node"))
            });
            case.headline(format!("{all} takes {}: {mix}", who(facts)));
        }
        if let Some((placement, outlook)) = &self.placement {
            others(facts, case, placement, outlook);
        }
        if let Some(message) = self.message {
            let text = if self.comes_next {
                "the scheduler stops at something else, and would stop at this once that is mended"
            } else if self.stops().is_empty() {
                "the scheduler finds no node for it"
            } else {
                "so the scheduler does not look for a node"
            };
            case.step(text, [message.seen()]);
        } else {
            let seen = facts.field("status.phase", &facts.episode.word);
            case.step("so the pod has no node", [seen]);
        }
        crate::preemption::tell_lost_room(facts, case);
        if let Some((placement, _)) = &self.placement {
            fixes::add(facts, case, placement);
        }
    }
}

/// The newest words of the scheduler.
pub(super) fn said<'a>(facts: &Facts<'a>) -> Option<(&'a Unschedulable, &'a Message)> {
    facts.find(|fact| match fact {
        Fact::Unschedulable(said) => Some(said),
        _ => None,
    })
}

/// Whether `why` is what decides: by the filters where the nodes are known, else by the scheduler's words. States the
/// case so far and hands back what the headline needs.
pub(super) fn decides<'a>(facts: &Facts<'a>, case: &mut Case, why: Why) -> Option<Stated<'a>> {
    decides_if(facts, case, why, |_| Bearing::Proof)
}

/// What the filters' numbers say of one cause among those that share a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bearing {
    Against,
    Support,
    Proof,
}

/// As [`decides`], where it depends on the filters' numbers too.
pub(super) fn decides_if<'a>(
    facts: &Facts<'a>,
    case: &mut Case,
    why: Why,
    numbers: impl Fn(&Stated<'a>) -> Bearing,
) -> Option<Stated<'a>> {
    if scheduler_is_silent(facts) {
        return None;
    }
    let said = said(facts);
    let tells: Vec<Told> = said.map_or_else(Vec::new, |(said, _)| told(said));
    let is_told = tells.iter().find(|told| told.why == why);
    let placement = facts.placement();
    let mut stated = Stated {
        placement: None,
        comes_next: false,
        alone: true,
        said: said.map(|(said, _)| said),
        message: said.map(|(_, message)| message),
    };
    let under_way = under_way(facts).is_some();
    if under_way && why != Why::PreemptionUnderWay {
        return None;
    }
    if let Some(placement) = placement.as_ref().filter(|_| !under_way)
        && let outlooks = placement.outlooks(said.and_then(|(said, _)| said.nodes_total))
        && let Some(first) = outlooks.first()
    {
        let mine = outlooks.iter().find(|outlook| outlook.why == why);
        stated.placement = Some((placement.clone(), mine.unwrap_or(first).clone()));
        stated.alone = outlooks.len() == 1;
        stated.comes_next = mine.is_some_and(|mine| mine != first);
        let bearing = if mine.is_some() {
            numbers(&stated)
        } else {
            Bearing::Against
        };
        if bearing != Bearing::Against {
            show(facts, case, why, &stated, bearing);
            return Some(stated);
        }
        // It removed some nodes, or the scheduler mentions it, and yet something else decides.
        if mine.is_none()
            && is_told.is_some()
            && let Some((_, message)) = said
        {
            case.hinted_by(message.seen());
            case.headline(format!("{} has no node: {}", who(facts), message.seen().text));
            case.step("the scheduler finds no node for it", [message.seen()]);
        }
        return None;
    }
    if let Some(placement) = &placement
        && placement.fit.proves_fit()
        && let (Some(_), Some(node)) = (is_told, placement.fit.fitting().next())
    {
        let seen = computed(facts, format!("{}: nothing stands against the pod", node.node));
        case.refuted_by(
            seen,
            format!(
                "the pod fits on {} by now; the scheduler tries again on its own",
                node.node
            ),
        );
        return None;
    }
    let told = is_told?;
    let (words, message) = said?;
    if let Some(placement) = &placement
        && let Some(large) = beyond_every_node(placement, words.nodes_total)
        && let Some(is_large) = is_of_size(why, large.why)
    {
        let nodes = large.nodes.clone();
        stated.placement = Some((placement.clone(), large));
        if is_large {
            show(facts, case, why, &stated, Bearing::Proof);
            return Some(stated);
        }
        if let Some(node) = nodes.first().and_then(|at| placement.fit.nodes.get(*at)) {
            let seen = computed(facts, words::node(node));
            case.refuted_by(
                seen,
                "the pod asks for more than any node has, even if it were empty",
            );
        }
        return None;
    }
    if let Some(gone) = placement.as_ref().and_then(|placement| is_gone(why, placement)) {
        case.refuted_by(computed(facts, gone.to_owned()), format!("{gone} by now"));
        return None;
    }
    if numbers(&stated) == Bearing::Against {
        return None;
    }
    if told.certain {
        raise(case, why, message.seen());
    } else if tells.len() > 1 {
        case.hinted_by(message.seen());
        // What most nodes fail stands first.
        if tells.first().is_some_and(|first| first.why == why) && mix(words).is_some() {
            case.hinted_by(facts.computed("the scheduler's words", "what stands in the way of most nodes"));
        }
    } else {
        case.supported_by(message.seen());
    }
    want_lists(facts, case);
    Some(stated)
}

/// The default scheduler has not said a word about the pod: neither a condition nor an event.
pub(super) fn scheduler_is_silent(facts: &Facts<'_>) -> bool {
    facts.episode.subject.kind == Kind::Pod
        && !facts.is_partial()
        && matches!(facts.pod().spec.scheduler_name.as_str(), "" | "default-scheduler")
        && facts.pod().condition("PodScheduled").is_none()
        && said(facts).is_none()
}

/// The node that preemption chose for the pod, and the pods that end there for it.
pub(super) fn under_way(facts: &Facts<'_>) -> Option<(Arc<str>, Vec<ObjectRef>)> {
    if facts.pod().status.nominated_node_name.is_empty() {
        return None;
    }
    let placement = facts.placement()?;
    match placement.preemption(facts.placements.cluster())? {
        Preemption::UnderWay { node, victims } => Some((node.clone(), victims.clone())),
        _ => None,
    }
}

/// The lists with which the filters can be run here.
pub(super) fn want_lists(facts: &Facts<'_>, case: &mut Case) {
    let everywhere = |kind: &Kind| facts.snapshot.is_complete_everywhere(kind);
    for (kind, text) in [
        (Kind::Node, "what every node offers and refuses"),
        (Kind::Pod, "which pods hold the room on the nodes"),
    ] {
        if !everywhere(&kind) {
            case.wants(
                Want::Kind {
                    kind,
                    namespace: "".into(),
                },
                text,
            );
        }
    }
}

/// A result of the filters as evidence.
pub(super) fn computed(facts: &Facts<'_>, text: String) -> Seen {
    facts.computed("the scheduler's filters, run on the objects read", text)
}

/// A claim that is missing or unbound is the claim's own matter: whoever can say why says more.
fn raise(case: &mut Case, why: Why, seen: Seen) {
    if matches!(why, Why::ClaimMissing | Why::UnboundClaim) {
        case.generally_proven_by(seen);
    } else {
        case.proven_by(seen).part("choice of a node");
    }
}

/// The numbers of the nodes that decide, as proof or support.
fn show(facts: &Facts<'_>, case: &mut Case, why: Why, stated: &Stated<'_>, bearing: Bearing) {
    let nodes = stated.nodes();
    let mut seen: Vec<Seen> = nodes
        .iter()
        .take(NODES_SHOWN)
        .map(|node| computed(facts, words::node(node)))
        .collect();
    if let Some(more) = nodes.len().checked_sub(NODES_SHOWN).filter(|more| *more > 0) {
        let text = format!(
            "{} {} it for like reasons",
            count(more, "more node"),
            agree(more, "refuses", "refuse")
        );
        seen.push(computed(facts, text));
    }
    for seen in seen {
        if bearing == Bearing::Proof {
            case.proven_by(seen).part("choice of a node");
        } else {
            case.supported_by(seen);
        }
    }
    if bearing != Bearing::Proof {
        want_lists(facts, case);
    }
    if nodes.is_empty() {
        let seen = stated
            .message
            .map_or_else(|| facts.field("status.phase", &facts.episode.word), Message::seen);
        raise(case, why, seen);
    }
}

/// The numbers of the nodes that decide, as a step.
fn each_node(facts: &Facts<'_>, case: &mut Case, stated: &Stated<'_>) {
    let nodes = stated.nodes();
    let shown: Vec<Seen> = nodes
        .iter()
        .take(NODES_SHOWN)
        .map(|node| computed(facts, words::node(node)))
        .collect();
    let text = match nodes.as_slice() {
        [] => return,
        [one] => words::node(one),
        many => format!(
            "{} come into question, and each refuses it",
            count(many.len(), "node")
        ),
    };
    case.step(text, shown);
}

/// The nodes that do not come into question, in one line.
fn others(facts: &Facts<'_>, case: &mut Case, placement: &Placement, outlook: &Outlook) {
    let mut reasons: BTreeMap<String, Vec<&NodeFit>> = BTreeMap::new();
    for (at, node) in placement.fit.nodes.iter().enumerate() {
        if outlook.nodes.binary_search(&at).is_err()
            && let Some(first) = node.rejections.first()
        {
            reasons.entry(kind_words(first)).or_default().push(node);
        }
    }
    if outlook.nodes.is_empty() || reasons.is_empty() {
        return;
    }
    let mut groups: Vec<(String, Vec<&NodeFit>)> = reasons.into_iter().collect();
    groups.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
    let parts: Vec<String> = groups
        .iter()
        .take(4)
        .map(|(reason, nodes)| match nodes.as_slice() {
            [one] => format!("{} ({reason})", one.node),
            many => format!("{} ({reason})", count(many.len(), "node")),
        })
        .collect();
    let seen: Vec<Seen> = groups
        .iter()
        .take(4)
        .filter_map(|(_, nodes)| nodes.first())
        .map(|node| computed(facts, words::node(node)))
        .collect();
    case.step(format!("the others do not take it: {}", parts.join(", ")), seen);
}

fn kind_words(rejection: &Rejection) -> String {
    match rejection {
        Rejection::Taint(taint) => format!("taint {}", words::taint(taint)),
        Rejection::NodeAffinity(_) => "node selector or affinity".to_owned(),
        Rejection::Insufficient { resource, .. } => format!("too little {resource}"),
        Rejection::HostPort { port, .. } => format!("host port {port} taken"),
        Rejection::VolumeNodeAffinity { volume, .. } | Rejection::VolumeZone { volume, .. } => {
            format!("volume {volume} not reachable")
        }
        Rejection::Unschedulable => "cordoned".to_owned(),
        Rejection::TooManyPods { .. } => "number of pods reached".to_owned(),
        Rejection::PodAntiAffinity { .. } => "anti-affinity".to_owned(),
        Rejection::PodAffinity { .. } => "pod affinity".to_owned(),
        Rejection::Spread { .. } | Rejection::SpreadLabelMissing { .. } => "topology spread".to_owned(),
        other => words::rejection(other),
    }
}

/// The pod's workload for headlines: `deploy/app`, or the pod itself.
pub(super) fn who(facts: &Facts<'_>) -> String {
    if facts.episode.subject.kind == Kind::Pod {
        facts.workload().to_string()
    } else {
        "the pod".to_owned()
    }
}

/// A claim of the pod.
pub(super) fn claim_ref(facts: &Facts<'_>, claim: &str) -> ObjectRef {
    ObjectRef::new(
        Kind::PersistentVolumeClaim,
        &facts.episode.subject.namespace,
        claim,
    )
}

/// The field of the pod that asks for a resource, as evidence.
pub(super) fn request_field(facts: &Facts<'_>, resource: &str) -> Option<Seen> {
    facts
        .pod()
        .spec
        .containers
        .iter()
        .enumerate()
        .find_map(|(at, container)| {
            let amount = container.request(resource)?;
            let place = if container.resources.requests.contains_key(resource) {
                "requests"
            } else {
                "limits"
            };
            Some(facts.field(
                &format!("spec.containers[{at}].resources.{place}[{resource}]"),
                amount,
            ))
        })
}
