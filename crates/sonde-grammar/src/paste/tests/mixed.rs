//! Tables, events, logs and manifests, alone and mixed.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::Fact;
use crate::log::{AppSign, application};
use crate::paste::{Origin, Pasted, read};

fn captured(version: &str, name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/captured")
        .join(version);
    fs::read_to_string(folder.join(name)).unwrap()
}

fn events(pasted: &Pasted) -> Vec<[String; 5]> {
    let mut found: Vec<[String; 5]> = pasted
        .objects
        .iter()
        .filter(|object| object["kind"] == "Event")
        .map(event_key)
        .collect();
    found.sort();
    found.dedup();
    found
}

fn event_key(event: &Value) -> [String; 5] {
    let text = |pointer: &str| {
        event
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or("")
            .trim()
            .to_owned()
    };
    [
        text("/involvedObject/kind"),
        text("/involvedObject/name"),
        text("/type"),
        text("/reason"),
        text("/message"),
    ]
}

#[test]
fn event_tables_give_the_events() {
    for version in ["1.32", "1.36"] {
        let real: Value = serde_json::from_str(&captured(version, "events.json")).unwrap();
        let mut want: Vec<[String; 5]> = real["items"].as_array().unwrap().iter().map(event_key).collect();
        want.sort();
        want.dedup();
        for file in ["get-events.txt", "get-events-wide.txt", "events.txt"] {
            let text = captured(version, file);
            let found = events(&read(&format!("$ kubectl get events -n paste\n{text}")));
            // Some were seen between the two commands.
            let missing: Vec<_> = want.iter().filter(|event| !found.contains(event)).collect();
            assert!(missing.len() <= 2, "{version} {file} {missing:#?}");
            assert!(
                found.len() + 4 >= want.len() && want.len() + 4 >= found.len(),
                "{version} {file}"
            );
            let squeezed: String = text
                .lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n")
                .collect();
            if file == "get-events.txt" {
                let found = events(&read(&squeezed));
                let missing: Vec<_> = want.iter().filter(|event| !found.contains(event)).collect();
                assert!(missing.len() <= 2, "squeezed {version} {file} {missing:#?}");
            }
        }
        let wide = read(&captured(version, "get-events-wide.txt"));
        assert!(
            wide.objects
                .iter()
                .any(|event| event["involvedObject"]["fieldPath"] == "spec.containers{app}")
        );
        assert!(wide.not_understood.is_empty(), "{:?}", wide.not_understood);
    }
}

#[test]
fn pod_tables_give_the_pods() {
    for version in ["1.32", "1.36"] {
        for file in ["get-pods.txt", "get-pods-wide.txt", "get-all.txt"] {
            let pasted = read(&captured(version, file));
            let pod = |name: &str| {
                pasted
                    .objects
                    .iter()
                    .find(|object| object["kind"] == "Pod" && object["metadata"]["name"] == name)
                    .unwrap_or_else(|| panic!("{version} {file} {name}"))
            };
            assert_eq!(pod("no-room")["status"]["phase"], "Pending");
            assert_eq!(
                pod("no-config")["status"]["containerStatuses"][0]["state"]["waiting"]["reason"],
                "CreateContainerConfigError"
            );
            assert_eq!(pod("db-0")["status"]["containerStatuses"][0]["ready"], false);
            if file == "get-pods-wide.txt" {
                assert!(
                    pod("no-config")["spec"]["nodeName"]
                        .as_str()
                        .unwrap()
                        .starts_with("worker-")
                );
                assert_eq!(pod("no-room")["spec"].get("nodeName"), None);
            }
            if file == "get-all.txt" {
                let kinds: Vec<&str> = pasted
                    .objects
                    .iter()
                    .filter_map(|object| object["kind"].as_str())
                    .collect();
                for kind in [
                    "Pod",
                    "Service",
                    "DaemonSet",
                    "Deployment",
                    "ReplicaSet",
                    "StatefulSet",
                    "HorizontalPodAutoscaler",
                    "CronJob",
                    "Job",
                ] {
                    assert!(kinds.contains(&kind), "{version} {kind} {kinds:?}");
                }
                let deployment = pasted
                    .objects
                    .iter()
                    .find(|object| object["kind"] == "Deployment")
                    .unwrap();
                assert_eq!(
                    (
                        &deployment["spec"]["replicas"],
                        &deployment["status"]["readyReplicas"]
                    ),
                    (&2.into(), &0.into())
                );
            }
            assert!(
                pasted
                    .partial
                    .iter()
                    .all(|partial| partial.origin == Origin::Table && partial.whole.is_empty())
            );
            assert!(pasted.not_understood.is_empty(), "{:?}", pasted.not_understood);
        }
        let more = read(&captured(version, "get-more.txt"));
        let find = |kind: &str| {
            more.objects
                .iter()
                .find(|object| object["kind"] == kind)
                .unwrap_or_else(|| panic!("{version} {kind}"))
        };
        assert_eq!(find("PersistentVolumeClaim")["status"]["phase"], "Pending");
        assert_eq!(find("ResourceQuota")["status"]["hard"]["pods"], "20");
        assert_eq!(find("PodDisruptionBudget")["status"]["disruptionsAllowed"], 0);
        let nodes = read(&captured(version, "get-nodes.txt"));
        assert_eq!(nodes.objects.len(), 2);
        assert_eq!(nodes.objects[0]["status"]["conditions"][0]["status"], "True");
    }
}

#[test]
fn tables_broken_by_a_terminal_are_whole_again() {
    let wrapped = |text: &str| -> String {
        text.lines()
            .map(|line| {
                let chars: Vec<char> = line.chars().collect();
                chars
                    .chunks(80)
                    .map(|part| part.iter().collect::<String>())
                    .collect::<Vec<_>>()
                    .join("\n")
                    + "\n"
            })
            .collect()
    };
    for version in ["1.32", "1.36"] {
        for file in [
            "get-pods-wide.txt",
            "get-events.txt",
            "events.txt",
            "get-nodes.txt",
        ] {
            let text = captured(version, file);
            let (want, found) = (read(&text), read(&wrapped(&text)));
            assert_eq!(want.objects.len(), found.objects.len(), "{version} {file}");
            for (want, found) in want.objects.iter().zip(&found.objects) {
                assert_eq!(want, found, "{version} {file}");
            }
        }
    }
}

#[test]
fn old_event_tables() {
    let text = "LAST SEEN   FIRST SEEN   COUNT     NAME                     KIND      SUBOBJECT              TYPE      REASON    SOURCE              MESSAGE
3m          10m          5         web-1.15f3a0b2c3d4e5f6   Pod       spec.containers{app}   Warning   BackOff   kubelet, worker-1   Back-off restarting failed container
";
    let pasted = read(text);
    let event = &pasted.objects[0];
    assert_eq!(
        (&event["involvedObject"]["name"], &event["involvedObject"]["kind"]),
        (&"web-1".into(), &"Pod".into())
    );
    assert_eq!(
        (&event["count"], &event["source"]["host"]),
        (&5.into(), &"worker-1".into())
    );
    assert_eq!(event["involvedObject"]["fieldPath"], "spec.containers{app}");
    assert_eq!(event["message"], "Back-off restarting failed container");
}

#[test]
fn the_words_of_a_status_column() {
    let text = "NAME   READY   STATUS                   RESTARTS   AGE
a      0/1     Init:CrashLoopBackOff    5 (3m ago)   10m
b      2/3     CrashLoopBackOff         7          1d
c      0/1     Evicted                  0          1d
d      0/1     Terminating              0          1d
e      0/1     Init:1/2                 0          1d
f      0/1     ExitCode:127             0          1d
g      0/1     Completed                0          1d
h      1/1     Running                  12 (5d ago)   30d
";
    let pasted = read(text);
    let status = |index: usize| &pasted.objects[index]["status"];
    assert_eq!(
        status(0)["initContainerStatuses"][0]["state"]["waiting"]["reason"],
        "CrashLoopBackOff"
    );
    assert_eq!(status(0)["initContainerStatuses"][0]["restartCount"], 5);
    assert_eq!(
        status(1)["containerStatuses"][0]["state"]["waiting"]["reason"],
        "CrashLoopBackOff"
    );
    assert_eq!(
        (&status(2)["phase"], &status(2)["reason"]),
        (&"Failed".into(), &"Evicted".into())
    );
    assert_eq!(status(4)["phase"], "Pending");
    assert_eq!(
        status(5)["containerStatuses"][0]["state"]["terminated"]["exitCode"],
        127
    );
    assert_eq!(status(6)["phase"], "Succeeded");
    assert_eq!(status(7)["containerStatuses"][0]["restartCount"], 12);
}

#[test]
fn a_mixed_paste_is_taken_apart() {
    let describe = captured("1.36", "web-596bb5f897-74vdh.pod.txt");
    let table = captured("1.36", "get-pods.txt");
    let text = format!(
        "Hi team, our shop is down, see below.

$ kubectl get pods -n paste
{table}
user@laptop:~$ kubectl -n paste describe pod web-596bb5f897-74vdh
{describe}
user@laptop:~$ kubectl logs -n paste web-596bb5f897-74vdh -c app --previous
starting
dial tcp 10.9.9.9:5432: connect: connection refused
user@laptop:~$ kubectl get deploy web -o yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2

user@laptop:~$ dmesg | tail
[ 100.000001] x invoked oom-killer: gfp_mask=0x0
[ 100.000002] Memory cgroup out of memory: Killed process 5 (x) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB

On the node:
Nov 21 13:17:49 worker-2 kubelet[77]: E1121 13:17:49.000000      77 pod_workers.go:1301] \"Error syncing pod, skipping\" err=\"failed to \\\"StartContainer\\\" for \\\"app\\\" with CrashLoopBackOff: \\\"back-off 1m20s restarting failed container=app pod=web-596bb5f897-74vdh_paste(7f36fbce-6a35-495f-afa1-0091cae903a4)\\\"\" pod=\"paste/web-596bb5f897-74vdh\"

and another colleague saw
Failed to pull image \"r.example/app:1\": rpc error: code = NotFound desc = failed to pull and unpack image \"r.example/app:1\": failed to resolve reference \"r.example/app:1\": r.example/app:1: not found
"
    );
    let pasted = read(&text);
    let pods: Vec<&Value> = pasted
        .objects
        .iter()
        .filter(|object| object["kind"] == "Pod")
        .collect();
    assert_eq!(
        pods.len(),
        table.lines().count() - 1,
        "the described pod is in the table, and once in the result"
    );
    let web = pods
        .iter()
        .find(|pod| pod["metadata"]["name"] == "web-596bb5f897-74vdh")
        .unwrap();
    assert!(
        web["spec"]["containers"][0]["image"].is_string(),
        "the description wins"
    );
    assert!(pods.iter().all(|pod| pod["metadata"]["namespace"] == "paste"));
    assert_eq!(pasted.logs.len(), 1, "{:?}", pasted.logs);
    let log = &pasted.logs[0];
    assert_eq!(
        (log.pod.as_deref(), log.container.as_deref(), log.previous),
        (Some("web-596bb5f897-74vdh"), Some("app"), true)
    );
    let lines: Vec<&str> = log.lines.iter().map(String::as_str).collect();
    assert!(matches!(
        application(&lines)[0].sign,
        AppSign::ConnectionRefused { .. }
    ));
    assert_eq!(pasted.yaml_or_json.len(), 1);
    assert!(
        pasted.yaml_or_json[0].ends_with("replicas: 2\n\n"),
        "{:?}",
        pasted.yaml_or_json
    );
    assert_eq!(pasted.kernel_lines.len(), 1);
    assert_eq!(pasted.node_lines.len(), 1);
    assert_eq!(
        pasted.node_lines[0].facts,
        vec![Fact::RestartBackOff {
            wait_seconds: Some(80)
        }]
    );
    assert!(
        pasted.node_lines[0].time.is_some(),
        "the year comes from the description"
    );
    assert_eq!(pasted.loose.len(), 1, "{:?}", pasted.loose);
    assert!(matches!(pasted.loose[0].facts[0], Fact::Pull(_)));
    let chatter = ["Hi team", "On the node:", "and another colleague"];
    assert_eq!(
        pasted.not_understood_count,
        chatter.len(),
        "{:?}",
        pasted.not_understood
    );
    let newest = pasted.newest.unwrap().to_string();
    assert!(newest.starts_with("2026-11-21T13:"), "{newest}");
}

#[test]
fn single_things_stand_alone() {
    // An events section alone.
    let pasted = read(
        "Events:\n  Type     Reason   Age  From     Message\n  ----     ------   ---- ----     -------\n  Warning  BackOff  3m   kubelet  Back-off restarting failed container\n",
    );
    assert_eq!(pasted.loose.len(), 1);
    assert_eq!(pasted.loose[0].reason.as_deref(), Some("BackOff"));
    // Rows without their header.
    let pasted = read(
        "  Warning  FailedScheduling  3m  default-scheduler  0/3 nodes are available: 3 Insufficient cpu.\n",
    );
    assert!(matches!(pasted.loose[0].facts[0], Fact::Unschedulable(_)));
    // A message alone.
    let pasted = read("0/3 nodes are available: 3 Insufficient memory.");
    assert!(
        matches!(pasted.loose[0].facts[0], Fact::Unschedulable(_)),
        "{pasted:?}"
    );
    // A log alone.
    let pasted = read(
        "panic: runtime error: index out of range [3] with length 3\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:12 +0x1d\nexit status 2\n",
    );
    assert_eq!(pasted.logs.len(), 1);
    assert_eq!(pasted.logs[0].lines.len(), 6);
    // JSON.
    let pasted = read(
        "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"Pod\",\n  \"metadata\": {\"name\": \"x\"}\n}\nthanks\n",
    );
    assert_eq!(pasted.yaml_or_json.len(), 1);
    assert_eq!(pasted.not_understood, ["thanks"]);
    // Nothing.
    for text in ["", "\n\n", "hello world", "\u{0}\u{1}binary\u{fffd}"] {
        let pasted = read(text);
        assert!(
            pasted.objects.is_empty() && pasted.logs.is_empty() && pasted.loose.is_empty(),
            "{text:?} {pasted:?}"
        );
    }
}

#[test]
fn ages_count_back_from_the_texts_own_now() {
    let text = captured("1.36", "no-command.pod.txt");
    let pasted = read(&text);
    let start = pasted.objects[0]["status"]["startTime"].as_str().unwrap();
    let scheduled = pasted
        .objects
        .iter()
        .find(|object| object["reason"] == "Scheduled")
        .unwrap();
    let seconds = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
    let gap = seconds(scheduled["lastTimestamp"].as_str().unwrap()) - seconds(start);
    assert!(gap.abs() <= 2, "{gap}");
    assert!(pasted.newest.unwrap().as_second() >= seconds(start));
}

/// Each row: what follows a manifest, and how much of it is the manifest's.
#[test]
fn a_manifest_ends_where_the_next_line_is_no_yaml() {
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  annotations:\n    note: a long\n      sentence\n";
    for (next, belongs) in [
        ("ERROR: cannot connect to db: no such host", false),
        (
            "panic: runtime error: index out of range [3] with length 3",
            false,
        ),
        ("error: timeout", false),
        ("java.lang.IllegalStateException: no host", false),
        ("2026-03-01T10:00:00Z level=error msg=\"x\"", false),
        ("web-1: connection refused", false),
        (
            "\n  Warning  BackOff  3m  kubelet  Back-off restarting failed container",
            false,
        ),
        (
            "data:\n  run.sh: |\n    set -e\n\n    exec /app\n  other: x",
            true,
        ),
        ("data:\n  key: value\n\n  other: x", true),
        ("spec: {}", true),
        ("message: two words", true),
        ("reason: Failed", true),
        ("---\nkind: Pod\napiVersion: v1", true),
    ] {
        let pasted = read(&format!("{manifest}{next}\n"));
        let last = next.lines().last().unwrap_or_default();
        let kept = pasted.yaml_or_json[0].contains(last);
        assert_eq!(kept, belongs, "{next}\n{:?}", pasted.yaml_or_json);
    }
}

#[test]
fn a_sentence_below_a_table_is_no_row() {
    let table =
        "NAME          READY   STATUS    RESTARTS   AGE\nagent-4x2sd   1/1     Running   0          20d\n";
    for line in [
        "Waiting for daemon set \"agent\" rollout to finish: 1 out of 3 new pods have been updated...",
        "deployment \"web\" successfully rolled out",
        "Waiting for 1 pods to be ready...",
    ] {
        let pasted = read(&format!("{table}{line}\n"));
        assert_eq!(pasted.objects.len(), 1, "{line}");
    }
}

#[test]
fn an_age_beside_a_creation_tells_now() {
    let head = "Name: web\nNamespace: shop\nCreationTimestamp: Sun, 01 Mar 2026 08:00:00 +0000\nStrategyType: RollingUpdate\n";
    for (rest, now) in [
        ("", "2026-03-01T08:00:00Z"),
        (
            "\nNAME READY UP-TO-DATE AVAILABLE AGE\nweb 3/3 3 3 4h\n",
            "2026-03-01T12:00:00Z",
        ),
        (
            "Events:\n  Type Reason Age From Message\n  Normal ScalingReplicaSet 30m (x2 over 2h) deployment-controller Scaled up replica set web-5b4f9c6d7c to 3\n",
            "2026-03-01T10:00:00Z",
        ),
    ] {
        let pasted = read(&format!("{head}{rest}"));
        assert_eq!(
            pasted.newest.map(|it| it.to_string()).as_deref(),
            Some(now),
            "{rest}"
        );
    }
}

/// A component's last words are never part of a clean bill, in whichever format, known or not.
#[test]
fn what_is_fatal_to_a_component_and_unknown_is_not_understood() {
    let rows = [
        "Jan 05 10:00:00 n1 kubelet[901]: F0105 10:00:00.000003     901 server.go:274] failed to run Kubelet: running with swap on is not supported, please disable swap!",
        "F0105 10:00:00.000003       1 main.go:27] no such thing",
        "E1120 10:00:20.000000       1 run.go:74] \"command failed\" err=\"context deadline exceeded\"",
        r#"{"level":"fatal","ts":"2026-11-20T10:00:00Z","caller":"etcdmain/etcd.go:204","msg":"discovery failed","error":"member 8e9e05c52164694d has already been bootstrapped"}"#,
        r#"{"level":"error","ts":"2026-11-20T10:00:09Z","caller":"etcdserver/server.go:1","msg":"alarm raised","alarm":"NOSPACE","error":"mvcc: database space exceeded"}"#,
        "Apr 01 08:00:00 n2 containerd[801]: time=\"2022-04-01T08:00:00.1Z\" level=fatal msg=\"failed to load plugins: no such plugin\"",
        "Nov 20 10:00:00 n1 kubelet[900]: I1120 10:00:00.000001     900 reflector.go:140] \"all is well\"",
    ];
    for (at, text) in rows.iter().enumerate() {
        let pasted = read(text);
        let known = pasted.node_lines.iter().any(|line| !line.facts.is_empty());
        let lines: Vec<&str> = pasted
            .logs
            .iter()
            .flat_map(|log| &log.lines)
            .map(String::as_str)
            .collect();
        let told = crate::log::application(&lines);
        let known = known
            || told
                .iter()
                .any(|it| it.standing == crate::log::Standing::Decisive);
        assert_eq!(
            pasted.not_understood_count > 0 || known,
            at + 1 < rows.len(),
            "{text}"
        );
    }
}
