//! From cases to conclusions, the same way for all symptoms.

use sonde_model::{Code, EvidenceKind, NextLook, RuledOut, Verdict};

use crate::case::{Seen, Strength, evidence_id};
use crate::{Case, Episode, Want};

/// What was concluded about an episode: one cause, or that none stands.
#[derive(Debug, Clone)]
pub(crate) struct Conclusion {
    pub(crate) case: Case,
    pub(crate) verdict: Verdict,
    pub(crate) ruled_out: Vec<RuledOut>,
    pub(crate) rivals: Vec<Code>,
    pub(crate) next: Vec<NextLook>,
    pub(crate) wants: Vec<Want>,
}

/// Weighs the cases of one episode.
///
/// - A proof stands. Where the symptom is exclusive it refutes every case that is weaker; two proofs of the same
///   strength there contradict each other, so the one with more decisive evidence is only *likely*.
/// - Without a proof the strongest case is *likely* when it is supported and no other case is, else *possible*.
/// - A case with nothing but wants is a rival that nobody could look at.
/// - Nothing stands: *unknown*.
pub(crate) fn resolve(episode: &Episode, cases: Vec<Case>) -> Vec<Conclusion> {
    let (refuted, mut standing): (Vec<Case>, Vec<Case>) = cases
        .into_iter()
        .filter(|case| !case.is_silent())
        .partition(|case| case.refutation.is_some());
    // Strongest first; more decisive evidence first; then by code, so that the order never depends on the registry.
    standing.sort_by(|a, b| {
        b.strength
            .cmp(&a.strength)
            .then_with(|| b.decisive.len().cmp(&a.decisive.len()))
            .then_with(|| a.code.cmp(&b.code))
    });
    let Some(top) = standing.first().map(|case| case.strength) else {
        return vec![unknown(episode, &refuted, &[])];
    };
    match top {
        Strength::Proof | Strength::GeneralProof => {
            let peers = standing.iter().filter(|case| case.strength == top).count();
            let (top_cases, weaker) = standing.split_at(peers);
            if episode.symptom.is_exclusive() {
                let (winner, contradicting) = (&top_cases[0], &top_cases[1..]);
                let verdict = if contradicting.is_empty() {
                    Verdict::Proven
                } else {
                    Verdict::Likely
                };
                vec![conclude(winner, verdict, contradicting, weaker, &refuted)]
            } else {
                top_cases
                    .iter()
                    // A weaker case may hold as well; nothing speaks against it.
                    .map(|case| conclude(case, Verdict::Proven, &[], &[], &refuted))
                    .collect()
            }
        }
        Strength::Support | Strength::Hint => {
            let rivals = &standing[1..];
            let alone = rivals.iter().all(|case| case.strength < Strength::Support);
            let verdict = if top == Strength::Support && alone {
                Verdict::Likely
            } else {
                Verdict::Possible
            };
            vec![conclude(&standing[0], verdict, rivals, &[], &refuted)]
        }
        Strength::None => vec![unknown(episode, &refuted, &standing)],
    }
}

/// A conclusion for `case`; `rivals` still stand, `weaker` fall to its proof, `refuted` fell to their own evidence.
fn conclude(case: &Case, verdict: Verdict, rivals: &[Case], weaker: &[Case], refuted: &[Case]) -> Conclusion {
    let mut case = case.clone();
    let mut ruled_out = carry_refutations(&mut case, refuted);
    let proof: Vec<_> = case.decisive.iter().map(|at| evidence_id(*at)).collect();
    ruled_out.extend(
        weaker
            .iter()
            .filter(|other| other.strength > Strength::None)
            .map(|other| RuledOut {
                code: other.code.clone(),
                reason: format!(
                    "the evidence proves {}, which is more than it shows for this",
                    case.code
                ),
                evidence: proof.clone(),
            }),
    );
    let mut next = case.next.clone();
    let mut wants = Vec::new();
    if verdict < Verdict::Proven {
        gather_wants(std::iter::once(&case).chain(rivals), &mut next, &mut wants);
    } else {
        // What a proven cause still wants completes its numbers; it decides nothing.
        wants.extend(case.wants.iter().map(|(want, _)| want.clone()));
    }
    let rivals = rivals
        .iter()
        .filter(|other| other.strength > Strength::None)
        .map(|other| other.code.clone())
        .collect();
    Conclusion {
        case,
        verdict,
        ruled_out,
        rivals,
        next,
        wants,
    }
}

fn unknown(episode: &Episode, refuted: &[Case], silent: &[Case]) -> Conclusion {
    let mut case = Case::new(Code::new(episode.symptom.unknown_code()));
    let ruled_out = carry_refutations(&mut case, refuted);
    let (mut next, mut wants) = (Vec::new(), Vec::new());
    gather_wants(silent.iter(), &mut next, &mut wants);
    let rivals = silent.iter().map(|case| case.code.clone()).collect();
    Conclusion {
        case,
        verdict: Verdict::Unknown,
        ruled_out,
        rivals,
        next,
        wants,
    }
}

/// Rivals' refutations bring their evidence into the finding.
fn carry_refutations(case: &mut Case, refuted: &[Case]) -> Vec<RuledOut> {
    let mut ruled_out = Vec::new();
    for rival in refuted {
        let Some(refutation) = &rival.refutation else {
            continue;
        };
        let mut evidence = Vec::new();
        for at in &refutation.evidence {
            let seen: &Seen = &rival.seen[*at];
            let position = case.seen.iter().position(|have| have == seen).unwrap_or_else(|| {
                case.seen.push(seen.clone());
                case.seen.len() - 1
            });
            evidence.push(evidence_id(position));
        }
        ruled_out.push(RuledOut {
            code: rival.code.clone(),
            reason: refutation.reason.clone(),
            evidence,
        });
    }
    ruled_out.sort_by(|a, b| a.code.cmp(&b.code));
    ruled_out
}

/// Joins what several causes want: one look can decide between many.
fn gather_wants<'a>(cases: impl Iterator<Item = &'a Case>, next: &mut Vec<NextLook>, wants: &mut Vec<Want>) {
    for case in cases {
        for (want, text) in &case.wants {
            let command = want.command();
            if let Some(look) = next
                .iter_mut()
                .find(|look| look.command.is_some() && look.command == command)
            {
                if !look.decides.contains(&case.code) {
                    look.decides.push(case.code.clone());
                }
            } else {
                next.push(NextLook {
                    text: text.clone(),
                    command,
                    decides: vec![case.code.clone()],
                });
            }
            if !wants.contains(want) {
                wants.push(want.clone());
            }
        }
    }
}

/// Evidence that merely restates the symptom cannot carry a proof; used by the engine's own checks.
pub(crate) fn has_evidence(case: &Case) -> bool {
    case.seen
        .iter()
        .any(|seen| !(seen.text.is_empty() && seen.kind != EvidenceKind::Absence))
}
