//! States to wait for, in one line each:
//!
//! ```text
//! pod/app .status.containerStatuses[0].state.waiting.reason == CrashLoopBackOff
//! all pod/app-* .status.phase == Running
//! pod/app .status.conditions[type=Ready].status == False
//! pod/app gone
//! event FailedScheduling ~ Insufficient cpu
//! event BackOff >= 3
//! ```
//!
//! A kind is its full name in lower case, a name may contain `*`, `[n]` is an element, `[*]` all, `[key=value]` those that fit.
//! `~` means contains. Without `all`, one object and one value suffice.

use std::str::FromStr;

use anyhow::{Context, Error, Result, bail};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// One state that a scenario waits for.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    text: String,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Object {
        all: bool,
        kind: String,
        name: String,
        path: Vec<Segment>,
        test: Test,
    },
    Gone {
        kind: String,
        name: String,
    },
    Event {
        reason: String,
        test: Option<Test>,
    },
}

#[derive(Clone, Debug, PartialEq)]
enum Segment {
    Key(String),
    Index(usize),
    Any,
    Where(String, String),
}

#[derive(Clone, Debug)]
enum Test {
    Equals(String),
    Differs(String),
    Contains(String),
    AtLeast(i64),
    AtMost(i64),
    Exists,
    Missing,
}

impl Condition {
    /// The kind that must be listed to answer.
    pub(crate) fn kind(&self) -> &str {
        match &self.what {
            What::Object { kind, .. } | What::Gone { kind, .. } => kind,
            What::Event { .. } => "event",
        }
    }

    /// The condition as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The same with `$NAMESPACE` put in.
    pub(crate) fn in_namespace(&self, namespace: &str) -> Result<Condition> {
        self.text.replace("$NAMESPACE", namespace).parse()
    }

    /// Whether the listed objects show the state.
    pub(crate) fn holds(&self, objects: &[Value]) -> bool {
        match &self.what {
            What::Gone { kind, name } => select(objects, kind, name).next().is_none(),
            What::Object {
                all,
                kind,
                name,
                path,
                test,
            } => {
                let mut objects = select(objects, kind, name).peekable();
                let holds = |object: &Value| test.holds(&find(object, path));
                if *all {
                    objects.peek().is_some() && objects.all(holds)
                } else {
                    objects.any(holds)
                }
            }
            What::Event { reason, test } => select(objects, "event", "*")
                .filter(|event| event["reason"].as_str() == Some(reason.as_str()))
                .any(|event| match test {
                    None => true,
                    Some(Test::AtLeast(times)) => occurrences(event) >= *times,
                    Some(test) => test.holds(&[&event["message"]]),
                }),
        }
    }

    /// What is there instead, for a message.
    pub(crate) fn observed(&self, objects: &[Value]) -> String {
        let (kind, name, path) = match &self.what {
            What::Object { kind, name, path, .. } => (kind.as_str(), name.as_str(), path.as_slice()),
            What::Gone { kind, name } => (kind.as_str(), name.as_str(), &[][..]),
            What::Event { .. } => ("event", "*", &[][..]),
        };
        let describe = |object: &Value| {
            let name = object["metadata"]["name"].as_str().unwrap_or("?");
            if kind == "event" {
                return format!(
                    "{} {}",
                    object["reason"].as_str().unwrap_or("?"),
                    object["message"].as_str().unwrap_or("")
                );
            }
            let values: Vec<String> = find(object, path).iter().map(|value| scalar(value)).collect();
            format!(
                "{name}: {}",
                if path.is_empty() {
                    "there".to_owned()
                } else {
                    values.join(", ")
                }
            )
        };
        let all: Vec<String> = select(objects, kind, name).map(describe).collect();
        if all.is_empty() {
            "no such object".to_owned()
        } else {
            all.join("; ")
        }
    }
}

impl Test {
    fn holds(&self, values: &[&Value]) -> bool {
        let any = |test: &dyn Fn(&Value) -> bool| values.iter().any(|value| test(value));
        let number = |value: &Value| value.as_i64();
        match self {
            Test::Equals(wanted) => any(&|value| scalar(value) == *wanted),
            Test::Differs(unwanted) => any(&|value| scalar(value) != *unwanted),
            Test::Contains(part) => any(&|value| scalar(value).contains(part.as_str())),
            Test::AtLeast(bound) => any(&|value| number(value).is_some_and(|number| number >= *bound)),
            Test::AtMost(bound) => any(&|value| number(value).is_some_and(|number| number <= *bound)),
            Test::Exists => !values.is_empty(),
            Test::Missing => values.is_empty(),
        }
    }
}

/// Text of a value; of a list or map, its JSON.
fn scalar(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn occurrences(event: &Value) -> i64 {
    event["series"]["count"]
        .as_i64()
        .or(event["count"].as_i64())
        .unwrap_or(1)
}

fn select<'a>(objects: &'a [Value], kind: &'a str, name: &'a str) -> impl Iterator<Item = &'a Value> {
    objects.iter().filter(move |object| {
        object["kind"]
            .as_str()
            .is_some_and(|found| found.eq_ignore_ascii_case(kind))
            && object["metadata"]["name"]
                .as_str()
                .is_some_and(|found| glob(name, found))
    })
}

/// Whether a text fits a pattern in which `*` stands for any text.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

fn find<'a>(object: &'a Value, path: &[Segment]) -> Vec<&'a Value> {
    let mut values = vec![object];
    for segment in path {
        values = values
            .into_iter()
            .flat_map(|value| step(value, segment))
            .collect();
    }
    values.retain(|value| !value.is_null());
    values
}

fn step<'a>(value: &'a Value, segment: &Segment) -> Vec<&'a Value> {
    let elements = || value.as_array().into_iter().flatten();
    match segment {
        Segment::Key(key) => value.get(key).into_iter().collect(),
        Segment::Index(index) => value.get(index).into_iter().collect(),
        Segment::Any => elements().collect(),
        Segment::Where(key, wanted) => elements()
            .filter(|element| element.get(key).is_some_and(|found| scalar(found) == *wanted))
            .collect(),
    }
}

impl FromStr for Condition {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let what = parse(text.trim()).with_context(|| format!("{text:?} is not a state to wait for"))?;
        Ok(Condition {
            text: text.to_owned(),
            what,
        })
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map_err(|error: Error| serde::de::Error::custom(format!("{error:#}")))
    }
}

fn parse(text: &str) -> Result<What> {
    if let Some(rest) = text.strip_prefix("event ") {
        let (reason, test) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
        let test = if test.is_empty() {
            None
        } else {
            Some(parse_test(test)?)
        };
        return Ok(What::Event {
            reason: reason.to_owned(),
            test,
        });
    }
    let (all, text) = text
        .strip_prefix("all ")
        .map_or((false, text), |rest| (true, rest));
    let (object, rest) = text.split_once(' ').context("an object and a test are needed")?;
    let (kind, name) = object.split_once('/').context("an object is KIND/NAME")?;
    let (kind, name, rest) = (kind.to_owned(), name.to_owned(), rest.trim());
    if rest == "gone" {
        return Ok(What::Gone { kind, name });
    }
    let (path, test) = rest.split_once(' ').context("a path and a test are needed")?;
    Ok(What::Object {
        all,
        kind,
        name,
        path: parse_path(path)?,
        test: parse_test(test)?,
    })
}

fn parse_test(text: &str) -> Result<Test> {
    let (operator, operand) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let operand = operand.trim();
    let number = || {
        operand
            .parse::<i64>()
            .with_context(|| format!("{operand:?} is not a number"))
    };
    Ok(match operator {
        "==" => Test::Equals(operand.to_owned()),
        "!=" => Test::Differs(operand.to_owned()),
        "~" => Test::Contains(operand.to_owned()),
        ">=" => Test::AtLeast(number()?),
        "<=" => Test::AtMost(number()?),
        "exists" => Test::Exists,
        "missing" => Test::Missing,
        other => bail!("{other:?} is not a test"),
    })
}

fn parse_path(text: &str) -> Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for part in text
        .strip_prefix('.')
        .context("a path starts with a dot")?
        .split('.')
    {
        let (key, mut rest) = part.find('[').map_or((part, ""), |at| part.split_at(at));
        segments.push(Segment::Key(key.to_owned()));
        while let Some(inner) = rest.strip_prefix('[') {
            let (selector, after) = inner.split_once(']').context("a bracket is not closed")?;
            segments.push(match (selector, selector.split_once('=')) {
                ("*", _) => Segment::Any,
                (_, Some((key, value))) => Segment::Where(key.to_owned(), value.to_owned()),
                _ => Segment::Index(
                    selector
                        .parse()
                        .with_context(|| format!("{selector:?} is not an index"))?,
                ),
            });
            rest = after;
        }
    }
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects() -> Vec<Value> {
        let pod = |name: &str, phase: &str, ready: &str| {
            serde_json::json!({"kind": "Pod", "metadata": {"name": name}, "status": {
                "phase": phase,
                "conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": ready}],
                "containerStatuses": [{"restartCount": 2}, {"restartCount": 0}],
            }})
        };
        let event = serde_json::json!({"kind": "Event", "metadata": {"name": "e"}, "reason": "BackOff", "message": "Back-off restarting", "count": 3});
        vec![
            pod("app-1", "Running", "True"),
            pod("app-2", "Running", "False"),
            event,
        ]
    }

    #[test]
    fn conditions_hold_or_not() {
        for (text, wanted) in [
            ("pod/app-1 .status.phase == Running", true),
            ("pod/app-1 .status.phase != Running", false),
            ("all pod/app-* .status.phase == Running", true),
            (
                "all pod/app-* .status.conditions[type=Ready].status == True",
                false,
            ),
            ("pod/app-* .status.conditions[type=Ready].status == True", true),
            ("pod/app-1 .status.containerStatuses[0].restartCount >= 2", true),
            ("pod/app-1 .status.containerStatuses[1].restartCount >= 1", false),
            ("pod/app-1 .status.containerStatuses[*].restartCount <= 0", true),
            ("pod/app-1 .status.reason missing", true),
            ("pod/app-1 .status.phase exists", true),
            ("all pod/other .status.phase == Running", false),
            ("pod/other gone", true),
            ("pod/app-1 gone", false),
            ("event BackOff", true),
            ("event BackOff ~ restarting", true),
            ("event BackOff >= 4", false),
            ("event Killing", false),
        ] {
            let condition: Condition = text.parse().unwrap();
            assert_eq!(condition.holds(&objects()), wanted, "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "pod",
            "pod/app",
            "pod/app status == x",
            "pod/app .a[0 == x",
            "pod/app .a is x",
            "pod/app .a >= x",
        ] {
            assert!(text.parse::<Condition>().is_err(), "{text}");
        }
    }

    #[test]
    fn globs() {
        for (pattern, text, wanted) in [
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "ac", true),
            ("a*b*c", "axbyc", true),
            ("abc", "abcd", false),
            ("*", "", true),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(glob(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
