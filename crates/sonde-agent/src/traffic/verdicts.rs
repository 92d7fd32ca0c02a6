//! Which protocol a connection speaks, from its first calls. Pure.

use std::collections::{HashMap, VecDeque};

use sonde_bpf::sockets::Sample;
use sonde_l7::{Protocol, Side, Transport, Turn, judge};

/// Connections whose first calls are kept while there is no verdict.
const CONNECTIONS_MAX: usize = 1_024;
/// Calls of one connection; the kernel sends no more.
const CALLS_MAX: usize = 4;

/// The first calls of connections that have no verdict yet.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    open: HashMap<u64, Vec<Exchange>>,
    order: VecDeque<u64>,
}

#[derive(Debug)]
struct Exchange {
    request: Vec<u8>,
    request_length: u64,
    answer: Vec<u8>,
}

impl Verdicts {
    /// Takes a call; says what the connection speaks as soon as its calls show it.
    pub(crate) fn take(&mut self, sample: &Sample) -> Option<Protocol> {
        if !self.open.contains_key(&sample.cookie) {
            if self.order.len() >= CONNECTIONS_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.open.remove(&oldest);
            }
            self.order.push_back(sample.cookie);
        }
        let exchanges = self.open.entry(sample.cookie).or_default();
        if exchanges.len() < CALLS_MAX {
            exchanges.push(Exchange {
                request: sample.request.clone(),
                request_length: sample.request_length,
                answer: sample.answer.clone(),
            });
        }
        let turns: Vec<Turn<'_>> = exchanges.iter().flat_map(Exchange::turns).collect();
        let verdict = judge(Transport::Tcp, &turns, Some(Side::A))?;
        self.open.remove(&sample.cookie);
        self.order.retain(|cookie| *cookie != sample.cookie);
        Some(verdict.protocol)
    }
}

impl Exchange {
    fn turns(&self) -> [Turn<'_>; 2] {
        [
            Turn {
                side: Side::A,
                bytes: &self.request,
                len: self.request_length.max(self.request.len() as u64),
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
