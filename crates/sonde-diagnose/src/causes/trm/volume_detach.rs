//! TRM-VOLUME-DETACH: a volume cannot be taken down or detached, so the pod, volume or attachment stays.

use sonde_model::{Code, Kind, Risk};
use sonde_world::view::{PersistentVolumeClaim, VolumeAttachment};

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("TRM-VOLUME-DETACH"),
    title: "volume cannot be unmounted or detached",
    explains: &[Symptom::Deleting],
    reads: &[Kind::VolumeAttachment],
    state,
    page: page!("TRM-VOLUME-DETACH"),
};

/// How the kubelet begins to say that it cannot take a volume down.
const UNMOUNTS: &[&str] = &["UnmountVolume.", "UnmountDevice", "error cleaning subPath mounts"];

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    if subject.kind == Kind::Pod {
        // While a container runs, nobody unmounts or detaches anything.
        let running = facts
            .pod()
            .status
            .container_statuses
            .iter()
            .any(|it| it.state.running.is_some());
        if running || unmount_fails(facts, case) {
            return;
        }
    }
    let attachments: Vec<_> = match subject.kind {
        Kind::VolumeAttachment => facts.snapshot.get(subject).into_iter().cloned().collect(),
        Kind::PersistentVolume => attachments_of(facts, &subject.name),
        Kind::Pod => facts
            .pod()
            .spec
            .volumes
            .iter()
            .filter_map(|volume| volume.persistent_volume_claim.as_ref())
            .filter_map(|claim| {
                let claim = sonde_model::ObjectRef::new(
                    Kind::PersistentVolumeClaim,
                    &subject.namespace,
                    &claim.claim_name,
                );
                Some(
                    facts
                        .snapshot
                        .view::<PersistentVolumeClaim>(&claim)?
                        .spec
                        .volume_name,
                )
            })
            .flat_map(|volume| attachments_of(facts, &volume))
            .collect(),
        _ => return,
    };
    for object in attachments {
        let Ok(view) = object.encoded.decode::<VolumeAttachment>() else {
            continue;
        };
        let Some(error) = view.status.detach_error else {
            continue;
        };
        let me = &object.reference;
        let seen = field_on(me, "status.detachError.message", &error.message);
        if subject.kind == Kind::Pod {
            // The attachment outlives the pod; that its end fails makes an unmount that fails likely.
            case.supported_by(seen.clone());
        } else {
            case.proven_by(seen.clone());
        }
        let volume = &view.spec.source.persistent_volume_name;
        let node = &view.spec.node_name;
        case.step(
            format!("volume {volume} is attached to {node}"),
            [field_on(me, "spec.nodeName", node)],
        );
        case.step(
            format!("{} cannot detach it: {}", view.spec.attacher, error.message),
            [seen],
        );
        case.headline(format!(
            "volume {volume} cannot be detached from {node}: {}",
            error.message
        ));
        case.root(me.clone());
        case.advice(super::forced_delete_leaves(facts), Risk::DataLoss);
        case.advice(
            format!(
                "look at the storage driver {}: its controller must detach before the object may go",
                view.spec.attacher
            ),
            Risk::DataLoss,
        );
        return;
    }
}

/// The kubelet says that it cannot unmount the pod's volume: until then it keeps the pod.
fn unmount_fails(facts: &Facts<'_>, case: &mut Case) -> bool {
    let said = facts
        .messages()
        .find(|message| UNMOUNTS.iter().any(|words| message.seen.text.contains(words)));
    let Some(message) = said else { return false };
    case.proven_by(message.seen());
    case.step(
        "its containers have ended",
        [facts.field("status.containerStatuses[].state", "terminated")],
    );
    case.step(
        "the kubelet cannot unmount its volume, and keeps the pod until it can",
        [message.seen()],
    );
    case.headline(format!(
        "pod {} cannot go: its volume cannot be unmounted",
        facts.episode.subject.name
    ));
    case.advice("look for what holds the mount on the node (a process, a dead NFS server), and at the storage driver there", Risk::Wide);
    case.advice(super::forced_delete_leaves(facts), Risk::DataLoss);
    true
}

fn attachments_of(facts: &Facts<'_>, volume: &str) -> Vec<std::sync::Arc<sonde_world::Object>> {
    facts
        .snapshot
        .of_kind(Kind::VolumeAttachment)
        .filter(|object| {
            object
                .encoded
                .decode::<VolumeAttachment>()
                .is_ok_and(|it| it.spec.source.persistent_volume_name == volume)
        })
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::Scene;

    fn attachment(error: Value) -> Value {
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment",
            "metadata": {"name": "csi-1", "deletionTimestamp": "2026-03-01T11:30:00Z", "finalizers": ["external-attacher/disk-csi"]},
            "spec": {"attacher": "disk.csi.example", "nodeName": "n1", "source": {"persistentVolumeName": "pv-1"}},
            "status": {"attached": true, "detachError": error}})
    }

    #[test]
    fn found_from_the_attachment() {
        let outcome = Scene::new()
            .object(attachment(json!({"message": "disk is busy"})))
            .diagnose();
        assert_eq!(outcome.finding("TRM-VOLUME-DETACH").verdict, Verdict::Proven);
    }

    #[test]
    fn not_found_without_an_error() {
        Scene::new()
            .object(attachment(Value::Null))
            .diagnose()
            .lacks("TRM-VOLUME-DETACH");
    }
}
