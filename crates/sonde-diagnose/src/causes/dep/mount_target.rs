//! DEP-MOUNT-TARGET: a volume is mounted over a place where nothing may be mounted or made.

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};
use sonde_grammar::Fact;
use sonde_grammar::fact::StartFailure;
use sonde_model::{Code, Risk};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-MOUNT-TARGET"),
    title: "mount target not allowed",
    explains: &[Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("DEP-MOUNT-TARGET"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let said = facts.find(|fact| match fact {
        Fact::Start(StartFailure::Mount {
            target,
            forbidden_target,
            type_mismatch: false,
            read_only,
            detail,
            ..
        }) => Some((target.as_deref(), *forbidden_target, *read_only, detail)),
        _ => None,
    });
    let Some(((target, forbidden, read_only, detail), message)) = said else {
        return;
    };
    case.proven_by(message.seen());
    let spec = facts.container().and_then(|(container, path)| {
        let at = container
            .volume_mounts
            .iter()
            .position(|it| target.is_some_and(|target| target.ends_with(&it.mount_path)))?;
        Some((
            &container.volume_mounts[at],
            format!("{path}.volumeMounts[{at}].mountPath"),
        ))
    });
    let place = spec
        .as_ref()
        .map(|(mount, _)| mount.mount_path.as_str())
        .or(target)
        .unwrap_or("the target");
    let why = if forbidden {
        format!("nothing may be mounted at {place}")
    } else if read_only {
        format!("{place} lies on a read-only file system, so the place for the mount cannot be made")
    } else {
        format!("the mount at {place} fails: {detail}")
    };
    if let Some((mount, path)) = &spec {
        case.step(
            format!("volume {} is to be mounted at {}", mount.name, mount.mount_path),
            [facts.field(path, &mount.mount_path)],
        );
    }
    case.step(why.clone(), [message.seen()]);
    case.headline(format!("the container cannot start: {why}"));
    case.advice(
        "correct mountPath or subPath in the pod's template",
        Risk::Restart,
    );
}
