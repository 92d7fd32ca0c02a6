//! What chats, terminals and tickets do to a text must not change what is read from it.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::paste::{Pasted, read};

fn captured(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/captured/1.36");
    fs::read_to_string(folder.join(name)).unwrap()
}

const PODS: [&str; 6] = [
    "web-596bb5f897-74vdh.pod.txt",
    "no-room.pod.txt",
    "no-image.pod.txt",
    "no-config.pod.txt",
    "oom.pod.txt",
    "no-command.pod.txt",
];

fn by_line(text: &str, change: impl Fn(&str) -> String) -> String {
    text.lines().map(|line| change(line) + "\n").collect()
}

/// A terminal of 80 columns breaks anywhere.
fn hard_wrapped(text: &str) -> String {
    by_line(text, |line| {
        let chars: Vec<char> = line.chars().collect();
        chars
            .chunks(80)
            .map(|part| part.iter().collect::<String>())
            .collect::<Vec<_>>()
            .join("\n")
    })
}

/// A chat breaks between words and begins anew at the margin.
fn soft_wrapped(text: &str) -> String {
    by_line(text, |line| {
        let mut out = String::new();
        let mut width = 0;
        for (index, part) in line.split(' ').enumerate() {
            if index > 0 {
                if width + 1 + part.chars().count() > 100 {
                    out.push('\n');
                    width = 0;
                } else {
                    out.push(' ');
                    width += 1;
                }
            }
            out.push_str(part);
            width += part.chars().count();
        }
        out
    })
}

/// Messages of several lines lose their line ends or blanks in some of the damages; their words stay.
fn comparable(pasted: &Pasted) -> Vec<Value> {
    let mut objects = pasted.objects.clone();
    for object in &mut objects {
        squeeze(object);
    }
    objects
}

fn lines_of(value: &Value) -> Vec<String> {
    serde_json::to_string_pretty(value)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn squeeze(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.split_whitespace().collect(),
        Value::Array(items) => items.iter_mut().for_each(squeeze),
        Value::Object(map) => map.values_mut().for_each(squeeze),
        _ => {}
    }
}

fn check(name: &str, damage: impl Fn(&str) -> String) {
    for pod in PODS {
        let text = captured(pod);
        let want = read(&text);
        let damaged = damage(&text);
        let found = read(&damaged);
        let (want, got) = (comparable(&want), comparable(&found));
        for (want, got) in want.iter().zip(&got) {
            let (want, got) = (lines_of(want), lines_of(got));
            let at = want.iter().zip(&got).position(|(want, got)| want != got);
            assert!(
                at.is_none() && want.len() == got.len(),
                "{name} {pod}: {:?} became {:?} in\n{damaged}",
                at.map(|at| &want[at]),
                at.map(|at| &got[at])
            );
        }
        assert_eq!(want.len(), got.len(), "{name} {pod}");
        assert!(
            found.not_understood.is_empty(),
            "{name} {pod} {:?}",
            found.not_understood
        );
        assert!(found.logs.is_empty(), "{name} {pod} {:?}", found.logs);
    }
}

#[test]
fn quoting() {
    check("quoted", |text| by_line(text, |line| format!("> {line}")));
    check("quoted twice", |text| by_line(text, |line| format!("> > {line}")));
    check("crlf", |text| by_line(text, |line| format!("{line}\r")));
    check("fence", |text| format!("```\n{text}```\n"));
    check("fence with language", |text| {
        format!("```console\n$ kubectl describe pod x\n{text}\n```\n")
    });
    check("no-break blanks", |text| text.replace("  ", "\u{a0}\u{a0}"));
}

#[test]
fn indentation() {
    check("four more", |text| by_line(text, |line| format!("    {line}")));
    check("trailing blanks gone", |text| {
        by_line(text, |line| line.trim_end().to_owned())
    });
    check("all gone", |text| by_line(text, |line| line.trim().to_owned()));
    check("blanks squeezed", |text| {
        by_line(text, |line| {
            let indent: String = line.chars().take_while(|c| *c == ' ').collect();
            indent + &line.split_whitespace().collect::<Vec<_>>().join(" ")
        })
    });
}

#[test]
fn wrapping() {
    check("terminal", hard_wrapped);
    check("chat", soft_wrapped);
}

#[test]
fn prefixes() {
    check("times", |text| {
        by_line(text, |line| format!("2026-11-21T12:31:01.123456789Z {line}"))
    });
    check("cri", |text| {
        by_line(text, |line| {
            format!("2026-11-21T12:31:01.123456789Z stdout F {line}")
        })
    });
    check("color", |text| {
        by_line(text, |line| format!("\u{1b}[1m{line}\u{1b}[0m"))
    });
}

#[test]
fn escaping() {
    check("once", |text| serde_json::to_string(text).unwrap());
    check("twice", |text| {
        serde_json::to_string(&serde_json::to_string(text).unwrap()).unwrap()
    });
    check("web page", |text| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
    });
    check("inner of a string", |text| {
        let whole = serde_json::to_string(text).unwrap();
        whole[1..whole.len() - 1].to_owned()
    });
}

#[test]
fn cutting_gives_what_is_there() {
    for pod in PODS {
        let text = captured(pod);
        let lines: Vec<&str> = text.lines().collect();
        let whole = read(&text);
        for cut in 0..lines.len() {
            // The head stays: what is read is true of the whole.
            let head = read(&lines[..cut].join("\n"));
            for object in head.objects.iter().filter(|object| object["kind"] == "Pod") {
                subset(object, &whole.objects[0], &format!("{pod} ..{cut}"));
            }
            // The tail stays: its events are all read, and it never becomes something else.
            let tail = read(&lines[cut..].join("\n"));
            let events = whole
                .objects
                .iter()
                .filter(|object| object["kind"] == "Event")
                .count();
            if lines[cut..].iter().any(|line| line.starts_with("Events:")) {
                let found = tail
                    .objects
                    .iter()
                    .filter(|object| object["kind"] == "Event")
                    .count()
                    + tail.loose.len();
                assert!(found >= events, "{pod} {cut}.. {found} of {events}");
            }
        }
    }
}

fn subset(mine: &Value, whole: &Value, place: &str) {
    match (mine, whole) {
        (Value::Object(mine), Value::Object(whole)) => {
            for (key, value) in mine {
                // Ages need the events below.
                let other = whole
                    .get(key)
                    .unwrap_or_else(|| panic!("{place}: {key} is not there"));
                subset(value, other, place);
            }
        }
        (Value::Array(mine), Value::Array(whole)) => {
            assert!(mine.len() <= whole.len(), "{place}");
            for (mine, whole) in mine.iter().zip(whole) {
                subset(mine, whole, place);
            }
        }
        (Value::String(mine), Value::String(whole)) => {
            assert!(whole.starts_with(mine.as_str()), "{place}: {mine} {whole}")
        }
        _ => assert_eq!(mine, whole, "{place}"),
    }
}
