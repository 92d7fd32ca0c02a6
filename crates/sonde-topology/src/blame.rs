//! From a slow edge to the place where the time goes.

use crate::graph::mean;
use crate::{Edge, Graph, Name};

/// More hops than this are a loop or a chain that nobody can read.
const HOPS_MAX: usize = 16;

/// Where most of a call's time goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Requests wait unread in the receive queue: the callee is saturated.
    Queue(Name),
    /// The callee itself works that long.
    Application(Name),
    /// The callee works that long, or the requests wait unread: its agent cannot tell the two apart.
    ApplicationOrQueue(Name),
    /// Between the two.
    Network(Name, Name),
    /// At the callee or beyond it: no agent sees its end.
    Unseen(Name),
}

/// The way from the edge that was asked about to the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blame {
    /// Where most of the time goes.
    pub place: Place,
    /// The edges followed, as numbers in the graph, the asked one first.
    pub way: Vec<usize>,
    /// Nanoseconds per call that are spent at the place, of the last edge's calls.
    pub spent_ns: u64,
    /// Nanoseconds per call of the last edge in all.
    pub total_ns: u64,
}

/// Follows an edge of the graph to where most of its time goes; `None` where it has no calls.
///
/// At each callee the largest part decides: the network, the wait in its receive queue, or its own work. Work during
/// which the callee itself waits for others, for more than half of it, belongs to the slowest of these.
pub fn blame(graph: &Graph, edge: usize) -> Option<Blame> {
    let mut way = vec![edge];
    loop {
        let at = graph.edges.get(*way.last()?)?;
        let parts = Parts::of(at)?;
        let blame = |place, spent_ns| Blame {
            place,
            way: way.clone(),
            spent_ns,
            total_ns: parts.total,
        };
        let Some((waited, worked)) = parts.server else {
            return Some(blame(Place::Unseen(at.to.clone()), parts.total));
        };
        if parts.network >= waited && parts.network >= worked {
            return Some(blame(
                Place::Network(at.from.clone(), at.to.clone()),
                parts.network,
            ));
        }
        if waited >= worked {
            return Some(blame(Place::Queue(at.to.clone()), waited));
        }
        match slowest_call(graph, &at.to).filter(|next| !way.contains(next)) {
            Some(next) if way.len() < HOPS_MAX => way.push(next),
            _ if parts.wait_is_known => return Some(blame(Place::Application(at.to.clone()), worked)),
            _ => return Some(blame(Place::ApplicationOrQueue(at.to.clone()), worked)),
        }
    }
}

/// Parts of a call's time in nanoseconds, on average.
struct Parts {
    total: u64,
    network: u64,
    /// Waited and worked; `None` where the callee's end is not seen.
    server: Option<(u64, u64)>,
    /// Of some call it is known how long it lay unread.
    wait_is_known: bool,
}

impl Parts {
    fn of(edge: &Edge) -> Option<Self> {
        let server = edge.server.as_ref().filter(|server| server.calls > 0);
        let client = edge.client.as_ref().filter(|client| client.calls > 0);
        let whole = client.or(server)?;
        Some(Self {
            wait_is_known: server.is_some_and(|it| it.with_wait > 0),
            total: mean(whole.total_ns, whole.calls)?,
            network: edge.network_ns().unwrap_or(0),
            server: server
                .and_then(|it| Some((mean(it.waited_ns, it.calls)?, mean(it.worked_ns, it.calls)?))),
        })
    }
}

/// The edge on which a callee waits most, if it spends more than half of all its work waiting for others.
fn slowest_call(graph: &Graph, callee: &Name) -> Option<usize> {
    let sum = |times: &mut dyn Iterator<Item = u64>| times.fold(0_u64, u64::saturating_add);
    let worked = sum(&mut graph
        .edges
        .iter()
        .filter(|edge| edge.to == *callee)
        .filter_map(|edge| Some(edge.server.as_ref()?.worked_ns)));
    let outgoing = |edge: &&Edge| edge.from == *callee && edge.client.is_some();
    let spent = |edge: &Edge| edge.client.as_ref().map_or(0, |client| client.total_ns);
    let waited = sum(&mut graph.edges.iter().filter(outgoing).map(spent));
    if waited.saturating_mul(2) <= worked {
        return None;
    }
    let calls = graph.edges.iter().enumerate().filter(|(_, edge)| outgoing(edge));
    calls.max_by_key(|(_, edge)| spent(edge)).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sonde_model::CallCounts;

    use super::*;

    const MS: u64 = 1_000_000;

    fn name(name: &str) -> Name {
        Name::Group(Arc::from(name))
    }

    /// An edge of 100 calls: what the caller measures, and what the callee waits and works.
    fn edge(from: &str, to: &str, total: u64, server: Option<(u64, u64)>) -> Edge {
        Edge {
            from: name(from),
            to: name(to),
            port: 80,
            protocol: String::new(),
            service: None,
            client: Some(CallCounts {
                calls: 100,
                total_ns: 100 * total * MS,
                ..CallCounts::default()
            }),
            server: server.map(|(waited, worked)| CallCounts {
                calls: 100,
                total_ns: 100 * (waited + worked) * MS,
                waited_ns: 100 * waited * MS,
                worked_ns: 100 * worked * MS,
                with_wait: 100,
                ..CallCounts::default()
            }),
        }
    }

    fn place(edges: Vec<Edge>) -> Place {
        blame(&Graph { edges }, 0).expect("there are calls").place
    }

    #[test]
    fn the_slow_part_is_named_wherever_it_is() {
        let app = |total, server| edge("gateway", "app", total, Some(server));
        let db = |total, server| edge("app", "db", total, Some(server));
        for (what, edges, expected) in [
            (
                "app works",
                vec![app(105, (1, 100)), db(4, (0, 3))],
                Place::Application(name("app")),
            ),
            (
                "db works",
                vec![app(105, (1, 100)), db(96, (1, 94))],
                Place::Application(name("db")),
            ),
            (
                "db's queue",
                vec![app(105, (1, 100)), db(96, (90, 4))],
                Place::Queue(name("db")),
            ),
            (
                "network to db",
                vec![app(105, (1, 100)), db(96, (1, 4))],
                Place::Network(name("app"), name("db")),
            ),
            (
                "network to app",
                vec![app(105, (1, 10)), db(4, (0, 3))],
                Place::Network(name("gateway"), name("app")),
            ),
            (
                "app's queue",
                vec![app(105, (90, 10)), db(4, (0, 3))],
                Place::Queue(name("app")),
            ),
            (
                "db is elsewhere",
                vec![app(105, (1, 100)), edge("app", "db", 96, None)],
                Place::Unseen(name("db")),
            ),
        ] {
            assert_eq!(place(edges), expected, "{what}");
        }
    }

    #[test]
    fn what_an_agent_cannot_tell_apart_is_told_so() {
        let mut app = edge("gateway", "app", 105, Some((0, 101)));
        if let Some(server) = &mut app.server {
            server.with_wait = 0;
        }
        assert_eq!(place(vec![app]), Place::ApplicationOrQueue(name("app")));
    }

    #[test]
    fn calls_in_a_ring_end() {
        let edges = vec![
            edge("a", "b", 100, Some((0, 99))),
            edge("b", "a", 98, Some((0, 97))),
        ];
        assert_eq!(place(edges), Place::Application(name("a")));
        assert_eq!(blame(&Graph::default(), 0), None);
    }
}
