//! Manifests: objects that no cluster has taken yet, as pasted YAML has them.

use serde::Deserialize;
use sonde_model::{Kind, Quantity};
use sonde_world::Object;
use sonde_world::view::{LabelSelector, Labels, Pod, PodSpec, PodTemplate};

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
    selector: Option<LabelSelector>,
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

/// It has a memory limit that cannot have been meant, or the API server will refuse it: worth a word before anything is
/// applied.
pub(super) fn is_wrong(object: &Object) -> bool {
    manifest_spec(object).is_some_and(|(spec, place)| !memory_slips(&spec, place).is_empty())
        || !invalid_fields(object).is_empty()
}

/// A field that the API server will refuse.
pub(crate) struct InvalidField {
    /// Its path.
    pub(crate) path: String,
    /// What it says.
    pub(crate) value: String,
    /// Why it is refused.
    pub(crate) why: String,
}

/// What the API server's validation will refuse in a manifest (`pkg/apis/apps/validation`, `pkg/apis/core/validation`):
/// a selector that does not match the labels of its own template, a request above its limit.
pub(crate) fn invalid_fields(object: &Object) -> Vec<InvalidField> {
    let Some((spec, place)) = manifest_spec(object) else {
        return Vec::new();
    };
    let mut invalid: Vec<InvalidField> = selector_misses(object).into_iter().collect();
    let lists = [
        ("initContainers", &spec.init_containers),
        ("containers", &spec.containers),
    ];
    for (list, containers) in lists {
        for (at, container) in containers.iter().enumerate() {
            let resources = &container.resources;
            for (name, request) in &resources.requests {
                let above = || {
                    let limit = resources.limits.get(name)?;
                    let over = request.quantity()?.minus(limit.quantity()?) > Quantity::ZERO;
                    over.then(|| limit.to_string())
                };
                if let Some(limit) = above() {
                    invalid.push(InvalidField {
                        path: format!("{place}.{list}[{at}].resources.requests.{name}"),
                        value: request.to_string(),
                        why: format!(
                            "container {} requests more {name} than its limit of {limit}",
                            container.name
                        ),
                    });
                }
            }
        }
    }
    invalid
}

/// The labels of the template do not fit the selector that must find its pods.
fn selector_misses(object: &Object) -> Option<InvalidField> {
    let selects = matches!(
        object.reference.kind,
        Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::ReplicaSet
    );
    let spec = object
        .encoded
        .decode::<Templated>()
        .ok()
        .filter(|_| selects)?
        .spec;
    let (selector, template) = (spec.selector?, spec.template?);
    let labels = &template.metadata.labels;
    if selector.matches(|key| labels.get(key).map(String::as_str)) {
        return None;
    }
    let words = |labels: &Labels| {
        let pairs: Vec<String> = labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        if pairs.is_empty() {
            "no label".to_owned()
        } else {
            pairs.join(",")
        }
    };
    let wanted = words(&selector.match_labels);
    Some(InvalidField {
        path: "spec.selector".to_owned(),
        value: wanted.clone(),
        why: format!(
            "its selector ({wanted}) does not match the labels of its own pod template ({})",
            words(labels)
        ),
    })
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
