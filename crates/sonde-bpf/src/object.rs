//! Opening, loading and attaching an embedded object.

use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, IntoRawFd as _, OwnedFd};
use std::sync::Mutex;

use libbpf_rs::{Link, Map, MapCore, MapFlags, Object, ObjectBuilder, OpenObject, PrintLevel};

use sonde_model::ProgramRuns;

use crate::Error;

/// An object with its programs attached; dropping it detaches them.
pub(crate) struct Loaded {
    // Links first: fields are dropped in order, and a program must be off before its maps go.
    links: Vec<(String, Link)>,
    object: Object,
}

impl Loaded {
    /// Loads `bytes` after `prepare` set its constants; nothing is attached yet.
    pub(crate) fn load(
        name: &str,
        bytes: &[u8],
        prepare: impl FnOnce(&mut OpenObject) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        hear_complaints();
        let mut open = ObjectBuilder::default()
            .open_memory(bytes)
            .map_err(Error::kernel(format!("opening the programs of {name}")))?;
        prepare(&mut open)?;
        let object = open
            .load()
            .map_err(Error::kernel(format!("loading the programs of {name}")))?;
        Ok(Self {
            links: Vec::new(),
            object,
        })
    }

    /// Attaches the programs that `which` takes by their names.
    pub(crate) fn attach(&mut self, which: impl Fn(&str) -> bool) -> Result<(), Error> {
        for program in self.object.progs_mut() {
            let name = program.name().to_string_lossy().into_owned();
            if which(&name) {
                let link = program
                    .attach()
                    .map_err(Error::kernel(format!("attaching {name}")))?;
                self.links.push((name, link));
            }
        }
        Ok(())
    }

    /// Attaches all programs to a control group, beside those that others attached there and below.
    pub(crate) fn attach_to_group(&mut self, group: BorrowedFd<'_>) -> Result<(), Error> {
        for program in self.object.progs_mut() {
            let name = program.name().to_string_lossy().into_owned();
            let link = program
                .attach_cgroup(group.as_raw_fd())
                .map_err(Error::kernel(format!("attaching {name} to a control group")))?;
            self.links.push((name, link));
        }
        Ok(())
    }

    /// Attaches a program to a perf event, which goes with the link.
    pub(crate) fn attach_perf_event(&mut self, name: &str, event: OwnedFd) -> Result<(), Error> {
        let program = self.object.progs_mut().find(|program| program.name() == name);
        let program = program.ok_or_else(|| Error::Missing(format!("program {name}")))?;
        let link = program
            .attach_perf_event(event.as_raw_fd())
            .map_err(Error::kernel(format!("attaching {name}")))?;
        // libbpf closes the descriptor when the link goes (libbpf.c, bpf_link_perf_detach).
        let _ = event.into_raw_fd();
        self.links.push((name.to_owned(), link));
        Ok(())
    }

    pub(crate) fn map(&self, name: &str) -> Result<Map<'_>, Error> {
        self.object
            .maps()
            .find(|map| map.name() == name)
            .ok_or_else(|| Error::Missing(format!("map {name}")))
    }

    /// The map that holds the programs' variables, which are zero at the start.
    pub(crate) fn variables(&self) -> Result<Map<'_>, Error> {
        self.object
            .maps()
            .find(|map| map.name().to_string_lossy().ends_with(".bss"))
            .ok_or_else(|| Error::Missing("variables".into()))
    }

    /// The link of a program.
    pub(crate) fn link(&self, name: &str) -> Result<&Link, Error> {
        let link = self.links.iter().find(|(it, _)| it == name);
        link.map(|(_, link)| link)
            .ok_or_else(|| Error::Missing(format!("program {name}")))
    }

    /// What the kernel counted of each program's runs, for those that it counted any of; `/proc/self/fdinfo` tells it
    /// since 5.1 (kernel/bpf/syscall.c, `bpf_prog_show_fdinfo`).
    pub(crate) fn runs(&self) -> Vec<ProgramRuns> {
        let counted = |program: libbpf_rs::Program<'_>| {
            let descriptor = program.as_fd().as_raw_fd();
            let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}")).ok()?;
            let number = |name: &str| -> Option<u64> {
                let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
                rest.trim().parse().ok()
            };
            Some(ProgramRuns {
                name: program.name().to_string_lossy().into_owned(),
                count: number("run_cnt:").filter(|count| *count > 0)?,
                ns: number("run_time_ns:")?,
            })
        };
        self.object.progs().filter_map(counted).collect()
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

/// What libbpf and the kernel's verifier said of late; libbpf itself would write it to stderr.
static COMPLAINTS: Mutex<String> = Mutex::new(String::new());
/// A verifier's log can have megabytes; its last lines tell why it refused.
const COMPLAINT_BYTES: usize = 4096;

fn hear_complaints() {
    libbpf_rs::set_print(Some((PrintLevel::Warn, |_, text| {
        if let Ok(mut complaints) = COMPLAINTS.lock() {
            complaints.push_str(&text);
            let excess = complaints.len().saturating_sub(COMPLAINT_BYTES);
            let cut = (excess..=complaints.len())
                .find(|at| complaints.is_char_boundary(*at))
                .unwrap_or(0);
            complaints.drain(..cut);
        }
    })));
    COMPLAINTS.lock().map(|mut it| it.clear()).unwrap_or_default();
}

/// What was said since [`hear_complaints`].
pub(crate) fn complaints() -> String {
    COMPLAINTS
        .lock()
        .map(|it| it.trim().to_owned())
        .unwrap_or_default()
}
