//! Compiles the eBPF programs with clang; the objects become part of the binary.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    if let Err(problem) = compile_programs() {
        eprintln!("sonde-bpf: {problem}");
        eprintln!("The agent needs clang (14 or later), libelf and zlib with their headers to build.");
        eprintln!("On Debian: apt-get install clang libelf-dev zlib1g-dev");
        std::process::exit(1);
    }
}

fn compile_programs() -> Result<(), String> {
    let variable = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .ok_or(format!("cargo did not set {name}"))
    };
    let out = variable("OUT_DIR")?;
    // libbpf's own headers, as the crate that builds libbpf installs them.
    let headers = variable("DEP_BPF_INCLUDE")?;
    // A test compiles programs of its own.
    println!("cargo:rustc-env=BPF_HEADERS={}", headers.display());
    let crate_folder = variable("CARGO_MANIFEST_DIR")?;
    let programs = crate_folder.join("src/programs");
    println!("cargo:rerun-if-env-changed=CLANG");
    let clang = env::var("CLANG").unwrap_or_else(|_| "clang".into());
    let mut folders = vec![programs.clone()];
    // What benchmarks compare with is compiled for them alone.
    if env::var_os("CARGO_FEATURE_MODELS").is_some() {
        folders.push(crate_folder.join("models"));
    }
    for folder in folders {
        println!("cargo:rerun-if-changed={}", folder.display());
        compile_folder(&clang, &folder, &[&headers, &programs], &out)?;
    }
    Ok(())
}

fn compile_folder(clang: &str, folder: &Path, headers: &[&Path], out: &Path) -> Result<(), String> {
    let sources = fs::read_dir(folder).map_err(|error| format!("reading {}: {error}", folder.display()))?;
    for source in sources.flatten().map(|entry| entry.path()) {
        let name = source
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if let Some(stem) = name.strip_suffix(".bpf.c") {
            compile(clang, &source, headers, &out.join(format!("{stem}.bpf.o")))?;
        }
    }
    Ok(())
}

fn compile(clang: &str, source: &Path, headers: &[&Path], object: &Path) -> Result<(), String> {
    let architecture = match env::var("CARGO_CFG_TARGET_ARCH").as_deref() {
        Ok("x86_64") => "__TARGET_ARCH_x86",
        Ok("aarch64") => "__TARGET_ARCH_arm64",
        other => {
            return Err(format!(
                "no eBPF programs for the architecture {other:?}; x86_64 and aarch64 have them"
            ));
        }
    };
    let status = Command::new(clang)
        .args([
            "-target",
            "bpf",
            "-mcpu=v3",
            "-O2",
            "-g",
            "-Wall",
            "-Werror",
            "-Wno-unused-function",
        ])
        .arg(format!("-D{architecture}"))
        .args(headers.iter().flat_map(|folder| [Path::new("-I"), folder]))
        .arg("-c")
        .arg(source)
        .arg("-o")
        .arg(object)
        .status()
        .map_err(|error| format!("running {clang}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{clang} did not compile {}", source.display()))
    }
}
