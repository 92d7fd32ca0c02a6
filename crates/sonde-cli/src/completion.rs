//! Completion of values: types, codes, and the names of live objects where the cluster answers fast.

use std::ffi::OsStr;

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use sonde_model::Kind;

use crate::explain;

/// `TYPE/NAME`: types first, then, after the slash or after a TYPE, names from the cluster.
pub(crate) fn objects() -> ArgValueCompleter {
    ArgValueCompleter::new(complete_objects)
}

/// Namespaces of the cluster.
pub(crate) fn namespaces() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| live_names(&Kind::Namespace, current, ""))
}

/// Contexts of the kubeconfig.
pub(crate) fn contexts() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        starting_with(crate::live::context_names(&words_so_far()), current, "")
    })
}

/// Codes of causes.
pub(crate) fn codes() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let wanted = current.to_string_lossy().to_ascii_uppercase();
        explain::catalog()
            .into_iter()
            .filter(|entry| entry.code.starts_with(&wanted))
            .map(|entry| CompletionCandidate::new(entry.code).help(Some(entry.title.into())))
            .collect()
    })
}

fn complete_objects(current: &OsStr) -> Vec<CompletionCandidate> {
    let word = current.to_string_lossy();
    if let Some((kind, _)) = word.split_once('/') {
        let Some(kind) = Kind::from_user(kind) else {
            return Vec::new();
        };
        return live_names(&kind, current, &word[..=word.find('/').unwrap_or_default()]);
    }
    if let Some(kind) = open_type(&words_so_far()) {
        return live_names(&kind, current, "");
    }
    Kind::KNOWN
        .iter()
        .filter_map(|kind| kind.info())
        .map(|info| info.kind.to_ascii_lowercase())
        .filter(|name| name.starts_with(&word.to_ascii_lowercase()))
        .map(CompletionCandidate::new)
        .collect()
}

/// The command that is being written. The shells' scripts put it behind `--`; kubectl gives it as it is.
fn words_so_far() -> Vec<String> {
    let all: Vec<String> = std::env::args().collect();
    match all.iter().position(|word| word == "--") {
        Some(at) if std::env::var_os("COMPLETE").is_some() => all[at + 1..].to_vec(),
        _ => all,
    }
}

/// The TYPE that was written last and whose names are to follow.
fn open_type(words: &[String]) -> Option<Kind> {
    let (_, before_current) = words.split_last()?;
    before_current
        .iter()
        .skip(2)
        .filter(|word| !word.starts_with('-') && !word.contains('/'))
        .find_map(|word| Kind::from_user(word))
}

fn live_names(kind: &Kind, current: &OsStr, prefix: &str) -> Vec<CompletionCandidate> {
    starting_with(crate::live::object_names(kind, &words_so_far()), current, prefix)
}

fn starting_with(names: Vec<String>, current: &OsStr, prefix: &str) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    names
        .into_iter()
        .map(|name| format!("{prefix}{name}"))
        .filter(|name| name.starts_with(&*current))
        .map(CompletionCandidate::new)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_opens_its_names() {
        let words = |words: &[&str]| -> Vec<String> { words.iter().map(|word| (*word).to_owned()).collect() };
        assert_eq!(
            open_type(&words(&["sonde", "diagnose", "pod", ""])),
            Some(Kind::Pod)
        );
        assert_eq!(open_type(&words(&["sonde", "diagnose", ""])), None);
        assert_eq!(open_type(&words(&["sonde", "diagnose", "pod/a", ""])), None);
        assert_eq!(
            open_type(&words(&["sonde", "diagnose", "-A", "sts", "a"])),
            Some(Kind::StatefulSet)
        );
    }
}
