//! Sends what the agent counts and the single calls that it keeps to a collector, as OTLP over HTTP in its JSON form.
//!
//! Counts are sums since the start, so that a post which fails loses nothing; calls that no post took by the time they
//! make room for younger ones are counted as lost.

mod metrics;
mod post;
mod spans;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval};

use crate::state::State;
use crate::{metrics as exposed, own, status};

pub use post::{Collector, CollectorError};

/// Calls in one post; what is left goes with the next ones at once.
const CALLS_MAX: usize = 1_000;

/// How it goes, for the status.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exported {
    pub(crate) posts: u64,
    pub(crate) failures: u64,
    /// Calls that were gone before a collector took them.
    pub(crate) lost: u64,
    /// What went wrong last; empty once a post is taken again.
    pub(crate) trouble: String,
}

/// Posts for as long as the agent runs.
pub(crate) async fn keep_posting(collector: Rc<Collector>, every: Duration, state: Rc<RefCell<State>>) {
    let mut tick = interval(every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut next_call = 0;
    loop {
        tick.tick().await;
        let now = Timestamp::now();
        let body = metrics_body(&state.borrow(), now);
        let outcome = collector.post("/v1/metrics", body).await;
        note(&state, outcome);
        loop {
            let (body, upto, lost) = {
                let state = state.borrow();
                let (calls, upto, lost) = state.traced.since(next_call, CALLS_MAX);
                (
                    (!calls.is_empty()).then(|| spans::body(&state.node, &calls)),
                    upto,
                    lost,
                )
            };
            state.borrow_mut().exported.lost += lost;
            let Some(body) = body else { break };
            let outcome = collector.post("/v1/traces", body).await;
            let is_taken = outcome.is_ok();
            note(&state, outcome);
            if !is_taken {
                break;
            }
            next_call = upto;
        }
    }
}

fn note(state: &RefCell<State>, outcome: Result<(), CollectorError>) {
    let exported = &mut state.borrow_mut().exported;
    exported.posts += 1;
    match outcome {
        Ok(()) => exported.trouble.clear(),
        Err(error) => {
            exported.failures += 1;
            exported.trouble = error.to_string();
        }
    }
}

fn metrics_body(state: &State, now: Timestamp) -> Vec<u8> {
    let status = status::status(state, now);
    let told = exposed::Told {
        status: &status,
        deaths: &state.counts,
        calls: &state.traffic.totals,
        cpu_seconds: own::cpu_seconds(),
        runtimes: &[],
    };
    metrics::body(&exposed::families(&told), &state.node, state.since, now)
}
