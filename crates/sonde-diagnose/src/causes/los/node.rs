//! What the causes of a lost or not ready node have in common: the node's own evidence, and its pods.

use crate::wording;
use jiff::{SignedDuration, Timestamp};
use sonde_grammar::Fact;
use sonde_grammar::fact::NodeFact;
use sonde_model::{EvidenceKind, Kind, Moment as _, ObjectRef, Risk, Severity};
use sonde_world::view::{Condition, Lease, Node};

use crate::{Case, Facts, Message, Seen, Symptom, field_on};

/// A kubelet that has just started, or a node that has just joined, is not ready for this long without trouble; a guess.
const STARTING: SignedDuration = SignedDuration::from_mins(2);
/// The control plane counts a node as lost 40 to 50 seconds after its last word; what kept it silent was said from then
/// on, or shortly before.
const BEFORE_LOSS: SignedDuration = SignedDuration::from_mins(2);
/// A graceful shutdown takes minutes, in which the node still reports.
const SHUTDOWN: SignedDuration = SignedDuration::from_mins(15);
/// How many of the node's pods are named.
const NAMED_MAX: usize = 5;

/// The node of an episode: of the node itself, of a pod that nobody can reach there, or of a text that names none.
pub(super) struct Home {
    pub(super) reference: ObjectRef,
    pub(super) node: Node,
    messages: Vec<Message>,
    pub(super) is_text: bool,
}

/// The node, where it is known and does not report well. A pod that is stuck in deletion on a node that works is
/// none of these causes' business.
pub(super) fn troubled(facts: &Facts<'_>) -> Option<Home> {
    if facts.is_text() && facts.episode.symptom == Symptom::NodeNotReady {
        return Some(Home {
            reference: facts.episode.subject.clone(),
            node: Node::default(),
            messages: facts.messages().cloned().collect(),
            is_text: true,
        });
    }
    let reference = facts.node_ref()?;
    let node = facts.node()?;
    node.condition("Ready").filter(|ready| !ready.is_true())?;
    let messages = facts.messages_about(&reference);
    Some(Home {
        reference,
        node,
        messages,
        is_text: false,
    })
}

/// How a cause tells what one word of the node means.
pub(super) struct Told {
    /// Whether the control plane hears nothing of the node any more; `None` where both can be.
    pub(super) silent: Option<bool>,
    /// Whether the fact is the cause's.
    pub(super) is: fn(&NodeFact) -> bool,
    /// The chain's first step; the node's name and the words follow.
    pub(super) step: fn(&str, &str) -> String,
    /// What is wrong with the node, after "node n1 ".
    pub(super) headline: &'static str,
}

/// States the case of a cause that the node's own words prove. `false` where they do not.
pub(super) fn tell(facts: &Facts<'_>, case: &mut Case, told: &Told) -> bool {
    let Some(home) = troubled(facts) else { return false };
    let word = match (home.is_text, home.is_silent()) {
        (true, _) => home.word(None, |fact| is_state(fact) || is_silencer(fact)),
        (false, silent) if told.silent.is_some_and(|wanted| wanted != silent) => return false,
        (false, true) => home.silenced_by(),
        (false, false) => home.state(),
    };
    let Some((fact, seen)) = word.filter(|(fact, _)| (told.is)(fact)) else {
        return false;
    };
    let starting = is_starting(&fact);
    let young = home.lasted(facts).is_none_or(|it| it < STARTING);
    match () {
        // A line of a log may be of a moment that has passed.
        () if home.is_text && !starting => case.supported_by(seen.clone()),
        () if (starting || home.has_just_joined(facts)) && young => case.hinted_by(seen.clone()),
        // It has not come up since its start: nearly certain, though its words are those of a start.
        () if starting => case.supported_by(seen.clone()),
        () => case.proven_by(seen.clone()),
    };
    if home.is_text {
        case.look(
            "whether the node is still so",
            "kubectl get nodes; kubectl describe node NAME",
        );
    }
    let name = home.name();
    case.step((told.step)(&name, words(&fact)), [seen]);
    case.step("so the node is not ready", home.ready().map(|(_, seen)| seen));
    home.conclude(facts, case);
    case.headline(format!("{} {}", home.phrase(), told.headline));
    true
}

/// The kubelet says so for the first seconds of its life.
fn is_starting(fact: &NodeFact) -> bool {
    matches!(fact, NodeFact::RuntimeDown { detail } if detail.contains("may not have completed yet") && !detail.contains("runtime is down"))
        || matches!(fact, NodeFact::PlegUnhealthy { detail } if detail.contains("yet to be successful"))
}

/// The states that one kubelet reports at once, the root of the others first: a runtime that is down neither lists its
/// containers nor knows a network.
fn rank(fact: &NodeFact) -> u8 {
    match fact {
        NodeFact::ShuttingDown => 0,
        NodeFact::RuntimeDown { .. } if is_starting(fact) => 5,
        _ if is_starting(fact) => 6,
        NodeFact::RuntimeDown { .. } => 1,
        NodeFact::PlegUnhealthy { .. } => 2,
        NodeFact::NetworkNotReady { .. } => 3,
        _ => 4,
    }
}

/// What a node that reports may say of itself.
fn is_state(fact: &NodeFact) -> bool {
    use NodeFact::{KubeletNotReady, NetworkNotReady, PlegUnhealthy, RuntimeDown, ShuttingDown};
    matches!(
        fact,
        PlegUnhealthy { .. }
            | RuntimeDown { .. }
            | NetworkNotReady { .. }
            | KubeletNotReady { .. }
            | ShuttingDown
    )
}

/// What keeps a kubelet that runs, or its machine, from reporting.
fn is_silencer(fact: &NodeFact) -> bool {
    use NodeFact::{ApiForbidden, ApiUnreachable, Certificate, ShuttingDown};
    matches!(
        fact,
        ShuttingDown | Certificate { .. } | ApiUnreachable { .. } | ApiForbidden { .. }
    )
}

fn words(fact: &NodeFact) -> &str {
    match fact {
        NodeFact::PlegUnhealthy { detail }
        | NodeFact::RuntimeDown { detail }
        | NodeFact::NetworkNotReady { detail }
        | NodeFact::Certificate { detail }
        | NodeFact::ApiUnreachable { detail }
        | NodeFact::ApiForbidden { detail } => detail,
        _ => "it says that it shuts down",
    }
}

impl Home {
    /// The node's name, in words where a text does not tell it.
    pub(super) fn name(&self) -> String {
        if self.reference.kind == Kind::Node {
            self.reference.name.to_string()
        } else {
            "the node".into()
        }
    }

    /// "node n1", "a node".
    pub(super) fn phrase(&self) -> String {
        if self.reference.kind == Kind::Node {
            format!("node {}", self.reference.name)
        } else {
            "a node".into()
        }
    }

    /// The Ready condition as evidence.
    pub(super) fn ready(&self) -> Option<(&Condition, Seen)> {
        let ready = self.node.condition("Ready")?;
        let parts = [&ready.status, &ready.reason, &ready.message];
        let parts: Vec<&str> = parts
            .into_iter()
            .map(String::as_str)
            .filter(|it| !it.is_empty())
            .collect();
        let text = parts.join(": ");
        // Only a table shows no reason: it prints one word for a node that says no, and for one that says nothing.
        let (path, text) = match ready.status.as_str() {
            "False" if ready.reason.is_empty() && ready.message.is_empty() => {
                ("STATUS in the table", "NotReady".to_owned())
            }
            _ => ("status.conditions[Ready]", text),
        };
        let mut seen = field_on(&self.reference, path, text);
        seen.time = ready.last_transition_time.0;
        Some((ready, seen))
    }

    /// Only a table tells of the node, and that it is not ready.
    pub(super) fn is_bare(&self, facts: &Facts<'_>) -> bool {
        let object = facts.snapshot.get(&self.reference);
        let ready = self.node.condition("Ready");
        object.is_some_and(|object| object.partial)
            && ready.is_none_or(|ready| ready.reason.is_empty() && ready.message.is_empty())
    }

    /// The control plane has not heard of the node: everything else it shows is old.
    pub(super) fn is_silent(&self) -> bool {
        self.node
            .condition("Ready")
            .is_some_and(|ready| ready.status == "Unknown")
    }

    /// When the node's present state began.
    fn lost_at(&self) -> Option<Timestamp> {
        self.node
            .condition("Ready")
            .and_then(|ready| ready.last_transition_time.0)
    }

    fn lasted(&self, facts: &Facts<'_>) -> Option<SignedDuration> {
        Some(facts.now?.duration_since(self.lost_at()?))
    }

    /// A node gets its network plugin's files only after it has joined.
    fn has_just_joined(&self, facts: &Facts<'_>) -> bool {
        let created = self.node.metadata.creation_timestamp.0;
        facts
            .now
            .zip(created)
            .is_some_and(|(now, created)| now.duration_since(created) < STARTING)
    }

    /// The state in which a node that reports is. Its condition is its present word; lines of its log count only where
    /// the condition does not tell.
    fn state(&self) -> Option<(NodeFact, Seen)> {
        let (ready, seen) = self.ready()?;
        let now: Vec<NodeFact> = sonde_grammar::message::facts(&ready.reason, &ready.message)
            .into_iter()
            .filter_map(|fact| match fact {
                Fact::Node(fact) if is_state(&fact) => Some(fact),
                _ => None,
            })
            .collect();
        match now.into_iter().min_by_key(rank) {
            Some(fact) => Some((fact, seen)),
            None => self.word(self.lost_at().map(|lost| lost.earlier(BEFORE_LOSS)), is_state),
        }
    }

    /// What keeps a node silent: its newest word about that, unless it was said long before the node was lost.
    fn silenced_by(&self) -> Option<(NodeFact, Seen)> {
        let since = |fact: &NodeFact| match fact {
            NodeFact::ShuttingDown => SHUTDOWN,
            _ => BEFORE_LOSS,
        };
        let lost = self.lost_at();
        let (fact, seen) = self.word(None, is_silencer)?;
        let recent = lost
            .zip(seen.time)
            .is_none_or(|(lost, said)| said >= lost.earlier(since(&fact)));
        recent.then_some((fact, seen))
    }

    /// The newest message with a fact that `pick` takes, of several facts the root of the others.
    pub(super) fn word(
        &self,
        since: Option<Timestamp>,
        pick: impl Fn(&NodeFact) -> bool,
    ) -> Option<(NodeFact, Seen)> {
        self.messages
            .iter()
            .filter(|message| message.origin != crate::Origin::Status || self.is_text)
            .filter(|message| {
                since
                    .zip(message.seen.time)
                    .is_none_or(|(since, time)| time >= since)
            })
            .find_map(|message| {
                let said = message.facts.iter().filter_map(|fact| match fact {
                    Fact::Node(fact) if pick(fact) => Some(fact.clone()),
                    _ => None,
                });
                Some((said.min_by_key(rank)?, message.seen()))
            })
    }

    /// The kubelet's last word: its lease is renewed every ten seconds, its status every few minutes.
    pub(super) fn last_heartbeat(&self, facts: &Facts<'_>) -> Option<(Timestamp, Seen)> {
        let lease_ref = ObjectRef::new(Kind::Lease, "kube-node-lease", &self.reference.name);
        let lease = facts
            .snapshot
            .view::<Lease>(&lease_ref)
            .and_then(|it| it.spec.renew_time.0);
        let status = self
            .node
            .condition("Ready")
            .and_then(|it| it.last_heartbeat_time.0);
        let (time, mut seen) = match (lease, status) {
            (Some(lease), status) if status.is_none_or(|status| lease >= status) => {
                (lease, field_on(&lease_ref, "spec.renewTime", lease))
            }
            (_, Some(status)) => {
                let path = "status.conditions[Ready].lastHeartbeatTime";
                (status, field_on(&self.reference, path, status))
            }
            _ => return None,
        };
        seen.time = Some(time);
        Some((time, seen))
    }

    /// Ends the chain with what it means for the pods, and roots the case at the node.
    pub(super) fn conclude(&self, facts: &Facts<'_>, case: &mut Case) {
        if self.is_text {
            return;
        }
        let name = &self.reference.name;
        if let Some((time, seen)) = self.last_heartbeat(facts).filter(|_| self.is_silent()) {
            case.step(format!("the kubelet of {name} reported last at {time}"), [seen]);
        }
        let mut pods: Vec<String> = facts
            .snapshot
            .pods_on_node(name)
            .filter(|it| it.pod().is_some_and(|it| !it.is_terminal()))
            .map(|it| format!("{}/{}", it.reference.namespace, it.reference.name))
            .collect();
        pods.sort();
        let count = pods.len();
        if count == 0 && !facts.snapshot.is_complete_everywhere(&Kind::Pod) {
            case.step("which pods are bound to it was not read", []);
            return self.end(facts, case);
        }
        pods.truncate(NAMED_MAX);
        let more = if count > pods.len() { " and others" } else { "" };
        let text = if count == 0 {
            "none that has not ended".to_owned()
        } else {
            format!("{count} that have not ended: {}{more}", pods.join(", "))
        };
        let seen = Seen {
            kind: EvidenceKind::Computed,
            source: format!("pods bound to {name}"),
            object: Some(self.reference.clone()),
            time: None,
            text,
        };
        let effect = if self.is_silent() {
            "what they do is not known, and they may still run"
        } else {
            "they get no service traffic while the node is not ready, and new pods avoid it"
        };
        case.step(
            format!(
                "{} {} bound to {name}: {effect}",
                wording::count(count, "pod"),
                wording::agree(count, "is", "are")
            ),
            [seen],
        );
        self.end(facts, case);
    }

    fn end(&self, facts: &Facts<'_>, case: &mut Case) {
        case.severity(Severity::Critical);
        case.root(self.reference.clone());
        if facts.episode.symptom == Symptom::Deleting {
            case.advice(crate::causes::forced_delete_leaves(facts), Risk::DataLoss);
        }
    }
}

/// A pod whose node object does not exist any more.
pub(super) fn gone(facts: &Facts<'_>) -> Option<(ObjectRef, Seen)> {
    if facts.episode.subject.kind != Kind::Pod
        || !matches!(facts.episode.symptom, Symptom::Lost | Symptom::Deleting)
    {
        return None;
    }
    // A pod that names a node which never was has neither been placed by a scheduler nor taken by a kubelet.
    if !facts.is_partial() && facts.was_bound_by_hand() {
        return None;
    }
    let reference = facts.node_ref()?;
    let seen = facts.absence(&reference)?;
    Some((reference, seen))
}
