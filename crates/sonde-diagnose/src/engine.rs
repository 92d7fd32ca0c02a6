//! From a question to an answer.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use sonde_model::{
    BlindSpot, Code, Evidence, Family, Finding, Kind, NotUnderstood, ObjectRef, Report, SCHEMA, Scanned,
    Severity, SourceKind, Verdict,
};

use crate::beginning::begun;
use crate::changes;
use crate::join::{Draft, join};
use crate::message::Message;
use crate::placement::Placements;
use crate::resolve::{Conclusion, has_evidence, resolve};
use crate::revision;
use crate::subject::{Subject, log_words};
use crate::triage::{Opened, Told, Triage};
use crate::{Answer, Case, Cause, Facts, Gap, Question, Strength, Symptom, Texts, Want, causes};

/// Before the headline of what is over.
const WAS: &str = "was: ";
/// How many not understood messages a report quotes.
const SAMPLES: usize = 10;

/// The causes by the symptom that they explain.
struct Differentials(BTreeMap<Symptom, Vec<&'static Cause>>);

impl Differentials {
    fn new() -> Self {
        let mut by_symptom: BTreeMap<Symptom, Vec<&'static Cause>> = BTreeMap::new();
        for cause in causes() {
            for symptom in cause.explains {
                by_symptom.entry(*symptom).or_default().push(cause);
            }
        }
        Self(by_symptom)
    }

    fn of(&self, symptom: Symptom) -> &[&'static Cause] {
        self.0.get(&symptom).map_or(&[], Vec::as_slice)
    }
}

/// Answers a question. Deterministic: the same question gives the same bytes.
pub fn diagnose(question: &Question) -> Answer {
    let triage = Triage {
        snapshot: &question.snapshot,
        texts: &question.texts,
        now: question.now,
        fates: RefCell::default(),
    };
    let mut by_subject: BTreeMap<ObjectRef, Vec<Opened>> = BTreeMap::new();
    for opened in triage.open(&question.scope) {
        by_subject
            .entry(opened.episode.subject.clone())
            .or_default()
            .push(opened);
    }
    let differentials = Differentials::new();
    let survey = OnceCell::new();
    let placements = Placements::new(&question.snapshot);
    let mut drafts = Vec::new();
    // What would decide more, and what is open of that in the report.
    let (mut wants, mut undecided) = (Vec::new(), Vec::new());
    let mut timeless = Vec::new();
    let mut not_understood = NotUnderstood {
        count: 0,
        samples: Vec::new(),
    };
    let mut problems = question.problems.clone();
    for text in &question.not_understood {
        count(&mut not_understood, text);
    }
    for (reference, episodes) in by_subject {
        let mut subject = Subject::load(&reference, &question.snapshot, &question.texts);
        problems.append(&mut subject.problems);
        for message in subject.not_understood() {
            count(&mut not_understood, &message.seen.text);
        }
        for mut opened in episodes {
            if opened.of_ended_run {
                opened.episode.run = subject.newest_run(opened.episode.container.as_deref());
            }
            let facts = Facts {
                episode: &opened.episode,
                snapshot: &question.snapshot,
                now: question.now,
                texts: &question.texts,
                subject: &subject,
                survey: &survey,
                placements: &placements,
                words: OnceCell::new(),
                witness: OnceCell::new(),
                ended: OnceCell::new(),
            };
            wants.extend(facts.wish_for_agent());
            for mut conclusion in conclude(&facts, &differentials) {
                if conclusion.verdict == Verdict::Unknown && opened.unexplained < Severity::Error {
                    conclusion.case.severity(opened.unexplained);
                }
                wants.extend(conclusion.wants.iter().cloned());
                if opened.told == Told::Timeless && conclusion.verdict < Verdict::Proven {
                    conclusion.case.severity(Severity::Info);
                    timeless.push(timeless_spot(&facts, &conclusion));
                }
                if conclusion.verdict >= Verdict::Likely || opened.told.even_if_unclear(question.now) {
                    undecided.extend(open_wants(&conclusion));
                    drafts.extend(draft(&facts, conclusion));
                }
            }
        }
    }
    let mut findings = join(drafts, &question.snapshot);
    for finding in &mut findings {
        say_what_was_read_here(finding, &question.texts);
        changes::tell(finding, &question.snapshot);
        revision::tell(finding, &question.snapshot);
        crate::unnamed::tell(finding);
    }
    let mut gaps = question.gaps.clone();
    timeless.dedup();
    gaps.extend(timeless.into_iter().map(Gap::from));
    for (want, forbids) in unmet(&undecided, question) {
        // The adapter may have tried and know why it could not.
        match gaps.iter_mut().find(|tried| tried.answers(want)) {
            Some(tried) => {
                tried.only_if_wanted = false;
                tried.spot.forbids.extend(forbids);
            }
            None => gaps.push(Gap::from(BlindSpot {
                what: want.describe(),
                why: why_unmet(want, question),
                forbids,
            })),
        }
    }
    let told = gaps.into_iter().filter(|gap| !gap.only_if_wanted);
    let mut blind_spots: Vec<BlindSpot> = told.map(|gap| gap.spot).collect();
    for spot in &mut blind_spots {
        // What was proven without it was not forbidden.
        let proven = |code: &Code| {
            findings
                .iter()
                .any(|it| it.code == *code && it.verdict == Verdict::Proven)
        };
        spot.forbids.retain(|code| !proven(code));
        spot.forbids.sort();
        spot.forbids.dedup();
    }
    problems.sort();
    problems.dedup();
    wants.sort();
    wants.dedup();
    let mut source = question.source.clone();
    source.time = question.now;
    let report = Report {
        schema: SCHEMA.to_owned(),
        source,
        scanned: scanned(question),
        findings,
        blind_spots,
        not_understood,
        problems,
    };
    Answer { report, wants }
}

/// Lets every cause of the symptom's differential state its case, and weighs them.
fn conclude(facts: &Facts<'_>, differentials: &Differentials) -> Vec<Conclusion> {
    let mut cases = Vec::new();
    for cause in differentials.of(facts.episode.symptom) {
        let mut case = Case::new(cause.code.clone());
        (cause.state)(facts, &mut case);
        let beside = std::mem::take(&mut case.beside);
        cases.push(case);
        cases.extend(beside);
    }
    let mut conclusions = resolve(facts.episode, cases);
    for conclusion in &mut conclusions {
        // To read again what was read decides nothing.
        for want in conclusion.wants.iter().filter(|want| facts.texts.was_read(want)) {
            let command = want.command();
            conclusion.next.retain(|look| look.command != command);
        }
        if conclusion.verdict == Verdict::Unknown {
            describe_unknown(facts, conclusion);
        }
    }
    conclusions
}

/// How long a trouble lasts decides whether it is one, and the source does not tell.
fn timeless_spot(facts: &Facts<'_>, conclusion: &Conclusion) -> BlindSpot {
    let episode = facts.episode;
    let mut forbids = conclusion.rivals.clone();
    forbids.push(conclusion.case.code.clone());
    BlindSpot {
        what: format!("how long {} is {}", episode.subject, episode.word),
        why: "nothing that was read is newer than the object itself; if it has been so for minutes, it is in trouble: --now TIME says when it was read, and kubectl describe shows what happened since".to_owned(),
        forbids,
    }
}

/// What is seen although nothing explains it.
fn describe_unknown(facts: &Facts<'_>, conclusion: &mut Conclusion) {
    let episode = facts.episode;
    if episode.subject == crate::triage::nameless() {
        return describe_unknown_text(facts, conclusion);
    }
    let what = match &episode.container {
        // A table does not name it.
        Some(container) if container.is_empty() => format!("the container of {}", episode.subject),
        Some(container) => format!("container {container} of {}", episode.subject),
        None => episode.subject.to_string(),
    };
    let how = match &episode.run {
        Some(run) => {
            let how = match (run.end.exit_code, run.end.signal, run.end.reason.as_str()) {
                (Some(code), ..) => format!("ended with exit code {code}"),
                (None, signal, _) if signal > 0 => format!("ended by signal {signal}"),
                (None, _, "") => "ended".to_owned(),
                (None, _, reason) => format!("ended with reason {reason}"),
            };
            let seen = facts.field(&run.path, run.end.text());
            conclusion.case.step(format!("the process {how}"), [seen]);
            how
        }
        None => {
            let how = state_of(&episode.word);
            conclusion.case.step(format!("it {how}"), [facts.seen_as()]);
            how
        }
    };
    let said = telling(facts);
    for message in &said {
        conclusion.case.step("what was said about it", [message.seen()]);
    }
    let why = match said.first().filter(|message| message.warning) {
        Some(message) => format!(
            "nothing here knows what the last word on it means: {}",
            quoted(&message.seen.text)
        ),
        None => "the evidence at hand does not say why".to_owned(),
    };
    conclusion.case.headline = format!("{what} {how}; {why}");
    if episode.symptom == Symptom::Deleting && facts.is_partial() {
        // How long it is being deleted is what makes it a trouble, and a table does not tell.
        conclusion.case.severity(Severity::Warning);
        conclusion.case.look(
            "since when it is being deleted, with which grace, and which finalizers hold it (metadata)",
            format!("kubectl get {} -o yaml", episode.subject.kubectl()),
        );
        conclusion.next.append(&mut conclusion.case.next);
    }
    if conclusion.next.is_empty() {
        conclusion.case.look(
            "what the cluster says about it",
            format!("kubectl describe {}", episode.subject.kubectl()),
        );
        conclusion.next = std::mem::take(&mut conclusion.case.next);
    }
}

/// Conditions that only count the containers that are not ready.
const COUNTS_ONLY: [&str; 2] = ["ContainersNotReady", "ContainersNotInitialized"];
const QUOTED_MAX: usize = 160;

/// What was said about the subject of an episode that nothing explains: warnings first, and no condition that only says
/// again that it is not ready.
fn telling<'a>(facts: &Facts<'a>) -> Vec<&'a Message> {
    let mut said: Vec<_> = facts
        .messages()
        .filter(|message| message.warning || message.seen.time.is_none())
        .filter(|message| !COUNTS_ONLY.iter().any(|word| message.seen.text.starts_with(word)))
        .collect();
    said.sort_by_key(|message| !message.warning);
    said.truncate(3);
    said
}

/// The beginning of a message, in quotes.
fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED_MAX) {
        Some((end, _)) => format!("\"{}…\"", text[..end].trim_end()),
        None => format!("\"{text}\""),
    }
}

/// `is Pending`, `has 0 of 1 pods ready`, `has no endpoints`, `shows FailedCreate`.
fn state_of(word: &str) -> String {
    let created = word
        .strip_suffix(" pods created")
        .or(word.strip_suffix(" pod created"));
    if let Some((have, wanted)) = created.and_then(|it| it.split_once(" of ")) {
        return format!("has {have} of {}", crate::wording::count(wanted, "pod"));
    }
    let counted = word.starts_with(|first: char| first.is_ascii_digit()) || word.starts_with("no ");
    if counted {
        format!("has {word}")
    } else if word.starts_with("Failed") && word.len() > "Failed".len() {
        format!("shows {word}")
    } else {
        format!("is {word}")
    }
}

/// As above, of lines that name no object.
fn describe_unknown_text(facts: &Facts<'_>, conclusion: &mut Conclusion) {
    for message in facts.messages().take(3) {
        conclusion
            .case
            .step("the text tells of a failure", [message.seen()]);
    }
    if conclusion.case.steps.is_empty() {
        for (_, seen) in facts.last_words().into_iter().take(3) {
            conclusion.case.step("the application says", [seen]);
        }
    }
    if conclusion.case.steps.is_empty() {
        for (_, seen) in facts.oom_kills().into_iter().take(3) {
            conclusion
                .case
                .step("the kernel killed a process for memory", [seen]);
        }
    }
    conclusion.case.headline = "the text tells of a failure, and nothing in it says why".to_owned();
    if conclusion.next.is_empty() {
        conclusion.case.look(
            "the whole description of the pod that it is about, pasted as well, tells more",
            "kubectl describe pod NAME -n NAMESPACE",
        );
        conclusion.next = std::mem::take(&mut conclusion.case.next);
    }
}

/// `None` where nothing was seen that could be shown: a damaged row of a table names a state and says nothing of it.
fn draft(facts: &Facts<'_>, conclusion: Conclusion) -> Option<Draft> {
    let episode = facts.episode;
    let Conclusion {
        mut case,
        verdict,
        ruled_out,
        rivals,
        contradicted,
        next,
        ..
    } = conclusion;
    crate::origin::tell(facts, &mut case);
    if matches!(episode.symptom, Symptom::NotReady | Symptom::InitBlocked) {
        crate::peers::tell(facts, &mut case);
    }
    if verdict == Verdict::Proven {
        facts.tell_signals(&mut case);
    }
    if let Some((text, seen)) = facts.held_back() {
        case.step(text, [seen]);
    }
    let goes_on = facts.tried_again();
    if let Some((text, seen)) = &goes_on {
        case.step(text.clone(), [seen.clone()]);
    }
    if episode.repeated > 0 {
        let count = format!("{} in a row", crate::wording::count(episode.repeated, "time"));
        let seen = facts.computed(
            format!("pods of {} that met the same within the hour", facts.workload()),
            &count,
        );
        case.step(
            format!("each replacement met the same: {count} within the hour"),
            [seen],
        );
        case.headline = format!("{} ({count})", case.headline);
    }
    if !has_evidence(&case) {
        debug_assert!(
            verdict == Verdict::Unknown,
            "{} concludes without evidence",
            case.code
        );
        return None;
    }
    let workload = facts.workload();
    let is_specific = case.strength() == Strength::Proof && verdict == Verdict::Proven;
    let subject = case.root.clone().unwrap_or(workload);
    let container = if case.root.is_some() {
        None
    } else {
        let named = episode.container.as_deref().filter(|name| !name.is_empty());
        named.map(ToOwned::to_owned)
    };
    let evidence: Vec<Evidence> = case.evidence();
    let chain = case.chain();
    let mended = case.mended.as_ref().and_then(|it| it.since.or(facts.now));
    let ended = episode.ended.or(mended);
    // What is over is told as over.
    if ended.is_some() && !case.headline.starts_with(WAS) {
        case.headline.insert_str(0, WAS);
    }
    let severity = match (ended, case.severity) {
        (Some(_), _) => Severity::Info,
        (None, Some(severity)) => severity,
        (None, None) if goes_on.is_some() => Severity::Warning,
        (None, None) => Severity::Error,
    };
    let mut explains = vec![episode.subject.clone()];
    explains.extend(case.explains.iter().cloned());
    let (since, since_at_least) = begun(facts);
    let finding = Finding {
        id: String::new(),
        family: case.code.family().unwrap_or(Family::Ctl),
        code: case.code,
        subject,
        container,
        severity,
        verdict,
        headline: case.headline,
        symptom: episode.word.clone(),
        since,
        since_at_least: since_at_least && ended.is_none(),
        ended,
        changes: Vec::new(),
        chain,
        evidence,
        ruled_out,
        rivals,
        contradicted,
        fixes: case.fixes,
        next,
        explains,
    };
    Some(Draft {
        finding,
        root_key: case.root_key,
        follows_root: case.follows_root,
        explained_by: case.explained_by,
        is_specific,
        symptom: episode.symptom,
    })
}

/// What would decide a conclusion, each with every cause that it would decide.
fn open_wants(conclusion: &Conclusion) -> Vec<(Want, Code, Verdict)> {
    let mut open = Vec::new();
    for want in &conclusion.wants {
        let command = want.command();
        let looks = conclusion.next.iter().filter(|look| look.command == command);
        let mut codes: Vec<&Code> = looks.flat_map(|look| &look.decides).collect();
        if codes.is_empty() {
            codes.push(&conclusion.case.code);
        }
        open.extend(
            codes
                .into_iter()
                .map(|code| (want.clone(), code.clone(), conclusion.verdict)),
        );
    }
    open
}

/// Wants that are still open, each with every conclusion that it forbids. What a proven cause still wants forbids nothing.
fn unmet<'a>(wants: &'a [(Want, Code, Verdict)], question: &Question) -> BTreeMap<&'a Want, Vec<Code>> {
    let mut by_want: BTreeMap<&Want, Vec<Code>> = BTreeMap::new();
    for (want, code, verdict) in wants {
        // Most nodes have no agent; that is no gap in what was read.
        let no_agent = matches!(want, Want::AgentDeaths { .. }) && !question.texts.was_read(want);
        if *verdict == Verdict::Proven || no_agent || question.texts.says_nothing_of(want) {
            continue;
        }
        let codes = by_want.entry(want).or_default();
        if !codes.contains(code) {
            codes.push(code.clone());
        }
    }
    by_want
}

fn why_unmet(want: &Want, question: &Question) -> String {
    match want {
        Want::Kind { kind, namespace }
            if namespace.is_empty() && question.snapshot.of_kind(kind.clone()).next().is_some() =>
        {
            // What a dump does not have, no other question finds in it.
            match question.source.kind {
                SourceKind::Live => "only a part of the cluster was read; ask about all namespaces (-A)",
                SourceKind::Dump | SourceKind::Paste => "only a part of them is among what was read",
            }
            .to_owned()
        }
        _ => question.texts.why_unmet(want),
    }
}

/// A log that was read on the machine itself came past nobody who could vouch for it: the evidence says so.
fn say_what_was_read_here(finding: &mut Finding, texts: &Texts) {
    // The object of such evidence may be the pod that a line names; its source ends with the node.
    let here: Vec<_> = texts.read.iter().filter(|(_, read)| read.here).collect();
    for evidence in &mut finding.evidence {
        let is_here = here.iter().any(|((node, log), _)| {
            log_words(*log).0 == evidence.kind && evidence.source.ends_with(&format!(" {node}"))
        });
        if is_here {
            evidence.source.push_str(", read on this machine");
        }
    }
}

fn scanned(question: &Question) -> Scanned {
    let mut scanned = Scanned {
        lines: question.texts.lines,
        ..Scanned::default()
    };
    for object in question.snapshot.objects() {
        *scanned.objects.entry(object.reference.kind.clone()).or_insert(0) += 1;
    }
    scanned
}

fn count(not_understood: &mut NotUnderstood, text: &str) {
    not_understood.count += 1;
    if not_understood.samples.len() < SAMPLES && !not_understood.samples.iter().any(|have| have == text) {
        not_understood.samples.push(text.to_owned());
    }
}

/// The kinds that a diagnosis reads: the subjects' own and what the causes declare. What a live cluster is asked for comes from them.
pub fn kinds_read() -> Vec<Kind> {
    let mut kinds = vec![
        Kind::Pod,
        Kind::Node,
        Kind::Event,
        Kind::Namespace,
        Kind::Deployment,
        Kind::ReplicaSet,
        Kind::StatefulSet,
        Kind::DaemonSet,
        Kind::Job,
        Kind::PersistentVolumeClaim,
    ];
    for cause in causes() {
        kinds.extend(cause.reads.iter().cloned());
    }
    kinds.sort();
    kinds.dedup();
    kinds
}
