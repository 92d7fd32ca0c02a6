//! DEP-MULTI-ATTACH: the volume is still attached to another node.

use sonde_grammar::fact::VolumeFailure;
use sonde_model::{Code, Kind, ObjectRef, Risk};
use sonde_world::view::{PersistentVolumeClaim, VolumeAttachment};

use super::volume::{failing, known_volume, need};
use crate::cause::page;
use crate::{Case, Cause, Facts, Seen, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-MULTI-ATTACH"),
    title: "volume attached to another node",
    explains: &[Symptom::NotStarting],
    reads: &[Kind::VolumeAttachment, Kind::Pod, Kind::Node],
    state,
    page: page!("DEP-MULTI-ATTACH"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let said = failing(facts, |failure| match failure {
        VolumeFailure::MultiAttach { pods, node } => Some((pods.as_slice(), node.clone(), false)),
        VolumeFailure::ReadWriteOncePod => Some((&[] as &[String], None, true)),
        _ => None,
    });
    let Some(((pods, named_node, one_pod), volume, message)) = said else {
        return;
    };
    case.proven_by(message.seen());
    let known = known_volume(facts, volume).map(|(it, _)| it.name.clone());
    let shown = known
        .or_else(|| volume.volumes.first().cloned())
        .unwrap_or_else(|| "a volume".into());
    need(facts, case, volume);
    let rule = if one_pod {
        "used by one pod at a time (ReadWriteOncePod)"
    } else {
        "attached to one node at a time"
    };
    case.step(format!("volume {shown} can be {rule}"), [message.seen()]);
    let holder = holder(facts, &shown, one_pod).or_else(|| {
        let pod = pods.first()?;
        let name = pod.rsplit('/').next().unwrap_or(pod);
        Some((
            ObjectRef::new(Kind::Pod, &facts.episode.subject.namespace, name),
            message.seen(),
        ))
    });
    let attached = attached_to(facts, &volume.volumes);
    let node = named_node.or_else(|| attached.as_ref().map(|(node, _)| node.clone()));
    if let Some((node, seen)) = attached {
        case.step(format!("it is attached to node {node}"), [seen]);
    }
    let there = node.as_ref().map(|node| format!("node {node}"));
    let mut who = match (&there, one_pod) {
        (Some(there), _) => there.clone(),
        (None, true) => "another pod".to_owned(),
        (None, false) => "another node".to_owned(),
    };
    if let Some((pod, seen)) = holder {
        case.step(format!("{pod} uses it"), [seen]);
        who = match (there, one_pod) {
            (Some(there), _) => format!("{pod} on {there}"),
            (None, true) => pod.to_string(),
            (None, false) => format!("{pod} on another node"),
        };
        case.fix(
            format!("if {pod} is an old one that should be gone, end it"),
            format!("kubectl delete {}", pod.kubectl()),
            Risk::DataLoss,
        );
    }
    if let Some(node) = &node {
        let reference = ObjectRef::cluster(Kind::Node, node);
        let lost = facts
            .snapshot
            .get(&reference)
            .and_then(|it| it.node())
            .is_some_and(|it| {
                it.conditions
                    .iter()
                    .any(|condition| condition.kind == "Ready" && condition.status == "Unknown")
            });
        if lost {
            let seen = field_on(&reference, "status.conditions[Ready]", "Unknown");
            case.step(format!("node {node} is lost, so nobody detaches it"), [seen]);
            // Since 1.28 stable: Kubernetes then deletes the node's pods and detaches their volumes by force.
            case.fix(
                format!("if node {node} is switched off for good, say so: its pods are deleted and its volumes detached"),
                format!("kubectl taint nodes {node} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"),
                Risk::DataLoss,
            );
        } else {
            case.look(
                format!("what on node {node} still uses it, and whether it is about to end"),
                format!("kubectl get pods -A -o wide --field-selector spec.nodeName={node}"),
            );
        }
    } else {
        case.look(
            "which node it is attached to",
            "kubectl get volumeattachments -o custom-columns=VOLUME:.spec.source.persistentVolumeName,NODE:.spec.nodeName,ATTACHED:.status.attached".to_owned(),
        );
    }
    case.headline(format!(
        "the pod cannot start: volume {shown} is still held by {who}"
    ));
    case.root_key(shown);
    case.advice(
        "for a workload with one replica and such a volume use the update strategy Recreate, or a StatefulSet",
        Risk::Restart,
    );
}

/// Another pod that uses the same claim: on another node, or anywhere where it is for one pod.
fn holder(facts: &Facts<'_>, volume: &str, anywhere: bool) -> Option<(ObjectRef, Seen)> {
    let pod = facts.pod();
    let claim = pod
        .spec
        .volumes
        .iter()
        .find(|it| it.name == volume)?
        .persistent_volume_claim
        .as_ref()?;
    let claim = super::claim::reference(facts, &claim.claim_name);
    facts.snapshot.pods_using(&claim).find_map(|other| {
        let columns = other.pod()?;
        let same =
            other.reference == facts.episode.subject || (*columns.node == *pod.spec.node_name && !anywhere);
        let elsewhere = !columns.node.is_empty() && !same && !columns.is_terminal();
        elsewhere.then(|| {
            (
                other.reference.clone(),
                field_on(&other.reference, "spec.nodeName", &columns.node),
            )
        })
    })
}

/// Where the volume is attached.
fn attached_to(facts: &Facts<'_>, names: &[String]) -> Option<(String, Seen)> {
    let bound: Vec<String> = super::claim::claims(facts)
        .iter()
        .filter_map(|claim| {
            Some(
                facts
                    .snapshot
                    .view::<PersistentVolumeClaim>(claim)?
                    .spec
                    .volume_name,
            )
        })
        .collect();
    facts.snapshot.of_kind(Kind::VolumeAttachment).find_map(|object| {
        let it: VolumeAttachment = object.encoded.decode().ok()?;
        let volume = &it.spec.source.persistent_volume_name;
        let ours = names.contains(volume) || bound.contains(volume);
        let elsewhere = it.spec.node_name != facts.pod().spec.node_name;
        (ours && elsewhere && it.status.attached).then(|| {
            (
                it.spec.node_name.clone(),
                field_on(&object.reference, "spec.nodeName", &it.spec.node_name),
            )
        })
    })
}
