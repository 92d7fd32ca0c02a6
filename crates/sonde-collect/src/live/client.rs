//! One connection to an API server: requests with a bound on time, size and tries.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, DATE, RANGE, RETRY_AFTER};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use jiff::Timestamp;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client as KubeClient, Config};

use super::errors::{LiveError, RequestError};
use crate::limits::{ANSWER_BYTES_MAX, RETRY_WAIT_MAX, TRIES_MAX};

/// How to reach a cluster; kubectl's flags of the same names.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// `--kubeconfig`; else `KUBECONFIG`, `~/.kube/config`, then the service account of the pod we run in.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// `--cluster`.
    pub cluster: Option<String>,
    /// `--user`.
    pub user: Option<String>,
    /// `--as`.
    pub impersonate: Option<String>,
    /// `--as-group`.
    pub impersonate_groups: Vec<String>,
    /// `--request-timeout`; `None` for no limit.
    pub request_timeout: Option<Duration>,
}

/// A client, and what the kubeconfig says beside.
#[derive(Clone)]
pub(crate) struct Client {
    inner: KubeClient,
    timeout: Option<Duration>,
    pub(crate) server: String,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) bytes: Bytes,
    /// The server's clock.
    pub(crate) date: Option<Timestamp>,
}

/// A GET request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Get {
    pub(crate) path: String,
    /// The `Accept` header; JSON where empty.
    pub(crate) accept: &'static str,
    /// Only so many bytes from the end.
    pub(crate) tail_bytes: Option<usize>,
}

impl Get {
    pub(crate) fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            ..Self::default()
        }
    }
}

/// The names of the contexts of a kubeconfig, and which is the current one.
pub(crate) fn read_kubeconfig(path: Option<&Path>) -> Result<Kubeconfig, LiveError> {
    let read = match path {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    read.map_err(|source| LiveError::Config {
        path: path.map(Path::to_owned),
        source: source.into(),
    })
}

/// The configuration that the options ask for, and the name of its context.
pub(crate) async fn configure(options: &ConnectOptions) -> Result<(Config, String), LiveError> {
    let named = options.kubeconfig.is_some() || options.context.is_some() || options.cluster.is_some();
    let (mut config, name) = match from_kubeconfig(options).await {
        Ok(found) => found,
        Err(error) => match Config::incluster() {
            Ok(config) if !named => (config, "in-cluster".to_owned()),
            _ => return Err(error),
        },
    };
    if let Some(user) = &options.impersonate {
        config.auth_info.impersonate = Some(user.clone());
    }
    if !options.impersonate_groups.is_empty() {
        config.auth_info.impersonate_groups = Some(options.impersonate_groups.clone());
    }
    // We retry ourselves: with the server's own word when to come back, and within the request's time.
    config.default_retry = false;
    let connect = Duration::from_secs(10);
    config.connect_timeout = Some(
        options
            .request_timeout
            .map_or(connect, |limit| limit.min(connect)),
    );
    Ok((config, name))
}

async fn from_kubeconfig(options: &ConnectOptions) -> Result<(Config, String), LiveError> {
    let path = options.kubeconfig.as_deref();
    let kubeconfig = read_kubeconfig(path)?;
    let name = options
        .context
        .clone()
        .or_else(|| kubeconfig.current_context.clone())
        .unwrap_or_default();
    let choice = KubeConfigOptions {
        context: options.context.clone(),
        cluster: options.cluster.clone(),
        user: options.user.clone(),
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &choice).await;
    let config = config.map_err(|source| LiveError::Config {
        path: path.map(Path::to_owned),
        source: source.into(),
    })?;
    Ok((config, name))
}

impl Client {
    pub(crate) fn new(config: Config, timeout: Option<Duration>) -> Result<Self, LiveError> {
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let inner = KubeClient::try_from(config).map_err(|error| match RequestError::of(&error) {
            // The program that gives them runs before the first request.
            source @ RequestError::Credentials(_) => LiveError::Request {
                doing: "log in".to_owned(),
                server: server.clone(),
                source,
            },
            _ => LiveError::Client {
                server: server.clone(),
                source: error.into(),
            },
        })?;
        Ok(Self {
            inner,
            timeout,
            server,
        })
    }

    /// Asks, and asks again where the answer says that it may help.
    pub(crate) async fn get(&self, get: &Get) -> Result<Answer, RequestError> {
        let mut tries = 1;
        let begun = tokio::time::Instant::now();
        loop {
            // The limit is that of the answer, not of each try.
            let left = self.timeout.map(|limit| limit.saturating_sub(begun.elapsed()));
            let (error, after) = match self.limited(get, left).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            if tries >= TRIES_MAX || !error.may_be_retried() {
                return Err(error);
            }
            let wait = after.unwrap_or(Duration::from_millis(250) * 2u32.pow(tries));
            if wait > RETRY_WAIT_MAX || self.timeout.is_some_and(|limit| begun.elapsed() + wait >= limit) {
                // To come sooner than the server asks for is of no use, to wait so long neither.
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            tries += 1;
        }
    }

    async fn limited(
        &self,
        get: &Get,
        left: Option<Duration>,
    ) -> Result<Answer, (RequestError, Option<Duration>)> {
        match left.zip(self.timeout) {
            None => self.once(get).await,
            Some((left, limit)) => match tokio::time::timeout(left, self.once(get)).await {
                Ok(outcome) => outcome,
                Err(_) => Err((RequestError::Timeout(limit), None)),
            },
        }
    }

    async fn once(&self, get: &Get) -> Result<Answer, (RequestError, Option<Duration>)> {
        let accept = if get.accept.is_empty() {
            "application/json"
        } else {
            get.accept
        };
        let mut request = http::Request::get(&get.path).header(ACCEPT, accept);
        if let Some(bytes) = get.tail_bytes {
            request = request.header(RANGE, format!("bytes=-{bytes}"));
        }
        let request = request
            .body(Body::empty())
            .map_err(|error| (RequestError::Connection(error.to_string()), None))?;
        let response = self
            .inner
            .send(request)
            .await
            .map_err(|error| (RequestError::of(&error), None))?;
        let (head, body) = response.into_parts();
        let status = head.status;
        let header = |name| {
            let value: &http::HeaderValue = head.headers.get(name)?;
            value.to_str().ok()
        };
        let date = header(DATE).and_then(http_date);
        let after = header(RETRY_AFTER)
            .and_then(|text| text.trim().parse().ok())
            .map(Duration::from_secs);
        let body = Limited::new(body, ANSWER_BYTES_MAX);
        let bytes = body.collect().await.map_err(|error| {
            let error = if error.is::<LengthLimitError>() {
                RequestError::TooLarge(ANSWER_BYTES_MAX)
            } else {
                RequestError::Connection(error.to_string())
            };
            (error, None)
        })?;
        let bytes = bytes.to_bytes();
        if status.is_success() {
            return Ok(Answer { bytes, date });
        }
        let error = RequestError::Status {
            code: status.as_u16(),
            message: status_message(&bytes, status),
        };
        Err((error, after))
    }
}

/// The words of a `Status` object, else the start of whatever a proxy sent in its place.
fn status_message(bytes: &[u8], status: http::StatusCode) -> String {
    let message = crate::json::member(bytes, 0, "message")
        .and_then(|range| serde_json::from_slice::<String>(&bytes[range]).ok());
    let message = message.unwrap_or_else(|| {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]).into_owned();
        text.lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(200)
            .collect()
    });
    if message.trim().is_empty() {
        status.canonical_reason().unwrap_or("no reason given").to_owned()
    } else {
        crate::redact::owned_text(message.trim().to_owned())
    }
}

/// `Sat, 21 Nov 2026 12:00:00 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text.trim())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_clock_is_read() {
        assert_eq!(
            http_date("Sat, 21 Nov 2026 12:00:00 GMT"),
            Some("2026-11-21T12:00:00Z".parse().unwrap())
        );
        assert_eq!(http_date("yesterday"), None);
    }

    #[test]
    fn a_refusal_is_told_in_the_servers_words() {
        let status = br#"{"kind":"Status","message":"pods is forbidden: User \"x\" cannot list","code":403}"#;
        assert_eq!(
            status_message(status, http::StatusCode::FORBIDDEN),
            "pods is forbidden: User \"x\" cannot list"
        );
        assert_eq!(
            status_message(b"<html>\n", http::StatusCode::BAD_GATEWAY),
            "<html>"
        );
        assert_eq!(status_message(b"", http::StatusCode::BAD_GATEWAY), "Bad Gateway");
    }
}
