//! Servers and clients as processes: started for one test, ended with it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A free port, a folder, and what runs there.
pub(crate) struct Stage {
    pub(crate) port: u16,
    /// Where clients are told to go by a server that tells them; else to its port.
    pub(crate) advertised: Option<u16>,
    folder: tempfile::TempDir,
    servers: Vec<Child>,
    files: std::cell::Cell<u32>,
}

/// How much a client sends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: u64,
    /// On each connection; a multiple of [`FAIL_EACH`].
    pub(crate) requests: u64,
}

/// One of so many requests is one that has to fail; the clients of `e2e/services` know the number, too.
pub(crate) const FAIL_EACH: u64 = 10;

/// What left, and how many were answered by a failure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    pub(crate) failed: u64,
}

/// Processes that send requests.
pub(crate) struct Client {
    pub(crate) commands: Vec<Command>,
    pub(crate) tally: TallyBy,
}

/// Who knows what was sent.
pub(crate) enum TallyBy {
    /// It follows from what was asked for.
    Known(Tally),
    /// Each client prints it: `sent N failed M`.
    Printed,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self {
            port: free_port(),
            advertised: None,
            folder: tempfile::tempdir().expect("a folder"),
            servers: Vec::new(),
            files: std::cell::Cell::new(0),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Another free port.
    pub(crate) fn other_port() -> u16 {
        free_port()
    }

    /// The folder as a text for arguments.
    pub(crate) fn folder(&self) -> String {
        self.folder.path().display().to_string()
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("the folder is ours");
        path
    }

    /// A file with lines, open for reading.
    pub(crate) fn script(&self, lines: &str) -> File {
        let number = self.files.get();
        self.files.set(number + 1);
        File::open(self.write(&format!("script-{number}"), lines)).expect("it was just written")
    }

    /// Starts a server; what it says goes to a file. In a process namespace of its own nothing that it starts outlives it.
    pub(crate) fn serve(&mut self, command: &mut Command) {
        let server = std::mem::replace(command, Command::new("unshare"));
        // The shell is the first process there, whose end is the end of all: a server that becomes another user
        // would lose the signal that it is to get when `unshare` dies.
        command.args([
            "--pid",
            "--fork",
            "--kill-child",
            "--",
            "sh",
            "-c",
            "\"$@\"; exit $?",
            "sh",
        ]);
        command.arg(server.get_program()).args(server.get_args());
        command.envs(server.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let log = File::create(self.path(&format!("server-{}.log", self.servers.len())));
        let log = log.expect("the folder is ours");
        let child = command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a descriptor"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        self.servers.push(child);
    }

    pub(crate) fn await_listener(&mut self) {
        self.await_port(self.port);
    }

    /// Until one of the servers listens there.
    pub(crate) fn await_port(&mut self, port: u16) {
        let deadline = Instant::now() + Duration::from_secs(90);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let gone = self
                .servers
                .iter_mut()
                .any(|server| server.try_wait().expect("a process of ours").is_some());
            assert!(
                !gone && Instant::now() < deadline,
                "nothing listens: {}",
                self.logs()
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn logs(&self) -> String {
        (0..self.servers.len())
            .filter_map(|at| fs::read_to_string(self.path(&format!("server-{at}.log"))).ok())
            .collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for server in self.servers.iter_mut().rev() {
            let _gone = server.kill();
            let _reaped = server.wait();
        }
    }
}

impl Client {
    /// Runs all processes at once and tells what they sent.
    pub(crate) fn run(mut self, during: &mut dyn FnMut(&mut [Child])) -> Tally {
        let folder = tempfile::tempdir().expect("a folder");
        let out = |at: usize, kind: &str| folder.path().join(format!("{at}.{kind}"));
        let mut children: Vec<Child> = Vec::new();
        for (at, command) in self.commands.iter_mut().enumerate() {
            let file = |kind| File::create(out(at, kind)).expect("the folder is ours");
            children.push(
                command
                    .stdout(file("out"))
                    .stderr(file("err"))
                    .spawn()
                    .unwrap_or_else(|error| panic!("{command:?}: {error}")),
            );
        }
        during(&mut children);
        let mut printed = Tally::default();
        for (at, child) in children.iter_mut().enumerate() {
            let text = |kind| fs::read_to_string(out(at, kind)).unwrap_or_default();
            let status = child.wait().expect("a process of ours");
            assert!(status.success(), "{status}: {}{}", text("out"), text("err"));
            if let Some(tally) = read_tally(&text("out")) {
                printed.sent += tally.sent;
                printed.failed += tally.failed;
            }
        }
        match self.tally {
            TallyBy::Known(tally) => tally,
            TallyBy::Printed => printed,
        }
    }
}

fn read_tally(text: &str) -> Option<Tally> {
    let mut words = text.lines().last()?.split(' ');
    let mut number = |name| (words.next()? == name).then(|| words.next()?.parse().ok())?;
    Some(Tally {
        sent: number("sent")?,
        failed: number("failed")?,
    })
}

/// A program of the machine, or why there is none.
pub(crate) fn program(name: &str) -> Result<OsString, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|it| it.is_file())
        .map(Into::into)
        .ok_or_else(|| format!("{name} is not installed"))
}

/// A program that `cargo xtask` builds of `e2e/`, or why there is none.
pub(crate) fn built(name: &str) -> Result<OsString, String> {
    let cache = ["SONDE_CACHE", "XDG_CACHE_HOME", "HOME"]
        .into_iter()
        .find_map(|variable| {
            let value = std::env::var_os(variable).filter(|it| !it.is_empty())?;
            let value = Path::new(&value);
            Some(match variable {
                "SONDE_CACHE" => value.to_owned(),
                "XDG_CACHE_HOME" => value.join("sonde"),
                _ => value.join(".cache/sonde"),
            })
        })
        .ok_or("there is no cache folder")?;
    let path = cache.join("bin/services").join(name);
    if path.exists() {
        Ok(path.into())
    } else {
        Err(format!("{name} is not built: cargo xtask services"))
    }
}

/// One process of the client of `e2e/services` with all connections.
pub(crate) fn loaded(stage: &Stage, name: &str, load: Load) -> Client {
    let mut command = Command::new(built("load").expect("the server needed it, too"));
    command.args([
        name,
        &stage.address(),
        &load.connections.to_string(),
        &load.requests.to_string(),
    ]);
    Client {
        commands: vec![command],
        tally: TallyBy::Printed,
    }
}

/// One process for each connection, each reading its requests from its own file.
pub(crate) fn scripted(
    stage: &Stage,
    load: Load,
    good: &str,
    bad: &str,
    mut command: impl FnMut() -> Command,
) -> Client {
    let lines: String = (0..load.requests)
        .map(|at| {
            if at % FAIL_EACH == FAIL_EACH - 1 {
                bad
            } else {
                good
            }
        })
        .collect();
    let commands = (0..load.connections)
        .map(|_| {
            let mut command = command();
            command.stdin(stage.script(&lines));
            command
        })
        .collect();
    Client {
        commands,
        tally: TallyBy::Known(Tally {
            sent: load.connections * load.requests,
            failed: load.connections * load.requests / FAIL_EACH,
        }),
    }
}

impl Client {
    /// So many requests more on each connection, by the client itself: its login.
    pub(crate) fn opening(mut self, load: Load, requests: u64) -> Self {
        if let TallyBy::Known(tally) = &mut self.tally {
            tally.sent += load.connections * requests;
        }
        self
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .expect("a free port")
        .local_addr()
        .expect("an address")
        .port()
}
