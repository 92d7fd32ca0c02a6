//! Pasted texts of healthy things, one file each under `healthy/`: none gives a finding.

use std::fs;
use std::path::Path;

use sonde_collect::{Options, paste};
use sonde_diagnose::{Scope, diagnose};

#[test]
fn nothing_healthy_is_an_alarm() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/healthy");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read(&file).unwrap();
        let gathered = paste::read(&mut &*text, "stdin", &Options::default()).unwrap();
        let report = diagnose(&gathered.question(Scope::All)).report;
        for finding in report.findings {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            wrong.push(format!("{name}: {} {}", finding.code, finding.headline));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
