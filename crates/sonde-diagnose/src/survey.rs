//! What is true of many subjects at once, so that a cause can say how far its trouble reaches.
//!
//! Made at most once for a question, and only when a cause asks; it looks at subjects in trouble, never at healthy ones.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use sonde_grammar::fact::{PullFact, PullFailure};
use sonde_grammar::{Fact, message};
use sonde_model::{Kind, ObjectRef};
use sonde_world::view::Pod;
use sonde_world::{ContainerState, Object, Snapshot};

use crate::triage::IMAGE_REASONS;

/// Beyond this many pods the reach is clear.
const PODS_MAX: usize = 2_000;

/// One container whose image cannot be pulled.
#[derive(Debug)]
pub(crate) struct FailedPull {
    pub(crate) pod: ObjectRef,
    pub(crate) node: Arc<str>,
    pub(crate) image: String,
    pub(crate) registry: String,
    /// Why, where status or events tell.
    pub(crate) failure: Option<PullFailure>,
}

/// A node's name and a resource's.
type NodeResource = (String, String);

/// The survey.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) pulls: Vec<FailedPull>,
    /// Live pods of a node without a limit for a resource; filled as it is asked for.
    unbounded: RefCell<BTreeMap<NodeResource, Rc<[ObjectRef]>>>,
    /// By namespace and owner, the last pod that was preempted; looked up once.
    preempted: OnceCell<BTreeMap<(Arc<str>, String), ObjectRef>>,
}

impl Survey {
    pub(crate) fn new(snapshot: &Snapshot) -> Survey {
        let mut survey = Survey::default();
        let troubled = snapshot
            .of_kind(Kind::Pod)
            .filter(|object| is_pulling_in_vain(object));
        for object in troubled.take(PODS_MAX) {
            survey.pulls.extend(pulls(snapshot, object));
        }
        survey
    }

    /// The last pod of an owner that was preempted, by the events: the pod itself is gone as a rule.
    pub(crate) fn preempted(&self, snapshot: &Snapshot, owner: &ObjectRef) -> Option<ObjectRef> {
        let find = || {
            let victims = snapshot.of_kind(Kind::Event).filter_map(|object| {
                let event = object.event().filter(|it| it.reason.as_ref() == "Preempted")?;
                let (owner, _) = event.about.name.rsplit_once('-')?;
                let key = (event.about.namespace.clone(), owner.to_owned());
                (event.about.kind == Kind::Pod).then(|| (event.last, key, event.about.clone()))
            });
            let mut victims: Vec<_> = victims.collect();
            victims.sort();
            victims.into_iter().map(|(_, key, about)| (key, about)).collect()
        };
        let key = (owner.namespace.clone(), owner.name.to_string());
        self.preempted.get_or_init(find).get(&key).cloned()
    }

    /// The live pods of a node that may take as much of a resource as they like, in order. Each pod is decoded once,
    /// however many evicted ones ask.
    pub(crate) fn unbounded(&self, snapshot: &Snapshot, node: &str, resource: &str) -> Rc<[ObjectRef]> {
        let mut known = self.unbounded.borrow_mut();
        let find = || {
            let live = snapshot
                .pods_on_node(node)
                .filter(|object| object.pod().is_some_and(|pod| !pod.is_terminal()));
            let mut found: Vec<ObjectRef> = live
                .filter(|object| {
                    let pod = object.encoded.decode::<Pod>();
                    pod.is_ok_and(|pod| pod.spec.containers.iter().any(|it| it.limit(resource).is_none()))
                })
                .map(|object| object.reference.clone())
                .collect();
            found.sort_unstable();
            found.into()
        };
        known
            .entry((node.to_owned(), resource.to_owned()))
            .or_insert_with(find)
            .clone()
    }
}

fn is_pulling_in_vain(object: &Object) -> bool {
    object.pod().is_some_and(|pod| {
        pod.containers.iter().any(|container| match &container.state {
            ContainerState::Waiting { reason } => IMAGE_REASONS.contains(&reason.as_ref()),
            _ => false,
        })
    })
}

fn pulls(snapshot: &Snapshot, object: &Object) -> Vec<FailedPull> {
    let Ok(pod) = object.encoded.decode::<Pod>() else {
        return Vec::new();
    };
    let statuses = pod
        .status
        .init_container_statuses
        .iter()
        .chain(&pod.status.container_statuses);
    let mut pulls = Vec::new();
    for status in statuses {
        let Some(waiting) = &status.state.waiting else {
            continue;
        };
        if !IMAGE_REASONS.contains(&waiting.reason.as_str()) {
            continue;
        }
        let image = pod
            .container(&status.name)
            .map_or(&status.image, |(container, _)| &container.image);
        let said = failure(&waiting.reason, &waiting.message);
        pulls.push(FailedPull {
            pod: object.reference.clone(),
            node: pod.spec.node_name.as_str().into(),
            image: image.clone(),
            registry: registry_of(image).to_owned(),
            failure: said.or_else(|| failure_in_events(snapshot, object, &status.name)),
        });
    }
    pulls
}

fn failure_in_events(snapshot: &Snapshot, object: &Object, container: &str) -> Option<PullFailure> {
    let events = snapshot.events_about(&object.reference);
    events
        .into_iter()
        .rev()
        .filter_map(|event| event.event())
        .find_map(|event| {
            let ours = event.container.as_deref().is_none_or(|named| named == container);
            if ours {
                failure(&event.reason, &event.message)
            } else {
                None
            }
        })
}

fn failure(reason: &str, text: &str) -> Option<PullFailure> {
    message::facts(reason, text)
        .into_iter()
        .find_map(|fact| match fact {
            Fact::Pull(PullFact::Failed { failure, .. }) => Some(failure),
            _ => None,
        })
}

/// The registry that an image name means; without a host it is Docker Hub, unless the node is configured otherwise.
pub(crate) fn registry_of(image: &str) -> &str {
    match image.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => match first {
            "index.docker.io" | "registry-1.docker.io" => "docker.io",
            host => host,
        },
        _ => "docker.io",
    }
}

#[cfg(test)]
mod tests {
    use super::registry_of;

    #[test]
    fn images_name_their_registry() {
        for (image, registry) in [
            ("nginx", "docker.io"),
            ("library/nginx:1", "docker.io"),
            ("r.example/a/b:1", "r.example"),
            ("r.example:5000/a", "r.example:5000"),
            ("localhost/a", "localhost"),
            ("index.docker.io/a/b", "docker.io"),
            ("", "docker.io"),
        ] {
            assert_eq!(registry_of(image), registry, "{image}");
        }
    }
}
