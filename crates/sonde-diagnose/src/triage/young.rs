//! Young objects of which a text shows only a part: a table tells neither their probes nor their events, and what it
//! shows may be a start that goes well.

use jiff::{SignedDuration, Timestamp};
use sonde_model::Kind;
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

/// The newest time that stands in an object.
fn newest_time(value: &serde_json::Value) -> Option<Timestamp> {
    /// An object is no deeper; a hostile one is cut.
    const VALUES_MAX: usize = 100_000;
    let mut newest = None;
    let mut open = vec![value];
    for _ in 0..VALUES_MAX {
        let Some(value) = open.pop() else { break };
        match value {
            serde_json::Value::Object(fields) => open.extend(fields.values()),
            serde_json::Value::Array(items) => open.extend(items),
            // `2026-03-01T10:00:00Z`.
            serde_json::Value::String(text) if text.len() >= 20 && text.as_bytes()[10] == b'T' => {
                newest = newest.max(text.parse::<Timestamp>().ok());
            }
            _ => {}
        }
    }
    newest
}

impl Triage<'_> {
    /// How old an object is, by its creation or as its row tells.
    pub(super) fn age(&self, object: &Object) -> Option<SignedDuration> {
        self.elapsed(object.created).or(object.age)
    }

    /// Nothing that was read is newer than the object itself, and nothing else tells the time: how long it has been as it
    /// is, is not known. YAML of one object is so.
    pub(super) fn is_timeless(&self, object: &Object) -> bool {
        const CLOCKS: &[Kind] = &[Kind::Event, Kind::Node, Kind::Lease];
        // Descriptions and tables tell ages.
        if object.partial {
            return false;
        }
        if CLOCKS
            .iter()
            .any(|kind| self.snapshot.of_kind(kind.clone()).next().is_some())
        {
            return false;
        }
        let newest = object
            .encoded
            .decode::<serde_json::Value>()
            .ok()
            .and_then(|it| newest_time(&it));
        self.now.is_some() && newest == self.now
    }

    /// What is not told because it is so young may not be young at all.
    pub(super) fn mark_timeless(&self, object: &Object, opened: &mut [Opened]) {
        let may_be_slow =
            |it: &Opened| matches!(it.told, Told::From(_)) && !it.told.even_if_unclear(self.now);
        if opened.iter().any(may_be_slow) && self.is_timeless(object) {
            for it in opened.iter_mut().filter(|it| may_be_slow(it)) {
                it.told = Told::Timeless;
            }
        }
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
