//! Harvesting the two maps of edges that take turns: `programs/edges.h`.

use std::os::fd::{AsFd as _, AsRawFd as _};

use libbpf_rs::{MapCore as _, MapFlags};
use zerocopy::{Immutable, IntoBytes};

use super::read::read_edge;
use super::{Harvested, record};
use crate::Error;
use crate::object::Loaded;

const EDGE_MAPS: [&str; 2] = ["edges_a", "edges_b"];
/// Edges taken by one call of the kernel.
const BATCH: u32 = 512;

/// Which of the two maps is written, and what else the programs are told while they run.
pub(crate) struct Edges {
    active: usize,
    samples_one_of: u32,
}

/// The twin of `steering` in `programs/edges.h`.
#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct Steering {
    edges_active: u32,
    samples_one_of: u32,
}

impl Edges {
    /// For programs that are loaded and not yet attached.
    pub(crate) fn new(loaded: &Loaded) -> Result<Self, Error> {
        make_room_for_overflow(loaded, 0)?;
        Ok(Self {
            active: 0,
            samples_one_of: 1,
        })
    }

    /// Has only one of so many samples sent from now on.
    pub(crate) fn thin_samples(&mut self, loaded: &Loaded, one_of: u32) -> Result<(), Error> {
        steer(loaded, self.active, one_of)?;
        self.samples_one_of = one_of;
        Ok(())
    }

    /// What was counted since the last time.
    pub(crate) fn harvest(&mut self, loaded: &Loaded) -> Result<Vec<Harvested>, Error> {
        let full = self.active;
        let next = 1 - full;
        make_room_for_overflow(loaded, next)?;
        let doing = "turning the map of edges over";
        let first = 0_u32.to_ne_bytes();
        steer(loaded, next, self.samples_one_of)?;
        // Waits until no program still writes to the old one.
        let fd = loaded.map(EDGE_MAPS[next])?.as_fd().as_raw_fd();
        loaded
            .map("turned")?
            .update(&first, &fd.to_ne_bytes(), MapFlags::ANY)
            .map_err(Error::kernel(doing))?;
        self.active = next;
        let map = loaded.map(EDGE_MAPS[full])?;
        let batches = map
            .lookup_and_delete_batch(BATCH, MapFlags::ANY, MapFlags::ANY)
            .map_err(Error::kernel("harvesting the map of edges"))?;
        Ok(batches
            .filter_map(|(key, value)| read_edge(&key, &value))
            .collect())
    }
}

fn steer(loaded: &Loaded, active: usize, samples_one_of: u32) -> Result<(), Error> {
    let steering = Steering {
        edges_active: u32::try_from(active).unwrap_or_default(),
        samples_one_of,
    };
    loaded
        .variables()?
        .update(&0_u32.to_ne_bytes(), steering.as_bytes(), MapFlags::ANY)
        .map_err(Error::kernel("steering the programs"))
}

/// The overflow edge must be there before a map is full.
fn make_room_for_overflow(loaded: &Loaded, which: usize) -> Result<(), Error> {
    let map = loaded.map(EDGE_MAPS[which])?;
    let key = [0; size_of::<record::EdgeKey>()];
    let value = [0; size_of::<record::Edge>()];
    map.update(&key, &value, MapFlags::ANY)
        .map_err(Error::kernel("preparing the map of edges"))
}
