//! Container images made from the machine's busybox: no image comes from outside.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::packages::find_program;

/// An image with one layer.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// `NAME:TAG`, without a registry.
    pub(crate) name: &'static str,
    pub(crate) architecture: &'static str,
    pub(crate) config: Vec<u8>,
    /// An uncompressed tar.
    pub(crate) layer: Vec<u8>,
    /// Whether the hosts have it without a registry, as `localhost/NAME:TAG`.
    pub(crate) is_local: bool,
    /// Whether the registries serve it.
    pub(crate) is_served: bool,
}

/// `sha256:…` of some bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

/// What an image adds to busybox, and what its configuration says.
#[derive(Default)]
struct Recipe {
    name: &'static str,
    is_local: bool,
    is_served: bool,
    architecture: Option<&'static str>,
    entrypoint: &'static [&'static str],
    command: &'static [&'static str],
    user: &'static str,
    /// (path, mode, content)
    files: &'static [(&'static str, u32, &'static [u8])],
    /// Zero bytes to make the layer large.
    padding: usize,
}

const SLEEP: &[&str] = &["/bin/sleep", "2147483647"];

/// The start of an ELF file for the IBM S/390: no machine that runs this can execute it.
const FOREIGN_PROGRAM: &[u8] = &[
    0x7f, b'E', b'L', b'F', 2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 22, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0x38, 0, 0, 0, 0, 0, 0, 0,
    0,
];

fn recipes() -> Vec<Recipe> {
    vec![
        Recipe {
            name: "pause:1",
            is_local: true,
            command: SLEEP,
            ..Recipe::default()
        },
        Recipe {
            name: "busybox:1",
            is_local: true,
            command: SLEEP,
            ..Recipe::default()
        },
        Recipe {
            name: "named-user:1",
            is_local: true,
            command: SLEEP,
            user: "app",
            ..Recipe::default()
        },
        Recipe {
            name: "no-command:1",
            is_local: true,
            ..Recipe::default()
        },
        Recipe {
            name: "bad-entrypoint:1",
            is_local: true,
            entrypoint: &["/app/server"],
            ..Recipe::default()
        },
        Recipe {
            name: "oddities:1",
            is_local: true,
            command: SLEEP,
            files: &[
                ("app/foreign", 0o755, FOREIGN_PROGRAM),
                ("app/not-executable", 0o644, b"#!/bin/sh\necho started\n"),
                (
                    "app/no-interpreter",
                    0o755,
                    b"#!/usr/bin/python3\nprint('started')\n",
                ),
                ("app/windows-lines", 0o755, b"#!/bin/sh\r\necho started\r\n"),
            ],
            ..Recipe::default()
        },
        Recipe {
            name: "app:1",
            is_served: true,
            command: SLEEP,
            files: &[("app/version", 0o644, b"1\n")],
            ..Recipe::default()
        },
        Recipe {
            name: "app:2",
            is_served: true,
            command: SLEEP,
            files: &[("app/version", 0o644, b"2\n")],
            ..Recipe::default()
        },
        Recipe {
            name: "damaged:1",
            is_served: true,
            command: SLEEP,
            files: &[("app/version", 0o644, b"damaged\n")],
            ..Recipe::default()
        },
        Recipe {
            name: "big:1",
            is_served: true,
            command: SLEEP,
            padding: 48 << 20,
            ..Recipe::default()
        },
        Recipe {
            name: "foreign:1",
            is_served: true,
            command: SLEEP,
            architecture: Some("s390x"),
            ..Recipe::default()
        },
    ]
}

/// Makes every image.
pub(crate) fn all() -> Result<Vec<Image>> {
    let busybox = find_program("busybox").context("busybox is not installed")?;
    let program = std::fs::read(&busybox).with_context(|| format!("failed to read {}", busybox.display()))?;
    let output = Command::new(&busybox)
        .arg("--list")
        .output()
        .context("failed to start busybox")?;
    if !output.status.success() {
        bail!("busybox --list failed");
    }
    let applets = String::from_utf8_lossy(&output.stdout).into_owned();
    recipes()
        .iter()
        .map(|recipe| make(recipe, &program, &applets))
        .collect()
}

/// This machine's, as images call it.
pub(crate) fn own_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn make(recipe: &Recipe, busybox: &[u8], applets: &str) -> Result<Image> {
    let layer =
        layer(recipe, busybox, applets).with_context(|| format!("failed to make image {}", recipe.name))?;
    let architecture = recipe.architecture.unwrap_or_else(own_architecture);
    let config = serde_json::json!({
        "architecture": architecture,
        "os": "linux",
        "config": {
            "Cmd": recipe.command,
            "Entrypoint": recipe.entrypoint,
            "User": recipe.user,
            "Env": ["PATH=/bin"],
        },
        "rootfs": { "type": "layers", "diff_ids": [digest(&layer)] },
    });
    let config = serde_json::to_vec(&config).context("failed to write an image's configuration")?;
    let (is_local, is_served) = (recipe.is_local, recipe.is_served);
    Ok(Image {
        name: recipe.name,
        architecture,
        config,
        layer,
        is_local,
        is_served,
    })
}

fn layer(recipe: &Recipe, busybox: &[u8], applets: &str) -> Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for folder in ["bin/", "etc/", "tmp/", "app/", "www/"] {
        let mut header = header(
            tar::EntryType::Directory,
            if folder == "tmp/" { 0o1777 } else { 0o755 },
            0,
        );
        tar.append_data(&mut header, folder, std::io::empty())?;
    }
    let mut file = |path: &str, mode: u32, content: &[u8]| -> Result<()> {
        tar.append_data(
            &mut header(tar::EntryType::Regular, mode, content.len() as u64),
            path,
            content,
        )?;
        Ok(())
    };
    file("bin/busybox", 0o755, busybox)?;
    file(
        "etc/passwd",
        0o644,
        b"root:x:0:0:root:/:/bin/sh\napp:x:1000:1000:app:/:/bin/sh\n",
    )?;
    file("etc/group", 0o644, b"root:x:0:\napp:x:1000:\n")?;
    for (path, mode, content) in recipe.files {
        file(path, *mode, content)?;
    }
    if recipe.padding > 0 {
        file("app/padding", 0o644, &vec![0; recipe.padding])?;
    }
    // A link from busybox to itself would loop.
    for applet in applets
        .lines()
        .filter(|name| *name != "busybox" && !name.is_empty())
    {
        tar.append_link(
            &mut header(tar::EntryType::Symlink, 0o777, 0),
            format!("bin/{applet}"),
            "busybox",
        )?;
    }
    Ok(tar.into_inner()?)
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// Writes the local images as one archive in the layout of `docker save`.
pub(crate) fn write_archive(images: &[Image], path: &Path) -> Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("failed to create {}", parent.display()))?;
    }
    let file = File::create(path).with_context(|| format!("failed to create {}", path.display()))?;
    let mut manifest = Vec::new();
    let mut files = BTreeMap::new();
    for image in images.iter().filter(|image| image.is_local) {
        let config = format!("{}.json", digest(&image.config).trim_start_matches("sha256:"));
        let layer = format!("{}.tar", digest(&image.layer).trim_start_matches("sha256:"));
        manifest.push(serde_json::json!({
            "Config": config,
            "RepoTags": [format!("localhost/{}", image.name)],
            "Layers": [layer],
        }));
        files.insert(config, image.config.as_slice());
        files.insert(layer, image.layer.as_slice());
    }
    let manifest = serde_json::to_vec(&manifest).context("failed to write the manifest of the images")?;
    files.insert("manifest.json".to_owned(), &manifest);
    let mut tar = tar::Builder::new(std::io::BufWriter::new(file));
    for (name, content) in files {
        let mut header = header(tar::EntryType::Regular, 0o644, content.len() as u64);
        tar.append_data(&mut header, &name, content)
            .with_context(|| format!("failed to write {name}"))?;
    }
    tar.into_inner()
        .and_then(|mut file| std::io::Write::flush(&mut file))
        .context("failed to write the images")
}
