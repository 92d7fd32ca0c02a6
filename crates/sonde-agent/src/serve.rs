//! The socket where the agent is asked: HTTP/1.1, three read-only answers.

mod door;

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::state::State;
use crate::{metrics, own, status};

pub(crate) use door::Door;

/// Who asks a node's agent: a person, a scraper, a hub.
pub(crate) const CONNECTIONS_MAX: usize = 32;
/// A request has a line and a few headers.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// From the first byte of a request to the last of its head.
const HEAD_TIME_MAX: Duration = Duration::from_secs(5);
/// A connection that does not end by itself.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(300);

/// Takes connections for as long as the agent runs.
pub(crate) async fn accept(door: Rc<Door>, state: Rc<RefCell<State>>) {
    loop {
        match door.next().await {
            Ok(stream) => admit(stream, &state),
            // Out of descriptors, mostly: wait for some to come back.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

fn admit(stream: Box<dyn Stream>, state: &Rc<RefCell<State>>) {
    {
        let connections = &mut state.borrow_mut().connections;
        if connections.open >= CONNECTIONS_MAX as u64 {
            connections.refused += 1;
            return;
        }
        connections.open += 1;
    }
    let place = Place(state.clone());
    spawn_local(async move {
        let state = place.0.clone();
        let service = service_fn(move |request| {
            let answer = answer(&request, &state.borrow(), Timestamp::now());
            async move { Ok::<_, Infallible>(answer) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service);
        // A client that breaks off is its own affair.
        let _ = timeout(CONNECTION_TIME_MAX, connection).await;
        drop(place);
    });
}

/// A byte stream of either kind of socket.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

/// One of the places for connections, given back even if the task ends by a fault.
struct Place(Rc<RefCell<State>>);

impl Drop for Place {
    fn drop(&mut self) {
        if let Ok(mut state) = self.0.try_borrow_mut() {
            state.connections.open = state.connections.open.saturating_sub(1);
        }
    }
}

fn answer(request: &Request<Incoming>, state: &State, now: Timestamp) -> Response<Full<Bytes>> {
    if request.method() != Method::GET {
        return trouble(
            StatusCode::METHOD_NOT_ALLOWED,
            "this agent is only asked: use GET",
        );
    }
    match request.uri().path() {
        "/v1/deaths" => match since(request.uri().query()) {
            Ok(since) => json(&state.deaths(since, now)),
            Err(why) => trouble(StatusCode::BAD_REQUEST, &why),
        },
        "/v1/status" => json(&status::status(state, now)),
        "/metrics" => {
            let runtimes: Vec<_> = state
                .runtimes
                .iter()
                .map(|it| (it.socket.clone(), it.lists, it.failures))
                .collect();
            let status = status::status(state, now);
            let text = metrics::text(&status, &state.counts, own::cpu_seconds(), &runtimes);
            body(StatusCode::OK, metrics::MEDIA_TYPE, text.into())
        }
        _ => trouble(
            StatusCode::NOT_FOUND,
            "this agent answers /v1/deaths, /v1/status and /metrics",
        ),
    }
}

/// `since=2026-11-21T10:00:00Z`; other parameters are of later versions.
fn since(query: Option<&str>) -> Result<Option<Timestamp>, String> {
    let Some(text) = query
        .unwrap_or_default()
        .split('&')
        .find_map(|pair| pair.strip_prefix("since="))
    else {
        return Ok(None);
    };
    let text = text.replace("%3A", ":").replace("%3a", ":");
    text.parse()
        .map(Some)
        .map_err(|_| format!("since={text} is no time as in RFC 3339: 2026-11-21T10:00:00Z"))
}

fn json(value: &impl Serialize) -> Response<Full<Bytes>> {
    match serde_json::to_vec(value) {
        Ok(bytes) => body(StatusCode::OK, "application/json", bytes.into()),
        Err(error) => trouble(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn trouble(status: StatusCode, message: &str) -> Response<Full<Bytes>> {
    let bytes = serde_json::json!({ "message": message }).to_string();
    body(status, "application/json", bytes.into())
}

fn body(status: StatusCode, media_type: &'static str, bytes: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(bytes));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(media_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_time() {
        assert_eq!(since(None), Ok(None));
        assert_eq!(since(Some("x=1")), Ok(None));
        let time: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        assert_eq!(since(Some("a=b&since=2026-11-21T10:00:00Z")), Ok(Some(time)));
        assert_eq!(since(Some("since=2026-11-21T10%3A00%3A00Z")), Ok(Some(time)));
        assert!(since(Some("since=yesterday")).is_err());
    }
}
