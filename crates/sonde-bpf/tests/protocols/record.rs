//! Writes down what servers and clients say: a relay between them, and one stream of the corpus for each connection.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{fs, io};

use sonde_l7::corpus::{OwnedSegment, Stream};
use sonde_l7::{Protocol, Side, Start, Transport};

/// Of each connection so much is kept: verdicts and calls need no more, and the corpus stays small.
const SEGMENTS_MAX: usize = 16;
const BYTES_MAX: usize = 320;

/// Connections that were relayed, in the order of their ends.
pub(crate) struct Recorder {
    pub(crate) port: u16,
    connections: Arc<Mutex<Vec<JoinHandle<Vec<OwnedSegment>>>>>,
}

impl Recorder {
    /// Listens, and relays to a server's port.
    pub(crate) fn start(port: u16, server: u16) -> io::Result<Self> {
        // Dubbo's consumer takes the machine's own address for that of the loopback.
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?;
        let port = listener.local_addr()?.port();
        let connections: Arc<Mutex<Vec<_>>> = Arc::default();
        let all = Arc::clone(&connections);
        // It ends with the test's process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else {
                    continue;
                };
                let relayed = thread::spawn(move || relay(client, server));
                all.lock().expect("no thread panics with it").push(relayed);
            }
        });
        Ok(Self { port, connections })
    }

    /// Writes what was said since the last time to `FOLDER/NAME-NUMBER.stream`; gives how many connections that were.
    pub(crate) fn write(&self, folder: &Path, name: &str, protocol: Option<Protocol>, remark: &str) -> usize {
        let ended = std::mem::take(&mut *self.connections.lock().expect("no thread panics with it"));
        let mut written = 0;
        for segments in ended.into_iter().filter_map(|it| it.join().ok()) {
            let both = [Side::A, Side::B].map(|side| segments.iter().any(|it| it.side == side));
            if both != [true, true] {
                continue;
            }
            written += 1;
            let stream = Stream {
                remarks: vec![remark.to_owned()],
                protocol,
                transport: Transport::Tcp,
                server: Side::B,
                opener: Some(Side::A),
                start: Start::Fresh,
                calls: None,
                segments,
            };
            fs::create_dir_all(folder).expect("the folder was asked for");
            let path = folder.join(format!("{name}-{written}.stream"));
            fs::write(path, stream.to_text()).expect("the folder is there");
        }
        written
    }
}

/// Copies both ways until both sides have ended, or one says nothing more.
fn relay(client: TcpStream, server: TcpStream) -> Vec<OwnedSegment> {
    let began = Instant::now();
    let segments = Arc::new(Mutex::new(Vec::new()));
    let copy = |side: Side, from: &TcpStream, to: &TcpStream| {
        let (mut from, mut to) = (from.try_clone().expect("a copy"), to.try_clone().expect("a copy"));
        let segments = Arc::clone(&segments);
        let _set = from.set_nodelay(true);
        let _set = from.set_read_timeout(Some(Duration::from_secs(20)));
        thread::spawn(move || {
            let mut room = vec![0; 64 * 1024];
            while let Ok(bytes @ 1..) = from.read(&mut room) {
                let mut segments = segments.lock().expect("no thread panics with it");
                if segments.len() < SEGMENTS_MAX {
                    segments.push(OwnedSegment {
                        side,
                        time_ns: u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX),
                        bytes: room[..bytes.min(BYTES_MAX)].to_vec(),
                        len: bytes as u64,
                        lost_before: false,
                    });
                }
                // What was said is written down before the other side can answer it.
                if to.write_all(&room[..bytes]).is_err() {
                    break;
                }
            }
            let _gone = to.shutdown(Shutdown::Write);
        })
    };
    let copies = [copy(Side::A, &client, &server), copy(Side::B, &server, &client)];
    for copy in copies {
        let _ended = copy.join();
    }
    std::mem::take(&mut *segments.lock().expect("no thread panics with it"))
}
