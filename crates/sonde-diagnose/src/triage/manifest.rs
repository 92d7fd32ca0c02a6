//! Manifests: objects that no cluster has taken yet, as pasted YAML has them.

use serde::Deserialize;
use sonde_model::Kind;
use sonde_world::Object;
use sonde_world::view::{Pod, PodSpec, PodTemplate};

use super::Opened;
use crate::causes::memory_slips;
use crate::{Episode, Symptom};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Templated {
    spec: TemplatedSpec,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TemplatedSpec {
    template: Option<PodTemplate>,
    job_template: Option<Box<Templated>>,
}

/// The pod's spec that a manifest has, and where; `None` for what a cluster has taken, which has a uid.
pub(crate) fn manifest_spec(object: &Object) -> Option<(PodSpec, &'static str)> {
    if !object.uid.is_empty() || object.created.is_some() {
        return None;
    }
    match object.reference.kind {
        // What `kubectl describe` shows of a pod has no uid either, and has a state.
        Kind::Pod => {
            let pod = object.encoded.decode::<Pod>().ok()?;
            let untouched = pod.status.phase.is_empty()
                && pod.status.container_statuses.is_empty()
                && pod.spec.node_name.is_empty();
            untouched.then_some((pod.spec, "spec"))
        }
        Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::ReplicaSet | Kind::Job => {
            let spec = object.encoded.decode::<Templated>().ok()?.spec;
            Some((spec.template?.spec, "spec.template.spec"))
        }
        Kind::CronJob => {
            let spec = object.encoded.decode::<Templated>().ok()?.spec;
            Some((
                spec.job_template?.spec.template?.spec,
                "spec.jobTemplate.spec.template.spec",
            ))
        }
        _ => None,
    }
}

/// It has a memory limit that cannot have been meant: worth a word before anything is applied.
pub(super) fn is_slipped(object: &Object) -> bool {
    manifest_spec(object).is_some_and(|(spec, place)| !memory_slips(&spec, place).is_empty())
}

pub(super) fn open(object: &Object, out: &mut Vec<Opened>) {
    out.push(
        Episode::new(
            object.reference.clone(),
            Symptom::PodsNotCreated,
            "in the manifest",
        )
        .into(),
    );
}
