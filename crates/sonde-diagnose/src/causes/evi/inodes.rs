//! EVI-INODES: the node's file system was nearly out of inodes, and the kubelet evicted the pod.

use sonde_model::{Code, Kind};

use super::pressure::{Short, state as short_state};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EVI-INODES"),
    title: "evicted: the node was out of inodes",
    explains: &[Symptom::Evicted, Symptom::Terminated],
    reads: &[Kind::Node, Kind::Pod],
    state,
    page: page!("EVI-INODES"),
};

const SHORT: Short = Short {
    resources: &["inodes", "nodefsInodes", "imagefsInodes"],
    word: "inodes",
    request: "",
    look: "kubectl debug node/{} -it --image=busybox --profile=sysadmin -- chroot /host df -i",
    condition: "DiskPressure",
    advice: "find who writes very many small files (caches, sessions, layers of many images) and remove them",
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    short_state(facts, case, &SHORT);
}
