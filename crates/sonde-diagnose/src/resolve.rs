//! From cases to conclusions, the same way for all symptoms.

use std::cmp::Reverse;

use sonde_model::{Code, EvidenceKind, NextLook, RuledOut, Severity, Verdict};

use crate::case::{Seen, Strength, evidence_id};
use crate::{Case, Episode, Want};

/// What was concluded about an episode: one cause, or that none stands.
#[derive(Debug, Clone)]
pub(crate) struct Conclusion {
    pub(crate) case: Case,
    pub(crate) verdict: Verdict,
    pub(crate) ruled_out: Vec<RuledOut>,
    pub(crate) rivals: Vec<Code>,
    /// The rivals are proven as well.
    pub(crate) contradicted: bool,
    pub(crate) next: Vec<NextLook>,
    pub(crate) wants: Vec<Want>,
}

/// Weighs the cases of one episode.
///
/// - A proof stands. Where the symptom is exclusive it refutes every case that is weaker; two proofs of the same
///   strength there contradict each other, so the one with more decisive evidence is only *likely*; two of the same cause
///   (two ConfigMaps are missing) do not.
/// - Where it is not, a general proof yields to a specific one, unless that is about another part of the subject.
/// - Without a proof the strongest case is *likely* when it is supported and no other case is, else *possible*.
/// - A case with nothing but wants is a rival that nobody could look at.
/// - Nothing stands: a cause that was mended since is told as over; without one, *unknown*.
///
/// A case that stands apart is no rival of the others. A proof of it is a conclusion of its own.
pub(crate) fn resolve(episode: &Episode, cases: Vec<Case>) -> Vec<Conclusion> {
    let (apart, others): (Vec<Case>, Vec<Case>) = cases
        .into_iter()
        .partition(|case| case.apart && case.refutation.is_none());
    let stands = others.iter().any(|case| case.strength() > Strength::None);
    if apart.is_empty() || !stands {
        return weigh(episode, others.into_iter().chain(apart).collect());
    }
    let mut conclusions = weigh(episode, others);
    let proven = apart.iter().map(Case::strength).max();
    let also = apart
        .iter()
        .filter(|case| Some(case.strength()) == proven && case.strength >= Strength::GeneralProof)
        .map(|case| conclude(case, Verdict::Proven, &[], &[], &[]));
    conclusions.extend(also);
    conclusions
}

fn weigh(episode: &Episode, cases: Vec<Case>) -> Vec<Conclusion> {
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
        return vec![none_stands(episode, refuted, &[])];
    };
    match top {
        Strength::Proof | Strength::GeneralProof => {
            let peers = standing.iter().filter(|case| case.strength == top).count();
            let (top_cases, weaker) = standing.split_at(peers);
            if episode.symptom.is_exclusive() {
                let winner = &top_cases[0].code;
                let (alike, contradicting): (Vec<Case>, Vec<Case>) =
                    top_cases.iter().cloned().partition(|case| case.code == *winner);
                let verdict = if contradicting.is_empty() {
                    Verdict::Proven
                } else {
                    Verdict::Likely
                };
                // One of two proofs is wrong: neither rules anything out.
                let weaker = if contradicting.is_empty() { weaker } else { &[] };
                alike
                    .iter()
                    .map(|case| Conclusion {
                        contradicted: !contradicting.is_empty(),
                        ..conclude(case, verdict, &contradicting, weaker, &refuted)
                    })
                    .collect()
            } else {
                let of_another_part = weaker
                    .iter()
                    .filter(|case| case.strength == Strength::GeneralProof)
                    .filter(|case| top_cases.iter().all(|top| is_of_another_part(case, top)));
                top_cases
                    .iter()
                    .chain(of_another_part)
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
        Strength::None => vec![none_stands(episode, refuted, &standing)],
    }
}

fn is_of_another_part(case: &Case, than: &Case) -> bool {
    !case.part.is_empty() && !than.part.is_empty() && case.part != than.part
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
    let (mut next, wants) = if verdict < Verdict::Proven {
        gather_wants(std::iter::once(&case).chain(rivals))
    } else {
        // What a proven cause still wants completes its numbers; it decides nothing.
        (
            Vec::new(),
            case.wants.iter().map(|(want, _)| want.clone()).collect(),
        )
    };
    for look in &case.next {
        if next.iter().all(|have| have.command != look.command) {
            next.push(look.clone());
        }
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
        contradicted: false,
        next,
        wants,
    }
}

/// What was mended explains what is still seen; else nobody knows.
fn none_stands(episode: &Episode, mut refuted: Vec<Case>, silent: &[Case]) -> Conclusion {
    refuted.sort_by(|a, b| a.code.cmp(&b.code));
    let Some(at) = refuted.iter().position(|case| case.mended.is_some()) else {
        return unknown(episode, &refuted, silent);
    };
    let mut case = refuted.remove(at);
    // Its evidence stays: it shows what was, and that it is over.
    if let Some(refutation) = case.refutation.take() {
        case.decisive = refutation.evidence;
    }
    case.strength = Strength::Support;
    case.severity = Some(Severity::Info);
    conclude(&case, Verdict::Likely, &[], &[], &refuted)
}

fn unknown(episode: &Episode, refuted: &[Case], silent: &[Case]) -> Conclusion {
    let mut case = Case::new(Code::new(episode.symptom.unknown_code()));
    let ruled_out = carry_refutations(&mut case, refuted);
    let (next, wants) = gather_wants(silent.iter());
    let rivals = silent.iter().map(|case| case.code.clone()).collect();
    Conclusion {
        case,
        verdict: Verdict::Unknown,
        ruled_out,
        rivals,
        contradicted: false,
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

/// What the cases want: one look can decide between many. The cheapest comes first, of two as cheap the one that decides
/// more.
fn gather_wants<'a>(cases: impl Iterator<Item = &'a Case>) -> (Vec<NextLook>, Vec<Want>) {
    let mut looks: Vec<(Want, NextLook)> = Vec::new();
    for case in cases {
        for (want, text) in &case.wants {
            match looks.iter_mut().find(|(have, _)| have == want) {
                Some((_, look)) => look.decides.push(case.code.clone()),
                None => looks.push((
                    want.clone(),
                    NextLook {
                        text: text.clone(),
                        command: want.command(),
                        decides: vec![case.code.clone()],
                    },
                )),
            }
        }
    }
    for (_, look) in &mut looks {
        look.decides.dedup();
    }
    looks.sort_by_key(|(want, look)| (want.cost(), Reverse(look.decides.len())));
    looks.into_iter().map(|(want, look)| (look, want)).unzip()
}

/// Whether anything was seen at all: no finding without evidence. Used by the engine's own checks.
pub(crate) fn has_evidence(case: &Case) -> bool {
    case.seen
        .iter()
        .any(|seen| !(seen.text.is_empty() && seen.kind != EvidenceKind::Absence))
}

#[cfg(test)]
mod tests {
    use sonde_model::{Kind, ObjectRef};

    use super::*;
    use crate::{LogKey, Symptom};

    fn seen(text: &str) -> Seen {
        Seen {
            kind: EvidenceKind::Field,
            source: "status".into(),
            object: None,
            time: None,
            text: text.into(),
        }
    }

    fn case(code: &'static str, strength: Strength, evidence: usize) -> Case {
        let mut case = Case::new(Code::new(code));
        for at in 0..evidence {
            let seen = seen(&format!("{code} {at}"));
            match strength {
                Strength::Proof => case.proven_by(seen),
                Strength::GeneralProof => case.generally_proven_by(seen),
                Strength::Support => case.supported_by(seen),
                Strength::Hint => case.hinted_by(seen),
                Strength::None => &mut case,
            };
        }
        case
    }

    fn refuted(code: &'static str) -> Case {
        let mut case = case(code, Strength::Proof, 1);
        case.refuted_by(seen("against"), "first")
            .refuted_by(seen("more against"), "second");
        case
    }

    fn wanting(code: &'static str, want: Want) -> Case {
        let mut case = Case::new(Code::new(code));
        case.wants(want, "what decides");
        case
    }

    fn log() -> Want {
        Want::ContainerLog(LogKey {
            namespace: "shop".into(),
            pod: "app-1".into(),
            container: "app".into(),
            previous: true,
        })
    }

    fn object() -> Want {
        Want::Object(ObjectRef::new(Kind::ConfigMap, "shop", "settings"))
    }

    /// `CODE verdict | rivals | ruled out`, one text for each conclusion.
    fn conclusions(symptom: Symptom, cases: Vec<Case>) -> Vec<String> {
        let subject = ObjectRef::new(Kind::Pod, "shop", "app-1");
        let list = |codes: Vec<&Code>| codes.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(" ");
        resolve(&Episode::new(subject, symptom, "Error"), cases)
            .iter()
            .map(|it| {
                let rivals = list(it.rivals.iter().collect());
                let out = list(it.ruled_out.iter().map(|it| &it.code).collect());
                format!("{} {:?} | {rivals} | {out}", it.case.code, it.verdict)
            })
            .collect()
    }

    #[test]
    fn what_stands_apart_is_ruled_out_by_nothing_and_rules_nothing_out() {
        use Strength::{GeneralProof, Hint, Proof, Support};
        let apart = |strength| {
            let mut case = case("EXT-B", strength, 1);
            case.apart();
            case
        };
        type Row = (Vec<Case>, &'static [&'static str]);
        let rows: Vec<Row> = vec![
            (
                vec![case("EXT-A", Support, 1), apart(Proof)],
                &["EXT-A Likely |  | ", "EXT-B Proven |  | "],
            ),
            (
                vec![case("EXT-A", Proof, 1), apart(GeneralProof)],
                &["EXT-A Proven |  | ", "EXT-B Proven |  | "],
            ),
            (
                vec![case("EXT-A", Proof, 1), apart(Hint)],
                &["EXT-A Proven |  | "],
            ),
            (vec![apart(Proof)], &["EXT-B Proven |  | "]),
            (vec![refuted("EXT-A"), apart(Proof)], &["EXT-B Proven |  | EXT-A"]),
        ];
        for (cases, expect) in rows {
            assert_eq!(conclusions(Symptom::Terminated, cases), expect);
        }
    }

    #[test]
    fn the_rules() {
        use Strength::{GeneralProof, Hint, None, Proof, Support};
        let one_sender = Symptom::Terminated;
        let several = Symptom::NotStarting;
        type Row = (Symptom, Vec<Case>, &'static [&'static str]);
        let rows: Vec<Row> = vec![
            (
                one_sender,
                vec![case("EXT-A", Proof, 1), case("EXT-B", Support, 3)],
                &["EXT-A Proven |  | EXT-B"],
            ),
            // The more special proof stands.
            (
                one_sender,
                vec![case("EXT-A", GeneralProof, 2), case("EXT-B", Proof, 1)],
                &["EXT-B Proven |  | EXT-A"],
            ),
            // Two proofs of what excludes each other: one of them is wrong.
            (
                one_sender,
                vec![case("EXT-A", Proof, 1), case("EXT-B", Proof, 2)],
                &["EXT-B Likely | EXT-A | "],
            ),
            // Neither rules out what is weaker than both.
            (
                one_sender,
                vec![
                    case("EXT-A", Proof, 1),
                    case("EXT-B", Proof, 2),
                    case("EXT-C", Support, 1),
                ],
                &["EXT-B Likely | EXT-A | "],
            ),
            // Both hold, and a weaker case may hold as well: nothing speaks against it.
            (
                several,
                vec![
                    case("DEP-A", Proof, 1),
                    case("DEP-B", Proof, 2),
                    case("DEP-C", Support, 1),
                ],
                &["DEP-B Proven |  | ", "DEP-A Proven |  | "],
            ),
            (
                one_sender,
                vec![case("EXT-A", Support, 1), case("EXT-B", Hint, 1)],
                &["EXT-A Likely | EXT-B | "],
            ),
            (
                one_sender,
                vec![case("EXT-A", Support, 1), case("EXT-B", Support, 1)],
                &["EXT-A Possible | EXT-B | "],
            ),
            (
                one_sender,
                vec![case("EXT-A", Hint, 1)],
                &["EXT-A Possible |  | "],
            ),
            (
                one_sender,
                vec![case("EXT-A", Hint, 1), refuted("EXT-B")],
                &["EXT-A Possible |  | EXT-B"],
            ),
            // Who lacks all evidence is no rival of a proof, and what is left of an unknown.
            (
                one_sender,
                vec![case("EXT-A", Proof, 1), wanting("EXT-B", log())],
                &["EXT-A Proven |  | "],
            ),
            (
                one_sender,
                vec![wanting("EXT-B", log()), refuted("EXT-C")],
                &["EXT-UNKNOWN Unknown | EXT-B | EXT-C"],
            ),
            (
                one_sender,
                vec![refuted("EXT-C")],
                &["EXT-UNKNOWN Unknown |  | EXT-C"],
            ),
            (
                one_sender,
                vec![case("EXT-A", None, 0)],
                &["EXT-UNKNOWN Unknown |  | "],
            ),
        ];
        for (symptom, cases, expect) in rows {
            let codes: Vec<_> = cases
                .iter()
                .map(|case| (case.code.clone(), case.strength))
                .collect();
            let mut backwards = cases.clone();
            backwards.reverse();
            assert_eq!(conclusions(symptom, cases), expect, "{codes:?}");
            assert_eq!(
                conclusions(symptom, backwards),
                expect,
                "{codes:?}, the other way round"
            );
        }
    }

    fn about(part: &str, mut case: Case) -> Case {
        case.part(part);
        case
    }

    #[test]
    fn what_is_about_different_things_does_not_compete() {
        use Strength::{GeneralProof, Proof};
        let rows: Vec<(Symptom, Vec<Case>, &[&str])> = vec![
            // Two ConfigMaps are missing: one does not make the other less so.
            (
                Symptom::ContainerNotCreated,
                vec![case("DEP-A", Proof, 1), case("DEP-A", Proof, 1)],
                &["DEP-A Proven |  | ", "DEP-A Proven |  | "],
            ),
            (
                Symptom::NotStarting,
                vec![
                    about("volume a", case("DEP-A", GeneralProof, 1)),
                    about("volume b", case("DEP-B", Proof, 1)),
                ],
                &["DEP-B Proven |  | ", "DEP-A Proven |  | "],
            ),
            // The more specific proof of the same volume says why.
            (
                Symptom::NotStarting,
                vec![
                    about("volume a", case("DEP-A", GeneralProof, 1)),
                    about("volume a", case("DEP-B", Proof, 1)),
                ],
                &["DEP-B Proven |  | "],
            ),
            (
                Symptom::NotStarting,
                vec![
                    case("DEP-A", GeneralProof, 1),
                    about("volume b", case("DEP-B", Proof, 1)),
                ],
                &["DEP-B Proven |  | "],
            ),
        ];
        for (symptom, cases, expect) in rows {
            assert_eq!(conclusions(symptom, cases), expect);
        }
    }

    #[test]
    fn the_first_refutation_counts_and_brings_its_evidence() {
        let subject = ObjectRef::new(Kind::Pod, "shop", "app-1");
        let episode = Episode::new(subject, Symptom::Terminated, "Error");
        let found = resolve(
            &episode,
            vec![case("EXT-A", Strength::Proof, 1), refuted("EXT-B")],
        );
        let out = &found[0].ruled_out[0];
        assert_eq!(out.reason, "first");
        let evidence: Vec<_> = found[0]
            .case
            .evidence()
            .into_iter()
            .filter(|it| out.evidence.contains(&it.id))
            .collect();
        assert_eq!(
            evidence.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(),
            ["against"]
        );
    }

    #[test]
    fn the_cheapest_look_comes_first_and_says_what_it_decides() {
        let subject = ObjectRef::new(Kind::Pod, "shop", "app-1");
        let episode = Episode::new(subject, Symptom::Terminated, "Error");
        let kubelet = || Want::KubeletLog {
            node: "n1".into(),
            around: None,
        };
        let cases = vec![
            wanting("EXT-A", kubelet()),
            wanting("EXT-B", kubelet()),
            wanting("EXT-C", log()),
            wanting("EXT-D", object()),
        ];
        let found = resolve(&episode, cases);
        let looks: Vec<_> = found[0]
            .next
            .iter()
            .map(|look| {
                look.decides
                    .iter()
                    .map(Code::as_str)
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        assert_eq!(looks, ["EXT-D", "EXT-C", "EXT-A EXT-B"]);
        assert_eq!(found[0].wants, [object(), log(), kubelet()]);
    }
}
