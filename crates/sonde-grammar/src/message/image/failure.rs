//! Why a pull failed, from the innermost words of runtime and registry.

use super::super::words::{after, any, detail, innermost, lookup_host, number};
use crate::fact::PullFailure;

/// A failure that its words name without further reading.
type Row = (&'static [&'static str], fn() -> PullFailure);

/// Before the network: these words are decisive wherever they are.
const FIRST: &[Row] = &[
    (&["pull QPS exceeded"], || PullFailure::KubeletLimit),
    (&["pull policy of Never", "ErrImageNeverPull"], || {
        PullFailure::PolicyNever
    }),
    (
        &[
            "no match for platform",
            "no matching manifest for",
            "no image found in image index for",
            "no image found in manifest list for",
            "cannot be used on this platform",
            "does not match the specified platform",
            "no manifest found for platform",
            "no child with platform",
        ],
        || PullFailure::Platform,
    ),
    (
        &[
            "no space left on device",
            "disk quota exceeded",
            "There is not enough space on the disk",
        ],
        || PullFailure::DiskFull,
    ),
    (
        &[
            "toomanyrequests",
            "429 Too Many Requests",
            "parsing HTTP 429",
            "status code 429",
            "status: 429",
            "oo many requests",
            "reached your pull rate limit",
            "TOOMANYREQUESTS",
        ],
        || PullFailure::RateLimit,
    ),
    (
        &[
            "server gave HTTP response to HTTPS client",
            "does not look like a TLS handshake",
        ],
        || PullFailure::HttpToHttps,
    ),
    (
        &[
            "certificate has expired or is not yet valid",
            "certificate has expired",
            "certificate is not yet valid",
        ],
        || PullFailure::TlsExpired,
    ),
    (
        &[
            "certificate is valid for",
            "certificate is not valid for any names",
            "doesn't contain any IP SANs",
            "relies on legacy Common Name",
            "certificate name does not match",
        ],
        || PullFailure::TlsWrongName,
    ),
    (
        &[
            "certificate signed by unknown authority",
            "certificate is not trusted",
            "self-signed certificate",
            "self signed certificate",
        ],
        || PullFailure::TlsUnknownAuthority,
    ),
    (
        &[
            "ignature validation failed",
            "SignatureValidationFailed",
            "Source image rejected",
            "no signature exists",
            "signatures do not match",
            "no matching signatures",
        ],
        || PullFailure::Signature,
    ),
    (
        &[
            "credential provider plugin",
            "credential helper",
            "error getting credentials",
            "docker-credential-",
            "exec plugin",
        ],
        || PullFailure::CredentialPlugin,
    ),
];

/// What the way to the registry may meet. After name lookup, whose failures carry the same words.
const NETWORK: &[Row] = &[
    (&["connection refused", "actively refused"], || {
        PullFailure::Refused
    }),
    (
        &[
            "no route to host",
            "network is unreachable",
            "host is down",
            "host is unreachable",
        ],
        || PullFailure::Unreachable,
    ),
    (
        &[
            "i/o timeout",
            "TLS handshake timeout",
            "while waiting for connection",
            "awaiting headers",
            "connection timed out",
            "connectex: A connection attempt failed",
        ],
        || PullFailure::ConnectTimeout,
    ),
];

/// What the registry's bytes may be. Before "not found": a missing blob in the node's own store is damage, not absence.
const CONTENT: &[Row] = &[
    (
        &[
            "is no longer supported",
            "unexpected media type",
            "unsupported media type",
            "unsupported manifest",
            "schema 1 support",
            "manifest invalid",
            "mediaType in manifest should be",
            "UNSUPPORTED",
            "unsupported docker v1",
        ],
        || PullFailure::UnsupportedManifest,
    ),
    (
        &[
            "unexpected commit digest",
            "unexpected commit size",
            "failed size validation",
            "layer verification failed",
            "invalid tar header",
            "archive/tar:",
            "gzip: invalid",
            "invalid checksum",
            "zstd: ",
            "wrong diff id",
            "diffID",
            "layers mismatch",
            "mismatched image rootfs",
            "Digest did not match",
            "digest mismatch",
            "does not match digest",
            "failed digest verification",
            "from content store: content digest",
            "failed to get reader from content store",
            "parent snapshot ",
            "failed to stat parent",
            "corrupted blob",
            "magic number mismatch",
        ],
        || PullFailure::Corrupt,
    ),
    (
        &[
            "couldn't parse image",
            "invalid reference format",
            "invalid image name",
            "must be lowercase",
            "InvalidImageName",
            "default image tag",
            "did not resolve to an alias",
            "no unqualified-search registries",
            "could not parse reference",
            "failed to parse image",
            "failed to normalize image reference",
        ],
        || PullFailure::InvalidName,
    ),
];

/// A connection that broke; after the registry's answers, which may end in `EOF` too.
const LATE: &[Row] = &[
    (
        &[
            "connection reset by peer",
            "unexpected EOF",
            ": EOF",
            "broken pipe",
            "use of closed network connection",
            "GOAWAY",
            "stream error",
            "server closed idle connection",
            "forcibly closed by the remote host",
        ],
        || PullFailure::Broken,
    ),
    (
        &[
            "deadline exceeded",
            "DeadlineExceeded",
            "context canceled",
            "request canceled",
            "timed out",
            "pull progress",
            "no progress",
        ],
        || PullFailure::Deadline,
    ),
];

const UNAUTHORIZED: &[&str] = &[
    "pull access denied",
    "insufficient_scope",
    "nauthorized",
    "UNAUTHORIZED",
    "403 Forbidden",
    "Forbidden",
    "status code 401",
    "status code 403",
    "status: 401",
    "status: 403",
    "parsing HTTP 401",
    "parsing HTTP 403",
    "from registry 401",
    "from registry 403",
    "requested access to the resource is denied",
    "authentication required",
    "no basic auth credentials",
    "authorization failed",
    "failed to fetch anonymous token",
    "failed to fetch oauth token",
    "DENIED",
    "denied on resource",
    "Permission denied for ",
    "does not have permission",
    "ccess denied",
    "ccess forbidden",
    "no pull access",
    "invalid username/password",
    "token has expired",
    "Unauthenticated request",
    "unable to retrieve auth token",
];

const NOT_FOUND: &[&str] = &[
    "not found",
    "Not Found",
    "manifest unknown",
    "MANIFEST_UNKNOWN",
    "name unknown",
    "NAME_UNKNOWN",
    "repository does not exist",
    "was deleted or has expired",
    "NotFound",
    "status code 404",
    "parsing HTTP 404",
    "repository name not known",
    "no such image",
    "No such image",
];

/// Why the pull failed.
pub(super) fn failure(text: &str) -> PullFailure {
    // CRI-O tells the mirrors' failures before the registry's own, which is the one that counts.
    let own = after(text, "Mirrors also failed: ").and_then(|rest| rest.rsplit_once("]): "));
    let text = own.map_or(text, |(_, own)| own);
    let told = without_image(text);
    known(told.as_deref().unwrap_or(text)).unwrap_or_else(|| PullFailure::Other { detail: words(text) })
}

fn known(text: &str) -> Option<PullFailure> {
    // `no such host` of a proxy or a token host counts like the registry's own.
    by(FIRST, text)
        .or_else(|| {
            lookup_host(text).map(|host| PullFailure::Dns {
                host: host.to_owned(),
            })
        })
        .or_else(|| {
            text.contains("no such host")
                .then(|| PullFailure::Dns { host: dialed(text) })
        })
        .or_else(|| by(NETWORK, text))
        .or_else(|| server_error(text).map(|status| PullFailure::ServerError { status }))
        .or_else(|| by(CONTENT, text))
        .or_else(|| while_asking(text))
        .or_else(|| unauthorized(text))
        .or_else(|| any(text, NOT_FOUND).then_some(PullFailure::NotFound))
        .or_else(|| by(LATE, text))
}

/// A registry or token host that was asked and did not answer to the end: no word about logins, nor a slow image.
fn while_asking(text: &str) -> Option<PullFailure> {
    const ASKING: &[&str] = &[
        "failed to resolve reference",
        "failed to resolve image",
        "failed to do request: Head ",
        "pinging container registry",
        "failed to fetch anonymous token: ",
        "failed to fetch oauth token: ",
    ];
    const ANSWERED: &[&str] = &["unexpected status", "status code", "denied", "nauthorized"];
    if !any(text, ASKING) || any(text, ANSWERED) {
        return None;
    }
    match by(LATE, text)? {
        PullFailure::Deadline if !text.contains("canceled") => Some(PullFailure::ConnectTimeout),
        PullFailure::Broken => Some(PullFailure::Broken),
        _ => None,
    }
}

/// The text without the image's own name, which may be made of words that mean something here.
fn without_image(text: &str) -> Option<String> {
    let image = super::image(text)?;
    let path = image.split('@').next().unwrap_or_default();
    let path = super::registry_of(path).map_or(path, |host| path[host.len()..].trim_start_matches('/'));
    let tag = path.rfind(':').filter(|at| !path[*at..].contains('/'));
    let bare = tag.map_or(path, |at| &path[..at]);
    // A name of one part may be an ordinary word: only with its tag it is surely the image.
    let name = if bare.contains(['/', '-']) { bare } else { path };
    let is_word = !name.contains(['/', '-', ':']);
    (!is_word && text.contains(name)).then(|| text.replace(name, "_"))
}

/// The innermost words, without the image that stands before them once more.
fn words(text: &str) -> String {
    let words = innermost(text, WRAPPERS);
    let image = words.strip_prefix('"').and_then(|rest| rest.split_once("\": "));
    image.map_or_else(|| words.clone(), |(_, error)| detail(error))
}

/// Wrappers whose content is what counts.
const WRAPPERS: &[&str] = &[
    "ErrImagePull: ",
    "failed to resolve reference ",
    "failed to resolve image ",
    "Failed to pull image ",
    "failed to pull and unpack image ",
    "Failed to inspect image ",
    "failed commit on ref ",
    "Error response from daemon: ",
    "failed to copy: ",
    "failed to do request: ",
    "failed to extract layer ",
    "desc = ",
];

fn by(rows: &[Row], text: &str) -> Option<PullFailure> {
    rows.iter()
        .find(|(markers, _)| any(text, markers))
        .map(|(_, make)| make())
}

/// The host before `: no such host` when the word `lookup` is cut off.
fn dialed(text: &str) -> String {
    super::super::words::name_before(text, ": no such host")
        .unwrap_or_default()
        .to_owned()
}

/// 5xx, in the ways that clients print a status.
fn server_error(text: &str) -> Option<u16> {
    const LEADS: &[&str] = &[
        "unexpected status: ",
        "HTTP status: ",
        "status code: ",
        "StatusCode: ",
        "parsing HTTP ",
        "HTTP status ",
    ];
    const PHRASES: &[(&str, u16)] = &[
        ("500 Internal Server Error", 500),
        ("502 Bad Gateway", 502),
        ("503 Service", 503),
        ("504 Gateway", 504),
    ];
    let lead = LEADS
        .iter()
        .filter_map(|lead| after(text, lead).and_then(number))
        .find(|status| (500..600).contains(status));
    if let Some(status) = lead {
        return u16::try_from(status).ok();
    }
    // `unexpected status code [manifests 1.0]: 503`, `unexpected status from HEAD request to https://...: 503`.
    if let Some(tail) = after(text, "unexpected status") {
        let status = tail
            .split(": ")
            .skip(1)
            .filter_map(number)
            .find(|status| (500..600).contains(status));
        if let Some(status) = status {
            return u16::try_from(status).ok();
        }
    }
    PHRASES
        .iter()
        .find(|(phrase, _)| text.contains(phrase))
        .map(|(_, status)| *status)
}

fn unauthorized(text: &str) -> Option<PullFailure> {
    // The file system's `permission denied: ...` while unpacking is no answer of a registry.
    let denied = || {
        text.match_indices("denied: ")
            .any(|(at, _)| !text[..at].ends_with("ermission "))
    };
    if !any(text, UNAUTHORIZED) && !denied() {
        return None;
    }
    // A token endpoint that answers 404 is still no word about the image.
    let anonymous = if any(
        text,
        &[
            "anonymous token",
            "no basic auth credentials",
            "Unauthenticated request",
            "anonymous",
        ],
    ) {
        Some(true)
    } else if any(
        text,
        &[
            "oauth token",
            "invalid username/password",
            "ncorrect username or password",
            "token has expired",
        ],
    ) {
        Some(false)
    } else {
        None
    };
    const MAYBE: &[&str] = &[
        "does not exist or",
        "may not exist",
        "doesn't exist or",
        "not exist or you",
        "does not exist, or",
        "not found: does not exist",
    ];
    const EXPIRED: &[&str] = &[
        "token has expired",
        "token is expired",
        "password has expired",
        "expired token",
        "credentials have expired",
        "ExpiredToken",
    ];
    Some(PullFailure::Unauthorized {
        anonymous,
        maybe_missing: any(text, MAYBE),
        expired: any(text, EXPIRED),
    })
}
