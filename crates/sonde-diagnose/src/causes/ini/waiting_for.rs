//! INI-WAITING-FOR: an init container waits for something that does not come.

use jiff::SignedDuration;
use sonde_model::{Code, Kind, Risk, Severity};

use super::target::{Behind, Target, target};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("INI-WAITING-FOR"),
    title: "init container waits for something",
    explains: &[Symptom::InitBlocked],
    reads: &[Kind::Service, Kind::EndpointSlice],
    state,
    page: page!("INI-WAITING-FOR"),
};

/// Things that are started together wait for each other this long without trouble; a guess.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);
/// Sooner than this nobody wonders; a guess.
const NOTED: SignedDuration = SignedDuration::from_secs(30);

fn state(facts: &Facts<'_>, case: &mut Case) {
    if facts.init_position().is_none() {
        return;
    }
    let Some(target) = target(facts) else {
        if facts.log().is_none()
            && let Some(want) = facts.want_log()
        {
            case.wants(want, "what the init container says that it waits for");
        }
        return;
    };
    let age = facts.age();
    let young = age.is_none_or(|age| age < PATIENCE);
    let behind = target.behind(facts);
    let noted = age.is_some_and(|age| age >= NOTED);
    weigh(facts, case, &target, &behind, young, noted);
    let who = facts.container_phrase();
    if let Some((status, path)) = facts.status()
        && let Some(since) = status.state.running.as_ref().and_then(|it| it.started_at.0)
    {
        let seen = facts.field(&format!("{path}.state.running.startedAt"), since);
        case.step(format!("{who} runs since {since} and has not ended"), [seen]);
    }
    let verb = if target.said {
        "it says that it waits for"
    } else {
        "its command waits for"
    };
    case.step(format!("{verb} {}", target.name), [target.seen.clone()]);
    if young && noted && matches!(behind, Behind::Empty(..) | Behind::Unknown) {
        // What was deployed together may wait a while: worth a word, and no alarm yet.
        case.severity(Severity::Info);
    }
    let why = match &behind {
        Behind::Absent(service, seen, near) => {
            let like = near
                .as_ref()
                .map_or(String::new(), |near| format!("; there is one named {near}"));
            case.step(
                format!(
                    "{service} does not exist in namespace {}{like}",
                    service.namespace
                ),
                [seen.clone()],
            );
            if let Some(near) = near {
                case.advice(
                    format!("if {near} was meant, correct the name that {who} waits for"),
                    Risk::Restart,
                );
            }
            case.advice(format!("create {service}, or remove the wait for it"), Risk::None);
            format!(", and {service} does not exist")
        }
        Behind::Empty(service, seen) => {
            case.step(
                format!("{service} has no ready endpoint: nothing that works stands behind it"),
                [seen.clone()],
            );
            case.look(
                "what should stand behind it",
                format!("kubectl describe {}", service.kubectl()),
            );
            case.advice(format!("bring up what stands behind {service}"), Risk::None);
            format!(", and {service} has no ready endpoint")
        }
        Behind::Ready(service, seen) => {
            case.step(
                format!("{service} has ready endpoints, so the way to it or the question is wrong"),
                [seen.clone()],
            );
            case.advice(
                "look at the port, at network policies, and at what exactly the init container asks",
                Risk::None,
            );
            String::new()
        }
        Behind::Unknown => {
            case.advice(
                format!("see whether {} exists and answers", target.name),
                Risk::None,
            );
            String::new()
        }
    };
    case.headline(format!("{who} waits for {}{why}", target.name));
}

fn weigh(facts: &Facts<'_>, case: &mut Case, target: &Target, behind: &Behind, young: bool, noted: bool) {
    match behind {
        // What it says and what is missing agree.
        Behind::Absent(_, seen, _) if target.said => {
            case.proven_by(target.seen.clone());
            case.proven_by(seen.clone());
        }
        Behind::Absent(_, seen, _) => {
            case.supported_by(seen.clone());
        }
        Behind::Empty(_, seen) if target.said && noted => {
            case.proven_by(target.seen.clone());
            case.proven_by(seen.clone());
        }
        Behind::Unknown if target.said && noted => {
            case.supported_by(target.seen.clone());
        }
        _ if target.said && !young => {
            case.supported_by(target.seen.clone());
        }
        _ => {
            case.hinted_by(target.seen.clone());
        }
    }
    if !target.said
        && let Some(want) = facts.want_log().filter(|_| facts.log().is_none())
    {
        case.wants(want, "what the init container says that it waits for");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Kind, Severity, Verdict};

    use crate::testing::{Scene, pod, status};

    const LOOP: &str = "until nslookup orders-db; do echo waiting for orders-db; sleep 2; done";

    /// A pod whose first of two init containers runs since `since`.
    pub(super) fn blocked(command: &str, since: &str) -> Value {
        pod(json!({
            "spec": {"initContainers": [{"name": "wait", "image": "b", "command": ["sh", "-c", command]}, {"name": "seed", "image": "b"}]},
            "status": {"phase": "Pending",
                "conditions": [{"type": "Initialized", "status": "False", "lastTransitionTime": since}],
                "initContainerStatuses": [
                    status(json!({"name": "wait", "ready": false, "started": true, "state": {"running": {"startedAt": since}}})),
                    status(json!({"name": "seed", "ready": false, "started": false, "state": {"running": null, "waiting": {"reason": "PodInitializing"}}}))],
                "containerStatuses": [status(json!({"ready": false, "started": false, "state": {"running": null, "waiting": {"reason": "PodInitializing"}}}))]}
        }))
    }

    fn scene() -> Scene {
        Scene::new()
            .object(blocked(LOOP, "2026-03-01T11:00:00Z"))
            .complete(&[Kind::Service, Kind::EndpointSlice])
    }

    fn service(name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"}, "spec": {"selector": {"app": "db"}}})
    }

    fn slice(ready: bool) -> Value {
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": "orders-db-x", "namespace": "shop", "labels": {"kubernetes.io/service-name": "orders-db"}},
            "endpoints": [{"addresses": ["10.1.0.9"], "conditions": {"ready": ready}}]})
    }

    #[test]
    fn proven_when_the_log_names_a_service_that_is_not_there() {
        let outcome = scene()
            .object(service("order-db"))
            .log(
                "shop/app-1",
                "wait",
                false,
                "waiting for orders-db\nwaiting for orders-db",
            )
            .diagnose();
        let finding = outcome.finds_only("INI-WAITING-FOR", Verdict::Proven);
        assert!(
            finding
                .headline
                .contains("init container wait (1 of 2) waits for orders-db"),
            "{}",
            finding.headline
        );
        assert!(
            finding
                .chain
                .iter()
                .any(|step| step.text.contains("one named order-db")),
            "{:?}",
            finding.chain
        );
        let last = &finding.chain.last().unwrap().text;
        assert!(
            last.contains("blocks init container seed and container app"),
            "{last}"
        );
    }

    #[test]
    fn an_address_in_the_command_counts_more_than_a_name_in_the_log() {
        let command = "until nc -z -w 1 10.96.77.77 5432; do echo waiting for postgres; sleep 2; done";
        let outcome = Scene::new()
            .object(blocked(command, "2026-03-01T11:00:00Z"))
            .complete(&[Kind::Service, Kind::EndpointSlice])
            .log("shop/app-1", "wait", false, "waiting for postgres")
            .diagnose();
        let finding = outcome.finds_only("INI-WAITING-FOR", Verdict::Likely);
        assert!(
            finding.headline.contains("10.96.77.77:5432"),
            "{}",
            finding.headline
        );
        assert!(
            !finding.headline.contains("does not exist"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn proven_when_nothing_stands_behind_the_service() {
        let outcome = scene()
            .object(service("orders-db"))
            .object(slice(false))
            .log("shop/app-1", "wait", false, "waiting for orders-db")
            .diagnose();
        assert!(
            outcome
                .finding("INI-WAITING-FOR")
                .headline
                .contains("no ready endpoint")
        );
        assert_eq!(outcome.finding("INI-WAITING-FOR").verdict, Verdict::Proven);
    }

    #[test]
    fn likely_by_the_command_and_the_missing_service() {
        scene().diagnose().finds_only("INI-WAITING-FOR", Verdict::Likely);
    }

    #[test]
    fn only_possible_when_services_were_not_listed() {
        let outcome = Scene::new()
            .object(blocked(LOOP, "2026-03-01T11:00:00Z"))
            .diagnose();
        outcome.finds_only("INI-WAITING-FOR", Verdict::Possible);
        assert!(!outcome.wants.is_empty());
    }

    #[test]
    fn what_is_started_together_may_wait() {
        let outcome = Scene::new()
            .object(blocked(LOOP, "2026-03-01T11:59:30Z"))
            .object(service("orders-db"))
            .object(slice(true))
            .complete(&[Kind::Service, Kind::EndpointSlice])
            .log("shop/app-1", "wait", false, "waiting for orders-db")
            .diagnose();
        outcome.is_calm();
    }

    #[test]
    fn noted_and_no_alarm_while_the_other_may_still_come_up() {
        let waits = |since: &str| {
            Scene::new()
                .object(blocked(LOOP, since))
                .object(service("orders-db"))
                .object(slice(false))
                .complete(&[Kind::Service, Kind::EndpointSlice])
                .log("shop/app-1", "wait", false, "waiting for orders-db")
                .diagnose()
        };
        let outcome = waits("2026-03-01T11:57:30Z");
        outcome.is_calm();
        assert_eq!(outcome.finding("INI-WAITING-FOR").severity, Severity::Info);
        waits("2026-03-01T11:59:40Z").lacks("INI-WAITING-FOR");
    }

    #[test]
    fn over_when_it_has_ended() {
        Scene::new()
            .object(pod(
                json!({"spec": {"initContainers": [{"name": "wait", "image": "b", "command": ["sh", "-c", LOOP]}]},
            "status": {"initContainerStatuses": [{"name": "wait", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]}}),
            ))
            .log("shop/app-1", "wait", false, "waiting for orders-db")
            .diagnose()
            .is_calm();
    }
}
