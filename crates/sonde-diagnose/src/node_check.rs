//! What the checks of a node say, for the causes that tell of one each.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sonde_grammar::Fact;
use sonde_grammar::fact::NodeCheck;
use sonde_model::{CheckKind, CheckVerdict, EvidenceKind, Kind, Moment as _, ObjectRef, Risk, Severity};

use crate::{Case, Episode, Facts, Scope, Seen, Symptom, Texts};

/// A check that is older tells of the past. A guess: agents check every half minute.
const FRESH: SignedDuration = SignedDuration::from_mins(10);

/// How a cause tells of a check that failed.
pub(crate) struct Told {
    /// The check.
    pub(crate) kind: CheckKind,
    /// What is wrong, about whom.
    pub(crate) headline: fn(&NodeCheck) -> String,
    /// What follows from it, step by step.
    pub(crate) then: &'static [&'static str],
    /// What a person can look at: words and a command for the node.
    pub(crate) look: (&'static str, &'static str),
    /// What to do.
    pub(crate) advice: &'static [(&'static str, Risk)],
}

/// Each thing that fails the check is a fault of its own: two full disks are two.
pub(crate) fn tell(facts: &Facts<'_>, case: &mut Case, told: &Told) {
    if facts.episode.word != told.kind.symptom() || facts.episode.subject.kind != Kind::Node {
        return;
    }
    let node = &facts.episode.subject;
    let mut first = true;
    for (check, time) in newest(facts.texts, facts.now) {
        if check.kind != told.kind || *check.node != *node.name || check.verdict < CheckVerdict::Warning {
            continue;
        }
        let case = if std::mem::take(&mut first) {
            &mut *case
        } else {
            case.beside()
        };
        let seen = Seen {
            kind: EvidenceKind::Agent,
            source: format!("{} on {}", check.read, check.node),
            object: Some(node.clone()),
            time,
            text: check.found.clone(),
        };
        case.proven_by(seen.clone());
        case.step(format!("{}: {}", title(check), check.found), [seen.clone()]);
        if !check.who.is_empty() {
            let most = Seen {
                text: check.who.clone(),
                ..seen
            };
            case.step(format!("most of it is of {}", check.who), [most]);
        }
        for step in told.then {
            case.step(*step, []);
        }
        case.headline((told.headline)(check));
        case.severity(match check.verdict {
            CheckVerdict::Critical => Severity::Error,
            _ => Severity::Warning,
        });
        // What a pod's own queue or limit overflows is the pod's trouble.
        let root = match check.pod.as_str() {
            "" => node.clone(),
            pod => {
                let pod = ObjectRef::new(Kind::Pod, &check.namespace, pod);
                case.explains(pod.clone());
                facts.snapshot.root_owner(&pod)
            }
        };
        case.root(root);
        case.root_key(format!("{} {}", check.kind.word(), about(check)));
        let (words, command) = told.look;
        case.look(words, format!("ssh {} {}", node.name, quoted(command)));
        for (text, risk) in told.advice {
            case.advice(*text, *risk);
        }
    }
}

/// One argument of a shell; the commands are ours and have no quote.
fn quoted(command: &str) -> String {
    format!("'{command}'")
}

/// `space left on a file system /var`.
fn title(check: &NodeCheck) -> String {
    match about(check).as_str() {
        "" => check.kind.title().to_owned(),
        about => format!("{} ({about})", check.kind.title()),
    }
}

/// Of what: the pod's container, or the mount point, disk or socket.
pub(crate) fn about(check: &NodeCheck) -> String {
    if check.pod.is_empty() {
        return check.about.clone();
    }
    format!("{}/{}/{}", check.namespace, check.pod, check.container)
}

/// The pod's container, else the node.
pub(crate) fn at_pod_or_node(check: &NodeCheck) -> String {
    match about(check).as_str() {
        "" => format!("a program on node {}", check.node),
        about => about.to_owned(),
    }
}

/// Opens an episode for each node and each of its checks that fails and has a cause.
pub(crate) fn open(
    texts: &Texts,
    now: Option<Timestamp>,
    wanted: impl Fn(&ObjectRef) -> bool,
) -> Vec<Episode> {
    let mut opened: BTreeSet<(ObjectRef, CheckKind)> = BTreeSet::new();
    for (check, _) in newest(texts, now) {
        let node = ObjectRef::cluster(Kind::Node, &check.node);
        if check.verdict >= CheckVerdict::Warning && check.kind.code().is_some() && wanted(&node) {
            opened.insert((node, check.kind));
        }
    }
    opened
        .into_iter()
        // Since when is not known: a check tells of its own moment.
        .map(|(node, kind)| Episode::new(node, Symptom::NodePressure, kind.symptom()))
        .collect()
}

/// A node that the world does not have is in scope where everything is, or where it was named.
pub(crate) fn is_wanted(scope: &Scope, node: &ObjectRef) -> bool {
    match scope {
        Scope::All => true,
        Scope::Namespace(_) => false,
        Scope::Objects(wanted) => wanted.contains(node),
    }
}

/// The newest word about each thing that was checked, where it is not too old.
fn newest(texts: &Texts, now: Option<Timestamp>) -> Vec<(&NodeCheck, Option<Timestamp>)> {
    let mut all: BTreeMap<(&str, CheckKind, String), (&NodeCheck, Option<Timestamp>)> = BTreeMap::new();
    for line in texts.node.values().flatten() {
        for fact in &line.facts {
            let Fact::NodeCheck(check) = fact else { continue };
            let old = now
                .zip(line.time)
                .is_some_and(|(now, time)| time < now.earlier(FRESH));
            let key = (&*check.node, check.kind, about(check));
            let newer = all.get(&key).is_none_or(|(_, time)| line.time >= *time);
            if newer && !old {
                all.insert(key, (&**check, line.time));
            }
        }
    }
    all.into_values().collect()
}
