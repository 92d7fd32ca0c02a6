//! A line on stderr that says what takes long: on a terminal only, and only after a second.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::render::shown;
use crate::terminal;

/// Work that is done sooner says nothing.
const SILENT: Duration = Duration::from_secs(1);
/// How often the line is written again.
const TICK: Duration = Duration::from_millis(500);

/// Shows progress until it is dropped; the line is gone then.
#[derive(Debug)]
pub(crate) struct Progress {
    line: Option<(Sender<String>, JoinHandle<()>)>,
}

impl Progress {
    /// Starts to watch the time.
    pub(crate) fn start(doing: &str) -> Self {
        if !io::stderr().is_terminal() {
            return Self { line: None };
        }
        let (sender, receiver) = mpsc::channel::<String>();
        let charset = terminal::charset();
        let mut doing = doing.to_owned();
        let thread = std::thread::spawn(move || {
            let begun = Instant::now();
            let mut written = false;
            let mut next = begun + SILENT;
            loop {
                match receiver.recv_timeout(next.saturating_duration_since(Instant::now())) {
                    Ok(now_doing) => {
                        doing = now_doing;
                        continue;
                    }
                    Err(RecvTimeoutError::Timeout) => {
                        next = Instant::now() + TICK;
                        let seconds = begun.elapsed().as_secs();
                        let mut stderr = io::stderr().lock();
                        // Nothing to do about a terminal that is gone.
                        let _ = write!(stderr, "\r\x1b[K{} ({seconds}s)", shown(&doing, charset));
                        let _ = stderr.flush();
                        written = true;
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            if written {
                let mut stderr = io::stderr().lock();
                let _ = write!(stderr, "\r\x1b[K");
                let _ = stderr.flush();
            }
        });
        Self {
            line: Some((sender, thread)),
        }
    }

    /// Says what is being done now.
    pub(crate) fn now(&self, doing: &str) {
        if let Some((sender, _)) = &self.line {
            // The thread lives as long as we do.
            let _ = sender.send(doing.to_owned());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.line.take() {
            drop(sender);
            // A line that could not be removed is no reason to fail.
            let _ = thread.join();
        }
    }
}
