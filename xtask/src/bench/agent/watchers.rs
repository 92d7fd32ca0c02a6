//! The ways to watch: the agent on its tiers, and the model of the usual way.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::{Goal, OTHERS};
use crate::root;

/// Counts are harvested each five seconds: for so long nothing new, and no more comes.
const TWO_HARVESTS: Duration = Duration::from_secs(11);

/// A way to watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The agent at the sockets.
    Socket,
    /// The same, with each call kept as a sample.
    SocketEachCall,
    /// The agent at the packets.
    Packet,
    /// The model of system call tracepoints.
    Classic,
}

impl Way {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Socket => "tier S",
            Self::SocketEachCall => "tier S, every call sampled",
            Self::Packet => "tier P",
            Self::Classic => "model of the usual way",
        }
    }

    pub(super) fn goal(self, goal: &Goal) -> &'static str {
        match self {
            Self::Socket => goal.socket,
            Self::Packet => goal.packet,
            Self::SocketEachCall => "≤ 0.3 us of the agent",
            Self::Classic => "",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Socket => &["--tier", "s"],
            Self::SocketEachCall => &["--tier", "s", "--one-of", "1", "--cpu-budget", "0"],
            Self::Packet => &["--tier", "p"],
            Self::Classic => &[],
        }
    }
}

/// Where the programs are that watch.
pub(super) struct Ways {
    pub(super) sonde: PathBuf,
    pub(super) classic: PathBuf,
    pub(super) folder: PathBuf,
}

impl Ways {
    /// Starts one; it watches when this returns.
    pub(super) fn start(&self, way: Way) -> Result<Watcher> {
        let socket = self.folder.join("agent.sock");
        let mut command = Command::new("taskset");
        command.args(["-c", OTHERS]);
        if way == Way::Classic {
            let child = command
                .arg(&self.classic)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .context("failed to start the model of the usual way")?;
            let mut watcher = Watcher { child, socket: None };
            let mut said = String::new();
            if let Some(errors) = watcher.child.stderr.as_mut() {
                BufReader::new(errors).read_line(&mut said)?;
            }
            if said.trim() != "watching" {
                bail!("the model of the usual way does not start: {said}");
            }
            return Ok(watcher);
        }
        let child = command
            .arg(&self.sonde)
            .args(["agent", "--socket"])
            .arg(&socket)
            .args(way.arguments())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("failed to start the agent")?;
        let watcher = Watcher {
            child,
            socket: Some(socket),
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while watcher.ask("/v1/status").is_err() {
            if Instant::now() > deadline {
                bail!("the agent does not answer");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(watcher)
    }
}

/// One at work; it ends with its value.
pub(super) struct Watcher {
    child: Child,
    /// Where an agent is asked; the model has none.
    socket: Option<PathBuf>,
}

impl Watcher {
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn cpu_ns(&self) -> Result<u64> {
        cpu_ns(self.child.id())
    }

    /// Asks an agent.
    pub(super) fn ask(&self, path: &str) -> Result<Value> {
        let socket = self.socket.as_ref().context("the model is not asked")?;
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: agent\r\nconnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no answer of an agent")?;
        Ok(serde_json::from_str(body)?)
    }

    /// Calls that the server of a port was seen to answer, when there are at least so many or no more come.
    pub(super) fn calls(&self, port: u16, least: u64) -> Result<u64> {
        if self.socket.is_none() {
            return Ok(0);
        }
        let (mut last, mut changed) = (0, Instant::now());
        loop {
            let calls = server_calls(&self.ask("/v1/calls")?, port);
            if calls != last {
                (last, changed) = (calls, Instant::now());
            }
            if (least > 0 && calls >= least) || changed.elapsed() > TWO_HARVESTS {
                return Ok(calls);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Ends it, and tells what it counted; the model hands over each call twice, once for each end.
    pub(super) fn end(mut self, port: u16, least: u64) -> Result<u64> {
        if self.socket.is_some() {
            return self.calls(port, least);
        }
        drop(self.child.stdin.take());
        let mut said = String::new();
        if let Some(output) = self.child.stdout.as_mut() {
            output.read_to_string(&mut said)?;
        }
        let told: Value = serde_json::from_str(&said).context("the model tells nothing at its end")?;
        Ok(told["got"].as_u64().unwrap_or(0) / 2)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn server_calls(answer: &Value, port: u16) -> u64 {
    let edges = answer["edges"].as_array().map(Vec::as_slice).unwrap_or_default();
    edges
        .iter()
        .filter(|edge| edge["role"] == "server" && edge["port"] == port)
        .filter_map(|edge| edge["calls"].as_u64())
        .sum()
}

/// Time on a processor of all threads of a process (`/proc/PID/task/TID/schedstat`, first number).
pub(super) fn cpu_ns(pid: u32) -> Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).with_context(|| format!("process {pid} is gone"))? {
        // A thread may end meanwhile.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
            continue;
        };
        sum += text
            .split(' ')
            .next()
            .and_then(|ns| ns.parse::<u64>().ok())
            .unwrap_or(0);
    }
    Ok(sum)
}

/// Builds the model of the usual way.
pub(super) fn build_classic() -> Result<PathBuf> {
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--release",
            "--package",
            "sonde-bpf",
            "--features",
            "models",
        ])
        .args(["--example", "classic"])
        .current_dir(root())
        .status()
        .context("failed to start cargo")?;
    if !status.success() {
        bail!("the model of the usual way does not build");
    }
    Ok(super::super::target().join("release/examples/classic"))
}

/// The file system by which tracepoints are found by name; the model needs it, the agent does not.
pub(super) struct Tracefs {
    is_ours: bool,
}

impl Tracefs {
    const PATH: &str = "/sys/kernel/tracing";

    pub(super) fn mounted() -> Result<Self> {
        let is_ours = !Path::new(Self::PATH).join("events").exists();
        if is_ours {
            rustix::mount::mount(
                "tracefs",
                Self::PATH,
                "tracefs",
                rustix::mount::MountFlags::empty(),
                None,
            )
            .context("failed to mount tracefs")?;
        }
        Ok(Self { is_ours })
    }
}

impl Drop for Tracefs {
    fn drop(&mut self) {
        if self.is_ours {
            let _gone = rustix::mount::unmount(Self::PATH, rustix::mount::UnmountFlags::DETACH);
        }
    }
}
