//! Young objects of which a text shows only a part: a table tells neither their probes nor their events, and what it
//! shows may be a start that goes well.

use jiff::SignedDuration;
use sonde_world::{Columns, Object};

use super::{Opened, Told, Triage};
use crate::Symptom;

/// Each row: a symptom, the word for it (any where empty), and how long that is part of a start. Guesses, as those of
/// objects that are shown whole.
const STARTS: &[(Symptom, &str, SignedDuration)] = &[
    (Symptom::Unschedulable, "Pending", SignedDuration::from_secs(30)),
    (Symptom::NotStarting, "", SignedDuration::from_mins(5)),
    (
        Symptom::ImageNotPulled,
        "ContainerCreating",
        SignedDuration::from_mins(5),
    ),
    (Symptom::InitBlocked, "Init", SignedDuration::from_mins(5)),
    (Symptom::NotReady, "NotReady", UNREADY),
    (Symptom::ClaimNotBound, "Pending", SignedDuration::from_mins(5)),
    (Symptom::NodeNotReady, "NotReady", SignedDuration::from_mins(2)),
    (Symptom::NotScaling, "", SignedDuration::from_mins(2)),
];

/// How long a container whose probes are not shown may take until it is ready. A guess.
pub(super) const UNREADY: SignedDuration = SignedDuration::from_mins(2);

impl Triage<'_> {
    /// How old an object is, by its creation or as its row tells.
    pub(super) fn age(&self, object: &Object) -> Option<SignedDuration> {
        self.elapsed(object.created).or(object.age)
    }

    /// Lets what may be the start of a young object be told only with its cause.
    pub(super) fn spare_young(&self, object: &Object, opened: &mut [Opened]) {
        let Some(age) = self.age(object).filter(|_| object.partial) else {
            return;
        };
        // What was started again did not start well.
        let again = match &object.columns {
            Columns::Pod(pod) => pod.containers.iter().any(|it| it.restarts > 0),
            _ => false,
        };
        for it in opened.iter_mut().filter(|_| !again) {
            let episode = &it.episode;
            let starts = STARTS.iter().any(|(symptom, word, patience)| {
                episode.subject == object.reference
                    && episode.symptom == *symptom
                    && (word.is_empty() || *word == episode.word)
                    && age < *patience
            });
            if starts {
                it.told = Told::WithItsCause;
            }
        }
    }
}
