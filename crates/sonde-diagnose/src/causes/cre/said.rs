//! What the causes of this family share: the newest word on why a sandbox or container cannot be made, and how it is
//! told.

use sonde_grammar::Fact;
use sonde_grammar::fact::{CreateFailure, SandboxFailure};
use sonde_grammar::log::AppSign;
use sonde_model::{Kind, ObjectRef};
use sonde_world::view::{Container, Pod, SecurityProfile, VolumeMount};
use sonde_world::{ContainerState, Object, Phase};

use crate::message::Message;
use crate::{Case, Facts, Seen, Symptom, field_on};

/// The newest word on why sandbox or container cannot be made, where `pick` takes it. Words before it are old: the
/// kubelet has come further, or less far, since. That a name is still held is the echo of an attempt before; why that
/// one did not end counts as well.
pub(super) fn said<'a, T>(
    facts: &Facts<'a>,
    pick: impl Fn(&'a Fact) -> Option<T>,
) -> Option<(T, &'a Message)> {
    let mut failures = facts
        .messages()
        .filter(|message| message.facts.iter().any(is_failure));
    let newest = failures.next()?;
    // Words without a time are in no order.
    let is_newer = |other: &&Message| other.seen.time.is_some() && other.seen.time > newest.seen.time;
    let timed = newest.seen.time.is_some();
    if timed
        && facts
            .messages()
            .filter(is_newer)
            .any(|it| it.facts.iter().any(is_before))
    {
        return None;
    }
    let picked = |message: &'a Message| Some((message.facts.iter().find_map(&pick)?, message));
    if !newest.facts.iter().any(is_echo) {
        return picked(newest);
    }
    picked(newest).or_else(|| picked(failures.find(|message| !message.facts.iter().any(is_echo))?))
}

/// Something else than a held name was said of the same step.
pub(super) fn says_more_than_echo(facts: &Facts<'_>) -> bool {
    let of_sandbox = facts.episode.symptom == Symptom::NotStarting;
    let more =
        |fact: &Fact| is_failure(fact) && !is_echo(fact) && matches!(fact, Fact::Sandbox(_)) == of_sandbox;
    said(facts, |fact| more(fact).then_some(())).is_some()
}

/// An earlier attempt holds the name.
fn is_echo(fact: &Fact) -> bool {
    matches!(
        fact,
        Fact::Sandbox(SandboxFailure::NameReserved) | Fact::Create(CreateFailure::NameReserved)
    )
}

fn is_failure(fact: &Fact) -> bool {
    match fact {
        Fact::Sandbox(failure) => failure.is_of_creation(),
        Fact::Create(_) | Fact::Start(_) => true,
        _ => false,
    }
}

/// The kubelet waits for a volume, which comes before the sandbox.
fn is_before(fact: &Fact) -> bool {
    matches!(fact, Fact::Volume(volume) if volume.failure.tells_why())
}

/// Tells a failure that the pod's own settings or image make: `field` is what asks for it, `what` what was answered.
pub(super) fn tell_start(
    facts: &Facts<'_>,
    case: &mut Case,
    field: Option<(String, Seen)>,
    message: &Message,
    what: &str,
) {
    if let Some((text, seen)) = field {
        case.step(text, [seen]);
    }
    case.step(what.to_owned(), [message.seen()]);
    case.step("so its process never ran, and there is no log of it", []);
    case.headline(format!("{} cannot start: {what}", facts.container_phrase()));
}

/// Tells a failure of the node: every pod that starts there meets it.
pub(super) fn tell_node(facts: &Facts<'_>, case: &mut Case, message: &Message, what: &str) {
    case.step(what.to_owned(), [message.seen()]);
    let Some(node) = facts.node_ref() else {
        case.headline(format!("the pod cannot start: {what}"));
        return;
    };
    if let Some((other, seen)) = started_since(facts, message, &node) {
        case.step(
            format!("{other} was started there since: it is not the node as a whole"),
            [seen],
        );
        case.headline(format!("the pod cannot start on node {}: {what}", node.name));
        return;
    }
    let waiting = facts.snapshot.pods_on_node(&node.name).filter(|object| {
        object.deletion.is_none()
            && object.pod().is_some_and(|pod| {
                pod.phase == Phase::Pending
                    && !pod
                        .containers
                        .iter()
                        .any(|it| matches!(it.state, ContainerState::Running { .. }))
            })
    });
    let count = waiting.count();
    if count > 1 {
        let text = format!(
            "{} wait to start on node {}",
            crate::wording::count(count, "pod"),
            node.name
        );
        case.step(
            text.clone(),
            [facts.computed(format!("pods on {}", node.name), text)],
        );
    } else {
        case.step(format!("so the pod cannot start on node {}", node.name), []);
    }
    case.headline(format!("node {} cannot start pods: {what}", node.name));
    case.root(node);
}

/// Another pod, with a network of its own, that the node took and started after it first failed with this one.
fn started_since(facts: &Facts<'_>, message: &Message, node: &ObjectRef) -> Option<(ObjectRef, Seen)> {
    let first = message.first.or(message.seen.time)?;
    let started = |object: &Object| {
        object.pod().is_some_and(|pod| {
            pod.started.is_some_and(|taken| taken > first)
                && pod.containers.iter().any(
                    |it| matches!(&it.state, ContainerState::Running { since } if since.is_some_and(|since| since > first)),
                )
        })
    };
    let own_network = |object: &Object| {
        object
            .encoded
            .decode::<Pod>()
            .is_ok_and(|pod| !pod.spec.host_network)
    };
    let other = facts
        .snapshot
        .pods_on_node(&node.name)
        .filter(|object| object.reference != facts.episode.subject)
        .find(|object| started(object) && own_network(object))?;
    let taken = other.pod()?.started?;
    let mut seen = field_on(&other.reference, "status.startTime", taken);
    seen.time = Some(taken);
    Some((other.reference.clone(), seen))
}

/// A person's look at the node.
pub(super) fn look_at_node(facts: &Facts<'_>, case: &mut Case, text: &str, command: &str) {
    if let Some(node) = facts.node_ref() {
        case.look(
            format!("{text} of node {}", node.name),
            format!("ssh {} '{command}'", node.name),
        );
    }
}

/// The pod's whole spec is known, so a field that is not there is not set.
pub(super) fn knows_spec(facts: &Facts<'_>) -> bool {
    !facts.is_partial() && !facts.pod().spec.containers.is_empty()
}

/// Where the command comes from: the container's `command`, its `args`, or the image.
pub(super) fn command_field(facts: &Facts<'_>, command: &str) -> Option<(String, Seen)> {
    let (container, path) = facts.container()?;
    let who = facts.container_phrase();
    if container
        .command
        .first()
        .is_some_and(|first| same_command(first, command))
    {
        let seen = facts.field(&format!("{path}.command[0]"), &container.command[0]);
        return Some((format!("{who} runs the command {command}"), seen));
    }
    if container.command.is_empty()
        && container
            .args
            .first()
            .is_some_and(|first| same_command(first, command))
    {
        let seen = facts.field(&format!("{path}.args[0]"), &container.args[0]);
        return Some((
            format!(
                "{who} has no command and its image no entrypoint, so its first argument {command} is the command"
            ),
            seen,
        ));
    }
    if !knows_spec(facts) || container.image.is_empty() {
        return None;
    }
    let text = if container.command.is_empty() {
        format!(
            "{who} sets no command: {command} is what its image {} starts with",
            container.image
        )
    } else {
        format!("{who} runs the image {}", container.image)
    };
    Some((text, facts.field(&format!("{path}.image"), &container.image)))
}

fn same_command(one: &str, other: &str) -> bool {
    one == other || one.trim() == other.trim()
}

/// The volume mount that lies over a path inside the container, with its field path.
pub(super) fn mount_over<'a>(facts: &Facts<'a>, path: &str) -> Option<(&'a VolumeMount, String)> {
    let (container, place): (&'a Container, String) = facts.container()?;
    let covers = |mount: &VolumeMount| {
        let at = mount.mount_path.trim_end_matches('/');
        !at.is_empty()
            && path
                .strip_prefix(at)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let at = container
        .volume_mounts
        .iter()
        .enumerate()
        .filter(|(_, mount)| covers(mount))
        .max_by_key(|(_, mount)| mount.mount_path.len())?
        .0;
    Some((
        &container.volume_mounts[at],
        format!("{place}.volumeMounts[{at}]"),
    ))
}

/// How a person looks into the image.
pub(super) fn look_into_image(facts: &Facts<'_>, case: &mut Case, path: &str) {
    let Some((container, _)) = facts.container().filter(|(it, _)| !it.image.is_empty()) else {
        return;
    };
    let folder = match path.rfind('/') {
        Some(0) | None => "/",
        Some(at) => &path[..at],
    };
    let folder = folder.trim_start_matches('/');
    let filter = if folder.is_empty() {
        String::new()
    } else {
        format!(" | grep '^{folder}'")
    };
    case.look(
        "what is in the image",
        format!(
            "docker create --name look {} x && docker export look | tar t{filter} ; docker rm look",
            container.image
        ),
    );
}

/// The container's own value of a security setting, else the pod's, with the field.
pub(super) fn security_field(
    facts: &Facts<'_>,
    name: &str,
    of: impl Fn(bool) -> Option<String>,
) -> Option<Seen> {
    if facts.episode.subject.kind != Kind::Pod {
        return None;
    }
    if let Some(value) = of(true) {
        let (_, path) = facts.container()?;
        return Some(facts.field(&format!("{path}.securityContext.{name}"), value));
    }
    of(false).map(|value| facts.field(&format!("spec.securityContext.{name}"), value))
}

/// Tells of a security profile that cannot be used: `own` and `pods` are the container's and the pod's choice.
pub(super) fn tell_profile(
    facts: &Facts<'_>,
    case: &mut Case,
    message: &Message,
    (name, own, pods): (&str, Option<&SecurityProfile>, Option<&SecurityProfile>),
    what: &str,
) {
    case.proven_by(message.seen());
    let asked = security_field(facts, name, |of_container| {
        let profile = if of_container { own } else { pods }?;
        Some(
            format!("{} {}", profile.kind, profile.localhost_profile)
                .trim()
                .to_owned(),
        )
    });
    let field = asked.map(|seen| ("the pod asks for it".to_owned(), seen));
    tell_start(facts, case, field, message, what);
}

/// The line that the runtime left in the log of a container that it could not start: it is all that the log has.
pub(super) fn runtimes_line<T>(facts: &Facts<'_>, pick: impl Fn(&AppSign) -> Option<T>) -> Option<(T, Seen)> {
    let lines = facts.log()?.iter().filter(|line| !line.trim().is_empty());
    if lines.take(2).count() > 1 {
        return None;
    }
    facts.last_word(pick).filter(|(_, line)| is_runtimes(&line.text))
}

/// A log line that the runtime's init wrote before it became the program, not the program itself.
fn is_runtimes(line: &str) -> bool {
    line.starts_with("exec /")
        || line.starts_with("exec container process")
        || line.contains("exec user process caused")
}
