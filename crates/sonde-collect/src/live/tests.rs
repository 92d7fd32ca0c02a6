//! Against a server in this process that answers as an API server does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use sonde_diagnose::{LogKey, Want};

use super::*;

type Answers = Arc<dyn Fn(&str, &str) -> (u16, String) + Send + Sync>;

/// Every request as `path | Accept`, in the order of arrival.
type Seen = Arc<Mutex<Vec<String>>>;

struct Fake {
    folder: tempfile::TempDir,
    seen: Seen,
}

/// Serves answers by path and `Accept`; a body may begin with header lines of its own, ended by `|`.
fn serve(answers: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static) -> Fake {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen: Seen = Arc::default();
    let (answers, log): (Answers, Seen) = (Arc::new(answers), seen.clone());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (answers, log) = (answers.clone(), log.clone());
            thread::spawn(move || answer(stream, &answers, &log));
        }
    });
    let folder = tempfile::tempdir().unwrap();
    write_config(&folder, &format!("http://{address}"));
    Fake { folder, seen }
}

fn write_config(folder: &tempfile::TempDir, server: &str) {
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters:\n- name: c\n  cluster: {{server: '{server}'}}\n\
         users:\n- name: u\n  user: {{token: abc}}\ncontexts:\n- name: test\n  context: {{cluster: c, user: u, namespace: shop}}\n"
    );
    std::fs::write(folder.path().join("config"), config).unwrap();
}

fn answer(mut stream: TcpStream, answers: &Answers, log: &Seen) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut first, mut accept) = (String::new(), String::new());
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("accept:") {
            accept = value.trim().to_owned();
        }
    }
    let path = first.split_whitespace().nth(1).unwrap_or_default();
    log.lock().unwrap().push(format!("{path} | {accept}"));
    let (code, body) = answers(path, &accept);
    let (headers, body) = match body.split_once('|') {
        Some((headers, body)) if !headers.contains('{') => (format!("{headers}\r\n"), body.to_owned()),
        _ => (String::new(), body),
    };
    let _ = write!(
        stream,
        "HTTP/1.1 {code} X\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

impl Fake {
    fn connect(&self) -> Cluster {
        Cluster::connect(&self.options()).unwrap()
    }

    fn options(&self) -> ConnectOptions {
        ConnectOptions {
            kubeconfig: Some(self.folder.path().join("config")),
            request_timeout: Some(Duration::from_secs(5)),
            ..ConnectOptions::default()
        }
    }

    fn gather(&self, namespace: Option<&str>, kinds: &[Kind]) -> Result<Gathered, LiveError> {
        let request = Request {
            namespace: namespace.map(ToOwned::to_owned),
            kinds: kinds.to_vec(),
            keep_texts: false,
        };
        self.connect().gather(&request, &|_| {})
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn version() -> (u16, String) {
    (200, r#"{"major":"1","gitVersion":"v1.36.2"}"#.to_owned())
}

fn list(items: &[&str], token: &str) -> (u16, String) {
    let items: Vec<String> = items
        .iter()
        .map(|name| format!(r#"{{"metadata":{{"name":"{name}","namespace":"shop"}},"spec":{{}},"data":{{"k":"aHVudGVyMg=="}}}}"#))
        .collect();
    let items = items.join(",");
    (
        200,
        format!(
            r#"{{"kind":"List","apiVersion":"v1","metadata":{{"continue":"{token}"}},"items":[{items}]}}"#
        ),
    )
}

fn refused(what: &str) -> (u16, String) {
    (
        403,
        format!(r#"{{"kind":"Status","code":403,"message":"{what} is forbidden: User x cannot list"}}"#),
    )
}

fn names(gathered: &Gathered) -> Vec<String> {
    let snapshot = gathered.world.snapshot();
    snapshot
        .objects()
        .map(|object| object.reference.kubectl())
        .collect()
}

#[test]
fn lists_are_read_page_by_page() {
    let fake = serve(|path, _| match path {
        "/version" => version(),
        path if path.starts_with("/api/v1/pods") && path.contains("continue=a%2F") => list(&["b"], ""),
        path if path.starts_with("/api/v1/pods") => list(&["a"], "a/"),
        _ => (404, String::new()),
    });
    let gathered = fake
        .gather(None, &[Kind::Pod, Kind::HorizontalPodAutoscaler])
        .unwrap();
    assert_eq!(names(&gathered), ["pod/a -n shop", "pod/b -n shop"]);
    assert!(gathered.world.snapshot().is_complete_everywhere(&Kind::Pod));
    assert!(
        !gathered
            .world
            .snapshot()
            .is_complete_everywhere(&Kind::HorizontalPodAutoscaler)
    );
    let told = gathered.gaps.iter().filter(|gap| !gap.only_if_wanted);
    assert_eq!(told.count(), 0, "{:?}", gathered.gaps);
    assert!(gathered.gaps[0].spot.why.contains("does not serve"));
    assert_eq!(gathered.source.cluster_version.as_deref(), Some("v1.36.2"));
    assert_eq!(gathered.now, Some("2026-11-21T12:00:00Z".parse().unwrap()));
    assert_eq!(gathered.source.name, "test");
}

#[test]
fn an_expired_list_is_begun_again() {
    let expired = Arc::new(Mutex::new(0));
    let count = expired.clone();
    let fake = serve(move |path, _| match path {
        "/version" => version(),
        path if path.contains("continue=") => {
            let mut count = count.lock().unwrap();
            *count += 1;
            if *count == 1 {
                (410, r#"{"message":"expired"}"#.into())
            } else {
                list(&["b"], "")
            }
        }
        _ => list(&["a"], "t"),
    });
    let gathered = fake.gather(None, &[Kind::Pod]).unwrap();
    assert_eq!(names(&gathered).len(), 2);
    assert_eq!(*expired.lock().unwrap(), 2);
}

#[test]
fn values_of_secrets_are_neither_asked_for_nor_kept() {
    let fake = serve(|path, _| {
        if path == "/version" {
            version()
        } else {
            list(&["db"], "")
        }
    });
    let gathered = fake.gather(Some("shop"), &[Kind::Secret]).unwrap();
    let asked = fake.seen().into_iter().find(|it| it.contains("secrets")).unwrap();
    assert!(asked.contains("as=partialobjectmetadatalist"), "{asked}");
    // A server that does not know the question answers with everything.
    let object = gathered.world.snapshot().objects().next().unwrap().clone();
    assert!(!String::from_utf8_lossy(object.encoded.bytes()).contains("aHVudGVyMg"));
}

#[test]
fn fewer_rights_give_less_and_say_so() {
    let fake = serve(|path, _| match path {
        "/version" => version(),
        path if path.starts_with("/api/v1/namespaces/shop/pods") => list(&["a"], ""),
        path if path.starts_with("/api/v1/pods") => refused("pods"),
        _ => refused("nodes"),
    });
    let gathered = fake.gather(None, &[Kind::Pod, Kind::Node]).unwrap();
    assert_eq!(names(&gathered), ["pod/a -n shop"]);
    let snapshot = gathered.world.snapshot();
    assert!(snapshot.is_complete(&Kind::Pod, "shop") && !snapshot.is_complete_everywhere(&Kind::Pod));
    let spots: Vec<&str> = gathered.gaps.iter().map(|gap| gap.spot.what.as_str()).collect();
    assert_eq!(spots, ["nodes", "pods in all namespaces"]);
    assert!(
        gathered.gaps[0]
            .spot
            .why
            .contains("nodes is forbidden: User x cannot list")
    );
    assert!(!gathered.gaps[0].spot.forbids.is_empty());
}

#[test]
fn a_busy_server_is_asked_again_when_it_says_so() {
    let count = Arc::new(Mutex::new(0));
    let fake = serve(move |path, _| {
        let mut count = count.lock().unwrap();
        *count += 1;
        match (path, *count) {
            ("/version", 1) => (429, "Retry-After: 0|{}".to_owned()),
            ("/version", _) => version(),
            _ => list(&["a"], ""),
        }
    });
    assert_eq!(names(&fake.gather(None, &[Kind::Pod]).unwrap()).len(), 1);
}

#[test]
fn a_server_that_cannot_be_used_is_a_clear_error() {
    let message = |answer: (u16, String)| {
        let fake = serve(move |_, _| answer.clone());
        let error = fake.gather(None, &[Kind::Pod]).unwrap_err();
        assert!(!error.hints().is_empty());
        format!("{error}: {}", std::error::Error::source(&error).unwrap())
    };
    let text = message((401, r#"{"kind":"Status","message":"Unauthorized"}"#.into()));
    assert!(text.contains("401: Unauthorized"), "{text}");
    let text = message((500, "Retry-After: 0|{\"message\":\"etcd is gone\"}".into()));
    assert!(text.contains("500: etcd is gone"), "{text}");

    let fake = serve(|path, _| {
        if path == "/version" {
            version()
        } else {
            refused("all")
        }
    });
    let error = fake.gather(None, &[Kind::Pod, Kind::Node]).unwrap_err();
    assert!(
        matches!(
            error,
            LiveError::Request {
                source: RequestError::Status { code: 403, .. },
                ..
            }
        ),
        "{error:?}"
    );

    let fake = serve(|_, _| version());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    write_config(&fake.folder, &format!("http://{address}"));
    let error = fake.gather(None, &[Kind::Pod]).unwrap_err();
    assert!(
        matches!(
            error,
            LiveError::Request {
                source: RequestError::Refused,
                ..
            }
        ),
        "{error:?}"
    );
    write_config(&fake.folder, "http://no-such-host.invalid");
    let error = fake.gather(None, &[Kind::Pod]).unwrap_err();
    assert!(
        matches!(
            error,
            LiveError::Request {
                source: RequestError::Dns(_) | RequestError::Connection(_) | RequestError::Timeout(_),
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_slow_server_does_not_hold_us() {
    let fake = serve(|_, _| {
        thread::sleep(Duration::from_secs(30));
        version()
    });
    let options = ConnectOptions {
        request_timeout: Some(Duration::from_millis(200)),
        ..fake.options()
    };
    let request = Request {
        namespace: None,
        kinds: vec![Kind::Pod],
        keep_texts: false,
    };
    let error = Cluster::connect(&options)
        .unwrap()
        .gather(&request, &|_| {})
        .unwrap_err();
    assert!(
        matches!(
            error,
            LiveError::Request {
                source: RequestError::Timeout(_),
                ..
            }
        ),
        "{error:?}"
    );
}

/// The waits between four tries alone would take seconds.
#[test]
fn the_limit_is_that_of_all_tries_together() {
    let fake = serve(|_, _| (503, "{}".to_owned()));
    let options = ConnectOptions {
        request_timeout: Some(Duration::from_millis(400)),
        ..fake.options()
    };
    let request = Request {
        namespace: None,
        kinds: vec![Kind::Pod],
        keep_texts: false,
    };
    let begun = std::time::Instant::now();
    let mut cluster = Cluster::connect(&options).unwrap();
    cluster.gather(&request, &|_| {}).unwrap_err();
    assert!(
        begun.elapsed() < Duration::from_millis(2_500),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_broken_kubeconfig_is_a_clear_error() {
    let fake = serve(|_, _| version());
    for content in [
        "",
        ": [",
        "apiVersion: v1\nkind: Config\ncurrent-context: nowhere\n",
        "\0\0",
    ] {
        std::fs::write(fake.folder.path().join("config"), content).unwrap();
        let error = Cluster::connect(&fake.options()).err().expect("no cluster");
        assert!(
            matches!(error, LiveError::Config { .. }),
            "{content:?}: {error:?}"
        );
    }
    let options = ConnectOptions {
        context: Some("missing".into()),
        ..fake.options()
    };
    write_config(&fake.folder, "http://x");
    assert!(matches!(
        Cluster::connect(&options),
        Err(LiveError::Config { .. })
    ));
    assert_eq!(contexts(Some(&fake.folder.path().join("config"))), ["test"]);
}

#[test]
fn wants_are_fetched_and_what_is_refused_is_said() {
    let fake = serve(|path, _| match path {
        "/version" => version(),
        path if path.contains("/pods/a/log") && path.contains("previous=true") => {
            (200, "x\npassword=hunter2\n".into())
        }
        // The kubelet says so in place of a log that it has lost.
        path if path.contains("/pods/c/log") && path.contains("previous=true") => (
            200,
            "unable to retrieve container logs for containerd://5ef2\n".into(),
        ),
        path if path.contains("/pods/c/log") => (200, "panic: no license\n".into()),
        path if path.contains("/pods/d/log") => (404, r#"{"message":"pods \"d\" not found"}"#.into()),
        path if path.contains("/log?") => refused("pods/log"),
        path if path.contains("/nodes/n1/proxy/logs/?query=kubelet") => (
            200,
            "<pre>\n<a href=\"kubelet.log\">kubelet.log</a>\n</pre>".into(),
        ),
        "/api/v1/nodes/n1/proxy/logs/kubelet.log" => (
            200,
            "E0501 10:00:00.000000 1 x.go:1] \"boom\" pod=\"shop/a\"\n".into(),
        ),
        "/api/v1/nodes/n1/proxy/logs/" => (200, "<pre>\n</pre>".into()),
        "/api/v1/namespaces/shop/configmaps/c" => {
            (200, r#"{"metadata":{"name":"c","namespace":"shop"}}"#.into())
        }
        "/api/v1/namespaces/shop/configmaps/gone" => {
            (404, r#"{"message":"configmaps \"gone\" not found"}"#.into())
        }
        path if path.starts_with("/api/v1/pods") => list(&["a"], ""),
        _ => (404, String::new()),
    });
    let mut cluster = fake.connect();
    let request = Request {
        namespace: None,
        kinds: vec![Kind::Pod],
        keep_texts: true,
    };
    let mut gathered = cluster.gather(&request, &|_| {}).unwrap();
    let log = |pod: &str, previous| {
        Want::ContainerLog(LogKey {
            namespace: "shop".into(),
            pod: pod.into(),
            container: "app".into(),
            previous,
        })
    };
    let node = || "n1".into();
    let wants = [
        log("a", true),
        log("b", false),
        log("c", true),
        log("d", true),
        Want::KubeletLog {
            node: node(),
            around: None,
        },
        Want::KernelLog {
            node: node(),
            around: None,
        },
        Want::Object(sonde_model::ObjectRef::new(Kind::ConfigMap, "shop", "c")),
        Want::Object(sonde_model::ObjectRef::new(Kind::ConfigMap, "shop", "gone")),
    ];
    assert!(cluster.fetch(&wants, &mut gathered, &|_| {}).added);
    assert_eq!(
        gathered.texts.container_logs.values().next().unwrap()[1],
        "password=[redacted:password]"
    );
    assert_eq!(gathered.texts.node.len(), 1);
    assert!(names(&gathered).contains(&"configmap/c -n shop".to_owned()));
    let spots: Vec<&str> = gathered.gaps.iter().map(|gap| gap.spot.what.as_str()).collect();
    assert_eq!(
        spots,
        [
            "kernel log of node n1",
            "current log of container app of pod/b in shop"
        ]
    );
    let gone = sonde_model::ObjectRef::new(Kind::ConfigMap, "shop", "gone");
    assert!(gathered.world.snapshot().is_absent(&gone));
    let lost = gathered.texts.container_logs.keys().find(|key| &*key.pod == "c");
    assert!(
        lost.is_some_and(|key| !key.previous),
        "the log of the other run is read in its place"
    );
    let none: Vec<bool> = gathered.texts.none.iter().map(|key| key.previous).collect();
    assert_eq!(none, [false, true], "neither run of pod d has a log");
    assert_eq!(gathered.kept_texts.len(), 3);
    assert!(!cluster.fetch(&[log("b", false)], &mut gathered, &|_| {}).added);
    assert_eq!(gathered.gaps.len(), 2);
}

#[test]
fn names_are_had_quickly_or_not_at_all() {
    let fake = serve(|path, _| {
        if path.contains("/slow/") {
            thread::sleep(Duration::from_secs(30));
        }
        list(&["a", "b"], "")
    });
    let cluster = fake.connect();
    assert_eq!(
        cluster.names(&Kind::Pod, Some("shop"), Duration::from_secs(5)),
        ["a", "b"]
    );
    assert!(
        cluster
            .names(&Kind::Pod, Some("slow"), Duration::from_millis(100))
            .is_empty()
    );
}

/// What is not there any more is told by the server; what the server does not know tells nothing.
#[test]
fn an_object_is_absent_only_where_the_server_says_so() {
    let fake = serve(|path, _| match path {
        "/version" => version(),
        path if path.ends_with("/leases/gone") => (
            404,
            r#"{"message":"leases.coordination.k8s.io \"gone\" not found"}"#.into(),
        ),
        path if path.starts_with("/api/v1/pods") => list(&["a"], ""),
        _ => (404, "404 page not found".into()),
    });
    let cluster = fake.connect();
    let mut gathered = fake.gather(None, &[Kind::Pod]).unwrap();
    let lease = |name: &str| sonde_model::ObjectRef::new(Kind::Lease, "kube-system", name);
    let wants = [Want::Object(lease("gone")), Want::Object(lease("other"))];
    assert!(cluster.fetch(&wants, &mut gathered, &|_| {}).added);
    let snapshot = gathered.world.snapshot();
    assert!(snapshot.is_absent(&lease("gone")) && !snapshot.is_absent(&lease("other")));
    assert!(
        gathered.gaps[0].spot.what.contains("other"),
        "{:?}",
        gathered.gaps
    );
}

#[test]
fn lists_of_the_second_round_that_fail_say_which() {
    let fake = serve(|path, _| match path {
        "/version" => version(),
        path if path.starts_with("/api/v1/pods") => list(&["a"], ""),
        path if path.starts_with("/api/v1/nodes") => refused("nodes"),
        _ => (401, r#"{"message":"Unauthorized"}"#.into()),
    });
    let cluster = fake.connect();
    let mut gathered = fake.gather(None, &[Kind::Pod, Kind::Node]).unwrap();
    let want = |kind: Kind| Want::Kind {
        kind,
        namespace: "".into(),
    };
    let asked = fake.seen().len();
    cluster.fetch(
        &[want(Kind::Node), want(Kind::StorageClass)],
        &mut gathered,
        &|_| {},
    );
    let told: Vec<_> = gathered
        .gaps
        .iter()
        .map(|gap| (gap.spot.what.as_str(), gap.answers(&want(Kind::StorageClass))))
        .collect();
    assert_eq!(
        told,
        [("nodes", false), ("storageclasses", true)],
        "nodes are not asked for again"
    );
    assert!(gathered.gaps[1].spot.why.contains("401"), "{:?}", gathered.gaps);
    assert!(!fake.seen()[asked..].iter().any(|path| path.contains("/nodes")));
}
