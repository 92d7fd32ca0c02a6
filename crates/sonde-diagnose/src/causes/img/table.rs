//! One table for the tests that every cause of this family passes beside its own: the newest word counts and no other; a
//! pod that has its image, has done its work or crashes for another reason is no matter of images; how far it reaches.

use serde_json::{Value, json};
use sonde_model::{Kind, Severity, Verdict};

use super::testing::{new_kubelet, waiting, waiting_for};
use crate::testing::{Outcome, Scene, crashed, merge, pod, status};

const HEAD: &str = "failed to pull and unpack image \"registry.example/app:1\": failed to resolve reference \"registry.example/app:1\": ";

/// Code, the runtime's words, the verdict where the pod names no pull secret.
const TABLE: &[(&str, &str, Verdict)] = &[
    (
        "IMG-CONNECTION-BROKEN",
        "failed to do request: Head \"https://registry.example/v2/app/manifests/1\": read tcp 10.1.0.5:3->10.2.3.4:443: read: connection reset by peer",
        Verdict::Proven,
    ),
    (
        "IMG-CONNECT-TIMEOUT",
        "failed to do request: Head \"https://registry.example/v2/app/manifests/1\": dial tcp 10.2.3.4:443: i/o timeout",
        Verdict::Proven,
    ),
    (
        "IMG-CORRUPT-LAYER",
        "failed commit on ref \"layer-sha256:aa\": unexpected commit digest sha256:bb, expected sha256:aa: failed precondition",
        Verdict::Proven,
    ),
    (
        "IMG-CREDENTIAL-PLUGIN",
        "failed to get credentials: credential provider plugin ecr-credential-provider exec failed: exit status 1",
        Verdict::Proven,
    ),
    (
        "IMG-DISK-FULL",
        "failed to extract layer sha256:aa: write /var/lib/containerd/x: no space left on device: unknown",
        Verdict::Proven,
    ),
    (
        "IMG-DNS",
        "failed to do request: Head \"https://registry.example/v2/app/manifests/1\": dial tcp: lookup registry.example on 10.96.0.10:53: no such host",
        Verdict::Proven,
    ),
    (
        "IMG-HTTP-TO-HTTPS",
        "failed to do request: Head \"https://registry.example/v2/app/manifests/1\": http: server gave HTTP response to HTTPS client",
        Verdict::Proven,
    ),
    (
        "IMG-INVALID-NAME",
        "couldn't parse image reference \"App\": invalid reference format",
        Verdict::Proven,
    ),
    ("IMG-KUBELET-LIMIT", "pull QPS exceeded", Verdict::Proven),
    (
        "IMG-MANIFEST-UNSUPPORTED",
        "media type \"application/vnd.docker.distribution.manifest.v1+prettyjws\" is no longer supported since containerd v2.1",
        Verdict::Proven,
    ),
    (
        "IMG-NEVER-POLICY",
        "Container image is not present with pull policy of Never",
        Verdict::Proven,
    ),
    (
        "IMG-NO-CREDENTIALS",
        "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://registry.example/token: 401 Unauthorized",
        Verdict::Proven,
    ),
    (
        "IMG-NOT-FOUND",
        "registry.example/app:1: not found",
        Verdict::Proven,
    ),
    (
        "IMG-PLATFORM",
        "no match for platform in manifest: not found",
        Verdict::Proven,
    ),
    (
        "IMG-RATE-LIMIT",
        "failed to copy: httpReadSeeker: failed open: unexpected status code https://registry.example/v2/app/manifests/1: 429 Too Many Requests",
        Verdict::Proven,
    ),
    (
        "IMG-REFUSED",
        "failed to do request: Head \"https://registry.example/v2/app/manifests/1\": dial tcp 10.2.3.4:443: connect: connection refused",
        Verdict::Proven,
    ),
    (
        "IMG-REGISTRY-ERROR",
        "unexpected status from HEAD request to https://registry.example/v2/app/manifests/1: 503 Service Unavailable",
        Verdict::Proven,
    ),
    (
        "IMG-SIGNATURE",
        "Source image rejected: A signature was required, but no signature exists",
        Verdict::Proven,
    ),
    (
        "IMG-SLOW-PULL",
        "failed to copy: httpReadSeeker: failed open: Get \"https://registry.example/v2/app/blobs/sha256:aa\": context deadline exceeded",
        Verdict::Proven,
    ),
    (
        "IMG-TLS-EXPIRED",
        "x509: certificate has expired or is not yet valid",
        Verdict::Proven,
    ),
    (
        "IMG-TLS-UNKNOWN-AUTHORITY",
        "x509: certificate signed by unknown authority",
        Verdict::Proven,
    ),
    (
        "IMG-TLS-WRONG-NAME",
        "x509: certificate is valid for a.example, not registry.example",
        Verdict::Proven,
    ),
    (
        "IMG-TOKEN-EXPIRED",
        "unexpected status from HEAD request to https://registry.example/v2/app/manifests/1: 403 Forbidden: authorization token has expired",
        Verdict::Proven,
    ),
    (
        "IMG-UNREACHABLE",
        "failed to do request: Head \"https://registry.example/v2/app/manifests/1\": dial tcp 10.2.3.4:443: connect: no route to host",
        Verdict::Proven,
    ),
    (
        "IMG-WRONG-CREDENTIALS",
        "failed to authorize: failed to fetch oauth token: unexpected status from POST request to https://registry.example/token: 401 Unauthorized",
        Verdict::Proven,
    ),
];

/// Causes that no words of a runtime tell; their files test the same with their own scenes.
const WITHOUT_WORDS: &[&str] = &["IMG-PULL-SECRET-MISSING", "IMG-SERIAL-PULL"];

/// The words as the runtime writes them: a slow or damaged pull has resolved its reference.
fn words(code: &str, words: &str) -> String {
    match code {
        "IMG-SLOW-PULL" | "IMG-CORRUPT-LAYER" | "IMG-DISK-FULL" => {
            format!("failed to pull and unpack image \"registry.example/app:1\": {words}")
        }
        "IMG-KUBELET-LIMIT" | "IMG-NEVER-POLICY" | "IMG-INVALID-NAME" => words.to_owned(),
        _ => format!("{HEAD}{words}"),
    }
}

fn event(words: &str) -> String {
    format!("Failed to pull image \"registry.example/app:1\": rpc error: code = Unknown desc = {words}")
}

#[track_caller]
fn no_alarm_of_images(what: &str, outcome: &Outcome) {
    let alarm =
        outcome.report.findings.iter().any(|it| {
            it.code.as_str().starts_with("IMG-") && it.severity > Severity::Info && it.ended.is_none()
        });
    assert!(!alarm, "{what}: {}", outcome.summary());
}

#[test]
fn every_cause_of_the_family_is_here() {
    for cause in super::CAUSES {
        let code = cause.code.as_str();
        let here = TABLE.iter().any(|(it, ..)| *it == code) || WITHOUT_WORDS.contains(&code);
        assert!(here, "{code}");
    }
}

#[test]
fn found_and_no_other_with_image_registry_and_node() {
    for (code, said, verdict) in TABLE {
        let outcome = new_kubelet(&words(code, said))
            .complete(&[Kind::Secret])
            .diagnose();
        let finding = outcome.finds_only(code, *verdict);
        let text: String = finding
            .chain
            .iter()
            .map(|step| step.text.as_str())
            .chain([finding.headline.as_str()])
            .collect();
        assert!(text.contains("registry.example/app:1"), "{code}: {text}");
        let on_node = [
            "IMG-KUBELET-LIMIT",
            "IMG-NEVER-POLICY",
            "IMG-INVALID-NAME",
            "IMG-CREDENTIAL-PLUGIN",
        ];
        let asks = text.contains("node n1 asks registry.example for it");
        assert!(asks != on_node.contains(code), "{code}: {text}");
        assert!(!finding.fixes.is_empty(), "{code}");
    }
}

#[test]
fn the_newest_word_counts_and_no_older_one() {
    for (code, said, verdict) in TABLE {
        for (older, told, _) in TABLE.iter().filter(|(other, ..)| other != code) {
            let scene = Scene::new()
                .object(waiting("ErrImagePull", ""))
                .complete(&[Kind::Secret])
                .container_event(
                    "Pod/shop/app-1",
                    "app",
                    "Failed",
                    &event(&words(older, told)),
                    "2026-03-01T11:50:00Z",
                )
                .container_event(
                    "Pod/shop/app-1",
                    "app",
                    "Failed",
                    &event(&words(code, said)),
                    "2026-03-01T11:58:00Z",
                );
            let outcome = scene.diagnose();
            assert!(
                outcome.says_only(code, *verdict),
                "{code} after {older}: {}",
                outcome.summary()
            );
        }
    }
}

#[test]
fn pods_that_have_their_image_are_no_matter_of_images() {
    let done = pod(
        json!({"status": {"phase": "Succeeded", "conditions": null, "containerStatuses": [status(json!({
        "ready": false, "started": false, "state": {"running": null, "terminated": {"exitCode": 0, "reason": "Completed",
            "startedAt": "2026-03-01T10:00:02Z", "finishedAt": "2026-03-01T10:01:00Z"}}}))]}}),
    );
    let crashes = pod(json!({"status": {"containerStatuses": [crashed(1, "Error")]}}));
    for (code, said, _) in TABLE {
        for (what, object) in [
            ("runs", pod(json!({}))),
            ("is done", done.clone()),
            ("crashes", crashes.clone()),
        ] {
            let scene = Scene::new().object(object).container_event(
                "Pod/shop/app-1",
                "app",
                "Failed",
                &event(&words(code, said)),
                "2026-03-01T09:59:00Z",
            );
            no_alarm_of_images(&format!("{code} {what}"), &scene.diagnose());
        }
        let over = Scene::new()
            .object(waiting("ContainerCreating", ""))
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Failed",
                &event(&words(code, said)),
                "2026-03-01T11:50:00Z",
            )
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Pulled",
                "Container image \"registry.example/app:1\" already present on machine",
                "2026-03-01T11:58:00Z",
            );
        no_alarm_of_images(&format!("{code} is over"), &over.diagnose());
    }
}

#[test]
fn a_siblings_trouble_is_its_own() {
    for (code, said, verdict) in TABLE {
        let message = format!(
            "Back-off pulling image \"registry.example/side:1\": ErrImagePull: {}",
            words(code, said)
        );
        let message = message.replace("registry.example/app:1", "registry.example/side:1");
        let mut both = pod(json!({"spec": {"containers": [
            {"name": "app", "image": "registry.example/app:1"}, {"name": "side", "image": "registry.example/side:1"}]}}));
        both["status"]["phase"] = json!("Pending");
        both["status"]["containerStatuses"] = json!([
            status(json!({})),
            status(json!({
            "name": "side", "ready": false, "started": false, "containerID": "", "image": "registry.example/side:1",
            "state": {"running": null, "waiting": {"reason": "ImagePullBackOff", "message": message}}}))
        ]);
        let outcome = Scene::new().object(both).complete(&[Kind::Secret]).diagnose();
        let finding = outcome.finds_only(code, *verdict);
        let named = finding
            .chain
            .iter()
            .any(|step| step.text == "container side needs the image registry.example/side:1");
        assert!(named, "{code}: {:?}", finding.chain);
    }
}

/// A pod of its own that cannot pull an image.
fn other(name: &str, node: &str, image: &str, words: &str) -> Value {
    let message = format!("Back-off pulling image \"{image}\": ErrImagePull: {words}");
    let mut pod = waiting_for(image, "ImagePullBackOff", &message);
    merge(
        &mut pod,
        json!({"metadata": {"name": name, "uid": format!("u-{name}"), "ownerReferences": null}, "spec": {"nodeName": node}}),
    );
    pod
}

#[test]
fn one_image_one_registry_or_one_node() {
    let refused = |registry: &str| {
        format!(
            "failed to do request: Head \"https://{registry}/v2/x/manifests/1\": dial tcp 10.2.3.4:443: connect: connection refused"
        )
    };
    let (here, there) = ("registry.example", "other.example");
    let first = || Scene::new().object(other("a", "n1", "registry.example/app:1", &refused(here)));
    for (what, scene, said, subject) in [
        (
            "one image on two nodes",
            first().object(other("b", "n2", "registry.example/app:1", &refused(here))),
            "this image fails on n1, n2, and no other image does",
            "registry.example",
        ),
        (
            "one registry",
            first().object(other("b", "n2", "registry.example/web:1", &refused(here))),
            "other images of registry.example fail as well",
            "registry.example",
        ),
        (
            "one node",
            first().object(other("b", "n1", "other.example/web:1", &refused(there))),
            "fail on node n1 too, and on no other node",
            "n1",
        ),
        (
            "alone",
            first(),
            "no other image fails to be pulled in the cluster",
            "registry.example",
        ),
    ] {
        let outcome = scene.complete(&[Kind::Pod]).diagnose();
        let finding = outcome.finds_only("IMG-REFUSED", Verdict::Proven);
        assert_eq!(&*finding.subject.name, subject, "{what}");
        assert!(
            finding.chain.iter().any(|step| step.text.contains(said)),
            "{what}: {:?}",
            finding.chain
        );
    }
}

#[test]
fn who_was_asked_is_told() {
    for (words, said) in [
        (
            "failed to do request: Head \"https://mirror.example/v2/app/manifests/1?ns=registry.example\": dial tcp 10.2.3.4:443: connect: connection refused",
            "nobody listens at mirror.example, which is asked for images of registry.example",
        ),
        (
            "failed to do request: Head \"https://registry.example/v2/app/manifests/1\": proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: connection refused",
            "nobody listens at the proxy 10.0.0.1:3128 on the way to registry.example",
        ),
        (
            "failed to do request: Head \"https://registry.example/v2/app/manifests/1\": dial tcp 10.2.3.4:443: connect: connection refused",
            "nobody listens at registry.example (connection refused)",
        ),
    ] {
        let outcome = new_kubelet(&format!("{HEAD}{words}")).diagnose();
        let finding = outcome.finds_only("IMG-REFUSED", Verdict::Proven);
        assert!(finding.headline.contains(said), "{}", finding.headline);
    }
    let proxy = "failed to do request: Head \"https://registry.example/v2/app/manifests/1\": proxyconnect tcp: dial tcp: lookup proxy.corp on 10.0.0.2:53: no such host";
    let outcome = new_kubelet(&format!("{HEAD}{proxy}")).diagnose();
    let finding = outcome.finds_only("IMG-DNS", Verdict::Proven);
    assert!(
        finding
            .headline
            .contains("from registry.example: the name of the proxy proxy.corp"),
        "{}",
        finding.headline
    );
}

#[test]
fn a_registry_that_nothing_names_is_not_made_up() {
    let outcome = Scene::new()
        .loose("Error: ErrImagePull: dial tcp 10.2.3.4:443: connect: connection refused")
        .diagnose();
    let finding = outcome.finds_only("IMG-REFUSED", Verdict::Proven);
    assert!(finding.headline.contains("its registry"), "{}", finding.headline);
}

#[test]
fn a_node_of_a_cloud_may_lack_the_right_rather_than_the_login() {
    let image = "1234.dkr.ecr.eu-west-1.amazonaws.com/app:1";
    let words = format!(
        "failed to resolve reference \"{image}\": unexpected status from HEAD request to https://1234.dkr.ecr.eu-west-1.amazonaws.com/v2/app/manifests/1: 403 Forbidden"
    );
    let outcome = Scene::new()
        .object(waiting_for(image, "ErrImagePull", &words))
        .complete(&[Kind::Secret])
        .diagnose();
    let finding = outcome.finds_only("IMG-NO-CREDENTIALS", Verdict::Possible);
    assert!(
        finding
            .rivals
            .iter()
            .any(|code| code.as_str() == "IMG-WRONG-CREDENTIALS"),
        "{:?}",
        finding.rivals
    );
}

#[test]
fn a_pull_that_was_canceled_need_not_have_been_slow() {
    let words =
        "failed to pull and unpack image \"registry.example/app:1\": failed to copy: context canceled";
    new_kubelet(words)
        .diagnose()
        .finds_only("IMG-SLOW-PULL", Verdict::Likely);
}
