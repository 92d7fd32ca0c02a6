//! Pieces of manifests: what people cut out of `kubectl get -o yaml` or `-o json`, without the object around it.

use serde_json::{Value, json};

use super::blocks::json_end;
use super::describe::UNNAMED;
use super::lines::Row;

/// Keys at which a piece of a pod's or node's status begins.
const KEYS: &[&str] = &[
    "status",
    "conditions",
    "containerStatuses",
    "initContainerStatuses",
    "state",
    "lastState",
];

/// Keys of which one stands soon below: `state:` alone can be anything.
const INNER: &[&str] = &[
    "phase",
    "containerStatuses",
    "terminated",
    "waiting",
    "running",
    "exitCode",
    "lastTransitionTime",
    "lastHeartbeatTime",
    "containerID",
    "restartCount",
    "involvedObject",
];

/// How far below.
const LOOK_AHEAD: usize = 40;

/// The key of `key: value`, `- key: value` or `"key": value`, and what follows the colon.
fn key(text: &str) -> Option<(&str, &str)> {
    let text = text
        .trim()
        .trim_start_matches("- ")
        .trim_start_matches('{')
        .trim_start();
    let (key, value) = text.split_once(':')?;
    let key = key.trim_matches('"');
    (!key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some((key, value.trim()))
}

fn has_inner(rows: &[Row<'_>], at: usize) -> bool {
    rows[at..]
        .iter()
        .take(LOOK_AHEAD)
        .enumerate()
        .take_while(|(index, row)| *index == 0 || !row.fence)
        .any(|(_, row)| key(&row.text).is_some_and(|(key, _)| INNER.contains(&key)))
}

/// A piece that begins here: the line after it, and its text at its margin.
pub(super) fn find(rows: &[Row<'_>], at: usize) -> Option<(usize, String)> {
    /// One of these tells whose status it is; other kinds' messages are better read line by line.
    const TELLING: &[&str] = &[
        "terminated",
        "waiting",
        "running",
        "phase",
        "containerStatuses",
        "podIP",
        "qosClass",
        "nodeInfo",
        "lastHeartbeatTime",
        "PodScheduled",
        "ContainersReady",
        "involvedObject",
    ];
    let (end, text) = begin(rows, at)?;
    let tells = |key: &str| {
        [format!("{key}:"), format!("\"{key}\""), format!(": {key}\n")]
            .iter()
            .any(|it| text.contains(it))
    };
    TELLING.iter().any(|key| tells(key)).then_some((end, text))
}

fn begin(rows: &[Row<'_>], at: usize) -> Option<(usize, String)> {
    let text = rows[at].text.trim();
    let (brackets, quoted) = (matches!(text, "{" | "[" | "[{" | "[ {"), text.starts_with('"'));
    if brackets {
        return has_inner(rows, at).then(|| json_end(rows, at));
    }
    let (key, value) = key(text)?;
    if !KEYS.contains(&key) || text.starts_with("- ") || !has_inner(rows, at + 1) {
        return None;
    }
    match (quoted, value) {
        (true, "{" | "[") => {
            let (end, text) = json_end(rows, at);
            Some((end, format!("{{{}}}", text.trim_end().trim_end_matches(','))))
        }
        (false, "") if text.ends_with(':') => Some(yaml(rows, at)),
        _ => None,
    }
}

/// To the first line that stands less deep, or at the margin and is no key of a piece.
fn yaml(rows: &[Row<'_>], at: usize) -> (usize, String) {
    let margin = rows[at].indent();
    let end = (at + 1..rows.len())
        .find(|&index| {
            let row = &rows[index];
            let deeper = row.indent() > margin || row.is_blank();
            let goes_on = row.indent() == margin
                && (row.text.trim_start().starts_with("- ")
                    || key(&row.text)
                        .is_some_and(|(key, _)| key.starts_with(|c: char| c.is_ascii_lowercase())));
            row.fence || !(deeper || goes_on)
        })
        .unwrap_or(rows.len());
    let cut = |row: &Row<'_>| {
        let text = row.text.as_ref();
        let blank = text.len() - text.trim_start().len();
        text[margin.min(blank)..].to_owned() + "\n"
    };
    (end, rows[at..end].iter().map(cut).collect())
}

/// The object that a decoded piece is of, with a name that says that the text does not tell it; nothing where the piece
/// tells of no object.
pub fn complete(piece: Value) -> Option<Value> {
    let object = match piece {
        Value::Array(items) => return of_conditions(items),
        Value::Object(object) => object,
        _ => return None,
    };
    if object.contains_key("involvedObject") {
        return event(Value::Object(object));
    }
    // `kubectl get --watch -o json` and controllers' dumps put it into another.
    for key in ["event", "object"] {
        if let Some(inner) = object.get(key).filter(|it| it.get("involvedObject").is_some()) {
            return event(inner.clone());
        }
    }
    let has = |key: &str| object.contains_key(key);
    if has("status") {
        let status = object.get("status")?;
        let conditions = status.get("conditions").and_then(Value::as_array);
        let node =
            conditions.is_some_and(|items| items.iter().any(is_of_node)) || status.get("nodeInfo").is_some();
        let pod = ["phase", "containerStatuses", "podIP", "qosClass"]
            .iter()
            .any(|key| status.get(key).is_some());
        return match (node, pod) {
            (true, _) => Some(named("Node", status.clone())),
            (_, true) => Some(named("Pod", status.clone())),
            _ => None,
        };
    }
    if has("containerStatuses") || has("initContainerStatuses") {
        return Some(named("Pod", Value::Object(object)));
    }
    if has("state") || has("lastState") {
        let mut container = Value::Object(object);
        if container.get("name").is_none() {
            container["name"] = "".into();
        }
        return Some(named("Pod", json!({ "containerStatuses": [container] })));
    }
    of_conditions(object.get("conditions")?.as_array()?.clone())
}

fn is_of_node(condition: &Value) -> bool {
    condition.get("lastHeartbeatTime").is_some()
}

fn of_conditions(items: Vec<Value>) -> Option<Value> {
    const OF_PODS: &[&str] = &["PodScheduled", "ContainersReady", "Initialized"];
    let kind = if items.iter().any(is_of_node) {
        "Node"
    } else if items.iter().any(|it| {
        it.get("type")
            .and_then(Value::as_str)
            .is_some_and(|it| OF_PODS.contains(&it))
    }) {
        "Pod"
    } else {
        return None;
    };
    Some(named(kind, json!({ "conditions": items })))
}

fn named(kind: &str, status: Value) -> Value {
    json!({ "apiVersion": "v1", "kind": kind, "metadata": { "name": UNNAMED }, "status": status })
}

fn event(mut event: Value) -> Option<Value> {
    event.get("message")?;
    if event.pointer("/metadata/name").is_none() {
        event["metadata"] = json!({ "name": UNNAMED });
    }
    event["apiVersion"] = "v1".into();
    event["kind"] = "Event".into();
    Some(event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paste::read;

    fn of_json(text: &str) -> Option<Value> {
        let pasted = read(text);
        complete(serde_json::from_str(pasted.pieces.first()?).ok()?)
    }

    #[test]
    fn pieces_of_json() {
        for (text, kind, pointer, expect) in [
            (
                "\"lastState\": {\n  \"terminated\": {\n    \"exitCode\": 137\n  }\n},",
                "Pod",
                "/status/containerStatuses/0/lastState/terminated/exitCode",
                "137",
            ),
            (
                "[\n  {\n    \"type\": \"Ready\",\n    \"lastHeartbeatTime\": \"x\"\n  }\n]",
                "Node",
                "/status/conditions/0/type",
                "\"Ready\"",
            ),
            (
                "{\n  \"event\": {\n    \"involvedObject\": {\n      \"name\": \"n1\"\n    },\n    \"message\": \"y\"\n  }\n}",
                "Event",
                "/message",
                "\"y\"",
            ),
        ] {
            let object = of_json(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(object["kind"], kind);
            assert_eq!(
                object.pointer(pointer).map(Value::to_string).as_deref(),
                Some(expect)
            );
        }
        assert_eq!(of_json("{\n  \"state\": \"NY\"\n}"), None);
    }

    #[test]
    fn pieces_of_yaml() {
        let pasted = read(
            "it says\n  status:\n    phase: Failed\n    message: 'a\n      b'\n  startTime: x\nand so on",
        );
        assert_eq!(
            pasted.pieces,
            ["status:\n  phase: Failed\n  message: 'a\n    b'\nstartTime: x\n"]
        );
        assert!(read("status:\n  ok: true").pieces.is_empty());
    }
}
