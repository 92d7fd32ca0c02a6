//! One table for the tests of all refusals: each wording is its own cause and no other.

use serde_json::{Value, json};
use sonde_model::{Kind, Severity, Verdict};

use crate::testing::Scene;

/// ReplicaSet `shop/app` with `have` of 3 pods.
pub(super) fn replica_set(have: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "app", "namespace": "shop", "creationTimestamp": "2026-03-01T11:50:00Z"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "app"}}},
        "status": {"replicas": have}
    })
}

/// A scene in which the third pod was refused with `message`.
pub(super) fn refused(message: &str) -> Scene {
    Scene::new().object(replica_set(2)).event(
        "ReplicaSet/shop/app",
        "FailedCreate",
        message,
        "2026-03-01T11:59:00Z",
    )
}

const QUOTA: &str = "Error creating: pods \"app-x7z\" is forbidden: exceeded quota: compute, requested: requests.cpu=500m, used: requests.cpu=900m, limited: requests.cpu=1";
const SPECIFY: &str = "Error creating: pods \"app-x7z\" is forbidden: failed quota: compute: must specify limits.cpu for: app; limits.memory for: app";
const RANGE: &str = "Error creating: pods \"app-x7z\" is forbidden: maximum memory usage per Container is 512Mi, but limit is 1Gi";
const SECURITY: &str = "Error creating: pods \"app-x7z\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false (container \"app\" must set securityContext.allowPrivilegeEscalation=false), runAsNonRoot != true (pod or container \"app\" must set securityContext.runAsNonRoot=true)";
const SCC: &str = "Error creating: pods \"app-x7z\" is forbidden: unable to validate against any security context constraint: [provider \"anyuid\": Forbidden: not usable by user or serviceaccount]";
const DENIED: &str =
    "Error creating: admission webhook \"pods.policy.example\" denied the request: no image from outside";
const POLICY: &str = "Error creating: pods \"app-x7z\" is forbidden: ValidatingAdmissionPolicy 'replicas' with binding 'replicas-all' denied request: too many";
const NO_ENDPOINTS: &str = "Error creating: Internal error occurred: failed calling webhook \"pods.policy.example\": failed to call webhook: Post \"https://policy.guard.svc:443/check?timeout=10s\": no endpoints available for service \"policy\"";
const SLOW: &str = "Error creating: Internal error occurred: failed calling webhook \"pods.policy.example\": failed to call webhook: Post \"https://policy.guard.svc:443/check?timeout=10s\": context deadline exceeded";
const TLS: &str = "Error creating: Internal error occurred: failed calling webhook \"pods.policy.example\": failed to call webhook: Post \"https://policy.guard.svc:443/check?timeout=10s\": tls: failed to verify certificate: x509: certificate signed by unknown authority";
const REFUSED: &str = "Error creating: Internal error occurred: failed calling webhook \"pods.policy.example\": failed to call webhook: Post \"https://policy.guard.svc:443/check?timeout=10s\": dial tcp 10.96.3.4:443: connect: connection refused";
const ACCOUNT: &str = "Error creating: pods \"app-x7z\" is forbidden: error looking up service account shop/builder: serviceaccount \"builder\" not found";
const PRIORITY: &str =
    "Error creating: pods \"app-x7z\" is forbidden: no PriorityClass with name urgent was found";
const RUNTIME: &str =
    "Error creating: pods \"app-x7z\" is forbidden: pod rejected: RuntimeClass \"gvisor\" not found";
const RBAC: &str = "Error creating: pods is forbidden: User \"system:serviceaccount:kube-system:replicaset-controller\" cannot create resource \"pods\" in API group \"\" in the namespace \"shop\"";
const INVALID: &str = "Error creating: Pod \"app-x7z\" is invalid: spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1";
const TERMINATING: &str = "Error creating: pods \"app-x7z\" is forbidden: unable to create new content in namespace shop because it is being terminated";
const TIMEOUT: &str =
    "Error creating: Timeout: request did not complete within requested timeout - context deadline exceeded";

const TABLE: &[(&str, &str)] = &[
    ("ADM-QUOTA-EXCEEDED", QUOTA),
    ("ADM-QUOTA-MUST-SPECIFY", SPECIFY),
    ("ADM-LIMIT-RANGE", RANGE),
    ("ADM-POD-SECURITY", SECURITY),
    ("ADM-SECURITY-POLICY", SCC),
    ("ADM-WEBHOOK-DENIED", DENIED),
    ("ADM-POLICY-DENIED", POLICY),
    ("ADM-WEBHOOK-NO-ENDPOINTS", NO_ENDPOINTS),
    ("ADM-WEBHOOK-TIMEOUT", SLOW),
    ("ADM-WEBHOOK-TLS", TLS),
    ("ADM-WEBHOOK-UNREACHABLE", REFUSED),
    ("ADM-SERVICE-ACCOUNT-MISSING", ACCOUNT),
    ("ADM-PRIORITY-CLASS-MISSING", PRIORITY),
    ("ADM-RUNTIME-CLASS-MISSING", RUNTIME),
    ("ADM-FORBIDDEN", RBAC),
    ("ADM-INVALID", INVALID),
    ("ADM-NAMESPACE-TERMINATING", TERMINATING),
    ("ADM-REQUEST-TIMEOUT", TIMEOUT),
];

/// Only what stands before the whole cluster is critical; else it is said before what it stands.
#[test]
fn a_webhook_reaches_as_far_as_its_selectors() {
    let all = "every such request";
    let rows: [(Value, Option<&str>); 5] = [
        (json!({}), None),
        (json!({"namespaceSelector": {}, "objectSelector": {}}), None),
        (
            json!({"namespaceSelector": {"matchLabels": {"team": "shop"}}, "objectSelector": {}}),
            Some("in namespace shop"),
        ),
        (
            json!({"namespaceSelector": {"matchExpressions": [{"key": "stage", "operator": "In", "values": ["a", "b"]}]}}),
            Some("in namespaces with stage in (a, b)"),
        ),
        (
            json!({"objectSelector": {"matchLabels": {"check": "yes"}}}),
            Some("for objects with check=yes"),
        ),
    ];
    for (selectors, says) in rows {
        let mut webhook = json!({"name": "pods.policy.example", "clientConfig": {}});
        crate::testing::merge(&mut webhook, selectors);
        let configuration = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "policy"}, "webhooks": [webhook]});
        let namespace = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"team": name}}});
        let outcome = refused(REFUSED)
            .object(configuration)
            .object(namespace("shop"))
            .object(namespace("other"))
            .complete(&[Kind::Namespace])
            .diagnose();
        let finding = outcome.finding("ADM-WEBHOOK-UNREACHABLE");
        let sends = |words: &str| finding.chain.iter().any(|step| step.text.contains(words));
        let is_critical = finding.severity == Severity::Critical;
        match says {
            Some(words) => assert!(sends(words) && !sends(all) && !is_critical, "{:?}", finding.chain),
            None => assert!(sends(all) && is_critical, "{:?}", finding.chain),
        }
    }
}

#[test]
fn each_refusal_is_its_own_cause_and_no_other() {
    for (code, message) in TABLE {
        let outcome = refused(message).diagnose();
        let verdict = if *code == "ADM-REQUEST-TIMEOUT" {
            Verdict::Likely
        } else {
            Verdict::Proven
        };
        outcome.finds_only(code, verdict);
    }
}

#[test]
fn every_cause_of_the_family_is_in_the_table() {
    for cause in super::CAUSES {
        assert!(
            TABLE.iter().any(|(code, _)| *code == cause.code.as_str()),
            "{}",
            cause.code
        );
    }
}

#[test]
fn an_older_refusal_with_another_reason_is_over() {
    let scene = refused(QUOTA).event(
        "ReplicaSet/shop/app",
        "FailedCreate",
        RANGE,
        "2026-03-01T11:55:00Z",
    );
    scene.diagnose().finds_only("ADM-QUOTA-EXCEEDED", Verdict::Proven);
}

#[test]
fn without_a_word_of_the_api_server_it_is_unknown() {
    let outcome = Scene::new().object(replica_set(0)).diagnose();
    assert_eq!(outcome.finding("ADM-UNKNOWN").verdict, Verdict::Unknown);
}

#[test]
fn when_every_pod_is_there_again_an_old_refusal_is_no_trouble() {
    for (_, message) in TABLE {
        let scene = Scene::new().object(replica_set(3)).event(
            "ReplicaSet/shop/app",
            "FailedCreate",
            message,
            "2026-03-01T11:52:00Z",
        );
        scene.diagnose().is_calm();
    }
}

/// What was mended is told as over until the controller has had its next try; a refusal that came after it stands.
#[test]
fn what_was_mended_waits_for_the_next_try() {
    let account = |created: &str| {
        json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "builder", "namespace": "shop", "creationTimestamp": created}})
    };
    let outcome = refused(ACCOUNT)
        .object(account("2026-03-01T11:59:30Z"))
        .diagnose();
    let told = outcome.is_calm().finding("ADM-SERVICE-ACCOUNT-MISSING");
    assert!(
        told.ended.is_some() && told.headline.starts_with("was: "),
        "{}",
        told.headline
    );
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "compute", "namespace": "shop"},
        "status": {"hard": {"requests.cpu": "2"}, "used": {"requests.cpu": "900m"}}});
    let outcome = refused(QUOTA).object(quota.clone()).diagnose();
    assert!(
        outcome
            .is_calm()
            .finding("ADM-QUOTA-EXCEEDED")
            .fixes
            .iter()
            .any(|fix| fix.text.contains("tries again")),
        "{}",
        outcome.summary()
    );
    // Nobody tried for half an hour: something else holds it.
    let later = refused(QUOTA)
        .object(quota)
        .now("2026-03-01T12:30:00Z")
        .diagnose();
    assert_eq!(later.alarms(), 1, "{}", later.summary());
    later.lacks("ADM-QUOTA-EXCEEDED");
}

#[test]
fn a_message_alone_is_enough() {
    for (code, message) in TABLE {
        let outcome = Scene::new().loose(message).diagnose();
        assert_eq!(outcome.alarms(), 1, "{}", outcome.summary());
        let finding = outcome.finding(code);
        assert!(
            finding.headline.contains("cannot be created"),
            "{}",
            finding.headline
        );
    }
}

/// The controllers that create pods, each with its own words around the API server's.
fn owners(message: &str) -> Vec<(&'static str, Scene)> {
    let refusal = message.strip_prefix("Error creating: ").unwrap();
    let owner = |api: &str, kind: &str, spec: Value, status: Value| {
        Scene::new().object(json!({"apiVersion": api, "kind": kind,
            "metadata": {"name": "app", "namespace": "shop", "creationTimestamp": "2026-03-01T11:50:00Z"}, "spec": spec, "status": status}))
    };
    let at = "2026-03-01T11:59:00Z";
    let failure = json!({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": refusal,
        "lastTransitionTime": "2026-03-01T11:51:00Z"});
    vec![
        (
            "condition",
            owner(
                "apps/v1",
                "ReplicaSet",
                json!({"replicas": 3}),
                json!({"replicas": 2, "conditions": [failure]}),
            ),
        ),
        (
            "deployment without its ReplicaSet",
            owner(
                "apps/v1",
                "Deployment",
                json!({"replicas": 3}),
                json!({"replicas": 2, "conditions": [failure]}),
            ),
        ),
        (
            "stateful set",
            owner(
                "apps/v1",
                "StatefulSet",
                json!({"replicas": 3}),
                json!({"replicas": 2}),
            )
            .event(
                "StatefulSet/shop/app",
                "FailedCreate",
                &format!("create Pod app-2 in StatefulSet app failed error: {refusal}"),
                at,
            ),
        ),
        (
            "daemon set",
            owner(
                "apps/v1",
                "DaemonSet",
                json!({}),
                json!({"desiredNumberScheduled": 3, "currentNumberScheduled": 2}),
            )
            .event("DaemonSet/shop/app", "FailedCreate", message, at),
        ),
        (
            "replication controller",
            owner(
                "v1",
                "ReplicationController",
                json!({"replicas": 3}),
                json!({"replicas": 2}),
            )
            .event("ReplicationController/shop/app", "FailedCreate", message, at),
        ),
        (
            "job",
            owner(
                "batch/v1",
                "Job",
                json!({"parallelism": 3, "completions": 3}),
                json!({"active": 2}),
            )
            .event("Job/shop/app", "FailedCreate", message, at),
        ),
    ]
}

#[test]
fn each_refusal_is_found_at_each_owner_who_cannot_create_how_many_since_when() {
    for (code, message) in TABLE {
        for (owner, scene) in owners(message) {
            let outcome = scene.diagnose();
            assert!(
                outcome.claims(code) || *code == "ADM-REQUEST-TIMEOUT",
                "{code} at {owner}: {}",
                outcome.summary()
            );
            assert_eq!(outcome.alarms(), 1, "{code} at {owner}: {}", outcome.summary());
            let finding = outcome.finding(code);
            assert!(finding.since.is_some(), "{code} at {owner}");
            let told = |text: &str| text.contains("2 of 3 pods") && text.contains("/app");
            let in_chain = finding.chain.iter().any(|step| told(&step.text));
            assert!(in_chain, "{code} at {owner}: {:?}", finding.chain);
        }
    }
}

#[test]
fn an_older_refusal_with_another_reason_is_always_over() {
    for (code, message) in TABLE {
        for (other, older) in TABLE.iter().filter(|(other, _)| other != code) {
            let by_event = refused(message)
                .event(
                    "ReplicaSet/shop/app",
                    "FailedCreate",
                    older,
                    "2026-03-01T11:55:00Z",
                )
                .diagnose();
            assert!(
                by_event.lacks(other).alarms() == 1,
                "{code} after {other}: {}",
                by_event.summary()
            );
            by_event.finding(code);
            // The condition keeps the first message for as long as creation fails.
            let mut set = replica_set(2);
            set["status"]["conditions"] = json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
                "message": older.strip_prefix("Error creating: "), "lastTransitionTime": "2026-03-01T11:51:00Z"}]);
            let by_condition = Scene::new()
                .object(set)
                .event(
                    "ReplicaSet/shop/app",
                    "FailedCreate",
                    message,
                    "2026-03-01T11:59:00Z",
                )
                .diagnose();
            by_condition.lacks(other).finding(code);
        }
    }
}

#[test]
fn no_alarm_where_no_pod_is_wanted_or_the_workload_is_paused() {
    let deployment = |spec: Value| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app", "namespace": "shop", "creationTimestamp": "2026-03-01T09:00:00Z"},
            "spec": spec, "status": {"replicas": 0, "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "pods is forbidden: exceeded quota", "lastTransitionTime": "2026-03-01T09:01:00Z"}]}})
    };
    Scene::new()
        .object(deployment(json!({"replicas": 0})))
        .diagnose()
        .is_calm();
    Scene::new()
        .object(deployment(json!({"replicas": 3, "paused": true})))
        .diagnose()
        .is_calm();
    let mut none = replica_set(0);
    none["spec"]["replicas"] = json!(0);
    for (_, message) in TABLE {
        let scene = Scene::new().object(none.clone());
        scene
            .event(
                "ReplicaSet/shop/app",
                "FailedCreate",
                message,
                "2026-03-01T11:58:00Z",
            )
            .diagnose()
            .is_calm();
    }
}

/// What stood in the way is not there any more: the controller will try again.
/// It is told as over where the controller has not tried again yet, else it is ruled out.
fn is_over(outcome: &crate::testing::Outcome, code: &str) {
    let told = outcome.report.findings.iter().find(|it| it.code.as_str() == code);
    match told {
        Some(told) => assert!(
            told.ended.is_some() && outcome.alarms() == 0,
            "{}",
            outcome.summary()
        ),
        None => {
            outcome.rules_out(code);
        }
    }
}

#[test]
fn over_when_what_refused_is_gone() {
    let object = |api: &str, kind: &str, namespace: Option<&str>, name: &str, rest: Value| {
        let mut object =
            json!({"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}});
        crate::testing::merge(&mut object, rest);
        object
    };
    let quota = |hard: &str| json!({"spec": {"hard": {"requests.cpu": hard}}, "status": {"hard": {"requests.cpu": hard}, "used": {"requests.cpu": "900m"}}});
    let shop = Some("shop");
    for (code, message, by_now) in [
        (
            "ADM-SERVICE-ACCOUNT-MISSING",
            ACCOUNT,
            object("v1", "ServiceAccount", shop, "builder", json!({})),
        ),
        (
            "ADM-PRIORITY-CLASS-MISSING",
            PRIORITY,
            object("scheduling.k8s.io/v1", "PriorityClass", None, "urgent", json!({})),
        ),
        (
            "ADM-RUNTIME-CLASS-MISSING",
            RUNTIME,
            object("node.k8s.io/v1", "RuntimeClass", None, "gvisor", json!({})),
        ),
        (
            "ADM-QUOTA-EXCEEDED",
            QUOTA,
            object("v1", "ResourceQuota", shop, "compute", quota("2")),
        ),
        (
            "ADM-NAMESPACE-TERMINATING",
            TERMINATING,
            object(
                "v1",
                "Namespace",
                None,
                "shop",
                json!({"status": {"phase": "Active"}}),
            ),
        ),
    ] {
        let outcome = refused(message).object(by_now).diagnose();
        is_over(&outcome, code);
    }
    for (code, message, kinds) in [
        ("ADM-QUOTA-EXCEEDED", QUOTA, vec![Kind::ResourceQuota]),
        ("ADM-QUOTA-MUST-SPECIFY", SPECIFY, vec![Kind::ResourceQuota]),
        ("ADM-LIMIT-RANGE", RANGE, vec![Kind::LimitRange]),
        (
            "ADM-WEBHOOK-NO-ENDPOINTS",
            NO_ENDPOINTS,
            vec![
                Kind::ValidatingWebhookConfiguration,
                Kind::MutatingWebhookConfiguration,
            ],
        ),
        (
            "ADM-WEBHOOK-DENIED",
            DENIED,
            vec![
                Kind::ValidatingWebhookConfiguration,
                Kind::MutatingWebhookConfiguration,
            ],
        ),
    ] {
        let outcome = refused(message).complete(&kinds).diagnose();
        is_over(&outcome, code);
        // What was not listed may be there.
        refused(message).diagnose().finding(code);
    }
    let tight = object("v1", "ResourceQuota", shop, "compute", quota("1"));
    refused(QUOTA)
        .object(tight)
        .diagnose()
        .finds_only("ADM-QUOTA-EXCEEDED", Verdict::Proven);
}

#[test]
fn what_a_webhook_or_policy_quotes_is_its_own_word() {
    for (code, message) in [
        (
            "ADM-WEBHOOK-DENIED",
            "Error creating: admission webhook \"quota.example\" denied the request: exceeded quota: team, requested: cpu=1, used: cpu=9, limited: cpu=9",
        ),
        (
            "ADM-WEBHOOK-DENIED",
            "Error creating: admission webhook \"psp.example\" denied the request: pods \"app\" violates PodSecurity \"restricted:latest\": runAsNonRoot != true",
        ),
        (
            "ADM-WEBHOOK-DENIED",
            "Error creating: admission webhook \"x.example\" denied the request: failed calling upstream: context deadline exceeded",
        ),
        (
            "ADM-POLICY-DENIED",
            "Error creating: pods \"app-x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: maximum cpu usage per Container is what we say",
        ),
        (
            "ADM-WEBHOOK-UNREACHABLE",
            "Error creating: Internal error occurred: failed calling webhook \"x.example\": failed to call webhook: Post \"https://a.b.svc:443/v?timeout=10s\": dial tcp: lookup a.b.svc on 10.96.0.10:53: no such host",
        ),
        (
            "ADM-WEBHOOK-NO-ENDPOINTS",
            "Error creating: Internal error occurred: failed calling webhook \"x.example\": failed to call webhook: Post \"https://a.b.svc:443/v?timeout=10s\": service \"a\" not found",
        ),
        (
            "ADM-WEBHOOK-TLS",
            "Error creating: Internal error occurred: failed calling webhook \"x.example\": Post \"https://a.b.svc:443/v?timeout=30s\": x509: certificate has expired or is not yet valid: current time 2026-01-01T00:00:00Z is after 2025-12-31T00:00:00Z",
        ),
        (
            "ADM-INVALID",
            "Error creating: pods \"app-x\" is forbidden: something that no plugin says today",
        ),
        (
            "ADM-POD-SECURITY",
            "Error creating: pods \"app-x\" is forbidden: violates PodSecurity \"baseline:v1.30\": privileged (container \"app\" must not set securityContext.privileged=true), hostPath volumes (volume \"exceeded quota: x\")",
        ),
    ] {
        let outcome = refused(message).diagnose();
        let verdict = if message.contains("today") {
            Verdict::Likely
        } else {
            Verdict::Proven
        };
        assert!(
            outcome.says_only(code, verdict),
            "{message}: {}",
            outcome.summary()
        );
    }
}
