//! Attaching, mounting and provisioning volumes.

use super::ConfigRef;

/// A volume could not be attached or mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeFact {
    /// The volumes that the text names: pod volume names, or a PersistentVolume's name.
    pub volumes: Vec<String>,
    /// Why.
    pub failure: VolumeFailure,
}

/// Why a volume is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumeFailure {
    /// The kubelet's summary "timed out waiting for the condition"; the reason is elsewhere.
    TimedOut,
    /// A ConfigMap or Secret, or a key of it, is missing.
    Missing(ConfigRef),
    /// `object "NS"/"NAME" not registered` or `failed to sync ... cache`: the kubelet's own cache; passing.
    NotRegistered {
        /// The object.
        name: String,
    },
    /// A claim that does not exist.
    ClaimMissing {
        /// The claim.
        claim: String,
    },
    /// A claim that is not bound.
    ClaimUnbound {
        /// The claim.
        claim: String,
    },
    /// The volume is attached to another node.
    MultiAttach {
        /// Pods that use it, where the text names them.
        pods: Vec<String>,
        /// The other node, where the text names it.
        node: Option<String>,
    },
    /// The claim is ReadWriteOncePod and another pod uses it.
    ReadWriteOncePod,
    /// One operation did not end in time, or an earlier try of it still runs: the driver or the storage behind it hangs.
    OperationTimeout {
        /// `MountVolume.MountDevice`, where the text names it.
        operation: Option<String>,
    },
    /// Attach did not finish.
    AttachTimeout {
        /// The CSI driver, where the text names it.
        driver: Option<String>,
    },
    /// Attach failed.
    AttachFailed {
        /// The words.
        detail: String,
    },
    /// The node holds as many volumes as it can.
    AttachLimit,
    /// The node's CSI driver is not registered.
    DriverMissing {
        /// The driver.
        driver: String,
    },
    /// The node's CSI driver is registered and its process does not answer.
    DriverDown {
        /// The driver, where the text names it.
        driver: String,
    },
    /// `mount.nfs` or its like is not on the node, or the file system type is unknown.
    HelperMissing {
        /// The helper or file system, where the text names it.
        helper: String,
    },
    /// The server does not answer (NFS, iSCSI).
    ServerUnreachable {
        /// The server, where the text names it.
        server: Option<String>,
        /// The words.
        detail: String,
    },
    /// The server refuses the export or the path is missing on it.
    ExportDenied {
        /// The words.
        detail: String,
    },
    /// Permission denied on a path.
    Permission {
        /// The path, where the text names it.
        path: Option<String>,
    },
    /// The file system is read-only.
    ReadOnly {
        /// The path, where the text names it.
        path: Option<String>,
    },
    /// hostPath is of another type or missing.
    HostPathType {
        /// The path.
        path: String,
        /// The words, `is not a directory`.
        detail: String,
    },
    /// subPath failed.
    SubPath {
        /// The words.
        detail: String,
    },
    /// No room: the volume or, for a memory-backed one, its size is full.
    NoSpace {
        /// The path, where the text names it.
        path: Option<String>,
        /// The path is a projected or secret volume, so memory backed.
        tmpfs: bool,
    },
    /// The file system is damaged or of another type.
    FileSystem {
        /// The words.
        detail: String,
    },
    /// The pod's node is not where the volume may be used.
    NodeAffinity,
    /// A service account token could not be made.
    Token {
        /// The words.
        detail: String,
    },
    /// Something no grammar knows.
    Other {
        /// The words.
        detail: String,
    },
}

impl VolumeFailure {
    /// An operation did not end in time; attempts that did end may tell why.
    pub fn is_late(&self) -> bool {
        matches!(
            self,
            VolumeFailure::OperationTimeout { .. } | VolumeFailure::AttachTimeout { .. }
        )
    }

    /// Not the echo of an earlier failure, nor one that passes by itself, nor unknown words.
    pub fn tells_why(&self) -> bool {
        !self.is_late()
            && !matches!(
                self,
                VolumeFailure::TimedOut | VolumeFailure::NotRegistered { .. } | VolumeFailure::Other { .. }
            )
    }
}

/// Something about a PersistentVolumeClaim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimFact {
    /// The StorageClass does not exist.
    ClassMissing {
        /// The class.
        class: String,
    },
    /// No class is named, no default exists, no volume fits.
    NoClass,
    /// Binding waits until a pod uses the claim.
    WaitForFirstConsumer,
    /// Binding waits for a pod to be scheduled.
    WaitForPodScheduled {
        /// The pod, where the text names it.
        pod: Option<String>,
    },
    /// Waits for the provisioner.
    WaitingForProvisioner {
        /// The provisioner, where the text names it.
        provisioner: Option<String>,
    },
    /// The provisioner said no.
    ProvisioningFailed {
        /// Its words.
        detail: String,
    },
    /// The bound volume is gone.
    Lost,
    /// The named volume is bound to another claim or does not fit.
    Mismatch {
        /// The words.
        detail: String,
    },
    /// The volume of a claim that is gone could not be deleted.
    DeleteFailed {
        /// The words.
        detail: String,
    },
    /// A resize step failed.
    ResizeFailed {
        /// The words.
        detail: String,
    },
}
