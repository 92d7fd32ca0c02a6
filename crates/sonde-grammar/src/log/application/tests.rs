mod classes;

use super::*;

fn first(log: &str) -> Option<AppSign> {
    let lines: Vec<&str> = log.lines().collect();
    application(&lines).into_iter().next().map(|line| line.sign)
}

#[test]
fn the_deciding_line() {
    use AppSign as S;
    let some = |text: &str| Some(text.to_owned());
    for (log, want) in [
        (
            "starting\ndial tcp 10.0.0.9:5432: connect: connection refused\nexit status 1",
            S::ConnectionRefused {
                target: some("10.0.0.9:5432"),
            },
        ),
        (
            "2026/11/21 12:31:01 connect: dial tcp: lookup db on 10.96.0.10:53: no such host",
            S::NameResolution { host: some("db") },
        ),
        (
            "Error: listen EADDRINUSE: address already in use :::3000\n    at Server.setupListenHandle (net.js:1318:16)",
            S::AddressInUse {
                address: some(":::3000"),
            },
        ),
        (
            "open /etc/app/config.yaml: no such file or directory",
            S::MissingFile {
                path: some("/etc/app/config.yaml"),
            },
        ),
        (
            "nginx: [emerg] open() \"/etc/nginx/conf.d/x.conf\" failed (13: Permission denied)",
            S::PermissionDenied {
                path: some("/etc/nginx/conf.d/x.conf"),
            },
        ),
        (
            "/entrypoint.sh: line 3: psql: command not found",
            S::NotFoundCommand {
                command: some("psql").unwrap(),
            },
        ),
        (
            "sh: foo: not found",
            S::NotFoundCommand {
                command: "foo".into(),
            },
        ),
        ("exec /app/server: exec format error", S::ExecFormat),
        (
            "exec /entrypoint.sh: no such file or directory",
            S::BadInterpreter {
                path: some("/entrypoint.sh"),
                interpreter: None,
                carriage_return: false,
            },
        ),
        (
            "exec container process `/app/run.sh`: No such file or directory",
            S::BadInterpreter {
                path: some("/app/run.sh"),
                interpreter: None,
                carriage_return: false,
            },
        ),
        (
            "/bin/sh: /app/run.sh: /bin/bash: bad interpreter: No such file or directory",
            S::BadInterpreter {
                path: some("/app/run.sh"),
                interpreter: some("/bin/bash"),
                carriage_return: false,
            },
        ),
        (
            "bash: ./run.sh: /bin/bash^M: bad interpreter: No such file or directory",
            S::BadInterpreter {
                path: some("./run.sh"),
                interpreter: some("/bin/bash"),
                carriage_return: true,
            },
        ),
        (
            "/usr/bin/env: 'bash\\r': No such file or directory",
            S::BadInterpreter {
                path: None,
                interpreter: some("bash"),
                carriage_return: true,
            },
        ),
        (
            "/app: error while loading shared libraries: libpq.so.5: cannot open shared object file: No such file",
            S::MissingLibrary {
                library: some("libpq.so.5"),
            },
        ),
        (
            "Traceback (most recent call last):\n  File \"/app/m.py\", line 1, in <module>\nModuleNotFoundError: No module named 'flask'",
            S::MissingModule {
                module: "flask".into(),
            },
        ),
        (
            "DB_URL environment variable is not set",
            S::MissingEnv { name: some("DB_URL") },
        ),
        (
            "/run.sh: line 2: API_KEY: unbound variable",
            S::MissingEnv {
                name: some("API_KEY"),
            },
        ),
        (
            "flag provided but not defined: -prot",
            S::BadFlag {
                detail: "flag provided but not defined: -prot".into(),
            },
        ),
        (
            "FATAL:  password authentication failed for user \"app\"",
            S::AuthFailed {
                detail: "FATAL:  password authentication failed for user \"app\"".into(),
            },
        ),
        (
            "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space\n\tat x.Y(Z.java:1)",
            S::JvmHeap,
        ),
        (
            "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
            S::NodeHeap,
        ),
        ("MemoryError", S::PythonMemory),
        ("fatal error: runtime: out of memory", S::GoMemory),
        (
            "write /data/x: no space left on device",
            S::DiskFull {
                path: some("/data/x"),
            },
        ),
        (
            "panic: runtime error: invalid memory address or nil pointer dereference\n\ngoroutine 1 [running]:",
            S::Panic {
                message: "runtime error: invalid memory address or nil pointer dereference".into(),
            },
        ),
        ("Segmentation fault (core dumped)", S::Segfault),
        (
            "x509: certificate signed by unknown authority",
            S::Tls {
                detail: "x509: certificate signed by unknown authority".into(),
            },
        ),
        (
            "ERROR: relation \"users\" does not exist",
            S::Database {
                detail: "ERROR: relation \"users\" does not exist".into(),
            },
        ),
        (
            r#"{"level":"error","ts":1795000000.1,"msg":"cannot start","error":"dial tcp 10.0.0.9:80: i/o timeout"}"#,
            S::ConnectTimeout {
                target: some("10.0.0.9:80"),
            },
        ),
        (
            "Waiting for db:5432...",
            S::Waiting {
                target: "db:5432".into(),
            },
        ),
        (
            "Received SIGTERM, shutting down",
            S::Signal {
                name: "SIGTERM".into(),
            },
        ),
        (
            "INFO: Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)",
            S::ListeningOn { port: 8000 },
        ),
    ] {
        assert_eq!(first(log), Some(want), "{log}");
    }
}

#[test]
fn the_root_stands_before_its_wrappers() {
    let log = "org.springframework.beans.BeanCreationException: Error creating bean 'ds'
\tat a.B.c(B.java:1)
Caused by: java.lang.IllegalStateException: pool
\tat a.B.c(B.java:1)
\t... 3 more
Caused by: java.net.ConnectException: Connection refused: db/10.0.0.1:5432
\tat a.B.c(B.java:1)";
    assert_eq!(
        first(log),
        Some(AppSign::ConnectionRefused {
            target: Some("db:5432".into())
        })
    );
    let log = "Exception in thread \"main\" a.OuterException: x
Caused by: a.MiddleException: y
Caused by: a.InnerException: z";
    assert_eq!(
        first(log),
        Some(AppSign::Exception {
            message: "a.InnerException: z".into()
        })
    );
}

#[test]
fn survived_troubles_come_after_the_last_death() {
    let mut log = String::from("WARN dial tcp 10.0.0.9:6379: connect: connection refused, continuing\n");
    for i in 0..200 {
        log.push_str(&format!("handled request {i}\n"));
    }
    log.push_str("panic: assignment to entry in nil map\n");
    assert_eq!(
        first(&log),
        Some(AppSign::Panic {
            message: "assignment to entry in nil map".into()
        })
    );
}

#[test]
fn what_was_survived_stands_behind_what_ended_the_program() {
    let log = "WARN could not connect to redis at cache:6379: connection refused, continuing
open /etc/app/optional.yml: permission denied (using defaults)
INFO listening soon
ERROR config invalid: field server.port is required
shutting down";
    assert_eq!(
        first(log),
        Some(AppSign::Error {
            message: "ERROR config invalid: field server.port is required".into()
        })
    );
    // After an error of its own nobody told it to end; alone, or with a signal, somebody did.
    let told = |log: &str| {
        let lines: Vec<&str> = log.lines().collect();
        application(&lines)
            .iter()
            .any(|line| matches!(line.sign, AppSign::Signal { .. }))
    };
    assert!(!told(log));
    assert!(told("serving\nshutting down"));
    assert!(told("ERROR x failed\nreceived SIGTERM, shutting down"));
    // Tried again in vain: the trouble, not the giving up.
    let log =
        "ERROR connect to db:5432: connection refused, retrying in 5s\nFATAL giving up after 5 attempts";
    assert_eq!(
        first(log),
        Some(AppSign::ConnectionRefused {
            target: Some("db:5432".into())
        })
    );
}

#[test]
fn healthy_lines_tell_nothing_alarming() {
    for line in [
        "GET /error.html 200",
        "handled request 12",
        "INFO  0 errors found",
        "level=info msg=\"cache warmed\" failed=0",
        "waiting for connections",
        "",
    ] {
        let sign = first(line);
        assert!(
            matches!(sign, None | Some(AppSign::Error { .. } | AppSign::Finished)),
            "{line}: {sign:?}"
        );
        if line.starts_with("INFO") || line.starts_with("level=info") {
            assert_eq!(sign, None, "{line}");
        }
    }
}

#[test]
fn long_logs_are_bounded() {
    let lines = vec!["error: x refused"; 100_000];
    assert!(application(&lines).len() <= 12);
}

#[test]
fn the_line_that_names_what_was_not_reached_is_told() {
    for (log, expected) in [
        (
            "nc: timed out\n[ERROR] amqp: dial tcp: lookup rabbitmq.shop.svc.cluster.local: i/o timeout",
            AppSign::NameResolution {
                host: Some("rabbitmq.shop.svc.cluster.local".into()),
            },
        ),
        (
            "OperationalError: could not connect to server: Connection refused\n\tIs the server running on host \"db\" (10.0.0.7) and accepting TCP/IP connections on port 5432?",
            AppSign::ConnectionRefused {
                target: Some("db:5432".into()),
            },
        ),
        // An answer that is late is no DNS trouble.
        (
            "dial tcp 10.0.0.7:5432: i/o timeout",
            AppSign::ConnectTimeout {
                target: Some("10.0.0.7:5432".into()),
            },
        ),
    ] {
        let lines: Vec<&str> = log.lines().collect();
        assert_eq!(super::application(&lines)[0].sign, expected, "{log}");
    }
}

#[test]
fn what_a_line_is_worth_as_the_reason_of_an_end() {
    use Standing as S;
    for (log, want) in [
        // The last words, by their own form.
        (
            "starting\nFATAL schema version 41 is older than required 42",
            Some(S::Decisive),
        ),
        ("open /data/x: permission denied", Some(S::Decisive)),
        (
            "ERROR cannot reach db:5432: connection refused\nshutting down",
            Some(S::Decisive),
        ),
        // Got over.
        (
            "dial tcp 10.0.0.9:6379: connect: connection refused\nINFO connected to redis",
            Some(S::Passed),
        ),
        (
            "dial tcp 10.0.0.9:6379: connect: connection refused\nserver ready",
            Some(S::Passed),
        ),
        (
            "http: TLS handshake error from 10.0.0.7:1: bad\nthe admin wants an end",
            Some(S::Passed),
        ),
        (
            "ERROR db: connection refused\nINFO connected to db\nERROR db: connection refused",
            Some(S::Decisive),
        ),
        (
            "FATAL cannot reach its own license server\nINFO server ready",
            Some(S::Fatal),
        ),
        // Records.
        (
            r#"10.0.0.1 - - [20/Nov/2026:10:00:00 +0000] "GET /no space left on device HTTP/1.1" 200 512"#,
            None,
        ),
        ("GET /errors/OutOfMemoryError 200", None),
        ("loaded settings: on_oom=restart panic_mode=false", None),
        (
            "=== RUN   TestA\n    conn_test.go:14: got expected error: dial tcp 127.0.0.1:1: connect: connection refused\n--- PASS: TestA",
            None,
        ),
        (
            "Changelog 2.4.1\n- fixed: panic: runtime error\n- no longer: panic: on exit",
            None,
        ),
        ("INFO last run: connection refused", None),
    ] {
        let lines: Vec<&str> = log.lines().collect();
        let found = application(&lines)
            .into_iter()
            .find(|line| !matches!(line.sign, AppSign::Signal { .. } | AppSign::Finished))
            .map(|line| line.standing);
        assert_eq!(found, want, "{log}");
    }
}

/// Sentences that say what to do in a case report nothing; what a person says of his own pods, and log lines, do.
#[test]
fn guides_report_nothing() {
    for (line, quotes) in [
        ("If a pod shows OOMKilled, raise its memory limit.", true),
        (
            "2. When the kubelet logs \"no space left on device\", free the disk of the node.",
            true,
        ),
        (
            "- `Back-off restarting failed container` means that the process keeps ending",
            true,
        ),
        (
            "Exit code 137 usually is the kernel's OOM killer, connection refused a missing listener.",
            true,
        ),
        (
            "When I open the page I get dial tcp 10.0.0.7:5432: connect: connection refused",
            false,
        ),
        (
            "If our pod starts it says FATAL: password authentication failed for user \"orders\"",
            false,
        ),
        (
            "ERROR: this usually means that the server is down: connection refused",
            false,
        ),
        ("panic: if the map is nil it must be made", false),
        (
            "10.0.0.1 - - [21/Nov/2026:10:00:00 +0000] \"GET /docs/ImagePullBackOff HTTP/1.1\" 200 81233 \"-\" \"m\"",
            true,
        ),
    ] {
        assert_eq!(crate::log::is_quoting(line), quotes, "{line}");
    }
    assert!(
        application(&["If it prints \"no space left on device\", free the disk of the node."]).is_empty()
    );
}

/// A level in its place and form, not a word of a sentence.
#[test]
fn levels_in_their_form() {
    for (line, loud) in [
        ("[FATAL] plugin/loop: Loop detected", true),
        ("2026-11-21 09:11:02+00:00 [ERROR] [Entrypoint]: no", true),
        ("F0105 10:00:00.000003       1 main.go:27] no such thing", true),
        ("time=\"2026-11-21T10:00:00Z\" level=fatal msg=\"no\"", true),
        ("2026-11-21T10:00:00 ERROR no", true),
        ("error: no", true),
        (r#"{"level":"error","msg":"no"}"#, true),
        ("Getting ERROR when I deploy", false),
        ("there was an error: in the end it worked", false),
        ("2026-11-21 10:00:00 INFO ERROR budget is fine", false),
        ("Error budget left", false),
    ] {
        assert_eq!(crate::log::is_loud_text(line), loud, "{line}");
    }
}

/// Words of components, at whatever level; over once a later line says so, and no word of healthy ones.
#[test]
fn troubles_of_known_components() {
    use AppSign::Known as K;
    let lost = r#"{"level":"info","ts":"2026-11-21T02:10:12Z","logger":"raft","msg":"8e9e lost leader 8e9e at term 9"}"#;
    let elected = r#"{"level":"info","ts":"2026-11-21T02:10:13Z","logger":"raft","msg":"raft.node: 8e9e elected leader 91bc at term 10"}"#;
    let full = "E1121 1 x.go:1] etcdserver: mvcc: database space exceeded";
    let set = "2026-11-21 10:00:00 [warning] <0.4.0> disk resource limit alarm set on node rabbit@a.";
    let cleared = "2026-11-21 10:05:00 [warning] <0.4.0> disk resource limit alarm cleared on node rabbit@a";
    for (lines, expect) in [
        (vec![lost], Some(Known::EtcdNoLeader)),
        (vec![lost, elected], None),
        (vec![full], Some(Known::EtcdFull)),
        (vec![set], Some(Known::BrokerAlarm { resource: "disk" })),
        (vec![set, cleared], None),
        (
            vec!["2026-11-21 wal: sync duration of 2.1s, expected less than 1s"],
            Some(Known::EtcdSlowDisk),
        ),
        (
            vec![
                "[1]: max file descriptors [4096] for elasticsearch process is too low, increase to at least [65535]",
            ],
            Some(Known::NodeSetting { name: "nofile" }),
        ),
        (
            vec!["Error: ENOSPC: System limit for number of file watchers reached, watch '/app/src'"],
            Some(Known::NodeSetting {
                name: "fs.inotify.max_user_watches",
            }),
        ),
        (
            vec!["failed to create fsnotify watcher: too many open files"],
            Some(Known::NodeSetting {
                name: "fs.inotify.max_user_instances",
            }),
        ),
        (
            vec!["-OOM command not allowed when used memory > 'maxmemory'."],
            Some(Known::RedisFull),
        ),
        (
            vec![r#"{"level":"warn","msg":"apply request took too long","took":"132ms"}"#],
            None,
        ),
        (
            vec!["[INFO] plugin/loop: enabled", "inotify: watching /etc/app"],
            None,
        ),
        (vec!["vm.max_map_count [262144] is fine"], None),
    ] {
        let found = application(&lines).into_iter().find_map(|line| match line.sign {
            K(known) if line.standing == Standing::Decisive => Some(known),
            _ => None,
        });
        assert_eq!(found, expect, "{lines:?}");
    }
}

/// Components that name the reason beside their message, or in a line of their own, and whose farewell is no progress.
#[test]
fn the_reason_is_read_where_the_program_writes_it() {
    use AppSign as S;
    let full = application(&[
        "2026-11-20 04:12:01.201 UTC [27] PANIC:  could not write to file \"pg_wal/xlogtemp.27\": No space left on device",
        "2026-11-20 04:12:01.301 UTC [1] LOG:  startup process (PID 27) was terminated by signal 6: Aborted",
        "2026-11-20 04:12:01.301 UTC [1] LOG:  aborting startup due to startup process failure",
    ]);
    assert!(matches!(full[0].sign, S::DiskFull { .. }), "{full:?}");
    assert_eq!(full[0].standing, Standing::Decisive);
    let mongo = r#"{"t":{"$date":"2026-11-20T10:00:00.000+00:00"},"s":"E","c":"STORAGE","id":20557,"ctx":"initandlisten","msg":"DBException in initAndListen, terminating","attr":{"error":"DBPathInUse: Unable to lock the lock file: /data/db/mongod.lock (Resource temporarily unavailable). Another mongod instance is already running on the /data/db directory"}}"#;
    let found = application(&[mongo]);
    assert!(found[0].text.contains("mongod.lock"), "{found:?}");
    let mysql = application(&[
        "2026-11-20T10:00:00.000000Z 1 [ERROR] [MY-012592] [InnoDB] Operating system error number 13 in a file operation.",
        "2026-11-20T10:00:00.000000Z 1 [ERROR] [MY-012595] [InnoDB] The error means mysqld does not have the access rights to the directory.",
        "2026-11-20T10:00:00.000000Z 0 [ERROR] [MY-010119] [Server] Aborting",
    ]);
    assert!(matches!(mysql[0].sign, S::PermissionDenied { .. }), "{mysql:?}");
    // A controller logs in the kubelet's format; its service account tells that it is none.
    let refused = "E1120 10:00:00.000000       1 reflector.go:169] Failed to watch *v1.Secret: failed to list *v1.Secret: secrets is forbidden: User \"system:serviceaccount:ops:ctl\" cannot list resource \"secrets\" in API group \"\" at the cluster scope";
    assert!(crate::log::node(&[refused], None, Some(2026)).is_empty());
    let found = application(&[refused]);
    assert!(matches!(found[0].sign, S::Forbidden { .. }), "{found:?}");
    let node = refused.replace("serviceaccount:ops:ctl", "node:n1").replace(
        "Failed to watch",
        "Failed to ensure lease exists, will retry: Failed to watch",
    );
    assert!(!crate::log::node(&[&node], None, Some(2026)).is_empty());
}
