//! `cargo xtask dist`: the one release binary, with the agent inside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{agent, root};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the binary goes
    #[arg(long, default_value = "target/dist")]
    output: PathBuf,
}

/// Builds it, checks that the agent is in it, and says what it needs of the machine where it will run.
pub(crate) fn run(args: &Args) -> Result<()> {
    let built = build()?;
    let output = root().join(&args.output);
    fs::create_dir_all(&output).with_context(|| format!("failed to make {}", output.display()))?;
    let binary = output.join("sonde");
    fs::copy(&built, &binary).with_context(|| format!("failed to copy {}", built.display()))?;
    let size = fs::metadata(&binary)?.len();
    println!("{}: {:.1} MB", binary.display(), size as f64 / 1e6);
    for library in libraries(&binary)? {
        println!("needs {library}");
    }
    Ok(())
}

/// Builds it where cargo puts it.
pub(crate) fn build() -> Result<PathBuf> {
    agent::prepare()?;
    let folder = static_libraries();
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["build", "--release", "--locked", "--package", "sonde-cli"])
        .current_dir(root());
    match &folder {
        Some(folder) => {
            command
                .args(["--features", "agent,agent-static"])
                .env("LIBBPF_SYS_LIBRARY_PATH", folder);
        }
        None => {
            command.args(["--features", "agent"]);
        }
    }
    let status = command.status().context("failed to run cargo build")?;
    if !status.success() {
        bail!("cargo build failed");
    }
    Ok(target_folder()?.join("release/sonde"))
}

/// The folder with both libraries as archives; without it the binary needs them where it runs.
fn static_libraries() -> Option<PathBuf> {
    let folders = [
        format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH),
        "/usr/lib64".to_owned(),
        "/usr/lib".to_owned(),
    ];
    let has_both = |folder: &PathBuf| {
        ["libelf.a", "libz.a"]
            .iter()
            .all(|name| folder.join(name).is_file())
    };
    folders.into_iter().map(PathBuf::from).find(has_both)
}

fn target_folder() -> Result<PathBuf> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root())
        .output()
        .context("failed to run cargo metadata")?;
    let value: serde_json::Value =
        serde_json::from_slice(&output.stdout).context("failed to read cargo metadata")?;
    let folder = value["target_directory"]
        .as_str()
        .context("cargo metadata names no target folder")?;
    Ok(folder.into())
}

/// The shared libraries that the binary asks for.
fn libraries(binary: &Path) -> Result<Vec<String>> {
    let output = Command::new("readelf")
        .arg("--dynamic")
        .arg(binary)
        .output()
        .context("failed to run readelf")?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| Some(line.split_once('[')?.1.trim_end_matches(']').to_owned()))
        .collect())
}
