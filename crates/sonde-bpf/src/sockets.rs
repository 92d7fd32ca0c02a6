//! Calls and connections, counted in the kernel at the socket (tier S).
//!
//! Nothing here depends on a ring buffer: [`Sockets::harvest`] takes the counts since the last time, and
//! [`Sockets::sweep`] reads every live connection's state from the kernel.

mod record;
mod sample;

use std::collections::HashSet;
use std::io::Read as _;
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::Duration;

use libbpf_rs::{Iter, MapCore as _, MapFlags, RingBuffer, RingBufferBuilder};
use sonde_l7::{KernelCheck, Protocol, Transport};
use sonde_model::{CallCounts, Histogram, ProgramRuns, Role};
use zerocopy::{FromBytes as _, Immutable, IntoBytes};

use crate::object::{Loaded, set_constants};
use crate::{Error, Hierarchy};

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

/// What the programs are told when they start.
#[derive(Debug, Clone)]
pub struct Options {
    /// A call that takes at least this long counts as slow.
    pub slow: Duration,
    /// Read the first bytes of requests and answers: without them there is no protocol, no error and no sample.
    pub payload: bool,
    /// Every N-th call is a sample; 0 for none.
    pub sample_each: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            slow: Duration::from_millis(500),
            payload: true,
            sample_each: 1000,
        }
    }
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
}

/// The programs at work. Dropping it takes them down.
pub struct Sockets {
    samples: RingBuffer<'static>,
    loaded: Loaded,
    /// Which of the two maps is written.
    active: usize,
}

const EDGE_MAPS: [&str; 2] = ["edges_a", "edges_b"];
/// The iterator over all sockets.
const SWEEP: &str = "sweep";
/// Edges taken by one call of the kernel.
const BATCH: u32 = 512;

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
        #[derive(IntoBytes, Immutable)]
        #[repr(C)]
        struct Settings {
            slow_ns: u64,
            memory_on_v1: u64,
            read_payload: u64,
            sample_each: u64,
        }
        let settings = Settings {
            slow_ns: options.slow.as_nanos().try_into().unwrap_or(u64::MAX),
            memory_on_v1: u64::from(matches!(hierarchy, Hierarchy::Memory(_))),
            read_payload: u64::from(options.payload),
            sample_each: options.sample_each.into(),
        };
        let loaded = Loaded::load("sockets", OBJECT, |open| set_constants(open, settings.as_bytes()))?;
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
        let mut sockets = Self {
            samples,
            loaded,
            active: 0,
        };
        sockets.teach()?;
        sockets.make_room_for_overflow(0)?;
        // Its first run fills the map of listeners, which tells the roles of connections that are older than the rest.
        sockets.loaded.attach(|program| program == SWEEP)?;
        sockets.sweep()?;
        sockets.loaded.attach(|program| program != SWEEP)?;
        Ok(sockets)
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
        let full = self.active;
        let next = 1 - full;
        self.make_room_for_overflow(next)?;
        let doing = "turning the map of edges over";
        let first = 0_u32.to_ne_bytes();
        let active = u32::try_from(next).unwrap_or_default().to_ne_bytes();
        self.loaded
            .variables()?
            .update(&first, &active, MapFlags::ANY)
            .map_err(Error::kernel(doing))?;
        // Waits until no program still writes to the old one.
        let fd = self.loaded.map(EDGE_MAPS[next])?.as_fd().as_raw_fd();
        self.loaded
            .map("turned")?
            .update(&first, &fd.to_ne_bytes(), MapFlags::ANY)
            .map_err(Error::kernel(doing))?;
        self.active = next;
        let map = self.loaded.map(EDGE_MAPS[full])?;
        let batches = map
            .lookup_and_delete_batch(BATCH, MapFlags::ANY, MapFlags::ANY)
            .map_err(Error::kernel("harvesting the map of edges"))?;
        Ok(batches
            .filter_map(|(key, value)| read_edge(&key, &value))
            .collect())
    }

    /// Every TCP connection that a process of the node has open, in whatever network namespace; listeners left out.
    ///
    /// # Errors
    ///
    /// When the kernel's iterator cannot be read.
    pub fn sweep(&self) -> Result<Vec<Connection>, Error> {
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
        })
    }

    /// The kernel's own statistics of the programs, where it makes any.
    pub fn runs(&self) -> Vec<ProgramRuns> {
        self.loaded.runs()
    }

    /// The overflow edge must be there before a map is full.
    fn make_room_for_overflow(&self, which: usize) -> Result<(), Error> {
        let map = self.loaded.map(EDGE_MAPS[which])?;
        let key = [0; size_of::<record::EdgeKey>()];
        let value = [0; size_of::<record::Edge>()];
        map.update(&key, &value, MapFlags::ANY)
            .map_err(Error::kernel("preparing the map of edges"))
    }
}

static OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sockets.bpf.o"));

fn read_edge(key: &[u8], value: &[u8]) -> Option<Harvested> {
    let key = record::EdgeKey::read_from_bytes(key).ok()?;
    let edge = record::Edge::read_from_bytes(value).ok()?;
    // The overflow edge is there whether or not anything overflowed.
    let is_idle = key.role == 0 && edge.total_ns == 0 && edge.opened == 0 && edge.closed == 0;
    (!is_idle).then(|| Harvested {
        key: edge_key(&key),
        first: Duration::from_nanos(edge.first_boot_ns),
        counts: counts(&edge, key.role == SERVER),
    })
}

fn to_record(check: &KernelCheck) -> record::Check {
    let rule = |rule: &sonde_l7::kernel::Rule| record::Rule {
        offset: rule.offset,
        width: rule.width,
        outcome: rule.outcome as u8,
        pad: 0,
        mask: rule.mask,
        low: rule.low,
        high: rule.high,
    };
    let (correlation, length) = (check.correlation, check.length);
    record::Check {
        guard: rule(&check.guard),
        rules: check.rules.each_ref().map(rule),
        otherwise: check.otherwise as u8,
        pad: [0; 3],
        correlation: [
            correlation.request_offset,
            correlation.response_offset,
            correlation.width,
            0,
        ],
        length: [
            length.offset,
            length.width,
            length.little_endian,
            length.add.cast_unsigned(),
        ],
    }
}

fn counts(edge: &record::Edge, is_server: bool) -> CallCounts {
    let (total, wait) = (
        Histogram::from_counts(&edge.total),
        Histogram::from_counts(&edge.wait),
    );
    CallCounts {
        calls: total.count(),
        errors: edge.errors,
        slow: edge.slow,
        total_ns: edge.total_ns,
        waited_ns: edge.waited_ns,
        // Until it is read a request waits; from then on it is worked on.
        worked_ns: if is_server {
            edge.total_ns.saturating_sub(edge.waited_ns)
        } else {
            0
        },
        written_ns: edge.written_ns,
        with_wait: wait.count(),
        bytes_sent: edge.bytes_sent,
        bytes_received: edge.bytes_received,
        opened: edge.opened,
        closed: edge.closed,
        connect_ns: edge.connect_ns,
        connect_failed: edge.connect_failed,
        retransmits: edge.retransmits,
        resets_sent: edge.resets_sent,
        resets_received: edge.resets_received,
        total,
        wait,
    }
}

fn edge_key(key: &record::EdgeKey) -> EdgeKey {
    EdgeKey {
        group: key.group,
        remote: address(key.remote),
        netns: key.netns,
        port: key.port,
        role: if key.role == SERVER {
            Role::Server
        } else {
            Role::Client
        },
        protocol: protocol(key.protocol),
    }
}

/// The kernel counts protocols from 1: 0 is "no verdict".
fn number(protocol: Protocol) -> u8 {
    protocol as u8 + 1
}

fn protocol(number: u8) -> Option<Protocol> {
    Protocol::ALL.get(usize::from(number.checked_sub(1)?)).copied()
}

/// `enum role` in `programs/sockets.h`.
const SERVER: u8 = 2;

fn address(bytes: [u8; 16]) -> IpAddr {
    Ipv6Addr::from(bytes).to_canonical()
}

fn read_connection(raw: &record::Connection) -> Connection {
    Connection {
        edge: edge_key(&raw.edge),
        local: address(raw.local),
        local_port: raw.local_port,
        remote_port: raw.remote_port,
        cookie: raw.cookie,
        bytes_acked: raw.bytes_acked,
        bytes_received: raw.bytes_received,
        calls: raw.calls,
        smoothed_rtt: Duration::from_micros(raw.smoothed_rtt_us.into()),
        // The kernel's "not measured yet" is all ones.
        min_rtt: Duration::from_micros(if raw.min_rtt_us == u32::MAX {
            0
        } else {
            raw.min_rtt_us.into()
        }),
        retransmits: raw.retransmits,
        unacked: raw.unacked,
        unread: raw.unread,
        peer_window: raw.peer_window,
        state: raw.state,
    }
}
