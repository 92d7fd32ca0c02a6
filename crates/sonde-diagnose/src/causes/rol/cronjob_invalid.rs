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
    let schedule = facts
        .snapshot
        .view::<CronJob>(subject)
        .map(|it| match it.spec.time_zone {
            Some(zone) => format!("{} ({zone})", it.spec.schedule),
            None => it.spec.schedule,
        });
    let schedule = schedule.unwrap_or_default();
    case.step(
        format!("its schedule is {schedule}"),
        [facts.field("spec.schedule", &schedule)],
    );
    case.step(
        format!("the control plane cannot read it: {detail}"),
        [message.seen()],
    );
    let fields = facts.snapshot.view::<CronJob>(subject).map(|it| it.spec.schedule);
    if let Some(date) = fields.as_deref().and_then(never_comes) {
        case.headline(format!(
            "{subject} never runs: no {date} ever comes (schedule {schedule})"
        ));
        case.advice("correct the day or the month of the schedule", Risk::None);
        return;
    }
    case.headline(format!(
        "{subject} never runs: its schedule or time zone {schedule} is invalid"
    ));
    case.advice(
        "correct the schedule (five fields: minute, hour, day, month, weekday) or the time zone's name",
        Risk::None,
    );
}

/// The date that a schedule of five well-formed fields asks for and no calendar has: `30.2.`.
fn never_comes(schedule: &str) -> Option<String> {
    const LONGEST: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let fields: Vec<&str> = schedule
        .split_whitespace()
        .filter(|it| !it.contains('='))
        .collect();
    let [_, _, days, months, weekdays] = fields.as_slice() else {
        return None;
    };
    let read = |field: &str, last: u8| -> Option<Vec<u8>> {
        let numbers: Option<Vec<u8>> = field.split(',').map(|it| it.parse().ok()).collect();
        numbers.filter(|it| it.iter().all(|number| (1..=last).contains(number)))
    };
    // Where a weekday is given, too, either may match.
    let (days, months) = (*weekdays == "*").then(|| read(days, 31).zip(read(months, 12)))??;
    let comes = months.iter().any(|month| {
        let longest = LONGEST.get(usize::from(*month).saturating_sub(1));
        days.iter()
            .any(|day| longest.is_some_and(|longest| day <= longest))
    });
    (!comes).then(|| format!("day {} of month {}", join(&days), join(&months)))
}

fn join(numbers: &[u8]) -> String {
    numbers
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" or ")
}

#[cfg(test)]
mod tests {
    use super::never_comes;

    #[test]
    fn dates_that_no_calendar_has() {
        for (schedule, never) in [
            ("0 0 30 2 *", true),
            ("0 0 31 4,6,9,11 *", true),
            ("0 0 29 2 *", false),
            ("0 0 31 4,5 *", false),
            ("0 0 30 2 1", false),
            ("0 0 30 13 *", false),
            ("0 0 * 2 *", false),
            ("0 0 0 2 *", false),
            ("@daily", false),
        ] {
            assert_eq!(never_comes(schedule).is_some(), never, "{schedule}");
        }
    }
}
