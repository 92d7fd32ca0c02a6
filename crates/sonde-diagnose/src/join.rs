//! One root cause is one finding: joins what many subjects show, and drops what another finding explains.

use std::collections::{BTreeMap, BTreeSet};

use sonde_model::{Evidence, Finding, ObjectRef, Severity, Step, Verdict};
use sonde_world::Snapshot;

use crate::Symptom;
use crate::case::evidence_id;
use crate::triage::nameless;

/// A finding about one episode, before joining.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) finding: Finding,
    pub(crate) root_key: String,
    /// The root's own finding explains this one.
    pub(crate) follows_root: bool,
    /// The finding of this object, or of what it owns, explains this one.
    pub(crate) explained_by: Option<ObjectRef>,
    /// Its proof is of its own, and no more specific cause could say more.
    pub(crate) is_specific: bool,
    pub(crate) symptom: Symptom,
}

/// Joins drafts into findings, worst first.
pub(crate) fn join(drafts: Vec<Draft>, snapshot: &Snapshot) -> Vec<Finding> {
    let (follows, roots): (Vec<Draft>, Vec<Draft>) = drafts.into_iter().partition(|draft| {
        draft.follows_root || draft.explained_by.is_some() || draft.symptom.follows_from_owned()
    });
    let mut findings = merge(roots);
    let mut rest = Vec::new();
    for mut draft in follows {
        let subject = &draft.finding.subject;
        let found = findings.iter().position(|finding| {
            if draft.follows_root {
                finding.severity > Severity::Info
                    && (finding.subject == *subject || finding.explains.contains(subject))
            } else {
                explains(finding, subject, snapshot)
                    || draft
                        .explained_by
                        .as_ref()
                        .is_some_and(|object| explains(finding, object, snapshot))
            }
        });
        match found {
            Some(at) if draft.follows_root => {
                for object in draft.finding.explains {
                    push_unique(&mut findings[at].explains, object);
                }
            }
            // What is known of the owner explains a pod of which nothing is.
            Some(at) if draft.is_specific && findings[at].verdict == Verdict::Unknown => {
                for object in findings.remove(at).explains {
                    push_unique(&mut draft.finding.explains, object);
                }
                rest.push(draft);
            }
            Some(at) => {
                let finding = &mut findings[at];
                let adds = matches!(draft.symptom, Symptom::RolloutStuck | Symptom::JobFailed);
                if adds && !finding.explains.contains(subject) {
                    adopt(finding, &draft.finding);
                }
                push_unique(&mut finding.explains, draft.finding.subject);
            }
            None => rest.push(draft),
        }
    }
    findings.extend(merge(rest));
    drop_echoes(&mut findings);
    drop_denials(&mut findings);
    findings.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| b.verdict.cmp(&a.verdict))
            .then_with(|| b.explains.len().cmp(&a.explains.len()))
            .then_with(|| a.code.cmp(&b.code))
            .then_with(|| a.subject.cmp(&b.subject))
            .then_with(|| a.id.cmp(&b.id))
    });
    findings
}

/// What the owner's finding adds to the one that explains it: what follows for the owner, as the last step, and what to
/// do about it, the last good revision for example.
fn adopt(finding: &mut Finding, owners: &Finding) {
    let Some(last) = owners.chain.iter().rfind(|step| !step.evidence.is_empty()) else {
        return;
    };
    let evidence = last
        .evidence
        .iter()
        .filter_map(|id| owners.evidence.iter().find(|it| it.id == *id))
        .map(|seen| {
            let same =
                |it: &&Evidence| it.source == seen.source && it.text == seen.text && it.time == seen.time;
            if let Some(have) = finding.evidence.iter().find(same) {
                return have.id.clone();
            }
            let id = evidence_id(finding.evidence.len());
            finding.evidence.push(Evidence {
                id: id.clone(),
                ..seen.clone()
            });
            id
        })
        .collect();
    finding.chain.push(Step {
        text: owners.headline.clone(),
        evidence,
    });
    let fixes = owners.fixes.iter().filter(|fix| fix.command.is_some());
    finding.fixes.extend(fixes.cloned());
}

/// Drops what is told twice. A line that names no object, beside an object that has the same trouble, tells of that
/// object: people quote what they describe.
fn drop_echoes(findings: &mut Vec<Finding>) {
    let of_text = |finding: &Finding| finding.explains.iter().all(|it| *it == nameless());
    // The kubelet says the same once of the container and once of the pod.
    let of_container: Vec<_> = findings
        .iter()
        .filter(|finding| finding.container.is_some())
        .map(|it| {
            (
                it.code.clone(),
                it.subject.clone(),
                it.verdict,
                it.explains.clone(),
            )
        })
        .collect();
    findings.retain(|finding| {
        finding.container.is_some()
            || !of_container.iter().any(|(code, subject, verdict, explains)| {
                *code == finding.code
                    && *subject == finding.subject
                    && *verdict >= finding.verdict
                    && *explains == finding.explains
            })
    });
    let told: Vec<_> = findings
        .iter()
        .filter(|finding| !of_text(finding))
        .map(|finding| (finding.code.clone(), finding.family))
        .collect();
    findings.retain(|finding| {
        let echoes = |(code, family): &(_, _)| {
            *code == finding.code || (finding.verdict == Verdict::Unknown && *family == finding.family)
        };
        !of_text(finding) || !told.iter().any(echoes)
    });
}

/// What one finding tells of a container no other finding of it denies: of two runs each may have its own end.
fn drop_denials(findings: &mut [Finding]) {
    let told: BTreeSet<_> = findings
        .iter()
        .filter(|it| it.verdict >= Verdict::Likely && it.container.is_some())
        .map(|it| (it.code.clone(), it.subject.clone(), it.container.clone()))
        .collect();
    for finding in findings.iter_mut().filter(|it| it.container.is_some()) {
        let (subject, container) = (&finding.subject, &finding.container);
        finding
            .ruled_out
            .retain(|it| !told.contains(&(it.code.clone(), subject.clone(), container.clone())));
    }
}

/// A finding about something that the object owns, and that is an alarm, explains the object's own trouble.
fn explains(finding: &Finding, object: &ObjectRef, snapshot: &Snapshot) -> bool {
    finding.severity > Severity::Info
        && finding
            .explains
            .iter()
            .chain([&finding.subject])
            .any(|explained| explained == object || owners(snapshot, explained).any(|owner| owner == *object))
}

fn owners<'a>(snapshot: &'a Snapshot, of: &ObjectRef) -> impl Iterator<Item = ObjectRef> + 'a {
    let owner = |it: &ObjectRef| Some(snapshot.get(it)?.owner.as_ref()?.reference.clone());
    std::iter::successors(owner(of), move |it| owner(it)).take(16)
}

/// Drafts with one code and one root become one finding. The first that is not over, best proven and oldest, speaks.
fn merge(drafts: Vec<Draft>) -> Vec<Finding> {
    let mut groups: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    for draft in drafts {
        let mut finding = draft.finding;
        let container = finding.container.as_deref().unwrap_or_default();
        let key = [
            finding.code.as_str(),
            finding.subject.kind.as_str(),
            &finding.subject.namespace,
            &finding.subject.name,
            container,
            &draft.root_key,
        ]
        .join("\u{1f}");
        finding.id = format!("f-{:016x}", fnv1a(&key));
        groups.entry(key).or_default().push(finding);
    }
    groups.into_values().filter_map(speak).collect()
}

fn speak(mut group: Vec<Finding>) -> Option<Finding> {
    group.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| b.verdict.cmp(&a.verdict))
            .then_with(|| a.since.cmp(&b.since))
            .then_with(|| a.explains.cmp(&b.explains))
    });
    let mut group = group.into_iter();
    let mut speaker = group.next()?;
    // A set: what fails in masses has tens of thousands of objects.
    let mut explained: BTreeSet<ObjectRef> = std::mem::take(&mut speaker.explains).into_iter().collect();
    for other in group {
        if speaker.since.is_none()
            || other
                .since
                .is_some_and(|it| speaker.since.is_some_and(|have| it < have))
        {
            speaker.since = other.since;
            speaker.since_at_least = other.since_at_least;
        }
        speaker.ended = speaker
            .ended
            .and_then(|ended| other.ended.map(|it| it.max(ended)));
        explained.extend(other.explains);
        for rival in other.rivals {
            if !speaker.rivals.contains(&rival) && speaker.verdict < sonde_model::Verdict::Proven {
                speaker.rivals.push(rival);
            }
        }
    }
    speaker.explains = explained.into_iter().collect();
    Some(speaker)
}

fn push_unique(list: &mut Vec<ObjectRef>, object: ObjectRef) {
    if !list.contains(&object) {
        list.push(object);
    }
}

/// FNV-1a, 64 bits: small and the same on every machine and in every version; ids need no more.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
