//! `cargo xtask tidy`: what the architecture says, checked.

mod arrows;
mod files;
mod purity;

use std::path::Path;

use anyhow::{Result, bail};

use crate::root;

/// Checks arrows, purity, manifests, file sizes, pages and the codes of scenarios; prints every trouble and fails if there is one.
pub(crate) fn run() -> Result<()> {
    let troubles = check(&root())?;
    for trouble in &troubles {
        eprintln!("tidy: {trouble}");
    }
    if !troubles.is_empty() {
        bail!("{} untidy places", troubles.len());
    }
    println!(
        "tidy: arrows, purity, manifests, file sizes, pages and the codes of scenarios are as they should be"
    );
    Ok(())
}

fn check(root: &Path) -> Result<Vec<String>> {
    let metadata = arrows::metadata(root)?;
    let mut troubles = arrows::check(&metadata);
    troubles.extend(purity::check(root)?);
    troubles.extend(files::check(root)?);
    Ok(troubles)
}

/// Every `.rs` file below a folder, in order.
pub(crate) fn sources(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let mut out = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "target") {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|it| it == "rs") {
                out.push(path);
            }
        }
    }
    out.sort();
    Ok(out)
}
