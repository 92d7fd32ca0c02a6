//! Which protocol each of many connections speaks, from their first calls.

use std::collections::{HashMap, VecDeque};

use crate::{Protocol, Side, Transport, Turn, judge};

/// Connections whose first calls are kept while there is no verdict.
const CONNECTIONS_MAX: usize = 1_024;
/// Calls kept of one connection.
const CALLS_MAX: usize = 4;

/// The beginnings of a request and of its answer.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// The request's first bytes.
    pub request: &'a [u8],
    /// All bytes of the request.
    pub request_len: u64,
    /// The answer's first bytes.
    pub answer: &'a [u8],
}

/// The first calls of connections that have no verdict yet.
#[derive(Debug, Default)]
pub struct Verdicts {
    open: HashMap<u64, Vec<Kept>>,
    order: VecDeque<u64>,
}

#[derive(Debug)]
struct Kept {
    request: Vec<u8>,
    request_len: u64,
    answer: Vec<u8>,
}

impl Verdicts {
    /// Takes a call of a connection; says what the connection speaks as soon as its calls show it.
    pub fn take(&mut self, connection: u64, exchange: Exchange<'_>) -> Option<Protocol> {
        if !self.open.contains_key(&connection) {
            if self.order.len() >= CONNECTIONS_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.open.remove(&oldest);
            }
            self.order.push_back(connection);
        }
        let calls = self.open.entry(connection).or_default();
        if calls.len() < CALLS_MAX {
            calls.push(Kept {
                request: exchange.request.to_vec(),
                request_len: exchange.request_len,
                answer: exchange.answer.to_vec(),
            });
        }
        let turns: Vec<Turn<'_>> = calls.iter().flat_map(Kept::turns).collect();
        let verdict = judge(Transport::Tcp, &turns, Some(Side::A))?;
        self.open.remove(&connection);
        self.order.retain(|it| *it != connection);
        Some(verdict.protocol)
    }
}

impl Kept {
    fn turns(&self) -> [Turn<'_>; 2] {
        [
            Turn {
                side: Side::A,
                bytes: &self.request,
                len: self.request_len.max(self.request.len() as u64),
            },
            Turn {
                side: Side::B,
                bytes: &self.answer,
                // Only its beginning has been seen when the sample was made.
                len: u64::from(u32::MAX),
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange<'a>(request: &'a [u8], answer: &'a [u8]) -> Exchange<'a> {
        Exchange {
            request,
            request_len: request.len() as u64,
            answer,
        }
    }

    #[test]
    fn each_connection_is_judged_by_its_own_calls() {
        let mut verdicts = Verdicts::default();
        assert_eq!(verdicts.take(1, exchange(b"\x01\x02", b"\x03")), None);
        assert_eq!(
            verdicts.take(2, exchange(b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n")),
            Some(Protocol::Redis)
        );
        assert_eq!(
            verdicts.take(
                1,
                exchange(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 200 OK\r\n")
            ),
            Some(Protocol::Http1)
        );
        assert!(verdicts.open.is_empty() && verdicts.order.is_empty());
    }

    #[test]
    fn connections_that_nobody_can_judge_are_forgotten() {
        let mut verdicts = Verdicts::default();
        for connection in 0..=CONNECTIONS_MAX as u64 {
            for _ in 0..=CALLS_MAX {
                assert_eq!(verdicts.take(connection, exchange(b"\x01\x02", b"\x03")), None);
            }
        }
        assert_eq!(
            (verdicts.open.len(), verdicts.order.len()),
            (CONNECTIONS_MAX, CONNECTIONS_MAX)
        );
        assert!(verdicts.open.values().all(|calls| calls.len() == CALLS_MAX));
    }
}
