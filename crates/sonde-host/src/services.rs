//! Whether the kubelet and the container runtime answer. Who asks the runtime better (the agent does) says so instead.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// What a service said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is well, in these words.
    Well(String),
    /// It is not, in these words.
    Bad(String),
    /// It could not be asked, for this reason.
    Unasked(String),
}

/// The services of a node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Services {
    /// The kubelet; `None` where none runs.
    pub kubelet: Option<Answer>,
    /// Each runtime's socket with its answer.
    pub runtimes: Vec<(String, Answer)>,
}

/// Where runtimes listen unless they are told otherwise: containerd, CRI-O, cri-dockerd, then distributions with a place
/// of their own.
pub const RUNTIME_SOCKETS: &[&str] = &[
    "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/cri-dockerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/k0s/containerd.sock",
    "/var/snap/microk8s/common/run/containerd.sock",
];

/// The kubelet's health, which it serves on the node alone (`--healthz-port`, 10248 by default).
const HEALTHZ: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 10_248);
const PATIENCE: Duration = Duration::from_secs(1);
const ANSWER_BYTES_MAX: u64 = 4 << 10;

impl Services {
    /// Asks the kubelet of this network namespace, and knocks at the sockets of runtimes.
    pub fn ask() -> Self {
        Self {
            kubelet: kubelet(HEALTHZ),
            runtimes: RUNTIME_SOCKETS
                .iter()
                .filter_map(|socket| Some(((*socket).to_owned(), knock(socket)?)))
                .collect(),
        }
    }

    /// Asks the kubelet alone.
    pub fn ask_kubelet() -> Self {
        Self {
            kubelet: kubelet(HEALTHZ),
            runtimes: Vec::new(),
        }
    }
}

fn kubelet(address: SocketAddr) -> Option<Answer> {
    match healthz(address) {
        Ok(answer) => {
            let status = answer.lines().next().unwrap_or_default();
            let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
            let words = body.split_whitespace().take(40).collect::<Vec<_>>().join(" ");
            Some(if status.split(' ').nth(1) == Some("200") {
                Answer::Well(format!("healthz says {words}"))
            } else {
                Answer::Bad(format!("healthz says {status}: {words}"))
            })
        }
        // Nobody listens: no kubelet, or one that was told not to.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => None,
        Err(error) if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => Some(
            Answer::Bad(format!("no answer of healthz within {} s", PATIENCE.as_secs())),
        ),
        Err(error) => Some(Answer::Unasked(error.to_string())),
    }
}

fn healthz(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut bytes = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether somebody listens; what it would say takes an agent.
fn knock(socket: &str) -> Option<Answer> {
    match UnixStream::connect(socket) {
        Ok(_) => Some(Answer::Well("takes connections".to_owned())),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound => None,
            // The file of a socket outlives a runtime that was killed, and one that was removed.
            io::ErrorKind::ConnectionRefused => Some(Answer::Unasked(
                "the socket's file is there, and nobody listens".to_owned(),
            )),
            _ => Some(Answer::Unasked(error.to_string())),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_kubelet_tells_how_it_is() {
        for (reply, well) in [
            ("HTTP/1.1 200 OK\r\n\r\nok", true),
            (
                "HTTP/1.1 500 Internal Server Error\r\n\r\n[-]syncloop failed",
                false,
            ),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let _request = stream.read(&mut [0; 512]).unwrap();
                stream.write_all(reply.as_bytes()).unwrap();
            });
            let answer = kubelet(address).unwrap();
            server.join().unwrap();
            assert_eq!(matches!(answer, Answer::Well(_)), well, "{answer:?}");
        }
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(kubelet(closed), None);
    }
}
