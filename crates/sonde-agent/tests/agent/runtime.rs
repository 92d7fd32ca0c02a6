//! A container runtime that knows one pod: the two questions of runtime.v1, answered over HTTP/2.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::UnixListener;
use tokio::sync::oneshot;

use crate::pod::Pod;

/// Answers until it is dropped.
pub(crate) struct FakeRuntime {
    socket: PathBuf,
    _stop: oneshot::Sender<()>,
}

impl FakeRuntime {
    /// Starts one that knows `pod` as shop/checkout-1 with the container `app`.
    pub(crate) fn start(socket: &Path, pod: &Pod) -> Self {
        let sandbox = "5".repeat(64);
        let metadata = [text(1, "checkout-1"), text(2, pod.uid()), text(3, "shop")].concat();
        let sandboxes = field(
            1,
            &[text(1, &sandbox), field(2, &metadata), text(99, "new")].concat(),
        );
        let container = [
            text(1, pod.container_id()),
            text(2, &sandbox),
            field(3, &text(1, "app")),
        ];
        let containers = field(1, &container.concat());
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = mpsc::channel();
        let path = socket.to_owned();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = UnixListener::bind(&path).unwrap();
                ready.send(()).unwrap();
                tokio::select! {
                    () = serve(listener, sandboxes, containers) => {}
                    _ = stopped => {}
                }
            });
        });
        is_ready.recv().unwrap();
        Self {
            socket: socket.to_owned(),
            _stop: stop,
        }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.socket.clone()
    }
}

async fn serve(listener: UnixListener, sandboxes: Vec<u8>, containers: Vec<u8>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (sandboxes, containers) = (sandboxes.clone(), containers.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let message = match request.uri().path() {
                "/runtime.v1.RuntimeService/ListPodSandbox" => sandboxes.clone(),
                "/runtime.v1.RuntimeService/ListContainers" => containers.clone(),
                other => panic!("{other} is asked for"),
            };
            async move {
                let mut framed = vec![0];
                framed.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
                framed.extend(message);
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", "0".parse().unwrap());
                let body = Full::new(Bytes::from(framed)).with_trailers(async move { Some(Ok(trailers)) });
                Ok::<_, Infallible>(Response::new(body))
            }
        });
        tokio::spawn(
            http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service),
        );
    }
}

/// A field with a length (protocol-buffers encoding, wire type 2).
fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for mut value in [u64::from(number << 3 | 2), bytes.len() as u64] {
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }
    out.extend(bytes);
    out
}

fn text(number: u32, text: &str) -> Vec<u8> {
    field(number, text.as_bytes())
}
