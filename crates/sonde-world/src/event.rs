//! Events of core/v1 and events.k8s.io/v1 as one shape.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use sonde_model::{Kind, ObjectRef};

use crate::object::RawMeta;
use crate::view::{Time, or_default};

/// What questions need of an event.
#[derive(Debug, Clone)]
pub struct EventColumns {
    /// The object it is about.
    pub about: ObjectRef,
    /// That object's uid; empty where the event does not tell.
    pub about_uid: Arc<str>,
    /// The container that `fieldPath` names (`spec.containers{app}`).
    pub container: Option<Arc<str>>,
    /// `FailedScheduling`, `Killing`.
    pub reason: Arc<str>,
    /// The message.
    pub message: Arc<str>,
    /// `type` is `Warning`.
    pub warning: bool,
    /// How often it was seen: a lower bound, the sender drops and restarts counts.
    pub count: i64,
    /// First time.
    pub first: Option<Timestamp>,
    /// Last time.
    pub last: Option<Timestamp>,
    /// The sender, `kubelet`, `default-scheduler`.
    pub component: Arc<str>,
    /// The sender's node.
    pub host: Arc<str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawEvent<'a> {
    #[serde(borrow, default)]
    metadata: RawMeta<'a>,
    #[serde(borrow, default, alias = "regarding", deserialize_with = "or_default")]
    involved_object: RawAbout<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    reason: Cow<'a, str>,
    #[serde(borrow, default, alias = "note", deserialize_with = "or_default")]
    message: Cow<'a, str>,
    #[serde(borrow, default, rename = "type", deserialize_with = "or_default")]
    kind: Cow<'a, str>,
    #[serde(default, alias = "deprecatedCount")]
    count: Option<i64>,
    #[serde(default, alias = "deprecatedFirstTimestamp")]
    first_timestamp: Time,
    #[serde(default, alias = "deprecatedLastTimestamp")]
    last_timestamp: Time,
    #[serde(default)]
    event_time: Time,
    #[serde(default)]
    series: Option<RawSeries>,
    #[serde(borrow, default, alias = "deprecatedSource", deserialize_with = "or_default")]
    source: RawSource<'a>,
    #[serde(
        borrow,
        default,
        alias = "reportingController",
        deserialize_with = "or_default"
    )]
    reporting_component: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawAbout<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    kind: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "or_default")]
    namespace: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "or_default")]
    name: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "or_default")]
    uid: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "or_default")]
    field_path: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSeries {
    #[serde(default)]
    count: Option<i64>,
    #[serde(default)]
    last_observed_time: Time,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawSource<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    component: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "or_default")]
    host: Cow<'a, str>,
}

impl<'a> RawEvent<'a> {
    pub(crate) fn columns(self) -> (RawMeta<'a>, EventColumns) {
        let about = &self.involved_object;
        let kind = Kind::from_name(&about.kind);
        let namespace = if kind.is_namespaced() {
            about.namespace.as_ref()
        } else {
            ""
        };
        let series = self.series.as_ref();
        let first = self.first_timestamp.0.or(self.event_time.0);
        let last = series
            .and_then(|series| series.last_observed_time.0)
            .or(self.last_timestamp.0)
            .or(first);
        let component = if self.source.component.is_empty() {
            self.reporting_component.as_ref()
        } else {
            self.source.component.as_ref()
        };
        let columns = EventColumns {
            about: ObjectRef::new(kind, namespace, &about.name),
            about_uid: about.uid.as_ref().into(),
            container: container_of(&about.field_path).map(Into::into),
            reason: self.reason.as_ref().into(),
            message: self.message.as_ref().into(),
            warning: self.kind == "Warning",
            count: series
                .and_then(|series| series.count)
                .or(self.count)
                .unwrap_or(1)
                .max(1),
            first: first.or(last),
            last,
            component: component.into(),
            host: self.source.host.as_ref().into(),
        };
        (self.metadata, columns)
    }
}

/// `spec.containers{app}` and `spec.initContainers{app}` name a container.
fn container_of(field_path: &str) -> Option<&str> {
    let (_, rest) = field_path.split_once('{')?;
    rest.strip_suffix('}')
}
