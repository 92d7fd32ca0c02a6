//! One edge of what both ends of the same calls saw.

use std::collections::BTreeMap;

use sonde_model::{CallCounts, CallEdge, Calls, ObjectRef, Role};

use crate::names::Remote;
use crate::{Level, Name, Names};

/// Who calls whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// By caller, callee and port.
    pub edges: Vec<Edge>,
}

/// The calls from one name to another, with both ends' counts kept apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The caller.
    pub from: Name,
    /// The callee.
    pub to: Name,
    /// The callee's port, as it listens on it.
    pub port: u16,
    /// The protocol's name, by the verdict of either end; empty while there is none.
    pub protocol: String,
    /// The service that was called on the way, where it was one.
    pub service: Option<ObjectRef>,
    /// What the caller's node counted; absent where no agent sees it.
    pub client: Option<CallCounts>,
    /// What the callee's node counted; absent where no agent sees it.
    pub server: Option<CallCounts>,
}

impl Edge {
    /// The counts to show: the callee's, which know the wait, else the caller's.
    pub fn counts(&self) -> &CallCounts {
        static NONE: std::sync::LazyLock<CallCounts> = std::sync::LazyLock::new(CallCounts::default);
        self.server.as_ref().or(self.client.as_ref()).unwrap_or(&NONE)
    }

    /// What is left between both ends, per call in nanoseconds: the network, and the kernels on the way. `None` where
    /// an end is not seen.
    pub fn network_ns(&self) -> Option<u64> {
        let (client, server) = (self.client.as_ref()?, self.server.as_ref()?);
        Some(mean(client.total_ns, client.calls)?.saturating_sub(mean(server.total_ns, server.calls)?))
    }

    /// How far the ends' counts are apart, as a share of the larger. `None` where an end is not seen.
    pub fn mismatch(&self) -> Option<f64> {
        let (client, server) = (self.client.as_ref()?.calls, self.server.as_ref()?.calls);
        let most = client.max(server);
        (most > 0).then(|| client.abs_diff(server) as f64 / most as f64)
    }
}

pub(crate) fn mean(sum: u64, count: u64) -> Option<u64> {
    sum.checked_div(count)
}

/// Joins what agents counted to a graph at a level.
pub fn join(answers: &[Calls], names: &Names, level: Level) -> Graph {
    let mut edges: BTreeMap<(Name, Name, u16), Edge> = BTreeMap::new();
    for answer in answers {
        for seen in &answer.edges {
            add(&mut edges, answer, seen, names, level);
        }
    }
    Graph {
        edges: edges.into_values().collect(),
    }
}

fn add(
    edges: &mut BTreeMap<(Name, Name, u16), Edge>,
    answer: &Calls,
    seen: &CallEdge,
    names: &Names,
    level: Level,
) {
    let own = names.of_owner(&seen.owner, &answer.node, level);
    let Remote {
        name: remote,
        port,
        service,
    } = names.of_address(seen.remote, seen.port, (seen.since, answer.now), level);
    let (from, to, port, service) = match seen.role {
        Role::Client => (own, remote, port, service),
        // The caller's address says nothing of the port that the callee listens on.
        Role::Server => (remote, own, seen.port, None),
    };
    let edge = edges
        .entry((from.clone(), to.clone(), port))
        .or_insert_with(|| Edge {
            from,
            to,
            port,
            protocol: String::new(),
            service: None,
            client: None,
            server: None,
        });
    if edge.protocol.is_empty() {
        edge.protocol.clone_from(&seen.protocol);
    }
    edge.service = edge.service.take().or(service);
    let end = match seen.role {
        Role::Client => &mut edge.client,
        Role::Server => &mut edge.server,
    };
    end.get_or_insert_default().add(&seen.counts);
}
