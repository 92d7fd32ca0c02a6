use std::fs;

use sonde_diagnose::{Scope, diagnose};
use sonde_model::Kind;

use super::*;
use crate::{Options, dump};

const SICK: &str = r#"{"apiVersion":"v1","kind":"PodList","items":[
  {"metadata":{"name":"web-0","namespace":"shop","uid":"u1","creationTimestamp":"2026-05-01T09:00:00Z"},
   "spec":{"nodeName":"n1","containers":[{"name":"app","image":"x","resources":{"limits":{"memory":"64Mi"}},
     "env":[{"name":"DB_PASSWORD","value":"hunter2"}]}]},
   "status":{"phase":"Running","startTime":"2026-05-01T09:00:00Z","containerStatuses":[{"name":"app","restartCount":4,"ready":false,
     "image":"x","imageID":"","state":{"waiting":{"reason":"CrashLoopBackOff"}},
     "lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled","startedAt":"2026-05-01T09:59:00Z","finishedAt":"2026-05-01T10:00:00Z","containerID":"containerd://c1"}}}]}}]}"#;

const FILES: &[(&str, &str)] = &[
    ("cluster-resources/pods/shop.json", SICK),
    (
        "cluster-resources/pods/logs/shop/web-0/app-previous.log",
        "loading\npassword=hunter2\njava.lang.OutOfMemoryError: Java heap space\n",
    ),
    (
        "nodes/n1/dmesg.txt",
        "[100.0] Memory cgroup out of memory: Killed process 77 (java) total-vm:1kB, anon-rss:65536kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0\n",
    ),
    (
        "widget.yaml",
        "apiVersion: acme.io/v1\nkind: Widget\nmetadata:\n  name: w\n  namespace: shop\n",
    ),
    (
        "secret.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: shop\ndata:\n  key: aHVudGVyMg==\n",
    ),
];

fn sick(folder: &Path) -> Gathered {
    for (path, content) in FILES {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let options = Options {
        keep_texts: true,
        ..Options::default()
    };
    dump::read(folder, &options).unwrap()
}

/// The report without where it was read from.
fn report(gathered: &Gathered) -> serde_json::Value {
    let mut report = diagnose(&gathered.question(Scope::All)).report;
    report.source.name.clear();
    serde_json::to_value(report).unwrap()
}

#[test]
fn a_bundle_of_every_form_diagnoses_the_same_way() {
    let folder = tempfile::tempdir().unwrap();
    let gathered = sick(&folder.path().join("dump"));
    let expect = report(&gathered);
    assert!(!expect["findings"].as_array().unwrap().is_empty());
    for name in [
        "case.tar.zst",
        "case.tar.gz",
        "case.tgz",
        "case.tar",
        "case.zip",
        "case",
    ] {
        let path = folder.path().join(name);
        write(&gathered, &path).unwrap();
        let again = dump::read(&path, &Options::default()).unwrap();
        assert_eq!(report(&again), expect, "{name}");
        assert_eq!(again.now, gathered.now);
        assert!(again.world.snapshot().is_complete(&Kind::Pod, "shop"));
        assert_eq!(again.texts.container_logs, gathered.texts.container_logs);
        assert_eq!(again.world.snapshot().len(), 3);
    }
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .filter_map(Result::ok)
        .collect();
    assert_eq!(left.len(), 7, "nothing half-written is left: {left:?}");
}

#[test]
fn no_secret_is_in_a_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let gathered = sick(&folder.path().join("dump"));
    let path = folder.path().join("case.tar");
    write(&gathered, &path).unwrap();
    let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
    assert!(text.contains("[redacted:password]"));
    assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"));
}

#[test]
fn a_folder_that_is_not_empty_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let gathered = sick(&folder.path().join("dump"));
    assert!(write(&gathered, &folder.path().join("dump")).is_err());
    assert!(folder.path().join("dump/widget.yaml").exists());
    assert!(write(&gathered, &folder.path().join("missing/case.tar")).is_err());
}

#[test]
fn names_from_outside_stay_in_the_bundle() {
    assert_eq!(safe("../../etc/passwd"), "x..-..-etc-passwd");
    assert_eq!(safe("web-0"), "web-0");
}
