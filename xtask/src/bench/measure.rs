//! Taking figures: wall time and peak memory of whole processes, and the engine's own benchmark.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::root;

/// A figure with all its measurements.
pub(super) struct Figure {
    what: String,
    unit: &'static str,
    target: &'static str,
    values: Vec<f64>,
}

impl Figure {
    pub(super) fn new(what: String, unit: &'static str, target: &'static str, mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self {
            what,
            unit,
            target,
            values,
        }
    }

    /// A row of the table.
    pub(super) fn row(&self) -> String {
        let (least, most) = (self.values.first().copied(), self.values.last().copied());
        let median = self.values.get(self.values.len() / 2).copied();
        let text = |value: Option<f64>| {
            value.map_or_else(|| "-".into(), |value| format!("{value:.2} {}", self.unit))
        };
        format!(
            "| {} | {} | {} | {} | {} {} |",
            self.what,
            text(median),
            text(least),
            text(most),
            self.target,
            self.unit
        )
    }
}

fn diagnose(sonde: &Path, dump: &Path) -> Command {
    let mut command = Command::new(sonde);
    command
        .args(["diagnose", "--from"])
        .arg(dump)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// From process start to its end, in milliseconds.
pub(super) fn wall_ms(sonde: &Path, dump: &Path) -> Result<f64> {
    let start = Instant::now();
    let status = diagnose(sonde, dump).status().context("failed to start sonde")?;
    let took = start.elapsed();
    // 1: findings; a dump with broken pods must have some.
    if status.code() != Some(1) {
        bail!("sonde ended with {status} on {}", dump.display());
    }
    Ok(took.as_secs_f64() * 1000.0)
}

/// The kernel's own high-water mark of the process (`VmHWM`), read until the process ends.
pub(super) fn peak_rss_bytes(sonde: &Path, dump: &Path) -> Result<u64> {
    let mut child = diagnose(sonde, dump).spawn().context("failed to start sonde")?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().context("failed to wait for sonde")?.is_none() {
        if let Ok(text) = std::fs::read_to_string(&status) {
            peak = peak.max(high_water_kib(&text).unwrap_or(0));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    if peak == 0 {
        bail!("the kernel did not tell the memory of sonde");
    }
    Ok(peak * 1024)
}

fn high_water_kib(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Runs the engine's own benchmark, which prints `NAME VALUE` lines in microseconds.
pub(super) fn engine(dump: &Path, rounds: usize) -> Result<Vec<Figure>> {
    let output = Command::new(env!("CARGO"))
        .args(["bench", "--package", "sonde-diagnose", "--bench", "engine", "--"])
        .arg(dump.join("pods.json"))
        .arg(rounds.to_string())
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .context("failed to run the engine's benchmark")?;
    if !output.status.success() {
        bail!("the engine's benchmark failed");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let values = |name: &str| -> Vec<f64> {
        text.lines()
            .filter_map(|line| line.strip_prefix(name)?.trim().parse().ok())
            .collect()
    };
    Ok(vec![
        Figure::new("engine, per healthy pod".into(), "us", "< 1", values("healthy")),
        Figure::new("engine, per broken pod".into(), "us", "< 100", values("broken")),
        Figure::new(
            "engine, per ReplicaSet of the past".into(),
            "us",
            "< 1",
            values("set"),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_mark_is_read() {
        assert_eq!(
            high_water_kib("VmPeak:\t 10 kB\nVmHWM:\t   5120 kB\n"),
            Some(5120)
        );
    }
}
