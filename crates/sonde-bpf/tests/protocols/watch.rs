//! The programs of sockets at work with the loop of verdicts, as the agent runs it.

use std::collections::BTreeMap;
use std::process::Child;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use sonde_bpf::sockets::{Harvested, Options, Sample, Sockets};
use sonde_bpf::{Hierarchy, Tier};
use sonde_l7::{Exchange, Protocol, Verdicts};
use sonde_model::{CallCounts, Role};

/// Counts by role and verdict.
pub(crate) type Counted = BTreeMap<(Role, Option<Protocol>), CallCounts>;

pub(crate) struct Watch {
    sockets: Sockets,
    samples: Receiver<Sample>,
    open: Verdicts,
    found: BTreeMap<u16, Protocol>,
    /// Since the last time that nothing was open.
    counted: BTreeMap<u16, Counted>,
}

impl Watch {
    /// `None` where the rights are missing, with the reason on stderr.
    pub(crate) fn start(tier: Tier) -> Option<Self> {
        let (to, samples) = sync_channel(4_096);
        let options = Options {
            tier,
            slow: Duration::from_secs(60),
            ..Options::default()
        };
        let hierarchy = Hierarchy::of_this_node().expect("control groups");
        match Sockets::start(&hierarchy, &options, move |sample| {
            let _full = to.try_send(sample);
        }) {
            Ok(sockets) => Some(Self {
                sockets,
                samples,
                open: Verdicts::default(),
                found: BTreeMap::new(),
                counted: BTreeMap::new(),
            }),
            Err(error) if error.is_permission() => {
                eprintln!("skipped: {error}");
                None
            }
            Err(error) => panic!("tier {tier}: {error}"),
        }
    }

    /// Judges what comes until the processes have ended.
    pub(crate) fn during(&mut self, children: &mut [Child]) {
        let deadline = Instant::now() + Duration::from_secs(120);
        let mut running = true;
        while running {
            running = children
                .iter_mut()
                .any(|child| child.try_wait().expect("a process of ours").is_none());
            assert!(Instant::now() < deadline, "clients do not end");
            self.take();
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn take(&mut self) {
        self.sockets.consume().expect("the ring");
        for sample in self.samples.try_iter() {
            let exchange = Exchange {
                request: &sample.request,
                request_len: sample.request_length,
                answer: &sample.answer,
            };
            if sample.reason.verdict
                && let Some(protocol) = self.open.take(sample.cookie, exchange)
            {
                self.sockets
                    .set_verdict(sample.endpoint, protocol)
                    .expect("a verdict is written");
                self.found.insert(sample.endpoint.port, protocol);
            }
        }
    }

    /// What the server of a port was found to speak.
    pub(crate) fn verdict(&self, port: u16) -> Option<Protocol> {
        self.found.get(&port).copied()
    }

    /// What was counted for a port since the last time, when all its connections are closed.
    pub(crate) fn settle(&mut self, port: u16) -> Counted {
        // A FIN that is lost is sent again after pauses that double.
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            self.take();
            for Harvested { key, counts, .. } in self.sockets.harvest().expect("maps") {
                let port = self.counted.entry(key.port).or_default();
                port.entry((key.role, key.protocol)).or_default().add(&counts);
            }
            let counted = self.counted.entry(port).or_default();
            let is_over = |role: Role| {
                let of_role = || counted.iter().filter(|((it, _), _)| *it == role);
                let opened: u64 = of_role().map(|(_, counts)| counts.opened).sum();
                let closed: u64 = of_role().map(|(_, counts)| counts.closed).sum();
                opened > 0 && opened == closed
            };
            if is_over(Role::Client) && is_over(Role::Server) {
                return std::mem::take(counted);
            }
            assert!(
                Instant::now() < deadline,
                "connections to {port} stay open: {counted:?}"
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Edges and sockets for which there was no room.
    pub(crate) fn losses(&self) -> (u64, u64) {
        let losses = self.sockets.losses().expect("counters");
        (losses.edges_full, losses.storage_full)
    }
}
