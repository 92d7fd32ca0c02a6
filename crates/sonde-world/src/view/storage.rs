//! Claims, volumes and drivers.

use super::{Amount, Condition, LabelSelector, NodeSelector, ObjectMeta, ResourceList, ResourceRequirements};

view! {
    PersistentVolumeClaim { metadata: ObjectMeta, spec: ClaimSpec, status: ClaimStatus }
    ClaimTemplate { metadata: ObjectMeta, spec: ClaimSpec }
    ClaimSpec {
        access_modes: Vec<String>,
        storage_class_name: Option<String>,
        volume_name: String,
        volume_mode: String,
        resources: ResourceRequirements,
        selector: Option<LabelSelector>,
    }
    ClaimStatus { phase: String, access_modes: Vec<String>, capacity: ResourceList, conditions: Vec<Condition> }
    PersistentVolume { metadata: ObjectMeta, spec: VolumeSpec, status: VolumeStatus }
    VolumeSpec {
        capacity: ResourceList,
        access_modes: Vec<String>,
        claim_ref: Option<ClaimReference>,
        storage_class_name: String,
        volume_mode: String,
        node_affinity: Option<VolumeNodeAffinity>,
        csi: Option<CsiVolume>,
        host_path: Option<super::HostPathVolume>,
        nfs: Option<super::NfsVolume>,
        local: Option<LocalVolume>,
        persistent_volume_reclaim_policy: String,
    }
    ClaimReference { namespace: String, name: String, uid: String }
    VolumeNodeAffinity { required: Option<NodeSelector> }
    CsiVolume { driver: String, volume_handle: String }
    LocalVolume { path: String }
    VolumeStatus { phase: String, reason: String, message: String }
    StorageClass {
        metadata: ObjectMeta,
        provisioner: String,
        volume_binding_mode: String,
        allowed_topologies: Vec<TopologyTerm>,
    }
    TopologyTerm { match_label_expressions: Vec<TopologyRequirement> }
    TopologyRequirement { key: String, values: Vec<String> }
    VolumeAttachment { metadata: ObjectMeta, spec: AttachmentSpec, status: AttachmentStatus }
    AttachmentSpec { attacher: String, node_name: String, source: AttachmentSource }
    AttachmentSource { persistent_volume_name: String }
    AttachmentStatus { attached: bool, attach_error: Option<VolumeError>, detach_error: Option<VolumeError> }
    VolumeError { message: String }
    CsiNode { metadata: ObjectMeta, spec: CsiNodeSpec }
    CsiNodeSpec { drivers: Vec<CsiNodeDriver> }
    CsiNodeDriver { name: String, #[serde(rename = "nodeID")] node_id: String, allocatable: Option<DriverAllocatable> }
    DriverAllocatable { count: Option<i64> }
}

impl StorageClass {
    /// The annotation that makes a class the default one.
    pub fn is_default(&self) -> bool {
        [
            "storageclass.kubernetes.io/is-default-class",
            "storageclass.beta.kubernetes.io/is-default-class",
        ]
        .iter()
        .any(|key| {
            self.metadata
                .annotations
                .get(*key)
                .is_some_and(|value| value == "true")
        })
    }

    /// Binding waits for the first pod.
    pub fn waits_for_consumer(&self) -> bool {
        self.volume_binding_mode == "WaitForFirstConsumer"
    }
}

impl ClaimSpec {
    /// How much storage is asked for.
    pub fn size(&self) -> Option<&Amount> {
        self.resources.requests.get("storage")
    }
}
