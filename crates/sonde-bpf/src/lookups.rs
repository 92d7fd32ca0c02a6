//! Questions for names by UDP: who asked whom how often, how long the answers took, and what failed by name.
//!
//! It runs beside either tier of [`crate::sockets`], at the root of the control groups of version 2. Counts do not depend
//! on the ring; single questions that failed, were slow or are one of N travel in it.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::time::Duration;

use libbpf_rs::{MapCore as _, MapFlags, ProgramType, RingBuffer, RingBufferBuilder};
use rustix::time::{ClockId, clock_gettime};
use sonde_l7::Protocol;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::object::{Loaded, set_constants};
use crate::sockets::{EdgeKey, Edges, Harvested, Options, edge_key, number, record};
use crate::{Error, Hierarchy};

/// A question for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// Its edge.
    pub edge: EdgeKey,
    /// When it was answered, since the node's boot; `None` where it was not.
    pub answered: Option<Duration>,
    /// The name in lower case, without the dot at its end.
    pub name: String,
    /// What was asked of it: 1 is an address (IANA's registry of record types).
    pub kind: u16,
    /// How the answer went: 0 well, 2 the server failed, 3 there is no such name (RFC 1035, section 4.1.1); `None` where
    /// there was no answer.
    pub code: Option<u8>,
    /// How long the answer took, or is awaited.
    pub took: Duration,
}

/// The programs at work. Dropping it takes them down.
pub struct Lookups {
    ring: RingBuffer<'static>,
    loaded: Loaded,
    edges: Edges,
    hierarchy: Hierarchy,
}

impl Lookups {
    /// Loads and attaches the programs; `on_lookup` is called from [`Self::consume`]. Of `options` the tier does not
    /// matter; without payload no names are told.
    ///
    /// # Errors
    ///
    /// When the kernel refuses a program, or control groups of version 2 are not mounted.
    pub fn start(
        options: &Options,
        mut on_lookup: impl FnMut(Lookup) + Send + 'static,
    ) -> Result<Self, Error> {
        let hierarchy = Hierarchy::unified_of_this_node()?;
        let netns_told = ProgramType::CgroupSkb
            .is_helper_supported(libbpf_sys::BPF_FUNC_get_netns_cookie)
            .map_err(Error::kernel(
                "trying whether the kernel tells network namespaces",
            ))?;
        let settings = Settings {
            slow_ns: options.slow.as_nanos().try_into().unwrap_or(u64::MAX),
            read_payload: options.payload.into(),
            sample_each: options.sample_each.into(),
            protocol: number(Protocol::Dns).into(),
            netns_at_packets: netns_told.into(),
        };
        let mut loaded = Loaded::load("lookups", OBJECT, |open| set_constants(open, settings.as_bytes()))?;
        let edges = Edges::new(&loaded)?;
        let ring = {
            let doing = "opening the ring of lookups";
            let map = loaded.map("lookups")?;
            let mut builder = RingBufferBuilder::new();
            let read = move |bytes: &[u8]| {
                if let Ok((raw, _)) = Record::read_from_prefix(bytes) {
                    on_lookup(raw.question.lookup(Some(&raw)));
                }
                0
            };
            builder.add(&map, read).map_err(Error::kernel(doing))?;
            builder.build().map_err(Error::kernel(doing))?
        };
        let root = hierarchy.root();
        let group = File::open(root).map_err(|source| Error::File {
            doing: format!("opening the control group {}", root.display()),
            source,
        })?;
        loaded.attach_to_group(group.as_fd())?;
        Ok(Self {
            ring,
            loaded,
            edges,
            hierarchy,
        })
    }

    /// The hierarchy whose control groups own the edges.
    pub fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    /// What was counted since the last harvest: questions that were answered, by edge. Every answer but a good one is
    /// an error.
    ///
    /// # Errors
    ///
    /// When the maps cannot be read; what was counted is then in the next harvest.
    pub fn harvest(&mut self) -> Result<Vec<Harvested>, Error> {
        self.edges.harvest(&self.loaded)
    }

    /// Hands over the questions that wait in the ring, without waiting.
    ///
    /// # Errors
    ///
    /// When the ring cannot be read.
    pub fn consume(&self) -> Result<(), Error> {
        self.ring
            .consume()
            .map_err(Error::kernel("reading the ring of lookups"))
    }

    /// Takes the questions that have waited for an answer for so long.
    ///
    /// # Errors
    ///
    /// When the map cannot be changed.
    pub fn take_unanswered(&self, after: Duration) -> Result<Vec<Lookup>, Error> {
        let map = self.loaded.map("questions")?;
        let now = clock_gettime(ClockId::Monotonic);
        let now = Duration::new(
            u64::try_from(now.tv_sec).unwrap_or_default(),
            u32::try_from(now.tv_nsec).unwrap_or_default(),
        );
        let mut unanswered = Vec::new();
        for key in map.keys() {
            // One that is answered meanwhile is gone.
            let Ok(Some(value)) = map.lookup(&key, MapFlags::ANY) else {
                continue;
            };
            let Ok((question, _)) = Question::read_from_prefix(&value) else {
                continue;
            };
            let waited = now.saturating_sub(Duration::from_nanos(question.asked_ns));
            if waited >= after && map.delete(&key).is_ok() {
                let lookup = question.lookup(None);
                unanswered.push(Lookup {
                    took: waited,
                    ..lookup
                });
            }
        }
        Ok(unanswered)
    }

    /// Questions that did not fit into the ring since the start.
    ///
    /// # Errors
    ///
    /// When the counter cannot be read.
    pub fn lost(&self) -> Result<u64, Error> {
        // COUNT_SAMPLES_LOST in `programs/sockets.h`
        self.loaded.counter("counters", 2)
    }
}

static OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lookups.bpf.o"));

/// The twin of `settings` in `programs/lookups.bpf.c`.
#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct Settings {
    slow_ns: u64,
    read_payload: u64,
    sample_each: u64,
    protocol: u64,
    netns_at_packets: u64,
}

/// The twin of `struct question` in `programs/lookups.h`.
#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Question {
    edge: record::EdgeKey,
    asked_ns: u64,
    cookie: u64,
    bytes: u32,
    name_bytes: u8,
    pad: [u8; 3],
    name: [u8; 256],
}

/// The twin of `struct lookup`.
#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Record {
    question: Question,
    boot_ns: u64,
    took_ns: u64,
    code: u8,
    pad: [u8; 7],
}

impl Question {
    fn lookup(&self, answer: Option<&Record>) -> Lookup {
        let bytes = self.name.get(..usize::from(self.name_bytes));
        let (name, kind) = asked(bytes.unwrap_or_default());
        Lookup {
            edge: edge_key(&self.edge),
            answered: answer.map(|it| Duration::from_nanos(it.boot_ns)),
            name,
            kind,
            code: answer.map(|it| it.code),
            took: answer.map_or(Duration::ZERO, |it| Duration::from_nanos(it.took_ns)),
        }
    }
}

/// The name and its kind, from labels that each have their length before them (RFC 1035, section 4.1.2). What is no
/// letter, digit, hyphen, or underscore becomes a question mark.
fn asked(mut bytes: &[u8]) -> (String, u16) {
    let mut name = String::new();
    while let [length @ 1..=63, rest @ ..] = bytes {
        let Some((label, rest)) = rest.split_at_checked(usize::from(*length)) else {
            return (name, 0);
        };
        if !name.is_empty() {
            name.push('.');
        }
        name.extend(label.iter().map(|byte| match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => char::from(*byte),
            b'A'..=b'Z' => char::from(byte.to_ascii_lowercase()),
            _ => '?',
        }));
        bytes = rest;
    }
    match bytes {
        [0, high, low, ..] => (name, u16::from_be_bytes([*high, *low])),
        _ => (name, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_read_as_far_as_it_goes() {
        for (bytes, expected) in [
            (
                &b"\x03WWW\x07example\x03com\x00\x00\x01\x00\x01"[..],
                ("www.example.com", 1),
            ),
            (b"\x00\x00\x02\x00\x01", ("", 2)),
            (b"\x04_tcp\x02a\n\x00\x00\x21", ("_tcp.a?", 33)),
            (b"\x03www\x07exa", ("www", 0)),
            (b"\xc0\x0c\x00\x01", ("", 0)),
            (b"\x01a\x00\x00", ("a", 0)),
            (b"", ("", 0)),
        ] {
            assert_eq!(asked(bytes), (expected.0.to_owned(), expected.1), "{bytes:?}");
        }
    }
}
