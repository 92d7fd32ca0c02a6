//! From the start to the end of an agent: one thread on which programs, runtimes and requests take turns.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sonde_bpf::deaths::{Deaths, Event};
use sonde_model::{AgentStatus, Program};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::budget::Budget;
use crate::check::Programs;
use crate::profile::Turn;
use crate::serve::Door;
use crate::state::{RuntimeState, State};
use crate::watch_lookups::LookupWatch;
use crate::watch_sockets::{self, SocketWatch};
use crate::{AgentError, Options, check, clock, export, node, own, runtime, serve, status};

/// Events that wait between the ring and the memory; the ring itself holds some 200.
pub(crate) const EVENTS_MAX: usize = 4_096;
/// The name of the programs that tell of deaths.
pub(crate) const DEATHS: &str = "deaths";
const DEATHS_HOOKS: &[&str] = &["signal_generate", "sched_process_exit", "mark_victim"];

/// How an agent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// So long it took to take everything down.
    pub took: Duration,
}

/// Runs an agent until SIGINT or SIGTERM; `ready` is called once it answers.
///
/// # Errors
///
/// When nothing can be seen here, or nobody could ask.
pub fn run(options: &Options, ready: impl FnOnce(&AgentStatus)) -> Result<Ended, AgentError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(AgentError::Start)?;
    let ended = LocalSet::new().block_on(&runtime, live(options, ready));
    // A look at the node that hangs in the kernel holds nobody up.
    runtime.shutdown_timeout(Duration::from_millis(50));
    ended
}

async fn live(options: &Options, ready: impl FnOnce(&AgentStatus)) -> Result<Ended, AgentError> {
    // Before anything is attached: a signal from here on takes it down in order.
    let mut interrupted = signal(SignalKind::interrupt()).map_err(AgentError::Start)?;
    let mut terminated = signal(SignalKind::terminate()).map_err(AgentError::Start)?;
    let door = Door::open(options)?;
    let node = options.node.clone().unwrap_or_else(own::host_name);
    let mut state = State::new(node, Timestamp::now());
    let (watch, blind) = Watch::start(options, &mut state)?;
    let sockets = sockets(options, &mut state);
    if let (Some(error), None) = (blind, &sockets) {
        door.close();
        return Err(error);
    }
    let sockets = Rc::new(RefCell::new(sockets));
    state.runtimes = runtimes(options);
    // Where the count of processors is not told, the budget is that of one.
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    state.budget = Budget::new(options.cpu_share, processors);
    let state = Rc::new(RefCell::new(state));
    let missed = Rc::new(Notify::new());
    let runtime_sockets: Vec<String> = state
        .borrow()
        .runtimes
        .iter()
        .map(|it| it.socket.clone())
        .collect();
    for (index, socket) in runtime_sockets.into_iter().enumerate() {
        let (state_too, missed) = (state.clone(), missed.clone());
        supervise(&state, move || {
            runtime::keep_asking(state_too.clone(), index, socket.clone().into(), missed.clone())
        });
    }
    let door = Rc::new(door);
    {
        let asked = Rc::new(serve::Asked {
            state: state.clone(),
            sockets: sockets.clone(),
            node: node::Watched::default(),
            profile: Turn::default(),
            hierarchy: check::ground(options).hierarchy,
            slow_ns: u64::try_from(options.slow.as_nanos()).unwrap_or(u64::MAX),
            sample_each: options.sample_each,
        });
        let door = door.clone();
        let asked_too = asked.clone();
        supervise(&state, move || node::keep_looking(asked_too.clone()));
        supervise(&state, move || serve::accept(door.clone(), asked.clone()));
    }
    if let Some((collector, every)) = &options.collector {
        let (collector, every, posted) = (collector.clone(), *every, state.clone());
        supervise(&state, move || {
            export::keep_posting(collector.clone(), every, posted.clone())
        });
    }
    tell_when_known(&state, ready).await;
    tokio::select! {
        () = watch.keep_reading(&state, &missed, &sockets) => {}
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    let start = Instant::now();
    drop(watch);
    sockets.take();
    door.close();
    Ok(Ended {
        took: start.elapsed(),
    })
}

/// The programs of sockets, or nothing where the kernel refuses them: then the agent tells of deaths alone.
fn sockets(options: &Options, state: &mut State) -> Option<SocketWatch> {
    let (mut watch, refused) = match SocketWatch::start(options) {
        Ok((watch, refused)) => (Some(watch), refused),
        Err(refused) => (None, refused),
    };
    if let Some(watch) = &mut watch {
        // It needs what tier P needs, whichever tier counts the calls.
        let forbidden = check::forbidden(options, Programs::Calls(sonde_bpf::Tier::Packet));
        let lookups = match forbidden {
            _ if !options.lookups => Err("turned off by --no-lookups".to_owned()),
            Some(why) => Err(why),
            None => LookupWatch::start(options).map_err(|error| error.to_string()),
        };
        match lookups {
            Ok(lookups) => watch.add_lookups(lookups),
            Err(why) => state.no_lookups = why,
        }
    }
    let tier = watch.as_ref().map(SocketWatch::tier);
    let hooks = tier.or(options.tier).unwrap_or_default().hooks();
    let why_not: Vec<&str> = refused.iter().map(|it| it.why.as_str()).collect();
    state.programs.push(Program {
        name: watch_sockets::SOCKETS.to_owned(),
        hooks: hooks.iter().map(|hook| (*hook).to_owned()).collect(),
        why_not: watch.is_none().then(|| why_not.join("; ")),
        runs: Vec::new(),
    });
    state.tier = tier;
    state.refused = refused;
    watch
}

/// The first status is told once the runtimes had a moment to answer.
async fn tell_when_known(state: &Rc<RefCell<State>>, ready: impl FnOnce(&AgentStatus)) {
    for _ in 0..20 {
        let known = state
            .borrow()
            .runtimes
            .iter()
            .all(|runtime| runtime.condition != crate::state::Condition::New);
        if known {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    ready(&status::status(&state.borrow(), Timestamp::now()));
}

/// The sockets to ask.
fn runtimes(options: &Options) -> Vec<RuntimeState> {
    if options.lacks(crate::Absent::Runtime) {
        return Vec::new();
    }
    let named = options
        .runtime_sockets
        .iter()
        .map(|path| (path.display().to_string(), true));
    let known = runtime::WELL_KNOWN.iter().map(|path| ((*path).to_owned(), false));
    let sockets: Vec<(String, bool)> = if options.runtime_sockets.is_empty() {
        known.collect()
    } else {
        named.collect()
    };
    sockets
        .into_iter()
        .map(|(socket, asked_for)| RuntimeState {
            socket,
            asked_for,
            ..RuntimeState::default()
        })
        .collect()
}

/// Runs a task for good: if it ends by a fault of ours it is counted and started again, later each time.
fn supervise<F: Future<Output = ()> + 'static>(state: &Rc<RefCell<State>>, task: impl Fn() -> F + 'static) {
    let state = state.clone();
    spawn_local(async move {
        let mut pause = Duration::from_millis(100);
        while spawn_local(task()).await.is_err_and(|error| error.is_panic()) {
            if let Ok(mut state) = state.try_borrow_mut() {
                state.restarts += 1;
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(60));
        }
    });
}

/// The programs at work, and what they told.
struct Watch {
    /// The programs that tell of deaths, where they run, and when there is something to read.
    deaths: Option<(Deaths, AsyncFd<OwnedFd>)>,
    events: Receiver<Event>,
    overrun: Arc<AtomicU64>,
}

impl Watch {
    /// Told is also why deaths are not seen.
    fn start(options: &Options, state: &mut State) -> Result<(Self, Option<AgentError>), AgentError> {
        let ground = check::ground(options);
        state.own_groups_only = !ground.hierarchy.is_whole();
        state.hierarchy = ground.words;
        let (to, events) = sync_channel(EVENTS_MAX);
        let overrun = Arc::new(AtomicU64::new(0));
        let started = match check::forbidden(options, Programs::Deaths) {
            Some(why) => Err(AgentError::Blind { why, rights: false }),
            None => {
                let overrun = overrun.clone();
                Deaths::start(&ground.hierarchy, move |event| hand_over(&to, event, &overrun)).map_err(
                    |error| AgentError::Blind {
                        rights: error.is_permission(),
                        why: error.to_string(),
                    },
                )
            }
        };
        state.programs.push(Program {
            name: DEATHS.to_owned(),
            hooks: DEATHS_HOOKS.iter().map(|hook| (*hook).to_owned()).collect(),
            why_not: started.as_ref().err().map(|error| match error {
                AgentError::Blind { why, .. } => why.clone(),
                other => other.to_string(),
            }),
            runs: Vec::new(),
        });
        let (deaths, blind) = match started {
            Ok(deaths) => {
                let descriptor = deaths.descriptor().map_err(io::Error::other);
                let readable = descriptor.and_then(readable).map_err(AgentError::Start)?;
                (Some((deaths, readable)), None)
            }
            Err(error) => (None, Some(error)),
        };
        let watch = Self {
            deaths,
            events,
            overrun,
        };
        Ok((watch, blind))
    }

    /// Takes events as they come; ends only with the future.
    async fn keep_reading(
        &self,
        state: &RefCell<State>,
        missed: &Notify,
        sockets: &RefCell<Option<SocketWatch>>,
    ) {
        let mut tick = interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Without it the samples are taken with the tick.
        let samples = sockets
            .borrow()
            .as_ref()
            .and_then(|sockets| readable(sockets.descriptor().ok()?).ok());
        loop {
            tokio::select! {
                () = something_waits(self.deaths.as_ref().map(|(_, readable)| readable)) => {}
                () = something_waits(samples.as_ref()) => {
                    if let Some(sockets) = sockets.borrow_mut().as_mut() {
                        sockets.take(&mut state.borrow_mut());
                    }
                }
                _ = tick.tick() => {
                    let mut state = state.borrow_mut();
                    state.tick(Timestamp::now());
                    if let Some((deaths, _)) = &self.deaths {
                        state.lost = deaths.lost().unwrap_or(state.lost);
                    }
                    state.overrun = self.overrun.load(Ordering::Relaxed);
                    if let Some(sockets) = sockets.borrow_mut().as_mut() {
                        sockets.take(&mut state);
                        sockets.each_second(&mut state);
                    }
                }
            }
            self.take(&mut state.borrow_mut());
            if state.borrow().wants_names() {
                missed.notify_waiters();
            }
        }
    }

    fn take(&self, state: &mut State) {
        // A ring that cannot be read once is read at the next turn; what it loses meanwhile is counted by the kernel.
        if let Some((deaths, _)) = &self.deaths {
            let _ = deaths.consume();
        }
        let booted = clock::booted();
        for event in self.events.try_iter() {
            let time = clock::at(booted, event.since_boot);
            state.take(event, time);
        }
    }
}

#[expect(
    deprecated,
    reason = "its successor is unsafe because a type may hand out another descriptor later; an OwnedFd does not"
)]
fn readable(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}

/// Ends when a ring has something to read; never where there is no ring.
async fn something_waits(ring: Option<&AsyncFd<OwnedFd>>) {
    let Some(ring) = ring else {
        return std::future::pending().await;
    };
    if let Ok(mut ready) = ring.readable().await {
        ready.clear_ready();
    }
}

/// Puts what the kernel told where it waits to be taken; what finds no room there is counted.
pub(crate) fn hand_over<T>(to: &SyncSender<T>, told: T, overrun: &AtomicU64) {
    if let Err(TrySendError::Full(_)) = to.try_send(told) {
        overrun.fetch_add(1, Ordering::Relaxed);
    }
}
