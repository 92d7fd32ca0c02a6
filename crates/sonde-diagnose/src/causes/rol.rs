//! Rollouts and scaling.

mod job;

crate::cause::family!(
    autoscaler_at_maximum,
    autoscaler_fight,
    autoscaler_no_metrics,
    autoscaler_target,
    budget_blocks,
    cannot_move,
    cronjob_invalid,
    cronjob_missed,
    job_backoff,
    job_deadline,
    progress_deadline,
    statefulset_ordinal,
);
