//! What went wrong between us and the API server, in words that a person can act on.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// One request had no usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The API server refused or failed.
    #[error("the API server answered {code}: {message}")]
    Status {
        /// The HTTP status.
        code: u16,
        /// Its words.
        message: String,
    },
    /// No answer in time.
    #[error("no answer within {}", seconds(*.0))]
    Timeout(Duration),
    /// Nobody listens at the address.
    #[error("the connection was refused: nobody listens there")]
    Refused,
    /// The host's name has no address.
    #[error("the host name cannot be resolved: {0}")]
    Dns(String),
    /// The TLS handshake failed.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// The credentials could not be had, as from an exec plugin.
    #[error("the credentials could not be had: {0}")]
    Credentials(String),
    /// Any other trouble of the connection.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// The answer is larger than we read.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// Our own fault: what reads the answer panicked.
    #[error("reading the answer failed, which is a bug in Sonde")]
    Internal,
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

impl RequestError {
    /// Tells what kube's error is about from the errors below it.
    pub(crate) fn of(error: &kube::Error) -> Self {
        if let kube::Error::Api(status) = error {
            return RequestError::Status {
                code: status.code,
                message: status.message.trim().to_owned(),
            };
        }
        let mut texts = Vec::new();
        let mut next: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = next {
            if error.downcast_ref::<kube::client::AuthError>().is_some() {
                return RequestError::Credentials(error.to_string());
            }
            if let Some(io) = error.downcast_ref::<io::Error>()
                && io.kind() == io::ErrorKind::ConnectionRefused
            {
                return RequestError::Refused;
            }
            texts.push(error.to_string());
            next = error.source();
        }
        let last = texts.last().cloned().unwrap_or_default();
        let any = |words: &[&str]| {
            texts.iter().any(|text| {
                let text = text.to_ascii_lowercase();
                words.iter().any(|word| text.contains(word))
            })
        };
        if any(&["auth exec", "exec auth", "token file", "oidc", "id_token"]) {
            RequestError::Credentials(last)
        } else if any(&["dns error", "failed to lookup address", "name resolution"]) {
            RequestError::Dns(last)
        } else if any(&[
            "certificate",
            "tls",
            "invalid peer",
            "corrupt message",
            "handshake",
        ]) {
            RequestError::Tls(last)
        } else if any(&["timed out", "deadline has elapsed"]) {
            RequestError::Connection("it timed out".to_owned())
        } else {
            RequestError::Connection(last)
        }
    }

    /// The HTTP status, where there was an answer.
    pub fn code(&self) -> Option<u16> {
        match self {
            RequestError::Status { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the same request may have a better answer later.
    pub(crate) fn may_be_retried(&self) -> bool {
        match self {
            RequestError::Status { code, .. } => matches!(code, 429 | 500 | 502 | 503 | 504),
            RequestError::Connection(_) => true,
            _ => false,
        }
    }

    /// Whether no other request would be answered either.
    pub(crate) fn is_total(&self) -> bool {
        match self {
            RequestError::Status { code, .. } => *code == 401,
            RequestError::TooLarge(_) | RequestError::Timeout(_) | RequestError::Internal => false,
            _ => true,
        }
    }
}

/// A cluster could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// The kubeconfig does not say how to reach a cluster.
    #[error("failed to read the kubeconfig{}", path.as_ref().map(|path| format!(" {}", path.display())).unwrap_or_default())]
    Config {
        /// The file, where one was named.
        path: Option<PathBuf>,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The client could not be made.
    #[error("failed to prepare the connection to {server}")]
    Client {
        /// The API server's address.
        server: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The API server could not be asked.
    #[error("failed to {doing} at {server}")]
    Request {
        /// What we were doing.
        doing: String,
        /// The API server's address.
        server: String,
        /// Why.
        #[source]
        source: RequestError,
    },
}

impl LiveError {
    /// What the person can do; each is an action.
    pub fn hints(&self) -> Vec<String> {
        let hints: &[&str] = match self {
            LiveError::Config { .. } => &[
                "name the kubeconfig with --kubeconfig or $KUBECONFIG, and its context with --context; `kubectl config get-contexts` lists them",
                "without a cluster, read a dump with --from or a text with -f -",
            ],
            LiveError::Client { .. } => &["check the certificates and keys that the kubeconfig names"],
            LiveError::Request { source, .. } => match source {
                RequestError::Status { code: 401, .. } | RequestError::Credentials(_) => {
                    &["log in again, then check with `kubectl auth whoami`"]
                }
                RequestError::Status { code: 403, .. } => &[
                    "ask only about a namespace that you may read, with -n",
                    "`kubectl auth can-i --list` shows your rights",
                ],
                RequestError::Status { code: 429, .. } => {
                    &["the API server is overloaded: try again in a minute"]
                }
                RequestError::Status { .. } => {
                    &["check the API server with `kubectl get --raw /readyz?verbose`"]
                }
                RequestError::Timeout(_) => {
                    &["check the network and VPN, or allow more time with --request-timeout"]
                }
                RequestError::Refused => {
                    &["check that the cluster runs and that its address in the kubeconfig is right"]
                }
                RequestError::Dns(_) => &["check the server's name in the kubeconfig, and DNS and VPN"],
                RequestError::Tls(_) => {
                    &["check the certificate authority in the kubeconfig, and the clock of this machine"]
                }
                RequestError::Connection(_) => &["check the network and VPN"],
                RequestError::TooLarge(_) => &["ask about one namespace, with -n, or about fewer objects"],
                RequestError::Internal => &["report it, with the version of Sonde"],
            },
        };
        hints.iter().map(|hint| (*hint).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_an_action() {
        for source in [
            RequestError::Status {
                code: 401,
                message: "x".into(),
            },
            RequestError::Status {
                code: 500,
                message: "x".into(),
            },
            RequestError::Timeout(Duration::from_millis(1500)),
            RequestError::Refused,
            RequestError::Dns("x".into()),
            RequestError::Tls("x".into()),
            RequestError::Connection("x".into()),
            RequestError::Credentials("x".into()),
            RequestError::TooLarge(1),
            RequestError::Internal,
        ] {
            let error = LiveError::Request {
                doing: "read the version".into(),
                server: "https://x".into(),
                source,
            };
            assert!(!error.hints().is_empty());
        }
        assert_eq!(
            RequestError::Timeout(Duration::from_millis(1500)).to_string(),
            "no answer within 1.5 s"
        );
    }
}
