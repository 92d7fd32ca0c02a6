//! What the causes about readiness share: the probe that does not pass, why, and what follows.

use crate::wording::count;
use sonde_grammar::fact::ProbeKind;
use sonde_model::{Risk, Severity};

use crate::probing::flapping::{AT_TIMES, Failures};
use crate::probing::{Failing, Why, failing, kind_word};
use crate::{Case, Facts, Seen};

/// What one cause says about a probe that does not pass.
pub(super) struct Told {
    /// The headline's clause after the container: "is not ready: nothing listens on port 8080".
    pub(super) what: String,
    /// What is at fault: the application, the configuration, the system, the CPU.
    pub(super) fault: &'static str,
    /// The step that explains it, with what shows it.
    pub(super) reason: Option<(String, Option<Seen>)>,
    /// No rival is left.
    pub(super) sure: bool,
    /// What to do.
    pub(super) advice: &'static str,
}

/// The probe of the episode that does not pass, and why.
pub(super) fn unready<'a>(facts: &Facts<'a>) -> Option<(Failing<'a>, Why)> {
    let starting = facts
        .status()
        .is_some_and(|(status, _)| status.started == Some(false));
    let kinds: &[ProbeKind] = if starting {
        // Until the startup probe has passed, no other probe is asked.
        &[ProbeKind::Startup, ProbeKind::Readiness]
    } else {
        &[ProbeKind::Readiness]
    };
    let failing = failing(facts, kinds)?;
    let why = failing.why(facts);
    Some((failing, why))
}

/// States the case: the probe asks, this is what it met, and this follows.
pub(super) fn state(facts: &Facts<'_>, case: &mut Case, failing: &Failing<'_>, told: Told) {
    if told.sure {
        case.proven_by(failing.message.seen());
    } else {
        case.supported_by(failing.message.seen());
    }
    let word = kind_word(failing.kind);
    case.step(
        format!("the kubelet's {word} probe asks {}", failing.asks()),
        failing.settings(facts),
    );
    let times = if failing.message.count > 1 {
        format!(", {}", count(failing.message.count, "time"))
    } else {
        String::new()
    };
    case.step(format!("{}{times}", failing.met()), [failing.message.seen()]);
    if let Some((text, seen)) = told.reason {
        case.step(text, seen);
    }
    case.step(format!("at fault: {}", told.fault), []);
    let who = facts.container_phrase();
    let failures = Failures::of(facts);
    if facts.episode.word == AT_TIMES {
        ready_now(facts, case, failing, failures.unwrap_or_default(), &told.what);
    } else {
        if let Some((_, path)) = facts.status() {
            case.step(
                "the container is not ready, so services send its pod no requests",
                [facts.field(&format!("{path}.ready"), false)],
            );
        }
        let comes_and_goes = facts
            .container()
            .zip(failures)
            .filter(|((container, _), failures)| failures.was_ready_between(container, facts.episode.since))
            .map_or(String::new(), |(_, failures)| {
                format!(
                    "; it is ready and unready in turns: the probe failed {}",
                    failures.words()
                )
            });
        case.headline(format!("{who} {}{comes_and_goes}", told.what));
    }
    case.advice(told.advice, Risk::Restart);
    if facts.episode.container.is_some() && !facts.is_text() {
        case.look("what the application says", facts.logs_command());
    }
}

/// The probe passes at the moment, and did not again and again.
fn ready_now(facts: &Facts<'_>, case: &mut Case, failing: &Failing<'_>, failures: Failures, what: &str) {
    if let Some((_, path)) = facts.status() {
        let row = failing.spec.as_ref().map_or(1, |(_, probe, _)| probe.failures());
        let fails = if row > 1 {
            format!("fails {row} times in a row")
        } else {
            "fails".to_owned()
        };
        case.step(
            format!(
                "the container is ready now; whenever the probe {fails}, services send its pod no requests until it passes again"
            ),
            [facts.field(&format!("{path}.ready"), true)],
        );
    }
    let why = what
        .strip_prefix("is not ready: ")
        .map_or_else(|| failing.met(), ToOwned::to_owned);
    case.headline(format!(
        "{} is ready now, but its readiness probe failed {}: {why}",
        facts.container_phrase(),
        failures.words()
    ));
    case.severity(Severity::Warning);
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};
    use sonde_model::Verdict;

    use crate::testing::{Scene, merge, pod, status};

    /// A container that runs since 11:00 and is not ready; its readiness probe meets `said` at 11:59.
    pub(in crate::causes::rdy) fn scene(container: Value, said: &str) -> Scene {
        let mut spec =
            json!({"name": "app", "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}}});
        merge(&mut spec, container);
        let it = pod(json!({
            "spec": {"containers": [spec]},
            "status": {
                "conditions": [
                    {"type": "PodScheduled", "status": "True"},
                    {"type": "ContainersReady", "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": "2026-03-01T11:00:00Z"},
                    {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": "2026-03-01T11:00:00Z"}
                ],
                "containerStatuses": [status(json!({"ready": false, "state": {"running": {"startedAt": "2026-03-01T11:00:00Z"}}}))]
            }
        }));
        let scene = Scene::new().object(it);
        if said.is_empty() {
            scene
        } else {
            scene.container_event("Pod/shop/app-1", "app", "Unhealthy", said, "2026-03-01T11:59:00Z")
        }
    }

    /// Container, what the kubelet said, the application's log; code and words of the headline.
    type Row = (
        fn() -> Value,
        &'static str,
        &'static str,
        &'static str,
        &'static [&'static str],
    );

    fn plain() -> Value {
        json!({})
    }

    fn declared() -> Value {
        json!({"ports": [{"containerPort": 9090}]})
    }

    fn https() -> Value {
        json!({"readinessProbe": {"httpGet": {"path": "/ready", "port": 8080, "scheme": "HTTPS"}}})
    }

    fn named() -> Value {
        json!({"ports": [{"name": "web", "containerPort": 8080}], "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}}})
    }

    fn exec() -> Value {
        json!({"readinessProbe": {"httpGet": null, "exec": {"command": ["pg_isready", "-h", "localhost"]}}})
    }

    fn hosted() -> Value {
        json!({"readinessProbe": {"httpGet": null, "tcpSocket": {"host": "127.0.0.1", "port": 8080}}})
    }

    fn grpc() -> Value {
        json!({"readinessProbe": {"httpGet": null, "grpc": {"port": 8080}}})
    }

    const REFUSED: &str = "Readiness probe failed: Get \"http://10.0.0.9:8080/ready\": dial tcp 10.0.0.9:8080: connect: connection refused";
    const TIMED_OUT: &str = "Readiness probe failed: Get \"http://10.0.0.9:8080/ready\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)";

    const ROWS: &[Row] = &[
        (plain, REFUSED, "", "RDY-NOTHING-LISTENS", &["8080"]),
        (
            plain,
            "Readiness probe failed: Get http://10.0.0.9:8080/ready: dial tcp 10.0.0.9:8080: getsockopt: connection refused",
            "",
            "RDY-NOTHING-LISTENS",
            &["8080"],
        ),
        (declared, REFUSED, "", "RDY-NOTHING-LISTENS", &["8080"]),
        (
            plain,
            REFUSED,
            "Server listening on port 9090\n",
            "RDY-WRONG-PORT",
            &["8080", "9090"],
        ),
        (
            plain,
            REFUSED,
            "Listening on http://127.0.0.1:8080\n",
            "RDY-WRONG-PORT",
            &["loopback"],
        ),
        (
            grpc,
            "Readiness probe failed: timeout: failed to connect service \"10.0.0.9:8080\" within 1s: context deadline exceeded",
            "",
            "RDY-GRPC-NOT-SERVING",
            &["no gRPC connection to port 8080 of the pod's address in time"],
        ),
        (
            hosted,
            "Readiness probe failed: dial tcp 127.0.0.1:8080: connect: connection refused",
            "Server listening on port 8080\n",
            "RDY-WRONG-PORT",
            &["loopback address of the node"],
        ),
        (
            named,
            "Readiness probe errored: strconv.Atoi: parsing \"http\": invalid syntax",
            "",
            "RDY-WRONG-PORT",
            &["http"],
        ),
        (
            plain,
            "Readiness probe failed: HTTP probe failed with statuscode: 404",
            "",
            "RDY-WRONG-PATH",
            &["404", "/ready"],
        ),
        (
            https,
            "Readiness probe failed: Get \"https://10.0.0.9:8080/ready\": http: server gave HTTP response to HTTPS client",
            "",
            "RDY-WRONG-SCHEME",
            &["HTTPS"],
        ),
        (
            plain,
            "Readiness probe failed: HTTP probe failed with statuscode: 400",
            "http: TLS handshake error from 10.0.0.1:3: client sent an HTTP request to an HTTPS server\n",
            "RDY-WRONG-SCHEME",
            &["HTTP"],
        ),
        (
            plain,
            "Readiness probe failed: HTTP probe failed with statuscode: 503",
            "",
            "RDY-STATUS-CODE",
            &["503"],
        ),
        (
            plain,
            "Readiness probe failed: HTTP probe failed with statuscode: 401",
            "",
            "RDY-STATUS-CODE",
            &["401"],
        ),
        (plain, TIMED_OUT, "", "RDY-TIMEOUT", &["8080"]),
        (
            exec,
            "Readiness probe failed: command timed out: \"pg_isready -h localhost\" timed out after 1s",
            "",
            "RDY-TIMEOUT",
            &["pg_isready"],
        ),
        (
            exec,
            "Readiness probe errored: rpc error: code = Unknown desc = failed to exec in container: failed to start exec \"5\": OCI runtime exec failed: exec failed: unable to start container process: exec: \"pg_isready\": executable file not found in $PATH: unknown",
            "",
            "RDY-EXEC-PROBE-BROKEN",
            &["pg_isready"],
        ),
        (
            exec,
            "Readiness probe errored and resulted in unknown state: rpc error: code = Unknown desc = failed to exec in container: failed to start exec \"5\": OCI runtime exec failed: exec failed: unable to start container process: exec: \"pg_isready\": executable file not found in $PATH: unknown",
            "",
            "RDY-EXEC-PROBE-BROKEN",
            &["pg_isready"],
        ),
        (
            exec,
            "Readiness probe failed: localhost:5432 - no response\n",
            "",
            "RDY-EXEC-PROBE-FAILS",
            &["no response"],
        ),
        (
            grpc,
            "Readiness probe failed: service unhealthy (responded with \"NOT_SERVING\")",
            "",
            "RDY-GRPC-NOT-SERVING",
            &["NOT_SERVING"],
        ),
        (
            plain,
            "Readiness probe failed: Get \"http://10.0.0.9:8080/ready\": read tcp 10.0.0.1:4->10.0.0.9:8080: read: connection reset by peer",
            "",
            "RDY-PROBE-FAILS",
            &["closes the connection"],
        ),
    ];

    #[test]
    fn each_failure_has_its_cause_and_no_other() {
        let mut wrong = Vec::new();
        for (container, said, log, code, words) in ROWS {
            let mut it = scene(container(), said);
            if !log.is_empty() {
                it = it.log("shop/app-1", "app", false, log);
            }
            let outcome = it.diagnose();
            let told = outcome.says_only(code, Verdict::Proven)
                && words
                    .iter()
                    .all(|word| outcome.finding(code).headline.contains(word));
            if !told {
                wrong.push(format!(
                    "{said}: wanted {code} with {words:?}, found {}",
                    outcome.summary()
                ));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn nothing_is_claimed_without_the_kubelets_words() {
        for (container, _, _, code, _) in ROWS.iter().filter(|row| row.2.is_empty()) {
            let outcome = scene(container(), "").diagnose();
            assert!(!outcome.claims(code), "{code}: {}", outcome.summary());
        }
    }

    #[test]
    fn an_old_runs_failure_is_not_this_ones() {
        let it = scene(json!({}), "").container_event(
            "Pod/shop/app-1",
            "app",
            "Unhealthy",
            REFUSED,
            "2026-03-01T10:59:00Z",
        );
        assert!(!it.diagnose().claims("RDY-NOTHING-LISTENS"));
    }

    #[test]
    fn calm_when_ready_or_still_within_its_time() {
        let ready = pod(
            json!({"spec": {"containers": [{"name": "app", "readinessProbe": {"tcpSocket": {"port": 8080}}}]}}),
        );
        Scene::new()
            .object(ready)
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Unhealthy",
                REFUSED,
                "2026-03-01T10:00:10Z",
            )
            .diagnose()
            .is_calm();
        let young = pod(json!({
            "spec": {"containers": [{"name": "app", "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 10, "failureThreshold": 30}}]},
            "status": {"containerStatuses": [status(json!({"ready": false, "state": {"running": {"startedAt": "2026-03-01T11:58:00Z"}}}))]}
        }));
        Scene::new()
            .object(young)
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Unhealthy",
                REFUSED,
                "2026-03-01T11:58:10Z",
            )
            .diagnose()
            .is_calm();
    }
}
