//! Lines that quote, count or list what others did: they never tell why the program itself ended.

use super::signs::Line;

const METHODS: [&str; 9] = [
    "GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "CONNECT", "TRACE",
];
/// Keys of structured lines whose values are the program's words.
const SAYING: [&str; 14] = [
    "err",
    "error",
    "msg",
    "message",
    "reason",
    "cause",
    "detail",
    "details",
    "level",
    "lvl",
    "severity",
    "exception",
    "stack",
    "status",
];
/// How sentences begin that say what to do in a case.
const CASES: [&str; 8] = [
    "if ",
    "when ",
    "whenever ",
    "in case ",
    "make sure ",
    "verify that ",
    "check the ",
    "check that ",
];
/// Words of sentences that explain what something is.
const EXPLAINS: [&str; 9] = [
    " means ",
    " means:",
    " indicates ",
    " happens when ",
    " occurs when ",
    " is caused by ",
    " usually ",
    " typically ",
    " for example",
];
/// Who speaks of what happened to him.
const TELLS: [&str; 8] = [
    " i ", " i'm ", " i've ", " my ", " we ", " we're ", " our ", " us ",
];
/// First words of entries of a list of changes.
const CHANGES: [&str; 18] = [
    "fix",
    "fixed",
    "fixes",
    "add",
    "added",
    "adds",
    "change",
    "changed",
    "remove",
    "removed",
    "improve",
    "improved",
    "docs",
    "feat",
    "chore",
    "deprecated",
    "security",
    "refactor",
];

impl Line<'_> {
    /// The line is a record: a request that was served, a settings dump, a test's output, an entry of a change log.
    pub(super) fn is_record(&self) -> bool {
        self.status_of_request().is_some()
            || self.is_settings()
            || self.is_test_result()
            || self.is_of_test()
            || self.is_change()
    }

    /// A sentence of a guide, a runbook or a wiki page: it says what to do in a case, or what a word means, and reports
    /// nothing that happened.
    pub(crate) fn is_guide(&self) -> bool {
        const WORDS_MIN: usize = 5;
        let text = self
            .lower
            .trim_start_matches(['-', '*', '#', '>', '|', ' ', '\u{2022}']);
        let text = text
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .trim_start_matches(['.', ')', ' ']);
        let is_case = CASES.iter().any(|words| text.starts_with(words));
        if !is_case && !self.has_any(&EXPLAINS) || self.has_level() {
            return false;
        }
        let padded = format!(" {text} ");
        let tells = TELLS.iter().any(|words| padded.contains(words));
        !tells && text.split_whitespace().count() >= WORDS_MIN
    }

    /// A request that was answered; also a refused one shows that the program works.
    pub(super) fn is_served_request(&self) -> bool {
        self.status_of_request().is_some_and(|status| status < 500)
    }

    /// A line of an access log.
    pub(crate) fn is_access(&self) -> bool {
        self.status_of_request().is_some()
    }

    /// The status of an access log's line: a method, a path or URL, and behind them a number of three digits.
    fn status_of_request(&self) -> Option<u16> {
        if self.level_is_loud() {
            return None;
        }
        let mut words = self.text.split_whitespace();
        let found = words
            .by_ref()
            .any(|word| METHODS.contains(&word.trim_start_matches(['"', '[', '\''])));
        let place = found.then(|| words.next()).flatten()?;
        if place.ends_with(':') || !place.starts_with('/') && !place.contains("://") && place != "*" {
            return None;
        }
        let quoted = self.text.contains("HTTP/");
        let status = |word: &str| {
            let (_, word) = word.rsplit_once('=').unwrap_or(("", word));
            let word = word.trim_matches(['"', '[', ']', ',', '(', ')']);
            let code = (word.len() == 3).then(|| word.parse::<u16>().ok()).flatten()?;
            (100..600).contains(&code).then_some(code)
        };
        // Without a protocol's name the status stands right behind the path.
        if quoted {
            words
                .skip_while(|word| !word.contains("HTTP/"))
                .skip(1)
                .find_map(status)
        } else {
            words.take(2).find_map(status)
        }
    }

    /// `loaded settings: on_oom=restart panic_mode=false`: names and plain values, of which none is the program's word,
    /// and its other words are no trouble.
    pub(super) fn is_settings(&self) -> bool {
        if self.level_is_loud() {
            return false;
        }
        let mut pairs = 0;
        let mut rest = String::new();
        for word in self.text.split_whitespace() {
            match word.split_once('=') {
                Some((key, value)) if is_key(key) && is_plain(value) => {
                    if SAYING.contains(&key.to_ascii_lowercase().as_str()) {
                        return false;
                    }
                    pairs += 1;
                }
                _ => {
                    rest.push_str(word);
                    rest.push(' ');
                }
            }
        }
        pairs > 0 && super::signs::sign(&Line::new(&rest)).is_none()
    }

    /// The verdict of a test runner about a test that passed, or about all.
    pub(super) fn is_test_result(&self) -> bool {
        const PASSED: [&str; 6] = [
            "--- PASS",
            "=== RUN",
            "ok  \t",
            "test result: ok",
            "PASSED ",
            "--- SKIP",
        ];
        PASSED.iter().any(|begin| self.text.starts_with(begin)) || self.text == "PASS"
    }

    /// What a test itself says: `conn_test.go:14: got expected error: ...`.
    fn is_of_test(&self) -> bool {
        let first = self.text.split(' ').next().unwrap_or("");
        let file = first.split(':').next().unwrap_or("");
        let of_test = [
            "_test.go", ".test.js", ".test.ts", ".spec.js", ".spec.ts", "_test.py", "_spec.rb",
        ];
        of_test.iter().any(|end| file.ends_with(end))
            || self.has_any(&["expected error", "expected exception"])
    }

    /// `- fixed: panic on empty config`, `fix(core): ...`.
    fn is_change(&self) -> bool {
        let entry = self.text.trim_start_matches(['-', '*', '\u{2022}', ' ']);
        let word = entry
            .split(|c: char| !c.is_ascii_alphabetic())
            .next()
            .unwrap_or("");
        let change = CHANGES.contains(&word.to_ascii_lowercase().as_str());
        let scoped = entry[word.len()..].starts_with('(') && entry.contains("): ");
        change && (self.is_item() || scoped)
    }

    /// An entry of a list.
    pub(super) fn is_item(&self) -> bool {
        ["- ", "* ", "\u{2022} "]
            .iter()
            .any(|begin| self.text.starts_with(begin))
    }

    /// The heading of a list of changes.
    pub(super) fn heads_notes(&self) -> bool {
        const HEADS: [&str; 4] = ["changelog", "change log", "release notes", "what's new"];
        let bare = Line::new(self.text.trim_start_matches(['#', ' ']));
        bare.begins_with_any(&HEADS) && self.text.len() < 80
    }
}

fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

fn is_plain(value: &str) -> bool {
    !value.starts_with(['"', '\''])
}
