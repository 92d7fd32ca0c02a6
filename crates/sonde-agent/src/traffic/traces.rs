//! Single calls, with what was called. Nothing is kept that is not folded: statements are without their literals, routes
//! without their ids, and no header or body is stored. Pure.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use sonde_bpf::sockets::Sample;
use sonde_l7::{Transport, describe};
use sonde_model::{KeptBecause, Owner, TracedCall, Traces};

/// So many calls are kept; one takes some 500 bytes.
pub(crate) const TRACES_MAX: usize = 4_096;

/// The newest single calls.
#[derive(Debug, Default)]
pub(crate) struct Traced {
    calls: VecDeque<TracedCall>,
    /// Calls that made room for younger ones.
    pub(crate) dropped: u64,
}

impl Traced {
    /// Keeps a call.
    pub(crate) fn take(&mut self, sample: &Sample, time: Timestamp, owner: Owner) {
        if self.calls.len() >= TRACES_MAX {
            self.calls.pop_front();
            self.dropped += 1;
        }
        self.calls.push_back(traced(sample, time, owner));
    }

    /// How many are kept.
    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    /// Calls from the one of number `from` on, at most so many; the number after the last one; and how many of them are
    /// gone. Calls are numbered from 0 as they come.
    pub(crate) fn since(&self, from: u64, most: usize) -> (Vec<&TracedCall>, u64, u64) {
        let gone = self.dropped.saturating_sub(from);
        let first = from.max(self.dropped);
        let skip = usize::try_from(first - self.dropped).unwrap_or(usize::MAX);
        let calls: Vec<_> = self.calls.iter().skip(skip).take(most).collect();
        let next = first + calls.len() as u64;
        (calls, next, gone)
    }

    /// The calls of the time `last` before now; all without it.
    pub(crate) fn answer(
        &self,
        node: &str,
        (slow_ns, one_of): (u64, u32),
        last: Option<SignedDuration>,
        now: Timestamp,
        lost: u64,
    ) -> Traces {
        let from = last.and_then(|last| now.saturating_sub(last).ok());
        Traces {
            schema: Traces::SCHEMA.to_owned(),
            node: node.to_owned(),
            now,
            slow_ns,
            one_of,
            calls: self
                .calls
                .iter()
                .filter(|call| from.is_none_or(|from| call.time >= from))
                .cloned()
                .collect(),
            lost,
            dropped: self.dropped,
        }
    }
}

fn traced(sample: &Sample, time: Timestamp, owner: Owner) -> TracedCall {
    let nanos = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let reason = sample.reason;
    let because = [
        (reason.slow, KeptBecause::Slow),
        (reason.failed, KeptBecause::Failed),
        (!reason.slow && !reason.failed, KeptBecause::Chosen),
    ];
    let mut call = TracedCall {
        time,
        owner,
        role: sample.edge.role,
        remote: sample.edge.remote,
        port: sample.edge.port,
        protocol: String::new(),
        operation: String::new(),
        target: String::new(),
        status: None,
        failure: String::new(),
        trace_id: String::new(),
        total_ns: nanos(sample.total),
        waited_ns: nanos(sample.waited),
        worked_ns: nanos(sample.worked),
        because: because
            .into_iter()
            .filter(|(holds, _)| *holds)
            .map(|(_, it)| it)
            .collect(),
    };
    if let Some(protocol) = sample.edge.protocol {
        protocol.name().clone_into(&mut call.protocol);
        describe(
            Transport::Tcp,
            protocol,
            &sample.request,
            &sample.answer,
            |told| {
                told.protocol.name().clone_into(&mut call.protocol);
                told.request.operation.clone_into(&mut call.operation);
                call.target = told.request.target.key();
                call.status = told.response.and_then(|it| it.status);
                if let Some(failure) = told.error() {
                    let sentence = String::from_utf8_lossy(failure.message);
                    call.failure = format!("{} {}", failure.code, sentence.trim()).trim().to_owned();
                }
                if let Some(trace) = told.request.trace {
                    call.trace_id = String::from_utf8_lossy(trace.id).into_owned();
                }
            },
        );
    }
    call
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use sonde_bpf::sockets::{EdgeKey, Endpoint, Reason};
    use sonde_l7::Protocol;
    use sonde_model::Role;

    use super::*;

    fn sample(request: &[u8], answer: &[u8], protocol: Option<Protocol>) -> Sample {
        let address = IpAddr::from([10, 0, 0, 1]);
        Sample {
            edge: EdgeKey {
                group: 1,
                remote: address,
                netns: 1,
                port: 80,
                role: Role::Server,
                protocol,
            },
            endpoint: Endpoint {
                address,
                netns: 1,
                port: 80,
            },
            cookie: 9,
            since_boot: Duration::ZERO,
            number: 1,
            total: Duration::from_millis(3),
            waited: Duration::from_millis(1),
            worked: Duration::from_millis(2),
            reason: Reason {
                verdict: false,
                slow: false,
                failed: true,
            },
            request: request.to_vec(),
            request_length: request.len() as u64,
            answer: answer.to_vec(),
        }
    }

    #[test]
    fn a_call_is_told_without_what_varies() {
        let request = b"GET /orders/4711?token=s3cret HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer abc\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n";
        let answer = b"HTTP/1.1 503 Service Unavailable\r\n\r\n";
        let call = traced(
            &sample(request, answer, Some(Protocol::Http1)),
            Timestamp::UNIX_EPOCH,
            Owner::default(),
        );
        assert_eq!(
            (call.operation.as_str(), call.target.as_str(), call.status),
            ("GET", "/orders/{id}", Some(503))
        );
        assert_eq!(call.trace_id, "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(call.because, [KeptBecause::Failed]);
        let all = format!("{call:?}");
        assert!(!all.contains("s3cret") && !all.contains("abc"), "{all}");
    }

    #[test]
    fn without_a_verdict_only_the_times_are_known() {
        let call = traced(
            &sample(b"\x01\x02", b"\x03", None),
            Timestamp::UNIX_EPOCH,
            Owner::default(),
        );
        assert_eq!((call.protocol.as_str(), call.operation.as_str()), ("", ""));
        assert_eq!(
            (call.total_ns, call.waited_ns, call.worked_ns),
            (3_000_000, 1_000_000, 2_000_000)
        );
    }

    #[test]
    fn the_oldest_make_room() {
        let mut traced = Traced::default();
        let one = sample(b"x", b"y", None);
        for second in 0..=TRACES_MAX as i64 {
            traced.take(
                &one,
                Timestamp::from_second(second).expect("in range"),
                Owner::default(),
            );
        }
        assert_eq!((traced.len(), traced.dropped), (TRACES_MAX, 1));
        let now = Timestamp::from_second(TRACES_MAX as i64).expect("in range");
        let last = traced.answer("n1", (0, 0), Some(SignedDuration::from_secs(9)), now, 0);
        assert_eq!(last.calls.len(), 10);
    }
}
