//! EVI-NODE-DISK: the node's file system for pods or images was nearly full, and the kubelet evicted the pod.

use sonde_model::{Code, Kind};

use super::pressure::{Short, state as short_state};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EVI-NODE-DISK"),
    title: "evicted: the node's disk was full",
    explains: &[Symptom::Evicted, Symptom::Terminated],
    reads: &[Kind::Node, Kind::Pod],
    state,
    page: page!("EVI-NODE-DISK"),
};

const SHORT: Short = Short {
    resources: &["ephemeral-storage", "nodefs", "imagefs"],
    word: "disk space",
    request: "ephemeral-storage",
    look: "kubectl debug node/{} -it --image=busybox --profile=sysadmin -- chroot /host sh -c 'df -h; du -xsh /var/lib/kubelet/pods/* /var/log/pods/* /var/lib/containerd | sort -h | tail -20'",
    condition: "DiskPressure",
    advice: "free the node's disk (logs, images, emptyDir data), give pods ephemeral-storage requests and limits, or give the node a larger disk",
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    short_state(facts, case, &SHORT);
}
