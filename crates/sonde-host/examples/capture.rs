//! Captures the files that are read of this node, twice, for tests: `capture FOLDER`, a second apart.

use std::thread::sleep;
use std::time::Duration;

use sonde_host::{Host, Sample};

fn main() {
    let folder = std::env::args().nth(1).expect("the folder to write into");
    let before = Sample::read(&Host::capturing(format!("{folder}/before")));
    sleep(Duration::from_secs(1));
    Sample::read_after(&Host::capturing(format!("{folder}/after")), &before);
}
