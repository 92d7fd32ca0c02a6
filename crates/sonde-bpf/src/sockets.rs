//! Calls and connections, counted in the kernel at the socket (tier S) or by their packets (tier P).
//!
//! Nothing here depends on a ring buffer: [`Sockets::harvest`] takes the counts since the last time, and
//! [`Sockets::sweep`] reads every live connection's state from the kernel.

mod diag;
mod edges;
mod options;
mod read;
pub(crate) mod record;
mod sample;

use std::collections::HashSet;
use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use libbpf_rs::{Iter, MapCore as _, MapFlags, ProgramType, RingBuffer, RingBufferBuilder};
use sonde_l7::{Protocol, Transport};
use sonde_model::{CallCounts, ProgramRuns, Role};
use zerocopy::{FromBytes as _, IntoBytes as _};

use crate::object::{Loaded, set_constants};
use crate::{Error, Hierarchy, Tier};

use options::Settings;
use read::{read_connection, to_record};

pub(crate) use edges::Edges;
pub(crate) use read::{edge_key, number};

pub use options::Options;
pub use sample::{Endpoint, Reason, Sample};

/// One end of the calls between an owner and a remote address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EdgeKey {
    /// Inode of the owner's control group; 0 where no process of it was seen at the socket.
    pub group: u64,
    /// The other end.
    pub remote: IpAddr,
    /// Inode of the network namespace.
    pub netns: u32,
    /// The server's port.
    pub port: u16,
    /// Which end this is.
    pub role: Role,
    /// The verdict on the protocol; `None` while there is none.
    pub protocol: Option<Protocol>,
}

/// What was counted on an edge between two harvests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Harvested {
    /// The edge.
    pub key: EdgeKey,
    /// When the first of it was counted, since the node's boot.
    pub first: Duration,
    /// The counts.
    pub counts: CallCounts,
}

/// A live TCP connection, as the kernel has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its edge; the group is 0 for a connection that nobody used since the start.
    pub edge: EdgeKey,
    /// This end's address.
    pub local: IpAddr,
    /// This end's port.
    pub local_port: u16,
    /// The other end's port.
    pub remote_port: u16,
    /// The kernel's cookie: the same for as long as the socket lives.
    pub cookie: u64,
    /// Bytes that the peer acknowledged.
    pub bytes_acked: u64,
    /// Bytes that came.
    pub bytes_received: u64,
    /// Calls on it since the start.
    pub calls: u64,
    /// The kernel's smoothed round-trip time.
    pub smoothed_rtt: Duration,
    /// The least round-trip time of the last minutes (`net.ipv4.tcp_min_rtt_wlen`).
    pub min_rtt: Duration,
    /// Segments sent again, over its whole life.
    pub retransmits: u32,
    /// Bytes written and not acknowledged.
    pub unacked: u32,
    /// Bytes that came and were not read.
    pub unread: u32,
    /// What the peer's window has room for; 0 is a peer that does not read.
    pub peer_window: u32,
    /// `TCP_ESTABLISHED` and its kin (`include/net/tcp_states.h`).
    pub state: u8,
}

/// What the programs could not do since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses {
    /// Calls on new edges that found no room: they are counted on the overflow edge, whose key is all zeros.
    pub edges_full: u64,
    /// Uses of sockets for which the kernel had no memory: their calls are missing.
    pub storage_full: u64,
    /// Samples that did not fit into the ring.
    pub samples: u64,
    /// Samples that were left out by [`Sockets::thin_samples`].
    pub thinned: u64,
    /// Where calls run at the same time on one connection: pieces of streams and answers that could not be followed.
    pub frames: u64,
}

/// Why a tier does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The tier.
    pub tier: Tier,
    /// What it lacks.
    pub why: String,
}

/// The programs of the best tier that works.
pub struct Started {
    /// They.
    pub sockets: Sockets,
    /// The better tiers, which do not.
    pub refused: Vec<Refusal>,
}

/// The programs at work. Dropping it takes them down.
pub struct Sockets {
    samples: RingBuffer<'static>,
    loaded: Loaded,
    tier: Tier,
    /// In which the owners' numbers are.
    hierarchy: Hierarchy,
    edges: Edges,
    unseen_namespaces: AtomicUsize,
}

/// The iterator over all sockets.
const SWEEP: &str = "sweep";

impl Sockets {
    /// Loads and attaches the programs, and takes the inventory of who listens; `on_sample` is called from
    /// [`Self::consume`].
    ///
    /// # Errors
    ///
    /// When the kernel refuses a program, for want of rights or of a feature.
    pub fn start(
        hierarchy: &Hierarchy,
        options: &Options,
        mut on_sample: impl FnMut(Sample) + Send + 'static,
    ) -> Result<Self, Error> {
        let tier = options.tier;
        let hierarchy = match tier {
            Tier::Socket => hierarchy.clone(),
            Tier::Packet => Hierarchy::unified_of_this_node()?,
        };
        let settings = Settings::of(options, &hierarchy)?;
        let (name, object) = match tier {
            Tier::Socket => ("tier S", SOCKETS),
            Tier::Packet if options.follow && has_loops()? => ("tier P", PACKETS),
            Tier::Packet => ("tier P, by turns", PACKETS_BY_TURNS),
        };
        let loaded = Loaded::load(name, object, |open| set_constants(open, settings.as_bytes()))?;
        let samples = {
            let doing = "opening the ring of samples";
            let map = loaded.map("samples")?;
            let mut builder = RingBufferBuilder::new();
            let read = move |bytes: &[u8]| {
                if let Some(sample) = sample::read(bytes) {
                    on_sample(sample);
                }
                0
            };
            builder.add(&map, read).map_err(Error::kernel(doing))?;
            builder.build().map_err(Error::kernel(doing))?
        };
        let edges = Edges::new(&loaded)?;
        let mut sockets = Self {
            samples,
            loaded,
            tier,
            hierarchy,
            edges,
            unseen_namespaces: AtomicUsize::new(0),
        };
        sockets.teach()?;
        sockets.attach()?;
        Ok(sockets)
    }

    fn attach(&mut self) -> Result<(), Error> {
        match self.tier {
            Tier::Socket => {
                // Its first run fills the map of listeners, which tells the roles of connections that are older.
                self.loaded.attach(|program| program == SWEEP)?;
                self.sweep()?;
                self.loaded.attach(|program| program != SWEEP)
            }
            Tier::Packet => {
                let root = self.hierarchy.root();
                let group = File::open(root).map_err(|source| Error::File {
                    doing: format!("opening the control group {}", root.display()),
                    source,
                })?;
                self.loaded.attach_to_group(group.as_fd())
            }
        }
    }

    /// Starts the best tier that works; `why_not` may forbid one with a reason.
    ///
    /// # Errors
    ///
    /// When none works: all of them, with their reasons.
    pub fn start_best(
        hierarchy: &Hierarchy,
        options: &Options,
        why_not: impl Fn(Tier) -> Option<String>,
        on_sample: impl FnMut(Sample) + Clone + Send + 'static,
    ) -> Result<Started, Vec<Refusal>> {
        let mut refused = Vec::new();
        for tier in Tier::ALL {
            let options = Options {
                tier,
                ..options.clone()
            };
            let started = match why_not(tier) {
                Some(why) => Err(why),
                None => {
                    Self::start(hierarchy, &options, on_sample.clone()).map_err(|error| tier.explain(&error))
                }
            };
            match started {
                Ok(sockets) => return Ok(Started { sockets, refused }),
                Err(why) => refused.push(Refusal { tier, why }),
            }
        }
        Err(refused)
    }

    /// How calls are seen.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// The hierarchy whose control groups own the edges.
    pub fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    /// Hands over the samples that wait, without waiting.
    ///
    /// # Errors
    ///
    /// When the ring cannot be read.
    pub fn consume(&self) -> Result<(), Error> {
        self.samples
            .consume()
            .map_err(Error::kernel("reading the ring of samples"))
    }

    /// A descriptor that is readable when samples wait that are worth a look at once.
    ///
    /// # Errors
    ///
    /// When the process has no descriptor left.
    pub fn descriptor(&self) -> Result<OwnedFd, Error> {
        let ring = self.loaded.map("samples")?;
        ring.as_fd().try_clone_to_owned().map_err(|source| Error::File {
            doing: "copying the descriptor of the ring of samples".to_owned(),
            source,
        })
    }

    /// Says what an endpoint speaks: from now on its calls are judged and counted as that.
    ///
    /// # Errors
    ///
    /// When the map cannot be written.
    pub fn set_verdict(&self, endpoint: Endpoint, protocol: Protocol) -> Result<(), Error> {
        self.loaded
            .map("verdicts")?
            .update(
                endpoint.to_record().as_bytes(),
                &[number(protocol)],
                MapFlags::ANY,
            )
            .map_err(Error::kernel("writing a verdict"))
    }

    /// Gives the kernel the checks of all protocols.
    fn teach(&self) -> Result<(), Error> {
        let map = self.loaded.map("checks")?;
        for (protocol, check) in Protocol::ALL
            .iter()
            .filter_map(|it| Some((*it, it.kernel_check(Transport::Tcp)?)))
        {
            let key = u32::from(number(protocol)).to_ne_bytes();
            map.update(&key, to_record(check).as_bytes(), MapFlags::ANY)
                .map_err(Error::kernel("writing the checks of protocols"))?;
        }
        Ok(())
    }

    /// What was counted since the last harvest.
    ///
    /// # Errors
    ///
    /// When the maps cannot be read; what was counted is then in the next harvest.
    pub fn harvest(&mut self) -> Result<Vec<Harvested>, Error> {
        self.edges.harvest(&self.loaded)
    }

    /// Every TCP connection that a process of the node has open; listeners left out. Tier P tells those of other network
    /// namespaces where it may enter them, for which it needs CAP_SYS_ADMIN.
    ///
    /// # Errors
    ///
    /// When the kernel's iterator cannot be read.
    pub fn sweep(&self) -> Result<Vec<Connection>, Error> {
        if self.tier == Tier::Packet {
            let states = self.loaded.map("states")?;
            let swept = diag::sweep(states.as_fd())?;
            self.unseen_namespaces
                .store(swept.unseen_namespaces, Ordering::Relaxed);
            return Ok(swept.connections);
        }
        let doing = "sweeping the connections";
        let mut iter = Iter::new(self.loaded.link(SWEEP)?).map_err(Error::kernel(doing))?;
        let mut bytes = Vec::new();
        iter.read_to_end(&mut bytes).map_err(|source| Error::File {
            doing: doing.into(),
            source,
        })?;
        let mut seen = HashSet::new();
        let records = bytes.chunks_exact(size_of::<record::Connection>());
        Ok(records
            .filter_map(|bytes| record::Connection::read_from_bytes(bytes).ok())
            // Processes that share a socket tell it once each.
            .filter(|raw| seen.insert(raw.cookie))
            .map(|raw| read_connection(&raw))
            .collect())
    }

    /// Network namespaces that the last sweep could not enter.
    pub fn unseen_namespaces(&self) -> usize {
        self.unseen_namespaces.load(Ordering::Relaxed)
    }

    /// What the programs could not do since the start.
    ///
    /// # Errors
    ///
    /// When the counters cannot be read.
    pub fn losses(&self) -> Result<Losses, Error> {
        Ok(Losses {
            edges_full: self.loaded.counter("counters", 0)?,
            storage_full: self.loaded.counter("counters", 1)?,
            samples: self.loaded.counter("counters", 2)?,
            thinned: self.loaded.counter("counters", 3)?,
            frames: self.loaded.counter("counters", 4)?,
        })
    }

    /// Has only one of so many samples sent from now on, of those that are not for a verdict.
    ///
    /// # Errors
    ///
    /// When the programs' variables cannot be written.
    pub fn thin_samples(&mut self, one_of: u32) -> Result<(), Error> {
        self.edges.thin_samples(&self.loaded, one_of)
    }

    /// The kernel's own statistics of the programs, where it makes any.
    pub fn runs(&self) -> Vec<ProgramRuns> {
        self.loaded.runs()
    }
}

/// Whether programs may go over the frames of a packet.
fn has_loops() -> Result<bool, Error> {
    ProgramType::CgroupSkb
        .is_helper_supported(libbpf_sys::BPF_FUNC_loop)
        .map_err(Error::kernel("trying whether the kernel has loops"))
}

static SOCKETS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sockets.bpf.o"));
static PACKETS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/packets.bpf.o"));
static PACKETS_BY_TURNS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/packets_turns.bpf.o"));
