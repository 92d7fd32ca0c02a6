//! Progress on stderr, waiting for states, and what to show when a wait fails.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Tells on stderr what happens now.
macro_rules! step {
    ($($arg:tt)*) => {
        eprintln!("cluster: {}", format_args!($($arg)*))
    };
}
pub(crate) use step;

/// Asks again and again until `is_so` answers yes; fails after `patience` with the end of `log`.
pub(crate) fn wait_until(
    what: &str,
    patience: Duration,
    log: &Path,
    mut is_so: impl FnMut() -> bool,
) -> Result<()> {
    let start = Instant::now();
    while !is_so() {
        if start.elapsed() > patience {
            bail!("{what}: not within {} s\n{}", patience.as_secs(), tail(log));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// The last lines of a log, with its name, for an error message.
fn tail(log: &Path) -> String {
    const LINES: usize = 25;
    match std::fs::read(log) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.lines().collect();
            let end = &lines[lines.len().saturating_sub(LINES)..];
            format!("the end of {}:\n{}", log.display(), end.join("\n"))
        }
        Err(error) => format!("({} cannot be read: {error})", log.display()),
    }
}
