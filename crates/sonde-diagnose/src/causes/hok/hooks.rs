//! What the causes about hooks share: what was said about a hook, and what the hook is.

use sonde_grammar::Fact;
use sonde_grammar::fact::{HookFact, HookKind};
use sonde_model::Kind;
use sonde_world::view::LifecycleHandler;

use crate::message::Message;
use crate::triage::{StillThere, still_there};
use crate::{Case, Facts, Seen, field_on};

/// Every word about a hook of `kind` in the episode, the most telling first: events from 1.26 on say only that it
/// failed, the kubelet's log and the waiting message say why.
pub(super) fn said<'a>(facts: &Facts<'a>, kind: HookKind) -> Vec<(&'a HookFact, &'a Message)> {
    let mut found: Vec<(&HookFact, &Message)> = facts
        .all_messages()
        .filter(|message| facts.in_run(message))
        .filter_map(|message| Some((of_kind(message, kind)?, message)))
        .collect();
    found.sort_by_key(|(hook, _)| {
        (
            !hook.command_missing,
            hook.exit_code.is_none(),
            hook.detail.is_none(),
        )
    });
    found
}

fn of_kind(message: &Message, kind: HookKind) -> Option<&HookFact> {
    message.facts.iter().find_map(|fact| match fact {
        Fact::Hook(it) if it.hook == kind && !it.overran => Some(it),
        _ => None,
    })
}

/// So many failures in earlier runs make a habit; a guess.
const HABIT: i64 = 3;

/// The hook failed in earlier runs again and again, and nothing is told of the later ones: the kubelet sends few events
/// about one pod.
pub(super) fn failed_before<'a>(
    facts: &Facts<'a>,
    kind: HookKind,
) -> Option<(&'a HookFact, &'a Message, i64)> {
    let run = facts.episode.run.as_ref()?;
    let mut failed = facts
        .all_messages()
        .filter_map(|message| Some((of_kind(message, kind)?, message)));
    let (hook, newest) = failed.next()?;
    let times = failed
        .map(|(_, message)| message.count.max(1))
        .fold(newest.count.max(1), i64::saturating_add);
    (times >= HABIT && run.restarts >= times && facts.killing().is_none()).then_some((hook, newest, times))
}

/// The hook of the episode's container (of the only container that has one, where the episode names none), with its
/// path.
pub(super) fn spec<'a>(facts: &Facts<'a>, kind: HookKind) -> Option<(&'a str, &'a LifecycleHandler, String)> {
    let pod = facts.pod();
    let lists = [
        ("containers", &pod.spec.containers),
        ("initContainers", &pod.spec.init_containers),
    ];
    let mut hooks = lists.into_iter().flat_map(|(list, containers)| {
        containers.iter().enumerate().filter_map(move |(at, container)| {
            let lifecycle = container.lifecycle.as_ref()?;
            let (hook, field) = match kind {
                HookKind::PostStart => (lifecycle.post_start.as_ref()?, "postStart"),
                HookKind::PreStop => (lifecycle.pre_stop.as_ref()?, "preStop"),
            };
            Some((
                container.name.as_str(),
                hook,
                format!("spec.{list}[{at}].lifecycle.{field}"),
            ))
        })
    });
    match facts.episode.container.as_deref() {
        Some(name) => hooks.find(|(container, ..)| *container == name),
        None => hooks.next().filter(|_| hooks.next().is_none()),
    }
}

/// "exec /bin/register", "GET /warm", "sleep 30s".
pub(super) fn what(hook: &LifecycleHandler) -> String {
    if let Some(exec) = &hook.exec {
        format!("exec {}", exec.command.join(" "))
    } else if let Some(http) = &hook.http_get {
        format!("GET {}", http.path)
    } else if let Some(sleep) = &hook.sleep {
        format!("sleep {}s", sleep.seconds)
    } else {
        "tcpSocket".into()
    }
}

/// The hook as evidence.
pub(super) fn spec_seen(facts: &Facts<'_>, kind: HookKind) -> Option<Seen> {
    if let Some(there) = of_replaced(facts, kind) {
        return Some(field_on(&there.workload, &there.path, what(&there.hook)));
    }
    let (_, hook, path) = spec(facts, kind)?;
    Some(facts.field(&path, what(hook)))
}

/// The hook of a pod that is gone, as its deployment still has it.
pub(super) fn of_replaced(facts: &Facts<'_>, kind: HookKind) -> Option<StillThere> {
    if kind != HookKind::PreStop || !facts.is_text() || facts.episode.subject.kind != Kind::Pod {
        return None;
    }
    let container = facts.episode.container.as_deref();
    still_there(facts.snapshot, &facts.episode.subject, container)
}

/// The pod is gone; what failed with it fails with the next one. Roots the case at the deployment, which has to be mended.
pub(super) fn at_each_rollout(facts: &Facts<'_>, case: &mut Case) {
    let Some(there) = of_replaced(facts, HookKind::PreStop) else {
        return;
    };
    case.step(
        format!(
            "{} was replaced since, and {} gives its present pods the same hook",
            facts.episode.subject, there.workload
        ),
        [field_on(&there.workload, &there.path, what(&there.hook))],
    );
    case.explains(there.workload.clone());
    case.root(there.workload);
}

/// "postStart hook (exec /bin/register) of container app".
pub(super) fn phrase(facts: &Facts<'_>, kind: HookKind, hook: Option<&HookFact>) -> String {
    let word = match kind {
        HookKind::PostStart => "postStart",
        HookKind::PreStop => "preStop",
    };
    let by_spec = spec(facts, kind)
        .map(|(name, hook, _)| (what(hook), Some(name.to_owned())))
        .or_else(|| {
            let there = of_replaced(facts, kind)?;
            let name = format!("{} of {}", there.container, there.workload);
            Some((what(&there.hook), Some(name)))
        });
    let by_fact = hook.map(|hook| (hook.command.clone().unwrap_or_default(), hook.container.clone()));
    let (command, container) = by_spec.or(by_fact).unwrap_or_default();
    let command = if command.is_empty() {
        String::new()
    } else {
        format!(" ({command})")
    };
    let container = match container.or_else(|| facts.episode.container.as_deref().map(ToOwned::to_owned)) {
        Some(name) => format!("container {name}"),
        None => "a container".into(),
    };
    format!("{word} hook{command} of {container}")
}

/// What the hook's command itself said, in `command 'sh -c …' exited with 4: , message: "no license\n"`.
fn own_words(detail: &str) -> &str {
    let said = detail.rsplit_once(", message: \"").map(|(_, said)| said);
    let said = said.or_else(|| Some(detail.split_once(" exited with ")?.1.split_once(": ")?.1));
    let said = said.unwrap_or(detail).trim_end_matches('"');
    said.trim_end_matches("\\n").trim_matches([' ', ','])
}

/// ": exit code 4, no license": what is known beyond the bare failure.
pub(super) fn detail(hook: &HookFact) -> String {
    match (hook.exit_code, &hook.detail) {
        (Some(code), Some(detail)) => match own_words(detail) {
            "" => format!(": exit code {code}"),
            words => format!(": exit code {code}, {words}"),
        },
        (Some(code), None) => format!(": exit code {code}"),
        (None, Some(detail)) => format!(": {detail}"),
        (None, None) => String::new(),
    }
}

/// The kernel ended the container for memory, and whatever ran in it.
pub(super) fn died_of_memory(facts: &Facts<'_>) -> Option<Seen> {
    let (end, path) = match &facts.episode.run {
        Some(run) => (&run.end, run.path.clone()),
        None => {
            let (status, path) = facts.status()?;
            (
                status.last_state.terminated.as_ref()?,
                format!("{path}.lastState.terminated"),
            )
        }
    };
    (end.reason == "OOMKilled").then(|| facts.field(&path, end.text()))
}

/// The hook did not fail by itself: its container ended under it.
pub(super) fn ended_with_container(hook: &HookFact) -> bool {
    const SAYS: &[&str] = &[
        "not running",
        "container has stopped",
        "CONTAINER_EXITED",
        "process already finished",
        "task not found",
        "cannot exec in a stopped",
    ];
    let detail = hook.detail.as_deref().unwrap_or("");
    hook.exit_code == Some(137) || SAYS.iter().any(|text| detail.contains(text))
}
