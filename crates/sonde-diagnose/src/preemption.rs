//! Who made way for whom.

use jiff::SignedDuration;
use sonde_grammar::Fact;
use sonde_grammar::fact::EvictionFact;
use sonde_model::{Kind, Risk};
use sonde_world::view::Pod;

use crate::{Case, Facts, field_on};

/// What was preempted longer ago has nothing to do with what waits now; events live as long by default.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

/// The pod that came first. From 1.29 on the event names it by its uid only.
pub(crate) fn preemptor(facts: &Facts<'_>, by: &str) -> String {
    let named = facts.snapshot.of_kind(Kind::Pod).find(|it| *it.uid == *by);
    named.map_or_else(
        || by.to_owned(),
        |it| format!("{}/{}", it.reference.namespace, it.reference.name),
    )
}

/// Tells of a pod without room that another of its owner ran until the scheduler took its room for a third.
pub(crate) fn tell_lost_room(facts: &Facts<'_>, case: &mut Case) {
    let owner = facts
        .snapshot
        .get(&facts.episode.subject)
        .and_then(|it| it.owner.as_ref());
    let Some(owner) = owner.map(|it| &it.reference) else {
        return;
    };
    let Some(victim) = facts.survey().preempted(facts.snapshot, owner) else {
        return;
    };
    let told = facts.messages_about(&victim).into_iter().find_map(|message| {
        let by = message.facts.iter().find_map(|fact| match fact {
            Fact::Eviction(EvictionFact::Preempted { by, .. }) => Some(by.clone()),
            _ => None,
        })?;
        Some((by, message.seen()))
    });
    let Some((by, seen)) = told else { return };
    let elapsed = facts
        .now
        .zip(seen.time)
        .map(|(now, then)| now.duration_since(then));
    if elapsed.is_some_and(|elapsed| elapsed > REMEMBERED) {
        return;
    }
    let whom = by.as_deref().map_or_else(
        || "a pod of higher priority".to_owned(),
        |by| format!("pod {}", preemptor(facts, by)),
    );
    let priority = |pod: &Pod| pod.spec.priority.unwrap_or(0);
    let theirs = by
        .as_deref()
        .and_then(|by| facts.snapshot.of_kind(Kind::Pod).find(|it| *it.uid == *by))
        .and_then(|it| Some((it.reference.clone(), it.encoded.decode::<Pod>().ok()?)));
    let mut shown = vec![seen, facts.field("spec.priority", priority(facts.pod()))];
    let mut text = format!(
        "{victim} ran until the scheduler took its room for {whom}: its priority is {}",
        priority(facts.pod())
    );
    if let Some((reference, pod)) = theirs {
        shown.push(field_on(&reference, "spec.priority", priority(&pod)));
        text.push_str(&format!(", that of the other {}", priority(&pod)));
    }
    case.step(text, shown);
    let headline = format!(
        "{} (its room was taken for {whom}, of higher priority)",
        case.headline
    );
    case.headline(headline);
    case.advice(
        "give it a priority class that fits its importance, or the cluster more room",
        Risk::Restart,
    );
}
