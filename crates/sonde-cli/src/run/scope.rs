//! From what people named to objects of the snapshot.

use std::collections::BTreeSet;

use anyhow::anyhow;
use sonde_diagnose::Scope;
use sonde_model::{BlindSpot, Kind, ObjectRef, nearest_few};
use sonde_world::{Object, Snapshot};

use crate::failure::{Failure, Outcome};
use crate::request::subject::Subject;
use crate::request::{Namespaces, Target};

/// What a selector without TYPE selects among.
const SELECTED: &[Kind] = &[
    Kind::Pod,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::ReplicaSet,
    Kind::Job,
    Kind::CronJob,
    Kind::Node,
    Kind::PersistentVolumeClaim,
];

/// The scope of a target in a snapshot. `usual` is the namespace of the context; `None` for input that has none.
pub(super) fn resolve(target: &Target, snapshot: &Snapshot, usual: Option<&str>) -> Outcome<Scope> {
    let namespace = match &target.namespaces {
        Namespaces::All => None,
        Namespaces::One(name) => Some(name.as_str()),
        Namespaces::Usual => usual,
    };
    if let Some(name) = namespace {
        exists(name, snapshot)?;
    }
    if let Some(selector) = &target.selector {
        let kinds: Vec<Kind> = match target.subjects.as_slice() {
            [] => SELECTED.to_vec(),
            subjects => subjects.iter().map(|it| it.kind.clone()).collect(),
        };
        let selected: BTreeSet<ObjectRef> = kinds
            .iter()
            .flat_map(|kind| objects(snapshot, kind, namespace))
            .filter(|object| selector.matches(|key| object.label(key)))
            .map(|object| object.reference.clone())
            .collect();
        if selected.is_empty() {
            return Err(nothing(&target.words(namespace)));
        }
        return Ok(Scope::Objects(selected));
    }
    if target.subjects.is_empty() {
        return Ok(namespace.map_or(Scope::All, |name| Scope::Namespace(name.to_owned())));
    }
    let mut named = BTreeSet::new();
    for subject in &target.subjects {
        match &subject.name {
            None => named.extend(objects(snapshot, &subject.kind, namespace).map(|it| it.reference.clone())),
            Some(name) => named.extend(by_name(snapshot, subject, name, namespace)?),
        }
        if let (Kind::Namespace, Some(name)) = (&subject.kind, &subject.name) {
            let within = snapshot.objects().map(|object| &object.reference);
            named.extend(within.filter(|it| *it.namespace == **name).cloned());
        }
    }
    if named.is_empty() {
        return Err(nothing(&target.words(namespace)));
    }
    Ok(Scope::Objects(named))
}

/// What was asked about does not exist: that must not read as health.
fn nothing(asked: &str) -> Failure {
    Failure::new(anyhow!("nothing was found in {asked}"))
        .hint("kubectl get with the same words shows what there is")
}

/// Kinds that were asked about and that nobody looks at: no finding of theirs means nothing.
pub(super) fn unexamined(target: &Target) -> Vec<BlindSpot> {
    let mut kinds: Vec<&Kind> = target.subjects.iter().map(|it| &it.kind).collect();
    kinds.dedup();
    kinds
        .into_iter()
        .filter(|kind| !sonde_diagnose::examines(kind))
        .map(|kind| BlindSpot {
            what: format!("{kind} objects themselves"),
            why: "Sonde has no checks for this kind; it only sees a deletion that hangs".to_owned(),
            forbids: Vec::new(),
        })
        .collect()
}

fn objects<'a>(
    snapshot: &'a Snapshot,
    kind: &Kind,
    namespace: Option<&'a str>,
) -> impl Iterator<Item = &'a Object> + use<'a> {
    let everywhere = !kind.is_namespaced();
    snapshot
        .of_kind(kind.clone())
        .filter(move |object| everywhere || namespace.is_none_or(|name| *object.reference.namespace == *name))
        .map(AsRef::as_ref)
}

/// A misspelt namespace must not read as a healthy one.
fn exists(name: &str, snapshot: &Snapshot) -> Outcome<()> {
    let has = |object: &Object| {
        *object.reference.namespace == *name
            || (object.reference.kind == Kind::Namespace && *object.reference.name == *name)
    };
    if snapshot.is_empty() || snapshot.objects().any(|object| has(object)) {
        return Ok(());
    }
    let mut names: Vec<&str> = snapshot
        .objects()
        .map(|object| match object.reference.kind {
            Kind::Namespace => &*object.reference.name,
            _ => &*object.reference.namespace,
        })
        .filter(|name| !name.is_empty())
        .collect();
    names.sort_unstable();
    names.dedup();
    // An empty namespace that was listed completely is simply empty.
    if names.is_empty() && snapshot.is_complete(&Kind::Pod, name) {
        return Ok(());
    }
    let failure = Failure::new(if snapshot.is_complete_everywhere(&Kind::Namespace) {
        anyhow!("there is no namespace {name:?}")
    } else {
        anyhow!("nothing was found in namespace {name:?}")
    });
    Err(with_nearest(failure, name, &names))
}

fn by_name(
    snapshot: &Snapshot,
    subject: &Subject,
    name: &str,
    namespace: Option<&str>,
) -> Outcome<Vec<ObjectRef>> {
    let found: Vec<ObjectRef> = objects(snapshot, &subject.kind, namespace)
        .filter(|object| *object.reference.name == *name)
        .map(|object| object.reference.clone())
        .collect();
    if !found.is_empty() {
        return Ok(found);
    }
    // An object that is gone may have left events.
    let mut gone: Vec<ObjectRef> = snapshot
        .of_kind(Kind::Event)
        .filter_map(|object| object.event())
        .map(|event| &event.about)
        .filter(|about| about.kind == subject.kind && *about.name == *name)
        .filter(|about| namespace.is_none_or(|namespace| *about.namespace == *namespace))
        .cloned()
        .collect();
    gone.sort();
    gone.dedup();
    if !gone.is_empty() {
        return Ok(gone);
    }
    let place = match namespace {
        Some(namespace) if subject.kind.is_namespaced() => format!(" in namespace {namespace}"),
        _ => String::new(),
    };
    let is_complete = match namespace {
        Some(namespace) if subject.kind.is_namespaced() => snapshot.is_complete(&subject.kind, namespace),
        _ => snapshot.is_complete_everywhere(&subject.kind),
    };
    let failure = Failure::new(anyhow!("{subject} was not found{place}"));
    let names: Vec<&str> = objects(snapshot, &subject.kind, namespace)
        .map(|object| &*object.reference.name)
        .collect();
    let elsewhere: Vec<&str> = objects(snapshot, &subject.kind, None)
        .filter(|object| *object.reference.name == *name)
        .map(|object| &*object.reference.namespace)
        .collect();
    if !is_complete && names.is_empty() && elsewhere.is_empty() {
        // Refused, or no part of a dump: that is no word on whether it exists.
        return Err(unread(subject, &place));
    }
    match elsewhere.first() {
        Some(other) => Err(failure.hint(format!("it is in namespace {other}: use -n {other}"))),
        None => Err(with_nearest(failure, name, &names)),
    }
}

fn unread(subject: &Subject, place: &str) -> Failure {
    let plural = subject
        .kind
        .info()
        .map_or_else(|| subject.kind.word(), |info| info.plural.to_owned());
    Failure::new(anyhow!(
        "{subject} is not among what was read{place}; whether it exists is not known, because the list of {plural} could not be read completely"
    ))
    .hint(format!("on a live cluster, `kubectl auth can-i list {plural}` tells whether you may; a pod that you may read can be asked about by its name"))
}

/// Names that are offered in place of one that does not exist.
const NEAREST_MAX: usize = 3;

/// Names that are spelt nearly so, or start so, as a hint; else a few of those there are.
pub(super) fn with_nearest(failure: Failure, wanted: &str, names: &[&str]) -> Failure {
    // What people type of a pod's name is often its beginning.
    let begins = |name: &&&str| name.starts_with(wanted) || wanted.starts_with(**name);
    let mut near: Vec<&str> = names.iter().filter(begins).copied().collect();
    near.sort_unstable();
    let mut others: Vec<&str> = names.iter().filter(|name| !begins(name)).copied().collect();
    others.sort_unstable();
    near.extend(nearest_few(wanted, others, NEAREST_MAX));
    near.truncate(NEAREST_MAX);
    if near.is_empty() {
        match names {
            [] => failure,
            few if few.len() <= 8 => failure.hint(format!("there are {}", few.join(", "))),
            many => failure.hint(format!(
                "there are {} and {} more",
                many[..5].join(", "),
                many.len() - 5
            )),
        }
    } else {
        failure.hint(format!("did you mean {}?", near.join(" or ")))
    }
}

#[cfg(test)]
mod tests {
    use sonde_world::World;

    use super::*;
    use crate::request::{selector, subject};

    fn world() -> Snapshot {
        let mut world = World::new();
        for (kind, namespace, name, app) in [
            ("Pod", "shop", "checkout-1", "checkout"),
            ("Pod", "shop", "payment-1", "payment"),
            ("Pod", "bank", "checkout-1", "checkout"),
            ("Node", "", "worker-1", "none"),
            ("Deployment", "shop", "checkout", "checkout"),
        ] {
            let object = serde_json::json!({
                "apiVersion": "v1", "kind": kind,
                "metadata": {"name": name, "namespace": namespace, "labels": {"app": app}},
            });
            world.put_json(object.to_string().into(), None).unwrap();
        }
        let event = serde_json::json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "shop"},
            "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "gone-1"},
            "reason": "Killing", "message": "m", "type": "Normal",
        });
        world.put_json(event.to_string().into(), None).unwrap();
        world.snapshot()
    }

    fn ask(words: &[&str], select: Option<&str>, namespaces: Namespaces) -> Result<String, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let target = Target {
            namespaces,
            subjects: subject::parse(&words).unwrap(),
            selector: select.map(|text| selector::parse(text).unwrap()),
        };
        resolve(&target, &world(), Some("shop"))
            .map(|scope| match scope {
                Scope::All => "all".to_owned(),
                Scope::Namespace(name) => format!("-n {name}"),
                Scope::Objects(objects) => {
                    let words: Vec<String> = objects.iter().map(ObjectRef::kubectl).collect();
                    words.join(", ")
                }
            })
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn names_become_objects_of_the_snapshot() {
        use Namespaces::{All, One, Usual};
        for (words, select, namespaces, expected) in [
            (&[][..], None, Usual, "-n shop"),
            (&[], None, All, "all"),
            (&["pod/checkout-1"], None, Usual, "pod/checkout-1 -n shop"),
            (
                &["pod/checkout-1"],
                None,
                One("bank".into()),
                "pod/checkout-1 -n bank",
            ),
            (
                &["pod/checkout-1"],
                None,
                All,
                "pod/checkout-1 -n bank, pod/checkout-1 -n shop",
            ),
            (&["node/worker-1"], None, Usual, "node/worker-1"),
            (
                &["pods"],
                None,
                Usual,
                "pod/checkout-1 -n shop, pod/payment-1 -n shop",
            ),
            (&["pod/gone-1"], None, Usual, "pod/gone-1 -n shop"),
            (
                &[],
                Some("app=checkout"),
                Usual,
                "pod/checkout-1 -n shop, deploy/checkout -n shop",
            ),
            (
                &["deploy"],
                Some("app in (checkout)"),
                All,
                "deploy/checkout -n shop",
            ),
        ] {
            assert_eq!(
                ask(words, select, namespaces).unwrap(),
                expected,
                "{words:?} {select:?}"
            );
        }
    }

    #[test]
    fn what_is_not_there_gets_a_hint() {
        use Namespaces::{One, Usual};
        for (words, namespaces, expected) in [
            (&["pod/chekout-1"][..], Usual, "did you mean checkout-1?"),
            (&["pod/checkout"], Usual, "did you mean checkout-1?"),
            (
                &["pod/payment-1"],
                One("bank".into()),
                "it is in namespace shop: use -n shop",
            ),
            (&["pod/zzz"], Usual, "there are checkout-1, payment-1"),
            (&[], One("shpo".into()), "did you mean shop?"),
            (
                &["sts"],
                Usual,
                "nothing was found in all statefulsets of namespace shop",
            ),
            (
                &["sts/x"],
                Usual,
                "sts/x is not among what was read in namespace shop; whether it exists is not known",
            ),
        ] {
            let message = ask(words, None, namespaces).unwrap_err();
            assert!(message.contains(expected), "{words:?}: {message}");
        }
    }
}
