//! Only a protocol's own dialect may claim its samples.

use super::*;
use crate::verdict::weight;

#[test]
fn only_the_own_dialect_claims_a_sample() {
    for sample in all() {
        let turns = sample.turns(usize::MAX);
        for protocol in Protocol::ALL {
            let Some(dialect) = protocol.dialect(sample.transport) else {
                continue;
            };
            for client in [A, B] {
                let claimed = weight(dialect, &turns, client, None) >= 2;
                let own = *protocol == sample.protocol && client == A;
                let (name, other) = (sample.protocol.name(), protocol.name());
                assert_eq!(
                    claimed, own,
                    "{name} {}: {other} with client {client:?}",
                    sample.name
                );
            }
        }
    }
}

#[test]
fn a_prefix_is_enough() {
    for sample in all() {
        let verdict = judge(sample.transport, &sample.turns(256), None);
        let expected = Verdict {
            protocol: sample.protocol,
            server: B,
        };
        assert_eq!(
            verdict,
            Some(expected),
            "{} {}",
            sample.protocol.name(),
            sample.name
        );
    }
}

/// A start that was missed costs time, never a wrong verdict.
#[test]
fn a_late_start_is_never_judged_wrong() {
    for sample in all() {
        for skipped in 0..sample.turns.len() {
            for cut in [0, 1, 7] {
                let mut turns = sample.turns(usize::MAX).split_off(skipped);
                let cut = cut.min(turns[0].bytes.len());
                turns[0].bytes = &turns[0].bytes[cut..];
                turns[0].len -= cut as u64;
                if let Some(verdict) = judge(sample.transport, &turns, None) {
                    assert_eq!(verdict.protocol, sample.protocol, "{}", sample.name);
                    assert_eq!(verdict.server, B, "{}", sample.name);
                }
            }
        }
    }
}

/// Requests of one protocol and responses of another are nobody's.
#[test]
fn mixed_turns_are_nobodys() {
    let samples = all();
    for one in &samples {
        for other in &samples {
            if one.protocol == other.protocol || one.transport != other.transport {
                continue;
            }
            let (first, second) = (one.turns(usize::MAX), other.turns(usize::MAX));
            let Some(request) = first.iter().find(|turn| turn.side == A) else {
                continue;
            };
            for response in second.iter().filter(|turn| turn.side == B) {
                let verdict = judge(one.transport, &[*request, *response], None);
                assert_eq!(verdict, None, "{} by {}", one.name, other.name);
            }
        }
    }
}
