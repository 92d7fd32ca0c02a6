//! ROL-CRONJOB-INVALID: the control plane cannot read a CronJob's schedule or time zone.

use sonde_grammar::Fact;
use sonde_grammar::fact::WorkloadFact;
use sonde_model::{Code, Kind, Risk};
use sonde_world::view::CronJob;

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-CRONJOB-INVALID"),
    title: "CronJob's schedule is invalid",
    explains: &[Symptom::ScheduleMissed],
    reads: &[Kind::CronJob],
    state,
    page: page!("ROL-CRONJOB-INVALID"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let said = facts.find(|fact| match fact {
        Fact::Workload(WorkloadFact::InvalidSchedule { detail }) => Some(detail),
        _ => None,
    });
    let Some((detail, message)) = said else { return };
    case.proven_by(message.seen());
    let schedule = facts.snapshot.view::<CronJob>(subject).map(|it| match it.spec.time_zone {
        Some(zone) => format!("{} ({zone})", it.spec.schedule),
        None => it.spec.schedule,
    });
    let schedule = schedule.unwrap_or_default();
    case.step(format!("its schedule is {schedule}"), [facts.field("spec.schedule", &schedule)]);
    case.step(format!("the control plane cannot read it: {detail}"), [message.seen()]);
    case.headline(format!("{subject} never runs: its schedule or time zone {schedule} is invalid"));
    case.advice("correct the schedule (five fields: minute, hour, day, month, weekday) or the time zone's name", Risk::None);
}
