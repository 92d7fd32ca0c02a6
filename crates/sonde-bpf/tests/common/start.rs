//! What the tests of sockets share.

use std::sync::Mutex;

use sonde_bpf::Hierarchy;
use sonde_bpf::sockets::{Options, Sockets};

/// Every instance sees the whole machine; one at a time keeps the tests from counting each other's noise twice.
pub(crate) static ONE: Mutex<()> = Mutex::new(());

/// The programs at work, or `None` where the rights are missing, with the reason on stderr.
pub(crate) fn start() -> Option<Sockets> {
    match Sockets::start(
        &Hierarchy::of_this_node().expect("control groups"),
        &Options::default(),
        |_| {},
    ) {
        Ok(sockets) => Some(sockets),
        Err(error) if error.is_permission() => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}
