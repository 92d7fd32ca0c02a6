//! EVI-PIDS: the node was short of process ids, and the kubelet evicted the pod.

use sonde_model::{Code, Kind};

use super::pressure::{Short, state as short_state};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EVI-PIDS"),
    title: "evicted: the node was short of process ids",
    explains: &[Symptom::Evicted, Symptom::Terminated],
    reads: &[Kind::Node, Kind::Pod],
    state,
    page: page!("EVI-PIDS"),
};

const SHORT: Short = Short {
    resources: &["pids"],
    word: "process ids",
    request: "",
    look: "kubectl debug node/{} -it --image=busybox --profile=sysadmin -- chroot /host sh -c 'ps -eLf | wc -l; ps -eo nlwp,pid,args --sort=-nlwp | head'",
    condition: "PIDPressure",
    advice: "find who starts processes or threads without end, and bound each pod's with the kubelet's podPidsLimit",
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    short_state(facts, case, &SHORT);
}
