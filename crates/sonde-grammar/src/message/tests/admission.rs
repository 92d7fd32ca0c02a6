use super::says;
use crate::fact::{AdmissionRefusal, Fact, LimitBound, QuotaItem, WebhookFailure};

/// From a ReplicaSet, a StatefulSet, a Job, without a reason, and damaged.
#[track_caller]
fn refuses(words: &str, refusals: &[AdmissionRefusal]) {
    let expect: Vec<Fact> = refusals.iter().cloned().map(Fact::Admission).collect();
    let head = "Error creating: pods \"web-7d9f-\" is forbidden: ";
    says("FailedCreate", &format!("{head}{words}"), &expect);
    says(
        "ReplicaFailure",
        &format!("pods \"web-7d9f-abcde\" is forbidden: {words}"),
        &expect,
    );
    says("", &format!("{head}{words}"), &expect);
    says(
        "FailedCreate",
        &format!("create Pod web-0 in StatefulSet web failed error: pods \"web-0\" is forbidden: {words}"),
        &expect,
    );
    let damaged = format!("(combined from similar events): {head}{words}")
        .replace('"', "\\\"")
        .replace(": ", ":\n     ");
    says("FailedCreate", &damaged, &expect);
}

fn item(resource: &str, requested: &str, used: &str, limited: &str) -> QuotaItem {
    QuotaItem {
        resource: resource.to_owned(),
        requested: requested.to_owned(),
        used: used.to_owned(),
        limited: limited.to_owned(),
    }
}

#[test]
fn quota() {
    let one = AdmissionRefusal::QuotaExceeded {
        quota: "team".to_owned(),
        items: vec![item("pods", "1", "10", "10")],
    };
    refuses(
        "exceeded quota: team, requested: pods=1, used: pods=10, limited: pods=10",
        std::slice::from_ref(&one),
    );
    refuses(
        "Exceeded quota: team, requested: pods=1, used: pods=10, limited: pods=10",
        &[one],
    );
    let two = vec![
        item("limits.memory", "1Gi", "7Gi", "7500Mi"),
        item("requests.cpu", "2", "9", "10"),
    ];
    refuses(
        "exceeded quota: team, requested: limits.memory=1Gi,requests.cpu=2, used: limits.memory=7Gi,requests.cpu=9, limited: limits.memory=7500Mi,requests.cpu=10",
        &[AdmissionRefusal::QuotaExceeded {
            quota: "team".to_owned(),
            items: two.clone(),
        }],
    );
    // Cut at the end: only what is whole.
    says(
        "FailedCreate",
        "Error creating: pods \"web-\" is forbidden: exceeded quota: team, requested: limits.memory=1Gi,requests.cpu=2, used: limits.memory=7Gi,requests.cpu=9, limited: limits.memory=7500Mi,req",
        &[Fact::Admission(AdmissionRefusal::QuotaExceeded {
            quota: "team".to_owned(),
            items: two[..1].to_vec(),
        })],
    );
    let must = |resources: &[&str]| AdmissionRefusal::QuotaMustSpecify {
        quota: "team".to_owned(),
        resources: resources.iter().map(|name| (*name).to_owned()).collect(),
    };
    refuses(
        "failed quota: team: must specify limits.cpu,limits.memory",
        &[must(&["limits.cpu", "limits.memory"])],
    );
    refuses(
        "Failed quota: team: must specify limits.cpu,limits.memory",
        &[must(&["limits.cpu", "limits.memory"])],
    );
    refuses(
        "failed quota: team: must specify limits.cpu for: web,side; limits.memory for: web",
        &[must(&["limits.cpu", "limits.memory"])],
    );
}

#[test]
fn limit_range() {
    let bound =
        |bound, resource: &str, scope: &str, limit: &str, value: Option<&str>| AdmissionRefusal::LimitRange {
            bound,
            resource: resource.to_owned(),
            scope: scope.to_owned(),
            limit: limit.to_owned(),
            value: value.map(str::to_owned),
        };
    use LimitBound::{Max, Min, Ratio};
    refuses(
        "maximum cpu usage per Container is 2, but limit is 4",
        &[bound(Max, "cpu", "Container", "2", Some("4"))],
    );
    refuses(
        "maximum cpu usage per Container is 2, but limit is 4.",
        &[bound(Max, "cpu", "Container", "2", Some("4"))],
    );
    refuses(
        "minimum memory usage per Container is 204Mi, but request is 200Mi.",
        &[bound(Min, "memory", "Container", "204Mi", Some("200Mi"))],
    );
    refuses(
        "[minimum memory usage per Container is 204Mi, but request is 200Mi.]",
        &[bound(Min, "memory", "Container", "204Mi", Some("200Mi"))],
    );
    refuses(
        "maximum memory usage per Pod is 1Gi.  No limit is specified",
        &[bound(Max, "memory", "Pod", "1Gi", None)],
    );
    refuses(
        "cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000",
        &[bound(Ratio, "cpu", "Container", "2", Some("4.000000"))],
    );
    refuses(
        "[minimum cpu usage per Container is 100m, but request is 50m, maximum memory usage per Container is 1Gi, but limit is 2Gi]",
        &[
            bound(Min, "cpu", "Container", "100m", Some("50m")),
            bound(Max, "memory", "Container", "1Gi", Some("2Gi")),
        ],
    );
    says(
        "FailedCreate",
        "create Claim data-web-0 for Pod web-0 in StatefulSet web failed error: persistentvolumeclaims \"data-web-0\" is forbidden: maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi",
        &[Fact::Admission(bound(
            Max,
            "storage",
            "PersistentVolumeClaim",
            "1Gi",
            Some("2Gi"),
        ))],
    );
}

#[test]
fn policies() {
    refuses(
        "violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false (container \"web\" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (containers \"web\", \"side\" must set securityContext.capabilities.drop=[\"ALL\"]), seccompProfile (pod or container \"web\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")",
        &[AdmissionRefusal::PodSecurity {
            level: "restricted:latest".to_owned(),
            violations: vec![
                "allowPrivilegeEscalation != false (container \"web\" must set securityContext.allowPrivilegeEscalation=false)".to_owned(),
                "unrestricted capabilities (containers \"web\", \"side\" must set securityContext.capabilities.drop=[\"ALL\"])".to_owned(),
                "seccompProfile (pod or container \"web\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")".to_owned(),
            ],
        }],
    );
    // A cut control is left out.
    says(
        "FailedCreate",
        "Error creating: pods \"web-\" is forbidden: violates PodSecurity \"baseline:v1.30\": privileged (container \"web\" must not set securityContext.privileged=true), hostPath volumes (volume \"da",
        &[Fact::Admission(AdmissionRefusal::PodSecurity {
            level: "baseline:v1.30".to_owned(),
            violations: vec![
                "privileged (container \"web\" must not set securityContext.privileged=true)".to_owned(),
            ],
        })],
    );
    refuses(
        "unable to validate against any security context constraint: [provider \"anyuid\": Forbidden: not usable by user or serviceaccount]",
        &[AdmissionRefusal::SecurityPolicy {
            detail: "unable to validate against any security context constraint: [provider \"anyuid\": Forbidden: not usable by user or serviceaccount]".to_owned(),
        }],
    );
    refuses(
        "unable to validate against any pod security policy: [spec.containers[0].securityContext.privileged: Invalid value: true: Privileged containers are not allowed]",
        &[AdmissionRefusal::SecurityPolicy {
            detail: "unable to validate against any pod security policy: [spec.containers[0].securityContext.privileged: Invalid value: true: Privileged containers are not allowed]".to_owned(),
        }],
    );
    refuses(
        "ValidatingAdmissionPolicy 'no-latest' with binding 'shop' denied request: images need a tag",
        &[AdmissionRefusal::PolicyDenied {
            policy: "no-latest".to_owned(),
            detail: "images need a tag".to_owned(),
        }],
    );
}

#[test]
fn missing_objects_and_rights() {
    refuses(
        "error looking up service account shop/builder: serviceaccount \"builder\" not found",
        &[AdmissionRefusal::ServiceAccountMissing {
            name: "builder".to_owned(),
        }],
    );
    refuses(
        "no PriorityClass with name gold was found",
        &[AdmissionRefusal::PriorityClassMissing {
            name: "gold".to_owned(),
        }],
    );
    refuses(
        "pod rejected: RuntimeClass \"gvisor\" not found",
        &[AdmissionRefusal::RuntimeClassMissing {
            name: "gvisor".to_owned(),
        }],
    );
    let forbidden = |user: &str| AdmissionRefusal::Forbidden {
        user: user.to_owned(),
        verb: "create".to_owned(),
        resource: "pods".to_owned(),
    };
    refuses(
        "User \"system:serviceaccount:shop:ci\" cannot create resource \"pods\" in API group \"\" in the namespace \"shop\"",
        &[forbidden("system:serviceaccount:shop:ci")],
    );
    refuses(
        "User \"ci\" cannot create pods in the namespace \"shop\"",
        &[forbidden("ci")],
    );
    refuses(
        "unable to create new content in namespace shop because it is being terminated",
        &[AdmissionRefusal::NamespaceTerminating {
            namespace: "shop".to_owned(),
        }],
    );
    refuses(
        "not yet ready to handle request",
        &[AdmissionRefusal::Other {
            detail: "not yet ready to handle request".to_owned(),
        }],
    );
    let invalid = "Error creating: Pod \"web-7d9f-abcde\" is invalid: spec.containers[0].volumeMounts[0].name: Not found: \"data\"";
    says(
        "FailedCreate",
        invalid,
        &[Fact::Admission(AdmissionRefusal::Invalid {
            detail: "spec.containers[0].volumeMounts[0].name: Not found: \"data\"".to_owned(),
        })],
    );
    for text in [
        "Error creating: Timeout: request did not complete within requested timeout - context deadline exceeded",
        "Error creating: Timeout: request did not complete within requested timeout",
        "Error creating: the server was unable to return a response in the time allotted, but may still be processing the request (post pods)",
    ] {
        says(
            "FailedCreate",
            text,
            &[Fact::Admission(AdmissionRefusal::RequestTimeout)],
        );
        says("", text, &[Fact::Admission(AdmissionRefusal::RequestTimeout)]);
    }
}

#[test]
fn webhooks() {
    let url = "https://guard.security.svc:443/mutate?timeout=10s";
    let rows: Vec<(&str, WebhookFailure)> = vec![
        (
            "no endpoints available for service \"guard\"",
            WebhookFailure::NoEndpoints,
        ),
        ("service \"guard\" not found", WebhookFailure::ServiceMissing),
        (
            "dial tcp 10.96.3.4:443: connect: connection refused",
            WebhookFailure::Refused,
        ),
        ("context deadline exceeded", WebhookFailure::Timeout),
        (
            "net/http: request canceled (Client.Timeout exceeded while awaiting headers)",
            WebhookFailure::Timeout,
        ),
        ("dial tcp 10.96.3.4:443: i/o timeout", WebhookFailure::Timeout),
        (
            "x509: certificate signed by unknown authority",
            WebhookFailure::Tls,
        ),
        (
            "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-20T10:00:00Z is after 2026-11-01T00:00:00Z",
            WebhookFailure::Tls,
        ),
        (
            "dial tcp: lookup guard.security.svc on 10.96.0.10:53: no such host",
            WebhookFailure::Dns,
        ),
        ("EOF", WebhookFailure::Other),
    ];
    for (words, failure) in rows {
        let expect = [Fact::Admission(AdmissionRefusal::WebhookCall {
            webhook: "pods.guard.example".to_owned(),
            service: Some("security/guard".to_owned()),
            failure,
            detail: words.to_owned(),
        })];
        for text in [
            format!(
                "Error creating: Internal error occurred: failed calling webhook \"pods.guard.example\": failed to call webhook: Post \"{url}\": {words}"
            ),
            format!(
                "Error creating: Internal error occurred: failed calling webhook \"pods.guard.example\": Post \"{url}\": {words}"
            ),
            format!(
                "Internal error occurred: failed calling webhook \"pods.guard.example\": Post {url}: {words}"
            ),
            format!(
                "Internal error occurred: failed calling admission webhook \"pods.guard.example\": Post {url}: {words}"
            ),
        ] {
            says("FailedCreate", &text, &expect);
            says("", &text, &expect);
            says("FailedCreate", &text.replace('"', "\\\""), &expect);
        }
    }
    says(
        "FailedCreate",
        "Error creating: Internal error occurred: failed calling webhook \"pods.guard.example\": failed to call webhook: the server could not find the requested resource",
        &[Fact::Admission(AdmissionRefusal::WebhookCall {
            webhook: "pods.guard.example".to_owned(),
            service: None,
            failure: WebhookFailure::Status,
            detail: "the server could not find the requested resource".to_owned(),
        })],
    );
    let denied = |detail: &str| {
        [Fact::Admission(AdmissionRefusal::WebhookDenied {
            webhook: "pods.guard.example".to_owned(),
            detail: detail.to_owned(),
        })]
    };
    // A webhook's words may quote any other refusal.
    for said in [
        "[no-latest] use a tag",
        "exceeded quota: mine, requested: x=1, used: x=1, limited: x=1",
        "violates PodSecurity \"x\": y",
    ] {
        let text =
            format!("Error creating: admission webhook \"pods.guard.example\" denied the request: {said}");
        says("FailedCreate", &text, &denied(said));
        says("", &text, &denied(said));
    }
    says(
        "FailedCreate",
        "Error creating: admission webhook \"pods.guard.example\" denied the request without explanation",
        &denied("without explanation"),
    );
}

#[test]
fn look_alikes() {
    says(
        "",
        "Warning: would violate PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false (container \"web\" must set x)",
        &[],
    );
    says("", "the quota of the day is exceeded", &[]);
    says("SuccessfulCreate", "Created pod: web-7d9f-abcde", &[]);
    says("FailedCreate", "", &[]);
}
