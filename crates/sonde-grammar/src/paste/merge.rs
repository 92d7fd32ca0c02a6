//! The same object pasted twice becomes one; what is described wins over what a table shows.

use std::collections::BTreeMap;

use serde_json::Value;

use super::describe::UNNAMED;
use super::json::set;
use super::{Partial, Pasted};

/// Joins equal objects and events, and fills in the namespace where the paste knows only one.
pub(super) fn merge(pasted: &mut Pasted) {
    adopt_name(&mut pasted.objects);
    fill_namespace(pasted);
    let objects = std::mem::take(&mut pasted.objects);
    let partial = std::mem::take(&mut pasted.partial);
    let mut by_key: BTreeMap<[String; 5], usize> = BTreeMap::new();
    for (object, part) in objects.into_iter().zip(partial) {
        let key = key(&object);
        match by_key.get(&key) {
            None => {
                by_key.insert(key, pasted.objects.len());
                pasted.objects.push(object);
                pasted.partial.push(part);
            }
            Some(&at) => {
                // Of two descriptions the later tells the present.
                let mut less = object;
                if rank(&part) >= rank(&pasted.partial[at]) {
                    std::mem::swap(&mut pasted.objects[at], &mut less);
                    pasted.partial[at] = part;
                }
                complete(&mut pasted.objects[at], &less);
            }
        }
    }
}

/// Adds what only the lesser text shows: the age, and how many pods of a workload are ready.
fn complete(object: &mut Value, less: &Value) {
    let lacks = |object: &Value, pointer: &str| object.pointer(pointer).is_none();
    if lacks(object, "/metadata/creationTimestamp") {
        for field in ["creationTimestamp", "ageSeconds"] {
            if let Some(value) = less.pointer(&format!("/metadata/{field}")) {
                set(object, &["metadata", field], value.clone());
            }
        }
    }
    if let Some(ready) = less.pointer("/status/readyReplicas")
        && lacks(object, "/status/readyReplicas")
    {
        set(object, &["status", "readyReplicas"], ready.clone());
    }
}

fn rank(partial: &Partial) -> u8 {
    partial.origin as u8
}

/// A pod whose own text does not name it is the only one that the rest of the text names.
fn adopt_name(objects: &mut [Value]) {
    const PLACES: [(&str, &str, &str); 2] = [
        ("/kind", "/metadata/name", "/metadata/namespace"),
        (
            "/involvedObject/kind",
            "/involvedObject/name",
            "/involvedObject/namespace",
        ),
    ];
    let text =
        |object: &Value, pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let mut known: Option<(String, Option<String>)> = None;
    for object in &*objects {
        for (kind, name, namespace) in PLACES {
            let pod = text(object, kind).is_some_and(|kind| kind == "Pod");
            let Some(name) = text(object, name).filter(|name| pod && name != UNNAMED) else {
                continue;
            };
            match &mut known {
                None => known = Some((name, text(object, namespace))),
                Some((one, _)) if *one != name => return,
                Some((_, of)) => *of = of.take().or(text(object, namespace)),
            }
        }
    }
    let Some((name, namespace)) = known else { return };
    for object in objects {
        for (kind, place, of) in PLACES {
            let unnamed = text(object, kind).is_some_and(|kind| kind == "Pod")
                && text(object, place).is_some_and(|it| it == UNNAMED);
            if !unnamed {
                continue;
            }
            let path = |pointer: &'static str| pointer.split('/').skip(1).collect::<Vec<_>>();
            set(object, &path(place), name.as_str());
            if let Some(namespace) = &namespace {
                set(object, &path(of), namespace.as_str());
            }
        }
    }
}

/// Kind, namespace and name; an event is known by what it says about what.
fn key(object: &Value) -> [String; 5] {
    let text = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned()
    };
    if text("/kind") == "Event" && object.get("involvedObject").is_some() {
        return [
            text("/involvedObject/kind"),
            text("/involvedObject/namespace"),
            text("/involvedObject/name"),
            text("/reason"),
            text("/message"),
        ];
    }
    [
        text("/kind"),
        text("/metadata/namespace"),
        text("/metadata/name"),
        String::new(),
        String::new(),
    ]
}

/// Tables without `-A` do not name the namespace; where the whole paste names exactly one, it is that.
fn fill_namespace(pasted: &mut Pasted) {
    let mut known: Option<String> = None;
    for object in &pasted.objects {
        if object.get("kind").and_then(Value::as_str) == Some("Lease") {
            continue;
        }
        let found = object.pointer("/metadata/namespace").and_then(Value::as_str);
        match (found, &known) {
            (Some(found), None) => known = Some(found.to_owned()),
            (Some(found), Some(one)) if found != one => return,
            _ => {}
        }
    }
    let Some(namespace) = known else { return };
    for object in &mut pasted.objects {
        let kind = object
            .get("kind")
            .and_then(Value::as_str)
            .map(sonde_model::Kind::from_name);
        if !kind.is_some_and(|kind| kind.is_namespaced()) || object.pointer("/metadata/namespace").is_some() {
            continue;
        }
        set(object, &["metadata", "namespace"], namespace.as_str());
        if object
            .get("involvedObject")
            .is_some_and(|involved| involved.get("namespace").is_none())
        {
            let kind = object
                .pointer("/involvedObject/kind")
                .and_then(Value::as_str)
                .map(sonde_model::Kind::from_name);
            if kind.is_some_and(|kind| kind.is_namespaced()) {
                set(object, &["involvedObject", "namespace"], namespace.as_str());
            }
        }
    }
    for log in &mut pasted.logs {
        if log.pod.is_some() {
            log.namespace.get_or_insert(namespace.clone());
        }
    }
}
