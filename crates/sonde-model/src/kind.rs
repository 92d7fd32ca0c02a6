//! The kinds of Kubernetes objects that Sonde knows, as one table.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Whether objects of a kind live in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Objects have a namespace.
    Namespaced,
    /// Objects belong to the cluster.
    Cluster,
}

/// What the API server calls a kind, as `kubectl api-resources` lists it (Kubernetes 1.36).
#[derive(Debug, Clone, Copy)]
pub struct KindInfo {
    /// The `kind` field, `Pod`.
    pub kind: &'static str,
    /// Group and version that is asked first, `v1` or `apps/v1`.
    pub api_version: &'static str,
    /// The resource name in URLs, `pods`.
    pub plural: &'static str,
    /// kubectl's short names, `po`.
    pub short: &'static [&'static str],
    /// Namespaced or not.
    pub scope: Scope,
}

macro_rules! kinds {
    ($($variant:ident $api:literal $plural:literal [$($short:literal)*] $scope:ident),+ $(,)?) => {
        /// The kind of an object. Kinds outside the table are kept by name.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(#[doc = concat!("`", stringify!($variant), "` of `", $api, "`.")] $variant,)+
            /// Any other kind, by its `kind` field.
            Other(Cow<'static, str>),
        }

        impl Kind {
            /// The known kinds.
            pub const KNOWN: &'static [Kind] = &[$(Kind::$variant),+];

            /// What the API server calls the kind; `None` for a kind outside the table.
            pub fn info(&self) -> Option<&'static KindInfo> {
                match self {
                    $(Kind::$variant => {
                        const INFO: KindInfo = KindInfo {
                            kind: stringify!($variant),
                            api_version: $api,
                            plural: $plural,
                            short: &[$($short),*],
                            scope: Scope::$scope,
                        };
                        Some(&INFO)
                    })+
                    Kind::Other(_) => None,
                }
            }

            /// The kind for a `kind` field.
            pub fn from_name(name: &str) -> Kind {
                match name {
                    $(stringify!($variant) => Kind::$variant,)+
                    other => Kind::Other(Cow::Owned(other.to_owned())),
                }
            }
        }
    };
}

kinds! {
    Namespace "v1" "namespaces" ["ns"] Cluster,
    Node "v1" "nodes" ["no"] Cluster,
    Pod "v1" "pods" ["po"] Namespaced,
    Event "v1" "events" ["ev"] Namespaced,
    ConfigMap "v1" "configmaps" ["cm"] Namespaced,
    Secret "v1" "secrets" [] Namespaced,
    ServiceAccount "v1" "serviceaccounts" ["sa"] Namespaced,
    Service "v1" "services" ["svc"] Namespaced,
    Endpoints "v1" "endpoints" ["ep"] Namespaced,
    EndpointSlice "discovery.k8s.io/v1" "endpointslices" [] Namespaced,
    PersistentVolumeClaim "v1" "persistentvolumeclaims" ["pvc"] Namespaced,
    PersistentVolume "v1" "persistentvolumes" ["pv"] Cluster,
    StorageClass "storage.k8s.io/v1" "storageclasses" ["sc"] Cluster,
    VolumeAttachment "storage.k8s.io/v1" "volumeattachments" [] Cluster,
    CSINode "storage.k8s.io/v1" "csinodes" [] Cluster,
    CSIDriver "storage.k8s.io/v1" "csidrivers" [] Cluster,
    ReplicationController "v1" "replicationcontrollers" ["rc"] Namespaced,
    ReplicaSet "apps/v1" "replicasets" ["rs"] Namespaced,
    Deployment "apps/v1" "deployments" ["deploy"] Namespaced,
    StatefulSet "apps/v1" "statefulsets" ["sts"] Namespaced,
    DaemonSet "apps/v1" "daemonsets" ["ds"] Namespaced,
    ControllerRevision "apps/v1" "controllerrevisions" [] Namespaced,
    Job "batch/v1" "jobs" [] Namespaced,
    CronJob "batch/v1" "cronjobs" ["cj"] Namespaced,
    HorizontalPodAutoscaler "autoscaling/v2" "horizontalpodautoscalers" ["hpa"] Namespaced,
    PodDisruptionBudget "policy/v1" "poddisruptionbudgets" ["pdb"] Namespaced,
    ResourceQuota "v1" "resourcequotas" ["quota"] Namespaced,
    LimitRange "v1" "limitranges" ["limits"] Namespaced,
    PriorityClass "scheduling.k8s.io/v1" "priorityclasses" ["pc"] Cluster,
    RuntimeClass "node.k8s.io/v1" "runtimeclasses" [] Cluster,
    ValidatingWebhookConfiguration "admissionregistration.k8s.io/v1" "validatingwebhookconfigurations" [] Cluster,
    MutatingWebhookConfiguration "admissionregistration.k8s.io/v1" "mutatingwebhookconfigurations" [] Cluster,
    APIService "apiregistration.k8s.io/v1" "apiservices" [] Cluster,
    CustomResourceDefinition "apiextensions.k8s.io/v1" "customresourcedefinitions" ["crd" "crds"] Cluster,
    ResourceClaim "resource.k8s.io/v1" "resourceclaims" [] Namespaced,
    ResourceClaimTemplate "resource.k8s.io/v1" "resourceclaimtemplates" [] Namespaced,
    Lease "coordination.k8s.io/v1" "leases" [] Namespaced,
    Ingress "networking.k8s.io/v1" "ingresses" ["ing"] Namespaced,
    IngressClass "networking.k8s.io/v1" "ingressclasses" [] Cluster,
    NetworkPolicy "networking.k8s.io/v1" "networkpolicies" ["netpol"] Namespaced,
}

impl Kind {
    /// The `kind` field.
    pub fn as_str(&self) -> &str {
        match self {
            Kind::Other(name) => name,
            known => known.info().map_or("", |info| info.kind),
        }
    }

    /// The word used before a slash in output and commands, kubectl's shortest usual form: `pod`, `deploy`, `pvc`.
    pub fn word(&self) -> String {
        match self {
            Kind::Deployment => "deploy".into(),
            Kind::StatefulSet => "sts".into(),
            Kind::DaemonSet => "ds".into(),
            Kind::ReplicaSet => "rs".into(),
            Kind::PersistentVolumeClaim => "pvc".into(),
            Kind::PersistentVolume => "pv".into(),
            Kind::HorizontalPodAutoscaler => "hpa".into(),
            Kind::PodDisruptionBudget => "pdb".into(),
            other => other.as_str().to_ascii_lowercase(),
        }
    }

    /// The kind that a person means by `po`, `pods`, `pod`, `Pod` or `deployments.apps`.
    pub fn from_user(word: &str) -> Option<Kind> {
        let word = word.to_ascii_lowercase();
        let word = word.split('.').next().unwrap_or_default();
        Kind::KNOWN
            .iter()
            .find(|kind| {
                kind.info().is_some_and(|info| {
                    info.plural == word || info.kind.eq_ignore_ascii_case(word) || info.short.contains(&word)
                })
            })
            .cloned()
    }

    /// Whether objects of the kind live in a namespace; kinds outside the table count as namespaced.
    pub fn is_namespaced(&self) -> bool {
        self.info().is_none_or(|info| info.scope == Scope::Namespaced)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Kind::from_name(&name))
    }
}

impl JsonSchema for Kind {
    fn schema_name() -> Cow<'static, str> {
        "Kind".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "the kind of a Kubernetes object, for example Pod" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_kinds_in_many_ways() {
        for (word, kind) in [
            ("po", Kind::Pod),
            ("Pods", Kind::Pod),
            ("deployments.apps", Kind::Deployment),
            ("pvc", Kind::PersistentVolumeClaim),
            ("quota", Kind::ResourceQuota),
        ] {
            assert_eq!(Kind::from_user(word), Some(kind), "{word}");
        }
        assert_eq!(Kind::from_user("poddle"), None);
    }

    #[test]
    fn names_round_trip() {
        for kind in Kind::KNOWN {
            assert_eq!(&Kind::from_name(kind.as_str()), kind);
        }
        assert_eq!(Kind::from_name("Widget").as_str(), "Widget");
    }
}
