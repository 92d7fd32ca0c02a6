//! The thresholds, in one table.

use sonde_model::{Check, CheckKind, CheckVerdict, Unit};

/// From which value on a check is worth a note, a warning, or critical.
pub(super) struct Rule {
    kind: CheckKind,
    unit: Unit,
    /// The value counts what is left, so small is bad.
    left: bool,
    note: Option<f64>,
    warning: Option<f64>,
    critical: Option<f64>,
}

const fn above(
    kind: CheckKind,
    unit: Unit,
    note: Option<f64>,
    warning: Option<f64>,
    critical: Option<f64>,
) -> Rule {
    Rule {
        kind,
        unit,
        left: false,
        note,
        warning,
        critical,
    }
}

const fn left(kind: CheckKind, warning: f64, critical: f64) -> Rule {
    Rule {
        kind,
        unit: Unit::Percent,
        left: true,
        note: None,
        warning: Some(warning),
        critical: Some(critical),
    }
}

use CheckKind as K;
use Unit::{Count, PerSecond, Percent, Seconds};

/// A value that others use is from node-mixin (alerts and defaults of `prometheus/node_exporter/docs/node-mixin`),
/// kubernetes-mixin or node-problem-detector (`config/`); the rest are guesses, and say so.
pub(super) const RULES: &[Rule] = &[
    // node-mixin: 90. A warning takes more than one interval: see `judge::cpu`.
    above(K::Cpu, Percent, Some(90.0), None, None),
    // node-mixin: 2 for each core.
    above(K::Load, Count, Some(2.0), None, None),
    above(K::CpuStall, Percent, Some(60.0), None, None),
    // kubernetes-mixin: 25, and a matter of information there, too.
    above(K::Throttled, Percent, Some(25.0), None, None),
    // node-mixin: 90. A node that works is not in trouble for it; when it is, tasks wait for memory.
    above(K::Memory, Percent, Some(90.0), None, None),
    // Guesses: a task that waits a tenth of its time for memory is slow; systemd-oomd kills at 60 by default.
    above(K::MemoryStall, Percent, None, Some(10.0), Some(40.0)),
    above(K::Slab, Percent, Some(40.0), None, None),
    above(K::Swap, Percent, Some(80.0), None, None),
    // node-mixin: 500.
    above(K::MajorFaults, PerSecond, Some(500.0), None, None),
    above(K::OomKills, Count, Some(1.0), None, None),
    // node-mixin: 5 and 3 left, of both.
    left(K::DiskSpace, 5.0, 3.0),
    left(K::Inodes, 5.0, 3.0),
    above(K::ReadOnly, Count, None, None, Some(1.0)),
    // node-mixin: 10 requests in the queue. A disk that always has one is not yet slow.
    above(K::DiskBusy, Count, Some(10.0), None, None),
    // Guesses: an hour of every backup has its disk busy; all tasks waiting for it half of a minute is another thing.
    above(K::IoStall, Percent, None, Some(50.0), Some(80.0)),
    // node-mixin: 70 and 90.
    above(K::FileHandles, Percent, None, Some(70.0), Some(90.0)),
    above(K::Tasks, Percent, None, Some(70.0), Some(90.0)),
    above(K::ContainerTasks, Percent, None, Some(90.0), Some(100.0)),
    // A guess.
    above(K::Zombies, Count, None, Some(100.0), None),
    // A guess: one task that waits for a disk now and then is no trouble.
    above(K::Blocked, Count, Some(1.0), Some(10.0), None),
    // node-mixin: 75; node-problem-detector: 90.
    above(K::Conntrack, Percent, None, Some(75.0), Some(90.0)),
    above(K::ConntrackInserts, PerSecond, Some(1.0), None, None),
    above(K::ListenQueue, PerSecond, None, Some(f64::MIN_POSITIVE), None),
    // node-mixin: 50 ms. Whether it is kept right at all is judged in `judge::clock`.
    above(K::Clock, Seconds, None, Some(0.05), None),
    above(K::Kubelet, Count, None, None, Some(1.0)),
    above(K::Runtime, Count, None, None, Some(1.0)),
];

/// A check with its verdict by the table.
pub(super) fn check(
    kind: CheckKind,
    value: f64,
    found: impl Into<String>,
    source: impl Into<String>,
) -> Check {
    let rule = RULES.iter().find(|rule| rule.kind == kind);
    let mut check = Check {
        kind,
        value,
        found: found.into(),
        source: source.into(),
        ..Check::default()
    };
    let Some(rule) = rule else { return check };
    let reached = |limit: Option<f64>| {
        limit.is_some_and(|limit| if rule.left { value < limit } else { value >= limit })
    };
    check.unit = rule.unit;
    check.warning = rule.warning.filter(|limit| *limit > f64::MIN_POSITIVE);
    check.critical = rule.critical;
    check.verdict = if reached(rule.critical) {
        CheckVerdict::Critical
    } else if reached(rule.warning) {
        CheckVerdict::Warning
    } else if reached(rule.note) {
        CheckVerdict::Note
    } else {
        CheckVerdict::Ok
    };
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_a_rule_and_its_verdicts() {
        for kind in CheckKind::ALL {
            assert_eq!(
                RULES.iter().filter(|rule| rule.kind == *kind).count(),
                1,
                "{kind:?}"
            );
        }
        use CheckVerdict::{Critical, Note, Ok, Warning};
        for (kind, value, verdict) in [
            (K::Conntrack, 74.9, Ok),
            (K::Conntrack, 75.0, Warning),
            (K::Conntrack, 90.0, Critical),
            (K::DiskSpace, 5.0, Ok),
            (K::DiskSpace, 4.9, Warning),
            (K::DiskSpace, 2.9, Critical),
            (K::Cpu, 100.0, Note),
            (K::ListenQueue, 0.0, Ok),
            (K::ListenQueue, 0.1, Warning),
            (K::FileHandles, 69.0, Ok),
            (K::FileHandles, 90.0, Critical),
            (K::Throttled, 99.0, Note),
        ] {
            assert_eq!(check(kind, value, "", "").verdict, verdict, "{kind:?} {value}");
        }
    }

    /// What has no cause must not alarm, and what has one can.
    #[test]
    fn a_check_alarms_where_a_cause_tells_of_it() {
        for rule in RULES {
            let alarms = rule.warning.is_some() || rule.critical.is_some() || rule.kind == K::Cpu;
            assert_eq!(alarms, rule.kind.code().is_some(), "{:?}", rule.kind);
        }
    }
}
