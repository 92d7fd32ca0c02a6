//! Compares a report with what a scenario expects.

use anyhow::{Result, bail};
use sonde_model::{Code, Finding, Report, Severity, Verdict};

use super::condition::glob;
use super::file::{Expectation, Scenario};

/// The codes that were found, if they are exactly those expected; else an error that lists every difference.
pub(crate) fn judge(scenario: &Scenario, namespace: &str, report: &Report) -> Result<Vec<String>> {
    let mut troubles = Vec::new();
    let mut used = vec![false; report.findings.len()];
    for expectation in &scenario.expect {
        let fitting: Vec<usize> = (0..report.findings.len())
            .filter(|at| fits(expectation, namespace, &report.findings[*at]))
            .collect();
        match fitting.as_slice() {
            [one] => used[*one] = true,
            [] => troubles.push(missing(expectation, namespace, report)),
            many => {
                troubles.push(format!(
                    "found {} times, one root cause is one finding: {}",
                    many.len(),
                    name(expectation)
                ));
                many.iter().for_each(|at| used[*at] = true);
            }
        }
    }
    let mut tolerated = Vec::new();
    for (finding, _) in report.findings.iter().zip(&used).filter(|(_, used)| !**used) {
        if !is_alarm(finding) {
            continue;
        }
        if scenario.tolerate.iter().any(|code| code == finding.code.as_str()) {
            tolerated.push(format!("({} tolerated)", finding.code));
        } else {
            troubles.push(format!("found, but not expected: {}", describe(finding)));
        }
    }
    if !troubles.is_empty() {
        bail!("{}", troubles.join("\n"));
    }
    let found = report.findings.iter().zip(&used).filter(|(_, used)| **used);
    Ok(found
        .map(|(finding, _)| format!("{} {}", finding.code, finding.verdict.as_str()))
        .chain(tolerated)
        .collect())
}

/// As [`judge`] for pasted text, which shows less: each expected cause must be named, with whatever verdict above unknown,
/// or as a rival of what is only possible. Nothing that is not there may be called likely, and nothing healthy an alarm.
pub(crate) fn judge_paste(scenario: &Scenario, report: &Report) -> Result<Pasted> {
    let is_known = |code: &Code| scenario.codes().any(|known| known == code.as_str());
    let least = if scenario.expect.is_empty() {
        Verdict::Unknown
    } else {
        Verdict::Likely
    };
    let wrong: Vec<String> = report
        .findings
        .iter()
        .filter(|finding| is_alarm(finding) && finding.verdict >= least && !is_known(&finding.code))
        .map(describe)
        .collect();
    if !wrong.is_empty() {
        bail!("found, but not expected: {}", wrong.join("\n"));
    }
    let is_named = |expectation: &&Expectation| {
        report.findings.iter().any(|finding| {
            let is = |named: &Code| expectation.code == named.as_str();
            let possible = finding.verdict == Verdict::Possible;
            finding.verdict > Verdict::Unknown
                && (is(&finding.code) || (possible && finding.rivals.iter().any(is)))
        })
    };
    let Some(missed) = scenario.expect.iter().find(|it| !is_named(it)) else {
        return Ok(Pasted::Told);
    };
    if scenario.paste.is_some() {
        return Ok(Pasted::MissedAsKnown);
    }
    let found: Vec<String> = report.findings.iter().map(describe).collect();
    bail!("not found: {}\nfound: {}", missed.code, found.join("\n"));
}

/// How pasted text was judged, where it was not wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pasted {
    Told,
    /// The scenario says why this text cannot tell.
    MissedAsKnown,
}

/// What a person would be woken for.
fn is_alarm(finding: &Finding) -> bool {
    finding.severity >= Severity::Warning && finding.ended.is_none()
}

fn fits(expectation: &Expectation, namespace: &str, finding: &Finding) -> bool {
    shortfalls(expectation, namespace, finding).is_empty()
}

/// In what a finding differs from an expectation.
fn shortfalls(expectation: &Expectation, namespace: &str, finding: &Finding) -> Vec<String> {
    let mut out = Vec::new();
    if expectation.code != finding.code.as_str() {
        out.push("another code".to_owned());
    }
    if !expectation.verdict.contains(&finding.verdict) {
        out.push(format!(
            "{}, not {}",
            finding.verdict.as_str(),
            verdicts(expectation)
        ));
    }
    if let Some(pattern) = &expectation.subject
        && !is_about(finding, &pattern.replace("$NAMESPACE", namespace))
    {
        out.push(format!("subject {}, not {pattern}", finding.subject));
    }
    let text = serde_json::to_string(finding).unwrap_or_default().to_lowercase();
    for word in &expectation.words {
        // The text is JSON, and so must be what is looked for.
        let word_json =
            serde_json::to_string(&word.replace("$NAMESPACE", namespace).to_lowercase()).unwrap_or_default();
        if !text.contains(word_json.trim_matches('"')) {
            out.push(format!("does not say {word:?}"));
        }
    }
    out
}

/// Kinds may be given in full or as kubectl's short names.
fn is_about(finding: &Finding, pattern: &str) -> bool {
    let subject = &finding.subject;
    let full = format!("{}/{}", subject.kind.as_str().to_lowercase(), subject.name);
    glob(pattern, &full) || glob(pattern, &subject.to_string())
}

fn missing(expectation: &Expectation, namespace: &str, report: &Report) -> String {
    let same_code = |finding: &&Finding| expectation.code == finding.code.as_str();
    let near: Vec<String> = report
        .findings
        .iter()
        .filter(same_code)
        .map(|finding| {
            format!(
                "  but {} [{}]",
                describe(finding),
                shortfalls(expectation, namespace, finding).join("; ")
            )
        })
        .collect();
    let mut text = format!("not found: {}", name(expectation));
    for line in near {
        text.push('\n');
        text.push_str(&line);
    }
    text
}

fn name(expectation: &Expectation) -> String {
    let subject = expectation.subject.as_deref().unwrap_or("any subject");
    format!("{} ({}) on {subject}", expectation.code, verdicts(expectation))
}

fn verdicts(expectation: &Expectation) -> String {
    let words: Vec<&str> = expectation.verdict.iter().map(|it| it.as_str()).collect();
    words.join(" or ")
}

fn describe(finding: &Finding) -> String {
    format!(
        "{} ({}, {}) on {}: {}",
        finding.code,
        finding.verdict.as_str(),
        finding.severity.as_str(),
        finding.subject,
        finding.headline
    )
}
