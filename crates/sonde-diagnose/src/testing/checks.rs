//! What an agent on `n1` tells of the node.

use serde_json::json;
use sonde_model::{Check, CheckKind, CheckVerdict, NodeReport, Owner};

use super::Scene;

/// A node that is well by its own word.
pub(crate) fn node() -> Scene {
    Scene::new().object(json!({"apiVersion": "v1", "kind": "Node",
        "metadata": {"name": "n1", "creationTimestamp": "2026-02-01T00:00:00Z"},
        "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady",
            "message": "kubelet is posting ready status"}]}}))
}

impl Scene {
    /// Puts a check of the whole node.
    pub(crate) fn check(self, time: &str, kind: CheckKind, verdict: CheckVerdict) -> Self {
        self.checked(time, kind, verdict, "", None)
    }

    /// Puts a check of a mount point, a disk or a socket.
    pub(crate) fn check_of(self, time: &str, kind: CheckKind, verdict: CheckVerdict, about: &str) -> Self {
        self.checked(time, kind, verdict, about, None)
    }

    /// Puts a check of the container `app` of the pod `shop/app-1`.
    pub(crate) fn check_of_pod(self, time: &str, kind: CheckKind, verdict: CheckVerdict) -> Self {
        let owner = Owner {
            namespace: "shop".into(),
            pod: "app-1".into(),
            container: "app".into(),
            ..Owner::default()
        };
        self.checked(time, kind, verdict, "", Some(owner))
    }

    fn checked(
        mut self,
        time: &str,
        kind: CheckKind,
        verdict: CheckVerdict,
        about: &str,
        owner: Option<Owner>,
    ) -> Self {
        let report = NodeReport {
            schema: NodeReport::SCHEMA.to_owned(),
            node: "n1".to_owned(),
            now: time.parse().unwrap(),
            interval_ms: 1_000,
            by_agent: true,
            checks: vec![Check {
                kind,
                verdict,
                about: about.to_owned(),
                owner,
                found: "what was found".to_owned(),
                source: "/proc".to_owned(),
                ..Check::default()
            }],
            cores: Vec::new(),
            processes: Vec::new(),
            containers: Vec::new(),
            containers_seen: 0,
            coverage: Vec::new(),
        };
        let text = sonde_grammar::log::agent::node_text(&report);
        let lines: Vec<&str> = text.lines().collect();
        self.node_lines("n1", sonde_grammar::log::node(&lines, None, None));
        self
    }
}
