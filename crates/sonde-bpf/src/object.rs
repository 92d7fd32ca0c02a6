//! Opening, loading and attaching an embedded object.

use libbpf_rs::{Link, Map, MapCore, MapFlags, Object, ObjectBuilder, OpenObject};

use crate::Error;

/// An object with its programs attached; dropping it detaches them.
pub(crate) struct Loaded {
    // Links first: fields are dropped in order, and a program must be off before its maps go.
    _links: Vec<Link>,
    object: Object,
}

impl Loaded {
    /// Loads `bytes` after `prepare` set its constants, and attaches every program in it.
    pub(crate) fn start(
        name: &str,
        bytes: &[u8],
        prepare: impl FnOnce(&mut OpenObject) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        quiet();
        let mut open = ObjectBuilder::default()
            .open_memory(bytes)
            .map_err(Error::kernel(format!("opening the programs of {name}")))?;
        prepare(&mut open)?;
        let object = open
            .load()
            .map_err(Error::kernel(format!("loading the programs of {name}")))?;
        let mut links = Vec::new();
        for program in object.progs_mut() {
            let what = format!("attaching {}", program.name().to_string_lossy());
            links.push(program.attach().map_err(Error::kernel(what))?);
        }
        Ok(Self {
            _links: links,
            object,
        })
    }

    pub(crate) fn map(&self, name: &str) -> Result<Map<'_>, Error> {
        self.object
            .maps()
            .find(|map| map.name() == name)
            .ok_or_else(|| Error::Missing(format!("map {name}")))
    }

    /// The sum over all CPUs of one 64-bit counter.
    pub(crate) fn counter(&self, map: &str, index: u32) -> Result<u64, Error> {
        let values = self
            .map(map)?
            .lookup_percpu(&index.to_ne_bytes(), MapFlags::ANY)
            .map_err(Error::kernel(format!("reading the counters in {map}")))?;
        Ok(values
            .iter()
            .flatten()
            .filter_map(|bytes| Some(u64::from_ne_bytes(bytes.as_slice().try_into().ok()?)))
            .sum())
    }
}

/// Writes the constants of an object that is not yet loaded: `bytes` as its `const volatile` variables lie in memory.
pub(crate) fn set_constants(open: &mut OpenObject, bytes: &[u8]) -> Result<(), Error> {
    let mut constants = open
        .maps_mut()
        .find(|map| map.name().to_string_lossy().ends_with(".rodata"))
        .ok_or_else(|| Error::Missing("constants".into()))?;
    let data = constants
        .initial_value_mut()
        .ok_or_else(|| Error::Missing("constants".into()))?;
    let part = data
        .get_mut(..bytes.len())
        .ok_or_else(|| Error::Missing("constants of that size".into()))?;
    part.copy_from_slice(bytes);
    Ok(())
}

/// libbpf writes its own words to stderr; ours say it, through the error.
fn quiet() {
    libbpf_rs::set_print(None);
}
