//! Changes that would make a pod fit, as edits of objects on a fork.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use sonde_model::{Kind, ObjectRef};
use sonde_world::view::Taint;
use sonde_world::{Fork, ReadError, Snapshot};

use crate::NodeRequirement;

/// One change that a person could make.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// These pods leave the node.
    RemovePods {
        /// The node.
        node: Arc<str>,
        /// Who leaves.
        pods: Vec<ObjectRef>,
    },
    /// The pod asks for less of a resource; CPU in millicores.
    LowerRequest {
        /// The resource.
        resource: Arc<str>,
        /// What it asks for.
        from: i64,
        /// What it may ask for.
        to: i64,
    },
    /// The pod tolerates a taint.
    Tolerate(Taint),
    /// The node takes pods again.
    Uncordon(Arc<str>),
    /// The pod asks for another label or value.
    Correct {
        /// What it asks for.
        requirement: Arc<NodeRequirement>,
        /// The label that it should ask for.
        key: String,
        /// The value that it should ask for; empty where only the label's presence is asked for.
        value: String,
    },
    /// The node gets a label.
    LabelNode {
        /// The node.
        node: Arc<str>,
        /// The label.
        key: String,
        /// Its value.
        value: String,
    },
    /// One more node like an existing one.
    AddNode {
        /// The node to copy.
        like: Arc<str>,
    },
    /// The pod's scheduling gates are removed.
    RemoveGates,
}

/// A change that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The object is not there.
    #[error("{0} is not there to be changed")]
    Absent(String),
    /// The object has no such field.
    #[error("{object} has no {field} to be changed")]
    Field {
        /// The object.
        object: String,
        /// The field.
        field: String,
    },
    /// The object cannot be read.
    #[error("failed to read {object}")]
    Read {
        /// The object.
        object: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The changed object is no object.
    #[error("failed to write the changed object")]
    Write(#[from] ReadError),
}

/// The name of a node that does not exist.
pub(crate) const NEW_NODE: &str = "one-more-node";

impl Change {
    /// Makes the change on a fork of the snapshot; says which objects it touched.
    ///
    /// # Errors
    /// When the object to change is not there or has not the field. The fork may have been changed in part.
    pub fn apply(
        &self,
        snapshot: &Snapshot,
        pod: &ObjectRef,
        fork: &mut Fork,
    ) -> Result<Vec<ObjectRef>, ChangeError> {
        match self {
            Change::RemovePods { pods, .. } => {
                for pod in pods {
                    fork.remove(pod);
                }
                Ok(pods.clone())
            }
            Change::LowerRequest { resource, from, to } => edit(snapshot, fork, pod, |object| {
                lower(object, resource, from.saturating_sub(*to))
            }),
            Change::Tolerate(taint) => edit(snapshot, fork, pod, |object| {
                let mut toleration = json!({"key": taint.key, "effect": taint.effect});
                if taint.value.is_empty() {
                    toleration["operator"] = "Exists".into();
                } else {
                    toleration["operator"] = "Equal".into();
                    toleration["value"] = taint.value.as_str().into();
                }
                array(field(object, "spec")?, "tolerations")?.push(toleration);
                Some(())
            }),
            Change::Uncordon(node) => edit(snapshot, fork, &node_ref(node), |object| {
                let spec = field(object, "spec")?;
                spec.as_object_mut()?.remove("unschedulable");
                array(spec, "taints")?
                    .retain(|taint| taint["key"].as_str() != Some("node.kubernetes.io/unschedulable"));
                Some(())
            }),
            Change::Correct {
                requirement,
                key,
                value,
            } => edit(snapshot, fork, pod, |object| {
                correct(object, requirement, key, value)
            }),
            Change::LabelNode { node, key, value } => edit(snapshot, fork, &node_ref(node), |object| {
                let labels = field(field(object, "metadata")?, "labels")?;
                labels.as_object_mut()?.insert(key.clone(), value.as_str().into());
                Some(())
            }),
            Change::AddNode { like } => {
                let mut object = read(snapshot, &node_ref(like))?;
                add_node(&mut object).ok_or_else(|| no_field(&node_ref(like), "metadata"))?;
                Ok(vec![fork.put_json(object.to_string().into(), Some(Kind::Node))?])
            }
            Change::RemoveGates => edit(snapshot, fork, pod, |object| {
                field(object, "spec")?.as_object_mut()?.remove("schedulingGates");
                Some(())
            }),
        }
    }
}

fn node_ref(name: &str) -> ObjectRef {
    ObjectRef::cluster(Kind::Node, name)
}

fn read(snapshot: &Snapshot, reference: &ObjectRef) -> Result<Value, ChangeError> {
    let object = snapshot
        .get(reference)
        .ok_or_else(|| ChangeError::Absent(reference.kubectl()))?;
    object.encoded.decode().map_err(|source| ChangeError::Read {
        object: reference.kubectl(),
        source,
    })
}

fn no_field(object: &ObjectRef, field: &str) -> ChangeError {
    ChangeError::Field {
        object: object.kubectl(),
        field: field.to_owned(),
    }
}

fn edit(
    snapshot: &Snapshot,
    fork: &mut Fork,
    reference: &ObjectRef,
    change: impl FnOnce(&mut Value) -> Option<()>,
) -> Result<Vec<ObjectRef>, ChangeError> {
    let mut object = read(snapshot, reference)?;
    change(&mut object).ok_or_else(|| no_field(reference, "field"))?;
    Ok(vec![fork.put_json(
        object.to_string().into(),
        Some(reference.kind.clone()),
    )?])
}

/// An object's field, made where it is absent; `None` where the value is no object.
fn field<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let field = value.as_object_mut()?.entry(name).or_insert(Value::Null);
    if field.is_null() {
        *field = Value::Object(Map::new());
    }
    Some(field)
}

fn array<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Vec<Value>> {
    let field = value.as_object_mut()?.entry(name).or_insert(Value::Null);
    if field.is_null() {
        *field = Value::Array(Vec::new());
    }
    field.as_array_mut()
}

/// Takes from the container that asks for most; whether that is enough shows when the filters run.
fn lower(pod: &mut Value, resource: &str, less: i64) -> Option<()> {
    let amount = |container: &Value| {
        let resources = &container["resources"];
        let text = [&resources["requests"][resource], &resources["limits"][resource]]
            .into_iter()
            .find(|value| !value.is_null())?;
        let text = text.as_str().map_or_else(|| text.to_string(), ToOwned::to_owned);
        let quantity = sonde_model::Quantity::parse(&text).ok()?;
        Some(if resource == "cpu" {
            quantity.milli()
        } else {
            quantity.units()
        })
    };
    let containers = pod["spec"]["containers"].as_array_mut()?;
    let largest = containers
        .iter_mut()
        .max_by_key(|container| amount(container).unwrap_or(0))?;
    let left = amount(largest)?.checked_sub(less).filter(|left| *left >= 0)?;
    let text = if resource == "cpu" {
        format!("{left}m")
    } else {
        left.to_string()
    };
    let requests = field(field(largest, "resources")?, "requests")?;
    requests.as_object_mut()?.insert(resource.to_owned(), text.into());
    Some(())
}

fn correct(pod: &mut Value, requirement: &NodeRequirement, key: &str, value: &str) -> Option<()> {
    if requirement.place == "spec.nodeSelector" {
        let selector = pod["spec"]["nodeSelector"].as_object_mut()?;
        selector.remove(&requirement.requirement.key);
        selector.insert(key.to_owned(), value.into());
        return Some(());
    }
    // `spec.affinity.….nodeSelectorTerms[0].matchExpressions[1]` as a JSON pointer.
    let pointer = format!(
        "/{}",
        requirement
            .place
            .replace('[', ".")
            .replace(']', "")
            .replace('.', "/")
    );
    let expression = pod.pointer_mut(&pointer)?.as_object_mut()?;
    expression.insert("key".to_owned(), key.into());
    if !value.is_empty() {
        expression.insert("values".to_owned(), json!([value]));
    }
    Some(())
}

/// A fresh node of the same shape: its own name, and none of the taints that an unhealthy node carries.
fn add_node(node: &mut Value) -> Option<()> {
    let metadata = field(node, "metadata")?;
    metadata["name"] = NEW_NODE.into();
    metadata.as_object_mut()?.remove("uid");
    let labels = field(metadata, "labels")?.as_object_mut()?;
    labels.insert("kubernetes.io/hostname".to_owned(), NEW_NODE.into());
    let spec = field(node, "spec")?;
    spec.as_object_mut()?.remove("unschedulable");
    array(spec, "taints")?.retain(|taint| {
        !taint["key"]
            .as_str()
            .is_some_and(|key| key.starts_with("node.kubernetes.io/"))
    });
    Some(())
}
