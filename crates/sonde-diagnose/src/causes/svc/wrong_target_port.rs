//! SVC-WRONG-TARGET-PORT: the service sends to a port that its pods do not have.

use sonde_grammar::log::{AppSign, application};
use sonde_model::{Code, EvidenceKind, Kind, ObjectRef, Risk, Severity, nearest};
use sonde_world::view::{Container, IntOrString, LabelSelector, Pod, Service};

use crate::case::Seen;
use crate::cause::page;
use crate::triage::unserved_port;
use crate::{Case, Cause, Facts, LogKey, Symptom, Want, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SVC-WRONG-TARGET-PORT"),
    title: "service's target port is no port of its pods",
    explains: &[Symptom::NoEndpoints, Symptom::PortNotServed],
    reads: &[Kind::Service],
    state,
    page: page!("SVC-WRONG-TARGET-PORT"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(service) = facts.snapshot.view::<Service>(subject) else {
        return;
    };
    if facts.episode.symptom == Symptom::PortNotServed {
        return by_number(facts, &service, case);
    }
    let selector = LabelSelector {
        match_labels: service.spec.selector.clone(),
        match_expressions: Vec::new(),
    };
    let mut pods = facts.snapshot.pods_matching(&subject.namespace, &selector);
    let Some(object) = pods.find(|pod| pod.pod().is_some_and(|it| !it.is_terminal())) else {
        return;
    };
    let Ok(pod) = object.encoded.decode::<Pod>() else {
        return;
    };
    let names: Vec<&str> = pod
        .all_containers()
        .flat_map(|container| &container.ports)
        .map(|port| port.name.as_str())
        .filter(|name| !name.is_empty())
        .collect();
    let missing = service
        .spec
        .ports
        .iter()
        .enumerate()
        .find_map(|(at, port)| match &port.target_port {
            Some(IntOrString::String(name))
                if name.parse::<i64>().is_err() && !names.contains(&name.as_str()) =>
            {
                Some((at, name.clone()))
            }
            _ => None,
        });
    let Some((at, name)) = missing else { return };
    let has = if names.is_empty() {
        "no named port".to_owned()
    } else {
        names.join(", ")
    };
    let seen = facts.field(&format!("spec.ports[{at}].targetPort"), &name);
    case.proven_by(seen.clone());
    case.step(format!("the service sends to the port named {name}"), [seen]);
    case.step(
        format!("its pods have {has}"),
        [field_on(
            &object.reference,
            "spec.containers[].ports[].name",
            &has,
        )],
    );
    case.step("so the service gets no endpoint", []);
    case.headline(format!(
        "{subject} reaches no pod: its target port {name} is no port of its pods ({has})"
    ));
    match nearest(&name, names.iter().copied()) {
        Some(close) => case.advice(format!("set targetPort to {close}"), Risk::Wide),
        None => case.advice(
            "set targetPort to a port that the container really opens, by number or by its name",
            Risk::Wide,
        ),
    };
}

/// A number that no container declares: what they listen on is known from their logs alone.
fn by_number(facts: &Facts<'_>, service: &Service, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(unserved) = unserved_port(facts.snapshot, subject, service) else {
        return;
    };
    let (port, pod) = (unserved.port, &unserved.pod_ref);
    let declared: Vec<(&Container, i64)> = unserved
        .pod
        .all_containers()
        .flat_map(|it| it.ports.iter().map(move |port| (it, port.container_port)))
        .collect();
    let numbers: Vec<String> = declared.iter().map(|(_, number)| number.to_string()).collect();
    let has = numbers.join(", ");
    let listening: Vec<(i64, Seen)> = unserved
        .pod
        .spec
        .containers
        .iter()
        .flat_map(|it| listens(facts, pod, &it.name))
        .collect();
    if let Some((_, seen)) = listening.iter().find(|(number, _)| *number == port) {
        case.refuted_by(seen.clone(), "a container listens there by its log");
        return;
    }
    let sends = facts.field(&format!("spec.ports[{}].targetPort", unserved.at), port);
    let declares = field_on(pod, "spec.containers[].ports[].containerPort", &has);
    case.hinted_by(declares.clone());
    case.step(format!("the service sends to port {port} of its pods"), [sends]);
    case.step(
        format!("their containers declare {has}, and not {port}"),
        [declares],
    );
    let logged = listening.first();
    let so = match logged {
        Some((number, seen)) => {
            case.supported_by(seen.clone());
            case.step(
                format!("by its log a container listens on {number}"),
                [seen.clone()],
            );
            format!("{subject} sends to port {port}, and its pods listen on {number}")
        }
        None => {
            case.step(
                "if nothing listens there, the connection of every client is refused",
                [],
            );
            format!(
                "{subject} sends to port {port}, which no container of its pods declares (they declare {has})"
            )
        }
    };
    case.headline(so);
    case.severity(Severity::Warning);
    let mut all: Vec<i64> = declared.iter().map(|(_, number)| *number).collect();
    all.dedup();
    let target = logged.map(|(number, _)| *number).or(match all[..] {
        [only] => Some(only),
        _ => None,
    });
    match target {
        Some(target) => {
            let patch = format!(
                r#"kubectl patch {} --type=json -p '[{{"op":"replace","path":"/spec/ports/{}/targetPort","value":{target}}}]'"#,
                subject.kubectl(),
                unserved.at
            );
            case.fix(
                format!("if nothing listens on {port}, send to {target}"),
                patch,
                Risk::Wide,
            );
        }
        None => {
            case.advice(
                "set targetPort to the port that the container really opens",
                Risk::Wide,
            );
        }
    }
    if let Some((container, _)) = declared.first() {
        let key = LogKey {
            namespace: pod.namespace.clone(),
            pod: pod.name.clone(),
            container: container.name.as_str().into(),
            previous: false,
        };
        if logged.is_none() {
            case.wants(Want::ContainerLog(key), "which port the application listens on");
        }
        case.look(
            "whether anything answers there",
            format!("kubectl port-forward {} {port}:{port}", pod.kubectl()),
        );
    }
}

/// The ports that a container's log says it listens on.
fn listens(facts: &Facts<'_>, pod: &ObjectRef, container: &str) -> Vec<(i64, Seen)> {
    let key = LogKey {
        namespace: pod.namespace.clone(),
        pod: pod.name.clone(),
        container: container.into(),
        previous: false,
    };
    let lines: Vec<&str> = facts
        .texts
        .container_logs
        .get(&key)
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let listens = application(&lines).into_iter().filter_map(|line| {
        let AppSign::ListeningOn { port } = line.sign else {
            return None;
        };
        let seen = Seen {
            kind: EvidenceKind::ContainerLog,
            source: format!("log of {container} line {}", line.line + 1),
            object: Some(pod.clone()),
            time: line.time,
            text: line.text,
        };
        Some((i64::from(port), seen))
    });
    listens.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Kind, Verdict};

    use crate::testing::{Scene, pod};

    fn scene(target: Value) -> Scene {
        let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop",
            "creationTimestamp": "2026-03-01T10:00:00Z"},
            "spec": {"selector": {"app": "app"}, "ports": [{"port": 80, "targetPort": target}]}});
        let pod = pod(
            json!({"spec": {"containers": [{"name": "app", "ports": [{"name": "http", "containerPort": 8080}]}]}}),
        );
        Scene::new().object(service).object(pod).complete(&[Kind::Pod])
    }

    #[test]
    fn found_when_the_name_is_no_port() {
        let outcome = scene(json!("htpp")).diagnose();
        let finding = outcome.finds_only("SVC-WRONG-TARGET-PORT", Verdict::Proven);
        assert!(finding.fixes[0].text.contains("http"), "{:?}", finding.fixes);
    }

    #[test]
    fn silent_with_the_right_name_or_a_number_that_is_declared() {
        for right in [json!("http"), json!(8080), json!("8080")] {
            scene(right).diagnose().is_calm();
        }
    }

    /// What is declared is a courtesy of who wrote the pod.
    #[test]
    fn a_number_that_nobody_declares_is_possible_and_the_log_decides() {
        let port = |number: i64| json!([{"containerPort": number}]);
        let app = |ports: Value| json!({"name": "app", "ports": ports});
        let rows: &[(&str, Value, &str, Option<Verdict>)] = &[
            (
                "another is declared",
                json!({"containers": [app(port(8080))]}),
                "",
                Some(Verdict::Possible),
            ),
            (
                "and listened on",
                json!({"containers": [app(port(8080))]}),
                "Server listening on port 8080\n",
                Some(Verdict::Likely),
            ),
            (
                "the log tells that it listens there",
                json!({"containers": [app(port(8080))]}),
                "metrics on port 8080\nServer listening on port 9999\n",
                None,
            ),
            (
                "none is declared",
                json!({"containers": [app(json!([]))]}),
                "",
                None,
            ),
            (
                "it is declared",
                json!({"containers": [app(port(9999))]}),
                "",
                None,
            ),
            // The sidecar declares its own port, the application none.
            (
                "only a sidecar declares",
                json!({"containers": [app(json!([])), {"name": "proxy", "ports": port(15090)}]}),
                "",
                None,
            ),
            (
                "not ready",
                json!({"containers": [app(port(8080))], "unready": true}),
                "",
                None,
            ),
        ];
        for (what, spec, log, expected) in rows {
            let mut object = pod(json!({"spec": spec}));
            if spec["unready"] == true {
                object["status"]["conditions"] = json!([{"type": "Ready", "status": "False"}]);
            }
            let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop",
                "creationTimestamp": "2026-03-01T10:00:00Z"}, "spec": {"selector": {"app": "app"}, "ports": [{"port": 9999}]}});
            let mut scene = Scene::new().object(service).object(object).complete(&[Kind::Pod]);
            if !log.is_empty() {
                scene = scene.log("shop/app-1", "app", false, log);
            }
            let outcome = scene.diagnose();
            let told = outcome
                .report
                .findings
                .iter()
                .find(|it| it.code.as_str() == "SVC-WRONG-TARGET-PORT");
            assert_eq!(
                told.map(|it| it.verdict),
                *expected,
                "{what}: {}",
                outcome.summary()
            );
        }
    }
}
