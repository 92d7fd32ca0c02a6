//! Lines of the kernel, of node daemons and of applications: the first byte chooses what the lines are said to be.
#![no_main]

use sonde_grammar::log::{self, NodeLog};

libfuzzer_sys::fuzz_target!(|input: (u8, &str)| {
    let (kind, text) = input;
    let lines: Vec<&str> = text.lines().collect();
    let hint = [
        None,
        Some(NodeLog::Kubelet),
        Some(NodeLog::Containerd),
        Some(NodeLog::Kernel),
    ][usize::from(kind % 4)];
    let year = (kind & 4 != 0).then_some(2026);
    log::kernel_in_year(&lines, year);
    log::node(&lines, hint, year);
    log::application(&lines);
    for line in lines {
        log::unwrap_line(line);
        log::agent::watch(line);
        // What is read is written the same way.
        if let Some(death) = log::agent::read(line) {
            assert_eq!(log::agent::read(&log::agent::line(&death)), Some(death));
        }
    }
});
