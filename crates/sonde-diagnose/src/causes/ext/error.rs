//! EXT-ERROR: the application ended itself with an error; its log says which.

use sonde_grammar::log::{AppSign, Known, Standing};
use sonde_model::{Code, Kind, ObjectRef, Risk, Severity, nearest};

use super::advice::advice;
use super::known::{self, speaker};
use super::place::place;
use super::words::{binds_port, quote, reference_in, refused_by_api, said, was_told, why};
use crate::cause::page;
use crate::peers::pod_of_service;
use crate::triage::templates;
use crate::{Case, Cause, Facts, Seen, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("EXT-ERROR"),
    title: "the application ends itself with an error",
    explains: &[Symptom::Terminated],
    reads: &[Kind::Service, Kind::EndpointSlice],
    state,
    page: page!("EXT-ERROR"),
};

/// Codes that say something else: shells' "not executable" and "not found", and "lost" of runtimes.
const OTHERS: &[i64] = &[126, 127];

fn state(facts: &Facts<'_>, case: &mut Case) {
    if facts.is_text() {
        return from_text(facts, case);
    }
    let Some((code, ended)) = facts.exit() else { return };
    let lost = facts.episode.run.as_ref().is_some_and(|run| {
        matches!(
            run.end.reason.as_str(),
            "Unknown" | "ContainerStatusUnknown" | "OOMKilled"
        )
    });
    if code <= 0 || OTHERS.contains(&code) || facts.signal().is_some() || lost {
        return;
    }
    if let Some((_, message)) = facts.killing() {
        case.refuted_by(
            message.seen(),
            "the kubelet ended it; its exit code is how it takes SIGTERM",
        );
        return;
    }
    let who = facts.container_phrase();
    let (why, standing) = match said(facts, |standing| standing != Standing::Passed) {
        Some((why, standing)) => (Some(why), standing),
        None => (None, Standing::Passed),
    };
    let command = facts.logs_command();
    let policy_ok = facts.log().is_some();
    match (&why, was_told(facts)) {
        (Some((clause, sign, line)), None) => {
            if standing == Standing::Decisive {
                case.generally_proven_by(line.clone());
                case.generally_proven_by(ended.clone());
            } else {
                case.supported_by(line.clone());
                case.supported_by(ended.clone());
            }
            let unexpanded = unexpanded(facts, &line.text);
            let root = unexpanded.as_ref().map_or(String::new(), |it| {
                format!(
                    "it is given $({}) as it stands, because the variable is not defined; ",
                    it.name
                )
            });
            case.headline(format!("{who} ends itself with exit code {code}: {root}{clause}"));
            if let Some(it) = &unexpanded {
                case.step(
                    format!(
                        "Kubernetes leaves $({}) as it is: no variable of that name is defined before it",
                        it.name
                    ),
                    [it.seen.clone()],
                );
            }
            case.step(format!("the application fails: {clause}"), [line.clone()]);
            about_target(facts, case, sign);
            if let Some(it) = unexpanded {
                case.advice(
                    format!("define the variable {0} in the container's env before {1} refers to it, or mend the name there; where the text $({0}) itself is meant, write $$({0})", it.name, it.place),
                    Risk::Restart,
                );
            }
        }
        (_, Some(told)) => {
            // Something asked it to end; the code is its answer.
            case.hinted_by(ended.clone());
            case.headline(format!(
                "{who} ends with exit code {code} after it was told to end"
            ));
            case.step("it says that it was told to end", [told]);
        }
        (None, None) => match facts.last_line() {
            Some(last) => {
                // That it ended is seen; why is not.
                let passed = said(facts, |_| true);
                if passed.is_some() {
                    case.hinted_by(ended.clone());
                } else {
                    case.supported_by(ended.clone());
                }
                let before = passed.as_ref().map_or(String::new(), |((clause, ..), _)| {
                    format!("; before that: {clause}")
                });
                case.headline(format!(
                    "{who} ends itself with exit code {code}; its last words are {}{before}",
                    quote(&last.text)
                ));
                if let Some(((clause, sign, line), _)) = passed {
                    look_at_rights(case, &line.text);
                    case.step(
                        format!("before that it was in trouble; whether that ended it its log does not say: {clause}"),
                        [line],
                    );
                    about_target(facts, case, &sign);
                }
                case.step("the last thing it says", [last]);
            }
            None => {
                case.supported_by(ended.clone());
                let silent = if policy_ok { " and says nothing" } else { "" };
                case.headline(format!("{who} ends itself with exit code {code}{silent}"));
                if let Some(want) = facts.want_log().filter(|_| !policy_ok) {
                    case.wants(want, "why the application ended itself");
                }
            }
        },
    }
    // Only the line that was chosen is worth an advice.
    let chosen = why.filter(|_| was_told(facts).is_none());
    let place = chosen.as_ref().and_then(|(_, sign, line)| match sign {
        AppSign::PermissionDenied { .. } if binds_port(&line.text) => None,
        _ => place(facts, sign, &line.text),
    });
    if let Some(place) = &place {
        case.step(place.text.clone(), [place.seen.clone()]);
    }
    case.step(format!("its process ends with exit code {code}"), [ended]);
    if let Some((_, _, line)) = &chosen {
        look_at_rights(case, &line.text);
    }
    match (place, &chosen) {
        (Some(place), _) => case.advice(place.advice, Risk::Restart),
        (None, Some((_, sign, line))) => case.advice(advice(sign, &line.text), Risk::None),
        (None, None) if was_told(facts).is_some() => case.advice(
            "see who asked it to end, and whether its exit code is meant to say that something failed",
            Risk::None,
        ),
        (None, None) if facts.last_line().is_some() => case.advice(
            "see what it did before its end, first the trouble that it tells of, if any; its last words do not tell why, and the exit code is the application's own choice",
            Risk::None,
        ),
        (None, None) if policy_ok => case.advice(
            "it says nothing before its end: let it log more, and see what its documentation says of this exit code",
            Risk::None,
        ),
        (None, None) => case.advice(
            "read its log: the exit code is the application's own choice",
            Risk::None,
        ),
    };
    let silent = chosen.is_none() && policy_ok && facts.last_line().is_none();
    case.look(
        if silent {
            "whether it says something in another run"
        } else {
            "what else it says before its end"
        },
        command,
    );
}

/// A reference to a variable that stands in the container's settings, that Kubernetes could not replace, and that the
/// application quotes.
struct Unexpanded {
    name: String,
    /// Where it stands, in words.
    place: String,
    seen: Seen,
}

fn unexpanded(facts: &Facts<'_>, line: &str) -> Option<Unexpanded> {
    let name = reference_in(line)?;
    let (container, path) = facts.container()?;
    // An entry sees those before it; arguments see all. Variables from elsewhere are not at hand, and the shell's own
    // are no reference of Kubernetes.
    let wanted = format!("$({name})");
    let of_env = container.env.iter().enumerate().find_map(|(at, variable)| {
        let defined = container.env[..at].iter().any(|it| it.name == name);
        let value = variable
            .value
            .as_ref()
            .filter(|value| value.contains(&wanted) && !defined)?;
        Some((
            format!("{path}.env[{at}].value"),
            format!("env {}", variable.name),
            value,
        ))
    });
    let of_words = || {
        let defined = container.env.iter().any(|it| it.name == name);
        let lists = [("command", &container.command), ("args", &container.args)];
        lists.into_iter().find_map(|(list, words)| {
            let at = words.iter().position(|word| word.contains(&wanted) && !defined)?;
            Some((format!("{path}.{list}[{at}]"), list.to_owned(), &words[at]))
        })
    };
    let (path, place, value) = of_env.or_else(of_words)?;
    Some(Unexpanded {
        name: name.to_owned(),
        place,
        seen: facts.field(&path, value),
    })
}

/// A log alone: it tells of a failure, and not whether the process ended of it.
fn from_text(facts: &Facts<'_>, case: &mut Case) {
    let Some((clause, sign, line)) = why(facts) else {
        return;
    };
    if facts.own_word(|sign| is_memory(sign).then_some(())).is_some() {
        // A full heap has causes of its own.
        case.hinted_by(line.clone());
    } else {
        case.supported_by(line.clone());
    }
    // Of single requests and writes; others may go well.
    if matches!(sign, AppSign::Known(Known::EtcdSlowDisk | Known::Proxy { .. })) {
        case.severity(Severity::Warning);
    }
    let who = speaker(&sign);
    case.headline(match sign {
        AppSign::Known(_) => format!("{who} tells of a trouble: {clause}"),
        _ => format!("{who} fails by its own word: {clause}"),
    });
    case.step(format!("{who} says: {clause}"), [line.clone()]);
    about_target(facts, case, &sign);
    case.advice(advice(&sign, &line.text), Risk::None);
    look_at_rights(case, &line.text);
    if let AppSign::Known(known) = &sign {
        if let Some((what, command)) = known::look(known) {
            case.look(what, command);
        }
        return;
    }
    case.look(
        "whether it ended, and how: its pod's description, pasted as well, tells",
        describe_command(facts),
    );
}

/// The API server names who may not do what; the same question can be asked of it.
fn look_at_rights(case: &mut Case, line: &str) {
    if let Some((user, verb, resource)) = refused_by_api(line) {
        case.look(
            format!("whether {user} may {verb} {resource} by now"),
            format!("kubectl auth can-i {verb} {resource} --as={user}"),
        );
    }
}

fn is_memory(sign: &AppSign) -> bool {
    matches!(
        sign,
        AppSign::JvmHeap
            | AppSign::JvmDirect
            | AppSign::JvmMetaspace
            | AppSign::JvmThreads
            | AppSign::NodeHeap
            | AppSign::PythonMemory
            | AppSign::GoMemory
    )
}

/// The command that describes the subject; a text may not name it.
fn describe_command(facts: &Facts<'_>) -> String {
    let subject = &facts.episode.subject;
    match subject.kind {
        Kind::Pod => format!("kubectl describe {}", subject.kubectl()),
        _ => "kubectl describe pod NAME -n NAMESPACE".to_owned(),
    }
}

/// The service that refuses or is unknown may not exist at all.
fn about_target(facts: &Facts<'_>, case: &mut Case, sign: &AppSign) {
    let target = match sign {
        AppSign::ConnectionRefused { target: Some(target) }
        | AppSign::ConnectTimeout { target: Some(target) } => target,
        AppSign::NameResolution { host: Some(host) } => host,
        _ => return,
    };
    let host = target.split(':').next().unwrap_or(target);
    if pod_of_service(facts, case, host) {
        return;
    }
    let mut labels = host.split('.');
    let Some(name) = labels
        .next()
        .filter(|name| !name.is_empty() && !name.bytes().all(|b| b.is_ascii_digit()))
    else {
        return;
    };
    let namespace = labels.next().unwrap_or(&facts.episode.subject.namespace);
    // `db.example.com` is not a service; `db`, `db.shop` and `db.shop.svc...` are.
    if labels.next().is_some_and(|label| label != "svc") {
        return;
    }
    let service = ObjectRef::new(Kind::Service, namespace, name);
    if let Some(seen) = facts.absence(&service) {
        let others: Vec<String> = facts
            .snapshot
            .in_namespace(Kind::Service, namespace)
            .map(|it| it.reference.name.to_string())
            .collect();
        let like = nearest(name, others.iter().map(String::as_str))
            .map_or(String::new(), |near| format!("; there is one named {near}"));
        case.step(
            format!("no service {name} exists in namespace {namespace}{like}"),
            [seen],
        );
    } else if facts.snapshot.get(&service).is_some()
        && facts.snapshot.is_complete(&Kind::EndpointSlice, namespace)
        && !has_ready_endpoint(facts, &service)
    {
        let seen = facts.computed(
            format!("ready endpoints in the EndpointSlices of {service}"),
            "none",
        );
        let Some(workload) = at_zero_behind(facts, &service) else {
            case.step(
                format!("the service {name} has no ready endpoint: what is behind it does not work either"),
                [seen],
            );
            return;
        };
        case.step(
            format!("the service {name} has no endpoint: {workload} behind it is scaled to zero"),
            [seen, field_on(&workload, "spec.replicas", 0)],
        );
        case.fix(
            format!("start {workload} again, if it is not down on purpose"),
            format!("kubectl scale {} --replicas=1", workload.kubectl()),
            Risk::Wide,
        );
    }
}

/// The only workload whose pods a service selects, where it is to have none.
fn at_zero_behind(facts: &Facts<'_>, service: &ObjectRef) -> Option<ObjectRef> {
    let it = facts.snapshot.view::<sonde_world::view::Service>(service)?;
    let wanted = it.spec.selector;
    let mut behind = templates(facts.snapshot, &service.namespace)
        .filter(|(_, labels)| {
            !wanted.is_empty() && wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
        })
        .map(|(workload, _)| workload);
    let workload = behind.next().filter(|_| behind.next().is_none())?;
    let scales = matches!(
        workload.kind,
        Kind::Deployment | Kind::StatefulSet | Kind::ReplicaSet
    );
    let replicas = facts
        .snapshot
        .view::<sonde_world::view::ReplicaSet>(workload)
        .and_then(|it| it.spec.replicas);
    (scales && replicas == Some(0)).then(|| workload.clone())
}

fn has_ready_endpoint(facts: &Facts<'_>, service: &ObjectRef) -> bool {
    facts
        .snapshot
        .in_namespace(Kind::EndpointSlice, &service.namespace)
        .filter(|slice| slice.label("kubernetes.io/service-name") == Some(&*service.name))
        .filter_map(|slice| {
            facts
                .snapshot
                .view::<sonde_world::view::EndpointSlice>(&slice.reference)
        })
        .any(|slice| {
            slice
                .endpoints
                .iter()
                .any(|it| it.conditions.ready != Some(false))
        })
}

#[cfg(test)]
mod tests;
