//! The programs of sockets at work: harvests, verdicts, samples, and the sweep of connections.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sonde_bpf::sockets::{Refusal, Sample, Sockets, Started};
use sonde_bpf::{Error, Tier};
use sonde_l7::{Exchange, Verdicts};
use sonde_model::{ConnectionSeen, Connections, ProgramRuns};

use crate::agent::hand_over;
use crate::check::{self, Programs};
use crate::group_names::GroupNames;
use crate::state::State;
use crate::watch_lookups::LookupWatch;
use crate::{Options, clock, own};

/// The name of the programs that count calls.
pub(crate) const SOCKETS: &str = "sockets";
/// Counts are harvested so often.
const HARVEST: Duration = Duration::from_secs(5);
/// Samples that wait between the ring and here.
pub(crate) const SAMPLES_MAX: usize = 4_096;

/// The programs of sockets, and whose the control groups are that they name.
pub(crate) struct SocketWatch {
    sockets: Sockets,
    samples: Receiver<Sample>,
    lookups: Option<LookupWatch>,
    overrun: Arc<AtomicU64>,
    verdicts: Verdicts,
    groups: GroupNames,
    harvested: Instant,
    started: Instant,
    since: Timestamp,
}

impl SocketWatch {
    /// Starts the best tier that works, or the one that was asked for; told is also why better ones do not run.
    pub(crate) fn start(options: &Options) -> Result<(Self, Vec<Refusal>), Vec<Refusal>> {
        let (to, samples) = sync_channel(SAMPLES_MAX);
        let overrun = Arc::new(AtomicU64::new(0));
        let counter = overrun.clone();
        let why_not = |tier: Tier| match options.tier {
            Some(asked) if asked != tier => Some(format!("tier {asked} was asked for")),
            _ => check::forbidden(options, Programs::Calls(tier)),
        };
        let hierarchy = check::ground(options).hierarchy;
        let wanted = options.of_programs();
        let on_sample = move |sample| hand_over(&to, sample, &counter);
        let Started { sockets, refused } = Sockets::start_best(&hierarchy, &wanted, why_not, on_sample)?;
        let groups = GroupNames::new(sockets.hierarchy());
        let watch = Self {
            lookups: None,
            sockets,
            samples,
            overrun,
            verdicts: Verdicts::default(),
            groups,
            harvested: Instant::now(),
            started: Instant::now(),
            since: Timestamp::now(),
        };
        Ok((watch, refused))
    }

    /// How calls are seen.
    pub(crate) fn tier(&self) -> Tier {
        self.sockets.tier()
    }

    /// Readable when samples wait for a verdict.
    pub(crate) fn descriptor(&self) -> Result<OwnedFd, Error> {
        self.sockets.descriptor()
    }

    /// Takes what waits; called each second and when the rings have much.
    pub(crate) fn take(&mut self, state: &mut State) {
        // What cannot be read now is read at the next turn; what is lost meanwhile is counted by the kernel.
        let _ = self.sockets.consume();
        let booted = clock::booted();
        let samples: Vec<Sample> = self.samples.try_iter().collect();
        for sample in samples {
            let reason = sample.reason;
            if reason.verdict
                && let Some(protocol) = self.verdicts.take(sample.cookie, beginnings(&sample))
            {
                // The next connections ask again if this could not be written.
                let _ = self.sockets.set_verdict(sample.endpoint, protocol);
            }
            if reason.slow || reason.failed || !reason.verdict {
                let owner = self.groups.owner(sample.edge.group, state);
                let time = clock::at(booted, sample.since_boot);
                state.traced.take(&sample, time, owner);
            }
        }
        if self.harvested.elapsed() >= HARVEST {
            self.harvest(state);
        }
        if let Ok(losses) = self.sockets.losses() {
            state.traffic.overflowed = losses.edges_full;
            state.traffic.unseen = losses.storage_full;
            state.traffic.unfollowed = losses.frames;
            state.samples_thinned = losses.thinned;
            state.samples_lost = losses.samples + self.overrun.load(Ordering::Relaxed);
        }
    }

    fn harvest(&mut self, state: &mut State) {
        let Ok(harvest) = self.sockets.harvest() else {
            return;
        };
        let now = Timestamp::now();
        let owners = self.groups.owners(&harvest, state);
        let owner = |group: u64| owners.get(&group).cloned().unwrap_or_default();
        state
            .traffic
            .take((self.since, now), harvest, clock::booted(), owner);
        if let Some(lookups) = &mut self.lookups {
            lookups.harvest((self.since, now), state);
        }
        self.since = now;
        self.harvested = Instant::now();
    }

    /// Sees questions for names from now on, too.
    pub(crate) fn add_lookups(&mut self, lookups: LookupWatch) {
        self.lookups = Some(lookups);
    }

    /// What is not worth a look with each sample: questions for names, of which those without an answer stand in a map
    /// to be walked, and the budget.
    pub(crate) fn each_second(&mut self, state: &mut State) {
        if let Some(lookups) = &mut self.lookups {
            lookups.take(state);
        }
        if let Some(one_of) = state.budget.look(self.started.elapsed(), own::cpu_seconds()) {
            // At the next look it is tried again, if it must be.
            let _ = self.sockets.thin_samples(one_of);
        }
    }

    /// The kernel's own statistics of the programs, where it makes any.
    pub(crate) fn runs(&self) -> Vec<ProgramRuns> {
        self.sockets.runs()
    }

    /// Every live connection, as the kernel has it now.
    pub(crate) fn connections(&mut self, state: &mut State) -> Result<Connections, Error> {
        let began = Instant::now();
        let swept = self.sockets.sweep()?;
        let sweep_micros = began.elapsed().as_micros().try_into().unwrap_or(u64::MAX);
        let connections = swept
            .into_iter()
            .map(|it| ConnectionSeen {
                owner: self.groups.owner(it.edge.group, state),
                role: it.edge.role,
                local: it.local,
                local_port: it.local_port,
                remote: it.edge.remote,
                remote_port: it.remote_port,
                state: state_word(it.state).to_owned(),
                protocol: it
                    .edge
                    .protocol
                    .map_or_else(String::new, |it| it.name().to_owned()),
                smoothed_rtt_us: micros(it.smoothed_rtt),
                min_rtt_us: micros(it.min_rtt),
                retransmits: it.retransmits,
                unacked_bytes: it.unacked,
                unread_bytes: it.unread,
                peer_window_bytes: it.peer_window,
                bytes_acked: it.bytes_acked,
                bytes_received: it.bytes_received,
                calls: it.calls,
            })
            .collect();
        Ok(Connections {
            schema: Connections::SCHEMA.to_owned(),
            node: state.node.clone(),
            now: Timestamp::now(),
            sweep_micros,
            connections,
        })
    }
}

fn beginnings(sample: &Sample) -> Exchange<'_> {
    Exchange {
        request: &sample.request,
        request_len: sample.request_length,
        answer: &sample.answer,
    }
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

/// `include/net/tcp_states.h`.
fn state_word(state: u8) -> &'static str {
    const WORDS: &[&str] = &[
        "",
        "ESTABLISHED",
        "SYN-SENT",
        "SYN-RECV",
        "FIN-WAIT-1",
        "FIN-WAIT-2",
        "TIME-WAIT",
        "CLOSED",
        "CLOSE-WAIT",
        "LAST-ACK",
        "LISTEN",
        "CLOSING",
        "SYN-RECV",
    ];
    WORDS.get(usize::from(state)).copied().unwrap_or("UNKNOWN")
}
