//! Capabilities, from `/proc/self/status` (capabilities(7)). Pure.

use super::{Item, ItemState};
use crate::{Absent, Options};

/// The effective capabilities of this process.
pub(super) struct Rights {
    effective: Option<u64>,
    absent: Vec<Absent>,
}

/// A capability that the agent uses: its name, its number, what takes it away in a test, and what is lost without it.
const USED: &[(&str, u32, Absent, ItemState, &str)] = &[
    (
        "CAP_BPF",
        39,
        Absent::Bpf,
        ItemState::Missing,
        "no program can be loaded: nothing is seen",
    ),
    (
        "CAP_PERFMON",
        38,
        Absent::Perfmon,
        ItemState::Missing,
        "no program can look into the kernel: no ends of processes, no calls",
    ),
    (
        "CAP_NET_ADMIN",
        12,
        Absent::NetAdmin,
        ItemState::Partly,
        "ends of processes are seen; programs at sockets and control groups cannot be attached",
    ),
];

/// Before Linux 5.8, and in place of the first two ever since.
const SYS_ADMIN: u32 = 21;

impl Rights {
    pub(super) fn of(status: &str, options: &Options) -> Self {
        Self {
            effective: status
                .lines()
                .find_map(|line| line.strip_prefix("CapEff:"))
                .and_then(|text| u64::from_str_radix(text.trim(), 16).ok()),
            absent: options.absent.clone(),
        }
    }

    pub(super) fn items(&self) -> Vec<Item> {
        USED.iter()
            .map(|(name, number, absent, state, costs)| {
                let remedy = format!(
                    "run as root, or give it: setpriv --ambient-caps +{0} --inh-caps +{0}, or capabilities.add of the container",
                    name.trim_start_matches("CAP_").to_lowercase()
                );
                match self.found(*number, *absent) {
                    Ok(found) => Item::works(name, found),
                    Err(found) => Item::lacks(name, *state, found, costs, &remedy),
                }
            })
            .collect()
    }

    fn found(&self, number: u32, absent: Absent) -> Result<&'static str, &'static str> {
        if self.absent.contains(&absent) {
            return Err("taken away for a test");
        }
        let Some(effective) = self.effective else {
            return Err("/proc/self/status does not tell");
        };
        let has = |number: u32| effective >> number & 1 == 1;
        if has(number) {
            Ok("this process has it")
        } else if has(SYS_ADMIN) && absent != Absent::NetAdmin {
            Ok("CAP_SYS_ADMIN stands for it")
        } else {
            Err("this process does not have it")
        }
    }
}

#[cfg(test)]
mod tests {
    use ItemState::{Missing, Partly, Works};

    use super::*;

    #[test]
    fn capabilities_are_read_from_their_bits() {
        for (effective, expected) in [
            ("CapEff:\t000001ffffffffff", [Works, Works, Works]),
            ("CapEff:\t000000c000001000", [Works, Works, Works]),
            ("CapEff:\t0000000000200000", [Works, Works, Partly]),
            ("CapEff:\t0000008000000000", [Works, Missing, Partly]),
            ("CapEff:\t0000000000000000", [Missing, Missing, Partly]),
            ("CapEff:\tnonsense", [Missing, Missing, Partly]),
            ("", [Missing, Missing, Partly]),
        ] {
            let rights = Rights::of(&format!("Name:\tx\n{effective}\n"), &Options::default());
            let states: Vec<_> = rights.items().into_iter().map(|item| item.state).collect();
            assert_eq!(states, expected, "{effective}");
        }
    }
}
