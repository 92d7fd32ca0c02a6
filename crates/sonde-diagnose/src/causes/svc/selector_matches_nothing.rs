//! SVC-SELECTOR-MATCHES-NOTHING: no pod carries the labels that the service selects.

use sonde_model::{Code, Kind, ObjectRef, Risk, Severity, nearest};
use sonde_world::view::{LabelSelector, Labels, Service};

use crate::cause::page;
use crate::triage::{WITH_TEMPLATE, is_described_empty, templates};
use crate::{Case, Cause, Facts, Strength, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SVC-SELECTOR-MATCHES-NOTHING"),
    title: "service selects no pod",
    explains: &[Symptom::NoEndpoints],
    reads: &[
        Kind::Service,
        Kind::Deployment,
        Kind::StatefulSet,
        Kind::DaemonSet,
    ],
    state,
    page: page!("SVC-SELECTOR-MATCHES-NOTHING"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(service) = facts.snapshot.view::<Service>(subject) else {
        return;
    };
    let selector = LabelSelector {
        match_labels: service.spec.selector.clone(),
        match_expressions: Vec::new(),
    };
    let text = words(&service.spec.selector);
    if facts.is_partial() {
        return by_its_description(facts, case, &text);
    }
    let live = |pod: &&std::sync::Arc<sonde_world::Object>| pod.pod().is_some_and(|it| !it.is_terminal());
    let matched = facts
        .snapshot
        .pods_matching(&subject.namespace, &selector)
        .filter(live)
        .count();
    if matched > 0 {
        let seen = facts.computed(format!("pods with {text}"), matched.to_string());
        case.refuted_by(seen, "pods carry the labels");
        return;
    }
    let templates: Vec<(ObjectRef, Labels)> = templates(facts.snapshot, &subject.namespace)
        .map(|(workload, labels)| (workload.clone(), labels.clone()))
        .collect();
    // A workload that would match and has no pods was scaled to zero, or cannot create them: not the service's fault.
    if let Some((workload, _)) = templates
        .iter()
        .find(|(_, labels)| selector.matches(|key| labels.get(key).map(String::as_str)))
    {
        let seen = field_on(workload, "spec.template.metadata.labels", &text);
        case.refuted_by(seen, "a workload without pods at present would match");
        return;
    }
    let near = templates
        .iter()
        .find_map(|(workload, labels)| Some((workload, near_miss(&service.spec.selector, labels)?)));
    let selects = facts.field("spec.selector", &text);
    let none = facts.computed(format!("pods of {} with {text}", subject.namespace), "0");
    let near = near
        .map(|(workload, miss)| (workload.clone(), miss))
        .or_else(|| meant(facts, &service.spec.selector, &templates));
    // Without anything that looks like its workload the service may simply be unused.
    match &near {
        Some((workload, miss)) => {
            case.proven_by(none.clone());
            case.step(format!("the service selects pods with {text}"), [selects]);
            case.step("no pod of the namespace carries these labels", [none]);
            case.step(
                format!("the pods of {workload} have {miss}"),
                [field_on(workload, "spec.template.metadata.labels", miss)],
            );
            case.headline(format!(
                "{subject} reaches no pod: it selects {text}, and the pods of {workload} have {miss}"
            ));
            case.advice(
                "correct the service's selector or the labels of the pod template",
                Risk::Wide,
            );
            case.severity(Severity::Error);
        }
        None => {
            // A workload at rest that would match may be among those that were not read.
            let unread = WITH_TEMPLATE
                .iter()
                .filter(|kind| !facts.snapshot.is_complete(kind, &subject.namespace));
            let unread: Vec<Kind> = unread.cloned().collect();
            if unread.is_empty() {
                case.proven_by(none.clone());
            } else {
                case.hinted_by(none.clone());
            }
            for kind in unread {
                let text = format!("whether a {kind} without pods at present is meant");
                case.wants(facts.want_kind(kind), text);
            }
            case.step(format!("the service selects pods with {text}"), [selects]);
            case.step("no pod of the namespace carries these labels", [none]);
            case.headline(format!("{subject} reaches no pod: none has the labels {text}"));
            case.severity(Severity::Warning);
            case.advice(
                if case.strength() == Strength::Hint {
                    "correct the service's selector, unless its workload has no pods at present"
                } else {
                    "correct the service's selector; if its workload is gone for good, remove the service"
                },
                Risk::Wide,
            );
        }
    }
    case.look(
        "the labels of the pods",
        format!("kubectl get pods -n {} --show-labels", subject.namespace),
    );
}

/// A description alone: the service has no endpoint. Pods with its labels that are not ready look the same there.
fn by_its_description(facts: &Facts<'_>, case: &mut Case, labels: &str) {
    let subject = &facts.episode.subject;
    if !is_described_empty(facts.snapshot, subject) {
        return;
    }
    let empty = facts.field("Endpoints in the description", "none");
    case.hinted_by(empty.clone());
    case.step(
        format!("the service selects pods with {labels}"),
        [facts.field("spec.selector", labels)],
    );
    case.step("it has no endpoint, so whoever calls it is refused", [empty]);
    case.headline(format!(
        "{subject} reaches no pod: none has the labels {labels}, or none that has them is ready"
    ));
    case.severity(Severity::Warning);
    case.wants(
        facts.want_kind(Kind::Pod),
        "whether pods carry the labels, and are ready",
    );
    case.look(
        "whether pods carry the labels, and are ready",
        format!("kubectl get pods{} -l {labels}", in_namespace(&subject.namespace)),
    );
    case.advice(
        "without such a pod: correct the service's selector, or start its workload; with one that is not ready: see why",
        Risk::Wide,
    );
}

fn in_namespace(namespace: &str) -> String {
    if namespace.is_empty() {
        String::new()
    } else {
        format!(" -n {namespace}")
    }
}

/// The workload that is meant although its labels are others: it has the service's name, and no service selects its pods.
fn meant(
    facts: &Facts<'_>,
    selector: &Labels,
    templates: &[(ObjectRef, Labels)],
) -> Option<(ObjectRef, String)> {
    let me = &facts.episode.subject;
    let (workload, labels) = templates
        .iter()
        .find(|(workload, _)| workload.name == me.name && workload.kind != Kind::CronJob)?;
    let is_served = facts
        .snapshot
        .in_namespace(Kind::Service, &me.namespace)
        .any(|other| {
            other.encoded.decode::<Service>().is_ok_and(|other| {
                let wanted = &other.spec.selector;
                !wanted.is_empty() && wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
            })
        });
    let has: Labels = labels
        .iter()
        .filter(|(key, _)| selector.contains_key(*key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let has = if has.is_empty() { labels } else { &has };
    (!is_served && !has.is_empty()).then(|| (workload.clone(), words(has)))
}

fn words(labels: &Labels) -> String {
    labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect::<Vec<_>>()
        .join(",")
}

/// Labels that are nearly what the selector asks: the same key with a value that is nearly the same, or a near key.
fn near_miss(selector: &Labels, labels: &Labels) -> Option<String> {
    let mut misses = Vec::new();
    for (key, value) in selector {
        match labels.get(key) {
            Some(have) if have == value => {}
            Some(have) => misses.push(nearest(value, [have.as_str()]).map(|have| format!("{key}={have}"))),
            None => misses.push(
                nearest(key, labels.keys().map(String::as_str))
                    .filter(|close| labels.get(*close) == Some(value))
                    .map(|close| format!("{close}={value}")),
            ),
        }
    }
    let found: Option<Vec<String>> = misses.into_iter().collect();
    found
        .filter(|found| !found.is_empty())
        .map(|found| found.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Kind, Severity, Verdict};

    use crate::testing::{Scene, pod};

    fn service(selector: Value) -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop",
            "creationTimestamp": "2026-03-01T10:00:00Z"}, "spec": {"selector": selector, "ports": [{"port": 80}]}})
    }

    fn deployment(replicas: i64) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app", "namespace": "shop"},
            "spec": {"replicas": replicas, "template": {"metadata": {"labels": {"app": "app-web"}}}}})
    }

    fn scene(selector: Value) -> Scene {
        Scene::new()
            .object(service(selector))
            .complete(&[Kind::Pod])
            .complete(crate::triage::WITH_TEMPLATE)
    }

    #[test]
    fn found_with_the_workload_that_was_meant() {
        let mut running = pod(json!({}));
        running["metadata"]["labels"] = json!({"app": "app-web"});
        let outcome = scene(json!({"app": "app-wbe"}))
            .object(deployment(1))
            .object(running)
            .diagnose();
        let finding = outcome.finds_only("SVC-SELECTOR-MATCHES-NOTHING", Verdict::Proven);
        assert!(finding.headline.contains("app=app-web"), "{}", finding.headline);
    }

    #[test]
    fn a_workload_scaled_to_zero_is_no_trouble_of_its_service() {
        let outcome = scene(json!({"app": "app-web"})).object(deployment(0)).diagnose();
        outcome.lacks("SVC-SELECTOR-MATCHES-NOTHING").is_calm();
    }

    #[test]
    fn a_workload_of_its_name_is_meant_unless_another_service_serves_it() {
        let mut named = deployment(1);
        named["metadata"]["name"] = json!("web");
        let other = |app: &str| {
            let mut other = service(json!({"app": app}));
            other["metadata"]["name"] = json!("other");
            other
        };
        let severity = |app: &str| {
            let outcome = scene(json!({"app": "frontend"}))
                .object(named.clone())
                .object(other(app))
                .object(pod(json!({})))
                .diagnose();
            outcome
                .finds_only("SVC-SELECTOR-MATCHES-NOTHING", Verdict::Proven)
                .severity
        };
        assert_eq!(severity("app"), Severity::Error);
        assert_eq!(severity("app-web"), Severity::Warning);
    }

    /// A Deployment that rests by order, asked for by its service's name.
    #[test]
    fn a_workload_at_rest_is_told_to_who_asks_for_its_service() {
        let mut paused = deployment(1);
        paused["spec"]["paused"] = json!(true);
        for resting in [deployment(0), paused] {
            let outcome = scene(json!({"app": "app-web"}))
                .object(resting.clone())
                .diagnose();
            assert!(
                outcome.is_calm().report.findings.is_empty(),
                "{}",
                outcome.summary()
            );
            let asked = scene(json!({"app": "app-web"}))
                .object(resting)
                .named(&["Service/shop/web"])
                .diagnose();
            asked.is_calm().finding("ROL-PAUSED");
        }
    }

    #[test]
    fn not_proven_where_a_workload_at_rest_may_be_unread() {
        for unread in crate::triage::WITH_TEMPLATE {
            let mut scene = Scene::new()
                .object(service(json!({"app": "frontend"})))
                .complete(&[Kind::Pod]);
            for kind in crate::triage::WITH_TEMPLATE.iter().filter(|kind| *kind != unread) {
                scene = scene.complete(std::slice::from_ref(kind));
            }
            let outcome = scene.diagnose();
            let finding = outcome.finding("SVC-SELECTOR-MATCHES-NOTHING");
            assert_ne!(finding.verdict, Verdict::Proven, "{unread}");
            assert!(
                finding
                    .fixes
                    .iter()
                    .all(|fix| !fix.text.contains("remove the service")),
                "{unread}"
            );
            assert!(
                outcome.wants.iter().any(|want| *want
                    == crate::Want::Kind {
                        kind: unread.clone(),
                        namespace: "shop".into()
                    }),
                "{unread}: {:?}",
                outcome.wants
            );
        }
    }

    #[test]
    fn silent_when_pods_match_or_nothing_is_selected_or_pods_were_not_listed() {
        scene(json!({"app": "app"}))
            .object(pod(json!({})))
            .diagnose()
            .is_calm();
        scene(json!({})).diagnose().is_calm();
        Scene::new()
            .object(service(json!({"app": "none"})))
            .diagnose()
            .is_calm();
    }
}
