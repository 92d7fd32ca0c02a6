//! preStop hooks that failed when a rollout replaced their pods: the pods are gone, and the next ones have the same hook.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use sonde_model::{Kind, ObjectRef};
use sonde_world::Snapshot;
use sonde_world::view::{Deployment, LifecycleHandler, PodSpec, ReplicaSet};

use super::{Opened, Told, Triage};
use crate::{Episode, Scope, Symptom};

/// A hook that failed is worth a word for this long; a guess.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

/// The hook that failed, as the present template of its deployment still has it.
pub(crate) struct StillThere {
    /// The deployment.
    pub(crate) workload: ObjectRef,
    /// The container.
    pub(crate) container: String,
    /// The hook.
    pub(crate) hook: LifecycleHandler,
    /// Its path in the deployment.
    pub(crate) path: String,
}

pub(super) fn of_replaced(triage: &Triage<'_>, scope: &Scope, out: &mut Vec<Opened>) {
    let mut opened = BTreeSet::new();
    for object in triage.snapshot.of_kind(Kind::Event) {
        let Some(event) = object
            .event()
            .filter(|it| it.reason.as_ref() == "FailedPreStopHook")
        else {
            continue;
        };
        let recent = triage.elapsed(event.last).is_some_and(|age| age < REMEMBERED);
        let gone = event.about.kind == Kind::Pod && triage.snapshot.is_absent(&event.about);
        if !recent || !gone {
            continue;
        }
        let Some(there) = still_there(triage.snapshot, &event.about, event.container.as_deref()) else {
            continue;
        };
        let asked = triage
            .snapshot
            .get(&there.workload)
            .is_some_and(|workload| triage.in_scope(scope, workload));
        // One of the replaced pods tells it for all.
        if asked && opened.insert((there.workload, there.container.clone())) {
            let episode = Episode::new(event.about.clone(), Symptom::HookFailed, "FailedPreStopHook")
                .of_container(&there.container)
                .since(event.first.or(event.last));
            out.push(Opened {
                told: Told::WithItsCause,
                ..episode.into()
            });
        }
    }
}

/// The preStop hook of a pod that is gone, where its ReplicaSet still tells it and the deployment's template has the very
/// same one today.
pub(crate) fn still_there(
    snapshot: &Snapshot,
    pod: &ObjectRef,
    container: Option<&str>,
) -> Option<StillThere> {
    let (set, _) = pod.name.rsplit_once('-')?;
    let set = ObjectRef::new(Kind::ReplicaSet, &pod.namespace, set);
    let workload = snapshot.root_owner(&set);
    if workload.kind != Kind::Deployment {
        return None;
    }
    let old = snapshot.view::<ReplicaSet>(&set)?.spec.template.spec;
    let new = snapshot.view::<Deployment>(&workload)?.spec.template.spec;
    let (at, name, hook) = pre_stop(&new, container)?;
    let (_, _, was) = pre_stop(&old, Some(&name))?;
    let same = |one: &LifecycleHandler, other: &LifecycleHandler| {
        let command = |it: &LifecycleHandler| it.exec.as_ref().map(|exec| exec.command.clone());
        let page = |it: &LifecycleHandler| it.http_get.as_ref().map(|http| http.path.clone());
        command(one) == command(other) && page(one) == page(other)
    };
    same(&hook, &was).then(|| StillThere {
        workload,
        container: name,
        hook,
        path: format!("spec.template.spec.containers[{at}].lifecycle.preStop"),
    })
}

/// The preStop hook of a container, of the only one that has one where none is named.
fn pre_stop(spec: &PodSpec, container: Option<&str>) -> Option<(usize, String, LifecycleHandler)> {
    let mut hooks = spec.containers.iter().enumerate().filter_map(|(at, it)| {
        let hook = it.lifecycle.as_ref()?.pre_stop.clone()?;
        Some((at, it.name.clone(), hook))
    });
    match container {
        Some(name) => hooks.find(|(_, it, _)| it == name),
        None => hooks.next().filter(|_| hooks.next().is_none()),
    }
}
