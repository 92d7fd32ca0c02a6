//! One object: its identity, its columns, its bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sonde_model::{Kind, ObjectRef, Quantity};

use crate::view::{Amount, Condition, Taint, Time, or_default};
use crate::{
    Encoded, EventColumns, PodColumns, ReadError, Resources, ServiceColumns, WorkloadColumns,
    workload_columns,
};

/// An object at one resourceVersion: what questions need as columns, the rest as it was received.
#[derive(Debug, Clone)]
pub struct Object {
    /// Which object.
    pub reference: ObjectRef,
    /// `apiVersion` as received.
    pub api_version: Arc<str>,
    /// Its uid; empty where the source does not tell.
    pub uid: Arc<str>,
    /// Its resourceVersion; empty where the source does not tell.
    pub resource_version: Arc<str>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// How old it is, where a text tells that and no clock turns it into a time (`metadata.ageSeconds` of a part).
    pub age: Option<SignedDuration>,
    /// When its deletion was asked for, plus grace, as the API server writes it.
    pub deletion: Option<Timestamp>,
    /// Seconds of grace that the deletion gave.
    pub deletion_grace: Option<i64>,
    /// Whether finalizers hold it.
    pub has_finalizers: bool,
    /// Its controller.
    pub owner: Option<Owner>,
    /// Its labels, sorted by key.
    pub labels: Vec<(Arc<str>, Arc<str>)>,
    /// What questions need of its kind.
    pub columns: Columns,
    /// The source shows only a part of the object: an absent field proves nothing.
    pub partial: bool,
    /// The bytes.
    pub encoded: Encoded,
}

/// An object's controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Which object; in the namespace of what it owns.
    pub reference: ObjectRef,
    /// Its uid.
    pub uid: Arc<str>,
}

/// Columns by kind.
#[derive(Debug, Clone)]
pub enum Columns {
    /// Of a pod.
    Pod(Box<PodColumns>),
    /// Of a node.
    Node(Box<NodeColumns>),
    /// Of an event.
    Event(Box<EventColumns>),
    /// Of what makes pods.
    Workload(Box<WorkloadColumns>),
    /// Of a service.
    Service(Box<ServiceColumns>),
    /// Of a claim for a volume.
    Claim {
        /// `status.phase`.
        phase: Arc<str>,
    },
    /// Nothing beyond the identity.
    None,
}

/// What scans need of a node.
#[derive(Debug, Clone, Default)]
pub struct NodeColumns {
    /// Cordoned.
    pub unschedulable: bool,
    /// Taints.
    pub taints: Vec<Taint>,
    /// Conditions.
    pub conditions: Vec<Condition>,
    /// What pods may use.
    pub allocatable: Resources,
    /// How many pods it takes; 110 where the source does not tell.
    pub max_pods: i64,
}

impl Object {
    /// A label's value.
    pub fn label(&self, key: &str) -> Option<&str> {
        let at = self
            .labels
            .binary_search_by(|(have, _)| have.as_ref().cmp(key))
            .ok()?;
        Some(&self.labels[at].1)
    }

    /// The columns of a pod.
    pub fn pod(&self) -> Option<&PodColumns> {
        if let Columns::Pod(pod) = &self.columns {
            Some(pod)
        } else {
            None
        }
    }

    /// The columns of a node.
    pub fn node(&self) -> Option<&NodeColumns> {
        if let Columns::Node(node) = &self.columns {
            Some(node)
        } else {
            None
        }
    }

    /// The columns of an event.
    pub fn event(&self) -> Option<&EventColumns> {
        if let Columns::Event(event) = &self.columns {
            Some(event)
        } else {
            None
        }
    }

    /// The columns of what makes pods; `None` also where its shape is not as expected.
    pub fn workload(&self) -> Option<&WorkloadColumns> {
        if let Columns::Workload(workload) = &self.columns {
            Some(workload)
        } else {
            None
        }
    }

    /// The columns of a service; as above.
    pub fn service(&self) -> Option<&ServiceColumns> {
        if let Columns::Service(service) = &self.columns {
            Some(service)
        } else {
            None
        }
    }

    /// The phase of a claim; as above.
    pub fn claim_phase(&self) -> Option<&str> {
        if let Columns::Claim { phase } = &self.columns {
            Some(phase)
        } else {
            None
        }
    }

    /// Reads one JSON object. `kind` is given where the source knows it: items of a list do not carry it.
    ///
    /// # Errors
    /// When the bytes are no JSON object of the expected shape, or have neither kind nor name.
    pub fn from_json(bytes: Bytes, kind: Option<Kind>) -> Result<Object, ReadError> {
        let name = kind
            .as_ref()
            .map_or_else(|| "Kubernetes".to_owned(), ToString::to_string);
        let object = Object::read(bytes, kind).map_err(|source| ReadError::Json { kind: name, source })?;
        if object.reference.kind.as_str().is_empty() {
            return Err(ReadError::Nameless("kind"));
        }
        if object.reference.name.is_empty() {
            return Err(ReadError::Nameless("metadata.name"));
        }
        Ok(object)
    }

    fn read(bytes: Bytes, kind: Option<Kind>) -> Result<Object, serde_json::Error> {
        let kind = match kind {
            Some(kind) => kind,
            None => serde_json::from_slice::<RawKind<'_>>(&bytes)?.kind(),
        };
        let mut object = match kind {
            Kind::Pod => {
                let raw: crate::pod_columns::RawPod<'_> = serde_json::from_slice(&bytes)?;
                let (meta, columns) = raw.columns();
                meta.object(kind, Columns::Pod(Box::new(columns)))
            }
            Kind::Node => {
                let raw: RawNode<'_> = serde_json::from_slice(&bytes)?;
                let columns = raw.columns();
                raw.metadata.object(kind, Columns::Node(Box::new(columns)))
            }
            Kind::Event => {
                let raw: crate::event::RawEvent<'_> = serde_json::from_slice(&bytes)?;
                let (meta, columns) = raw.columns();
                meta.object(kind, Columns::Event(Box::new(columns)))
            }
            kind => match workload_columns::read(&bytes, &kind) {
                Some(object) => object,
                None => {
                    let raw: RawOther<'_> = serde_json::from_slice(&bytes)?;
                    raw.metadata.object(kind, Columns::None)
                }
            },
        };
        if object.api_version.is_empty() {
            object.api_version = object
                .reference
                .kind
                .info()
                .map_or("", |info| info.api_version)
                .into();
        }
        object.encoded = Encoded::json(bytes);
        Ok(object)
    }
}

#[derive(Deserialize)]
struct RawKind<'a> {
    #[serde(borrow, default)]
    kind: Option<Cow<'a, str>>,
}

impl RawKind<'_> {
    fn kind(&self) -> Kind {
        Kind::from_name(self.kind.as_deref().unwrap_or_default())
    }
}

#[derive(Deserialize)]
struct RawOther<'a> {
    #[serde(borrow, default)]
    metadata: RawMeta<'a>,
}

#[derive(Deserialize)]
struct RawNode<'a> {
    #[serde(borrow, default)]
    metadata: RawMeta<'a>,
    #[serde(default, deserialize_with = "or_default")]
    spec: crate::view::NodeSpec,
    #[serde(default, deserialize_with = "or_default")]
    status: crate::view::NodeStatus,
}

impl RawNode<'_> {
    fn columns(&self) -> NodeColumns {
        let mut allocatable = Resources::default();
        let source = if self.status.allocatable.is_empty() {
            &self.status.capacity
        } else {
            &self.status.allocatable
        };
        let mut max_pods = 110;
        for (name, amount) in source {
            let Some(quantity) = amount.quantity() else {
                continue;
            };
            if name == "pods" {
                max_pods = quantity.units()
            } else {
                allocatable.set(name, quantity)
            }
        }
        NodeColumns {
            unschedulable: self.spec.unschedulable,
            taints: self.spec.taints.clone(),
            conditions: self.status.conditions.clone(),
            allocatable,
            max_pods,
        }
    }
}

/// The part of `metadata` that becomes columns.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RawMeta<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    name: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "or_default")]
    namespace: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "or_default")]
    uid: Cow<'a, str>,
    #[serde(deserialize_with = "or_default")]
    resource_version: Amount,
    creation_timestamp: Time,
    age_seconds: Option<i64>,
    deletion_timestamp: Time,
    deletion_grace_period_seconds: Option<i64>,
    #[serde(borrow, deserialize_with = "or_default")]
    labels: BTreeMap<Cow<'a, str>, Amount>,
    #[serde(deserialize_with = "or_default")]
    finalizers: Vec<serde::de::IgnoredAny>,
    #[serde(deserialize_with = "or_default")]
    owner_references: Vec<crate::view::OwnerReference>,
}

impl RawMeta<'_> {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn object(&self, kind: Kind, columns: Columns) -> Object {
        let owner = self
            .owner_references
            .iter()
            .find(|owner| owner.controller)
            .or_else(|| {
                self.owner_references
                    .first()
                    .filter(|_| self.owner_references.len() == 1)
            });
        let namespace = if kind.is_namespaced() {
            self.namespace.as_ref()
        } else {
            ""
        };
        Object {
            reference: ObjectRef::new(kind, namespace, &self.name),
            api_version: "".into(),
            uid: self.uid.as_ref().into(),
            resource_version: self.resource_version.0.as_str().into(),
            created: self.creation_timestamp.0,
            age: self.age_seconds.map(SignedDuration::from_secs),
            deletion: self.deletion_timestamp.0,
            deletion_grace: self.deletion_grace_period_seconds,
            has_finalizers: !self.finalizers.is_empty(),
            owner: owner.map(|owner| Owner {
                reference: ObjectRef::new(
                    Kind::from_name(&owner.kind),
                    owned_namespace(owner, namespace),
                    &owner.name,
                ),
                uid: owner.uid.as_str().into(),
            }),
            labels: self
                .labels
                .iter()
                .map(|(key, value)| (key.as_ref().into(), value.0.as_str().into()))
                .collect(),
            columns,
            partial: false,
            encoded: Encoded::json(Bytes::new()),
        }
    }
}

/// Static pods are owned by their node, which has no namespace.
fn owned_namespace<'a>(owner: &crate::view::OwnerReference, namespace: &'a str) -> &'a str {
    if Kind::from_name(&owner.kind).is_namespaced() {
        namespace
    } else {
        ""
    }
}

/// The resources of a list that are quantities.
pub(crate) fn resources(list: &crate::view::ResourceList) -> Resources {
    let mut out = Resources::default();
    for (name, amount) in list {
        if let Some(quantity) = amount.quantity() {
            out.set(name, quantity.max(Quantity::ZERO));
        }
    }
    out
}
