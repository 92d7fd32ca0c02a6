//! One unary gRPC call over HTTP/2 on a Unix socket (`grpc/grpc`, `doc/PROTOCOL-HTTP2.md`).

use std::io;
use std::path::Path;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

/// An answer of ten thousand containers has some 10 MB.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Before a message stand a flag for compression and its length.
const PREFIX_BYTES: usize = 5;

/// Why a call had no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error("failed to connect: {0}")]
    Connect(#[source] io::Error),
    #[error("failed to ask: {0}")]
    Http(#[source] hyper::Error),
    #[error("the answer broke off or is larger than {} MiB", ANSWER_BYTES_MAX >> 20)]
    Body,
    #[error("HTTP status {0}")]
    Status(StatusCode),
    #[error("gRPC status {code}: {message}")]
    Grpc { code: String, message: String },
    #[error("the answer is no message of runtime.v1")]
    Malformed,
}

/// An open connection; dropping it closes it.
pub(super) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    pub(super) async fn open(socket: &Path) -> Result<Self, CallError> {
        let stream = UnixStream::connect(socket).await.map_err(CallError::Connect)?;
        let (requests, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .map_err(CallError::Http)?;
        // Its errors come back through the calls.
        let driver = tokio::spawn(async move { drop(connection.await) });
        Ok(Self { requests, driver })
    }

    /// Calls a method of the runtime's service.
    pub(super) async fn call<A: Message + Default>(
        &mut self,
        method: &str,
        message: &impl Message,
    ) -> Result<A, CallError> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("http://localhost/runtime.v1.RuntimeService/{method}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Full::new(framed(message)))
            .map_err(|_| CallError::Malformed)?;
        let answer = self
            .requests
            .send_request(request)
            .await
            .map_err(CallError::Http)?;
        if answer.status() != StatusCode::OK {
            return Err(CallError::Status(answer.status()));
        }
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX)
            .collect()
            .await
            .map_err(|_| CallError::Body)?;
        // An error without a message stands in the headers already.
        check(&head.headers)?;
        if let Some(trailers) = body.trailers() {
            check(trailers)?;
        }
        unframed(&body.to_bytes())
    }
}

fn check(headers: &HeaderMap) -> Result<(), CallError> {
    let text = |name: &str| {
        headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    match text("grpc-status") {
        Some(code) if code != "0" => Err(CallError::Grpc {
            code,
            message: text("grpc-message").unwrap_or_default(),
        }),
        _ => Ok(()),
    }
}

fn framed(message: &impl Message) -> Bytes {
    let bytes = message.encode_to_vec();
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + bytes.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    framed.extend_from_slice(&bytes);
    framed.freeze()
}

fn unframed<A: Message + Default>(bytes: &Bytes) -> Result<A, CallError> {
    let [compressed, a, b, c, d, message @ ..] = &**bytes else {
        return Err(CallError::Malformed);
    };
    let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
    if *compressed != 0 || message.len() != length {
        return Err(CallError::Malformed);
    }
    A::decode(message).map_err(|_| CallError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::super::messages::{Container, ListContainers};
    use super::*;

    #[test]
    fn a_message_is_read_back_and_damage_is_told() {
        let list = ListContainers {
            containers: vec![Container {
                id: "c".into(),
                ..Container::default()
            }],
        };
        let bytes = framed(&list);
        assert_eq!(unframed::<ListContainers>(&bytes).unwrap(), list);
        for end in 0..bytes.len() {
            assert!(unframed::<ListContainers>(&bytes.slice(..end)).is_err(), "{end}");
        }
        let mut compressed = bytes.to_vec();
        compressed[0] = 1;
        assert!(unframed::<ListContainers>(&compressed.into()).is_err());
    }
}
