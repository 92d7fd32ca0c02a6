//! Configuring, creating and starting containers: the kubelet's own checks, then the words of the runtimes.

mod create;
mod start;

use super::words::{after, any, detail, name, name_after};
use super::{hook, image};
pub(super) use create::{KUBELETS, limits_too_low};
pub(super) use start::{RUNTIME, early_death};

use crate::fact::{ConfigRef, CreateFailure, Fact, RefKind, StartFailure};

/// The kubelet calls `exec` in a running container: probes, hooks, `kubectl exec`. No container failed to start.
const EXEC_IN_CONTAINER: &[&str] = &[
    "OCI runtime exec failed",
    "failed to exec in container",
    "exec failed: ",
    "runc exec failed",
];

/// Event reason `Failed` with a text that does not begin with `Error: `: an image's, or another controller's event.
pub(super) fn read_failed(text: &str, out: &mut Vec<Fact>) {
    image::by_text(text, out);
    if out.is_empty() {
        by_text(text, out);
    }
}

/// Event reason `Failed` with a text that begins with `Error: `: configuration, create and start share it.
pub(super) fn read_failed_error(text: &str, out: &mut Vec<Fact>) {
    image::by_text(text, out);
    if out.is_empty() {
        stage(text, Stage::Create, out);
    }
}

/// Waiting reasons `CreateContainerConfigError` and `CreateContainerError`.
pub(super) fn read_create(text: &str, out: &mut Vec<Fact>) {
    stage(text, Stage::Create, out);
}

/// Waiting reason `RunContainerError`, terminated reasons `StartError` and `ContainerCannotRun`.
pub(super) fn read_start(text: &str, out: &mut Vec<Fact>) {
    stage(text, Stage::Start, out);
}

/// Reads the message of a terminated container. It is the application's last words, which may quote anything, unless a
/// runtime reports that it could not start it.
pub(super) fn terminated(text: &str, out: &mut Vec<Fact>) {
    if start::is_failure(text) {
        by_text(text, out);
    }
}

/// Reads a text of unknown origin: only what runtimes and the kubelet say in a form of their own is taken.
pub(super) fn by_text(text: &str, out: &mut Vec<Fact>) {
    if any(text, EXEC_IN_CONTAINER) {
        return;
    }
    if start::is_runtime(text) {
        out.extend(start_fact(text));
        if out.is_empty() && start::is_failure(text) {
            out.push(Fact::Start(StartFailure::Other {
                detail: start::words(text),
            }));
        }
    }
    if out.is_empty() && create::is_kubelets(text) {
        out.extend(create::failure(text).map(Fact::Create));
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Create,
    Start,
}

fn stage(text: &str, stage: Stage, out: &mut Vec<Fact>) {
    // The bare waiting reason as an event's text (`Error: CreateContainerConfigError`) accompanies one with the words.
    if text.is_empty() || is_bare_reason(text) {
        return;
    }
    hook::by_text(text, out);
    if !out.is_empty() || any(text, EXEC_IN_CONTAINER) {
        return;
    }
    // CRI-O runs runc's create, and so meets the start's failures, while it creates.
    if stage == Stage::Start || start::is_runtime(text) {
        out.extend(start_fact(text));
    }
    if out.is_empty() {
        out.extend(create::failure(text).map(Fact::Create));
    }
    if out.is_empty() {
        out.extend(start_fact(text));
    }
    if out.is_empty() {
        out.push(match stage {
            Stage::Start => Fact::Start(StartFailure::Other {
                detail: start::words(text),
            }),
            Stage::Create if start::is_runtime(text) => Fact::Start(StartFailure::Other {
                detail: start::words(text),
            }),
            Stage::Create => Fact::Create(CreateFailure::Other { detail: detail(text) }),
        });
    }
}

fn start_fact(text: &str) -> Option<Fact> {
    // Limits and room are said in the same words at both stages.
    create::shared(text)
        .map(Fact::Create)
        .or_else(|| start::failure(text).map(Fact::Start))
}

fn is_bare_reason(text: &str) -> bool {
    text.len() < 40
        && text.bytes().all(|byte| byte.is_ascii_alphabetic())
        && (text.ends_with("Error") || text.ends_with("BackOff"))
}

/// The first missing ConfigMap or Secret, or key of it.
fn config_ref(text: &str) -> Option<ConfigRef> {
    config_refs(text).into_iter().next()
}

/// Missing ConfigMaps and Secrets, and keys of them, in the wording of events, waiting messages and mounts; a projected
/// volume may lack several.
pub(super) fn config_refs(text: &str) -> Vec<ConfigRef> {
    const REFS_MAX: usize = 8;
    let mut out: Vec<ConfigRef> = key_not_named(text)
        .into_iter()
        .chain(key_not_found(text))
        .collect();
    for (at, _) in text.match_indices(" not found").take(REFS_MAX) {
        out.extend(object_before(&text[..at]));
    }
    out.truncate(REFS_MAX);
    out
}

/// `references non-existent secret key: k`; the key is named since 1.10 for ConfigMaps and since 1.15 for Secrets.
fn key_not_named(text: &str) -> Option<ConfigRef> {
    const KEYS: &[(&str, RefKind)] = &[
        ("references non-existent config key", RefKind::ConfigMap),
        ("references non-existent secret key", RefKind::Secret),
    ];
    KEYS.iter().find_map(|(marker, kind)| {
        let key = after(text, marker)?
            .strip_prefix(':')
            .and_then(name)
            .map(str::to_owned);
        Some(ConfigRef {
            kind: *kind,
            name: None,
            key,
            key_missing: true,
        })
    })
}

/// `couldn't find key k in ConfigMap ns/name`.
fn key_not_found(text: &str) -> Option<ConfigRef> {
    let rest = after(text, "couldn't find key ").or_else(|| after(text, "couldn't find config key "))?;
    let (key, rest) = rest.split_once(" in ")?;
    let kind = if rest.starts_with("Secret") {
        RefKind::Secret
    } else {
        RefKind::ConfigMap
    };
    let name = rest.split_once(' ').and_then(|(_, object)| name(object));
    let name = name.map(|name| name.rsplit('/').next().unwrap_or(name).to_owned());
    let key = Some(key.trim_matches('"').to_owned());
    Some(ConfigRef {
        kind,
        name,
        key,
        key_missing: true,
    })
}

/// `configmap "x"` at the end of the text.
fn object_before(text: &str) -> Option<ConfigRef> {
    const OBJECTS: &[(&str, RefKind)] = &[
        ("configmap", RefKind::ConfigMap),
        ("configmaps", RefKind::ConfigMap),
        ("secret", RefKind::Secret),
        ("secrets", RefKind::Secret),
    ];
    let (before, name) = match text.strip_suffix('"') {
        Some(inner) => inner.rsplit_once('"')?,
        None => text.rsplit_once(' ')?,
    };
    let word = before.trim_end().rsplit([' ', '[', '(', ':']).next()?;
    let (_, kind) = OBJECTS.iter().find(|(object, _)| *object == word)?;
    let name = name
        .rsplit('/')
        .next()
        .filter(|name| !name.is_empty() && name.len() <= 253)?;
    Some(ConfigRef {
        kind: *kind,
        name: Some(name.to_owned()),
        key: None,
        key_missing: false,
    })
}

/// The container of `(pod: "x_ns(uid)", container: app)`.
fn container_in_parentheses(text: &str) -> Option<String> {
    name_after(text, "container: ").map(str::to_owned)
}
