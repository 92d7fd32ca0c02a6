//! ADM-LIMIT-RANGE: a LimitRange of the namespace forbids the pod's requests or limits.

use sonde_grammar::fact::{AdmissionRefusal, LimitBound};
use sonde_model::{Code, EvidenceKind, Kind, Risk};

use super::refusal::{cannot_create, mended, newest, pods_are_missing};
use crate::cause::page;
use crate::{Case, Cause, Facts, Seen, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ADM-LIMIT-RANGE"),
    title: "LimitRange forbids the pod's resources",
    explains: &[Symptom::PodsNotCreated],
    reads: &[Kind::LimitRange],
    state,
    page: page!("ADM-LIMIT-RANGE"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((
        AdmissionRefusal::LimitRange {
            bound,
            resource,
            scope,
            limit,
            value,
        },
        message,
    )) = newest(facts)
    else {
        return;
    };
    let namespace = &facts.episode.subject.namespace;
    let mut ranges = facts.snapshot.in_namespace(Kind::LimitRange, namespace);
    if ranges.next().is_none() && facts.snapshot.is_complete(&Kind::LimitRange, namespace) {
        let seen = Seen {
            kind: EvidenceKind::Absence,
            source: format!("complete list of LimitRanges in {namespace}"),
            object: None,
            time: None,
            text: "no LimitRange".into(),
        };
        let was = "a LimitRange forbade the pods";
        mended(
            facts,
            case,
            message,
            was,
            ("the namespace has no LimitRange any more", seen, None),
        );
        return;
    }
    case.proven_by(message.seen());
    let (word, fix) = match bound {
        LimitBound::Min => ("at least", "raise"),
        LimitBound::Max => ("at most", "lower"),
        LimitBound::Ratio => ("a limit-to-request ratio of at most", "bring together"),
    };
    let rule = format!("a {scope} must have {word} {limit} of {resource}");
    let known = facts
        .snapshot
        .in_namespace(Kind::LimitRange, &facts.episode.subject.namespace)
        .next()
        .map(|it| field_on(&it.reference, "spec.limits", &rule));
    case.step(format!("the namespace's LimitRange says: {rule}"), known);
    let asked = value
        .as_ref()
        .map_or_else(String::new, |value| format!(" {value}"));
    case.step(format!("the pod's template asks{asked}"), [message.seen()]);
    pods_are_missing(facts, case);
    case.headline(format!(
        "{}: LimitRange: {rule}, the template has{asked}",
        cannot_create(facts)
    ));
    case.advice(
        format!("{fix} the {resource} request and limit in the pod's template, or change the LimitRange"),
        Risk::Restart,
    );
}
