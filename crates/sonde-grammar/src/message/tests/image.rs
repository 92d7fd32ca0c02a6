use super::says;
use crate::fact::{Fact, PullFact, PullFailure};

const HEAD: &str = "failed to pull and unpack image \"r.example/shop/web:9\": failed to resolve reference \"r.example/shop/web:9\": ";

fn failed(image: &str, registry: Option<&str>, failure: PullFailure) -> Fact {
    Fact::Pull(PullFact::Failed {
        image: Some(image.to_owned()),
        registry: registry.map(str::to_owned),
        failure,
    })
}

fn unauthorized(anonymous: Option<bool>, maybe_missing: bool, expired: bool) -> PullFailure {
    PullFailure::Unauthorized {
        anonymous,
        maybe_missing,
        expired,
    }
}

fn dns(host: &str) -> PullFailure {
    PullFailure::Dns {
        host: host.to_owned(),
    }
}

/// The runtime's words as the kubelet passes them on: before and from 1.28, in the event, the back-off of 1.32 and bare.
#[track_caller]
fn pull(words: &str, failure: PullFailure) {
    let expect = failed("r.example/shop/web:9", Some("r.example"), failure.clone());
    for code in [
        "",
        "rpc error: code = Unknown desc = ",
        "rpc error: code = NotFound desc = ",
    ] {
        says(
            "Failed",
            &format!("Failed to pull image \"r.example/shop/web:9\": {code}{words}"),
            std::slice::from_ref(&expect),
        );
    }
    says(
        "",
        &format!("Failed to pull image \"r.example/shop/web:9\": {words}"),
        std::slice::from_ref(&expect),
    );
    says(
        "ImagePullBackOff",
        &format!("Back-off pulling image \"r.example/shop/web:9\": ErrImagePull: {words}"),
        &[
            expect.clone(),
            Fact::Pull(PullFact::BackOff {
                image: Some("r.example/shop/web:9".to_owned()),
            }),
        ],
    );
    let damaged = format!(
        "(combined from similar events): Failed to pull image \"r.example/shop/web:9\":\n      {words}"
    );
    says(
        "Failed",
        &damaged.replace('"', "\\\""),
        std::slice::from_ref(&expect),
    );
}

#[test]
fn containerd() {
    let rows: &[(&str, PullFailure)] = &[
        ("r.example/shop/web:9: not found", PullFailure::NotFound),
        ("\"r.example/shop/web:9\": not found", PullFailure::NotFound),
        (
            "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
            unauthorized(None, true, false),
        ),
        (
            "failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized",
            unauthorized(Some(true), false, false),
        ),
        (
            "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://r.example/token: 403 Forbidden",
            unauthorized(Some(true), false, false),
        ),
        (
            "failed to authorize: failed to fetch oauth token: unexpected status from POST request to https://r.example/token: 401 Unauthorized",
            unauthorized(Some(false), false, false),
        ),
        (
            "unexpected status from HEAD request to https://r.example/v2/shop/web/manifests/9: 403 Forbidden",
            unauthorized(None, false, false),
        ),
        (
            "pulling from host r.example failed with status code [manifests 9]: 401 Unauthorized",
            unauthorized(None, false, false),
        ),
        (
            "unexpected status from HEAD request to https://r.example/v2/shop/web/manifests/9: 401 Unauthorized: authorization token has expired",
            unauthorized(Some(false), false, true),
        ),
        (
            "failed to do request: Head \"https://r.example/v2/shop/web/manifests/9\": dial tcp: lookup r.example on 10.96.0.10:53: no such host",
            dns("r.example"),
        ),
        (
            "failed to do request: Head \"https://r.example/v2/shop/web/manifests/9\": dial tcp: lookup r.example: no such host",
            dns("r.example"),
        ),
        // A resolver that does not answer is DNS, although the words are those of a connection.
        (
            "failed to do request: Head \"https://r.example/v2/shop/web/manifests/9\": dial tcp: lookup r.example on 10.96.0.10:53: read udp 10.1.0.5:39184->10.96.0.10:53: i/o timeout",
            dns("r.example"),
        ),
        (
            "failed to do request: Head \"https://r.example/v2/shop/web/manifests/9\": dial tcp: lookup r.example on [::1]:53: read udp [::1]:3->[::1]:53: read: connection refused",
            dns("r.example"),
        ),
        (
            "failed to do request: Head \"https://r.example/v2/shop/web/manifests/9\": dial tcp: lookup r.example on 10.96.0.10:53: server misbehaving",
            dns("r.example"),
        ),
        // The host that fails is the token's.
        (
            "failed to authorize: failed to fetch anonymous token: Get \"https://auth.example/token\": dial tcp: lookup auth.example: no such host",
            dns("auth.example"),
        ),
        (
            "failed to do request: Head \"https://r.example/v2/shop/web/manifests/9\": dial tcp 10.2.3.4:443: connect: connection refused",
            PullFailure::Refused,
        ),
        (
            "failed to do request: Head \"https://r.example/v2/shop/web/manifests/9\": dial tcp 10.2.3.4:443: connect: no route to host",
            PullFailure::Unreachable,
        ),
        (
            "failed to do request: Head \"https://r.example/v2/shop/web/manifests/9\": dial tcp 10.2.3.4:443: connect: network is unreachable",
            PullFailure::Unreachable,
        ),
        (
            "failed to do request: Head \"https://r.example/v2/shop/web/manifests/9\": dial tcp 10.2.3.4:443: i/o timeout",
            PullFailure::ConnectTimeout,
        ),
        (
            "failed to do request: Head \"https://r.example/v2/shop/web/manifests/9\": net/http: TLS handshake timeout",
            PullFailure::ConnectTimeout,
        ),
        (
            "failed to do request: Head \"https://r.example/v2/shop/web/manifests/9\": read tcp 10.1.0.5:3->10.2.3.4:443: read: connection reset by peer",
            PullFailure::Broken,
        ),
        (
            "failed to do request: Head \"https://r.example/v2/shop/web/manifests/9\": EOF",
            PullFailure::Broken,
        ),
        (
            "failed to copy: httpReadSeeker: failed open: unexpected EOF",
            PullFailure::Broken,
        ),
        (
            "failed to do request: Head \"https://r.example/v2/shop/web/manifests/9\": x509: certificate signed by unknown authority",
            PullFailure::TlsUnknownAuthority,
        ),
        (
            "failed to do request: Head \"https://r.example/v2/shop/web/manifests/9\": tls: failed to verify certificate: x509: certificate signed by unknown authority",
            PullFailure::TlsUnknownAuthority,
        ),
        (
            "failed to do request: Head \"https://r.example/v2/shop/web/manifests/9\": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-20T10:00:00Z is after 2026-11-01T00:00:00Z",
            PullFailure::TlsExpired,
        ),
        (
            "failed to do request: Head \"https://r.example/v2/shop/web/manifests/9\": x509: certificate is valid for a.example, not r.example",
            PullFailure::TlsWrongName,
        ),
        (
            "failed to do request: Head \"https://10.2.3.4/v2/\": x509: cannot validate certificate for 10.2.3.4 because it doesn't contain any IP SANs",
            PullFailure::TlsWrongName,
        ),
        (
            "failed to do request: Head \"https://r.example/v2/shop/web/manifests/9\": http: server gave HTTP response to HTTPS client",
            PullFailure::HttpToHttps,
        ),
        (
            "failed to copy: httpReadSeeker: failed open: unexpected status code https://r.example/v2/shop/web/manifests/sha256:ab: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit.",
            PullFailure::RateLimit,
        ),
        (
            "unexpected status from HEAD request to https://r.example/v2/shop/web/manifests/9: 503 Service Unavailable",
            PullFailure::ServerError { status: 503 },
        ),
        (
            "unexpected status code [manifests 9]: 500 Internal Server Error",
            PullFailure::ServerError { status: 500 },
        ),
        (
            "failed to authorize: failed to fetch oauth token: unexpected status from POST request to https://r.example/token: 502 Bad Gateway",
            PullFailure::ServerError { status: 502 },
        ),
        (
            "no match for platform in manifest: not found",
            PullFailure::Platform,
        ),
        (
            "no match for platform in manifest sha256:1f4d: not found",
            PullFailure::Platform,
        ),
        (
            "failed to extract layer sha256:ab: write /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/9/fs/x: no space left on device: unknown",
            PullFailure::DiskFull,
        ),
        (
            "failed to copy: write /var/lib/containerd/io.containerd.content.v1.content/ingest/9/data: no space left on device",
            PullFailure::DiskFull,
        ),
        (
            "failed to unpack image on snapshotter overlayfs: failed to extract layer sha256:ab: failed to get reader from content store: content digest sha256:cd: not found",
            PullFailure::Corrupt,
        ),
        (
            "failed to copy: httpReadSeeker: failed open: unexpected commit digest sha256:a, expected sha256:b: failed precondition",
            PullFailure::Corrupt,
        ),
        (
            "media type \"application/vnd.docker.distribution.manifest.v1+prettyjws\" is no longer supported since containerd v2.1, please rebuild the image",
            PullFailure::UnsupportedManifest,
        ),
        (
            "unexpected media type text/html for sha256:ab: not found",
            PullFailure::UnsupportedManifest,
        ),
        ("context deadline exceeded", PullFailure::ConnectTimeout),
        (
            "failed to do request: Head \"https://r.example/v2/shop/web/manifests/9\": context deadline exceeded",
            PullFailure::ConnectTimeout,
        ),
        (
            "failed to authorize: failed to fetch anonymous token: Get \"https://auth.example/token?scope=x\": context deadline exceeded",
            PullFailure::ConnectTimeout,
        ),
        (
            "failed to authorize: failed to fetch anonymous token: Get \"https://auth.example/token?scope=x\": EOF",
            PullFailure::Broken,
        ),
        (
            "failed to authorize: failed to fetch oauth token: Post \"https://auth.example/token\": read tcp 10.0.0.5:1->10.0.0.6:443: read: connection reset by peer",
            PullFailure::Broken,
        ),
        ("context canceled", PullFailure::Deadline),
        (
            "the moon was full: unknown",
            PullFailure::Other {
                detail: "the moon was full".to_owned(),
            },
        ),
    ];
    for (words, failure) in rows {
        pull(&format!("{HEAD}{words}"), failure.clone());
    }
}

#[test]
fn docker_and_crio() {
    let rows: &[(&str, PullFailure)] = &[
        (
            "Error response from daemon: pull access denied for r.example/shop/web, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
            unauthorized(None, true, false),
        ),
        (
            "Error response from daemon: manifest for r.example/shop/web:9 not found: manifest unknown: manifest unknown",
            PullFailure::NotFound,
        ),
        (
            "Error response from daemon: repository r.example/shop/web not found: does not exist or no pull access",
            unauthorized(None, true, false),
        ),
        (
            "Error response from daemon: unauthorized: authentication required",
            unauthorized(None, false, false),
        ),
        (
            "Error response from daemon: Get https://r.example/v2/shop/web/manifests/9: no basic auth credentials",
            unauthorized(Some(true), false, false),
        ),
        (
            "Error response from daemon: Get https://r.example/v2/: net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
            PullFailure::ConnectTimeout,
        ),
        (
            "Error response from daemon: Get https://r.example/v2/: dial tcp: lookup r.example: Temporary failure in name resolution",
            dns("r.example"),
        ),
        (
            "Error response from daemon: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating",
            PullFailure::RateLimit,
        ),
        (
            "Error response from daemon: received unexpected HTTP status: 503 Service Unavailable",
            PullFailure::ServerError { status: 503 },
        ),
        (
            "error parsing HTTP 502 response body: invalid character '<' looking for beginning of value",
            PullFailure::ServerError { status: 502 },
        ),
        (
            "no matching manifest for linux/arm64/v8 in the manifest list entries",
            PullFailure::Platform,
        ),
        (
            "image operating system \"windows\" cannot be used on this platform",
            PullFailure::Platform,
        ),
        (
            "failed to register layer: Error processing tar file(exit status 1): write /usr/x: no space left on device",
            PullFailure::DiskFull,
        ),
        (
            "failed to register layer: Error processing tar file(exit status 1): archive/tar: invalid tar header",
            PullFailure::Corrupt,
        ),
        (
            "filesystem layer verification failed for digest sha256:ab",
            PullFailure::Corrupt,
        ),
        (
            "Error reading manifest 9 in r.example/shop/web: manifest unknown: manifest unknown",
            PullFailure::NotFound,
        ),
        (
            "reading manifest 9 in r.example/shop/web: name unknown: The repository with name 'shop/web' does not exist in the registry",
            PullFailure::NotFound,
        ),
        (
            "initializing source docker://r.example/shop/web:9: reading manifest 9 in r.example/shop/web: manifest unknown",
            PullFailure::NotFound,
        ),
        (
            "initializing source docker://r.example/shop/web:9: reading manifest 9 in r.example/shop/web: errors:\\ndenied: requested access to the resource is denied\\nunauthorized: authentication required",
            unauthorized(None, false, false),
        ),
        (
            "initializing source docker://r.example/shop/web:9: pinging container registry r.example: Get \"https://r.example/v2/\": dial tcp 10.2.3.4:443: connect: connection refused",
            PullFailure::Refused,
        ),
        (
            "initializing source docker://r.example/shop/web:9: Requesting bearer token: invalid status code from registry 403 (Forbidden)",
            unauthorized(None, false, false),
        ),
        (
            "unable to retrieve auth token: invalid username/password: unauthorized",
            unauthorized(Some(false), false, false),
        ),
        (
            "choosing image instance: no image found in image index for architecture arm64, variant \"v8\", OS linux",
            PullFailure::Platform,
        ),
        (
            "Source image rejected: A signature was required, but no signature exists",
            PullFailure::Signature,
        ),
        (
            "copying system image from manifest list: writing blob: storing blob to file \"/var/tmp/x\": write /var/tmp/x: no space left on device",
            PullFailure::DiskFull,
        ),
        (
            "short-name \"web\" did not resolve to an alias and no unqualified-search registries are defined in \"/etc/containers/registries.conf\"",
            PullFailure::InvalidName,
        ),
        (
            "error getting credentials - err: exec: \"docker-credential-gcr\": executable file not found in $PATH, out: ``",
            PullFailure::CredentialPlugin,
        ),
    ];
    for (words, failure) in rows {
        pull(words, failure.clone());
    }
}

#[test]
fn kubelet() {
    let image = "nginx:9";
    says(
        "Failed",
        "Failed to pull image \"nginx:9\": pull QPS exceeded",
        &[failed(image, None, PullFailure::KubeletLimit)],
    );
    says(
        "Failed",
        "Failed to pull image \"nginx:9\": pull QPS exceeded.",
        &[failed(image, None, PullFailure::KubeletLimit)],
    );
    let never = failed(image, None, PullFailure::PolicyNever);
    says(
        "ErrImageNeverPull",
        "Container image \"nginx:9\" is not present with pull policy of Never",
        std::slice::from_ref(&never),
    );
    says(
        "",
        "Container image \"nginx:9\" is not present with pull policy of Never",
        &[never],
    );
    let bad = |image: &str| failed(image, None, PullFailure::InvalidName);
    says(
        "InspectFailed",
        "Failed to apply default image tag \"Nginx:9\": couldn't parse image reference \"Nginx:9\": invalid reference format: repository name must be lowercase",
        &[bad("Nginx:9")],
    );
    says(
        "InspectFailed",
        "Failed to apply default image tag \"Nginx:9\": couldn't parse image name \"Nginx:9\": invalid reference format",
        &[bad("Nginx:9")],
    );
    says(
        "InvalidImageName",
        "",
        &[Fact::Pull(PullFact::Failed {
            image: None,
            registry: None,
            failure: PullFailure::InvalidName,
        })],
    );
    says(
        "InspectFailed",
        "Failed to inspect image \"nginx:9\": rpc error: code = Unavailable desc = connection error",
        &[failed(
            image,
            None,
            PullFailure::Other {
                detail: "connection error".to_owned(),
            },
        )],
    );
    says(
        "FailedToRetrieveImagePullSecret",
        "Unable to retrieve some image pull secrets (regcred, other); attempting to pull the image may not succeed.",
        &[Fact::Pull(PullFact::SecretsMissing {
            names: vec!["regcred".to_owned(), "other".to_owned()],
        })],
    );
    for text in ["Error: ErrImagePull", "Error: ImagePullBackOff"] {
        says("Failed", text, &[Fact::Pull(PullFact::BackOff { image: None })]);
    }
    says(
        "BackOff",
        "Back-off pulling image \"nginx:9\"",
        &[Fact::Pull(PullFact::BackOff {
            image: Some(image.to_owned()),
        })],
    );
    says("ErrImagePull", "", &[]);
}

#[test]
fn registries() {
    let rows = [
        (
            "Failed to pull image \"nginx:9\": failed to pull and unpack image \"docker.io/library/nginx:9\": failed to resolve reference \"docker.io/library/nginx:9\": docker.io/library/nginx:9: not found",
            Some("docker.io"),
        ),
        (
            "Failed to pull image \"nginx:9\": Error response from daemon: Get https://registry-1.docker.io/v2/: manifest unknown",
            Some("docker.io"),
        ),
        (
            "Failed to pull image \"localhost:5000/nginx:9\": manifest unknown",
            Some("localhost:5000"),
        ),
        ("Failed to pull image \"shop/nginx:9\": manifest unknown", None),
    ];
    for (text, registry) in rows {
        let image = text.split('"').nth(1).unwrap();
        says("Failed", text, &[failed(image, registry, PullFailure::NotFound)]);
    }
}

#[test]
fn progress() {
    let image = || "r.example/web:9".to_owned();
    let done = |took_ms, bytes| {
        Fact::Pull(PullFact::Done {
            image: image(),
            took_ms,
            bytes,
        })
    };
    for reason in ["Pulling", ""] {
        for text in [
            "pulling image \"r.example/web:9\"",
            "Pulling image \"r.example/web:9\"",
        ] {
            says(reason, text, &[Fact::Pull(PullFact::Started { image: image() })]);
        }
    }
    says(
        "Pulled",
        "Successfully pulled image \"r.example/web:9\"",
        &[done(None, None)],
    );
    says(
        "Pulled",
        "Successfully pulled image \"r.example/web:9\" in 1m2.5s",
        &[done(Some(62_500), None)],
    );
    says(
        "Pulled",
        "Successfully pulled image \"r.example/web:9\" in 850ms (12.25s including waiting)",
        &[done(Some(12_250), None)],
    );
    says(
        "Pulled",
        "Successfully pulled image \"r.example/web:9\" in 850ms (850ms including waiting). Image size: 4261574 bytes.",
        &[done(Some(850), Some(4_261_574))],
    );
    says(
        "Pulled",
        "Container image \"r.example/web:9\" already present on machine",
        &[done(None, None)],
    );
    says(
        "Pulled",
        "Container image \"r.example/web:9\" already present on machine and can be accessed by the pod",
        &[done(None, None)],
    );
}

#[test]
fn an_image_may_be_called_anything() {
    for name in [
        "acme/anonymous-ftp",
        "acme/unauthorized-page",
        "acme/docker-credential-ecr",
        "toomanyrequests-proxy",
        "acme/insufficient_scope",
        "acme/no/archive/tar",
    ] {
        for (words, failure) in [
            ("not found", PullFailure::NotFound),
            (
                "unexpected status from HEAD request to https://r.example/v2/NAME/manifests/9: 401 Unauthorized",
                unauthorized(None, false, false),
            ),
            (
                "dial tcp 10.2.3.4:443: connect: connection refused",
                PullFailure::Refused,
            ),
        ] {
            let image = format!("r.example/{name}:9");
            let words = words.replace("NAME", name);
            says(
                "Failed",
                &format!(
                    "Failed to pull image \"{image}\": failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {image}: {words}"
                ),
                &[failed(&image, Some("r.example"), failure)],
            );
        }
    }
    for image in ["anonymous:1", "unauthorized:1", "docker-credential-ecr"] {
        says(
            "Failed",
            &format!("Failed to pull image \"{image}\": dial tcp 10.2.3.4:443: connect: connection refused"),
            &[failed(image, None, PullFailure::Refused)],
        );
    }
}
