//! What the agent's crates take to build: clang and two libraries that nothing else of this repository needs.

use crate::packages::{self, Missing, Need};

/// The crates that need it.
pub(crate) const CRATES: &[&str] = &["sonde-agent", "sonde-bpf"];

const NEEDS: &[Need] = &[
    Need {
        program: "clang",
        package: "clang",
    },
    Need {
        program: "/usr/include/libelf.h",
        package: "libelf-dev",
    },
    Need {
        program: "/usr/include/zlib.h",
        package: "zlib1g-dev",
    },
];

/// Makes the machine able to build them, or says which packages are missing.
pub(crate) fn prepare() -> Result<(), Missing> {
    packages::provide(NEEDS)
}
