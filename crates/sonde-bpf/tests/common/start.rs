//! What the tests of sockets share.

use std::sync::Mutex;

use sonde_bpf::sockets::{Options, Sockets};
use sonde_bpf::{Hierarchy, Tier};

/// Every instance sees the whole machine; one at a time keeps the tests from counting each other's noise twice.
pub(crate) static ONE: Mutex<()> = Mutex::new(());

/// The programs of a tier at work, or `None` where the rights are missing, with the reason on stderr.
pub(crate) fn start(tier: Tier) -> Option<Sockets> {
    let options = Options {
        tier,
        ..Options::default()
    };
    let hierarchy = Hierarchy::of_this_node().expect("control groups");
    match Sockets::start(&hierarchy, &options, |_| {}) {
        Ok(sockets) => Some(sockets),
        Err(error) if error.is_permission() => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("tier {tier}: {error}"),
    }
}
