//! Why an agent does not run.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::tls::TlsError;

/// An agent could not start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// No program of the kernel runs, so there is nothing to see.
    #[error("the agent sees nothing here: {why}")]
    Blind {
        /// Why.
        why: String,
        /// It is for want of rights.
        rights: bool,
    },
    /// Another agent answers there.
    #[error("another agent answers at {}", socket.display())]
    Taken {
        /// The socket.
        socket: PathBuf,
    },
    /// The socket could not be made.
    #[error("failed to listen on {}", socket.display())]
    Listen {
        /// The socket.
        socket: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The address could not be listened on.
    #[error("failed to listen on {address}")]
    ListenTcp {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The address is not a loopback one.
    #[error("{address} can be reached from other machines, and answers are not encrypted")]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// TLS could not be set up for those who ask from elsewhere.
    #[error("failed to prepare the address for those who ask from elsewhere")]
    Tls(#[from] TlsError),
    /// There is no such group.
    #[error("there is no group {name}")]
    NoGroup {
        /// Its name.
        name: String,
    },
    /// The thread that does everything could not be set up.
    #[error("failed to start")]
    Start(#[source] io::Error),
}

impl AgentError {
    /// What the person can do; each is an action.
    pub fn hints(&self) -> Vec<String> {
        let hint = match self {
            AgentError::Blind { rights: true, .. } => {
                "run it as root, or give it CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN; `sonde agent --check` tells what is missing"
            }
            AgentError::Blind { rights: false, .. } => "`sonde agent --check` tells what is missing here",
            AgentError::Taken { .. } => {
                "one agent is enough: ask it with `sonde deaths`; or choose --socket PATH for a second"
            }
            AgentError::Listen { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "run it as root, or choose a folder of your own with --socket PATH"
            }
            AgentError::NotLoopback { .. } => {
                "choose an address such as 127.0.0.1:9470, or let those ask who show a certificate: --listen ADDRESS with --tls-cert, --tls-key and --client-ca"
            }
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}
