use sonde_diagnose::{Scope, diagnose};
use sonde_model::Kind;

use super::*;
use crate::limits::PASTE_BYTES_MAX;

fn paste(text: &str) -> Gathered {
    read(&mut text.as_bytes(), "stdin", &Options::default()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

const DESCRIBE: &str = "\
Name:             web-0
Namespace:        shop
Node:             n1/10.0.0.1
Status:           Running
Containers:
  app:
    Container ID:   containerd://c1
    Image:          acme/web:1
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       Error
      Exit Code:    1
      Started:      Fri, 01 May 2026 09:59:00 +0000
      Finished:     Fri, 01 May 2026 10:00:00 +0000
    Ready:          False
    Restart Count:  4
    Environment:
      DB_PASSWORD:  hunter2
Events:
  Type     Reason   Age   From     Message
  ----     ------   ----  ----     -------
  Warning  BackOff  10s   kubelet  Back-off restarting failed container app in pod web-0_shop(u1)
";

#[test]
fn objects_and_texts_in_any_mix_are_read() {
    let text = format!(
        "$ kubectl describe pod web-0 -n shop\n{DESCRIBE}\n$ kubectl get node n1 -o yaml\napiVersion: v1\nkind: Node\nmetadata:\n  name: n1\n\
         $ kubectl get cm -o json\n{{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"ConfigMap\",\n  \"metadata\": {{\"name\": \"c\", \"namespace\": \"shop\"}}\n}}\n\
         $ kubectl logs web-0 -n shop\npanic: cannot reach database password=hunter2\n"
    );
    let gathered = paste(&text);
    let snapshot = gathered.world.snapshot();
    let names: Vec<String> = snapshot
        .objects()
        .filter(|object| object.reference.kind != Kind::Event)
        .map(|object| object.reference.kubectl())
        .collect();
    assert_eq!(names, ["node/n1", "pod/web-0 -n shop", "configmap/c -n shop"]);
    assert!(!snapshot.is_complete(&Kind::Pod, "shop"));
    assert_eq!(gathered.source.kind, SourceKind::Paste);
    // The pod has one container, which waits: the log is of the run that ended, whoever asks.
    let logs: Vec<_> = gathered
        .texts
        .container_logs
        .iter()
        .map(|(key, lines)| (&*key.container, key.previous, lines.len()))
        .collect();
    assert_eq!(logs, [("app", false, 1), ("app", true, 1)]);
    for object in snapshot.objects() {
        assert!(!String::from_utf8_lossy(object.encoded.bytes()).contains("hunter2"));
    }
    assert!(!format!("{:?}", gathered.texts).contains("hunter2"));
    assert!(gathered.now.is_some());
}

#[test]
fn a_lone_message_is_enough_to_ask() {
    let gathered = paste(
        "0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.",
    );
    assert_eq!(gathered.texts.loose.len(), 1);
    assert!(!diagnose(&gathered.question(Scope::All)).report.schema.is_empty());
}

#[test]
fn what_cannot_be_read_is_told() {
    let error = |bytes: &[u8]| {
        read(&mut &bytes[..], "stdin", &Options::default())
            .unwrap_err()
            .to_string()
    };
    assert!(error(b"").contains("stdin: it is empty"), "{}", error(b""));
    assert!(
        error(b"  \n\n").contains("it is empty") || error(b"  \n\n").contains("nothing in it"),
        "{}",
        error(b" \n")
    );
    assert!(error(&[0u8; 100]).contains("is no text"));
    let broken = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n bad: [\n";
    assert!(
        error(broken.as_bytes()).contains("stdin line 5"),
        "{}",
        error(broken.as_bytes())
    );
}

const LOG: &str =
    "starting up\nconnecting to db\npanic: cannot resolve host: dial tcp: lookup db: no such host\n";
const YAML: &str = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web-0\n  namespace: shop\n  uid: u1\nspec:\n  \
    containers:\n  - name: app\nstatus:\n  containerStatuses:\n  - name: app\n    restartCount: 4\n    \
    state:\n      waiting:\n        reason: CrashLoopBackOff\n    lastState:\n      terminated:\n        \
    exitCode: 1\n        reason: Error\n";

#[test]
fn a_log_right_after_an_object_is_its_log() {
    let without_events = format!(
        "{}Events:            <none>\n",
        DESCRIBE.split("Events:").next().unwrap()
    );
    for (name, before) in [
        ("a description", DESCRIBE.to_owned()),
        ("a description without events", without_events),
        (
            "a description and a prompt",
            format!("{DESCRIBE}$ kubectl logs --previous web-0 -n shop\n"),
        ),
        ("YAML", YAML.to_owned()),
        ("YAML and a boundary", format!("{YAML}---\n")),
        ("YAML and a blank line", format!("{YAML}\n")),
    ] {
        let gathered = paste(&format!("{before}{LOG}"));
        let logs: Vec<_> = gathered
            .texts
            .container_logs
            .iter()
            .map(|(key, lines)| (&*key.pod, &*key.container, lines.len()))
            .collect();
        assert!(logs.contains(&("web-0", "app", 3)), "{name}: {logs:?}");
    }
}

#[test]
fn lines_are_counted_once() {
    let gathered = paste(LOG);
    assert_eq!(gathered.texts.lines, 3);
}

#[test]
fn of_a_long_log_both_ends_are_kept_and_no_half_lines() {
    let size = usize::try_from(PASTE_BYTES_MAX).unwrap();
    let filler = "2026-03-01T10:00:00Z INFO served one more request of many, all of them well and in time\n";
    let mut text = String::from("2026-03-01T09:00:00Z INFO starting\n");
    while text.len() < size + (1 << 20) {
        text.push_str(filler);
    }
    text.push_str("2026-03-01T11:00:00Z FATAL password authentication failed\n");
    let mut intake = Intake::new();
    intake.paste("log", &mut text.as_bytes()).unwrap();
    let kept = std::str::from_utf8(intake.pasted()).unwrap();
    assert!(kept.len() <= size);
    assert!(kept.starts_with("2026-03-01T09:00:00Z INFO starting\n"));
    assert!(kept.ends_with("FATAL password authentication failed\n"));
    assert!(
        kept.lines()
            .all(|line| line.len() == filler.len() - 1 || line.len() < 70)
    );
    assert!(
        kept.lines()
            .skip(1)
            .filter(|line| !line.contains("FATAL"))
            .all(|line| line == filler.trim_end())
    );
}

#[test]
fn what_is_lost_is_told() {
    let cut = paste("{\"kind\":\n");
    assert!(!cut.problems.is_empty());
    let packed = read(&mut &b"\x1f\x8b\x08\0\0\0\0\0"[..], "x.gz", &Options::default()).unwrap_err();
    assert!(packed.to_string().contains("--from"), "{packed}");
}

#[test]
fn an_agents_lines_beside_a_description_name_the_sender() {
    let id = "c".repeat(64);
    let text = format!(
        "Name:         app-1\nNamespace:    shop\nNode:         n1/10.0.0.1\nStatus:       Running\nContainers:\n  app:\n    \
         Container ID:   containerd://{id}\n    State:          Waiting\n      Reason:       CrashLoopBackOff\n    \
         Last State:     Terminated\n      Reason:       Error\n      Exit Code:    137\n      \
         Started:      Sun, 01 Mar 2026 11:50:00 +0000\n      Finished:     Sun, 01 Mar 2026 11:58:00 +0000\n    \
         Ready:          False\n    Restart Count:  4\n\n\
         time=\"2026-03-01T12:00:00Z\" source=sonde-agent msg=\"watching\" node=n1 since=\"2026-03-01T11:00:00Z\" lost=0 dropped=0\n\
         time=\"2026-03-01T11:57:59.612Z\" source=sonde-agent msg=\"signal sent\" signal=KILL delivered=true pid=100 command=app \
         uid=0 parentPid=90 parent=containerd-shim first=true namespace=shop pod=app-1 container=app containerID={id} group={id} \
         sender=node-process senderPid=4711 senderCommand=python3 senderUid=1000 senderParentPid=4000 senderParent=sshd\n"
    );
    let gathered = read(&mut text.as_bytes(), "stdin", &Options::default()).unwrap();
    assert!(
        gathered.not_understood.is_empty(),
        "{:?}",
        gathered.not_understood
    );
    let report = diagnose(&gathered.question(Scope::All)).report;
    let killed: Vec<_> = report
        .findings
        .iter()
        .map(|it| (it.code.as_str(), it.verdict))
        .collect();
    assert_eq!(
        killed,
        [("EXT-KILLED", sonde_model::Verdict::Proven)],
        "{report:#?}"
    );
}
