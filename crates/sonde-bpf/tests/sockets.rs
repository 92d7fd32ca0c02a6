//! The programs of sockets on this very kernel: what was called is what is counted.

#[path = "common/start.rs"]
mod common;

use std::io::{Read as _, Seek as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use sonde_bpf::Tier;
use sonde_bpf::sockets::{EdgeKey, Harvested, Sockets};
use sonde_model::{CallCounts, Role};

use common::{ONE, start};

/// A server that answers each message of 16 bytes by one, after `work`.
fn server(work: Duration) -> SocketAddr {
    server_at(Ipv4Addr::LOCALHOST.into(), work)
}

fn server_at(address: IpAddr, work: Duration) -> SocketAddr {
    let listener = TcpListener::bind((address, 0)).expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            thread::spawn(move || {
                let mut message = [0; 16];
                while stream.read_exact(&mut message).is_ok() {
                    thread::sleep(work);
                    if stream.write_all(&message).is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

fn call(address: SocketAddr, times: usize) {
    let mut stream = TcpStream::connect(address).expect("the server accepts");
    stream.set_nodelay(true).expect("an option of every kernel");
    let mut answer = [0; 16];
    for _ in 0..times {
        stream.write_all(b"0123456789abcdef").expect("the server reads");
        stream.read_exact(&mut answer).expect("the server answers");
    }
}

/// The edges of a port, by role, from as many harvests as it takes until both ends have closed.
fn harvest(sockets: &mut Sockets, port: u16, connections: u64) -> (CallCounts, CallCounts) {
    let (mut client, mut server) = (CallCounts::default(), CallCounts::default());
    for _ in 0..100 {
        for Harvested { key, counts, .. } in sockets.harvest().expect("the maps can be read") {
            let EdgeKey { role, .. } = key;
            if key.port == port {
                let to = if role == Role::Client {
                    &mut client
                } else {
                    &mut server
                };
                to.add(&counts);
            }
        }
        if client.closed == connections && server.closed == connections {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    (client, server)
}

/// Runs a check for each tier that these rights allow.
fn on_each_tier(check: impl Fn(Tier, Sockets)) {
    let _one = ONE.lock();
    for tier in Tier::ALL {
        if let Some(sockets) = start(tier) {
            check(tier, sockets);
        }
    }
}

#[test]
fn every_call_is_counted_at_both_ends() {
    let (v4, v6) = (
        IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::from(Ipv6Addr::LOCALHOST),
    );
    on_each_tier(|tier, mut sockets| {
        // The last is a socket of both versions, called by the older one.
        for (listens, called) in [(v4, v4), (v6, v6), (Ipv6Addr::UNSPECIFIED.into(), v4)] {
            let address = SocketAddr::new(called, server_at(listens, Duration::ZERO).port());
            let callers: Vec<_> = (0..4)
                .map(|_| thread::spawn(move || call(address, 5_000)))
                .collect();
            for caller in callers {
                caller.join().expect("the calls succeed");
            }
            let (client, server) = harvest(&mut sockets, address.port(), 4);
            let place = format!("tier {tier}, {address} at {listens}");
            assert_eq!((client.calls, server.calls), (20_000, 20_000), "{place}");
            assert_eq!((client.opened, server.opened), (4, 4), "{place}");
            assert_eq!((client.closed, server.closed), (4, 4), "{place}");
            assert_eq!(
                (client.bytes_sent, client.bytes_received),
                (320_000, 320_000),
                "{place}"
            );
            assert_eq!(
                (server.bytes_sent, server.bytes_received),
                (320_000, 320_000),
                "{place}"
            );
            let known = if tier == Tier::Socket { 20_000 } else { 0 };
            assert_eq!(
                server.with_wait, known,
                "{place}: the wait of each call is known, or of none"
            );
        }
        let losses = sockets.losses().expect("counters");
        assert_eq!((losses.edges_full, losses.storage_full), (0, 0));
    });
}

#[test]
fn the_applications_work_is_told() {
    on_each_tier(|tier, mut sockets| {
        let address = server(Duration::from_millis(5));
        call(address, 20);
        let (client, server) = harvest(&mut sockets, address.port(), 1);
        assert_eq!((client.calls, server.calls), (20, 20), "tier {tier}");
        let work = Duration::from_millis(100).as_nanos() as u64;
        assert!(server.worked_ns >= work, "tier {tier}: {server:?}");
        assert!(server.worked_ns > server.waited_ns * 5, "tier {tier}: {server:?}");
        assert!(
            client.total_ns >= server.worked_ns,
            "tier {tier}: {client:?} {server:?}"
        );
        let median = server.total.quantile(0.5).expect("calls");
        assert!(median >= Duration::from_millis(4), "tier {tier}: {median:?}");
    });
}

#[test]
fn connections_older_than_the_programs_are_seen_with_their_role() {
    let _one = ONE.lock();
    for tier in Tier::ALL {
        let address = server(Duration::ZERO);
        let mut stream = TcpStream::connect(address).expect("the server accepts");
        let mut exchange = |times: usize| {
            let mut answer = [0; 16];
            for _ in 0..times {
                stream.write_all(b"0123456789abcdef").expect("the server reads");
                stream.read_exact(&mut answer).expect("the server answers");
            }
        };
        exchange(3);
        let Some(mut sockets) = start(tier) else { return };
        exchange(50);
        drop(stream);
        let (client, server) = harvest(&mut sockets, address.port(), 1);
        let place = format!("tier {tier}: {client:?} {server:?}");
        assert_eq!((client.calls, server.calls), (50, 50), "{place}");
        assert_eq!((client.closed, server.closed), (1, 1), "{place}");
        assert_eq!((client.bytes_sent, server.bytes_sent), (800, 800), "{place}");
    }
}

#[test]
fn a_refused_connection_is_counted() {
    on_each_tier(|tier, mut sockets| {
        // A port that was free a moment ago.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .expect("a free port")
            .local_addr()
            .expect("an address");
        for _ in 0..3 {
            TcpStream::connect(address).expect_err("nothing listens");
        }
        let (client, _) = harvest(&mut sockets, address.port(), 0);
        assert_eq!(
            (client.connect_failed, client.resets_received),
            (3, 3),
            "tier {tier}: {client:?}"
        );
    });
}

#[test]
fn each_connection_has_its_owner() {
    on_each_tier(|tier, mut sockets| {
        let address = server(Duration::ZERO);
        call(address, 3);
        let edges: Vec<_> = sockets
            .harvest()
            .expect("maps")
            .into_iter()
            .filter(|edge| edge.key.port == address.port() && edge.counts.calls > 0)
            .collect();
        assert!(!edges.is_empty(), "tier {tier}");
        for edge in edges {
            assert!(
                edge.key.group != 0 && edge.key.netns != 0,
                "tier {tier}: {edge:?}"
            );
        }
    });
}

#[test]
fn a_sweep_shows_what_waits_unread() {
    on_each_tier(|tier, sockets| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the server accepts");
        let (_server, _) = listener.accept().expect("a connection");
        client.write_all(&[7; 1000]).expect("room in the queue");
        let connections = sockets.sweep().expect("the kernel tells");
        let of_server = connections
            .iter()
            .find(|it| it.local_port == port)
            .expect("the server's end");
        assert_eq!(
            (of_server.unread, of_server.edge.role, of_server.state),
            (1000, Role::Server, 1),
            "tier {tier}"
        );
        let of_client = connections
            .iter()
            .find(|it| it.remote_port == port)
            .expect("the client's end");
        assert_eq!(of_client.edge.role, Role::Client, "tier {tier}");
        assert_eq!(of_client.local, IpAddr::from(Ipv4Addr::LOCALHOST), "tier {tier}");
        assert!(
            of_client.smoothed_rtt > Duration::ZERO,
            "tier {tier}: {of_client:?}"
        );
        assert!(of_client.edge.group != 0, "tier {tier}: {of_client:?}");
    });
}

#[test]
fn what_goes_by_sendfile_and_splice_is_counted() {
    const BYTES: u64 = 100_000;
    on_each_tier(|tier, mut sockets| {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let server = thread::spawn(move || {
            let mut page = tempfile::tempfile().expect("a file");
            page.write_all(&[b'x'; BYTES as usize]).expect("room on the disk");
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut request = [0; 16];
            while stream.read_exact(&mut request).is_ok() {
                page.rewind().expect("a file");
                // From a file to a socket: the standard library takes sendfile(2).
                std::io::copy(&mut page, &mut stream).expect("the client reads");
            }
        });
        let mut stream = TcpStream::connect(address).expect("the server accepts");
        let mut page = tempfile::tempfile().expect("a file");
        for _ in 0..50 {
            stream.write_all(b"0123456789abcdef").expect("the server reads");
            page.rewind().expect("a file");
            // From a socket to a file: it takes splice(2).
            let copied = std::io::copy(&mut (&stream).take(BYTES), &mut page);
            assert_eq!(copied.expect("the server answers"), BYTES);
        }
        drop(stream);
        server.join().expect("it ends with its connection");
        let (client, server) = harvest(&mut sockets, address.port(), 1);
        assert_eq!((client.calls, server.calls), (50, 50), "tier {tier}");
        let bytes = (50 * 16, 50 * BYTES);
        assert_eq!((client.bytes_sent, client.bytes_received), bytes, "tier {tier}");
        assert_eq!((server.bytes_received, server.bytes_sent), bytes, "tier {tier}");
    });
}
