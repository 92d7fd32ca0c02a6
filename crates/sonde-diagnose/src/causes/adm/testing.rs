//! One table for the tests of all refusals: each wording is its own cause and no other.

use serde_json::{Value, json};
use sonde_model::Verdict;

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

#[test]
fn a_message_alone_is_enough() {
    let outcome = Scene::new().loose(QUOTA).diagnose();
    outcome.finds_only("ADM-QUOTA-EXCEEDED", Verdict::Proven);
}
