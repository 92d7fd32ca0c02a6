//! Logs of a node on the node itself, where we are root there.
//!
//! A name proves nothing: many machines are called `worker-1`. Node and machine are the same where the kernel says the
//! same of this boot (`status.nodeInfo.bootID`); a journal is the node's where the machine's id is the same as well.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use sonde_grammar::log::{self, NodeLog};
use sonde_model::Kind;
use sonde_world::Snapshot;
use tokio::sync::oneshot;

use super::{NodeLogWanted, files, unit};
use crate::limits::{LOCAL_LOG_TIME_MAX, NODE_LOG_LINES, TEXT_BYTES_MAX};

/// The machine that we run on, and which nodes it is.
pub(crate) struct Machine {
    root: PathBuf,
    /// Where programs are, in place of `PATH`.
    programs: Option<PathBuf>,
    limit: Duration,
    nodes: Vec<Identity>,
}

/// A log that was read here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Local {
    pub(crate) bytes: Bytes,
    /// It goes back to the first moment that is wanted.
    pub(crate) reaches: bool,
}

/// Where a log may be.
enum Place {
    Command(Vec<String>),
    File(PathBuf),
}

/// What a node says of its machine.
struct Identity {
    node: String,
    machine: String,
    boot: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NodeObject {
    status: Status,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    node_info: NodeInfo,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct NodeInfo {
    #[serde(rename = "machineID")]
    machine: String,
    #[serde(rename = "bootID")]
    boot: String,
}

impl Machine {
    /// This machine, and the nodes that are known.
    pub(crate) fn this(snapshot: &Snapshot) -> Self {
        let nodes = snapshot.of_kind(Kind::Node).filter_map(|object| {
            let info = object.encoded.decode::<NodeObject>().ok()?.status.node_info;
            Some(Identity {
                node: object.reference.name.to_string(),
                machine: info.machine,
                boot: info.boot,
            })
        });
        Self {
            root: PathBuf::from("/"),
            programs: None,
            limit: LOCAL_LOG_TIME_MAX,
            nodes: nodes.collect(),
        }
    }

    /// Reads a node's log, if this machine is the node, and we may. The first that reaches back far enough counts, else
    /// the first.
    pub(crate) async fn read(&self, wanted: &NodeLogWanted) -> Option<Local> {
        if !self.is_root() || !self.is(wanted) {
            return None;
        }
        let mut short: Option<Local> = None;
        for place in self.places(wanted) {
            let Some(bytes) = self.read_place(place).await else {
                continue;
            };
            let local = Local {
                reaches: reaches(&bytes, wanted),
                bytes: bytes.into(),
            };
            if local.reaches {
                return Some(local);
            }
            short = short.or(Some(local));
        }
        short
    }

    fn places(&self, wanted: &NodeLogWanted) -> Vec<Place> {
        let folder = self.root.join("var/log");
        let files = files(wanted.log)
            .iter()
            .map(|file| Place::File(folder.join(file)));
        let commands = self.commands(wanted).into_iter().map(Place::Command);
        commands.chain(files).collect()
    }

    async fn read_place(&self, place: Place) -> Option<Vec<u8>> {
        let bytes = match place {
            Place::Command(command) => self.output(&command).await?,
            Place::File(path) => off_thread(self.limit, move || tail(&path).ok()).await.flatten()?,
        };
        Some(bytes).filter(|bytes| !bytes.trim_ascii().is_empty())
    }

    fn is(&self, wanted: &NodeLogWanted) -> bool {
        let Some(node) = self.nodes.iter().find(|it| it.node == wanted.node) else {
            return false;
        };
        let Some(boot) = self.word("proc/sys/kernel/random/boot_id") else {
            return false;
        };
        if !node.boot.eq_ignore_ascii_case(&boot) {
            return false;
        }
        // Where several nodes share a kernel, as in a cluster in containers, each has logs of its own.
        let shares = |other: &&Identity| other.boot == node.boot && other.node != node.node;
        if self.nodes.iter().any(|it| shares(&it)) {
            return false;
        }
        wanted.log == NodeLog::Kernel || self.word("etc/machine-id").is_some_and(|id| id == node.machine)
    }

    fn is_root(&self) -> bool {
        fs::read_to_string(self.root.join("proc/self/status")).is_ok_and(|status| {
            let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
            uids.and_then(|uids| uids.split_whitespace().nth(1)) == Some("0")
        })
    }

    fn word(&self, path: &str) -> Option<String> {
        let text = fs::read_to_string(self.root.join(path)).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// Programs that have it, best first.
    fn commands(&self, wanted: &NodeLogWanted) -> Vec<Vec<String>> {
        let mut journal: Vec<String> = ["journalctl", "--no-pager", "-q", "-o", "short-iso", "-n"]
            .map(ToOwned::to_owned)
            .to_vec();
        journal.push(NODE_LOG_LINES.to_string());
        if let Some((from, until)) = wanted.span() {
            journal.push(format!("--since=@{}", from.as_second()));
            journal.push(format!("--until=@{}", until.as_second()));
        }
        match unit(wanted.log) {
            None => {
                journal.push("-k".to_owned());
                let dmesg = |format: &str| vec!["dmesg".to_owned(), format.to_owned()];
                vec![dmesg("--time-format=iso"), dmesg("-T"), journal]
            }
            Some(unit) => {
                journal.extend(["-u".to_owned(), unit.to_owned()]);
                vec![journal]
            }
        }
    }

    /// The end of what a program says, if it ends well and in time.
    async fn output(&self, command: &[String]) -> Option<Vec<u8>> {
        let (program, arguments) = command.split_first()?;
        let program = match &self.programs {
            Some(folder) => folder.join(program),
            None => PathBuf::from(program),
        };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut pipe = child.stdout.take()?;
        let said = off_thread(self.limit, move || end_of(&mut pipe).ok())
            .await
            .flatten();
        let ended_well = end(child, said.is_some()).await;
        said.filter(|_| ended_well)
    }
}

/// Whether lines go back to the first moment that is wanted; where they have no times, nobody knows.
fn reaches(bytes: &[u8], wanted: &NodeLogWanted) -> bool {
    let Some((first, _)) = wanted.around else {
        return true;
    };
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().collect();
    let year = first.to_zoned(jiff::tz::TimeZone::UTC).year();
    let span: Option<(Timestamp, Timestamp)> = log::span(&lines, Some(year));
    span.is_some_and(|(from, _)| from <= first)
}

/// Ends a program; says whether it had ended by itself and well.
async fn end(mut child: Child, has_said_all: bool) -> bool {
    // Whoever closes its output is about to end.
    for _ in 0..if has_said_all { 100 } else { 0 } {
        match child.try_wait() {
            Ok(None) => tokio::time::sleep(Duration::from_millis(10)).await,
            Ok(Some(status)) => return status.success(),
            Err(_) => return false,
        }
    }
    let _gone = child.kill();
    // One that the kernel cannot end is left behind.
    let _reaped = off_thread(Duration::from_secs(1), move || child.wait().is_ok()).await;
    false
}

/// Does work that may block for ever on a thread of its own, and waits for it so long only. The thread of a reader that
/// hangs (a dead network mount) is left behind: it holds nothing that anyone waits for.
async fn off_thread<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (done, waits) = oneshot::channel();
    let thread = std::thread::Builder::new().name("local log".to_owned());
    thread.spawn(move || done.send(work()).is_ok()).ok()?;
    tokio::time::timeout(limit, waits).await.ok()?.ok()
}

/// The end of a file, whole lines only; of a device or a pipe nothing.
fn tail(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let skipped = size.saturating_sub(TEXT_BYTES_MAX as u64);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.take(TEXT_BYTES_MAX as u64).read_to_end(&mut bytes)?;
    if skipped > 0 {
        drop_first_line(&mut bytes);
    }
    Ok(bytes)
}

/// The end of a stream, whole lines only, with no more of it in memory than twice what is kept.
fn end_of(from: &mut impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut cut = false;
    loop {
        let room = (2 * TEXT_BYTES_MAX).saturating_sub(bytes.len());
        if from.by_ref().take(room as u64).read_to_end(&mut bytes)? < room {
            break;
        }
        bytes.drain(..bytes.len() - TEXT_BYTES_MAX);
        cut = true;
    }
    if bytes.len() > TEXT_BYTES_MAX {
        bytes.drain(..bytes.len() - TEXT_BYTES_MAX);
        cut = true;
    }
    if cut {
        drop_first_line(&mut bytes);
    }
    Ok(bytes)
}

fn drop_first_line(bytes: &mut Vec<u8>) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    bytes.drain(..end.map_or(0, |end| end + 1));
}

#[cfg(test)]
mod tests;
