//! Clusters for tests, in as few words as a case needs.

use serde_json::{Value, json};
use sonde_model::{Kind, ObjectRef};
use sonde_world::{Snapshot, World};

/// A world that is filled by words.
#[derive(Default, Debug)]
pub(crate) struct Stage {
    world: World,
}

impl Stage {
    /// Everything is completely listed.
    pub(crate) fn new() -> Self {
        let mut world = World::new();
        for kind in Kind::KNOWN {
            world.mark_complete(kind.clone(), None);
        }
        Self { world }
    }

    pub(crate) fn put(&mut self, object: Value) -> &mut Self {
        self.world.put_json(object.to_string().into(), None).unwrap();
        self
    }

    /// A node `4 CPU, 8Gi, 10 pods` with its host name label and changes.
    pub(crate) fn node(&mut self, name: &str, changes: Value) -> &mut Self {
        let mut node = json!({"kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
            "spec": {}, "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "10", "ephemeral-storage": "100Gi"},
            "conditions": [{"type": "Ready", "status": "True"}]}});
        merge(&mut node, changes);
        self.put(node)
    }

    /// An object of which the source shows a part.
    pub(crate) fn partial(&mut self, object: Value) -> &mut Self {
        self.world
            .put_partial_json(object.to_string().into(), None)
            .unwrap();
        self
    }

    /// A pod in `shop` that asks for nothing, with changes.
    pub(crate) fn pod(&mut self, name: &str, changes: Value) -> &mut Self {
        let mut pod = json!({"kind": "Pod", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"containers": [{"name": "app", "image": "app"}]}, "status": {"phase": "Pending"}});
        merge(&mut pod, changes);
        self.put(pod)
    }

    /// A pod that runs on a node and asks for CPU.
    pub(crate) fn running(&mut self, name: &str, node: &str, cpu: &str, changes: Value) -> &mut Self {
        let mut all = json!({"spec": {"nodeName": node, "containers": [{"name": "app", "resources": {"requests": {"cpu": cpu}}}]},
            "status": {"phase": "Running"}});
        merge(&mut all, changes);
        self.pod(name, all)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.world.snapshot()
    }
}

pub(crate) fn pod_ref(name: &str) -> ObjectRef {
    ObjectRef::new(Kind::Pod, "shop", name)
}

/// Objects are merged, everything else is replaced.
pub(crate) fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
