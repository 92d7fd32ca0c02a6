//! A cluster that shows only a part, or fails for a part: less is concluded, and the report says what and why.
//!
//! The server is a fake; it is used for faults that a real API server cannot be made to show.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::archives::sick_pod;
use crate::kubeconfig::for_server;
use crate::run::{Said, empty_folder, sonde};
use crate::server::{Reply, Server};

/// The value of a Secret that a server must never be asked for, and nobody shown: as text and as the API writes it.
const SECRET: [&str; 2] = ["hunter2-do-not-show", "aHVudGVyMi1kby1ub3Qtc2hvdw=="];

/// What a healthy server answers: one sick pod, one secret with its values, nothing else.
fn healthy(path: &str) -> Reply {
    let plural = path
        .split('?')
        .next()
        .unwrap_or_default()
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let items = match plural {
        "version" => return Reply::json(json!({"gitVersion": "v1.36.0"})),
        "pods" => vec![sick_pod("app-1")],
        "secrets" => {
            vec![json!({"metadata": {"name": "s", "namespace": "shop"}, "data": {"password": SECRET[1]}})]
        }
        _ => Vec::new(),
    };
    Reply::json(json!({"apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}))
}

fn forbidden(plural: &str) -> Reply {
    let message = format!("{plural} is forbidden: User \"dev\" cannot list resource \"{plural}\"");
    Reply::status(403, "Forbidden", &message)
}

fn is_list(path: &str, plural: &str) -> bool {
    path.split('?')
        .next()
        .is_some_and(|path| path.ends_with(&format!("/{plural}")))
}

fn ask(more: &[&str], answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Said {
    ask_within("2s", more, answer)
}

/// Asks with so much time for all tries of a request together.
fn ask_within(limit: &str, more: &[&str], answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Said {
    let server = Server::start(answer);
    let config = for_server(&format!("http://{}", server.address));
    let mut args = vec![
        "diagnose",
        "--kubeconfig",
        config.to_str().unwrap(),
        "--request-timeout",
        limit,
    ];
    args.extend(more);
    let started = Instant::now();
    let said = sonde(&args);
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "{:?}",
        started.elapsed()
    );
    said
}

fn blind_spots(said: &Said) -> Vec<Value> {
    let report: Value = serde_json::from_str(&said.out).unwrap();
    report["blindSpots"].as_array().unwrap().clone()
}

#[test]
fn without_rights_to_a_kind_the_report_says_what_that_costs() {
    for plural in ["nodes", "events", "secrets", "replicasets"] {
        let said = ask(&["-o", "json"], move |path| {
            if is_list(path, plural) {
                forbidden(plural)
            } else {
                healthy(path)
            }
        });
        said.says(1, &["IMG-NOT-FOUND"]);
        let spots = blind_spots(&said);
        let spot = spots
            .iter()
            .find(|it| it["what"].as_str().unwrap().contains(plural));
        let spot = spot.unwrap_or_else(|| panic!("{plural}: {spots:?}"));
        assert!(
            spot["why"].as_str().unwrap().contains("cannot list resource"),
            "{spot}"
        );
        assert!(
            !spot["forbids"].as_array().unwrap_or(&Vec::new()).is_empty(),
            "{spot}"
        );
    }
}

/// A list that was refused and is wanted as well is one thing that is missing, told once.
#[test]
fn one_gap_is_one_blind_spot() {
    let said = ask(&["-o", "json"], |path| {
        let mut pod = sick_pod("app-1");
        pod["status"] = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "0/3 nodes are available: 3 Insufficient cpu."}]});
        if is_list(path, "nodes") {
            forbidden("nodes")
        } else if is_list(path, "pods") {
            Reply::json(json!({"metadata": {}, "items": [pod]}))
        } else {
            healthy(path)
        }
    });
    let spots = blind_spots(&said);
    let nodes: Vec<&Value> = spots
        .iter()
        .filter(|it| it["what"].as_str().unwrap().to_lowercase().contains("node"))
        .collect();
    assert_eq!(nodes.len(), 1, "{spots:?}");
    assert!(nodes[0]["why"].as_str().unwrap().contains("cannot list resource"));
    let forbids = nodes[0]["forbids"].as_array().unwrap();
    assert!(
        forbids.iter().any(|it| it.as_str().unwrap().starts_with("SCH-")),
        "{spots:?}"
    );
}

#[test]
fn absence_proves_nothing_where_it_was_not_looked() {
    let bound = |path: &str| {
        let mut pod = sick_pod("app-1");
        pod["spec"]["nodeName"] = json!("n1");
        if is_list(path, "pods") {
            Reply::json(json!({"metadata": {}, "items": [pod]}))
        } else {
            healthy(path)
        }
    };
    ask(&[], bound).says(1, &["(SCH-NODE-NAME)"]);
    let said = ask(&[], move |path| {
        if is_list(path, "nodes") {
            forbidden("nodes")
        } else {
            bound(path)
        }
    });
    said.says(1, &["IMG-NOT-FOUND"]);
    assert!(!said.out.contains("(SCH-NODE-NAME)"), "{}", said.out);
}

#[test]
fn with_rights_to_one_namespace_only() {
    let said = ask(&["-A", "-o", "json"], |path| {
        if path.contains("/namespaces/shop/") || path.starts_with("/version") {
            healthy(path)
        } else {
            forbidden("pods")
        }
    });
    said.says(1, &["IMG-NOT-FOUND"]);
    let spots = blind_spots(&said);
    assert!(
        spots
            .iter()
            .any(|it| it["what"].as_str().unwrap().contains("all namespaces")),
        "{spots:?}"
    );
    assert!(
        spots
            .iter()
            .any(|it| it["what"].as_str().unwrap().contains("nodes")),
        "{spots:?}"
    );
}

#[test]
fn without_any_rights() {
    let said = ask(&[], |path| {
        if path == "/version" {
            healthy(path)
        } else {
            forbidden("pods")
        }
    });
    said.fails(2, &["error: failed to list", "cannot list resource", "hint: "]);
}

#[test]
fn one_list_that_fails_is_a_blind_spot() {
    let status = || Reply::status(500, "InternalError", "etcdserver: leader changed");
    let garbage = || Reply {
        body: "\u{1}<html>proxy</html>".into(),
        ..Reply::json(Value::Null)
    };
    let odd = || Reply::json(json!({"kind": "PodList", "metadata": {}, "items": {"a": 1}}));
    let slow = || Reply {
        after: Duration::from_secs(20),
        ..Reply::json(json!({}))
    };
    let endless = || Reply::json(json!({"metadata": {"continue": "again"}, "items": []}));
    let overloaded = || Reply {
        headers: vec![("retry-after", "86400".to_owned())],
        ..Reply::status(429, "TooManyRequests", "too many requests")
    };
    let answers: [(&str, &(dyn Fn() -> Reply + Sync)); 6] = [
        ("answered 500: etcdserver: leader changed", &status),
        ("the list was cut", &garbage),
        ("the list was cut", &odd),
        ("no answer within 2 s", &slow),
        ("the list was cut", &endless),
        ("answered 429: too many requests", &overloaded),
    ];
    for (words, answer) in answers {
        let reply = answer();
        let said = ask(&[], move |path| {
            if is_list(path, "pods") {
                reply.clone()
            } else {
                healthy(path)
            }
        });
        said.says(
            3,
            &[
                "Not looked at",
                "pods in namespace shop",
                words,
                "cannot conclude",
            ],
        );
    }
}

#[test]
fn a_list_that_breaks_off_does_not_lose_the_others() {
    let cut = Reply {
        cut: true,
        ..Reply::json(json!({"metadata": {}, "items": [sick_pod("app-1")]}))
    };
    let said = ask(&[], move |path| {
        if is_list(path, "configmaps") {
            cut.clone()
        } else {
            healthy(path)
        }
    });
    said.says(
        1,
        &[
            "IMG-NOT-FOUND",
            "Not looked at",
            "configmaps in namespace shop",
            "the connection failed",
        ],
    );
}

#[test]
fn items_that_are_no_objects_are_left_out() {
    let said = ask(&[], |path| {
        if is_list(path, "pods") {
            let items = json!([1, "x", null, {"metadata": 5}, {"metadata": {"name": "b", "namespace": "shop"}, "status": []}, sick_pod("app-1")]);
            Reply::json(json!({"metadata": {}, "items": items}))
        } else {
            healthy(path)
        }
    });
    said.says(
        1,
        &["IMG-NOT-FOUND", "Could not be used", "this object was left out"],
    );
}

#[test]
fn an_overloaded_server_that_says_when_is_asked_again() {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let said = ask_within("10s", &[], move |path| {
        if is_list(path, "pods") && asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 2 {
            return Reply {
                headers: vec![("retry-after", "1".to_owned())],
                ..Reply::status(429, "TooManyRequests", "too many requests")
            };
        }
        healthy(path)
    });
    said.says(1, &["IMG-NOT-FOUND"]);
    assert!(!said.out.contains("429"), "{}", said.out);
}

#[test]
fn values_of_secrets_are_nowhere() {
    let server = Server::start(healthy);
    let config = for_server(&format!("http://{}", server.address));
    let bundle = empty_folder("bundle").join("case.tar.zst");
    let (config, path) = (config.to_str().unwrap(), bundle.to_str().unwrap());
    let collected = sonde(&["collect", "--kubeconfig", config, "-o", path]);
    assert_eq!(collected.code, 0, "{}", collected.err);
    let unpacked = zstd::decode_all(std::fs::File::open(&bundle).unwrap()).unwrap();
    let mut texts = vec![
        String::from_utf8_lossy(&unpacked).into_owned(),
        collected.out,
        collected.err,
    ];
    // The server sent the values although it was asked not to; a dump may have them too.
    let folder = empty_folder("secrets");
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": format!("{{\"data\":{{\"password\":\"{}\"}}}}", SECRET[1])}},
        "data": {"password": SECRET[1]}, "stringData": {"other": SECRET[0]}});
    let mut pod = sick_pod("app-1");
    pod["spec"]["containers"][0]["env"] = json!([{"name": "DB_PASSWORD", "value": SECRET[0]}]);
    std::fs::write(
        folder.join("all.json"),
        json!({"kind": "List", "items": [secret, pod]}).to_string(),
    )
    .unwrap();
    std::fs::write(
        folder.join("app.log"),
        format!("password={}\nAuthorization: Bearer {}\n", SECRET[0], SECRET[0]),
    )
    .unwrap();
    for format in ["text", "json", "yaml", "markdown"] {
        let live = sonde(&["diagnose", "--kubeconfig", config, "-o", format, "--all"]);
        let dump = sonde(&[
            "diagnose",
            "--from",
            folder.to_str().unwrap(),
            "-o",
            format,
            "--all",
        ]);
        texts.extend([live.out, live.err, dump.out, dump.err]);
    }
    for text in texts {
        for value in SECRET {
            assert!(!text.contains(value), "{text}");
        }
        assert!(!text.contains("not-a-real-token"), "{text}");
    }
}
