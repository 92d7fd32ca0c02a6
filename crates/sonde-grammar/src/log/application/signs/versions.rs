//! Parts that are there and do not fit each other: a library older than the program was built for, a module without the
//! name that another one takes from it.

use super::*;
use crate::log::scan::between;

pub(super) const NEEDLES: &[&str] = &[
    "glibc_",
    "glibcxx_",
    "cxxabi_",
    "symbol not found",
    "undefined symbol",
    "symbol lookup error",
    "cannot import name",
    "nosuchmethoderror",
    "nosuchfielderror",
    "abstractmethoderror",
    "incompatibleclasschangeerror",
    "unsupportedclassversionerror",
    "missingmethodexception",
    "manifest definition does not match",
    "node_module_version",
    "module version mismatch",
    "abi version",
    "abi mismatch",
    "version mismatch",
    "binary incompatibility",
    "incompatible library version",
    "built with a different version of package",
    "does not provide an export named",
    "dependencies require a php version",
    "compiled by a more recent version",
];

/// What does not fit, where the line is about that.
pub(super) fn mismatch(line: &Line<'_>) -> Option<AppSign> {
    // Two sides of a connection agree on versions as well.
    if line.is_calm() || line.has_any(&["tls", "ssl", "protocol version", "handshake"]) {
        return None;
    }
    // A library that is missing altogether, and names of versions in other talk.
    if line.has("cannot open shared object") {
        return None;
    }
    let libc = ["GLIBC_", "GLIBCXX_", "CXXABI_"]
        .iter()
        .find_map(|sign| line.text.find(sign))
        .map(|at| word(&line.text[at..], &['\'', '"', '`', '\u{2019}', ')', ',']));
    if libc.is_some() && !line.has("not found") {
        return None;
    }
    let what = libc
        .map(str::to_owned)
        .or_else(|| named(line.text, "cannot import name "))
        .or_else(|| after(line.text, "undefined symbol: ").map(|rest| word(rest, &[',', ';']).to_owned()))
        .or_else(|| {
            // musl: `Error relocating /app/x: __res_init: symbol not found`.
            let (before, _) = line.text.split_once(": symbol not found")?;
            before.rsplit(": ").next().map(str::to_owned)
        })
        .or_else(|| named(line.text, "export named "));
    let of = match libc {
        Some(_) => line
            .text
            .split(": version ")
            .next()
            .filter(|before| before.len() < line.text.len())
            .and_then(|before| before.rsplit([' ', ':']).find(|word| word.contains('/')))
            .map(str::to_owned),
        None => between(line.text, " from '", "'")
            .or_else(|| between(line.text, " from partially initialized module '", "'"))
            .or_else(|| between(line.text, "requested module '", "'"))
            .map(str::to_owned),
    };
    Some(AppSign::VersionMismatch {
        what: what.filter(|what| !what.is_empty()),
        of,
        detail: line.detail(),
    })
}

fn named(text: &str, sign: &str) -> Option<String> {
    let rest = after(text, sign)?.trim_start_matches(['\'', '"']);
    Some(word(rest, &['\'', '"', ',']).to_owned())
}
