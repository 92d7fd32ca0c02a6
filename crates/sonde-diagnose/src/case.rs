//! What one cause says about one episode.

use jiff::Timestamp;
use sonde_model::{Code, Evidence, EvidenceId, EvidenceKind, Fix, NextLook, ObjectRef, Risk, Severity, Step};

use crate::Want;
use crate::command::pasteable;

/// One thing that was seen, not yet numbered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What sort of thing.
    pub kind: EvidenceKind,
    /// The place.
    pub source: String,
    /// The object it was seen on.
    pub object: Option<ObjectRef>,
    /// When.
    pub time: Option<Timestamp>,
    /// The exact words.
    pub text: String,
}

impl Seen {
    fn numbered(&self, id: EvidenceId) -> Evidence {
        Evidence {
            id,
            kind: self.kind,
            source: self.source.clone(),
            object: self.object.clone(),
            time: self.time,
            text: self.text.clone(),
        }
    }
}

/// How strongly the evidence speaks for a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Strength {
    /// It says nothing.
    #[default]
    None,
    /// It fits.
    Hint,
    /// It fits, and little else would look like this.
    Support,
    /// It proves a cause that says less than a more specific one would ("the process exited with 1").
    GeneralProof,
    /// It proves the cause.
    Proof,
}

/// Why a cause is out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refutation {
    pub(crate) reason: String,
    pub(crate) evidence: Vec<usize>,
}

/// A cause that was true and is over, though what it did is still seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mended {
    /// Since when, where that is known.
    pub(crate) since: Option<Timestamp>,
}

/// The case of one cause for one episode. A cause that says nothing has no part in the differential.
#[derive(Debug, Clone)]
pub struct Case {
    pub(crate) code: Code,
    pub(crate) strength: Strength,
    pub(crate) headline: String,
    pub(crate) severity: Option<Severity>,
    pub(crate) root: Option<ObjectRef>,
    pub(crate) root_key: String,
    pub(crate) follows_root: bool,
    pub(crate) explained_by: Option<ObjectRef>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) decisive: Vec<usize>,
    pub(crate) steps: Vec<(String, Vec<usize>)>,
    pub(crate) refutation: Option<Refutation>,
    pub(crate) mended: Option<Mended>,
    pub(crate) fixes: Vec<Fix>,
    pub(crate) next: Vec<NextLook>,
    pub(crate) wants: Vec<(Want, String)>,
    pub(crate) explains: Vec<ObjectRef>,
    pub(crate) part: String,
    pub(crate) beside: Vec<Case>,
    pub(crate) apart: bool,
}

impl Case {
    pub(crate) fn new(code: Code) -> Self {
        Self {
            code,
            strength: Strength::None,
            headline: String::new(),
            severity: None,
            root: None,
            root_key: String::new(),
            follows_root: false,
            explained_by: None,
            seen: Vec::new(),
            decisive: Vec::new(),
            steps: Vec::new(),
            refutation: None,
            mended: None,
            fixes: Vec::new(),
            next: Vec::new(),
            wants: Vec::new(),
            explains: Vec::new(),
            part: String::new(),
            beside: Vec::new(),
            apart: false,
        }
    }

    /// Another case of the same cause beside this one: two ConfigMaps are missing, and each is a fault of its own.
    pub fn beside(&mut self) -> &mut Case {
        let at = self.beside.len();
        self.beside.push(Case::new(self.code.clone()));
        &mut self.beside[at]
    }

    /// The case is not about what ended this very run: it is true beside whatever did, and neither rules the other out.
    pub fn apart(&mut self) -> &mut Self {
        self.apart = true;
        self
    }

    /// The part of the subject that the case is about: a volume, a claim, the choice of a node. What is proven in general
    /// yields to a more specific proof, unless that is about another part: then both are faults.
    pub fn part(&mut self, part: impl Into<String>) -> &mut Self {
        self.part = part.into();
        self
    }

    /// The evidence proves the cause.
    pub fn proven_by(&mut self, seen: Seen) -> &mut Self {
        self.raise(Strength::Proof, seen)
    }

    /// The evidence proves the cause, which says less than a more specific one would.
    pub fn generally_proven_by(&mut self, seen: Seen) -> &mut Self {
        self.raise(Strength::GeneralProof, seen)
    }

    /// The evidence fits, and little else would look like this.
    pub fn supported_by(&mut self, seen: Seen) -> &mut Self {
        self.raise(Strength::Support, seen)
    }

    /// The evidence fits.
    pub fn hinted_by(&mut self, seen: Seen) -> &mut Self {
        self.raise(Strength::Hint, seen)
    }

    /// The evidence rules the cause out. The first refutation counts; it outweighs any support.
    pub fn refuted_by(&mut self, seen: Seen, reason: impl Into<String>) -> &mut Self {
        let at = self.note(seen);
        if self.refutation.is_none() {
            self.refutation = Some(Refutation {
                reason: reason.into(),
                evidence: vec![at],
            });
        }
        self
    }

    /// The cause was true and was mended since; who met it has not tried again yet. It is out like one that was refuted;
    /// where nothing else stands it is told as over. The headline, steps and fixes say so.
    pub fn mended_by(
        &mut self,
        seen: Seen,
        reason: impl Into<String>,
        since: Option<Timestamp>,
    ) -> &mut Self {
        self.mended = Some(Mended { since });
        self.refuted_by(seen, reason)
    }

    /// What is wrong, in one sentence that a developer understands; about the workload rather than one pod.
    pub fn headline(&mut self, text: impl Into<String>) -> &mut Self {
        self.headline = text.into();
        self
    }

    /// The next step from root to symptom, with what shows it. A step without evidence of its own follows from the one
    /// before it, and stands on the same evidence.
    pub fn step(&mut self, text: impl Into<String>, seen: impl IntoIterator<Item = Seen>) -> &mut Self {
        let evidence = seen.into_iter().map(|seen| self.note(seen)).collect();
        self.steps.push((text.into(), evidence));
        self
    }

    /// As [`Case::step`], before the step that shows how the process ended; last where there is none.
    pub(crate) fn step_before_end(
        &mut self,
        text: impl Into<String>,
        seen: impl IntoIterator<Item = Seen>,
    ) -> &mut Self {
        let shows_end = |at: &usize| self.seen[*at].source.ends_with(".terminated");
        let end = self.steps.iter().position(|(_, seen)| seen.iter().any(shows_end));
        self.step(text, seen);
        if let Some(end) = end {
            self.steps[end..].rotate_right(1);
        }
        self
    }

    /// The object that is at the root, where it is not the subject's workload: subjects with the same code and root
    /// become one finding.
    pub fn root(&mut self, root: ObjectRef) -> &mut Self {
        self.root = Some(root);
        self
    }

    /// As [`Case::root`], for a root that is itself in trouble: where it has a finding of its own, that finding explains
    /// this one.
    pub fn follows(&mut self, root: ObjectRef) -> &mut Self {
        self.follows_root = true;
        self.root(root)
    }

    /// Where this object, or something that it owns, has a finding that is an alarm, that finding explains this one too.
    /// Otherwise the case stands for itself, about its own subject.
    pub fn explained_by(&mut self, object: ObjectRef) -> &mut Self {
        self.explained_by = Some(object);
        self
    }

    /// Tells roots apart that are no objects: a registry, a key, a taint.
    pub fn root_key(&mut self, key: impl Into<String>) -> &mut Self {
        self.root_key = key.into();
        self
    }

    /// Another severity than the symptom's usual one.
    pub fn severity(&mut self, severity: Severity) -> &mut Self {
        self.severity = Some(severity);
        self
    }

    /// Something to do, without a command.
    pub fn advice(&mut self, text: impl Into<String>, risk: Risk) -> &mut Self {
        self.fixes.push(Fix {
            text: text.into(),
            command: None,
            risk,
        });
        self
    }

    /// Something to do, with a command that can be pasted.
    pub fn fix(&mut self, text: impl Into<String>, command: impl Into<String>, risk: Risk) -> &mut Self {
        self.fixes.push(Fix {
            text: text.into(),
            command: pasteable(&command.into()),
            risk,
        });
        self
    }

    /// What a person can look at next; the engine adds which causes it decides.
    pub fn look(&mut self, text: impl Into<String>, command: impl Into<String>) -> &mut Self {
        self.next.push(NextLook {
            text: text.into(),
            command: pasteable(&command.into()),
            decides: Vec::new(),
        });
        self
    }

    /// Evidence that would decide about this cause and is not at hand; `text` says what would be learned.
    pub fn wants(&mut self, want: Want, text: impl Into<String>) -> &mut Self {
        self.wants.push((want, text.into()));
        self
    }

    /// Another object that the same cause explains.
    pub fn explains(&mut self, object: ObjectRef) -> &mut Self {
        self.explains.push(object);
        self
    }

    /// The strength so far.
    pub fn strength(&self) -> Strength {
        if self.refutation.is_some() {
            Strength::None
        } else {
            self.strength
        }
    }

    /// Evidence of a kind is among what was seen.
    pub(crate) fn has_seen(&self, kind: EvidenceKind) -> bool {
        self.seen.iter().any(|seen| seen.kind == kind)
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.strength == Strength::None && self.refutation.is_none() && self.wants.is_empty()
    }

    /// The steps, each with the evidence that it stands on.
    pub(crate) fn chain(&self) -> Vec<Step> {
        // A first step without evidence says what the next one shows.
        let first = self
            .steps
            .iter()
            .map(|(_, seen)| seen)
            .find(|seen| !seen.is_empty());
        let mut before = first.or(Some(&self.decisive));
        let mut chain = Vec::with_capacity(self.steps.len());
        for (text, seen) in &self.steps {
            before = Some(seen).filter(|seen| !seen.is_empty()).or(before);
            chain.push(Step {
                text: text.clone(),
                evidence: before.into_iter().flatten().map(|at| evidence_id(*at)).collect(),
            });
        }
        chain
    }

    pub(crate) fn evidence(&self) -> Vec<Evidence> {
        self.seen
            .iter()
            .enumerate()
            .map(|(at, seen)| seen.numbered(evidence_id(at)))
            .collect()
    }

    fn raise(&mut self, strength: Strength, seen: Seen) -> &mut Self {
        let at = self.note(seen);
        if strength > self.strength {
            self.strength = strength;
            self.decisive.clear();
        }
        if strength == self.strength && !self.decisive.contains(&at) {
            self.decisive.push(at);
        }
        self
    }

    /// Keeps each evidence once, in the order of first use.
    fn note(&mut self, seen: Seen) -> usize {
        self.seen
            .iter()
            .position(|have| *have == seen)
            .unwrap_or_else(|| {
                self.seen.push(seen);
                self.seen.len() - 1
            })
    }
}

pub(crate) fn evidence_id(at: usize) -> EvidenceId {
    EvidenceId(format!("e{}", at + 1))
}

#[cfg(test)]
mod tests {}
