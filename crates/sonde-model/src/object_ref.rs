//! Which object: kind, namespace, name.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Kind;

/// Names one object of the cluster. The uid is not part of it: two objects that lived under one name
/// at different times are told apart by the episode that speaks of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct ObjectRef {
    /// The object's kind.
    pub kind: Kind,
    /// Its namespace; empty for objects of the cluster.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    #[schemars(with = "String")]
    pub namespace: Arc<str>,
    /// Its name.
    #[schemars(with = "String")]
    pub name: Arc<str>,
}

impl ObjectRef {
    /// A namespaced object.
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self {
            kind,
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// An object of the cluster.
    pub fn cluster(kind: Kind, name: &str) -> Self {
        Self::new(kind, "", name)
    }

    /// `pod/checkout -n shop`: the arguments that kubectl understands.
    pub fn kubectl(&self) -> String {
        if self.namespace.is_empty() {
            self.to_string()
        } else {
            format!("{self} -n {}", self.namespace)
        }
    }
}

/// `pod/checkout`, without the namespace.
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.word(), self.name)
    }
}
