//! What the causes about a language's own memory limits share: the program says that its heap is full.

use sonde_grammar::log::AppSign;
use sonde_model::{Quantity, Risk, bytes_text};

use super::kills::container_limit;
use crate::{Case, Facts, Seen};

/// One such limit.
pub(super) struct Own {
    /// The clause of the headline: "its Java heap is full".
    pub(super) what: &'static str,
    /// The setting's names, searched in env, command and args.
    pub(super) settings: &'static [&'static str],
    /// What to do.
    pub(super) advice: &'static str,
}

/// So many lines later another error is another trouble; stack traces lie between the lines of one.
const LAST_WORDS_LINES: usize = 200;
/// Who writes so many lines more has survived.
const SURVIVED_LINES: usize = 1_000;

/// No trouble of its own: what the program listens on, waits for or was told.
fn is_context(sign: &AppSign) -> bool {
    matches!(
        sign,
        AppSign::ListeningOn { .. } | AppSign::Waiting { .. } | AppSign::Signal { .. } | AppSign::Finished
    )
}

/// States the case of a program that says `sign` before its end.
pub(super) fn state(facts: &Facts<'_>, case: &mut Case, own: &Own, sign: impl Fn(&AppSign) -> bool) {
    if facts.is_text() {
        return from_text(facts, case, own, sign);
    }
    let Some((code, ended)) = facts.exit() else { return };
    if code == 0 {
        return;
    }
    let words = facts.own_words();
    let Some((at, line)) = words
        .iter()
        .find(|(word, _)| sign(&word.sign))
        .map(|(word, seen)| (word.line, seen.clone()))
    else {
        return;
    };
    // A program that goes on for long after it has survived the full heap, and ends of something else.
    let last = facts.log().map_or(at, <[String]>::len);
    let survived = last.saturating_sub(at) > SURVIVED_LINES
        || words
            .iter()
            .any(|(word, _)| !is_context(&word.sign) && word.line > at + LAST_WORDS_LINES);
    let by_kernel = facts
        .episode
        .run
        .as_ref()
        .is_some_and(|run| run.end.reason == "OOMKilled");
    if survived || by_kernel {
        // The kernel ended it; the full heap may be why its memory grew.
        case.hinted_by(line.clone());
    } else if facts.killing().is_some() {
        // The kubelet ended it; the full heap may be why its probe failed.
        case.supported_by(line.clone());
    } else {
        case.proven_by(line.clone());
    }
    let who = facts.container_phrase();
    let set = setting(facts, own.settings);
    if let Some((text, seen)) = &set {
        case.step(format!("it is started with {text}"), [seen.clone()]);
    }
    if let Some((bytes, seen)) = container_limit(facts) {
        case.step(
            format!("{who} may use {} of memory in all", bytes_text(bytes)),
            [seen],
        );
    }
    case.step(format!("{} before its end", own.what), [line]);
    case.step(format!("its process ends with exit code {code}"), [ended]);
    let with = set.map_or(String::new(), |(text, _)| format!(" ({text})"));
    case.headline(format!("{who} ends with exit code {code}: {}{with}", own.what));
    case.advice(own.advice, Risk::Restart);
    case.look("what it says before its end", facts.logs_command());
}

/// A log alone: whether the program ended of it is not told. More specific than what else such a log says.
fn from_text(facts: &Facts<'_>, case: &mut Case, own: &Own, sign: impl Fn(&AppSign) -> bool) {
    let Some((_, line)) = facts.own_words().into_iter().find(|(word, _)| sign(&word.sign)) else {
        return;
    };
    case.supported_by(line.clone());
    case.step(format!("the application says that {}", own.what), [line]);
    case.headline(format!("the application says that {}", own.what));
    case.advice(own.advice, Risk::Restart);
    case.look(
        "its memory limit and how it ended: its pod's description, pasted as well, tells",
        "kubectl describe pod NAME -n NAMESPACE",
    );
}

/// A word of the environment, command or args that begins with one of `names`.
pub(super) fn setting(facts: &Facts<'_>, names: &[&str]) -> Option<(String, Seen)> {
    let (container, path) = facts.container()?;
    let find = |text: &str| {
        let word = text
            .split_whitespace()
            .rfind(|word| names.iter().any(|name| word.starts_with(name)));
        word.map(|word| word.trim_matches(['"', '\'']).to_owned())
    };
    for (list, words) in [("args", &container.args), ("command", &container.command)] {
        if let Some(word) = words.iter().rev().find_map(|text| find(text)) {
            return Some((word.clone(), facts.field(&format!("{path}.{list}"), word)));
        }
    }
    container.env.iter().enumerate().find_map(|(at, variable)| {
        let word = find(variable.value.as_deref()?)?;
        Some((
            word.clone(),
            facts.field(&format!("{path}.env[{at}] {}", variable.name), word),
        ))
    })
}

/// `-Xmx2g`, `--max-old-space-size=4096` (MiB) in bytes.
pub(super) fn bytes_of(word: &str) -> Option<i64> {
    let digits_at = word.find(|c: char| c.is_ascii_digit())?;
    let (number, unit) = word[digits_at..].split_at(
        word[digits_at..]
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(word.len() - digits_at),
    );
    let number: i64 = number.parse().ok()?;
    let factor = match unit.chars().next().map(|c| c.to_ascii_lowercase()) {
        Some('k') => 1 << 10,
        Some('m') => 1 << 20,
        Some('g') => 1 << 30,
        Some('t') => 1 << 40,
        None if word.starts_with("--max-old-space-size") => 1 << 20,
        None => 1,
        Some(_) => return Quantity::parse(&word[digits_at..]).ok().map(Quantity::units),
    };
    number.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::bytes_of;

    #[test]
    fn sizes_as_the_runtimes_read_them() {
        for (word, bytes) in [
            ("-Xmx512m", Some(512 << 20)),
            ("-Xmx2G", Some(2 << 30)),
            ("-Xmx1048576", Some(1 << 20)),
            ("--max-old-space-size=4096", Some(4096 << 20)),
            ("-Xmx", None),
        ] {
            assert_eq!(bytes_of(word), bytes, "{word}");
        }
    }
}
