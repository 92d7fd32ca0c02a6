//! The published JSON Schema.

use std::path::Path;

use crate::run::sonde;

#[test]
fn the_published_schema_is_the_one_of_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/report.schema.json");
    let said = sonde(&["schema"]);
    said.says(0, &["\"sonde.report/v1\""]);
    if std::env::var_os("SONDE_UPDATE").is_some() {
        std::fs::write(&path, &said.out).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        published == said.out,
        "docs/report.schema.json is stale: run the test with SONDE_UPDATE=1"
    );
}
