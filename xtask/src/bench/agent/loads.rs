//! What the watched do: requests to a real server, and loads of our own that run as a process each.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{io, thread};

use anyhow::{Context as _, Result, bail};
use rustix::time::{ClockId, clock_gettime};

use super::servers::Running;
use super::{OTHERS, SERVERS, watchers};

/// The hidden command that runs one of the loads of our own.
pub(crate) const INTERNAL: &str = "bench-load";

/// One load of our own.
#[derive(clap::Args)]
pub(crate) struct LoadArgs {
    /// `read`, `getppid`, `bulk`, `many` or `once`
    what: String,
    /// How many connections; the port of the one
    #[arg(default_value_t = 0)]
    number: u32,
}

/// A server, and a client that sends it so many requests.
pub(super) struct Load {
    pub(super) name: &'static str,
    pub(super) requests: u64,
    pub(super) port: u16,
    pub(super) server: Running,
    /// The client's command line, for so many requests.
    pub(super) client: Box<dyn Fn(u64) -> Vec<String>>,
}

impl Load {
    /// The server's processor time for each request of one run of the client, in nanoseconds.
    pub(super) fn server_cpu_per_request(&self) -> Result<f64> {
        let before = watchers::cpu_ns(self.server.0.id())?;
        self.run_client(self.requests)?;
        Ok((watchers::cpu_ns(self.server.0.id())? - before) as f64 / self.requests as f64)
    }

    /// A few requests, then a moment for the verdict on the protocol; returns how many they were.
    pub(super) fn warm(&self) -> Result<u64> {
        let requests = self.requests / 20;
        self.run_client(requests)?;
        thread::sleep(Duration::from_millis(1_200));
        Ok(requests)
    }

    fn run_client(&self, requests: u64) -> Result<()> {
        let client = (self.client)(requests);
        let done = Command::new("taskset")
            .args(["-c", OTHERS])
            .args(&client)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .with_context(|| format!("failed to run {}", client[0]))?;
        if !done.success() {
            bail!("{} failed", client.join(" "));
        }
        Ok(())
    }
}

/// Nanoseconds of one system call without a socket, the least of several runs.
pub(super) fn syscall_cost(which: &str) -> Result<f64> {
    own(&["-c", SERVERS], &[which])
}

/// Milliseconds of processor time of both ends for a GB of 64 KiB writes.
pub(super) fn bulk_cost() -> Result<f64> {
    own(&["-c", &format!("{SERVERS},{OTHERS}")], &["bulk"])
}

fn own(place: &[&str], arguments: &[&str]) -> Result<f64> {
    let output = Command::new("taskset")
        .args(place)
        .arg(std::env::current_exe()?)
        .arg(INTERNAL)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()?;
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .with_context(|| format!("the load {} tells no figure", arguments.join(" ")))
}

/// Runs one load of our own and prints its figure.
pub(crate) fn run(args: &LoadArgs) -> Result<()> {
    match args.what.as_str() {
        "read" => {
            let mut zero = File::open("/dev/zero")?;
            let mut bytes = [0; 64];
            println!("{}", least_ns(|| zero.read_exact(&mut bytes).is_ok()));
        }
        "getppid" => println!("{}", least_ns(|| rustix::process::getppid().is_some())),
        "bulk" => println!("{}", bulk()?),
        "many" => super::scale::hold_connections(args.number)?,
        "once" => super::soak::live_once(u16::try_from(args.number)?)?,
        other => bail!("no load {other}"),
    }
    Ok(())
}

/// Processor time of this thread for one call, the least of nine runs.
fn least_ns(mut call: impl FnMut() -> bool) -> f64 {
    const CALLS: u32 = 300_000;
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
    };
    let mut least = f64::INFINITY;
    for _ in 0..9 {
        let before = now();
        for _ in 0..CALLS {
            std::hint::black_box(call());
        }
        least = least.min((now() - before) / f64::from(CALLS));
    }
    least
}

/// Two seconds of writes of 64 KiB, both ends in this process.
fn bulk() -> Result<f64> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut sender = TcpStream::connect(listener.local_addr()?)?;
    let (mut receiver, _) = listener.accept()?;
    let reader = thread::spawn(move || -> io::Result<()> {
        let mut room = vec![0; 64 << 10];
        while receiver.read(&mut room)? > 0 {}
        Ok(())
    });
    let block = vec![0; 64 << 10];
    let mut bytes = 0_u64;
    let end = Instant::now() + Duration::from_secs(2);
    while Instant::now() < end {
        for _ in 0..64 {
            sender.write_all(&block)?;
        }
        bytes += 64 * (64 << 10);
    }
    drop(sender);
    if reader.join().is_err() {
        bail!("the receiver failed");
    }
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Ok((spent.tv_sec as f64 * 1e3 + spent.tv_nsec as f64 / 1e6) / (bytes as f64 / 1e9))
}
