//! What stands between a request and an object, and small objects that pods refer to.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use super::{LabelSelector, LocalReference, ObjectMeta, ServiceReference};

view! {
    WebhookConfiguration { metadata: ObjectMeta, webhooks: Vec<Webhook> }
    Webhook {
        name: String,
        client_config: WebhookClient,
        failure_policy: String,
        timeout_seconds: Option<i64>,
        namespace_selector: Option<LabelSelector>,
        rules: Vec<WebhookRule>,
    }
    WebhookClient { service: Option<ServiceReference>, url: String }
    WebhookRule { api_groups: Vec<String>, resources: Vec<String>, operations: Vec<String> }
    PriorityClass { metadata: ObjectMeta, value: i64, global_default: bool, preemption_policy: String }
    RuntimeClass { metadata: ObjectMeta, handler: String }
    ServiceAccount { metadata: ObjectMeta, image_pull_secrets: Vec<LocalReference> }
    Keys {
        metadata: ObjectMeta,
        #[serde(rename = "type")] kind: String,
        data: Option<BTreeMap<String, Skipped>>,
        binary_data: BTreeMap<String, Skipped>,
    }
}

/// A value that is never read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Skipped;

impl PartialEq for Skipped {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<'de> serde::Deserialize<'de> for Skipped {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Skipped)
    }
}

impl Keys {
    /// The names of the entries of a ConfigMap or Secret; `None` when only metadata was read, so they are not known.
    pub fn names(&self) -> Option<Vec<&str>> {
        let data = self.data.as_ref()?;
        Some(
            data.keys()
                .chain(self.binary_data.keys())
                .map(String::as_str)
                .collect(),
        )
    }
}
