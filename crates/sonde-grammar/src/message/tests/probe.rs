use super::says;
use crate::fact::{Fact, ProbeFact, ProbeKind, ProbeOutcome};

const KINDS: &[(&str, ProbeKind)] = &[
    ("Readiness", ProbeKind::Readiness),
    ("Liveness", ProbeKind::Liveness),
    ("Startup", ProbeKind::Startup),
];

fn fact(probe: ProbeKind, errored: bool, outcome: ProbeOutcome) -> Fact {
    Fact::Probe(ProbeFact {
        probe,
        errored,
        outcome,
    })
}

#[track_caller]
fn fails(output: &str, outcome: ProbeOutcome) {
    for (word, kind) in KINDS {
        let expect = [fact(*kind, false, outcome.clone())];
        says("Unhealthy", &format!("{word} probe failed: {output}"), &expect);
        says("", &format!("{word} probe failed: {output}"), &expect);
        says(
            "ProbeError",
            &format!(
                "(combined from similar events): {word} probe failed:\n   {}",
                output.replace('"', "\\\"")
            ),
            &expect,
        );
    }
}

#[track_caller]
fn errors(output: &str, outcome: ProbeOutcome) {
    for verb in ["errored", "errored and resulted in unknown state"] {
        says(
            "Unhealthy",
            &format!("Liveness probe {verb}: rpc error: code = Unknown desc = {output}"),
            &[fact(ProbeKind::Liveness, true, outcome.clone())],
        );
    }
}

#[test]
fn http() {
    let refused = || ProbeOutcome::Refused {
        address: "10.1.0.5:8080".to_owned(),
    };
    let late = || ProbeOutcome::AnswerTimeout {
        target: Some("http://10.1.0.5:8080/healthz".to_owned()),
    };
    let connect = || ProbeOutcome::ConnectTimeout {
        address: "10.1.0.5:8080".to_owned(),
    };
    let rows: Vec<(&str, ProbeOutcome)> = vec![
        // Go 1.9 to 1.13: bare URL, getsockopt; 1.14 on: quotes.
        (
            "Get http://10.1.0.5:8080/healthz: dial tcp 10.1.0.5:8080: getsockopt: connection refused",
            refused(),
        ),
        (
            "Get http://10.1.0.5:8080/healthz: dial tcp 10.1.0.5:8080: connect: connection refused",
            refused(),
        ),
        (
            "Get \"http://10.1.0.5:8080/healthz\": dial tcp 10.1.0.5:8080: connect: connection refused",
            refused(),
        ),
        (
            "Get http://10.1.0.5:8080/healthz: net/http: request canceled (Client.Timeout exceeded while awaiting headers)",
            late(),
        ),
        (
            "Get \"http://10.1.0.5:8080/healthz\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
            late(),
        ),
        (
            "Get \"http://10.1.0.5:8080/healthz\": context deadline exceeded",
            late(),
        ),
        (
            "Get http://10.1.0.5:8080/healthz: net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
            connect(),
        ),
        (
            "Get \"http://10.1.0.5:8080/healthz\": dial tcp 10.1.0.5:8080: i/o timeout",
            connect(),
        ),
        (
            "Get \"http://10.1.0.5:8080/healthz\": dial tcp 10.1.0.5:8080: i/o timeout (Client.Timeout exceeded while awaiting headers)",
            connect(),
        ),
        (
            "Get \"http://10.1.0.5:8080/healthz\": dial tcp 10.1.0.5:8080: connect: no route to host",
            connect(),
        ),
        (
            "HTTP probe failed with statuscode: 503",
            ProbeOutcome::Status { code: 503 },
        ),
        (
            "HTTP probe failed with statuscode: 404",
            ProbeOutcome::Status { code: 404 },
        ),
        (
            "Get \"http://10.1.0.5:8080/healthz\": read tcp 10.1.0.1:3->10.1.0.5:8080: read: connection reset by peer",
            ProbeOutcome::Reset {
                target: Some("http://10.1.0.5:8080/healthz".to_owned()),
            },
        ),
        (
            "Get \"http://10.1.0.5:8080/healthz\": EOF",
            ProbeOutcome::Reset {
                target: Some("http://10.1.0.5:8080/healthz".to_owned()),
            },
        ),
        (
            "Get \"https://10.1.0.5:8080/healthz\": http: server gave HTTP response to HTTPS client",
            ProbeOutcome::WrongScheme {
                detail: "http: server gave HTTP response to HTTPS client".to_owned(),
            },
        ),
        (
            "Get \"http://10.1.0.5:8443/healthz\": net/http: HTTP/1.x transport connection broken: malformed HTTP response \"\\x15\\x03\"",
            ProbeOutcome::WrongScheme {
                detail:
                    "net/http: HTTP/1.x transport connection broken: malformed HTTP response \"\\x15\\x03\""
                        .to_owned(),
            },
        ),
        (
            "Get \"https://10.1.0.5:8443/healthz\": remote error: tls: handshake failure",
            ProbeOutcome::Tls {
                detail: "remote error: tls: handshake failure".to_owned(),
            },
        ),
        (
            "Get \"http://web.example:8080/\": dial tcp: lookup web.example on 10.96.0.10:53: no such host",
            ProbeOutcome::Dns {
                host: "web.example".to_owned(),
            },
        ),
    ];
    for (output, outcome) in rows {
        fails(output, outcome);
    }
    says(
        "ProbeWarning",
        "Readiness probe warning: Probe terminated redirects, Response body: <a href=\"https://x\">Found</a>.",
        &[fact(ProbeKind::Readiness, false, ProbeOutcome::Redirected)],
    );
}

#[test]
fn tcp_grpc() {
    fails(
        "dial tcp 10.1.0.5:5432: connect: connection refused",
        ProbeOutcome::Refused {
            address: "10.1.0.5:5432".to_owned(),
        },
    );
    fails(
        "dial tcp 10.1.0.5:5432: i/o timeout",
        ProbeOutcome::ConnectTimeout {
            address: "10.1.0.5:5432".to_owned(),
        },
    );
    fails(
        "dial tcp [fd00::5]:5432: connect: connection refused",
        ProbeOutcome::Refused {
            address: "[fd00::5]:5432".to_owned(),
        },
    );
    fails(
        "dial tcp: lookup db.example on 10.96.0.10:53: no such host",
        ProbeOutcome::Dns {
            host: "db.example".to_owned(),
        },
    );
    for words in [
        "service unhealthy (responded with \"NOT_SERVING\")",
        "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service grpc.health.v1.Health",
        "timeout: health rpc did not complete within 1s",
    ] {
        fails(
            words,
            ProbeOutcome::Grpc {
                detail: words.to_owned(),
            },
        );
    }
    fails(
        "timeout: failed to connect service \"10.1.0.5:9000\" within 1s: connection error: desc = \"transport: Error while dialing: dial tcp 10.1.0.5:9000: connect: connection refused\"",
        ProbeOutcome::Refused {
            address: "10.1.0.5:9000".to_owned(),
        },
    );
}

#[test]
fn exec() {
    let failed = |output: &str| ProbeOutcome::CommandFailed {
        output: output.to_owned(),
    };
    fails("", failed(""));
    fails(
        "cat: can't open '/tmp/ready': No such file or directory",
        failed("cat: can't open '/tmp/ready': No such file or directory"),
    );
    fails(
        "psql: could not connect to server: Connection refused",
        failed("psql: could not connect to server: Connection refused"),
    );
    // The command's words are not the kubelet's, whatever they are.
    fails(
        "curl: (7) Failed to connect to 127.0.0.1 port 80: connection refused",
        failed("curl: (7) Failed to connect to 127.0.0.1 port 80: connection refused"),
    );
    fails(
        "command timed out: \"sh -c sleep 9\" timed out after 1s",
        ProbeOutcome::CommandTimeout,
    );
    fails(
        "command \"sh -c sleep 9\" timed out",
        ProbeOutcome::CommandTimeout,
    );
    let missing = ProbeOutcome::CommandMissing {
        detail: "exec: \"pg_isready\": executable file not found in $PATH".to_owned(),
    };
    for text in [
        "failed to exec in container: failed to start exec \"5\": OCI runtime exec failed: exec failed: unable to start container process: exec: \"pg_isready\": executable file not found in $PATH: unknown",
        "failed to exec in container: failed to start exec \"5\": OCI runtime exec failed: exec failed: container_linux.go:380: starting container process caused: exec: \"pg_isready\": executable file not found in $PATH: unknown",
        "error starting exec: exec: \"pg_isready\": executable file not found in $PATH",
    ] {
        errors(text, missing.clone());
    }
    fails(
        "OCI runtime exec failed: exec failed: container_linux.go:348: starting container process caused \"exec: \\\"pg_isready\\\": executable file not found in $PATH\": unknown",
        ProbeOutcome::CommandMissing {
            detail: "exec: \"pg_isready\": executable file not found in $PATH".to_owned(),
        },
    );
    errors(
        "failed to exec in container: timeout 1s exceeded: context deadline exceeded",
        ProbeOutcome::CommandTimeout,
    );
    errors("context deadline exceeded", ProbeOutcome::CommandTimeout);
    for text in [
        "container is not running",
        "failed to exec in container: container is in CONTAINER_EXITED state",
    ] {
        errors(text, ProbeOutcome::NotRunning);
    }
    errors(
        "port http not found",
        ProbeOutcome::Other {
            detail: "port http not found".to_owned(),
        },
    );
}

#[test]
fn look_alikes() {
    for text in [
        "Liveness probe succeeded",
        "Readiness of the probe failed",
        "probe failed",
        "Startup probe took long",
    ] {
        says("Unhealthy", text, &[]);
        says("", text, &[]);
    }
}
