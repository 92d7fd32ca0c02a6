//! Phrases that every output for people shares.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sonde_model::{
    Change, Code, Evidence, EvidenceKind, Finding, Fix, Kind, ObjectRef, Report, Risk, Severity, SourceKind,
    Verdict,
};

use super::age;

/// `1 finding`, `2 findings`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        return format!("1 {noun}");
    }
    let plural = match noun {
        noun if noun.ends_with('s') || noun.ends_with('x') || noun.ends_with("ch") => format!("{noun}es"),
        noun if noun.ends_with('y') && !noun.ends_with("ay") && !noun.ends_with("ey") => {
            format!("{}ies", &noun[..noun.len() - 1])
        }
        noun => format!("{noun}s"),
    };
    format!("{} {plural}", thousands(number))
}

/// `1,234`.
pub(super) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [many @ .., last] => format!("{} and {last}", many.join(", ")),
    }
}

/// As [`list`], and no more than `max` items by name.
pub(super) fn list_up_to(items: &[String], max: usize) -> String {
    if items.len() <= max.saturating_add(1) {
        return list(items);
    }
    format!(
        "{} and {} more",
        items[..max].join(", "),
        thousands(items.len() - max)
    )
}

pub(super) fn codes(codes: &[Code]) -> Vec<String> {
    codes.iter().map(ToString::to_string).collect()
}

/// `deploy/checkout in shop, container app`.
pub(super) fn subject(finding: &Finding) -> String {
    let mut words = object(&finding.subject);
    if let Some(container) = &finding.container {
        words.push_str(", container ");
        words.push_str(container);
    }
    words
}

/// `deploy/checkout in shop`.
pub(super) fn object(object: &ObjectRef) -> String {
    if is_text(object) {
        return "the text".to_owned();
    }
    // Text that lost the line with the name.
    if &*object.name == "unnamed" {
        return format!(
            "a {} whose name is not in the text",
            object.kind.as_str().to_lowercase()
        );
    }
    if object.namespace.is_empty() {
        object.to_string()
    } else {
        format!("{object} in {}", object.namespace)
    }
}

/// How sure the finding is, as a sentence.
pub(super) fn verdict(finding: &Finding) -> String {
    let rivals = list_up_to(&codes(&finding.rivals), 4);
    match (finding.verdict, rivals.is_empty()) {
        (Verdict::Proven, _) => {
            "Proven: the evidence shows it, and every other cause is ruled out or weaker.".to_owned()
        }
        (Verdict::Likely, true) => {
            "Likely: the evidence points to this cause and to no other as strongly.".to_owned()
        }
        (Verdict::Likely, false) if finding.contradicted => format!(
            "Likely, but the evidence contradicts itself: it proves {rivals} as well, and only one of them can be true."
        ),
        (Verdict::Likely, false) => format!(
            "Likely: the evidence points to this cause and to no other as strongly; not ruled out: {rivals}."
        ),
        (Verdict::Possible, true) => {
            "Possible: the evidence allows this cause, but does not prove it.".to_owned()
        }
        (Verdict::Possible, false) => {
            format!("Possible: the evidence allows this cause, and also {rivals}.")
        }
        (Verdict::Unknown, true) => "Unknown: nothing that was seen tells the cause.".to_owned(),
        (Verdict::Unknown, false) if finding.rivals.len() == 1 => {
            format!("Unknown: nothing that was seen decides whether it is {rivals}.")
        }
        (Verdict::Unknown, false) => format!("Unknown: nothing that was seen decides between {rivals}."),
    }
}

/// What changed, and of what object where the words do not say so.
pub(super) fn change(change: &Change) -> String {
    if change.text.contains(&*change.object.name) {
        change.text.clone()
    } else {
        format!("{}: {}", object(&change.object), change.text)
    }
}

/// What is said after a fix about what it can break; advice that changes nothing needs no words.
pub(super) fn risk_note(fix: &Fix) -> String {
    match (fix.risk, &fix.command) {
        (Risk::None, None) => String::new(),
        (risk, _) => format!(" ({})", self::risk(risk)),
    }
}

/// The heading above what to look at next.
pub(super) fn next_heading(finding: &Finding) -> &'static str {
    if finding.verdict == Verdict::Proven {
        "Worth a look"
    } else {
        "What would decide"
    }
}

/// What a fix can break.
fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::None => "changes nothing that runs",
        Risk::Restart => "restarts what it changes",
        Risk::Wide => "touches other workloads or a node",
        Risk::DataLoss => "can lose data or running work",
    }
}

/// The kind of the subject of pasted lines that name no object.
fn is_text(object: &ObjectRef) -> bool {
    object.kind.as_str() == "Text"
}

/// When and how the trouble shows; empty where a text tells neither: `CrashLoopBackOff since … (5m ago)`.
pub(super) fn since(finding: &Finding, now: Option<Timestamp>) -> String {
    let symptom = match finding.symptom.as_str() {
        "" => "Seen".to_owned(),
        symptom => symptom.to_owned(),
    };
    match (finding.since, finding.ended) {
        (Some(since), Some(ended)) => format!(
            "{symptom} from {} to {}; it is over.",
            age::absolute(since),
            age::dated(ended, now)
        ),
        (None, Some(ended)) => format!("{symptom} until {}; it is over.", age::dated(ended, now)),
        (Some(since), None) if finding.since_at_least => {
            format!("{symptom} at least since {}.", age::dated(since, now))
        }
        (Some(since), None) => format!("{symptom} since {}.", age::dated(since, now)),
        (None, None) if is_text(&finding.subject) => String::new(),
        (None, None) => format!("{symptom}; since when is not known."),
    }
}

/// The time since, short, for a column of a table.
pub(super) fn since_short(finding: &Finding, now: Option<Timestamp>) -> String {
    match (finding.since, finding.ended) {
        (_, Some(ended)) => {
            age::age(ended, now).map_or_else(|| "over".to_owned(), |age| format!("over {age}"))
        }
        (Some(since), None) => age::age(since, now).unwrap_or_else(|| age::absolute(since)),
        (None, None) => "-".to_owned(),
    }
}

/// Where and when something was seen: `event of pod/x, 09:58:11`.
pub(super) fn place(evidence: &Evidence, now: Option<Timestamp>) -> String {
    let kind = match evidence.kind {
        // What was computed names in its source what it was computed from.
        EvidenceKind::Field | EvidenceKind::Text | EvidenceKind::Computed => "",
        EvidenceKind::Event => "event",
        EvidenceKind::ContainerLog => "log",
        EvidenceKind::KernelLog => "kernel log",
        EvidenceKind::KubeletLog => "kubelet log",
        EvidenceKind::RuntimeLog => "runtime log",
        EvidenceKind::Agent => "agent",
        EvidenceKind::Metric => "metric",
        EvidenceKind::Absence => "absent",
    };
    let mut words = String::new();
    let source = evidence.source.trim();
    if !kind.is_empty() && !source.to_ascii_lowercase().contains(kind) {
        words.push_str(kind);
    }
    if let Some(object) = &evidence.object
        && !source.contains(&*object.name)
    {
        join(&mut words, " ", &object.to_string());
    }
    join(&mut words, " ", source);
    if let Some(time) = evidence.time {
        join(&mut words, ", ", &age::clock(time, now));
    }
    words
}

fn join(words: &mut String, between: &str, more: &str) {
    if !words.is_empty() && !more.is_empty() {
        words.push_str(between);
    }
    words.push_str(more);
}

/// `40 pods (a, b, c and 37 more)`, by kind, without the subject itself.
pub(super) fn explained(finding: &Finding, names_max: usize) -> Vec<String> {
    let mut by_kind: BTreeMap<&Kind, Vec<String>> = BTreeMap::new();
    for object in &finding.explains {
        if *object == finding.subject {
            continue;
        }
        let name = if object.namespace == finding.subject.namespace || object.namespace.is_empty() {
            object.name.to_string()
        } else {
            format!("{}/{}", object.namespace, object.name)
        };
        by_kind.entry(&object.kind).or_default().push(name);
    }
    by_kind
        .into_iter()
        .map(|(kind, names)| {
            if let [name] = names.as_slice() {
                return format!("{}/{name}", kind.word());
            }
            format!(
                "{} ({})",
                count(names.len(), &kind.as_str().to_ascii_lowercase()),
                list_up_to(&names, names_max)
            )
        })
        .collect()
}

/// The headline as a sentence: a first word that is no name gets its capital, the end its full stop.
pub(super) fn headline(finding: &Finding) -> String {
    let text = finding.headline.trim();
    let first = text.split(' ').next().unwrap_or_default();
    let is_name = first == &*finding.subject.name || Some(first) == finding.container.as_deref();
    let mut out = String::with_capacity(text.len() + 1);
    let mut chars = text.chars();
    if !is_name && first.chars().all(|c| c.is_ascii_lowercase()) {
        out.extend(chars.next().map(|c| c.to_ascii_uppercase()));
    }
    out.push_str(chars.as_str());
    if !out.is_empty() && !out.ends_with(['.', '!', '?', ':', '…']) {
        out.push('.');
    }
    out
}

/// `1 critical, 2 errors`, worst first.
pub(super) fn severities<'a>(findings: impl Iterator<Item = &'a Finding> + Clone) -> String {
    let number = |severity: Severity| findings.clone().filter(|it| it.severity == severity).count();
    let parts: Vec<String> = [
        (Severity::Critical, "critical", "critical"),
        (Severity::Error, "error", "errors"),
        (Severity::Warning, "warning", "warnings"),
        (Severity::Info, "note", "notes"),
    ]
    .into_iter()
    .filter_map(|(severity, one, many)| match number(severity) {
        0 => None,
        1 => Some(format!("1 {one}")),
        number => Some(format!("{} {many}", thousands(number))),
    })
    .collect();
    parts.join(", ")
}

/// The findings that are alarms, and those that are only told: advice and troubles that are over.
pub(super) fn alarms_and_notes(report: &Report) -> (Vec<&Finding>, Vec<&Finding>) {
    report
        .findings
        .iter()
        .partition(|finding| finding.severity > Severity::Info)
}

/// Pasted text that held no object but events, and words that no grammar knows: no answer is drawn from it.
pub(crate) fn strange_text(report: &Report) -> bool {
    report.source.kind == SourceKind::Paste
        && report.scanned.objects.keys().all(|kind| *kind == Kind::Event)
        && report.not_understood.count > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_lists_read_as_people_write_them() {
        for (number, noun, expected) in [
            (0, "pod", "0 pods"),
            (1, "pod", "1 pod"),
            (1_234, "pod", "1,234 pods"),
            (2, "storageclass", "2 storageclasses"),
            (2, "networkpolicy", "2 networkpolicies"),
            (2, "ingress", "2 ingresses"),
            (1_000_000, "key", "1,000,000 keys"),
        ] {
            assert_eq!(count(number, noun), expected);
        }
        let items: Vec<String> = ["a", "b", "c", "d"].map(str::to_owned).to_vec();
        assert_eq!(list(&items[..2]), "a and b");
        assert_eq!(list_up_to(&items, 3), "a, b, c and d");
        assert_eq!(list_up_to(&items, 2), "a, b and 2 more");
    }
}
