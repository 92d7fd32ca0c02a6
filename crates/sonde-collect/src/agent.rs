//! Asking the agent of this node: HTTP/1.1 on its Unix socket.

mod remote;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sonde_model::{AgentStatus, Calls, Connections, Deaths, LookupsSeen, NodeReport, Profile, Traces};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::runtime::Runtime;

use sonde_grammar::log::NodeLog;

use crate::gathered::{Gathered, TextPlace};
use crate::limits::{AGENT_ANSWER_BYTES_MAX, AGENT_ANSWER_TIME_MAX};
use crate::texts::TextReader;

/// Deaths as lines of a log, which a diagnosis takes as it takes a kubelet's.
pub use sonde_grammar::log::agent::{line, node_text, text};

pub use remote::Credentials;
use remote::Remote;

/// An agent that can be asked.
#[derive(Debug)]
pub struct Agent {
    /// Its socket on this node; of one elsewhere its address, as it is told.
    socket: PathBuf,
    remote: Option<Remote>,
    runtime: Runtime,
}

/// Why an agent gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// Nobody listens.
    #[error("no agent answers at {}", socket.display())]
    Absent {
        /// The socket.
        socket: PathBuf,
        /// What the kernel says.
        #[source]
        source: io::Error,
    },
    /// The socket is there, and is not for this user.
    #[error("this user may not ask the agent at {}", socket.display())]
    Forbidden {
        /// The socket.
        socket: PathBuf,
    },
    /// It did not answer in time.
    #[error("the agent at {} did not answer within {} s", socket.display(), limit.as_secs())]
    Silent {
        /// The socket.
        socket: PathBuf,
        /// So long it was waited for.
        limit: Duration,
    },
    /// It refused.
    #[error("the agent at {} answered {status}: {message}", socket.display())]
    Refused {
        /// The socket.
        socket: PathBuf,
        /// The HTTP status.
        status: StatusCode,
        /// Its words.
        message: String,
    },
    /// The answer broke off, is too large, or is none of an agent.
    #[error("failed to understand the answer of the agent at {}: {why}", socket.display())]
    Answer {
        /// The socket.
        socket: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The address of an agent elsewhere is none.
    #[error("{0} is no address of an agent: https://HOST:PORT")]
    Address(String),
    /// What to show an agent elsewhere cannot be read.
    #[error("failed to read {what} from {}: {why}", path.display())]
    Credentials {
        /// What it should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// An agent elsewhere cannot be reached, or refuses what it is shown.
    #[error("failed to reach the agent at {address}")]
    Unreachable {
        /// Its address.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// This process could not ask at all.
    #[error("failed to set up a connection")]
    Setup(#[source] io::Error),
}

impl AgentError {
    /// What the person can do; each is an action.
    pub fn hints(&self) -> Vec<String> {
        match self {
            AgentError::Absent { .. } => vec![
                "start one on this node: sudo sonde agent".to_owned(),
                "or name the socket of the one that runs with --agent PATH".to_owned(),
            ],
            AgentError::Forbidden { .. } => vec![
                "ask as root, with sudo".to_owned(),
                "or start the agent with --socket-group and be a member of that group".to_owned(),
            ],
            AgentError::Silent { .. } => vec!["look at the agent's own output".to_owned()],
            AgentError::Answer { .. } => {
                vec![
                    "use the same version of Sonde for both, and name an agent's socket with --agent"
                        .to_owned(),
                ]
            }
            AgentError::Unreachable { .. } => vec![
                "see that it runs with --listen, and that its --client-ca knows the certificate of --agent-cert"
                    .to_owned(),
            ],
            AgentError::Address(_) => vec![
                "name its address with --agent https://HOST:PORT, or the socket of one on this node with --agent PATH"
                    .to_owned(),
            ],
            AgentError::Credentials { .. } => {
                vec!["name PEM files with --agent-ca, --agent-cert and --agent-key".to_owned()]
            }
            AgentError::Refused { .. } | AgentError::Setup(_) => Vec::new(),
        }
    }
}

impl Agent {
    /// Where an agent listens unless it is told otherwise.
    pub const SOCKET: &str = "/run/sonde/agent.sock";

    /// Prepares to ask; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// When this process cannot have a connection.
    pub fn at(socket: &Path) -> Result<Self, AgentError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(AgentError::Setup)?;
        Ok(Self {
            socket: socket.to_owned(),
            remote: None,
            runtime,
        })
    }

    /// Prepares to ask an agent on another machine, by `https://HOST:PORT`; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// When the address is none, a file cannot be read, or this process cannot have a connection.
    pub fn over_tls(address: &str, credentials: &Credentials) -> Result<Self, AgentError> {
        Ok(Self {
            remote: Some(Remote::new(address, credentials)?),
            ..Self::at(Path::new(address))?
        })
    }

    /// Deaths at or after a time; all that it remembers without one.
    ///
    /// # Errors
    ///
    /// When it does not answer, or not as an agent does.
    pub fn deaths(&self, since: Option<Timestamp>) -> Result<Deaths, AgentError> {
        match since {
            Some(since) => self.ask(&format!("/v1/deaths?since={since}")),
            None => self.ask("/v1/deaths"),
        }
    }

    /// What it counted of calls in the last so many seconds; in all that it keeps without one.
    ///
    /// # Errors
    ///
    /// When it does not answer, or not as an agent does.
    pub fn calls(&self, last: Option<u64>) -> Result<Calls, AgentError> {
        self.ask(&with_last("/v1/calls", last))
    }

    /// Single calls of the last so many seconds; all that it keeps without one.
    ///
    /// # Errors
    ///
    /// When it does not answer, or not as an agent does.
    pub fn traces(&self, last: Option<u64>) -> Result<Traces, AgentError> {
        self.ask(&with_last("/v1/traces", last))
    }

    /// Every live connection.
    ///
    /// # Errors
    ///
    /// When it does not answer, or not as an agent does.
    pub fn connections(&self) -> Result<Connections, AgentError> {
        self.ask("/v1/connections")
    }

    /// Single questions for names of the last so many seconds; all that it keeps without one.
    ///
    /// # Errors
    ///
    /// When it does not answer, or not as an agent does.
    pub fn lookups(&self, last: Option<u64>) -> Result<LookupsSeen, AgentError> {
        self.ask(&with_last("/v1/lookups", last))
    }

    /// How the node stands, with rates over so many seconds; since it last looked without one.
    ///
    /// # Errors
    ///
    /// When it does not answer, or not as an agent does.
    pub fn node(&self, over: Option<u64>) -> Result<NodeReport, AgentError> {
        match over {
            Some(seconds) => {
                let limit = AGENT_ANSWER_TIME_MAX + Duration::from_secs(seconds);
                self.ask_within(&format!("/v1/node?for={seconds}"), limit)
            }
            None => self.ask("/v1/node"),
        }
    }

    /// A profile of processors over so many seconds; `of` says whom, as a query: `pod=web-1&namespace=shop`.
    ///
    /// # Errors
    ///
    /// When it does not answer, or not as an agent does, or takes another profile.
    pub fn profile(&self, of: &str, seconds: u64, hertz: u32) -> Result<Profile, AgentError> {
        let limit = AGENT_ANSWER_TIME_MAX * 3 + Duration::from_secs(seconds);
        self.ask_within(&format!("/v1/profile?for={seconds}&hz={hertz}&{of}"), limit)
    }

    /// What it says of itself.
    ///
    /// # Errors
    ///
    /// When it does not answer, or not as an agent does.
    pub fn status(&self) -> Result<AgentStatus, AgentError> {
        self.ask("/v1/status")
    }

    fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T, AgentError> {
        self.ask_within(path, AGENT_ANSWER_TIME_MAX)
    }

    fn ask_within<T: DeserializeOwned>(&self, path: &str, limit: Duration) -> Result<T, AgentError> {
        let (status, bytes) = self
            .runtime
            .block_on(async { tokio::time::timeout(limit, self.get(path)).await })
            .map_err(|_| AgentError::Silent {
                socket: self.socket.clone(),
                limit,
            })??;
        if status != StatusCode::OK {
            return Err(AgentError::Refused {
                socket: self.socket.clone(),
                status,
                message: crate::json::string_member(&bytes, 0, "message")
                    .unwrap_or_default()
                    .to_owned(),
            });
        }
        serde_json::from_slice(&bytes).map_err(|error| self.strange(error))
    }

    async fn get(&self, path: &str) -> Result<(StatusCode, Bytes), AgentError> {
        let stream = self.connect().await.map_err(|source| self.unreachable(source))?;
        let (mut requests, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.strange(error))?;
        // Its errors come back through the request.
        let driver = tokio::spawn(async move { drop(connection.await) });
        let request = Request::get(path)
            .header("host", "agent")
            .body(Empty::<Bytes>::new())
            .map_err(|error| self.strange(error))?;
        let answer = requests
            .send_request(request)
            .await
            .map_err(|error| self.strange(error))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), AGENT_ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(|error| self.strange(error));
        driver.abort();
        Ok((status, body?.to_bytes()))
    }

    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        match &self.remote {
            Some(remote) => Ok(Box::new(remote.connect().await?)),
            None => Ok(Box::new(UnixStream::connect(&self.socket).await?)),
        }
    }

    fn unreachable(&self, source: io::Error) -> AgentError {
        let socket = self.socket.clone();
        if self.remote.is_some() {
            return AgentError::Unreachable {
                address: socket.display().to_string(),
                source,
            };
        }
        match source.kind() {
            io::ErrorKind::PermissionDenied => AgentError::Forbidden { socket },
            _ => AgentError::Absent { socket, source },
        }
    }

    fn strange(&self, why: impl std::fmt::Display) -> AgentError {
        AgentError::Answer {
            socket: self.socket.clone(),
            why: why.to_string(),
        }
    }
}

/// A byte stream of either kind.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A report as what was gathered, to be diagnosed.
pub fn gathered(report: &NodeReport) -> Gathered {
    let mut gathered = Gathered {
        now: Some(report.now),
        ..Gathered::default()
    };
    let place = TextPlace::Node {
        node: report.node.as_str().into(),
        log: NodeLog::Agent,
    };
    let now = Some(report.now);
    TextReader::new(false, now, now).add(&mut gathered, place, node_text(report));
    gathered
}

fn with_last(path: &str, last: Option<u64>) -> String {
    match last {
        Some(seconds) => format!("{path}?last={seconds}"),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixListener;

    use super::*;

    /// The outcome of a question that is answered with these bytes.
    fn asked(answer: &'static str) -> Result<Deaths, AgentError> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("agent.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let read = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        let since = "2026-11-21T10:00:00Z".parse().unwrap();
        let outcome = Agent::at(&socket).unwrap().deaths(Some(since));
        let request = server.join().unwrap();
        assert!(
            request.starts_with("GET /v1/deaths?since=2026-11-21T10:00:00Z HTTP/1.1\r\n"),
            "{request}"
        );
        outcome
    }

    #[test]
    fn an_answer_is_read() {
        let deaths = asked(concat!(
            "HTTP/1.1 200 OK\r\ncontent-length: 140\r\n\r\n",
            r#"{"schema":"sonde.deaths/v1","node":"n","since":"2026-11-21T09:00:00Z","now":"2026-11-21T10:00:00Z","#,
            r#""deaths":[],"lost":1,"dropped":2,"new":3}"#
        ));
        let deaths = deaths.unwrap();
        assert_eq!((&*deaths.node, deaths.lost, deaths.dropped), ("n", 1, 2));
    }

    #[test]
    fn a_strange_answer_is_told() {
        for (answer, expected) in [
            (
                "HTTP/1.1 400 Bad\r\ncontent-length: 17\r\n\r\n{\"message\":\"why\"}",
                "why",
            ),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", "missing field"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}", "understand"),
            ("hello\r\n\r\n", "understand"),
        ] {
            let error = asked(answer).unwrap_err().to_string();
            assert!(error.contains(expected), "{answer:?}: {error}");
        }
    }

    #[test]
    fn nobody_there_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let error = Agent::at(&folder.path().join("none"))
            .unwrap()
            .status()
            .unwrap_err();
        assert!(matches!(error, AgentError::Absent { .. }));
        assert!(error.hints()[0].contains("sudo sonde agent"));
    }
}
