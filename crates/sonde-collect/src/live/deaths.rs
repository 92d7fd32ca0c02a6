//! What an agent on this machine saw of deaths and of its node, where the machine is a node of the cluster.
//!
//! An agent of another node is not asked; through the API server's proxy of its pod it could be.

use std::path::Path;
use std::sync::Arc;

use sonde_diagnose::Gap;
use sonde_grammar::log::{NodeLog, agent as words};
use sonde_model::{BlindSpot, Deaths, Kind, NodeReport, ObjectRef};

use crate::agent::{Agent, AgentError};
use crate::gathered::{Gathered, TextPlace};
use crate::texts::{self, TextReader};

/// The agent that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Socket<'a> {
    /// Where agents usually listen. Most machines have none, and that is nothing to tell.
    Usual,
    /// Where a person said; what it cannot answer is a blind spot.
    Named(&'a Path),
}

/// Adds what an agent on this machine remembers of deaths in the containers of the cluster's pods, or of one
/// namespace's, and how its node stands.
pub fn add(gathered: &mut Gathered, socket: Socket<'_>, namespace: Option<&str>, keep_texts: bool) {
    let path = match socket {
        Socket::Usual => Path::new(Agent::SOCKET),
        Socket::Named(path) => path,
    };
    let asked = Agent::at(path).and_then(|agent| {
        let deaths = agent.deaths(None)?;
        // An older agent does not know how its node stands.
        Ok((deaths, agent.node(None).ok()))
    });
    let why = match asked {
        Ok((deaths, node)) if is_of_cluster(gathered, &deaths.node) => {
            put(gathered, deaths, node, namespace, keep_texts);
            return;
        }
        Ok((deaths, _)) => format!("it watches {}, which is no node of this cluster", deaths.node),
        Err(error) if matches!((socket, &error), (Socket::Usual, AgentError::Absent { .. })) => return,
        Err(error) => error.to_string(),
    };
    if matches!(socket, Socket::Named(_)) {
        gathered.gaps.push(Gap::from(BlindSpot {
            what: format!("deaths seen by the agent at {}", path.display()),
            why,
            forbids: Vec::new(),
        }));
    }
}

/// A node, or where nodes may not be listed, the node of a pod.
fn is_of_cluster(gathered: &Gathered, node: &str) -> bool {
    let snapshot = gathered.world.snapshot();
    snapshot.get(&ObjectRef::cluster(Kind::Node, node)).is_some()
        || snapshot.pods_on_node(node).next().is_some()
}

fn put(
    gathered: &mut Gathered,
    mut deaths: Deaths,
    node: Option<NodeReport>,
    namespace: Option<&str>,
    keep_texts: bool,
) {
    // The node's own processes are nobody's business here, and neither are other namespaces'.
    deaths.deaths.retain(|death| {
        let owner = &death.process.owner;
        owner.is_container()
            && namespace.is_none_or(|wanted| {
                owner.namespace.is_empty() && is_pod_of(gathered, &owner.pod_uid)
                    || *owner.namespace == *wanted
            })
    });
    let mut told = words::text(&deaths);
    if let Some(mut report) = node {
        report.checks.retain(|check| {
            let owner = check.owner.as_ref();
            owner.is_none_or(|owner| namespace.is_none_or(|wanted| *owner.namespace == *wanted))
        });
        told.push_str(&words::node_text(&report));
    }
    let place = TextPlace::Node {
        node: Arc::from(deaths.node.as_str()),
        log: NodeLog::Agent,
    };
    let (text, _) = texts::clean(told.as_bytes());
    TextReader::new(keep_texts, gathered.now, gathered.now).add(gathered, place, text);
}

/// The runtime did not tell its name; the control group tells the uid.
fn is_pod_of(gathered: &Gathered, uid: &str) -> bool {
    let snapshot = gathered.world.snapshot();
    !uid.is_empty() && snapshot.of_kind(Kind::Pod).any(|pod| *pod.uid == *uid)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixListener;

    use sonde_model::{Death, DeathKind, Owner, ProcessSeen, SenderKind, SenderSeen};

    use super::*;

    fn death(namespace: &str, container_id: &str) -> Death {
        let process = ProcessSeen {
            pid: 7,
            command: "app".into(),
            first: true,
            owner: Owner {
                namespace: namespace.into(),
                pod: "app-1".into(),
                container: "app".into(),
                container_id: container_id.into(),
                ..Owner::default()
            },
            ..ProcessSeen::default()
        };
        Death {
            time: "2026-03-01T11:57:59Z".parse().unwrap(),
            kind: DeathKind::Signal {
                signal: 9,
                sender: SenderSeen {
                    kind: SenderKind::NodeProcess,
                    process: ProcessSeen::default(),
                },
                delivered: true,
            },
            process,
        }
    }

    /// What is gathered where an agent of `node` answers.
    fn gathered(node: &str, namespace: Option<&str>) -> Gathered {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("agent.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let deaths = Deaths {
            schema: Deaths::SCHEMA.into(),
            node: node.into(),
            since: "2026-03-01T11:00:00Z".parse().unwrap(),
            now: "2026-03-01T12:00:00Z".parse().unwrap(),
            deaths: vec![
                death("shop", &"c".repeat(64)),
                death("bank", &"d".repeat(64)),
                death("", ""),
            ],
            lost: 0,
            dropped: 0,
        };
        let body = serde_json::to_string(&deaths).unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _request = stream.read(&mut [0; 1024]).unwrap();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
        });
        let mut gathered = Gathered::default();
        let pod = serde_json::json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app-1", "namespace": "shop"},
            "spec": {"nodeName": "n1"}});
        gathered.world.put_json(pod.to_string().into(), None).unwrap();
        add(&mut gathered, Socket::Named(&socket), namespace, true);
        server.join().unwrap();
        gathered
    }

    #[test]
    fn deaths_become_the_nodes_lines_and_are_kept_for_a_bundle() {
        let all = gathered("n1", None);
        assert_eq!(all.texts.node["n1"].len(), 2, "{:?}", all.texts.node);
        let read = all.texts.read[&(Arc::from("n1"), NodeLog::Agent)];
        assert!(read.whole && read.span.is_some(), "{read:?}");
        assert_eq!(all.kept_texts.len(), 1);
        assert!(all.gaps.is_empty());
        let one = gathered("n1", Some("shop"));
        assert_eq!(one.texts.node["n1"].len(), 1);
        assert!(
            !one.kept_texts[0].text.contains("bank"),
            "{}",
            one.kept_texts[0].text
        );
    }

    #[test]
    fn an_agent_of_another_cluster_is_not_believed() {
        let other = gathered("elsewhere", None);
        assert!(other.texts.node.is_empty());
        assert!(
            other.gaps[0].spot.why.contains("no node of this cluster"),
            "{:?}",
            other.gaps
        );
    }

    #[test]
    fn nobody_there_is_nothing_to_tell_unless_somebody_said_where() {
        let mut gathered = Gathered::default();
        let path = Path::new("/no/such/agent.sock");
        add(&mut gathered, Socket::Named(path), None, false);
        assert_eq!(gathered.gaps.len(), 1);
    }
}
