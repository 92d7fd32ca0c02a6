//! An agent as a child process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sonde_agent::tls::MutualTls;
use sonde_agent::{AgentError, Collector, Options};

/// The variable that makes this binary an agent: its socket, then a line each for a runtime's socket, `otlp=URL`, and
/// `listen=ADDRESS FOLDER` with the files of TLS in the folder.
pub(crate) const ROLE: &str = "SONDE_AGENT_TEST_SOCKETS";

/// With what rights the agent runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrapped {
    No,
    ThreeCapabilities,
}

/// The child's whole work.
pub(crate) fn run_agent(role: &str) {
    let mut lines = role.lines();
    let mut options = Options {
        socket: lines.next().unwrap().into(),
        node: Some("worker-1".into()),
        ..Options::default()
    };
    for line in lines {
        if let Some(url) = line.strip_prefix("otlp=") {
            let collector = Collector::new(url, &["x-key=s3cret".to_owned()]).unwrap();
            options.collector = Some((Rc::new(collector), Duration::from_secs(1)));
        } else if let Some((address, folder)) = line.strip_prefix("listen=").and_then(|it| it.split_once(' '))
        {
            let folder = Path::new(folder);
            let files = MutualTls {
                certificate: folder.join("agent.pem"),
                key: folder.join("agent.key"),
                client_authorities: folder.join("ca.pem"),
            };
            options.listen_tls = Some((address.parse().unwrap(), files));
        } else {
            options.runtime_sockets.push(line.into());
        }
    }
    match sonde_agent::run(&options, |_| println!("\nready")) {
        Ok(ended) => println!("\nended {}", ended.took.as_micros()),
        Err(AgentError::Blind { why, rights: true }) => println!("\nno rights: {why}"),
        Err(error) => println!("\nfailed: {error}"),
    }
}

/// A running agent.
pub(crate) struct Agent {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    socket: PathBuf,
}

/// What came of a start.
pub(crate) trait Started {
    /// Whether there is no agent, for this reason.
    fn is_none_with(&self, why: &str) -> bool;
}

thread_local! {
    static LAST_REFUSAL: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
}

impl Started for Option<Agent> {
    fn is_none_with(&self, why: &str) -> bool {
        self.is_none() && LAST_REFUSAL.with_borrow(|last| last.contains(why))
    }
}

impl Agent {
    /// Starts one; `None` where it has no rights, or its socket is taken, with the reason on stderr.
    pub(crate) fn start(folder: &Path, name: &str, runtimes: &[PathBuf], wrapped: Wrapped) -> Option<Self> {
        Self::start_with(folder, name, runtimes, &[], wrapped)
    }

    /// The same, with more lines of its role.
    pub(crate) fn start_with(
        folder: &Path,
        name: &str,
        runtimes: &[PathBuf],
        more: &[String],
        wrapped: Wrapped,
    ) -> Option<Self> {
        let socket = folder.join(format!("{name}.sock"));
        let mut role = socket.display().to_string();
        // Without one of our own it would ask the machine's.
        let none = [folder.join("no-runtime.sock")];
        for runtime in if runtimes.is_empty() { &none[..] } else { runtimes } {
            role.push_str(&format!("\n{}", runtime.display()));
        }
        for line in more {
            role.push_str(&format!("\n{line}"));
        }
        let binary = std::env::current_exe().unwrap();
        let mut command = match wrapped {
            Wrapped::No => Command::new(&binary),
            Wrapped::ThreeCapabilities => {
                let mut command = Command::new("/usr/bin/setpriv");
                let three = "-all,+bpf,+perfmon,+net_admin";
                command
                    .arg(format!("--bounding-set={three}"))
                    .arg(format!("--inh-caps={three}"))
                    .arg(&binary);
                command
            }
        };
        let mut child = command
            .args(["--exact", "agent_process", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while output.read_line(&mut line).unwrap() > 0 {
            let said = line.trim();
            if said == "ready" {
                return Some(Self {
                    child,
                    output,
                    socket,
                });
            }
            if said.starts_with("no rights") || said.starts_with("failed") {
                eprintln!("skipped: {said}");
                LAST_REFUSAL.with_borrow_mut(|last| said.clone_into(last));
                child.wait().unwrap();
                assert!(
                    said.starts_with("no rights") || said.contains("another agent"),
                    "{said}"
                );
                return None;
            }
            line.clear();
        }
        panic!("the agent ended without a word: {:?}", child.wait());
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// The JSON of an answer.
    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, text) = self.request("GET", path);
        assert_eq!(status, 200, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Status and body of an answer.
    pub(crate) fn request(&self, method: &str, path: &str) -> (u16, String) {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: agent\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Ids of the kernel programs that it holds.
    pub(crate) fn programs(&self) -> Vec<u32> {
        std::fs::read_dir(format!("/proc/{}/fdinfo", self.child.id()))
            .unwrap()
            .flatten()
            .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
            .flat_map(|text| {
                let ids: Vec<u32> = text
                    .lines()
                    .filter_map(|line| line.strip_prefix("prog_id:")?.trim().parse().ok())
                    .collect();
                ids
            })
            .collect()
    }

    pub(crate) fn effective_capabilities(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("CapEff:"))
            .unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGINT; returns how long the agent took to take itself down, by its own clock.
    pub(crate) fn interrupt(&mut self) -> Duration {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::INT).unwrap();
        let start = Instant::now();
        let mut said = String::new();
        self.output.read_to_string(&mut said).unwrap();
        assert!(self.child.wait().unwrap().success(), "{said}");
        assert!(start.elapsed() < Duration::from_secs(10));
        let took = said.lines().find_map(|line| line.strip_prefix("ended "));
        Duration::from_micros(took.unwrap().parse().unwrap())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
