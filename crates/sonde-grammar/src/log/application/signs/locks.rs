//! Something that one process holds and another one wants.

use super::*;

pub(super) const NEEDLES: &[&str] = &[
    "unable to lock",
    "could not lock",
    "cannot lock",
    "failed to lock",
    "unable to acquire lock",
    "failed to obtain node lock",
    "lock db directory",
    "lock file",
    "lockfile",
    "dbpathinuse",
    "lockobtainfailed",
    "lock held by",
    "acquiring the state lock",
    "already locked",
    "another instance is",
    "another instance of",
    "another mongod instance",
    "is another process using",
    "cannot lock file",
];

/// What is held, where the line says that it is.
pub(super) fn locked(line: &Line<'_>) -> Option<AppSign> {
    const HELD: [&str; 12] = [
        "unable to",
        "could not",
        "cannot",
        "failed to",
        "error",
        "already",
        "another",
        "resource temporarily unavailable",
        "is held",
        "lock held by",
        "lockobtainfailed",
        "would block",
    ];
    // A lock that cannot be made for want of rights or room is another matter.
    const OTHER: [&str; 5] = [
        "permission denied",
        "read-only file system",
        "no space left",
        "no such file",
        "not permitted",
    ];
    (!line.is_calm() && line.has_any(&HELD) && !line.has_any(&OTHER)).then(|| AppSign::Locked {
        detail: line.detail(),
    })
}
