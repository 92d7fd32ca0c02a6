//! A file or an archive of any format: the first byte chooses its name, the content decides what it is.
#![no_main]

use sonde_collect::{Options, dump};
use sonde_diagnose::{Scope, diagnose};

libfuzzer_sys::fuzz_target!(|input: (u8, &[u8])| {
    let (name, bytes) = input;
    let name = [
        "pods.json",
        "pods.yaml",
        "case.tar",
        "case.tar.gz",
        "case.tar.zst",
        "case.zip",
        "app.log",
    ][usize::from(name % 7)];
    if let Ok(gathered) = dump::read_bytes(name, bytes, &Options::default()) {
        diagnose(&gathered.question(Scope::All));
    }
});
