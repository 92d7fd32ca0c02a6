//! What the causes about kills by probes share: that the kubelet killed the container for its probe, and why the
//! probe failed.

use crate::wording::count;
use sonde_grammar::Fact;
use sonde_grammar::fact::{KillReason, ProbeKind};
use sonde_model::Risk;

use crate::message::Message;
use crate::probing::{Failing, Why, failing, failing_before, failing_until, kind_word, settings_text, spec};
use crate::{Case, Facts, Seen};

/// A run that a probe ended, or may have ended.
pub(super) struct Killed<'a> {
    /// Which probe.
    pub(super) kind: ProbeKind,
    /// The kubelet's word that it killed the container for it.
    pub(super) killing: Option<&'a Message>,
    /// The kubelet's word that it killed earlier runs for it, and how many, where it tells nothing of this one.
    pub(super) earlier: Option<(&'a Message, i64)>,
    /// The kernel ended this run for memory; the kubelet's word is of other runs, or of the end that it had begun.
    pub(super) by_kernel: bool,
    /// The probe's failure.
    pub(super) failing: Option<Failing<'a>>,
    /// Why it failed.
    pub(super) why: Option<Why>,
    /// The container, in words.
    pub(super) who: String,
    /// "is killed by", where it ended: a line alone about a failed probe does not tell.
    pub(super) is: &'static str,
}

/// The run was ended by a probe of `kind`, by the kubelet's word; or it may have been, by a failing probe and an exit
/// code of a kill.
pub(super) fn killed<'a>(facts: &Facts<'a>, kind: ProbeKind) -> Option<Killed<'a>> {
    if facts.episode.run.is_none() && !facts.is_text() {
        return None;
    }
    let wanted = if kind == ProbeKind::Startup {
        KillReason::Startup
    } else {
        KillReason::Liveness
    };
    // What the runtime says of the end counts before what the kubelet was about to do.
    let by_kernel = facts
        .episode
        .run
        .as_ref()
        .is_some_and(|run| run.end.reason == "OOMKilled");
    let failing = failing(facts, &[kind]);
    let killing = match facts.killing() {
        Some((reason, message)) if *reason == wanted => Some(message),
        // Another kill ended this run.
        Some(_) => return None,
        None if by_kernel => last_killing(facts, &wanted),
        None => None,
    };
    let failing = match killing {
        Some(_) if by_kernel => failing.or_else(|| failing_before(facts, kind)),
        _ => failing,
    };
    let code = facts.exit().map(|(code, _)| code);
    let as_if = matches!(code, Some(137 | 143));
    let earlier = Some(())
        .filter(|()| killing.is_none() && failing.is_none() && as_if && !by_kernel)
        .filter(|()| !too_short(facts, kind))
        .and_then(|()| killed_before(facts, &wanted));
    let failing = match earlier {
        Some(_) => failing_before(facts, kind),
        None => failing,
    };
    if killing.is_none() && !(failing.is_some() && (facts.is_text() || as_if)) {
        return None;
    }
    // An agent saw who killed it, and it was not the runtime on the kubelet's word.
    if facts.witness().kill().is_some_and(|kill| !kill.by_runtime()) {
        return None;
    }
    // Where no run is known, the failure that came before the kill is the one that led to it.
    let failing = match killing.filter(|_| facts.episode.run.is_none()) {
        Some(message) => failing_until(facts, kind, message).or(failing),
        None => failing,
    };
    let why = failing.as_ref().map(|it| it.why(facts));
    Some(Killed {
        kind,
        killing,
        earlier,
        by_kernel,
        failing,
        why,
        who: facts.container_phrase(),
        is: if by_kernel && killing.is_some() {
            "is at times killed by"
        } else if killing.is_some() || facts.episode.run.is_some() {
            "is killed by"
        } else {
            "may be killed by"
        },
    })
}

/// The newest word of the kubelet that it killed a run of the container for that.
fn last_killing<'a>(facts: &Facts<'a>, wanted: &KillReason) -> Option<&'a Message> {
    facts.all_messages().find(|message| {
        message
            .facts
            .iter()
            .any(|fact| matches!(fact, Fact::Killing { reason, .. } if reason == wanted))
    })
}

/// The run ended before the probe could fail as often as it must.
fn too_short(facts: &Facts<'_>, kind: ProbeKind) -> bool {
    /// Times are written in whole seconds, and a probe may begin within its first period.
    const SLACK: i64 = 5;
    let Some(((_, probe, _), lived)) = spec(facts, kind).zip(facts.lived()) else {
        return false;
    };
    let failures = probe.period().saturating_mul(probe.failures().saturating_sub(1));
    lived.as_secs().saturating_add(SLACK) < probe.initial_delay_seconds.saturating_add(failures)
}

/// So many kills of earlier runs make a habit; a guess.
const HABIT: i64 = 3;

/// The kubelet killed earlier runs of the container for the same, again and again, and tells nothing of later ones: of
/// one pod it sends 25 events, and then one every five minutes (`client-go/tools/record/events_cache.go`), so an old loop
/// goes on in silence.
fn killed_before<'a>(facts: &Facts<'a>, wanted: &KillReason) -> Option<(&'a Message, i64)> {
    let run = facts.episode.run.as_ref()?;
    let mut kills = facts.all_messages().filter_map(|message| {
        message.facts.iter().find_map(|fact| match fact {
            Fact::Killing { reason, .. } => Some((reason, message)),
            _ => None,
        })
    });
    let (reason, newest) = kills.next().filter(|(reason, _)| *reason == wanted)?;
    let rest = kills.filter(|(other, _)| *other == reason);
    let times = rest
        .map(|(_, message)| message.count.max(1))
        .fold(newest.count.max(1), i64::saturating_add);
    (times >= HABIT && run.restarts >= times).then_some((newest, times))
}

impl Killed<'_> {
    /// "for 35 s", the time that the probe gives a start.
    pub(super) fn budget(&self) -> Option<i64> {
        let (_, probe, _) = self.failing.as_ref()?.spec.as_ref()?;
        Some(probe.budget_seconds())
    }

    /// States the case: `proof` is false where the reason is only likely.
    pub(super) fn state(
        &self,
        facts: &Facts<'_>,
        case: &mut Case,
        strength: Strong,
        reason: &str,
        shown: Option<Seen>,
    ) {
        let word = kind_word(self.kind);
        if self.by_kernel {
            case.apart();
        }
        match (self.killing, strength) {
            (Some(message), Strong::Proof) => case.proven_by(message.seen()),
            (Some(message), Strong::General) => case.generally_proven_by(message.seen()),
            (Some(message), Strong::Support) => case.supported_by(message.seen()),
            (None, _) => {
                if let Some(want) = facts.want_kubelet_log() {
                    case.wants(
                        want,
                        format!("whether the kubelet killed the container for its {word} probe"),
                    );
                }
                match &self.failing {
                    // The runtime says that the kernel killed in it; a program short of memory answers no probe either.
                    Some(failing) if self.by_kernel => case.hinted_by(failing.message.seen()),
                    Some(failing) => case.supported_by(failing.message.seen()),
                    None => return,
                };
                let runtime = facts.witness().kill().or_else(|| facts.witness().asked());
                match runtime.filter(|sent| sent.by_runtime()) {
                    Some(sent) => case.supported_by(sent.seen.clone()),
                    None => case,
                }
            }
        };
        let settings = self
            .failing
            .as_ref()
            .and_then(|it| it.settings(facts))
            .or_else(|| {
                spec(facts, self.kind).map(|(_, probe, path)| {
                    facts.field(&path, settings_text("", probe).trim_start_matches("; "))
                })
            });
        case.step(
            format!(
                "the kubelet's {word} probe asks {}",
                self.failing
                    .as_ref()
                    .map_or("the container".into(), Failing::asks)
            ),
            settings,
        );
        if let Some((message, times)) = self.earlier {
            case.supported_by(message.seen());
            case.step(
                format!("the kubelet killed {times} earlier runs for it; of an old loop it tells no more, as it sends few events about one pod"),
                [message.seen()],
            );
        }
        if let Some(failing) = &self.failing {
            let times = if failing.message.count > 1 {
                format!(", {}", count(failing.message.count, "time"))
            } else {
                String::new()
            };
            case.step(format!("{}{times}", failing.met()), [failing.message.seen()]);
        }
        if !reason.is_empty() {
            case.step(reason, shown);
        }
        // Without the kubelet's word its stop only follows from how the process ended, which the next step shows.
        if let Some(message) = self.killing {
            case.step("the kubelet stops the container", [message.seen()]);
        }
        if let Some((code, ended)) = facts.exit().filter(|_| !self.by_kernel) {
            let how = match code {
                137 if self.killing.is_none() => "its process ended with exit code 137: the kubelet's SIGKILL, after SIGTERM did not end it in time".into(),
                143 if self.killing.is_none() => "its process ended with exit code 143: the kubelet's SIGTERM".into(),
                137 => "it does not end on SIGTERM in time, so it is killed (exit code 137)".into(),
                143 => "it ends on SIGTERM (exit code 143)".into(),
                code => format!("it takes SIGTERM and ends with exit code {code}"),
            };
            case.step(how, [ended]);
        }
        if let Some(run) = facts.episode.run.as_ref().filter(|run| run.restarts > 0) {
            let restarts = if run.restarts == 1 { "restart" } else { "restarts" };
            let path = run.path.split('.').take(2).collect::<Vec<_>>().join(".");
            let seen = facts.field(&format!("{path}.restartCount"), run.restarts);
            case.step(format!("{} {restarts} so far", run.restarts), [seen]);
        }
        if facts.episode.container.is_some() && !facts.is_text() {
            case.look(
                "what the container did before it was killed",
                facts.logs_command(),
            );
        }
    }

    /// A startup probe that gives the application `seconds` to start.
    pub(super) fn give_time(&self, facts: &Facts<'_>, case: &mut Case, seconds: i64) {
        if self.kind == ProbeKind::Startup {
            return self.more_time(facts, case, seconds);
        }
        let failures = (seconds / 10).saturating_add(1).max(30);
        let text = format!(
            "give the start its own time with a startup probe: up to {} s",
            failures.saturating_mul(10)
        );
        let Some((_, probe, _)) = self.failing.as_ref().and_then(|it| it.spec.as_ref()) else {
            case.advice(text, Risk::Restart);
            return;
        };
        let action = if let Some(http) = &probe.http_get {
            format!(
                "\"httpGet\":{{\"path\":\"{}\",\"port\":{}}}",
                if http.path.is_empty() { "/" } else { &http.path },
                port_json(&http.port)
            )
        } else if let Some(tcp) = &probe.tcp_socket {
            format!("\"tcpSocket\":{{\"port\":{}}}", port_json(&tcp.port))
        } else {
            case.advice(text, Risk::Restart);
            return;
        };
        let patch = facts.patch_container(&format!(
            "\"startupProbe\":{{{action},\"periodSeconds\":10,\"failureThreshold\":{failures}}}"
        ));
        match patch {
            Some(command) => case.fix(text, command, Risk::Restart),
            None => case.advice(text, Risk::Restart),
        };
    }
}

impl Killed<'_> {
    /// The container has a startup probe already, which is too short.
    fn more_time(&self, facts: &Facts<'_>, case: &mut Case, seconds: i64) {
        let period = self
            .failing
            .as_ref()
            .and_then(|it| it.spec.as_ref())
            .map_or(10, |(_, probe, _)| probe.period().max(1));
        let failures = seconds.checked_div(period).unwrap_or(0).saturating_add(1).max(3);
        let text = format!(
            "give the start more time: failureThreshold {failures} of its startup probe allows {} s",
            failures.saturating_mul(period)
        );
        match facts.patch_container(&format!("\"startupProbe\":{{\"failureThreshold\":{failures}}}")) {
            Some(command) => case.fix(text, command, Risk::Restart),
            None => case.advice(text, Risk::Restart),
        };
    }
}

/// How far the kubelet's word carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strong {
    /// The reason is known.
    Proof,
    /// Only that the probe did it is known.
    General,
    /// The reason is likely.
    Support,
}

fn port_json(port: &sonde_world::view::IntOrString) -> String {
    match port {
        sonde_world::view::IntOrString::Int(number) => number.to_string(),
        sonde_world::view::IntOrString::String(name) => format!("\"{name}\""),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use crate::testing::{Scene, crashed, merge, pod};

    /// A run from 11:50 to 11:58 that a probe ended: `probe` is its spec by name, `said` what the kubelet met.
    pub(in crate::causes::liv) fn scene(probe: Value, said: &str, killed: bool) -> Scene {
        let kind = if probe.get("startupProbe").is_some() {
            "startup"
        } else {
            "liveness"
        };
        let mut container = json!({"name": "app"});
        merge(&mut container, probe);
        let it = pod(json!({
            "spec": {"containers": [container]},
            "status": {"containerStatuses": [crashed(137, "Error")]}
        }));
        let mut scene = Scene::new().object(it);
        if !said.is_empty() {
            scene = scene.container_event("Pod/shop/app-1", "app", "Unhealthy", said, "2026-03-01T11:57:30Z");
        }
        if killed {
            let message = format!("Container app failed {kind} probe, will be restarted");
            scene = scene.container_event(
                "Pod/shop/app-1",
                "app",
                "Killing",
                &message,
                "2026-03-01T11:57:30Z",
            );
        }
        scene
    }

    /// Failures of a container that runs on are no alarm, and a kill that no probe's word explains is not the cause `code`.
    pub(in crate::causes::liv) fn calm_while_it_runs_on(code: &str) {
        let about = "Pod/shop/app-1";
        Scene::new()
            .object(pod(json!({})))
            .container_event(about, "app", "Unhealthy", REFUSED, "2026-03-01T11:57:30Z")
            .container_event(about, "app", "Unhealthy", TIMED_OUT, "2026-03-01T11:57:40Z")
            .diagnose()
            .is_calm();
        scene(http(8080), "", false).diagnose().lacks(code);
    }

    pub(in crate::causes::liv) fn http(port: i64) -> Value {
        json!({"livenessProbe": {"httpGet": {"path": "/healthz", "port": port}}})
    }

    pub(in crate::causes::liv) const REFUSED: &str = "Liveness probe failed: Get \"http://10.0.0.9:8080/healthz\": dial tcp 10.0.0.9:8080: connect: connection refused";
    pub(in crate::causes::liv) const TIMED_OUT: &str = "Liveness probe failed: Get \"http://10.0.0.9:8080/healthz\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
}
