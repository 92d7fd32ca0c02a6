//! Lists that could not be read, as blind spots: those that were refused alike are one.

use std::collections::BTreeMap;

use sonde_diagnose::Gap;
use sonde_model::{BlindSpot, Code, Kind};

use super::errors::RequestError;
use super::list::List;

/// A namespace, whether it is the whole cluster's, and why it failed.
type Group<'a> = (Option<&'a str>, bool, String);

/// The gaps that lists leave that failed.
pub(super) fn gaps(failed: &[(List, RequestError)]) -> Vec<Gap> {
    let mut groups: BTreeMap<Group<'_>, Vec<&(List, RequestError)>> = BTreeMap::new();
    for one in failed {
        let (list, error) = one;
        let everywhere = list.namespace.is_none() && list.kind.is_namespaced();
        let key = (list.namespace.as_deref(), everywhere, alike(error));
        groups.entry(key).or_default().push(one);
    }
    groups.into_values().filter_map(|group| gap(&group)).collect()
}

fn gap(group: &[&(List, RequestError)]) -> Option<Gap> {
    let (first, error) = group.first()?;
    let plurals: Vec<&str> = group
        .iter()
        .map(|(list, _)| list.kind.info().map_or(list.kind.as_str(), |info| info.plural))
        .collect();
    let place = match &first.namespace {
        Some(namespace) => format!(" in namespace {namespace}"),
        None if first.kind.is_namespaced() => " in all namespaces".to_owned(),
        None => String::new(),
    };
    let mut forbids: Vec<Code> = group.iter().flat_map(|(list, _)| forbids(&list.kind)).collect();
    forbids.sort();
    forbids.dedup();
    let why = match group.len() {
        1 => why(error),
        _ => alike(error),
    };
    let spot = BlindSpot {
        what: format!("{}{place}", plurals.join(", ")),
        why,
        forbids,
    };
    // A part of a list speaks for no whole one.
    let whole = group.iter().filter(|(list, _)| list.fields.is_none());
    Some(Gap::new(spot, whole.map(|(list, _)| list.want())))
}

/// The gap of a kind that this version of the API does not have: worth a word only to whom it concerns.
pub(super) fn unserved(list: &List) -> Gap {
    let spot = BlindSpot {
        what: list.words(),
        why: "this version of Kubernetes does not serve them in the version that Sonde reads".to_owned(),
        forbids: forbids(&list.kind),
    };
    Gap {
        only_if_wanted: true,
        ..Gap::new(spot, [list.want()])
    }
}

/// What errors of the same cause have in common: a refusal without the resource that it names.
fn alike(error: &RequestError) -> String {
    let RequestError::Status { code: 403, message } = error else {
        return why(error);
    };
    let user = message
        .split_once(": User ")
        .and_then(|(_, rest)| rest.split_once(" cannot "))
        .map(|(user, _)| user);
    match user {
        Some(user) => format!("not allowed: User {user} cannot list them"),
        None => why(error),
    }
}

/// Why, for a blind spot; a refusal in the server's own words.
pub(super) fn why(error: &RequestError) -> String {
    match error {
        RequestError::Status { code: 403, message } => format!("not allowed: {message}"),
        other => other.to_string(),
    }
}

/// The causes that read a kind.
pub(super) fn forbids(kind: &Kind) -> Vec<Code> {
    let mut codes: Vec<Code> = sonde_diagnose::causes()
        .iter()
        .filter(|cause| cause.reads.contains(kind))
        .map(|cause| cause.code.clone())
        .collect();
    codes.sort();
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_one_kind_are_one_blind_spot() {
        let refused = |kind: Kind, namespace: Option<&str>| {
            let message = format!("{kind} is forbidden: User \"jane\" cannot list resource \"{kind}\"");
            (
                List::all(kind, namespace),
                RequestError::Status { code: 403, message },
            )
        };
        let gaps = gaps(&[
            refused(Kind::Pod, Some("shop")),
            refused(Kind::Service, Some("shop")),
            refused(Kind::Node, None),
            (List::all(Kind::Lease, None), RequestError::TooLarge(7)),
        ]);
        let told: Vec<_> = gaps
            .iter()
            .map(|gap| (gap.spot.what.as_str(), gap.spot.why.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (
                    "nodes",
                    "not allowed: Node is forbidden: User \"jane\" cannot list resource \"Node\""
                ),
                ("leases in all namespaces", "the answer is larger than 7 bytes"),
                (
                    "pods, services in namespace shop",
                    "not allowed: User \"jane\" cannot list them"
                ),
            ]
        );
        assert!(!gaps[0].spot.forbids.is_empty());
        assert!(gaps[2].answers(&List::all(Kind::Service, Some("shop")).want()));
    }
}
