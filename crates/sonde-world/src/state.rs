//! The changing World and its indexes.

use std::sync::Arc;

use bytes::Bytes;
use sonde_model::{Kind, ObjectRef};

use crate::{Columns, Coverage, Object, Snapshot};

/// Counts changes of a world; larger is later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Revision(pub u64);

/// Bytes that are no object.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or not of the kind's shape.
    #[error("failed to read a {kind} object")]
    Json {
        /// The expected kind.
        kind: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Neither kind nor name.
    #[error("the object has no {0}")]
    Nameless(&'static str),
}

type ByKey<K> = imbl::OrdMap<K, imbl::OrdSet<ObjectRef>>;

/// Objects and indexes; every part is persistent, so a copy shares all and costs nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) revision: Revision,
    pub(crate) objects: imbl::OrdMap<ObjectRef, Arc<Object>>,
    /// Owner to owned.
    pub(crate) by_owner: ByKey<ObjectRef>,
    /// Node to pods.
    pub(crate) by_node: ByKey<Arc<str>>,
    /// Subject to events.
    pub(crate) events: ByKey<ObjectRef>,
    /// ConfigMap, Secret, claim, service account to the pods that refer to it.
    pub(crate) by_reference: ByKey<ObjectRef>,
    /// Pods by label.
    pub(crate) by_label: imbl::OrdMap<(Arc<str>, Arc<str>), imbl::OrdSet<ObjectRef>>,
    pub(crate) coverage: Coverage,
    /// Objects that were asked for by name, and are not there.
    pub(crate) absent: imbl::OrdSet<ObjectRef>,
}

impl State {
    pub(crate) fn put(&mut self, object: Arc<Object>) {
        self.remove(&object.reference);
        self.index(&object, true);
        self.absent.remove(&object.reference);
        self.objects.insert(object.reference.clone(), object);
        self.revision.0 = self.revision.0.saturating_add(1);
    }

    pub(crate) fn remove(&mut self, reference: &ObjectRef) -> Option<Arc<Object>> {
        let object = self.objects.remove(reference)?;
        self.index(&object, false);
        self.revision.0 = self.revision.0.saturating_add(1);
        Some(object)
    }

    fn index(&mut self, object: &Object, add: bool) {
        let me = &object.reference;
        if let Some(owner) = &object.owner {
            entry(&mut self.by_owner, owner.reference.clone(), me, add);
        }
        match &object.columns {
            Columns::Pod(pod) => {
                if !pod.node.is_empty() {
                    entry(&mut self.by_node, pod.node.clone(), me, add);
                }
                for reference in &pod.references {
                    let key = ObjectRef {
                        kind: reference.kind.clone(),
                        namespace: me.namespace.clone(),
                        name: reference.name.clone(),
                    };
                    entry(&mut self.by_reference, key, me, add);
                }
                for label in &object.labels {
                    entry(&mut self.by_label, label.clone(), me, add);
                }
            }
            Columns::Event(event) => entry(&mut self.events, event.about.clone(), me, add),
            Columns::Node(_)
            | Columns::Workload(_)
            | Columns::Service(_)
            | Columns::Claim { .. }
            | Columns::None => {}
        }
    }
}

fn entry<K: Ord + Clone>(index: &mut ByKey<K>, key: K, member: &ObjectRef, add: bool) {
    if add {
        index.entry(key).or_default().insert(member.clone());
    } else if let Some(set) = index.get_mut(&key) {
        set.remove(member);
        if set.is_empty() {
            index.remove(&key);
        }
    }
}

/// The set of everything known about a cluster, changing.
#[derive(Debug, Clone, Default)]
pub struct World {
    state: State,
}

impl World {
    /// An empty world that knows nothing, not even that it is empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an object as JSON bytes; replaces the one of the same name. `kind` is given where the source knows it.
    ///
    /// # Errors
    /// When the bytes are no object; nothing is changed then.
    pub fn put_json(&mut self, bytes: Bytes, kind: Option<Kind>) -> Result<ObjectRef, ReadError> {
        self.put(bytes, kind, false)
    }

    /// As [`World::put_json`], for a source that shows only a part of the object (a table, a description):
    /// an absent field proves nothing. Never replaces a whole object.
    ///
    /// # Errors
    /// As [`World::put_json`].
    pub fn put_partial_json(&mut self, bytes: Bytes, kind: Option<Kind>) -> Result<ObjectRef, ReadError> {
        self.put(bytes, kind, true)
    }

    fn put(&mut self, bytes: Bytes, kind: Option<Kind>, partial: bool) -> Result<ObjectRef, ReadError> {
        let mut object = Object::from_json(bytes, kind)?;
        object.partial = partial;
        Ok(self.put_object(object))
    }

    /// Puts an object that was read with [`Object::from_json`], on another thread perhaps.
    /// A partial object never replaces a whole one.
    pub fn put_object(&mut self, object: Object) -> ObjectRef {
        let reference = object.reference.clone();
        let keep = object.partial
            && self
                .state
                .objects
                .get(&reference)
                .is_some_and(|have| !have.partial);
        if !keep {
            self.state.put(Arc::new(object));
        }
        reference
    }

    pub(crate) fn from_state(state: State) -> Self {
        Self { state }
    }

    pub(crate) fn into_state(self) -> State {
        self.state
    }

    /// Removes an object; says whether it was there.
    pub fn remove(&mut self, reference: &ObjectRef) -> bool {
        self.state.remove(reference).is_some()
    }

    /// Marks a kind as completely listed, for the cluster or one namespace.
    pub fn mark_complete(&mut self, kind: Kind, namespace: Option<&str>) {
        self.state.coverage.mark(kind, namespace);
    }

    /// Marks an object as known not to exist: it was asked for by name. Says whether that is new.
    pub fn mark_absent(&mut self, reference: &ObjectRef) -> bool {
        let was = self.state.remove(reference).is_some();
        let is_new = self.state.absent.insert(reference.clone()).is_none();
        if is_new {
            self.state.revision.0 = self.state.revision.0.saturating_add(1);
        }
        was || is_new
    }

    /// The world at its present revision, at no cost.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.state.clone())
    }
}

#[cfg(test)]
mod tests;
