//! Whole classes of wordings, each with its look-alikes.

use super::*;

/// The kind of the first sign, and what it names.
fn kind(log: &str) -> (&'static str, Option<String>) {
    use AppSign as S;
    match first(log) {
        Some(S::Forbidden { peer, .. }) => ("forbidden", peer),
        Some(S::PermissionDenied { path }) => ("denied", path),
        Some(S::VersionMismatch { what, .. }) => ("version", what),
        Some(S::MissingLibrary { library }) => ("library", library),
        Some(S::MissingModule { module }) => ("module", Some(module)),
        Some(S::ConfigError { .. }) => ("config", None),
        Some(S::BadFlag { .. }) => ("flag", None),
        Some(S::NameResolution { host }) => ("dns", host),
        Some(S::ConnectionRefused { target }) => ("refused", target),
        Some(S::ConnectTimeout { target }) => ("timeout", target),
        Some(S::AuthFailed { .. }) => ("login", None),
        Some(S::Database { .. }) => ("database", None),
        Some(S::Locked { .. }) => ("locked", None),
        Some(S::Known(Known::NodeSetting { name })) => ("node", Some(name.to_owned())),
        Some(S::LimitReached { .. }) => ("limit", None),
        Some(S::DiskFull { .. }) => ("disk", None),
        Some(S::MissingFile { path }) => ("file", path),
        Some(S::Tls { .. }) => ("tls", None),
        Some(S::Exception { message } | S::Panic { message } | S::Error { message }) => {
            ("words", Some(message))
        }
        Some(_) => ("other", None),
        None => ("none", None),
    }
}

fn check(table: &[(&str, &str, Option<&str>)]) {
    let wrong: Vec<String> = table
        .iter()
        .filter(|(log, want, named)| kind(log) != (*want, named.map(str::to_owned)))
        .map(|(log, want, named)| format!("{log}\n  is {:?}, not {:?}", kind(log), (want, named)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn who_refuses_is_told_from_what_was_asked() {
    check(&[
        (
            "[ERROR] agent.auth.handler: error authenticating: error=\"Error making API request. URL: PUT http://vault.vault:8200/v1/auth/kubernetes/login Code: 403. Errors: * permission denied\"",
            "forbidden",
            Some("vault.vault:8200"),
        ),
        (
            "googleapi: Error 403: Permission denied on resource project acme., forbidden",
            "forbidden",
            None,
        ),
        (
            "rpc error: code = PermissionDenied desc = caller does not have permission",
            "forbidden",
            None,
        ),
        ("etcdserver: permission denied", "forbidden", None),
        (
            "git@github.com: Permission denied (publickey).",
            "forbidden",
            None,
        ),
        (
            "ERROR upload failed: PUT https://files.example/x: 403 Forbidden",
            "forbidden",
            Some("files.example"),
        ),
        (
            "Unexpected response code: 403 (Permission denied: token with AccessorID 'a' lacks permission 'service:write')",
            "forbidden",
            None,
        ),
        (
            "NOPERM this user has no permissions to run the 'config|get' command",
            "forbidden",
            None,
        ),
        (
            "MongoServerError: not authorized on shop to execute command { find: \"x\" }",
            "forbidden",
            None,
        ),
        (
            "org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized to access topics: [orders]",
            "forbidden",
            None,
        ),
        (
            "secrets is forbidden: User \"system:serviceaccount:a:b\" cannot list resource \"secrets\" in API group \"\"",
            "forbidden",
            None,
        ),
        ("ERROR: permission denied for table orders", "database", None),
        // The kernel's refusals name a file or a call.
        ("open /data/x: permission denied", "denied", Some("/data/x")),
        (
            "PermissionError: [Errno 13] Permission denied: '/data/403/x'",
            "denied",
            Some("/data/403/x"),
        ),
        (
            "Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: dial unix /var/run/docker.sock: connect: permission denied",
            "denied",
            Some("/var/run/docker.sock"),
        ),
        (
            "java.nio.file.AccessDeniedException: /data/policy/x",
            "denied",
            Some("/data/policy/x"),
        ),
        ("chown: /tmp: Operation not permitted", "denied", Some("/tmp")),
        ("listen tcp :80: bind: permission denied", "denied", Some(":80")),
    ]);
}

#[test]
fn parts_that_do_not_fit_are_not_absent() {
    check(&[
        (
            "ImportError: cannot import name 'create_app' from 'shop' (/app/shop/__init__.py)",
            "version",
            Some("create_app"),
        ),
        (
            "/app/server: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by /app/server)",
            "version",
            Some("GLIBC_2.34"),
        ),
        (
            "node: /usr/lib/libstdc++.so.6: version `GLIBCXX_3.4.29' not found (required by node)",
            "version",
            Some("GLIBCXX_3.4.29"),
        ),
        (
            "/app/x: symbol lookup error: /usr/lib/libfoo.so: undefined symbol: foo_init_v2",
            "version",
            Some("foo_init_v2"),
        ),
        (
            "Error relocating /app/server: __res_init: symbol not found",
            "version",
            Some("__res_init"),
        ),
        (
            "Exception in thread \"main\" java.lang.NoSuchMethodError: 'void com.x.Y.z()'",
            "version",
            None,
        ),
        (
            "SyntaxError: The requested module './db.js' does not provide an export named 'connect'",
            "version",
            Some("connect"),
        ),
        (
            "java.lang.UnsupportedClassVersionError: a/B has been compiled by a more recent version of the Java Runtime",
            "version",
            None,
        ),
        (
            "ValueError: numpy.dtype size changed, may indicate binary incompatibility.",
            "version",
            None,
        ),
        // These are absent.
        (
            "./server: error while loading shared libraries: libpq.so.5: cannot open shared object file: No such file or directory",
            "library",
            Some("libpq.so.5"),
        ),
        (
            "ModuleNotFoundError: No module named 'flask'",
            "module",
            Some("flask"),
        ),
        (
            "java.lang.ClassNotFoundException: org.postgresql.Driver",
            "module",
            Some("org.postgresql.Driver"),
        ),
        // And this is a peer's.
        ("tls: protocol version mismatch: handshake failure", "tls", None),
    ]);
}

#[test]
fn a_value_that_is_refused_was_never_looked_up() {
    check(&[
        ("httpd: bad address 'abc'", "config", None),
        ("listen tcp: lookup tcp/abc: unknown port", "config", None),
        (
            "listen tcp: lookup web on 10.96.0.10:53: no such host",
            "config",
            None,
        ),
        (
            "dial tcp: lookup http://db on 10.96.0.10:53: no such host",
            "config",
            None,
        ),
        ("dial tcp: lookup ${DB_HOST}: no such host", "config", None),
        ("dial tcp: address db: missing port in address", "config", None),
        (
            "RangeError [ERR_SOCKET_BAD_PORT]: options.port should be >= 0 and < 65536. Received NaN.",
            "config",
            None,
        ),
        (
            "nginx: [emerg] host not found in \"abc:80\" of the \"listen\" directive in /etc/nginx/nginx.conf:3",
            "config",
            None,
        ),
        (
            "Could not create server TCP listening socket abc:6379: Name or service not known",
            "config",
            None,
        ),
        ("[ERROR] Invalid address: ('abc', 8000)", "config", None),
        // These were looked up.
        ("wget: bad address 'db:8080'", "dns", Some("db")),
        ("ping: bad address 'db'", "dns", Some("db")),
        (
            "dial tcp: lookup db on 10.96.0.10:53: no such host",
            "dns",
            Some("db"),
        ),
        (
            "nginx: [emerg] host not found in upstream \"backend\" in /etc/nginx/nginx.conf:3",
            "dns",
            Some("backend"),
        ),
    ]);
}

#[test]
fn the_nodes_settings_and_locks_are_told_apart_from_full_disks_and_limits() {
    check(&[
        (
            "bootstrap check failure [1] of [1]: max virtual memory areas vm.max_map_count [65530] is too low, increase to at least [262144]",
            "node",
            Some("vm.max_map_count"),
        ),
        (
            "Error: ENOSPC: System limit for number of file watchers reached, watch '/app/src'",
            "node",
            Some("fs.inotify.max_user_watches"),
        ),
        (
            "failed to create fsnotify watcher: inotify_init: too many open files",
            "node",
            Some("fs.inotify.max_user_instances"),
        ),
        (
            "System.IO.IOException: The configured user limit (128) on the number of inotify instances has been reached, limit reached",
            "node",
            Some("fs.inotify.max_user_instances"),
        ),
        (
            "opening storage failed: lock DB directory: resource temporarily unavailable",
            "locked",
            None,
        ),
        (
            r#"{"t":{"$date":"2026-11-22T01:00:01Z"},"s":"E","c":"STORAGE","msg":"DBException in initAndListen, terminating","attr":{"error":"DBPathInUse: Unable to lock the lock file: /data/db/mongod.lock (Resource temporarily unavailable). Another mongod instance is already running on the /data/db directory"}}"#,
            "locked",
            None,
        ),
        (
            "FATAL:  lock file \"postmaster.pid\" already exists",
            "locked",
            None,
        ),
        (
            "java.lang.IllegalStateException: failed to obtain node locks, tried [/usr/share/data]",
            "locked",
            None,
        ),
        ("write /data/x: no space left on device", "disk", None),
        ("accept: too many open files", "limit", None),
        (
            "cannot create lock file /run/x.pid: permission denied",
            "denied",
            Some("/run/x.pid"),
        ),
    ]);
}

/// The first line that is told, and what it is worth.
fn told(log: &str) -> Option<(usize, Standing, Option<String>)> {
    let lines: Vec<&str> = log.lines().collect();
    application(&lines)
        .into_iter()
        .next()
        .map(|line| (line.line, line.standing, line.near))
}

#[test]
fn one_event_of_several_lines_is_no_going_on() {
    use Standing as S;
    for (log, line, standing) in [
        // klog's fatal line behind the error that it follows from.
        (
            "E1122 01:00:00.000000 1 reflector.go:150] failed to list *v1.Secret: secrets is forbidden: User \"system:serviceaccount:a:b\" cannot list resource \"secrets\"\nF1122 01:00:02.000000 1 main.go:88] cache never synced",
            0,
            S::Decisive,
        ),
        (
            "ERROR: Validate failed: Migrations have failed validation\nMigration checksum mismatch for migration version 12\n-> Applied to database : 1834192\n-> Resolved locally    : -99120",
            0,
            S::Continued,
        ),
        (
            "error:0A000086:SSL routines::certificate verify failed: unable to get local issuer certificate\ncurl: (60) SSL certificate problem",
            0,
            S::Decisive,
        ),
        (
            "warn: dial tcp 10.1.1.1:6379: connect: connection refused (attempt 1/3)\nwarn: dial tcp 10.1.1.1:6379: connect: connection refused (attempt 3/3)\nflush metrics",
            0,
            S::Continued,
        ),
        // Rust's anyhow: the innermost cause is the last of its list.
        (
            "Error: cannot start\n\nCaused by:\n    0: cannot read the licence\n    1: it ended in May",
            4,
            S::Decisive,
        ),
        (
            "Error: cannot start\n\nCaused by:\n    0: error connecting to server: Connection refused (os error 111)\n    1: Connection refused (os error 111)",
            4,
            S::Decisive,
        ),
        // .NET: the inner exception stands behind an arrow.
        (
            "Unhandled exception. System.InvalidOperationException: An exception has been raised\n ---> Npgsql.NpgsqlException (0x80004005): Failed to connect to 10.0.0.7:5432\n ---> System.Net.Sockets.SocketException (111): Connection refused\n   at System.Net.Sockets.Socket.Connect()\n   --- End of inner exception stack trace ---\n   at Program.Main()",
            2,
            S::Decisive,
        ),
        // Ruby's and PHP's frames, Go's goroutines.
        (
            "/app/a.rb:41:in `connect': no license (RuntimeError)\n\tfrom /app/a.rb:3:in `<main>'",
            0,
            S::Decisive,
        ),
        (
            "PHP Fatal error:  Uncaught RuntimeException: no license in /app/a.php:3\nStack trace:\n#0 /app/a.php(9): start()\n#1 {main}\n  thrown in /app/a.php on line 3",
            0,
            S::Decisive,
        ),
        (
            "panic: no license\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:10 +0x65\ncreated by main.start in goroutine 7\nexit status 2",
            0,
            S::Decisive,
        ),
        // It went on.
        (
            "ERROR: cannot load the plugin\nINFO ready to serve\n",
            0,
            S::Passed,
        ),
        (
            "ERROR: cannot load the plugin\na b\na c\na d\na e\na f\na g\na h\na i\na j\na k",
            0,
            S::Passed,
        ),
    ] {
        let found = told(log).map(|(line, standing, _)| (line, standing));
        assert_eq!(found, Some((line, standing)), "{log}");
    }
}

#[test]
fn the_peer_of_a_line_nearby_is_kept_apart() {
    let near = |log: &str| told(log).and_then(|(_, _, near)| near);
    let kafka = "[2026-11-22 01:00:00,001] WARN [AdminClient clientId=a] Connection to node 1 (kafka-0.kafka:9092) could not be established. Broker may not be available.\n[2026-11-22 01:00:30,001] ERROR Exiting Kafka due to fatal exception (kafka.Kafka$)\norg.apache.kafka.common.errors.TimeoutException: Timed out waiting for a node assignment. Call: listTopics";
    assert_eq!(near(kafka).as_deref(), Some("kafka-0.kafka:9092"));
    assert_eq!(
        near("connecting to redis://cache:6379\nError: connect ECONNREFUSED").as_deref(),
        Some("cache:6379")
    );
    // Two are none; a place in a source is none; one that was reached is none; the line's own stands alone.
    for log in [
        "connecting to a:1\nconnecting to b:2\nError: connection refused",
        "connecting at pool.py:88\nError: connection refused",
        "INFO connected to cache:6379\nError: connection refused",
        "connecting to cache:6379\ndial tcp 10.0.0.1:5432: connect: connection refused",
    ] {
        assert_eq!(near(log), None, "{log}");
    }
}

#[test]
fn the_reason_in_json_stands_in_many_fields() {
    let text = |line: &str| unwrap_line(line).1.into_owned();
    for (line, want) in [
        (
            r#"{"s":"E","msg":"terminating","attr":{"error":"DBPathInUse: x"}}"#,
            "ERROR: terminating: DBPathInUse: x",
        ),
        (
            r#"{"level":"error","message":"start failed","exception":{"type":"IOError","message":"no disk","cause":{"message":"bad sector"}}}"#,
            "ERROR: start failed: no disk: bad sector",
        ),
        (
            r#"{"level":50,"msg":"boot","err":{"message":"connect ECONNREFUSED","address":"10.0.0.1","port":5432}}"#,
            "ERROR: boot: connect ECONNREFUSED (host=10.0.0.1 port=5432)",
        ),
        (
            r#"{"@l":"Fatal","@mt":"Host stopped","@x":"System.Exception: no license"}"#,
            "FATAL: Host stopped: System.Exception: no license",
        ),
        (
            r#"{"level":"ERROR","fields":{"message":"cannot bind","error":"in use"},"target":"app"}"#,
            "ERROR: cannot bind: in use",
        ),
        (
            r#"{"level":"error","msg":"dial failed","error":"connection refused","addr":"db:5432"}"#,
            "ERROR: dial failed: connection refused (db:5432)",
        ),
        (
            r#"{"level":"info","msg":"hello","addr":"db:5432"}"#,
            "INFO: hello",
        ),
        (
            r#"{"level":"error","msg":"x","error":"y","remote_addr":"10.0.0.1:5432","hostname":"me"}"#,
            "ERROR: x: y",
        ),
    ] {
        assert_eq!(text(line), want, "{line}");
    }
}
