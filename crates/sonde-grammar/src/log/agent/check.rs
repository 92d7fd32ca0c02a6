//! How a node stands, a line of logfmt for each check.
//!
//! ```text
//! time="2026-11-21T19:00:00Z" source=sonde-agent msg="node check" node=n1 check=conntrack verdict=critical found="262140 of 262144 connections" read="/proc/sys/net/netfilter/nf_conntrack_count"
//! ```

use sonde_model::{Check, CheckKind, CheckVerdict, NodeReport};

use super::{Fields, Line};
use crate::fact::NodeCheck;

const CHECK: &str = "node check";

/// Every check of a report, a line each; nothing for a report without one.
pub fn text(report: &NodeReport) -> String {
    let lines = report.checks.iter().map(|check| line(report, check) + "\n");
    lines.collect()
}

fn line(report: &NodeReport, check: &Check) -> String {
    let mut out = Line::new(report.now, CHECK);
    out.put("node", &report.node);
    out.put("check", check.kind.word());
    out.put_some("about", &check.about);
    if let Some(owner) = &check.owner {
        out.put_some("namespace", &owner.namespace);
        out.put_some("pod", &owner.pod);
        out.put_some("container", &owner.container);
        if owner.pod.is_empty() {
            out.put("about", owner.words());
        }
    }
    out.put("verdict", check.verdict.word());
    out.put("found", &check.found);
    out.put_some("who", &check.who);
    out.put("read", &check.source);
    out.0
}

/// A check as written by [`text`].
pub(in crate::log) fn read(text: &str) -> Option<(jiff::Timestamp, NodeCheck)> {
    let fields = Fields::of(text)?;
    if fields.get("msg")? != CHECK {
        return None;
    }
    let word = |key: &str| fields.get(key).unwrap_or_default().to_owned();
    let check = NodeCheck {
        node: fields.text("node"),
        kind: CheckKind::from_word(fields.get("check")?)?,
        verdict: CheckVerdict::from_word(fields.get("verdict")?)?,
        about: word("about"),
        namespace: word("namespace"),
        pod: word("pod"),
        container: word("container"),
        found: word("found"),
        who: word("who"),
        read: word("read"),
    };
    Some((fields.parsed("time")?, check))
}

#[cfg(test)]
mod tests {
    use sonde_model::Owner;

    use super::*;
    use crate::Fact;
    use crate::log::{NodeLog, node};

    #[test]
    fn checks_are_read_back() {
        let report = NodeReport {
            schema: NodeReport::SCHEMA.into(),
            node: "n1".into(),
            now: "2026-11-21T19:00:00Z".parse().unwrap(),
            interval_ms: 1_000,
            by_agent: true,
            checks: vec![
                Check {
                    kind: CheckKind::DiskSpace,
                    about: "/var/lib/a b\"\nmsg=\"watching\"".into(),
                    verdict: CheckVerdict::Critical,
                    found: "1% left".into(),
                    ..Check::default()
                },
                Check {
                    kind: CheckKind::ListenQueue,
                    owner: Some(Owner {
                        namespace: "shop".into(),
                        pod: "web-1".into(),
                        container: "app".into(),
                        ..Owner::default()
                    }),
                    ..Check::default()
                },
            ],
            cores: Vec::new(),
            processes: Vec::new(),
            containers: Vec::new(),
            containers_seen: 0,
            coverage: Vec::new(),
        };
        let text = text(&report);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        let read = node(&lines, None, None);
        let Fact::NodeCheck(disk) = &read[0].facts[0] else {
            panic!("{read:?}")
        };
        assert_eq!(
            (disk.kind, disk.verdict, &*disk.node),
            (CheckKind::DiskSpace, CheckVerdict::Critical, "n1")
        );
        assert_eq!(disk.about, report.checks[0].about);
        assert_eq!((read[0].origin, read[0].time), (NodeLog::Agent, Some(report.now)));
        // The line is the node's word; whose queue it is about stands in the fact.
        assert_eq!(read[1].pod, None);
        let Fact::NodeCheck(queue) = &read[1].facts[0] else {
            panic!("{read:?}")
        };
        assert_eq!(
            (&*queue.namespace, &*queue.pod, &*queue.container),
            ("shop", "web-1", "app")
        );
    }
}
