//! The World at one revision, and a fork of it.

use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use sonde_model::{Kind, ObjectRef};

use crate::state::State;
use crate::view::{self, LabelSelector};
use crate::{Completeness, Coverage, DecodeError, Object, ReadError, Revision, World};

/// The World at one revision. Copies share everything.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    state: State,
}

impl Snapshot {
    pub(crate) fn new(state: State) -> Self {
        Self { state }
    }

    /// Its revision.
    pub fn revision(&self) -> Revision {
        self.state.revision
    }

    /// What was completely listed.
    pub fn coverage(&self) -> &Coverage {
        &self.state.coverage
    }

    /// Whether the absence of an object proves that it does not exist.
    pub fn is_complete(&self, kind: &Kind, namespace: &str) -> bool {
        self.state.coverage.of(kind).covers(namespace)
    }

    /// Whether every object of a kind in the cluster is known.
    pub fn is_complete_everywhere(&self, kind: &Kind) -> bool {
        matches!(self.state.coverage.of(kind), Completeness::All)
    }

    /// An object by its reference.
    pub fn get(&self, reference: &ObjectRef) -> Option<&Arc<Object>> {
        self.state.objects.get(reference)
    }

    /// Whether the object is known not to exist: not here, and its kind and namespace completely listed, or asked for by
    /// name in vain.
    pub fn is_absent(&self, reference: &ObjectRef) -> bool {
        self.get(reference).is_none()
            && (self.is_complete(&reference.kind, &reference.namespace)
                || self.state.absent.contains(reference))
    }

    /// Objects that were asked for by name, and are not there.
    pub fn absent(&self) -> impl Iterator<Item = &ObjectRef> {
        self.state.absent.iter()
    }

    /// Every object of a kind, by namespace and name.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Arc<Object>> {
        let from = ObjectRef::new(kind.clone(), "", "");
        self.state
            .objects
            .range(from..)
            .take_while(move |(key, _)| key.kind == kind)
            .map(|(_, object)| object)
    }

    /// Every object of a kind in a namespace, by name.
    pub fn in_namespace(&self, kind: Kind, namespace: &str) -> impl Iterator<Item = &Arc<Object>> {
        let from = ObjectRef::new(kind.clone(), namespace, "");
        let namespace: Arc<str> = from.namespace.clone();
        self.state
            .objects
            .range(from..)
            .take_while(move |(key, _)| key.kind == kind && key.namespace == namespace)
            .map(|(_, object)| object)
    }

    /// Every object, by kind, namespace and name.
    pub fn objects(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.state.objects.values()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.state.objects.len()
    }

    /// Whether there is no object at all.
    pub fn is_empty(&self) -> bool {
        self.state.objects.is_empty()
    }

    /// What an object controls.
    pub fn owned_by(&self, owner: &ObjectRef) -> impl Iterator<Item = &Arc<Object>> {
        self.members(self.state.by_owner.get(owner))
    }

    /// The pods bound to a node, ended ones included.
    pub fn pods_on_node(&self, node: &str) -> impl Iterator<Item = &Arc<Object>> {
        self.members(self.state.by_node.get(node))
    }

    /// The events about an object, oldest first.
    pub fn events_about(&self, subject: &ObjectRef) -> Vec<&Arc<Object>> {
        let mut events: Vec<_> = self.members(self.state.events.get(subject)).collect();
        events.sort_by_key(|event| {
            let columns = event.event();
            (
                columns.and_then(|event| event.last),
                columns.and_then(|event| event.first),
            )
        });
        events
    }

    /// The pods that refer to a ConfigMap, Secret, claim or service account.
    pub fn pods_using(&self, reference: &ObjectRef) -> impl Iterator<Item = &Arc<Object>> {
        self.members(self.state.by_reference.get(reference))
    }

    /// The pods of a namespace that a selector matches; an empty selector matches all.
    pub fn pods_matching<'a>(
        &'a self,
        namespace: &'a str,
        selector: &'a LabelSelector,
    ) -> Box<dyn Iterator<Item = &'a Arc<Object>> + 'a> {
        let fits = |object: &&Arc<Object>| selector.matches(|key| object.label(key));
        match selector.match_labels.iter().next() {
            // The label index narrows the search to a few pods of a large namespace.
            Some((key, value)) => {
                let namespace: Arc<str> = namespace.into();
                let set = self
                    .state
                    .by_label
                    .get(&(key.as_str().into(), value.as_str().into()));
                Box::new(
                    self.members(set)
                        .filter(move |it| it.reference.namespace == namespace)
                        .filter(fits),
                )
            }
            None => Box::new(self.in_namespace(Kind::Pod, namespace).filter(fits)),
        }
    }

    /// Walks from an object to its topmost known controller; stops at cycles and after 16 steps.
    pub fn root_owner(&self, reference: &ObjectRef) -> ObjectRef {
        let mut current = reference.clone();
        for _ in 0..16 {
            let owner = self.get(&current).and_then(|object| object.owner.as_ref());
            match owner {
                Some(owner) if owner.reference.kind != Kind::Node && owner.reference != current => {
                    current = owner.reference.clone();
                }
                _ => break,
            }
        }
        self.deployment_of(&current).unwrap_or(current)
    }

    /// The deployment of a ReplicaSet that is not at hand: a deployment names its sets by itself and a hash.
    fn deployment_of(&self, set: &ObjectRef) -> Option<ObjectRef> {
        if set.kind != Kind::ReplicaSet || self.get(set).is_some() {
            return None;
        }
        let (name, _) = set.name.rsplit_once('-')?;
        let deployment = ObjectRef::new(Kind::Deployment, &set.namespace, name);
        self.get(&deployment).is_some().then_some(deployment)
    }

    /// Decodes an object to a typed view.
    ///
    /// # Errors
    /// When the object's bytes do not have the view's shape.
    pub fn decode<T: DeserializeOwned>(&self, reference: &ObjectRef) -> Option<Result<T, DecodeError>> {
        let object = self.get(reference)?;
        Some(object.encoded.decode().map_err(|source| DecodeError {
            what: reference.kubectl(),
            source,
        }))
    }

    /// As [`Snapshot::decode`], where an object that is not there or cannot be read counts as not known.
    pub fn view<T: DeserializeOwned>(&self, reference: &ObjectRef) -> Option<T> {
        self.decode(reference)?.ok()
    }

    /// The keys of a ConfigMap or Secret; `None` where not known (absent, or metadata only).
    pub fn config_keys(&self, reference: &ObjectRef) -> Option<Vec<String>> {
        let keys: view::Keys = self.view(reference)?;
        match keys.names() {
            Some(names) => Some(names.into_iter().map(ToOwned::to_owned).collect()),
            // A ConfigMap without data has no keys; a Secret without data may have been read without its values.
            None if reference.kind == Kind::ConfigMap => Some(Vec::new()),
            None => None,
        }
    }

    /// A fork: this snapshot plus changes to come.
    pub fn fork(&self) -> Fork {
        Fork {
            state: self.state.clone(),
        }
    }

    fn members<'a>(
        &'a self,
        set: Option<&'a imbl::OrdSet<ObjectRef>>,
    ) -> impl Iterator<Item = &'a Arc<Object>> {
        set.into_iter()
            .flatten()
            .filter_map(|reference| self.state.objects.get(reference))
    }
}

/// A snapshot plus changes that nobody has applied. Costs what the changes cost.
#[derive(Debug, Clone)]
pub struct Fork {
    state: State,
}

impl Fork {
    /// Puts or replaces an object.
    ///
    /// # Errors
    /// When the bytes are no object; nothing is changed then.
    pub fn put_json(&mut self, bytes: Bytes, kind: Option<Kind>) -> Result<ObjectRef, ReadError> {
        let mut world = World::from_state(std::mem::take(&mut self.state));
        let outcome = world.put_json(bytes, kind);
        self.state = world.into_state();
        outcome
    }

    /// Removes an object; says whether it was there.
    pub fn remove(&mut self, reference: &ObjectRef) -> bool {
        self.state.remove(reference).is_some()
    }

    /// The fork as a snapshot.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.state.clone())
    }
}
