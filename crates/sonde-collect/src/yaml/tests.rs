use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn one(text: &str) -> Value {
    let documents = to_json(text, 1).expect("valid YAML");
    assert_eq!(documents.len(), 1, "{text}");
    serde_json::from_slice(&documents[0]).expect("valid JSON")
}

#[test]
fn scalars_have_kubernetes_types() {
    for (text, expect) in [
        ("0644", json!(420)),
        ("0o17", json!(15)),
        ("-7", json!(-7)),
        ("+7", json!(7)),
        ("1.5", json!(1.5)),
        (".5", json!(0.5)),
        ("1e3", json!(1000.0)),
        ("0", json!(0)),
        ("~", json!(null)),
        ("true", json!(true)),
        ("yes", json!("yes")),
        ("300m", json!("300m")),
        ("1.2.3", json!("1.2.3")),
        ("10.0.0.1", json!("10.0.0.1")),
        ("2026-04-23T12:23:01Z", json!("2026-04-23T12:23:01Z")),
        ("'12'", json!("12")),
        ("!!str 12", json!("12")),
        ("infinity", json!("infinity")),
        ("089", json!(89.0)),
        ("0x1F", json!(31)),
    ] {
        assert_eq!(one(&format!("a: {text}"))["a"], expect, "{text}");
    }
}

#[test]
fn a_list_is_cut_into_its_items() {
    for indent in ["", "  "] {
        let text = format!(
            "apiVersion: v1\nitems:\n{indent}- kind: Pod\n{indent}  args:\n{indent}  - a\n{indent}  text: |\n{indent}    kind: x\n\
             {indent}- kind: Node\nkind: List\nmetadata:\n  resourceVersion: \"\"\n---\nkind: Solo\n"
        );
        let parts = parts(&text);
        let roles: Vec<_> = parts.iter().map(|part| &part.role).collect();
        assert!(
            matches!(
                roles[..],
                [Role::Header(0, _), Role::Item(0), Role::Item(0), Role::Document]
            ),
            "{roles:?}"
        );
        let Role::Header(_, header) = roles[0] else {
            unreachable!()
        };
        assert_eq!(
            one(header),
            json!({"apiVersion": "v1", "items": [], "kind": "List", "metadata": {"resourceVersion": ""}})
        );
        assert_eq!(
            one(&text[parts[1].text.clone()]),
            json!([{"kind": "Pod", "args": ["a"], "text": "kind: x\n"}])
        );
        assert_eq!(parts[2].line, 8);
    }
}

#[test]
fn documents_are_apart_and_empty_ones_are_none() {
    let text = "---\n# comment\n---\na: 1\n---\n---\nb: 2\n...\n";
    let kinds: Vec<_> = parts(text).iter().map(|part| part.line).collect();
    assert_eq!(kinds, [2, 4, 7]);
}

#[test]
fn aliases_are_copies_and_bombs_are_refused() {
    assert_eq!(
        one("a: &x {b: [1]}\nc: *x"),
        json!({"a": {"b": [1]}, "c": {"b": [1]}})
    );
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    assert!(matches!(to_json(&bomb, 1), Err(YamlError::Bomb)));
}

#[test]
fn depth_is_bounded() {
    assert!(to_json(&"[".repeat(100_000), 1).is_err());
    assert!(to_json(&"- ".repeat(100_000), 1).is_err());
    assert!(to_json("? [a]\n: b", 1).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn never_panics(text in "([a-z]{1,3}: |- |\\[|\\{|\\}|\\]|\"|'|\\||>|&a |\\*a|\n|  |---\n|items:\n|\\PC){0,40}") {
        for part in parts(&text) {
            let _ = to_json(&text[part.text], part.line);
        }
        let _ = to_json(&text, 1);
    }

    #[test]
    fn whatever_is_read_is_json(text in "([a-z]{1,3}: |- |\\[|\\]|\"x\"|'|\\|\n|&a |\\*a|\n|  |0|1e|\\.|-){0,30}") {
        for document in to_json(&text, 1).unwrap_or_default() {
            if !document.is_empty() {
                serde_json::from_slice::<Value>(&document).unwrap();
            }
        }
    }
}
