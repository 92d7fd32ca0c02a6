//! Calls that run at the same time on one connection, with frames that lie across packets and answers in another order.

#[path = "common/start.rs"]
mod common;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use sonde_bpf::Tier;
use sonde_bpf::sockets::{Endpoint, Sockets};
use sonde_l7::Protocol;
use sonde_model::Role;

use common::{ONE, start};

const CALLS: u32 = 3_000;
/// Answered together, the last first.
const AT_ONCE: usize = 10;

/// A frame as Kafka has it: its length, then for a request the API and its version, the id, and what is not looked at.
fn frame(request: bool, id: u32) -> Vec<u8> {
    let mut body = Vec::new();
    if request {
        body.extend([0, 18, 0, 3]);
    }
    body.extend(id.to_be_bytes());
    body.resize(body.len() + id as usize % 40, 0xa5);
    let mut frame = u32::try_from(body.len()).expect("short").to_be_bytes().to_vec();
    frame.extend(body);
    frame
}

/// Writes in pieces of other lengths than the frames have.
fn dribble(stream: &mut TcpStream, bytes: &[u8], piece: usize) {
    for part in bytes.chunks(piece) {
        stream.write_all(part).expect("the other end reads");
    }
}

/// Answers each connection's requests when there are enough of them.
fn serve(listener: TcpListener) {
    for stream in listener.incoming() {
        let mut stream = stream.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        let mut piece = 1;
        loop {
            let mut ids = Vec::new();
            while ids.len() < AT_ONCE {
                let mut head = [0; 12];
                if stream.read_exact(&mut head).is_err() {
                    break;
                }
                let word = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().expect("four"));
                let mut rest = vec![0; word(0) as usize - 8];
                stream.read_exact(&mut rest).expect("all of a frame");
                ids.push(word(8));
            }
            if ids.is_empty() {
                break;
            }
            let answers: Vec<u8> = ids.iter().rev().flat_map(|id| frame(false, *id)).collect();
            piece = piece % 61 + 5;
            dribble(&mut stream, &answers, piece);
        }
    }
}

fn exchange(address: SocketAddr, calls: u32) {
    let mut stream = TcpStream::connect(address).expect("a listener");
    stream.set_nodelay(true).expect("a socket");
    let mut reader = stream.try_clone().expect("a descriptor");
    let answers: usize = (0..calls).map(|id| frame(false, id).len()).sum();
    let reading = thread::spawn(move || reader.read_exact(&mut vec![0; answers]).expect("all answers"));
    let ids: Vec<u32> = (0..calls).collect();
    for (at, some) in ids.chunks(AT_ONCE).enumerate() {
        let requests: Vec<u8> = some.iter().flat_map(|id| frame(true, *id)).collect();
        dribble(&mut stream, &requests, at % 83 + 3);
    }
    reading.join().expect("all answers");
}

/// Calls by role when both ends are closed, and the namespace they are told in.
fn settle(sockets: &mut Sockets, port: u16) -> (BTreeMap<Role, u64>, u32) {
    let (mut calls, mut ends, mut netns) = (BTreeMap::new(), BTreeMap::new(), 0);
    let deadline = Instant::now() + Duration::from_secs(20);
    while ends.values().sum::<u64>() < 2 {
        for edge in sockets.harvest().expect("maps") {
            if edge.key.port == port {
                netns = edge.key.netns;
                *calls.entry(edge.key.role).or_default() += edge.counts.calls;
                *ends.entry(edge.key.role).or_default() += edge.counts.closed;
            }
        }
        assert!(Instant::now() < deadline, "connections stay open: {calls:?}");
        thread::sleep(Duration::from_millis(20));
    }
    (calls, netns)
}

/// On the loopback of several processors packets overtake each other, and of one that comes late no frame is followed.
fn stay_on_one_processor() {
    let own = std::process::id().to_string();
    let pinned = Command::new("taskset")
        .args(["-a", "-c", "-p", "0", &own])
        .output();
    assert!(pinned.expect("taskset runs").status.success());
}

#[test]
fn each_call_counts_wherever_its_frames_are_cut() {
    let _one = ONE.lock();
    stay_on_one_processor();
    for tier in Tier::ALL {
        let Some(mut sockets) = start(tier) else { return };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || serve(listener));
        exchange(address, AT_ONCE as u32);
        let (_, netns) = settle(&mut sockets, address.port());
        let endpoint = Endpoint {
            address: address.ip(),
            netns,
            port: address.port(),
        };
        sockets
            .set_verdict(endpoint, Protocol::Kafka)
            .expect("a verdict is written");
        exchange(address, CALLS);
        let (calls, _) = settle(&mut sockets, address.port());
        let all = u64::from(CALLS);
        let expected = BTreeMap::from([(Role::Client, all), (Role::Server, all)]);
        assert_eq!(calls, expected, "tier {tier}");
    }
}
