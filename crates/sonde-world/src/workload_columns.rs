//! What scans need of workloads, services and claims: whether a closer look is worth it, and which pods they are about.

use serde::Deserialize;
use sonde_model::Kind;

use crate::object::RawMeta;
use crate::view::{IntOrString, Labels, or_default};
use crate::{Columns, Object};

/// What scans need of what makes pods.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkloadColumns {
    /// Pods that are to be there; 1 where the source does not tell.
    pub wanted: i64,
    /// Pods that are there.
    pub have: i64,
    /// Pods that are ready.
    pub ready: i64,
    /// A condition says that it cannot go on: pods refused, a rollout past its deadline, a failed Job.
    pub failing: bool,
    /// A Job that is done, or was told to do nothing.
    pub at_rest: bool,
    /// The labels of its pods; empty where another workload owns it and has the same.
    pub template: Labels,
}

/// What scans need of a service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceColumns {
    /// Which pods answer for it; none for one without a selector, or that is a name elsewhere.
    pub selector: Labels,
    /// A target port is the name of a container's port.
    pub has_named_ports: bool,
}

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow, default)]
    metadata: RawMeta<'a>,
    #[serde(default, deserialize_with = "or_default")]
    spec: Spec,
    #[serde(default, deserialize_with = "or_default")]
    status: Status,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    replicas: Option<i64>,
    parallelism: Option<i64>,
    completions: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    suspend: bool,
    #[serde(deserialize_with = "or_default")]
    template: Template,
    job_template: Option<JobTemplate>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct JobTemplate {
    #[serde(deserialize_with = "or_default")]
    spec: JobTemplateSpec,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct JobTemplateSpec {
    #[serde(deserialize_with = "or_default")]
    template: Template,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Template {
    #[serde(deserialize_with = "or_default")]
    metadata: TemplateMeta,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct TemplateMeta {
    #[serde(deserialize_with = "or_default")]
    labels: Labels,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    #[serde(deserialize_with = "or_default")]
    replicas: i64,
    #[serde(deserialize_with = "or_default")]
    ready_replicas: i64,
    #[serde(deserialize_with = "or_default")]
    desired_number_scheduled: i64,
    #[serde(deserialize_with = "or_default")]
    current_number_scheduled: i64,
    #[serde(deserialize_with = "or_default")]
    number_ready: i64,
    #[serde(deserialize_with = "or_default")]
    active: i64,
    #[serde(deserialize_with = "or_default")]
    succeeded: i64,
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<RawCondition>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawCondition {
    #[serde(rename = "type", deserialize_with = "or_default")]
    kind: String,
    #[serde(deserialize_with = "or_default")]
    status: String,
}

#[derive(Deserialize)]
struct RawService<'a> {
    #[serde(borrow, default)]
    metadata: RawMeta<'a>,
    #[serde(default, deserialize_with = "or_default")]
    spec: ServiceSpec,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ServiceSpec {
    #[serde(rename = "type", deserialize_with = "or_default")]
    kind: String,
    #[serde(deserialize_with = "or_default")]
    selector: Labels,
    #[serde(deserialize_with = "or_default")]
    ports: Vec<Port>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Port {
    target_port: Option<IntOrString>,
}

#[derive(Deserialize)]
struct RawClaim<'a> {
    #[serde(borrow, default)]
    metadata: RawMeta<'a>,
    #[serde(default, deserialize_with = "or_default")]
    status: ClaimStatus,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ClaimStatus {
    #[serde(deserialize_with = "or_default")]
    phase: String,
}

/// Reads an object of a kind that has such columns; `None` for other kinds, and for one of an unexpected shape, of which
/// the identity may still be read.
pub(crate) fn read(bytes: &[u8], kind: &Kind) -> Option<Object> {
    match kind {
        Kind::Deployment
        | Kind::ReplicaSet
        | Kind::ReplicationController
        | Kind::StatefulSet
        | Kind::DaemonSet
        | Kind::Job
        | Kind::CronJob => {
            let raw: Raw<'_> = serde_json::from_slice(bytes).ok()?;
            let mut columns = columns(kind, raw.spec, &raw.status);
            let mut object = raw.metadata.object(kind.clone(), Columns::None);
            if object.owner.is_some() {
                columns.template = Labels::new();
            }
            object.columns = Columns::Workload(Box::new(columns));
            Some(object)
        }
        Kind::Service => {
            let raw: RawService<'_> = serde_json::from_slice(bytes).ok()?;
            let is_name = raw.spec.kind == "ExternalName";
            let mut ports = raw.spec.ports.iter();
            let columns = ServiceColumns {
                has_named_ports: ports.any(|it| matches!(it.target_port, Some(IntOrString::String(_)))),
                selector: if is_name { Labels::new() } else { raw.spec.selector },
            };
            Some(
                raw.metadata
                    .object(Kind::Service, Columns::Service(Box::new(columns))),
            )
        }
        Kind::PersistentVolumeClaim => {
            let raw: RawClaim<'_> = serde_json::from_slice(bytes).ok()?;
            let phase = raw.status.phase.as_str().into();
            Some(raw.metadata.object(kind.clone(), Columns::Claim { phase }))
        }
        _ => None,
    }
}

fn columns(kind: &Kind, spec: Spec, status: &Status) -> WorkloadColumns {
    let has = |kind: &str, value: &str| {
        let mut conditions = status.conditions.iter();
        conditions.any(|it| it.kind == kind && it.status == value)
    };
    let (wanted, have, ready) = match kind {
        Kind::DaemonSet => (
            status.desired_number_scheduled,
            status.current_number_scheduled,
            status.number_ready,
        ),
        Kind::Job => {
            let left = spec
                .completions
                .unwrap_or(i64::MAX)
                .saturating_sub(status.succeeded);
            (spec.parallelism.unwrap_or(1).min(left), status.active, 0)
        }
        _ => (spec.replicas.unwrap_or(1), status.replicas, status.ready_replicas),
    };
    WorkloadColumns {
        wanted,
        have,
        ready,
        failing: has("ReplicaFailure", "True") || has("Progressing", "False") || has("Failed", "True"),
        at_rest: *kind == Kind::Job && (spec.suspend || has("Complete", "True")),
        template: match spec.job_template {
            Some(job) => job.spec.template.metadata.labels,
            None => spec.template.metadata.labels,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: &serde_json::Value) -> Object {
        Object::from_json(value.to_string().into(), None).unwrap()
    }

    fn workload(kind: &str, spec: serde_json::Value, status: serde_json::Value) -> WorkloadColumns {
        let value = json!({"kind": kind, "metadata": {"name": "a", "namespace": "shop"}, "spec": spec, "status": status});
        object(&value).workload().unwrap().clone()
    }

    #[test]
    fn workloads_tell_how_many_pods_they_want_and_have() {
        let numbers = |it: &WorkloadColumns| (it.wanted, it.have, it.ready);
        let template = json!({"metadata": {"labels": {"app": "a"}}});
        let set = workload(
            "ReplicaSet",
            json!({"replicas": 3, "template": template}),
            json!({"replicas": 2, "readyReplicas": 1, "conditions": [{"type": "ReplicaFailure", "status": "True"}]}),
        );
        assert_eq!((numbers(&set), set.failing), ((3, 2, 1), true));
        assert_eq!(set.template["app"], "a");
        let daemons = json!({"desiredNumberScheduled": 5, "currentNumberScheduled": 4, "numberReady": 3});
        assert_eq!(numbers(&workload("DaemonSet", json!({}), daemons)), (5, 4, 3));
        let job = workload(
            "Job",
            json!({"parallelism": 4, "completions": 6}),
            json!({"succeeded": 5, "active": 1}),
        );
        assert_eq!((numbers(&job), job.at_rest), ((1, 1, 0), false));
        let done = json!({"conditions": [{"type": "Complete", "status": "True"}]});
        assert!(workload("Job", json!({}), done).at_rest);
        let cron = json!({"jobTemplate": {"spec": {"template": template}}});
        assert_eq!(workload("CronJob", cron, json!(null)).template["app"], "a");
    }

    #[test]
    fn services_and_claims_tell_what_they_are_about() {
        let service = |spec: serde_json::Value| {
            let value =
                json!({"kind": "Service", "metadata": {"name": "a", "namespace": "shop"}, "spec": spec});
            object(&value).service().unwrap().clone()
        };
        let named =
            service(json!({"selector": {"app": "a"}, "ports": [{"targetPort": "http"}, {"targetPort": 80}]}));
        assert!(named.has_named_ports && named.selector["app"] == "a");
        let outside = service(json!({"type": "ExternalName", "selector": {"app": "a"}, "ports": null}));
        assert!(!outside.has_named_ports && outside.selector.is_empty());
        let claim = object(
            &json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "a", "namespace": "shop"},
            "status": {"phase": "Bound"}}),
        );
        assert_eq!(claim.claim_phase(), Some("Bound"));
    }

    #[test]
    fn what_has_another_shape_keeps_its_identity() {
        let odd =
            object(&json!({"kind": "Deployment", "metadata": {"name": "a", "namespace": "shop"}, "spec": 7}));
        assert_eq!(&*odd.reference.name, "a");
        assert!(odd.workload().is_none());
    }
}
