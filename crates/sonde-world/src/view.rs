//! Typed views of objects under suspicion: the fields that questions need, decoded on demand.
//!
//! Field names and meanings are Kubernetes' own (API reference of 1.36). Fields that older versions lack are empty;
//! fields that are not listed are ignored. `null` counts as absent, a time that is no time as none.

#![expect(
    missing_docs,
    reason = "the fields are documented by the Kubernetes API reference under the same names"
)]

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use sonde_model::{Quantity, plausible};

/// Declares a view: every field is optional and `null` means absent.
macro_rules! view {
    ($($name:ident { $($(#[$attr:meta])* $field:ident : $ty:ty),* $(,)? })+) => {$(
        #[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $($(#[$attr])* #[serde(deserialize_with = "crate::view::or_default")] pub $field: $ty),*
        }
    )+};
}

mod admission;
mod container;
mod node;
mod pod;
mod selector;
mod storage;
mod volume;
mod workload;

pub use admission::*;
pub use container::*;
pub use node::*;
pub use pod::*;
pub use selector::*;
pub use storage::*;
pub use volume::*;
pub use workload::*;

/// Labels and annotations.
pub type Labels = BTreeMap<String, String>;

/// Resource names to quantities.
pub type ResourceList = BTreeMap<String, Amount>;

pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

view! {
    ObjectMeta {
        name: String,
        namespace: String,
        uid: String,
        resource_version: String,
        generation: i64,
        labels: Labels,
        annotations: Labels,
        owner_references: Vec<OwnerReference>,
        finalizers: Vec<String>,
        creation_timestamp: Time,
        deletion_timestamp: Time,
        deletion_grace_period_seconds: Option<i64>,
    }
    OwnerReference { kind: String, name: String, uid: String, api_version: String, controller: bool }
    Condition {
        #[serde(rename = "type")] kind: String,
        status: String,
        reason: String,
        message: String,
        last_transition_time: Time,
        last_heartbeat_time: Time,
        last_update_time: Time,
    }
    LocalReference { name: String }
}

impl Condition {
    /// `status` is `True`.
    pub fn is_true(&self) -> bool {
        self.status == "True"
    }

    /// `status` is `False`.
    pub fn is_false(&self) -> bool {
        self.status == "False"
    }
}

/// A moment, or nothing where the field is absent or no time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Option<Timestamp>);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Time;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time")
            }
            fn visit_str<E>(self, text: &str) -> Result<Time, E> {
                Ok(Time(text.parse().ok().and_then(plausible)))
            }
            fn visit_unit<E>(self) -> Result<Time, E> {
                Ok(Time(None))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Time, E> {
                Ok(Time(None))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Time, E> {
                Ok(Time(None))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A quantity as it was written; YAML and hand-made JSON may carry it as a number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Amount(pub String);

impl Amount {
    /// The quantity, where the text is one.
    pub fn quantity(&self) -> Option<Quantity> {
        Quantity::parse(&self.0).ok()
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A port or a number that may be written as a name or a percentage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntOrString {
    Int(i64),
    String(String),
}

impl Default for IntOrString {
    fn default() -> Self {
        IntOrString::Int(0)
    }
}

impl fmt::Display for IntOrString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IntOrString::Int(number) => number.fmt(f),
            IntOrString::String(text) => f.write_str(text),
        }
    }
}

/// A scalar that may be a number or a text.
struct Scalar(String, Option<i64>);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or a text")
            }
            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(text.to_owned(), None))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string(), Some(number)))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string(), i64::try_from(number).ok()))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string(), None))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar(value.to_string(), None))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Scalar::deserialize(deserializer).map(|scalar| Amount(scalar.0))
    }
}

impl<'de> Deserialize<'de> for IntOrString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Scalar(text, number) = Scalar::deserialize(deserializer)?;
        Ok(number.map_or(IntOrString::String(text), IntOrString::Int))
    }
}
