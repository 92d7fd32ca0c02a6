//! Events as kubectl prints them: below a description, `kubectl get events`, `kubectl events`, old and new columns.

use serde_json::{Value, json};
use sonde_model::{Kind, Timestamp, plausible};

use super::age;
use super::describe::Line;
use super::json::{set, time};
use super::table::Columns;
use crate::message;

/// One printed event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct EventRow {
    pub(crate) line: usize,
    /// `Normal` or `Warning`.
    pub(crate) kind: String,
    pub(crate) reason: String,
    pub(crate) message: String,
    /// Seconds since it was seen last.
    pub(crate) age_seconds: Option<i64>,
    /// Seconds since it was seen first.
    pub(crate) first_age_seconds: Option<i64>,
    pub(crate) count: Option<i64>,
    pub(crate) component: Option<String>,
    pub(crate) host: Option<String>,
    /// Kind and name of the object, where the row names it.
    pub(crate) object: Option<(String, String)>,
    pub(crate) namespace: Option<String>,
    pub(crate) field_path: Option<String>,
}

impl EventRow {
    /// Since 1.36 describe writes the field before the message: `spec.containers{app}: Back-off ...`.
    fn split_field(&mut self) {
        if let Some((path, message)) = self.message.split_once("}: ")
            && path.starts_with("spec.")
            && !path.contains(' ')
        {
            self.field_path = Some(format!("{path}}}"));
            self.message = message.to_owned();
        }
    }

    /// The event's object; `about` is the object when the row does not name it.
    pub(crate) fn to_object(
        &self,
        about: Option<(&str, &str, &str)>,
        index: usize,
        now: Option<Timestamp>,
    ) -> Option<Value> {
        let (kind, namespace, name) = match (&self.object, about) {
            (Some((kind, name)), _) => (
                kind.as_str(),
                self.namespace.as_deref().unwrap_or(""),
                name.as_str(),
            ),
            (None, Some(about)) => about,
            (None, None) => return None,
        };
        let mut involved = json!({ "kind": kind, "name": name });
        let mut metadata = json!({ "name": format!("{name}.pasted-{index:06}") });
        if !namespace.is_empty() {
            set(&mut involved, &["namespace"], namespace);
            set(&mut metadata, &["namespace"], namespace);
        }
        if let Some(path) = &self.field_path {
            set(&mut involved, &["fieldPath"], path.as_str());
        }
        let mut event = json!({
            "apiVersion": "v1", "kind": "Event", "metadata": metadata, "involvedObject": involved,
            "type": self.kind, "reason": self.reason, "message": self.message,
        });
        if let Some(count) = self.count {
            set(&mut event, &["count"], count);
        }
        for (key, value) in [("component", &self.component), ("host", &self.host)] {
            if let Some(value) = value {
                set(&mut event, &["source", key], value.as_str());
            }
        }
        let at = |seconds: Option<i64>| {
            now.zip(seconds)
                .and_then(|(now, age)| Timestamp::from_second(now.as_second().checked_sub(age)?).ok())
                .and_then(plausible)
        };
        if let Some(seconds) = self.age_seconds.filter(|_| now.is_none()) {
            set(&mut event, &["metadata", "ageSeconds"], seconds);
        }
        if let Some(found) = at(self.age_seconds) {
            set(&mut event, &["lastTimestamp"], time(found));
            set(
                &mut event,
                &["firstTimestamp"],
                time(at(self.first_age_seconds).unwrap_or(found)),
            );
        }
        Some(event)
    }
}

/// The rows below `Events:`. Lines that begin no row continue the message before them.
pub(crate) fn of_description(lines: &[Line<'_>]) -> Vec<EventRow> {
    let widest = lines.iter().map(|line| line.width).max().unwrap_or(0);
    let mut rows: Vec<EventRow> = Vec::new();
    let mut last_width = 0;
    for line in lines {
        let text = line.text.trim();
        if text.is_empty() || is_rule_or_head(text) {
            continue;
        }
        match row(text) {
            Some(mut found) => {
                found.line = line.line;
                rows.push(found);
            }
            None => continue_message(rows.last_mut(), line.text, last_width == widest),
        }
        last_width = line.width;
    }
    rows.iter_mut().for_each(EventRow::split_field);
    rows
}

/// Appends a wrapped rest; a terminal breaks within words, a chat between them.
pub(crate) fn continue_message(row: Option<&mut EventRow>, text: &str, within_word: bool) {
    /// An event's message has at most 1 KiB.
    const MESSAGE_BYTES_MAX: usize = 8 * 1024;
    if let Some(row) = row
        && row.message.len() < MESSAGE_BYTES_MAX
    {
        if !within_word {
            row.message.push(' ');
        }
        row.message
            .push_str(if within_word { text.trim_end() } else { text.trim() });
    }
}

/// `Type Reason Age From Message` and its rule.
pub(crate) fn is_rule_or_head(text: &str) -> bool {
    text.starts_with("----")
        || (text.starts_with("Type ") && text.contains("Reason") && text.contains("Message"))
        || (text.starts_with("FirstSeen") && text.contains("LastSeen"))
}

/// A row by its words alone, so that lost columns do not matter.
pub(crate) fn row(text: &str) -> Option<EventRow> {
    let words = Words::new(text);
    let mut words_new = words;
    if let Some(found) = new_row(&mut words_new) {
        return Some(found);
    }
    old_row(text)
}

/// `Warning  BackOff  3m (x5 over 10m)  kubelet, node-1  message`.
fn new_row(words: &mut Words<'_>) -> Option<EventRow> {
    let kind = words.next().filter(|word| is_type(word))?;
    let reason = words.next().filter(|word| is_reason(word))?;
    let mut found = EventRow {
        kind: kind.to_owned(),
        reason: reason.to_owned(),
        ..EventRow::default()
    };
    seen(words, &mut found)?;
    source(words, &mut found)?;
    found.message = words.rest().to_owned();
    (!found.message.is_empty()).then_some(found)
}

/// `kubelet` or `kubelet, node-1`.
fn source(words: &mut Words<'_>, found: &mut EventRow) -> Option<()> {
    let component = words.next()?;
    if let Some(component) = component.strip_suffix(',') {
        found.component = Some(component.to_owned());
        found.host = words.next().map(str::to_owned);
    } else {
        found.component = Some(component.to_owned());
    }
    Some(())
}

/// What `-o wide` puts before the message: `[spec.containers{app}]  kubelet, node-1`.
fn wide(words: &mut Words<'_>, found: &mut EventRow) {
    if words.peek().is_some_and(|word| word.starts_with("spec.")) {
        found.field_path = words.next().map(str::to_owned);
    }
    let component = words.peek().map(|word| word.trim_end_matches(','));
    if component.is_some_and(is_component) {
        // Never fails: a word was seen.
        let _ = source(words, found);
    }
}

/// Who writes events of pods, or a controller by its name.
fn is_component(word: &str) -> bool {
    matches!(word, "kubelet" | "default-scheduler")
        || (word.ends_with("-controller")
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
}

/// The message without what `-o wide` puts behind it: first seen, count, and the event's own name.
fn without_wide_end(message: &str) -> Option<&str> {
    let mut rest = message.trim_end();
    let mut cut = |fits: &dyn Fn(&str) -> bool| {
        let (head, word) = rest.rsplit_once([' ', '\t'])?;
        rest = head.trim_end();
        fits(word).then_some(())
    };
    cut(&|word| event_name(word).is_some())?;
    cut(&|word| word.parse::<u32>().is_ok())?;
    cut(&|word| age::is_age(word))?;
    Some(rest)
}

/// `web-1` of `web-1.1576a87b365ab1e4`, the name of an event about it.
fn event_name(word: &str) -> Option<&str> {
    let (name, hash) = word.rsplit_once('.')?;
    let hex = hash.len() >= 12 && hash.len() <= 20 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    (hex && !name.is_empty()).then_some(name)
}

/// `TIME  REASON  MESSAGE` of custom columns: the reason must be one that is known, in its own case.
pub(crate) fn bare_row(text: &str) -> Option<EventRow> {
    let mut words = Words::new(text);
    let first = words.next()?;
    let dated = crate::log::time::iso(first).is_some_and(|(_, taken)| taken == first.len());
    if !dated && first != "<nil>" && first != "<none>" && !age::is_age(first) {
        return None;
    }
    let mut reason = words.next()?;
    let mut kind = "";
    if is_type(reason) {
        kind = reason;
        reason = words.next()?;
    }
    let message = words.rest();
    let known = reason.starts_with(|c: char| c.is_ascii_uppercase()) && message::is_reason(reason);
    (known && !message.is_empty()).then(|| EventRow {
        kind: kind.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        age_seconds: age::seconds(first).filter(|_| !dated),
        ..EventRow::default()
    })
}

/// `3m`, `3m (x5 over 10m)`, `<unknown>`.
fn seen(words: &mut Words<'_>, found: &mut EventRow) -> Option<()> {
    let last = words.next().filter(|word| age::is_age(word))?;
    found.age_seconds = age::seconds(last);
    if words.peek().is_some_and(|word| word.starts_with("(x")) {
        let count = words.next()?.trim_start_matches("(x");
        found.count = count.parse().ok();
        if words.peek() == Some("over") {
            words.next();
            found.first_age_seconds = words
                .next()
                .and_then(|word| age::seconds(word.trim_end_matches(')')));
        }
    }
    Some(())
}

/// Up to 1.7: `5m  3m  5  {kubelet node-1}|kubelet, node-1  [spec.containers{app}]  Warning  Reason  message`.
fn old_row(text: &str) -> Option<EventRow> {
    let mut words = Words::new(text);
    let first = words.next().filter(|word| age::is_age(word))?;
    let last = words.next().filter(|word| age::is_age(word))?;
    let count = words.next()?.parse().ok()?;
    let mut found = EventRow {
        age_seconds: age::seconds(last),
        first_age_seconds: age::seconds(first),
        count: Some(count),
        ..EventRow::default()
    };
    // `kubectl get events` up to 1.10: the event's own name, kind, path, type, reason, source, message.
    if let Some(name) = words.peek().and_then(event_name) {
        let mut row = words;
        row.next();
        let kind = row
            .next()
            .filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase()))?;
        if row.peek().is_some_and(|word| word.starts_with("spec.")) {
            found.field_path = row.next().map(str::to_owned);
        }
        found.object = Some((kind.to_owned(), name.to_owned()));
        found.kind = row.next().filter(|word| is_type(word))?.to_owned();
        found.reason = row.next().filter(|word| is_reason(word))?.to_owned();
        source(&mut row, &mut found)?;
        found.message = row.rest().to_owned();
        return (!found.message.is_empty()).then_some(found);
    }
    // At most: component, host, path.
    for _ in 0..4 {
        let word = words.next()?;
        if is_type(word) {
            found.kind = word.to_owned();
            found.reason = words.next().filter(|word| is_reason(word))?.to_owned();
            found.message = words.rest().to_owned();
            return (!found.message.is_empty()).then_some(found);
        }
        let plain = word.trim_matches(['{', '}', ',']);
        if word.starts_with("spec.") {
            found.field_path = Some(word.to_owned());
        } else if found.component.is_none() {
            found.component = Some(plain.to_owned());
        } else {
            found.host = Some(plain.to_owned());
        }
    }
    None
}

/// A row of `kubectl get events` whose columns were lost: `[namespace] 3m Warning BackOff pod/web-1 message`.
pub(crate) fn table_row_by_words(text: &str) -> Option<EventRow> {
    let mut words = Words::new(text);
    let mut found = EventRow::default();
    if !words.peek().is_some_and(age::is_age) {
        found.namespace = Some(words.next()?.to_owned());
    }
    seen(&mut words, &mut found)?;
    found.kind = words.next().filter(|word| is_type(word))?.to_owned();
    found.reason = words.next().filter(|word| is_reason(word))?.to_owned();
    let object = words.next()?;
    // kubectl 1.11 to 1.13 wrote the kind alone.
    found.object = match object_of(object) {
        Some(object) => Some(object),
        None if is_kind(object) => None,
        None => return None,
    };
    wide(&mut words, &mut found);
    let message = words.rest();
    found.message = without_wide_end(message).unwrap_or(message).to_owned();
    (!found.message.is_empty()).then_some(found)
}

/// The line begins a row of a table of events, wherever a terminal broke it.
pub(crate) fn begins_table_row(text: &str) -> bool {
    let mut words = Words::new(text);
    if !words.peek().is_some_and(age::is_age) {
        words.next();
    }
    let mut found = EventRow::default();
    seen(&mut words, &mut found).is_some() && words.next().is_some_and(is_type)
}

/// A row of a table of events, by its columns.
pub(crate) fn table_row(columns: &Columns, text: &str) -> Option<EventRow> {
    let cell = |name: &str| columns.cell(text, name).filter(|cell| !cell.is_empty());
    let kind = cell("TYPE").filter(|kind| is_type(kind))?;
    let reason = cell("REASON").filter(|reason| is_reason(reason))?;
    let last = cell("LAST SEEN").or_else(|| cell("LASTSEEN"))?;
    let mut found = EventRow {
        kind: kind.to_owned(),
        reason: reason.to_owned(),
        message: cell("MESSAGE").unwrap_or("").to_owned(),
        namespace: cell("NAMESPACE").map(str::to_owned),
        field_path: cell("SUBOBJECT").map(str::to_owned),
        count: cell("COUNT").and_then(|count| count.parse().ok()),
        first_age_seconds: cell("FIRST SEEN")
            .or_else(|| cell("FIRSTSEEN"))
            .and_then(age::seconds),
        ..EventRow::default()
    };
    seen(&mut Words::new(last), &mut found)?;
    found.object = match cell("OBJECT") {
        Some(object) => Some(object_of(object)?),
        // Old tables: the event's name is the object's with a number behind.
        None => {
            let kind = cell("KIND")?;
            cell("NAME").map(|name| {
                let name = name.rsplit_once('.').map_or(name, |(name, _)| name);
                (kind.to_owned(), name.to_owned())
            })
        }
    };
    if let Some(source) = cell("SOURCE") {
        let (component, host) = source
            .split_once(", ")
            .map_or((source, None), |(c, h)| (c, Some(h)));
        found.component = Some(component.to_owned());
        found.host = host.map(str::to_owned);
    }
    Some(found)
}

/// A kind as the API writes it.
fn is_kind(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase()) && Kind::from_name(text).info().is_some()
}

/// `pod/web-1`, `Pod/web-1`.
fn object_of(text: &str) -> Option<(String, String)> {
    let (kind, name) = text.split_once('/')?;
    let kind = Kind::from_user(kind).map_or_else(|| kind.to_owned(), |kind| kind.as_str().to_owned());
    (!name.is_empty()).then(|| (kind, name.to_owned()))
}

pub(crate) fn is_type(word: &str) -> bool {
    matches!(word, "Normal" | "Warning")
}

/// Reasons are one word of letters and digits that begins with a capital; some controllers write others.
fn is_reason(word: &str) -> bool {
    word.len() >= 3
        && word.len() <= 128
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

/// Words of a line and what follows them.
#[derive(Debug, Clone, Copy)]
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Self {
        Words { rest: text.trim() }
    }

    fn peek(&self) -> Option<&'a str> {
        self.rest.split_whitespace().next()
    }

    fn next(&mut self) -> Option<&'a str> {
        let word = self.peek()?;
        self.rest = self.rest[word.len()..].trim_start();
        Some(word)
    }

    fn rest(&self) -> &'a str {
        self.rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_all_times() {
        for (text, kind, reason, age, first, count, message) in [
            (
                "Warning  BackOff    3m (x5 over 10m)  kubelet  Back-off restarting",
                "Warning",
                "BackOff",
                Some(180),
                Some(600),
                Some(5),
                "Back-off restarting",
            ),
            (
                "Normal Scheduled <unknown> default-scheduler Successfully assigned a/b to n",
                "Normal",
                "Scheduled",
                None,
                None,
                None,
                "Successfully assigned a/b to n",
            ),
            (
                "Warning  Failed  12s   kubelet, node-1  Error: ErrImagePull",
                "Warning",
                "Failed",
                Some(12),
                None,
                None,
                "Error: ErrImagePull",
            ),
            (
                "5m  3m  5  {kubelet node-1}  spec.containers{app}  Warning  Unhealthy  Liveness probe failed: x",
                "Warning",
                "Unhealthy",
                Some(180),
                Some(300),
                Some(5),
                "Liveness probe failed: x",
            ),
        ] {
            let found = row(text).expect(text);
            assert_eq!((found.kind.as_str(), found.reason.as_str()), (kind, reason));
            assert_eq!(
                (found.age_seconds, found.first_age_seconds, found.count),
                (age, first, count),
                "{text}"
            );
            assert_eq!(found.message, message);
        }
        assert_eq!(row("Normal people do this"), None);
        let found = table_row_by_words("shop 3m Warning BackOff pod/web-1 Back-off restarting").unwrap();
        assert_eq!(found.object, Some(("Pod".into(), "web-1".into())));
        assert_eq!(found.namespace.as_deref(), Some("shop"));
    }
}
