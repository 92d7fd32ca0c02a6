//! A fake API server: a small HTTP server that answers as one in trouble. Only for what a real one cannot be made to do.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the server answers to a path.
#[derive(Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Waits before it answers.
    pub(crate) after: Duration,
    /// Closes the connection in the middle of the body.
    pub(crate) cut: bool,
}

impl Reply {
    pub(crate) fn json(body: serde_json::Value) -> Self {
        Self {
            status: 200,
            body: body.to_string(),
            headers: Vec::new(),
            after: Duration::ZERO,
            cut: false,
        }
    }

    /// The `Status` that the API server sends with an error.
    pub(crate) fn status(code: u16, reason: &str, message: &str) -> Self {
        Self {
            status: code,
            ..Self::json(serde_json::json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "reason": reason, "message": message, "code": code,
            }))
        }
    }
}

/// A server on loopback; it ends when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) requests: Arc<AtomicUsize>,
    /// The heads of all requests.
    pub(crate) heads: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
            heads: Arc::default(),
            stop: Arc::default(),
        };
        let (stop, requests) = (Arc::clone(&server.stop), Arc::clone(&server.requests));
        let answer = Arc::new(answer);
        let heads = Arc::clone(&server.heads);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
                let heads = Arc::clone(&heads);
                if let Ok(stream) = stream {
                    std::thread::spawn(move || serve(stream, &*answer, &requests, &heads));
                }
            }
        });
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(
    stream: TcpStream,
    answer: &dyn Fn(&str) -> Reply,
    requests: &AtomicUsize,
    heads: &Mutex<Vec<String>>,
) {
    let Ok(mut writer) = stream.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let mut line = String::new();
        let mut head = first.clone();
        while reader.read_line(&mut line).unwrap_or(0) > 2 {
            head.push_str(&line);
            line.clear();
        }
        heads.lock().unwrap().push(head);
        requests.fetch_add(1, Ordering::Relaxed);
        let path = first.split(' ').nth(1).unwrap_or("/");
        let reply = answer(path);
        std::thread::sleep(reply.after);
        let mut head = format!(
            "HTTP/1.1 {} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
            reply.status,
            reply.body.len()
        );
        for (name, value) in &reply.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let sent = if reply.cut {
            &reply.body[..reply.body.len() / 2]
        } else {
            &reply.body
        };
        let written = writer.write_all(format!("{head}\r\n{sent}").as_bytes());
        if written.is_err() || reply.cut {
            return;
        }
    }
}
