//! What the programs stand on, and what must not be tried because a test took it away.

use std::fs;

use sonde_bpf::{Hierarchy, Tier};

use crate::{Absent, Options};

const MOUNTS: &str = "/proc/self/mountinfo";

/// What the programs stand on.
pub(crate) struct Ground {
    pub(crate) hierarchy: Hierarchy,
    /// Where the groups of containers are, for people.
    pub(crate) words: String,
}

pub(crate) fn ground(options: &Options) -> Ground {
    let hierarchy = Hierarchy::from_mounts(&mounts(options));
    let words = match &hierarchy {
        Some(Hierarchy::Memory(root)) => {
            format!("by the memory groups of version 1 under {}", root.display())
        }
        Some(Hierarchy::Unified(root)) => format!("by the groups of version 2 under {}", root.display()),
        None => "no control groups are mounted here; the kernel's own names are used".to_owned(),
    };
    Ground {
        hierarchy: hierarchy.unwrap_or_else(|| Hierarchy::Unified("/sys/fs/cgroup".into())),
        words,
    }
}

/// Programs that need the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Programs {
    /// Who died.
    Deaths,
    /// Calls, as a tier sees them.
    Calls(Tier),
}

/// What can be taken away, in words, and whose need it is: tracing programs (deaths and tier S), tier P.
const NEEDS: &[(Absent, &str, bool, bool)] = &[
    (Absent::Btf, "the kernel has no BTF", true, false),
    (Absent::RingBuffer, "the kernel has no ring buffers", true, true),
    (Absent::Bpf, "CAP_BPF is missing", true, true),
    (Absent::Perfmon, "CAP_PERFMON is missing", true, true),
    (Absent::NetAdmin, "CAP_NET_ADMIN is missing", false, true),
    (
        Absent::CgroupV2,
        "control groups of version 2 are not mounted",
        false,
        true,
    ),
];

/// Why programs must not be tried: something was taken away for a test.
pub(crate) fn forbidden(options: &Options, programs: Programs) -> Option<String> {
    let is_packets = programs == Programs::Calls(Tier::Packet);
    NEEDS
        .iter()
        .filter(|(_, _, tracing, packets)| if is_packets { *packets } else { *tracing })
        .find(|(absent, ..)| options.lacks(*absent))
        .map(|(_, why, ..)| format!("{why} (taken away for a test)"))
}

pub(super) fn mounts(options: &Options) -> String {
    let text = fs::read_to_string(MOUNTS).unwrap_or_default();
    if !options.lacks(Absent::CgroupV2) {
        return text;
    }
    text.lines()
        .filter(|line| !line.contains(" - cgroup2 "))
        .map(|line| format!("{line}\n"))
        .collect()
}
