//! One POST to a collector: HTTP/1.1, with TLS where the address says https.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::serve::Stream;
use crate::tls;

/// A post takes no longer; the next one is at the next interval.
const TIME_MAX: Duration = Duration::from_secs(10);
/// Of a refusal's words.
const ANSWER_BYTES_MAX: usize = 16 << 10;

/// A collector that takes OTLP over HTTP.
#[derive(Debug)]
pub struct Collector {
    /// Its address as it was given.
    address: Uri,
    host: String,
    port: u16,
    tls: Option<Arc<rustls::ClientConfig>>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Why a post was not taken.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// The address is none.
    #[error("{0} is no address of a collector: http://HOST:4318 or https://HOST:4318")]
    Address(String),
    /// A header is none.
    #[error("{0} is no header: NAME=VALUE")]
    Header(String),
    /// The trust in its certificate could not be set up.
    #[error("failed to prepare TLS for the collector: {0}")]
    Tls(#[from] tls::TlsError),
    /// It cannot be reached, or broke off.
    #[error("failed to post to {address}: {why}")]
    Unreachable {
        /// Its address.
        address: Uri,
        /// What went wrong.
        why: String,
    },
    /// It refused.
    #[error("{address} answered {status}: {words}")]
    Refused {
        /// Its address.
        address: Uri,
        /// The HTTP status.
        status: StatusCode,
        /// Its words.
        words: String,
    },
}

impl Collector {
    /// A collector at an address, which may have a path of its own; `headers` are `NAME=VALUE`.
    ///
    /// # Errors
    ///
    /// When the address or a header is none, or the machine's certificates cannot be read.
    pub fn new(address: &str, headers: &[String]) -> Result<Self, CollectorError> {
        let bad = || CollectorError::Address(address.to_owned());
        let uri: Uri = address.trim_end_matches('/').parse().map_err(|_| bad())?;
        let host = uri
            .host()
            .filter(|host| !host.is_empty())
            .ok_or_else(bad)?
            .to_owned();
        let (tls, port) = match uri.scheme_str() {
            Some("http") => (None, 80),
            Some("https") => (Some(tls::client_of_this_machine()?), 443),
            _ => return Err(bad()),
        };
        let headers = headers
            .iter()
            .map(|text| {
                let parsed = text.split_once('=').and_then(|(name, value)| {
                    let mut value: HeaderValue = value.trim().parse().ok()?;
                    value.set_sensitive(true);
                    Some((name.trim().parse().ok()?, value))
                });
                // The value may be a password.
                let name = text.split('=').next().unwrap_or_default();
                parsed.ok_or_else(|| CollectorError::Header(name.to_owned()))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            port: uri.port_u16().unwrap_or(port),
            host,
            tls,
            headers,
            address: uri,
        })
    }

    /// Posts a body.
    pub(super) async fn post(&self, path: &str, body: Vec<u8>) -> Result<(), CollectorError> {
        let unreachable = |why: String| CollectorError::Unreachable {
            address: self.address.clone(),
            why,
        };
        let (status, words) = timeout(TIME_MAX, self.exchange(path, body))
            .await
            .map_err(|_| unreachable(format!("no answer within {} s", TIME_MAX.as_secs())))?
            .map_err(|error| unreachable(error.to_string()))?;
        if status.is_success() {
            return Ok(());
        }
        Err(CollectorError::Refused {
            address: self.address.clone(),
            status,
            words,
        })
    }

    async fn exchange(&self, path: &str, body: Vec<u8>) -> io::Result<(StatusCode, String)> {
        let stream = self.connect().await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        let driver = spawn_local(connection);
        let base = self.address.path().trim_end_matches('/');
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{base}{path}"))
            .header(HOST, format!("{}:{}", self.host, self.port))
            .header(CONTENT_TYPE, "application/json");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(io::Error::other)?;
        let answer = sender.send_request(request).await.map_err(io::Error::other)?;
        let status = answer.status();
        let words = Limited::new(answer.into_body(), ANSWER_BYTES_MAX)
            .collect()
            .await
            .map(|body| String::from_utf8_lossy(&body.to_bytes()).trim().to_owned())
            .unwrap_or_default();
        driver.abort();
        Ok((status, words))
    }

    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let plain = TcpStream::connect((host, self.port)).await?;
        let Some(config) = &self.tls else {
            return Ok(Box::new(plain));
        };
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(config.clone()).connect(name, plain).await?;
        Ok(Box::new(stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_headers_are_judged_and_no_value_is_told() {
        for (address, is_good) in [
            ("http://otel:4318", true),
            ("http://[::1]:4318/base/", true),
            ("otel:4318", false),
            ("grpc://otel:4317", false),
            ("http://", false),
            ("", false),
        ] {
            assert_eq!(Collector::new(address, &[]).is_ok(), is_good, "{address}");
        }
        let error =
            Collector::new("http://otel", &["api key=s3cret".to_owned()]).expect_err("a blank in a name");
        assert_eq!(error.to_string(), "api key is no header: NAME=VALUE");
    }
}
