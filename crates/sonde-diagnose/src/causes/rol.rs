//! Rollouts and scaling.

#[cfg(test)]
mod contracts;
mod job;

crate::cause::family!(
    autoscaler_at_maximum,
    autoscaler_fight,
    autoscaler_no_metrics,
    autoscaler_no_request,
    autoscaler_target,
    budget_blocks,
    cannot_move,
    cronjob_invalid,
    cronjob_missed,
    job_backoff,
    job_deadline,
    job_failed_indexes,
    job_failure_policy,
    job_kept_running,
    job_suspended,
    paused,
    progress_deadline,
    statefulset_ordinal,
);
