//! CRE-MEMORY-UNIT: a memory limit of a few bytes, by a slip of the unit (`300m` is less than one byte), lets nothing
//! start.
//!
//! It shows in five ways, by version, runtime and what else the pod has; each leads here.

use sonde_model::{Code, Kind, Risk, bytes_text};
use sonde_world::view::LimitRange;

use super::memory::{Face, SLIP_BELOW, Slip, face, pod_limit, slips};
use crate::cause::page;
use crate::triage::manifest_spec;
use crate::{Case, Cause, Facts, Seen, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("CRE-MEMORY-UNIT"),
    title: "memory limit of a few bytes by a slip of the unit",
    explains: &[
        Symptom::NotStarting,
        Symptom::ContainerNotCreated,
        Symptom::Terminated,
        Symptom::PodsNotCreated,
    ],
    reads: &[Kind::LimitRange],
    state,
    page: page!("CRE-MEMORY-UNIT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if facts.episode.symptom == Symptom::PodsNotCreated {
        return in_manifest(facts, case);
    }
    let face = face(facts);
    let slips = slips(&facts.pod().spec, "spec");
    match (relevant(facts, &slips, face.as_ref().map(|(face, _)| face)), face) {
        (Some(slip), Some((face, seen))) => {
            case.proven_by(seen.clone());
            tell_limit(facts, case, slip, face.is_of_pod());
            tell_face(facts, case, &face, seen);
            conclude(facts, case, slip);
        }
        (Some(slip), None) => without_face(facts, case, slip),
        (None, Some((face, seen))) => without_limit(facts, case, &face, seen, slips.is_empty()),
        (None, None) => {}
    }
}

/// A manifest that no cluster has taken yet.
fn in_manifest(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let spec = facts
        .snapshot
        .get(subject)
        .and_then(|object| manifest_spec(object));
    let Some((spec, place)) = spec else { return };
    let slips = slips(&spec, place);
    let Some(slip) = slips.first() else { return };
    let seen = facts.field(&slip.field, &slip.written);
    case.proven_by(seen.clone());
    let whose = slip
        .container
        .as_ref()
        .map_or_else(|| "the pod".to_owned(), |name| format!("container {name}"));
    case.step(
        format!("{whose} is given the memory limit {}", slip.written),
        [seen],
    );
    case.step(slip.meaning(), []);
    let outcome = match slip.bytes {
        None => "the API server will refuse it",
        Some(_) => "nothing can start in it",
    };
    case.step(outcome, []);
    let meant = slip.meant();
    case.headline(format!(
        "{whose} of {subject} has the memory limit {}, and {outcome}{}",
        slip.written,
        probably(meant.as_deref())
    ));
    let write = meant.unwrap_or_else(|| WITH_UNIT.to_owned());
    case.advice(format!("write {write} at {}", slip.field), Risk::None);
}

/// What to write where nothing tells what was meant.
const WITH_UNIT: &str = "an amount with a unit, such as 128Mi,";

fn probably(meant: Option<&str>) -> String {
    meant.map_or(String::new(), |meant| format!("; {meant} was probably meant"))
}

/// The limit that can produce the symptom: the container's own, else one that makes the whole pod's limit tiny.
fn relevant<'s>(facts: &Facts<'_>, slips: &'s [Slip], face: Option<&Face>) -> Option<&'s Slip> {
    let own = slips
        .iter()
        .find(|slip| slip.container.as_deref() == facts.episode.container.as_deref());
    let of_pod = || {
        let tiny = pod_limit(facts.pod()).is_some_and(|limit| limit < SLIP_BELOW);
        slips.first().filter(|_| tiny)
    };
    match face {
        Some(face) if face.is_of_pod() => of_pod(),
        _ if facts.episode.container.is_none() => {
            of_pod().or_else(|| slips.first().filter(|_| face.is_some()))
        }
        _ => own.or_else(of_pod),
    }
}

/// The value is written in the pod, and nothing says how the start fails.
fn without_face(facts: &Facts<'_>, case: &mut Case, slip: &Slip) {
    let seen = facts.field(&slip.field, &slip.written);
    match &facts.episode.run {
        // A process that ran and ended for another reason was let run.
        Some(run) if facts.episode.symptom == Symptom::Terminated => {
            if run.end.reason != "OOMKilled" {
                return;
            }
            let ended = facts.field(&run.path, run.end.text());
            case.proven_by(ended.clone());
            tell_limit(facts, case, slip, false);
            case.step(
                "the kernel kills whatever starts in it for memory, at once",
                [ended],
            );
        }
        _ => {
            case.supported_by(seen);
            tell_limit(facts, case, slip, true);
            case.step(
                "nothing can start in that: neither the pod's token volume, nor its sandbox, nor the container",
                [],
            );
            if let Some(want) = facts.want_kubelet_log() {
                case.wants(want, "at which step the start fails");
            }
        }
    }
    conclude(facts, case, slip);
}

/// The words alone: they tell the limit, or only that memory is short. No field can be named.
fn without_limit(facts: &Facts<'_>, case: &mut Case, face: &Face, seen: Seen, no_slip: bool) {
    let knows_spec = !facts.is_partial() && !facts.pod().spec.containers.is_empty();
    if knows_spec && no_slip {
        if !matches!(
            face,
            Face::Sandbox { surely: false, .. } | Face::Init { surely: false, .. }
        ) {
            let limits = facts.computed("memory limits below 1Mi among the pod's containers", "none");
            case.refuted_by(limits, "no memory limit of the pod is that low");
        }
        return;
    }
    let limit = face.limit().filter(|limit| *limit < SLIP_BELOW);
    match (limit, face) {
        (Some(_), _) => case.proven_by(seen.clone()),
        // The kubelet sizes these volumes by the pod's memory limit; nothing else makes them so small.
        (None, Face::Tmpfs) => case.supported_by(seen.clone()),
        (None, Face::Init { .. } | Face::Sandbox { .. } | Face::Kernel { .. }) if face.limit().is_none() => {
            case.hinted_by(seen.clone())
        }
        _ => return,
    };
    tell_face(facts, case, face, seen);
    let value = match limit {
        // The kernel counts whole pages.
        Some(limit) if matches!(face, Face::Kernel { .. }) => {
            format!("its memory limit is no more than {}", bytes_text(limit))
        }
        Some(limit) => format!("its memory limit is {}", bytes_text(limit)),
        None => "its memory limit is probably far too low".into(),
    };
    let slip = if limit.is_some() { "surely" } else { "often" };
    case.headline(format!("the pod cannot start: {value}, {slip} a slip of the unit (`300m` is less than one byte; `300Mi` is meant)"));
    case.look("the memory limits as they are written", look_command(facts));
    case.advice(
        "write the limit with Mi or Gi: 300Mi, not 300m or 300",
        Risk::Restart,
    );
}

fn look_command(facts: &Facts<'_>) -> String {
    let subject = &facts.episode.subject;
    if subject.kind == Kind::Pod {
        format!(
            "kubectl get {} -o jsonpath='{{.spec.containers[*].resources}}'",
            subject.kubectl()
        )
    } else {
        "kubectl get pods -A -o custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,MEMORY:.spec.containers[*].resources.limits.memory".into()
    }
}

fn tell_limit(facts: &Facts<'_>, case: &mut Case, slip: &Slip, of_pod: bool) {
    let whose = match &slip.container {
        Some(container) => format!("container {container} has the memory limit {}", slip.written),
        None => format!("the pod has the memory limit {}", slip.written),
    };
    case.step(whose, [facts.field(&slip.field, &slip.written)]);
    if let Some((reference, seen)) = default_of_namespace(facts, slip) {
        case.step(
            format!("the limit comes from {reference}, which sets it where none is written"),
            [seen],
        );
        case.root(reference.clone());
        case.fix(
            format!("correct the default in {reference}; pods that exist keep theirs"),
            format!("kubectl edit {}", reference.kubectl()),
            Risk::None,
        );
    }
    case.step(slip.meaning(), []);
    let limit =
        pod_limit(facts.pod()).filter(|limit| of_pod && *limit < SLIP_BELOW && slip.container.is_some());
    if let Some(limit) = limit {
        let whose = if facts.pod().all_containers().count() == 1 {
            "it is the pod's only container, so the whole pod gets that limit"
        } else {
            "every container has a limit, so the whole pod gets their sum"
        };
        let text = format!("{whose}: {}", bytes_text(limit));
        case.step(
            text.clone(),
            [facts.computed("memory limits of the pod's containers", text)],
        );
    }
}

/// The LimitRange of the namespace that put the value there.
fn default_of_namespace(facts: &Facts<'_>, slip: &Slip) -> Option<(sonde_model::ObjectRef, Seen)> {
    let namespace = &facts.episode.subject.namespace;
    facts
        .snapshot
        .in_namespace(Kind::LimitRange, namespace)
        .find_map(|object| {
            let range: LimitRange = facts.snapshot.view(&object.reference)?;
            let sets = range
                .spec
                .limits
                .iter()
                .any(|item| item.default.get("memory").is_some_and(|it| it.0 == slip.written));
            sets.then(|| {
                let reference = object.reference.clone();
                (
                    reference.clone(),
                    field_on(&reference, "spec.limits[].default.memory", &slip.written),
                )
            })
        })
}

/// Why it looks as it does.
fn tell_face(facts: &Facts<'_>, case: &mut Case, face: &Face, seen: Seen) {
    let why = match face {
        Face::Tmpfs => "the kubelet makes the pod's memory-backed volumes no larger than its limit: one page, in which the token and certificate do not fit, so the mount fails with \"no space left on device\"".to_owned(),
        Face::Sandbox { .. } => "the pod's cgroup has that limit, so the first process of the sandbox is killed or refused, and the kubelet makes the sandbox anew, again and again".to_owned(),
        Face::Init { .. } => "the runtime's own init process needs more than that before it becomes the command, so the kernel kills it".to_owned(),
        Face::Refused { minimum, .. } => match minimum {
            Some(minimum) => format!("the runtime refuses limits below {} before it tries", bytes_text(*minimum)),
            None => "the runtime refuses so low a limit before it tries".to_owned(),
        },
        Face::Kernel { .. } => "the kernel killed the runtime's own process that prepares the container, before the command ran".to_owned(),
    };
    case.step(why, [seen]);
    let is_status = facts.episode.subject.kind == Kind::Pod && facts.episode.word != "in the text";
    if is_status {
        case.step(
            format!(
                "so the pod stays {}, and no process of it ever runs",
                facts.episode.word
            ),
            [],
        );
    }
}

fn conclude(facts: &Facts<'_>, case: &mut Case, slip: &Slip) {
    let meant = slip.meant();
    let whose = match &slip.container {
        Some(container) => format!("container {container}"),
        None => "the pod".into(),
    };
    let bytes = match slip.bytes {
        Some(1) => "1 byte".to_owned(),
        Some(bytes) => crate::wording::count(bytes, "byte"),
        None => "no quantity".to_owned(),
    };
    case.headline(format!(
        "{whose} cannot start: its memory limit {} is {bytes}{}",
        slip.written,
        probably(meant.as_deref())
    ));
    // Replicas may show it in different ways and at different containers: one slip is one finding.
    let workload = facts.workload();
    case.root_key(slip.field.as_str());
    if case.root.is_none() {
        case.root(workload.clone());
    }
    let Some(meant) = meant else {
        case.advice(
            format!("write {WITH_UNIT} at {} of the pod's template", slip.field),
            Risk::Restart,
        );
        return;
    };
    let request = slip
        .container
        .as_deref()
        .and_then(|name| facts.pod().container(name))
        .and_then(|(container, _)| {
            container
                .resources
                .requests
                .get("memory")
                .filter(|request| request.0 == slip.written)
        });
    let requests = if request.is_some() {
        format!(" --requests=memory={meant}")
    } else {
        String::new()
    };
    let subject = &facts.episode.subject;
    match (&slip.container, facts.template_owner()) {
        (Some(container), Some(owner)) => {
            case.fix(
                format!("set the limit that was meant, for example {meant}"),
                format!(
                    "kubectl set resources {} -c {container} --limits=memory={meant}{requests}",
                    owner.kubectl()
                ),
                Risk::Restart,
            );
        }
        // The limits of a pod without a controller are changed by making it anew.
        _ if subject.kind == Kind::Pod && workload.kind == Kind::Pod => {
            case.fix(
                format!("make the pod anew with the limit that was meant, for example {meant}"),
                format!(
                    "kubectl get {} -o yaml | sed 's/memory: \"\\{{0,1\\}}{}\"\\{{0,1\\}}$/memory: {meant}/' | kubectl replace --force -f -",
                    subject.kubectl(),
                    slip.written
                ),
                Risk::Restart,
            );
        }
        _ => {
            case.advice(
                format!("set the limit that was meant, for example {meant}, in the pod's template"),
                Risk::Restart,
            );
        }
    }
}

#[cfg(test)]
mod tests;
