//! How the node stands: read now and then, so that a question is answered at once with rates since the last look.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use sonde_host::{Answer, Host, Sample, Services, judge};
use sonde_model::NodeReport;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use crate::serve::Asked;
use crate::state::{Condition, State};

/// The node is read so often by itself. A look takes some 20 us for each process.
const REST: Duration = Duration::from_secs(30);
/// Of a shorter time no rate can be told.
const INTERVAL_MIN: Duration = Duration::from_secs(1);
/// Who asks for rates over a time waits no longer than these seconds.
pub(crate) const INTERVAL_MAX: u64 = 60;

/// The node as it was read last.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    last: RefCell<Option<(Instant, Rc<Sample>)>>,
    /// Reading takes turns.
    turn: Mutex<()>,
}

/// Reads the node for as long as the agent runs.
pub(crate) async fn keep_looking(asked: Rc<Asked>) {
    loop {
        let turn = asked.node.turn.lock().await;
        if let Ok(sample) = spawn_blocking(|| Sample::read(&Host::at("/"))).await {
            asked.node.keep(sample);
        }
        drop(turn);
        sleep(REST).await;
    }
}

impl Watched {
    fn keep(&self, sample: Sample) {
        *self.last.borrow_mut() = Some((Instant::now(), Rc::new(sample)));
    }
}

/// The report: over the time that was asked for, else since the last look.
pub(crate) async fn look(asked: &Asked, over: Option<Duration>) -> Result<NodeReport, String> {
    let failed = |error: tokio::task::JoinError| format!("reading the node failed: {error}");
    let _turn = asked.node.turn.lock().await;
    let last = asked.node.last.borrow().clone();
    let (since, before) = match (last, over) {
        (Some(last), None) => last,
        _ => {
            let sample = spawn_blocking(|| Sample::read(&Host::at("/")))
                .await
                .map_err(failed)?;
            (Instant::now(), Rc::new(sample))
        }
    };
    let interval = over.unwrap_or(INTERVAL_MIN).max(INTERVAL_MIN);
    sleep(interval.saturating_sub(since.elapsed())).await;
    let first = (*before).clone();
    let (mut after, mut services) = spawn_blocking(move || {
        (
            Sample::read_after(&Host::at("/"), &first),
            Services::ask_kubelet(),
        )
    })
    .await
    .map_err(failed)?;
    let mut state = asked.state.borrow_mut();
    services.runtimes = runtimes(&state);
    for owner in after.owners_mut() {
        *owner = state.name(std::mem::take(owner));
    }
    let mut report = judge(&state.node, Timestamp::now(), &before, &after, &services);
    report.by_agent = true;
    asked.node.keep(after);
    Ok(report)
}

/// What the runtimes answered when they were asked for names.
fn runtimes(state: &State) -> Vec<(String, Answer)> {
    let of = |condition: &Condition, asked_for: bool| match condition {
        Condition::Answers(count) => Some(Answer::Well(format!("answers: {count} containers and sandboxes"))),
        Condition::Fails(why) => Some(Answer::Bad(why.clone())),
        Condition::Absent if asked_for => Some(Answer::Bad("there is no such socket".to_owned())),
        Condition::Absent => None,
        Condition::New => Some(Answer::Unasked("it was not asked yet".to_owned())),
    };
    let all = state.runtimes.iter();
    all.filter_map(|it| Some((it.socket.clone(), of(&it.condition, it.asked_for)?)))
        .collect()
}
