//! The socket where the agent is asked: HTTP/1.1, read-only answers.

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
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sonde_bpf::Hierarchy;
use sonde_model::AgentStatus;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::node::{self, Watched};
use crate::profile::{self, Turn};
use crate::state::State;
use crate::watch_sockets::{self, SocketWatch};
use crate::{metrics, own, status};

use door::Comer;
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
pub(crate) async fn accept(door: Rc<Door>, asked: Rc<Asked>) {
    loop {
        match door.next().await {
            Ok(stream) => admit(stream, &asked),
            // Out of descriptors, mostly: wait for some to come back.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// What answers come from.
pub(crate) struct Asked {
    pub(crate) state: Rc<RefCell<State>>,
    /// `None` where the kernel refused the programs.
    pub(crate) sockets: Rc<RefCell<Option<SocketWatch>>>,
    /// The node as it was a moment ago.
    pub(crate) node: Watched,
    pub(crate) profile: Turn,
    /// By which containers are known.
    pub(crate) hierarchy: Hierarchy,
    pub(crate) slow_ns: u64,
    pub(crate) sample_each: u32,
}

fn admit(comer: Comer, asked: &Rc<Asked>) {
    {
        let connections = &mut asked.state.borrow_mut().connections;
        if connections.open >= CONNECTIONS_MAX as u64 {
            connections.refused += 1;
            return;
        }
        connections.open += 1;
    }
    let place = Place(asked.state.clone());
    let asked = asked.clone();
    spawn_local(async move {
        let stream: Box<dyn Stream> = match comer {
            Comer::Known(stream) => stream,
            // Whoever shows no certificate that counts is let go without a word.
            Comer::Unknown(accept) => match timeout(HEAD_TIME_MAX, *accept).await {
                Ok(Ok(stream)) => Box::new(stream),
                _ => {
                    drop(place);
                    return;
                }
            },
        };
        let service = service_fn(move |request| {
            let asked = asked.clone();
            async move { Ok::<_, Infallible>(answer(&request, &asked).await) }
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

async fn answer(request: &Request<Incoming>, asked: &Asked) -> Response<Full<Bytes>> {
    let now = Timestamp::now();
    if request.method() != Method::GET {
        return trouble(
            StatusCode::METHOD_NOT_ALLOWED,
            "this agent is only asked: use GET",
        );
    }
    let query = request.uri().query();
    let told = match request.uri().path() {
        "/v1/deaths" => since(query).map(|since| json(&asked.state.borrow().deaths(since, now))),
        "/v1/calls" => last(query).map(|last| {
            let state = asked.state.borrow();
            json(&state.traffic.calls(&state.node, asked.slow_ns, last, now))
        }),
        "/v1/traces" => last(query).map(|last| {
            let state = asked.state.borrow();
            let kept = (asked.slow_ns, asked.sample_each);
            json(
                &state
                    .traced
                    .answer(&state.node, kept, last, now, state.samples_lost),
            )
        }),
        "/v1/lookups" => last(query).map(|last| {
            let state = asked.state.borrow();
            json(&state.lookups.answer(&state.node, last, now))
        }),
        "/v1/connections" => return connections(asked),
        "/v1/node" => match seconds(query, node::INTERVAL_MAX) {
            Ok(seconds) => match node::look(asked, seconds).await {
                Ok(report) => return json(&report),
                Err(why) => return trouble(StatusCode::SERVICE_UNAVAILABLE, &why),
            },
            Err(why) => Err(why),
        },
        "/v1/profile" => match profile::Request::from_query(query) {
            Ok(request) => match profile::take(asked, &request).await {
                Ok(profile) => return json(&profile),
                Err((status, why)) => return trouble(status, &why),
            },
            Err(why) => Err(why),
        },
        "/v1/status" => return json(&status_with_runs(asked, now)),
        "/metrics" => {
            let accept = request.headers().get(header::ACCEPT);
            let accept = accept.and_then(|it| it.to_str().ok()).unwrap_or_default();
            return exposition(&asked.state.borrow(), accept, now);
        }
        _ => {
            return trouble(
                StatusCode::NOT_FOUND,
                "this agent answers /v1/calls, /v1/connections, /v1/traces, /v1/lookups, /v1/deaths, /v1/node, /v1/profile, /v1/status and /metrics",
            );
        }
    };
    told.unwrap_or_else(|why| trouble(StatusCode::BAD_REQUEST, &why))
}

/// The status, with what the kernel counts of the runs of the programs that each call passes.
fn status_with_runs(asked: &Asked, now: Timestamp) -> AgentStatus {
    let mut status = status::status(&asked.state.borrow(), now);
    if let Some(sockets) = asked.sockets.borrow().as_ref() {
        let ours = status
            .programs
            .iter_mut()
            .find(|program| program.name == watch_sockets::SOCKETS);
        if let Some(program) = ours {
            program.runs = sockets.runs();
        }
    }
    status
}

fn connections(asked: &Asked) -> Response<Full<Bytes>> {
    let mut sockets = asked.sockets.borrow_mut();
    let Some(sockets) = sockets.as_mut() else {
        return trouble(
            StatusCode::SERVICE_UNAVAILABLE,
            "the programs that see connections do not run here; /v1/status tells why",
        );
    };
    match sockets.connections(&mut asked.state.borrow_mut()) {
        Ok(connections) => json(&connections),
        Err(error) => trouble(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn exposition(state: &State, accept: &str, now: Timestamp) -> Response<Full<Bytes>> {
    let runtimes: Vec<_> = state
        .runtimes
        .iter()
        // A usual place where no runtime is has nothing to count.
        .filter(|it| it.asked_for || it.lists + it.failures > 0)
        .map(|it| (it.socket.clone(), it.lists, it.failures))
        .collect();
    let status = status::status(state, now);
    let told = metrics::Told {
        status: &status,
        deaths: &state.counts,
        calls: &state.traffic.totals,
        cpu_seconds: own::cpu_seconds(),
        runtimes: &runtimes,
    };
    let (kind, bytes) = metrics::exposition(&told, accept);
    body(StatusCode::OK, kind, bytes.into())
}

/// `last=30`: seconds.
fn last(query: Option<&str>) -> Result<Option<SignedDuration>, String> {
    let Some(text) = parameter(query, "last=") else {
        return Ok(None);
    };
    let seconds: u32 = text
        .parse()
        .map_err(|_| format!("last={text} is no number of seconds"))?;
    Ok(Some(SignedDuration::from_secs(seconds.into())))
}

/// `for=10`: seconds, bounded.
fn seconds(query: Option<&str>, max: u64) -> Result<Option<Duration>, String> {
    let Some(text) = parameter(query, "for=") else {
        return Ok(None);
    };
    match text.parse() {
        Ok(seconds) if (1..=max).contains(&seconds) => Ok(Some(Duration::from_secs(seconds))),
        _ => Err(format!("for={text} is no number of seconds from 1 to {max}")),
    }
}

fn parameter<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    query
        .unwrap_or_default()
        .split('&')
        .find_map(|pair| pair.strip_prefix(name))
}

/// `since=2026-11-21T10:00:00Z`; other parameters are of later versions.
fn since(query: Option<&str>) -> Result<Option<Timestamp>, String> {
    let Some(text) = parameter(query, "since=") else {
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
        assert_eq!(last(Some("last=30")), Ok(Some(SignedDuration::from_secs(30))));
        assert_eq!(last(Some("since=1")), Ok(None));
        assert!(last(Some("last=-1")).is_err());
        assert_eq!(seconds(Some("for=5"), 60), Ok(Some(Duration::from_secs(5))));
        assert_eq!(seconds(None, 60), Ok(None));
        assert!(seconds(Some("for=0"), 60).is_err() && seconds(Some("for=61"), 60).is_err());
    }
}
