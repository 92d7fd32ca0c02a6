//! A line of a log as the patterns look at it.

use crate::log::scan::{after, clip_to};

use super::{Weight, readers, sign};

/// Longer details say nothing more.
pub(in crate::log::application) const DETAIL_BYTES_MAX: usize = 512;

/// A line as the table sees it.
pub(crate) struct Line<'a> {
    pub(crate) text: &'a str,
    pub(crate) lower: String,
}

impl<'a> Line<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let text = text.trim();
        Line {
            text,
            lower: text.to_ascii_lowercase(),
        }
    }

    pub(crate) fn has(&self, needle: &str) -> bool {
        self.lower.contains(needle)
    }

    pub(crate) fn has_any(&self, needles: &[&str]) -> bool {
        needles.iter().any(|needle| self.has(needle))
    }

    pub(crate) fn begins_with_any(&self, begins: &[&str]) -> bool {
        begins.iter().any(|begin| self.lower.starts_with(begin))
    }

    pub(super) fn detail(&self) -> String {
        clip_to(self.text, DETAIL_BYTES_MAX).to_owned()
    }

    /// The sign of an error that no pattern knows.
    pub(crate) fn unknown_error(&self) -> super::AppSign {
        super::AppSign::Error {
            message: self.detail(),
        }
    }

    /// The line says of itself that it is no error: its first level word is a calm one.
    pub(crate) fn is_calm(&self) -> bool {
        matches!(self.level(), Some(Level::Info | Level::Warning))
    }

    /// The line calls itself less than a warning, in the place and form of a level.
    pub(crate) fn is_info(&self) -> bool {
        let in_form = |word: &str| {
            let bare = word
                .trim_start_matches("level=")
                .trim_matches(['[', ']', '"', ',', ':']);
            bare.len() < word.len() || bare.bytes().all(|b| b.is_ascii_uppercase())
        };
        let klog = self.text.starts_with("I0") || self.text.starts_with("I1");
        let klog = klog
            && self
                .text
                .as_bytes()
                .iter()
                .skip(1)
                .take(4)
                .all(u8::is_ascii_digit);
        klog || self.level() == Some(Level::Info)
            && self
                .text
                .split(|c: char| c.is_whitespace() || c == '|')
                .take(8)
                .any(|word| {
                    let bare = word.to_ascii_lowercase();
                    let bare = bare
                        .trim_start_matches("level=")
                        .trim_matches(['[', ']', '"', ',', ':']);
                    level_of(bare) == Some(Level::Info) && in_form(word)
                })
    }

    /// The line names a level.
    pub(crate) fn has_level(&self) -> bool {
        self.level().is_some()
    }

    /// The line calls itself an error or worse in the place and form of a level, not in a sentence.
    pub(crate) fn is_loud_in_form(&self) -> bool {
        let loud = |word: &str| {
            let bare = word.to_ascii_lowercase();
            let bare = bare
                .trim_start_matches("level=")
                .trim_matches(['[', ']', '"', ',', ':']);
            matches!(level_of(bare), Some(Level::Error | Level::Fatal))
        };
        let klog = self.level_is_loud() && self.text.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        let mut before = "0";
        klog || self.text.split_whitespace().take(8).any(|word| {
            let marked = word.starts_with(['[', '<']) || word.starts_with("level=");
            let first = std::ptr::eq(word.as_ptr(), self.text.as_ptr()) && word.ends_with(':');
            let upper = word.bytes().all(|b| !b.is_ascii_lowercase());
            let placed = marked || first || upper && before.bytes().any(|b| b.is_ascii_digit() || b == b']');
            before = word;
            placed && loud(word)
        })
    }

    /// The line calls itself an error or worse.
    pub(crate) fn level_is_loud(&self) -> bool {
        matches!(self.level(), Some(Level::Error | Level::Fatal))
    }

    /// The line has the form of a program's death, whatever stands behind it.
    pub(crate) fn is_deadly(&self) -> bool {
        const FORMS: [&str; 9] = [
            "panic:",
            "fatal error:",
            "fatal:",
            "thread '",
            "exception in thread",
            "unhandled exception",
            "uncaught ",
            "terminate called after",
            "unhandledpromiserejection",
        ];
        let threads = !self.lower.starts_with("thread '") || self.has("panicked at");
        self.level() == Some(Level::Fatal)
            || self.begins_with_any(&FORMS) && threads
            || self.has_any(&["[emerg]", "***fatal", "*** fatal"])
    }

    /// The line has the form of an error: by its level, as an exception, or as the words of the system behind what was
    /// tried (`open /data/x: permission denied`).
    pub(crate) fn is_loud(&self) -> bool {
        const SAID: [&str; 4] = ["error: ", " error: ", "err! ", "exception: "];
        self.level_is_loud()
            || self.has_any(&SAID)
            || readers::exception(self).is_some()
            || self.is_rubys()
            || self.ends_as_error()
    }

    /// Ruby's last line: `app.rb:41:in 'connect': no license (RuntimeError)`.
    fn is_rubys(&self) -> bool {
        let class = self
            .text
            .strip_suffix(')')
            .and_then(|text| text.rsplit_once(" ("))
            .map(|(_, class)| class);
        self.has(":in ")
            && class.is_some_and(|class| {
                class.ends_with("Error") || class.contains("Errno::") || class.ends_with("Exception")
            })
    }

    /// The last part behind a colon is what the sign was read from.
    pub(super) fn ends_as_error(&self) -> bool {
        let Some((_, last)) = self.text.rsplit_once(": ") else {
            return false;
        };
        matches!(sign(&Line::new(last)), Some((Weight::Cause | Weight::Death, _)))
    }

    /// The line says of itself that the program dies of it, with more words than that it does.
    pub(crate) fn is_fatal(&self) -> bool {
        /// Words of a farewell: the reason stands in an earlier line.
        const FAREWELLS: [&str; 17] = [
            "exiting",
            "shutting down",
            "aborting",
            "terminating",
            "giving up",
            "startup failed",
            "start-up failed",
            "failed to start",
            "unable to start",
            "could not start",
            "cannot continue",
            "initialization failed",
            "run failed",
            "see above",
            // What was asked for before and did not come.
            "caches to sync",
            "to be synced",
            "never synced",
        ];
        const REASON_WORDS: usize = 5;
        // klog's header is no word.
        let said = match self.is_fatal_by_letter() {
            true => self.text.split_once("] ").map_or("", |(_, said)| said),
            false => self.text,
        };
        self.level() == Some(Level::Fatal)
            && said
                .split_whitespace()
                .filter(|word| word.chars().any(char::is_alphabetic))
                .count()
                >= REASON_WORDS
            && !FAREWELLS.iter().any(|words| self.has(words))
    }

    /// klog's `F1122`.
    pub(super) fn is_fatal_by_letter(&self) -> bool {
        self.text.starts_with('F') && self.level() == Some(Level::Fatal) && !self.lower.starts_with("fatal")
    }

    /// `attempt 2/3`, `try 2 of 3`: this attempt and all.
    pub(crate) fn attempt(&self) -> Option<(u32, u32)> {
        let rest = ["attempt ", "try ", "retry ", "attempt #", "attempt: "]
            .iter()
            .find_map(|sign| {
                after(&self.lower, sign).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            })?;
        let digits = |text: &str| {
            let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            text[..end].parse::<u32>().ok().map(|number| (number, end))
        };
        let (this, end) = digits(rest)?;
        let rest = rest[end..]
            .strip_prefix('/')
            .or_else(|| rest[end..].strip_prefix(" of "))?;
        let (all, _) = digits(rest)?;
        Some((this, all))
    }

    /// The first word among the first ones that names a level.
    fn level(&self) -> Option<Level> {
        if let [kind, b'0' | b'1', a, b, c, b' ', ..] = self.text.as_bytes()
            && [a, b, c].iter().all(|digit| digit.is_ascii_digit())
        {
            // klog: the level's letter, month and day.
            match kind {
                b'I' => return Some(Level::Info),
                b'W' => return Some(Level::Warning),
                b'E' => return Some(Level::Error),
                b'F' => return Some(Level::Fatal),
                _ => {}
            }
        }
        self.lower
            .split(|c: char| c.is_whitespace() || c == ':' || c == '|')
            .take(8)
            .filter_map(|word| {
                let word = word
                    .trim_start_matches("level=")
                    .trim_matches(['[', ']', '"', ',']);
                level_of(word)
            })
            .next()
    }

    /// The line says that the program goes on in spite of what it met.
    pub(crate) fn is_survived(&self) -> bool {
        const SURVIVED: [&str; 16] = [
            "continuing",
            "using default",
            "use default",
            "falling back",
            "using fallback",
            "non-fatal",
            "nonfatal",
            "ignoring",
            "ignored",
            "skipping",
            "not critical",
            "(optional)",
            // Controllers put back what they could not do, and do it again.
            "requeuing",
            "re-queuing",
            "requeueing",
            "please apply your changes to the latest version",
        ];
        SURVIVED.iter().any(|words| self.has(words)) || self.says_retry() || self.is_of_one_request()
    }

    /// Servers that tell of one request or statement which failed, and serve the next: nginx' `[error]` with its client,
    /// PostgreSQL's `ERROR` (what ends a session or the server is `FATAL` or `PANIC`).
    pub(super) fn is_of_one_request(&self) -> bool {
        (self.has(", client: ") && self.has(", request: "))
            || self.has("] error:  ")
            || self.has("handshake error from ")
    }

    /// The line says that the program tries again.
    pub(crate) fn says_retry(&self) -> bool {
        ["retrying", "will retry", "trying again", "reconnecting"]
            .iter()
            .any(|words| self.has(words))
    }

    /// The line says that the program does not try again.
    pub(crate) fn says_it_gives_up(&self) -> bool {
        const GIVES_UP: [&str; 8] = [
            "giving up",
            "gave up",
            "attempts",
            "retries",
            "exhausted",
            "unable to ",
            "could not ",
            "cannot ",
        ];
        !self.says_retry() && !self.is_calm() && GIVES_UP.iter().any(|words| self.has(words))
    }

    /// Of a line that speaks of an end: somebody asked for it.
    pub(crate) fn says_who_asked(&self) -> bool {
        ["signal", "request", "sigterm", "sigint", "interrupt"]
            .iter()
            .any(|words| self.has(words))
    }

    /// A frame of a stack trace.
    pub(crate) fn is_frame(raw: &str) -> bool {
        let text = raw.trim_start();
        let indented = raw.len() > text.len();
        text.starts_with("at ")
            || text.starts_with("... ") && text.ends_with("more")
            || text.starts_with("File \"")
            || text.starts_with("goroutine ")
            || indented && (text.starts_with('/') || text.starts_with("from "))
            || text.starts_with("stack backtrace:")
            || text.eq_ignore_ascii_case("stack trace:")
            // PHP: `#0 /app/a.php(9): start()`.
            || text.starts_with('#') && text[1..].starts_with(|c: char| c.is_ascii_digit())
            || text.starts_with("Traceback (most recent")
    }
}

/// What a line says of its own weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Info,
    Warning,
    Error,
    Fatal,
}

fn level_of(word: &str) -> Option<Level> {
    const LEVELS: [(&str, Level); 14] = [
        ("info", Level::Info),
        ("debug", Level::Info),
        ("trace", Level::Info),
        ("warn", Level::Warning),
        ("warning", Level::Warning),
        ("notice", Level::Info),
        ("log", Level::Info),
        ("error", Level::Error),
        ("err", Level::Error),
        ("severe", Level::Error),
        ("fatal", Level::Fatal),
        ("critical", Level::Fatal),
        ("panic", Level::Fatal),
        ("emerg", Level::Fatal),
    ];
    LEVELS
        .iter()
        .find(|(level, _)| *level == word)
        .map(|(_, level)| *level)
}
