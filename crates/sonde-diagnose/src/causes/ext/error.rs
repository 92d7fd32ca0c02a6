//! EXT-ERROR: the application ended itself with an error; its log says which.

use sonde_grammar::log::{AppSign, Known, Standing};
use sonde_model::{Code, Kind, ObjectRef, Risk, Severity, nearest};

use super::known::{self, speaker};
use super::place::place;
use super::words::{
    binds_port, dns_is_silent, is_denied_by_other_side, is_forbidden, is_vague_address, lacks_name,
    lacks_version, quote, refused_by_api, said, was_told, why,
};
use crate::cause::page;
use crate::peers::pod_of_service;
use crate::triage::templates;
use crate::{Case, Cause, Facts, Symptom, field_on};

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
            case.headline(format!("{who} ends itself with exit code {code}: {clause}"));
            case.step(format!("the application fails: {clause}"), [line.clone()]);
            if !is_vague_address(&line.text) {
                about_target(facts, case, sign);
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
                case.headline(format!("{who} ends itself with exit code {code}"));
                if let Some(want) = facts.want_log().filter(|_| !policy_ok) {
                    case.wants(want, "why the application ended itself");
                }
            }
        },
    }
    // Only the line that was chosen is worth an advice.
    let chosen = why.filter(|_| was_told(facts).is_none());
    let place = chosen.as_ref().and_then(|(_, sign, line)| match sign {
        AppSign::PermissionDenied { .. } if binds_port(&line.text) || is_denied_by_other_side(&line.text) => {
            None
        }
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
    case.look("what else it says before its end", command);
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

fn advice(sign: &AppSign, line: &str) -> &'static str {
    match sign {
        AppSign::PermissionDenied { .. } if binds_port(line) => {
            "ports below 1024 are not for every user: listen on a higher port and let the service map it, or add the capability NET_BIND_SERVICE (for a process of root; others need it as a file or ambient capability), or allow it for the pod with the sysctl net.ipv4.ip_unprivileged_port_start"
        }
        AppSign::AuthFailed { .. } if refused_by_api(line).is_some() => {
            "give the service account the right by a Role and a RoleBinding (a ClusterRole and its binding where the line says \"at the cluster scope\")"
        }
        AppSign::NameResolution { .. } if is_vague_address(line) => {
            "see where the word comes from (args, env, its configuration) and what is meant there: an address or port to listen on, or the name of a service"
        }
        AppSign::MissingLibrary { .. } if lacks_version(line).is_some() => {
            "build the program on the distribution of the image that it runs in (or link it statically), or take a newer base image; a library copied beside the old one breaks the rest"
        }
        AppSign::MissingModule { .. } if lacks_name(line).is_some() => {
            "the module is there: see that its version and the program's fit, and that the two do not import each other in a circle"
        }
        AppSign::PermissionDenied { .. } if is_denied_by_other_side(line) => {
            "see what the other side allows this program to do (roles, policies, grants), and which account or login it uses there"
        }
        AppSign::AuthFailed { .. } if is_forbidden(line) => {
            "see what the other side allows this program to do (roles, policies, rules of a proxy between them), and the login that it uses, if any"
        }
        AppSign::NameResolution { .. } if dns_is_silent(line) => {
            "see that the cluster's DNS runs and is reached from the pod's node (kubectl get pods -n kube-system -l k8s-app=kube-dns), and that no NetworkPolicy of the pod stops port 53"
        }
        AppSign::ConnectionRefused { .. }
        | AppSign::NameResolution { .. }
        | AppSign::ConnectTimeout { .. } => {
            "see that what it needs exists, is ready and is named right in its configuration; let it retry instead of ending"
        }
        AppSign::MissingEnv { .. } | AppSign::ConfigError { .. } | AppSign::BadFlag { .. } => {
            "mend the setting in the pod's env, args or ConfigMap"
        }
        AppSign::MissingFile { .. }
        | AppSign::MissingLibrary { .. }
        | AppSign::MissingModule { .. }
        | AppSign::NotFoundCommand { .. } => "build it into the image, or mount it where it is looked for",
        AppSign::PermissionDenied { .. } | AppSign::ReadOnly { .. } => {
            "see the container's user, the volume's owner (fsGroup) and readOnlyRootFilesystem"
        }
        AppSign::AuthFailed { .. } => "see the Secret that holds the login",
        AppSign::DiskFull { .. } => "make room on the volume, or give it more",
        AppSign::Known(known) => known::advice(known).0,
        _ => "mend what the log says; the exit code is the application's own choice",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Kind, Verdict};

    use crate::testing::{Scene, crashed, pod, status};

    fn failed(code: i64) -> Value {
        pod(json!({"status": {"containerStatuses": [crashed(code, "Error")]}}))
    }

    #[test]
    fn found_with_the_line_that_decides() {
        for (code, log, words) in [
            (
                1,
                "starting\nFATAL: password authentication failed for user \"orders\"\n",
                "password authentication failed",
            ),
            (1, "Error: connect ECONNREFUSED 10.0.0.7:5432\n", "10.0.0.7:5432"),
            (
                2,
                "panic: runtime error: invalid memory address\n\ngoroutine 1 [running]:\n",
                "invalid memory address",
            ),
            (1, "ModuleNotFoundError: No module named 'flask'\n", "flask"),
            (
                1,
                "java.io.FileNotFoundException: /etc/app/app.yml (No such file or directory)\n",
                "/etc/app/app.yml",
            ),
            (
                255,
                "fatal: could not open configuration file\n",
                "configuration file",
            ),
        ] {
            let outcome = Scene::new()
                .object(failed(code))
                .log("shop/app-1", "app", true, log)
                .diagnose();
            let finding = outcome.finds_only("EXT-ERROR", Verdict::Proven);
            assert!(finding.headline.contains(words), "{}", finding.headline);
        }
    }

    /// Root without capabilities may not do all that root may.
    #[test]
    fn a_dropped_capability_is_named() {
        let advice = |capabilities: Value| {
            let it = pod(
                json!({"spec": {"containers": [{"name": "app", "securityContext": {"capabilities": capabilities}}]},
                "status": {"containerStatuses": [crashed(1, "Error")]}}),
            );
            let outcome = Scene::new()
                .object(it)
                .log(
                    "shop/app-1",
                    "app",
                    true,
                    "chown: /tmp: Operation not permitted\n",
                )
                .diagnose();
            outcome.finding("EXT-ERROR").fixes[0].text.contains("CHOWN")
        };
        assert!(advice(json!({"drop": ["ALL"]})));
        assert!(!advice(json!({"drop": ["ALL"], "add": ["CHOWN"]})));
        assert!(!advice(json!({"drop": ["NET_RAW"]})));
    }

    #[test]
    fn a_dns_server_that_is_silent_is_told_as_such() {
        let log =
            "nc: timed out\nERROR amqp: dial tcp: lookup rabbitmq.shop.svc.cluster.local: i/o timeout\n";
        let outcome = Scene::new()
            .object(failed(1))
            .log("shop/app-1", "app", true, log)
            .diagnose();
        let finding = outcome.finds_only("EXT-ERROR", Verdict::Proven);
        assert!(
            finding.headline.contains("no DNS server answers in time")
                && finding.headline.contains("rabbitmq.shop.svc"),
            "{}",
            finding.headline
        );
        assert!(finding.fixes[0].text.contains("DNS"), "{:?}", finding.fixes);
    }

    #[test]
    fn the_line_that_ended_it_is_told_and_not_what_it_survived() {
        let log = "WARN could not connect to redis at cache:6379: connection refused, continuing\nopen /etc/app/optional.yml: permission denied (using defaults)\nINFO ready soon\nERROR config invalid: field server.port is required\nshutting down\n";
        let outcome = Scene::new()
            .object(failed(1))
            .log("shop/app-1", "app", true, log)
            .diagnose();
        let finding = outcome.finds_only("EXT-ERROR", Verdict::Proven);
        assert!(
            finding.headline.contains("server.port is required"),
            "{}",
            finding.headline
        );
        assert!(
            !finding.fixes.iter().any(|fix| fix.text.contains("fsGroup")),
            "{:?}",
            finding.fixes
        );
        // Nothing louder: its last words, not the trouble that it got over.
        let log = "WARN could not connect to redis at cache:6379: connection refused, continuing\nINFO loading\nINFO loaded 12 plugins\nINFO bye\n";
        let outcome = Scene::new()
            .object(failed(1))
            .log("shop/app-1", "app", true, log)
            .diagnose();
        assert!(
            outcome.finding("EXT-ERROR").headline.contains("INFO bye"),
            "{}",
            outcome.summary()
        );
    }

    #[test]
    fn a_fatal_line_that_says_why_stands_before_errors_that_were_survived() {
        for (log, said) in [
            (
                "ERROR could not connect to jaeger:6831 connection refused (tracing disabled)\nINFO started\nFATAL schema version 41 is older than required 42, run migrations first\n",
                "schema version 41",
            ),
            (
                "[ERROR] plugin/errors: 2 example.org. A: read udp 10.1.0.2:40000->8.8.8.8:53: i/o timeout\n[FATAL] plugin/loop: Loop (127.0.0.1:4000 -> :53) detected for zone \".\"\n",
                "its own queries come back to it",
            ),
            (
                "E0301 11:57:58.000000 1 reflector.go:150] failed to list *v1.Endpoints: endpoints is forbidden: User \"system:serviceaccount:shop:default\" cannot list resource \"endpoints\" in API group \"\" at the cluster scope\nE0301 11:57:59.000000 1 main.go:9] timed out waiting for caches to sync\n",
                "endpoints is forbidden",
            ),
            // A farewell says nothing: the error before it is why.
            (
                "ERROR could not connect to db:5432: connection refused\nFATAL application startup failed, exiting now\n",
                "db:5432 refuses",
            ),
        ] {
            let outcome = Scene::new()
                .object(failed(1))
                .log("shop/app-1", "app", true, log)
                .diagnose();
            let finding = outcome.finds_only("EXT-ERROR", Verdict::Proven);
            assert!(finding.headline.contains(said), "{}", finding.headline);
            if log.contains("forbidden") {
                let commands: Vec<_> = finding
                    .next
                    .iter()
                    .filter_map(|look| look.command.as_deref())
                    .collect();
                assert!(
                    commands.contains(
                        &"kubectl auth can-i list endpoints --as=system:serviceaccount:shop:default"
                    ),
                    "{commands:?}"
                );
            }
        }
    }

    #[test]
    fn the_advice_fits_the_permission() {
        for (log, said, advised, not) in [
            (
                "listen tcp :80: bind: permission denied\n",
                ":80",
                "NET_BIND_SERVICE",
                "fsGroup",
            ),
            (
                "nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)\n",
                "0.0.0.0:80",
                "ip_unprivileged_port_start",
                "fsGroup",
            ),
            (
                "open /data/x: permission denied\n",
                "/data/x",
                "fsGroup",
                "NET_BIND",
            ),
            (
                "mkdir: can't create directory '/var/cache/app': Permission denied\n",
                "no permission to make the folder /var/cache/app",
                "fsGroup",
                "NET_BIND",
            ),
            (
                "mkdir: can't create directory '/var/cache/app': No such file or directory\n",
                "parent does not exist",
                "image",
                "NET_BIND",
            ),
            (
                "ERROR upload failed: PUT https://files.example/x: 403 Forbidden\n",
                "403 Forbidden",
                "allows",
                "Secret that holds",
            ),
        ] {
            let outcome = Scene::new()
                .object(failed(1))
                .log("shop/app-1", "app", true, log)
                .diagnose();
            let finding = outcome.finds_only("EXT-ERROR", Verdict::Proven);
            assert!(finding.headline.contains(said), "{}", finding.headline);
            let fixes: String = finding.fixes.iter().map(|fix| fix.text.as_str()).collect();
            assert!(fixes.contains(advised) && !fixes.contains(not), "{log}: {fixes}");
        }
    }

    #[test]
    fn a_try_of_a_job_that_goes_on_is_a_warning_with_its_count() {
        let tried = |failed: i64, conditions: Value| {
            let mut it = self::failed(1);
            crate::testing::merge(
                &mut it,
                json!({
                    "metadata": {"ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "app", "uid": "u-job", "controller": true}]},
                    "spec": {"restartPolicy": "Never"}, "status": {"phase": "Failed"}
                }),
            );
            let end = json!({"exitCode": 1, "reason": "Error", "startedAt": "2026-03-01T11:57:00Z", "finishedAt": "2026-03-01T11:58:00Z"});
            it["status"]["containerStatuses"][0]["state"] = json!({"terminated": end});
            Scene::new()
                .object(it)
                .object(json!({"apiVersion": "batch/v1", "kind": "Job",
                    "metadata": {"name": "app", "namespace": "shop", "uid": "u-job", "creationTimestamp": "2026-03-01T11:56:00Z"},
                    "spec": {"backoffLimit": 6}, "status": {"failed": failed, "active": 1, "conditions": conditions}}))
                .log("shop/app-1", "app", false, "no luck\n")
                .diagnose()
        };
        let outcome = tried(1, json!([]));
        let finding = outcome.finding("EXT-ERROR");
        assert_eq!(finding.severity, sonde_model::Severity::Warning);
        assert!(
            finding
                .chain
                .iter()
                .any(|step| step.text.contains("failed 1 of 6 times and tries again")),
            "{:?}",
            finding.chain
        );
        let given_up = tried(
            7,
            json!([{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]),
        );
        assert!(
            !given_up
                .report
                .findings
                .iter()
                .flat_map(|it| &it.chain)
                .any(|step| step.text.contains("tries again")),
            "{}",
            given_up.summary()
        );
    }

    #[test]
    fn what_the_spec_says_of_the_place_is_told() {
        let token = "open /var/run/secrets/kubernetes.io/serviceaccount/token: no such file or directory\n";
        let read_only = "touch: /cfg/x: Read-only file system\n";
        for (spec, container, log, advised) in [
            (
                json!({"automountServiceAccountToken": false}),
                json!({}),
                token,
                "automountServiceAccountToken: true",
            ),
            (
                json!({"volumes": [{"name": "d", "configMap": {"name": "c"}}]}),
                json!({"volumeMounts": [{"name": "d", "mountPath": "/cfg"}]}),
                read_only,
                "emptyDir",
            ),
            (
                json!({}),
                json!({"securityContext": {"readOnlyRootFilesystem": true}}),
                read_only,
                "mount an emptyDir at /cfg",
            ),
            (
                json!({"securityContext": {"runAsUser": 1000}}),
                json!({}),
                "open /data/x: permission denied\n",
                "give user 1000 the right to /data/x",
            ),
        ] {
            let mut it = failed(1);
            crate::testing::merge(&mut it, json!({"spec": spec}));
            crate::testing::merge(&mut it["spec"]["containers"][0], container);
            let outcome = Scene::new()
                .object(it)
                .log("shop/app-1", "app", true, log)
                .diagnose();
            let finding = outcome.finds_only("EXT-ERROR", Verdict::Proven);
            assert!(
                finding.fixes[0].text.contains(advised),
                "{log}: {:?}",
                finding.fixes
            );
        }
    }

    #[test]
    fn names_the_service_that_does_not_exist() {
        let outcome = Scene::new()
            .object(failed(1))
            .object(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "postgres", "namespace": "shop"}}))
            .complete(&[Kind::Service])
            .log("shop/app-1", "app", true, "dial tcp: lookup postgre on 10.96.0.10:53: no such host\n")
            .diagnose();
        let finding = outcome.finds_only("EXT-ERROR", Verdict::Proven);
        assert!(
            finding
                .chain
                .iter()
                .any(|step| step.text.contains("no service postgre exists")),
            "{:?}",
            finding.chain
        );
    }

    #[test]
    fn names_of_a_sets_pods_need_its_service() {
        let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "zk", "namespace": "shop"},
            "spec": {"replicas": 3, "serviceName": "zk", "podManagementPolicy": "Parallel"}, "status": {"replicas": 3}});
        let service =
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "zk", "namespace": "shop"}});
        for exists in [false, true] {
            let mut scene = Scene::new()
                .object(failed(1))
                .object(set.clone())
                .complete(&[Kind::Service])
                .log(
                    "shop/app-1",
                    "app",
                    true,
                    "java.net.UnknownHostException: zk-1.zk.shop.svc.cluster.local\n",
                );
            if exists {
                scene = scene.object(service.clone());
            }
            let outcome = scene.diagnose();
            let finding = outcome.finding("EXT-ERROR");
            let told = finding
                .fixes
                .iter()
                .any(|fix| fix.text.contains("headless service zk"));
            assert_eq!(told, !exists, "{:?}", finding.fixes);
        }
    }

    #[test]
    fn only_likely_without_the_log_which_is_wanted() {
        let outcome = Scene::new().object(failed(1)).diagnose();
        outcome.finds_only("EXT-ERROR", Verdict::Likely);
        assert!(!outcome.wants.is_empty());
    }

    #[test]
    fn refuted_when_the_kubelet_ended_it() {
        let mut it = failed(1);
        crate::testing::merge(
            &mut it,
            json!({"spec": {"containers": [{"name": "app", "livenessProbe": {"tcpSocket": {"port": 1}}}]}}),
        );
        Scene::new()
            .object(it)
            .container_event(
                "Pod/shop/app-1",
                "app",
                "Killing",
                "Container app failed liveness probe, will be restarted",
                "2026-03-01T11:57:58Z",
            )
            .diagnose()
            .lacks("EXT-ERROR")
            .rules_out("EXT-ERROR");
    }

    #[test]
    fn over_when_it_has_run_well_since_and_calm_when_healthy() {
        let recovered = pod(json!({"status": {"containerStatuses": [status(json!({
            "restartCount": 1, "state": {"running": {"startedAt": "2026-03-01T11:20:00Z"}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error",
                "startedAt": "2026-03-01T10:00:02Z", "finishedAt": "2026-03-01T11:19:58Z"}}
        }))]}}));
        let outcome = Scene::new().object(recovered).diagnose();
        assert!(outcome.is_calm().finding("EXT-ERROR").ended.is_some());
        let noisy = Scene::new()
            .object(pod(json!({})))
            .log("shop/app-1", "app", false, "ERROR: retrying\n");
        noisy.diagnose().is_calm();
    }
}
