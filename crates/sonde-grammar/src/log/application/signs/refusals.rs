//! Who refuses: the kernel a file, a port or a call, or a peer a request.
//!
//! "permission denied" is errno's word (EACCES) and that of many APIs; what stands beside it tells which.

use super::*;
use crate::log::application::extract::peer;

/// Words of a refusal of either kind.
pub(super) const DENIED: &[&str] = &[
    "permission denied",
    "permission_denied",
    "eacces",
    "operation not permitted",
    "eperm",
    "accessdeniedexception",
    "permissionerror",
    "permissiondenied",
    "does not have the access rights to",
];

/// Words of a peer alone: an API, a cloud, a broker, a database that knows users.
pub(super) const FORBIDDEN: &[&str] = &[
    "403 forbidden",
    "accessdenied:",
    // Kubernetes' own refusal (k8s.io/apimachinery, pkg/api/errors, NewForbidden).
    "is forbidden: user",
    "is not authorized to perform",
    "does not have authorization to perform",
    "not authorized on ",
    "not authorized to access",
    "noperm ",
    "is unauthorized for user",
    "permissions violation",
    "access_refused",
    "authorizationfailed",
    "authorizationexception",
    "lacks permission",
    "insufficient permission",
    "insufficient_scope",
    "caller does not have permission",
    "insufficient privileges",
    "command denied to user",
];

/// Words beside a refusal that say that a peer speaks, not the kernel.
const PEERS: &[&str] = &[
    "://",
    "http",
    "rpc error",
    "grpc",
    "permissiondenied",
    "permission_denied",
    "googleapi",
    "api error",
    "api request",
    "publickey",
    "keyboard-interactive",
    "sqlstate",
    "etcdserver",
    "policy",
    "iam",
    "rbac",
    "token",
    "acl ",
    "on resource",
    "on project",
    "for project",
    "status code",
    "status: 403",
    "request id",
    "requestid",
];

/// Words beside a refusal that say that the kernel speaks, whatever else is said: what was called and fails so.
const CALLS: &[&str] = &[
    "open ",
    "open(",
    "mkdir",
    "unlink",
    "chown",
    "chmod",
    "rename",
    "stat ",
    "bind",
    "listen tcp",
    "listen unix",
    "dial unix",
    "unix://",
    ".sock",
    "exec ",
    "[errno 13]",
    "[errno 1]",
    "(13: permission denied)",
    "os error 13",
    "os error 1)",
    "eacces",
    "eperm",
];

/// A refusal as the line tells it.
pub(super) fn denied(line: &Line<'_>) -> Option<AppSign> {
    // What a path is made of says nothing.
    let spoken: Vec<&str> = line
        .text
        .split_whitespace()
        .filter(|word| {
            !word
                .trim_start_matches(['"', '\'', '(', '`', '['])
                .starts_with('/')
        })
        .collect();
    let spoken = spoken.join(" ");
    let spoken = Line::new(&spoken);
    let by_peer = says_status(&spoken)
        || spoken.has_any(PEERS) && !spoken.has_any(CALLS)
        || spoken.has("publickey")
        || is_grpc(&spoken);
    if by_peer {
        return forbidden(line);
    }
    Some(AppSign::PermissionDenied {
        path: path(line.text).or_else(|| target(line.text)),
    })
}

pub(super) fn forbidden(line: &Line<'_>) -> Option<AppSign> {
    Some(AppSign::Forbidden {
        peer: peer(line.text),
        detail: line.detail(),
    })
}

fn is_grpc(line: &Line<'_>) -> bool {
    line.has("rpc error: code = permissiondenied") || line.has("status_code.permission_denied")
}

/// 401 or 403 as a number of its own, beside a word that such a number has.
fn says_status(line: &Line<'_>) -> bool {
    const BESIDE: [&str; 7] = [
        "code",
        "status",
        "error",
        "http",
        "response",
        "forbidden",
        "returned",
    ];
    let number = line
        .lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| matches!(word, "401" | "403"));
    number && line.has_any(&BESIDE)
}
