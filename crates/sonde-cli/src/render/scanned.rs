//! What was looked at, in words.

use sonde_model::{Kind, Report, SourceKind};

use super::{age, words};

/// The kinds that people count first; the rest is told as a sum.
const FIRST: &[Kind] = &[
    Kind::Pod,
    Kind::Node,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::Job,
    Kind::CronJob,
    Kind::Service,
    Kind::PersistentVolumeClaim,
    Kind::Event,
];

/// `132 pods, 4 nodes, 12 other objects and 1,234 lines`; empty when nothing was read.
pub(super) fn counts(report: &Report) -> String {
    let objects = &report.scanned.objects;
    let mut parts: Vec<String> = FIRST
        .iter()
        .filter_map(|kind| {
            let number = *objects.get(kind)?;
            (number > 0).then(|| words::count(number, &kind.as_str().to_ascii_lowercase()))
        })
        .collect();
    let others: usize = objects
        .iter()
        .filter(|(kind, _)| !FIRST.contains(kind) && **kind != Kind::Namespace)
        .map(|(_, number)| number)
        .sum();
    if others > 0 {
        let noun = if parts.is_empty() {
            "object"
        } else {
            "other object"
        };
        parts.push(words::count(others, noun));
    }
    if report.scanned.lines > 0 {
        parts.push(format!(
            "{} of logs and texts",
            words::count(report.scanned.lines, "line")
        ));
    }
    words::list(&parts)
}

/// ` of context kind-dev (Kubernetes v1.36.1), as of …`, ` in case.tar.zst`, ` in stdin`.
pub(super) fn source(report: &Report) -> String {
    let source = &report.source;
    let mut words = match (source.kind, source.name.as_str()) {
        (_, "") => String::new(),
        (SourceKind::Live, name) => format!(" of context {name}"),
        (SourceKind::Dump | SourceKind::Paste, name) => format!(" in {name}"),
    };
    if let Some(version) = &source.cluster_version {
        words.push_str(&format!(" (Kubernetes {version})"));
    }
    if let Some(time) = source.time {
        words.push_str(&format!(", as of {}", age::absolute(time)));
    }
    words
}

/// ` in 2 namespaces`, where more than one was read.
pub(super) fn namespaces(report: &Report) -> String {
    match report.scanned.objects.get(&Kind::Namespace) {
        Some(&number) if number > 1 => format!(" in {}", words::count(number, "namespace")),
        _ => String::new(),
    }
}
