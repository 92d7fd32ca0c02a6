//! Live connections by sock_diag(7), for a tier without iterators: of each network namespace that may be entered.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::IpAddr;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, netlink, socket_with};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use sonde_model::Role;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::read::{address, edge_key};
use super::{Connection, EdgeKey, record};
use crate::Error;

/// More namespaces than this are not entered in one sweep.
const NAMESPACES_MAX: usize = 4_096;
/// Connections of one sweep; more are left out.
const CONNECTIONS_MAX: usize = 262_144;

/// The connections, and of how many network namespaces they could not be had.
pub(super) struct Swept {
    pub(super) connections: Vec<Connection>,
    pub(super) unseen_namespaces: usize,
}

/// Asks every network namespace that a process is in; `states` is the map of what the programs know of a socket.
pub(super) fn sweep(states: BorrowedFd<'_>) -> Result<Swept, Error> {
    let doing = || "sweeping the connections by sock_diag".to_owned();
    let namespaces = namespaces();
    // A thread of its own: it enters other namespaces and does not come back.
    let swept = thread::scope(|scope| {
        scope
            .spawn(move || {
                let mut connections = Vec::new();
                ask(states, &mut connections)?;
                let mut unseen_namespaces = 0;
                for path in namespaces {
                    let entered = File::open(path).and_then(|file| {
                        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
                        Ok(())
                    });
                    match entered {
                        Ok(()) => ask(states, &mut connections)?,
                        // It is gone with its last process.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        Err(_) => unseen_namespaces += 1,
                    }
                }
                Ok(Swept {
                    connections,
                    unseen_namespaces,
                })
            })
            .join()
    });
    match swept {
        Ok(swept) => swept.map_err(|source| Error::File {
            doing: doing(),
            source,
        }),
        Err(_) => Err(Error::Missing("end of the sweeping thread".into())),
    }
}

/// A process in each network namespace but our own.
fn namespaces() -> Vec<PathBuf> {
    let own = fs::read_link("/proc/self/ns/net").unwrap_or_default();
    let mut seen = HashSet::from([own]);
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .map(|process| process.path().join("ns/net"))
        .filter(|path| fs::read_link(path).is_ok_and(|namespace| seen.insert(namespace)))
        .take(NAMESPACES_MAX)
        .collect()
}

/// include/uapi/linux/sock_diag.h, inet_diag.h, netlink.h
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST_DUMP: u16 = 0x301;
const INET_DIAG_INFO: u16 = 2;
const INET_DIAG_SK_BPF_STORAGES: u16 = 20;
const INET_DIAG_CGROUP_ID: u16 = 21;
const INET_DIAG_REQ_SK_BPF_STORAGES: u16 = 2;
const SK_DIAG_BPF_STORAGE_REQ_MAP_FD: u16 = 1;
const SK_DIAG_BPF_STORAGE: u16 = 1;
const SK_DIAG_BPF_STORAGE_MAP_VALUE: u16 = 3;
/// Of an attribute's type: the rest are flags.
const TYPE: u16 = 0x3fff;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const TCP: u8 = 6;
/// include/net/tcp_states.h
const LISTEN: u8 = 10;
/// All but TIME-WAIT, CLOSED and half-open ones, which have no socket.
const STATES: u32 = !(1 << 6 | 1 << 7 | 1 << 12);

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy)]
#[repr(C)]
struct Header {
    length: u32,
    kind: u16,
    flags: u16,
    sequence: u32,
    port: u32,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Clone, Copy, Default)]
#[repr(C)]
struct Id {
    local_port: [u8; 2],
    remote_port: [u8; 2],
    local: [u8; 16],
    remote: [u8; 16],
    interface: u32,
    cookie: [u32; 2],
}

#[derive(IntoBytes, Immutable)]
#[repr(C)]
struct Request {
    header: Header,
    family: u8,
    protocol: u8,
    extensions: u8,
    pad: u8,
    states: u32,
    id: Id,
    storages_length: u16,
    storages_kind: u16,
    map_length: u16,
    map_kind: u16,
    map: i32,
}

#[derive(FromBytes, Immutable, KnownLayout, Clone, Copy)]
#[repr(C)]
struct Answer {
    family: u8,
    state: u8,
    timer: u8,
    retransmits: u8,
    id: Id,
    expires: u32,
    receive_queue: u32,
    write_queue: u32,
    user: u32,
    inode: u32,
}

/// The beginning of `struct call_state` (`programs/calls.h`).
#[derive(FromBytes, Immutable, KnownLayout, Clone, Copy)]
#[repr(C)]
struct StateKept {
    turns: [u64; 5],
    sequences: [u32; 4],
    edge: record::EdgeKey,
    connect_ns: u64,
    calls: u64,
}

/// What is looked at of `struct tcp_info` (include/uapi/linux/tcp.h), by its place.
const RTT: usize = 68;
const TOTAL_RETRANS: usize = 100;
const BYTES_ACKED: usize = 120;
const BYTES_RECEIVED: usize = 128;
const MIN_RTT: usize = 148;
const SND_WND: usize = 228;

/// The connections of the namespace that this thread is in.
fn ask(states: BorrowedFd<'_>, to: &mut Vec<Connection>) -> io::Result<()> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    let mut socket = File::from(socket);
    let mut told: Vec<Told> = Vec::new();
    for family in [AF_INET, AF_INET6] {
        socket.write_all(request(family, states).as_bytes())?;
        read_answers(&mut socket, &mut told)?;
    }
    let listeners: HashSet<[u8; 2]> = told
        .iter()
        .filter(|it| it.answer.state == LISTEN)
        .map(|it| it.answer.id.local_port)
        .collect();
    let connections = told
        .iter()
        // Without an inode no process has it any more.
        .filter(|it| it.answer.state != LISTEN && it.answer.inode != 0)
        .map(|it| it.connection(listeners.contains(&it.answer.id.local_port)));
    let room = CONNECTIONS_MAX.saturating_sub(to.len());
    to.extend(connections.take(room));
    Ok(())
}

fn request(family: u8, states: BorrowedFd<'_>) -> Request {
    Request {
        header: Header {
            length: size_of::<Request>() as u32,
            kind: SOCK_DIAG_BY_FAMILY,
            flags: NLM_F_REQUEST_DUMP,
            sequence: 0,
            port: 0,
        },
        family,
        protocol: TCP,
        extensions: 1 << (INET_DIAG_INFO - 1),
        pad: 0,
        states: STATES,
        id: Id::default(),
        storages_length: 12,
        storages_kind: INET_DIAG_REQ_SK_BPF_STORAGES,
        map_length: 8,
        map_kind: SK_DIAG_BPF_STORAGE_REQ_MAP_FD,
        map: states.as_raw_fd(),
    }
}

fn read_answers(socket: &mut File, to: &mut Vec<Told>) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let bytes = socket.read(&mut buffer)?;
        let mut rest = &buffer[..bytes];
        while let Ok((header, _)) = Header::read_from_prefix(rest) {
            let length = header.length as usize;
            let Some(body) = rest.get(size_of::<Header>()..length) else {
                break;
            };
            match header.kind {
                NLMSG_DONE => return Ok(()),
                NLMSG_ERROR => return Err(refused(body)),
                _ => to.extend(Told::read(body)),
            }
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        if bytes == 0 {
            return Ok(());
        }
    }
}

/// An error message begins with the negative number of the error.
fn refused(body: &[u8]) -> io::Error {
    let number = i32::read_from_prefix(body).map_or(0, |(number, _)| number);
    io::Error::from_raw_os_error(-number)
}

/// One socket as sock_diag tells it.
struct Told {
    answer: Answer,
    info: Vec<u8>,
    group: u64,
    state: Option<StateKept>,
}

impl Told {
    fn read(body: &[u8]) -> Option<Self> {
        let (answer, attributes) = Answer::read_from_prefix(body).ok()?;
        let attributes: HashMap<u16, &[u8]> = each_attribute(attributes).collect();
        let kept = attributes
            .get(&INET_DIAG_SK_BPF_STORAGES)
            .and_then(|it| attribute(it, SK_DIAG_BPF_STORAGE))
            .and_then(|it| attribute(it, SK_DIAG_BPF_STORAGE_MAP_VALUE));
        let group = attributes.get(&INET_DIAG_CGROUP_ID);
        Some(Self {
            answer,
            info: attributes.get(&INET_DIAG_INFO)?.to_vec(),
            group: group
                .and_then(|it| Some(u64::read_from_prefix(it).ok()?.0))
                .unwrap_or(0),
            state: kept.and_then(|it| Some(StateKept::read_from_prefix(it).ok()?.0)),
        })
    }

    fn connection(&self, is_listened: bool) -> Connection {
        let id = &self.answer.id;
        let (local_port, remote_port) = (
            u16::from_be_bytes(id.local_port),
            u16::from_be_bytes(id.remote_port),
        );
        let mut edge = self.state.map_or_else(
            || EdgeKey {
                group: 0,
                remote: self.ip(id.remote),
                netns: 0,
                port: if is_listened { local_port } else { remote_port },
                role: if is_listened { Role::Server } else { Role::Client },
                protocol: None,
            },
            |it| edge_key(&it.edge),
        );
        if edge.group == 0 {
            edge.group = self.group;
        }
        Connection {
            edge,
            local: self.ip(id.local),
            local_port,
            remote_port,
            cookie: u64::from(id.cookie[1]) << 32 | u64::from(id.cookie[0]),
            bytes_acked: self.number(BYTES_ACKED),
            bytes_received: self.number(BYTES_RECEIVED),
            calls: self.state.map_or(0, |it| it.calls),
            smoothed_rtt: Duration::from_micros(self.half(RTT).into()),
            min_rtt: Duration::from_micros(match self.half(MIN_RTT) {
                u32::MAX => 0,
                known => known.into(),
            }),
            retransmits: self.half(TOTAL_RETRANS),
            unacked: self.answer.write_queue,
            unread: self.answer.receive_queue,
            peer_window: self.half(SND_WND),
            state: self.answer.state,
        }
    }

    fn ip(&self, bytes: [u8; 16]) -> IpAddr {
        match (self.answer.family, bytes) {
            (AF_INET, [a, b, c, d, ..]) => IpAddr::from([a, b, c, d]),
            _ => address(bytes),
        }
    }

    /// A number of `struct tcp_info`; 0 where the kernel's is shorter.
    fn half(&self, at: usize) -> u32 {
        let bytes = self.info.get(at..).unwrap_or_default();
        u32::read_from_prefix(bytes).map_or(0, |(number, _)| number)
    }

    fn number(&self, at: usize) -> u64 {
        let bytes = self.info.get(at..).unwrap_or_default();
        u64::read_from_prefix(bytes).map_or(0, |(number, _)| number)
    }
}

/// Netlink attributes: length and type, two bytes each, then what they hold, to a multiple of four bytes.
fn each_attribute(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let ([length, kind], _) = <[u16; 2]>::read_from_prefix(bytes).ok()?;
        let length = usize::from(length);
        let held = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind & TYPE, held))
    })
}

fn attribute(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    each_attribute(bytes)
        .find(|(it, _)| *it == kind)
        .map(|(_, held)| held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_end_where_the_bytes_do() {
        let bytes = [
            6, 0, 1, 0, 7, 8, 0, 0, // two bytes and their padding
            8, 0, 2, 0x80, 1, 2, 3, 4, // a flag beside the type
            200, 0, 3, 0, 9, // longer than what is left
        ];
        let read: Vec<_> = each_attribute(&bytes).collect();
        assert_eq!(read, [(1, &[7, 8][..]), (2, &[1, 2, 3, 4])]);
        assert_eq!(each_attribute(&[0, 0, 1, 0, 1]).count(), 0, "a length of nothing");
        assert_eq!(attribute(&bytes, 2), Some(&[1, 2, 3, 4][..]));
    }
}
