//! An image of the release binary and the libraries that it asks for, as they are on this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::cluster::{Image, digest, own_architecture, write_archive};

/// Writes it as `localhost/sonde:latest`, in the layout of `docker save`.
pub(super) fn write(binary: &Path, archive: &Path) -> Result<()> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |path: &str, from: &Path| -> Result<()> {
        let content = fs::read(from).with_context(|| format!("failed to read {}", from.display()))?;
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o755);
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, path, content.as_slice())?;
        Ok(())
    };
    add("bin/sonde", binary)?;
    for library in libraries(binary)? {
        let path = library.to_string_lossy().trim_start_matches('/').to_owned();
        add(&path, &library)?;
    }
    let layer = tar.into_inner()?;
    let architecture = own_architecture();
    let config = serde_json::json!({
        "architecture": architecture,
        "os": "linux",
        "config": {"Entrypoint": ["sonde"], "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(&layer)]},
    });
    let image = Image {
        name: "sonde:latest",
        architecture,
        config: serde_json::to_vec(&config)?,
        layer,
        is_local: true,
        is_served: false,
    };
    write_archive(&[image], archive)
}

/// What the dynamic loader would take, and the loader itself.
fn libraries(binary: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("ldd")
        .arg(binary)
        .output()
        .context("failed to run ldd")?;
    if !output.status.success() {
        bail!("ldd does not understand {}", binary.display());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .split_whitespace()
        .filter(|word| word.starts_with('/'))
        .map(PathBuf::from)
        .collect())
}
