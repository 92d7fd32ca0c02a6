//! What must hold for any bytes.

use proptest::prelude::*;

use super::*;
use crate::verdict::Role;

fn segments() -> impl Strategy<Value = Vec<(bool, Vec<u8>, u64, bool)>> {
    let segment = (
        any::<bool>(),
        proptest::collection::vec(any::<u8>(), 0..300),
        0_u64..2000,
        any::<bool>(),
    );
    proptest::collection::vec(segment, 0..8)
}

fn side(first: bool) -> Side {
    if first { A } else { B }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_nobodys(turns in segments(), udp: bool) {
        let transport = if udp { Transport::Udp } else { Transport::Tcp };
        let turns: Vec<Turn<'_>> = turns
            .iter()
            .map(|(first, bytes, more, _)| Turn { side: side(*first), bytes, len: bytes.len() as u64 + more })
            .collect();
        prop_assert_eq!(judge(transport, &turns, None), None);
    }

    #[test]
    fn random_bytes_do_no_harm(segments in segments(), at in any::<prop::sample::Index>()) {
        let protocol = *at.get(Protocol::ALL);
        for transport in [Transport::Tcp, Transport::Udp] {
            for start in [Start::Fresh, Start::Midway] {
                let verdict = Verdict { protocol, server: B };
                let Some(mut connection) = Connection::new(transport, verdict, start) else { continue };
                for (time_ns, (first, bytes, more, lost_before)) in segments.iter().enumerate() {
                    let segment = Segment {
                        side: side(*first),
                        time_ns: time_ns as u64,
                        bytes,
                        len: bytes.len() as u64 + if *lost_before { *more } else { 0 },
                        lost_before: *lost_before,
                    };
                    connection.feed(segment, &mut |call| drop(shown(call)));
                    let _ = crate::redact(Some(protocol), Role::Client, bytes);
                }
                connection.close(99, &mut |call| drop(shown(call)));
            }
        }
    }

    /// Samples with bytes changed, removed and repeated.
    #[test]
    fn damage_does_no_harm(
        at in any::<prop::sample::Index>(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..6),
        hole in 0_u64..3000,
    ) {
        let samples = all();
        let sample = at.get(&samples);
        let mut turns = sample.turns.clone();
        for (at, byte, kind) in &damage {
            let turn = at.index(turns.len());
            let bytes = &mut turns[turn].1;
            if bytes.is_empty() {
                continue;
            }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = *byte,
                1 => bytes.truncate(at),
                2 => bytes.insert(at, *byte),
                _ => drop(bytes.drain(..at)),
            }
        }
        let mut connection = sample.connection();
        for (at, (side, bytes)) in turns.iter().enumerate() {
            let segment = Segment {
                side: *side,
                time_ns: at as u64,
                bytes,
                len: bytes.len() as u64 + if at % 2 == 0 { 0 } else { hole },
                lost_before: false,
            };
            let role = if *side == A { Role::Client } else { Role::Server };
            let hidden = crate::redact(Some(sample.protocol), role, bytes);
            prop_assert_eq!(hidden.len(), bytes.len());
            connection.feed(segment, &mut |call| drop(shown(call)));
        }
        connection.close(99, &mut |call| drop(shown(call)));
    }

    #[test]
    fn any_split_gives_the_same_calls(
        at in any::<prop::sample::Index>(),
        cuts in proptest::collection::vec(1_usize..40, 1..20),
    ) {
        let samples = all();
        let sample = at.get(&samples);
        if sample.transport == Transport::Tcp {
            let mut cuts = cuts.iter().cycle();
            let mut pieces: Vec<(Side, &[u8])> = Vec::new();
            for (side, bytes) in &sample.turns {
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    let (piece, tail) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                    pieces.push((*side, piece));
                    rest = tail;
                }
            }
            prop_assert_eq!(calls(sample.connection(), &pieces), sample.calls.clone());
        }
    }

    /// From a stream with a hole, every call that is told is one of the stream's own.
    #[test]
    fn loss_makes_no_calls_up(
        at in any::<prop::sample::Index>(),
        lost in any::<prop::sample::Index>(),
    ) {
        let samples = all();
        let sample = at.get(&samples);
        let lost = lost.index(sample.turns.len());
        let mut connection = sample.connection();
        let mut found = Vec::new();
        let mut missing = [false; 2];
        for (at, (side, bytes)) in sample.turns.iter().enumerate() {
            if at == lost {
                missing[usize::from(*side == B)] = true;
                continue;
            }
            let segment = Segment {
                lost_before: std::mem::take(&mut missing[usize::from(*side == B)]),
                ..Segment::whole(*side, at as u64, bytes)
            };
            connection.feed(segment, &mut |call| found.push(call.request.operation.to_owned()));
        }
        for operation in found {
            // What was prepared in a turn that was lost has no command, and an error may have lost its message.
            if matches!(operation.as_str(), "EXECUTE" | "-ERR") {
                continue;
            }
            prop_assert!(
                sample.calls.iter().any(|call| call.contains(&operation)),
                "{} {}: {}", sample.protocol.name(), sample.name, operation
            );
        }
    }
}

/// Random bytes behind a plausible start are more dangerous than random bytes alone.
#[test]
fn plausible_lengths_with_random_bodies_are_nobodys() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..20_000 {
        let mut turns = Vec::new();
        for at in 0..4 {
            let len = 8 + (next() % 60) as usize;
            let mut bytes: Vec<u8> = (0..len).map(|_| next() as u8).collect();
            match (round + at) % 5 {
                0 => bytes[..4].copy_from_slice(&(len as u32 - 4).to_be_bytes()),
                1 => bytes[..4].copy_from_slice(&(len as u32).to_le_bytes()),
                2 => bytes[..3].copy_from_slice(&(len as u32 - 4).to_le_bytes()[..3]),
                3 => bytes[1..5].copy_from_slice(&(len as u32 - 1).to_be_bytes()),
                _ => bytes[..2].copy_from_slice(&(len as u16 - 2).to_be_bytes()),
            }
            turns.push((side(at % 2 == 0), bytes));
        }
        let turns: Vec<Turn<'_>> = turns
            .iter()
            .map(|(side, bytes)| Turn {
                side: *side,
                bytes,
                len: bytes.len() as u64,
            })
            .collect();
        assert_eq!(judge(Transport::Tcp, &turns, None), None, "{turns:?}");
    }
}
