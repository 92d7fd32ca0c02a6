//! The keys and sections of a description.

use std::collections::BTreeMap;

use crate::paste::json::is_none;

/// A line of a description: indentation relative to its `Name:` line, and the text without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub(crate) line: usize,
    pub(crate) indent: usize,
    pub(crate) text: &'a str,
    /// Characters of the whole line, to see where a terminal wrapped it.
    pub(crate) width: usize,
}

impl<'a> Line<'a> {
    /// `Key:   value`; the key has no `=` and no more than a few words.
    pub(crate) fn pair(&self) -> Option<(&'a str, &'a str)> {
        pair(self.text)
    }
}

pub(crate) fn pair(text: &str) -> Option<(&str, &str)> {
    let (key, value) = match text.split_once(": ") {
        Some((key, value)) => (key, value),
        None => (text.trim_end().strip_suffix(':')?, ""),
    };
    (!key.is_empty() && key.len() <= 253 && !key.contains(['=', '"', '\''])).then_some((key, value.trim()))
}

/// A description's top level: each key with its value and the lines below it.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    tops: Vec<Top<'a>>,
    by_key: BTreeMap<&'a str, usize>,
    /// The text lost its indentation.
    pub(crate) flat: bool,
    /// Where a terminal wrapped the text.
    pub(crate) wrap: Option<usize>,
    lines: Vec<Line<'a>>,
}

#[derive(Debug)]
struct Top<'a> {
    key: &'a str,
    value: &'a str,
    /// Range of the lines below.
    from: usize,
    to: usize,
}

/// Keys that stand at the top of a description and can end a section whose indentation is lost.
const TOPS: &[&str] = &[
    "API Version",
    "Access Modes",
    "Active Deadline Seconds",
    "Active Jobs",
    "Address",
    "Addresses",
    "Allocatable",
    "Allocated resources",
    "AllowVolumeExpansion",
    "Annotations",
    "Backoff Limit",
    "Behavior",
    "Capacity",
    "Claim",
    "Completed At",
    "Completion Mode",
    "Completions",
    "Concurrency Policy",
    "Conditions",
    "Containers",
    "Controlled By",
    "Count",
    "CreationTimestamp",
    "Current Number of Nodes Scheduled",
    "DataSource",
    "Default Backend",
    "Default backend",
    "Deletion Grace Period Seconds",
    "Deployment pods",
    "Desired Number of Nodes Scheduled",
    "Duration",
    "Endpoints",
    "Ephemeral Containers",
    "Event Time",
    "Events",
    "External Traffic Policy",
    "Failed Job History Limit",
    "Finalizers",
    "First Timestamp",
    "IP",
    "IP Families",
    "IP Family Policy",
    "IPs",
    "Ingress Class",
    "Init Containers",
    "Internal Traffic Policy",
    "Involved Object",
    "IsDefaultClass",
    "Kind",
    "Labels",
    "Last Schedule Time",
    "Last Timestamp",
    "Lease",
    "LoadBalancer Ingress",
    "Max replicas",
    "Max unavailable",
    "Message",
    "Metrics",
    "Min Replicas",
    "Min available",
    "Min replicas",
    "MinReadySeconds",
    "MountOptions",
    "Mounted By",
    "Name",
    "Namespace",
    "NewReplicaSet",
    "Node",
    "Node Affinity",
    "Node-Selector",
    "Node-Selectors",
    "NodePort",
    "NominatedNodeName",
    "Non-terminated Pods",
    "Number of Nodes Misscheduled",
    "Number of Nodes Scheduled with Available Pods",
    "Number of Nodes Scheduled with Up-to-date Pods",
    "OldReplicaSets",
    "Parallelism",
    "Parameters",
    "Pod Management Policy",
    "Pod Template",
    "PodCIDR",
    "PodCIDRs",
    "Pods Status",
    "Pods Statuses",
    "Port",
    "Priority",
    "Priority Class Name",
    "PriorityClassName",
    "ProviderID",
    "Provisioner",
    "QoS Class",
    "Readiness Gates",
    "Reason",
    "Reclaim Policy",
    "ReclaimPolicy",
    "Reference",
    "Replicas",
    "Resource",
    "Resources",
    "Roles",
    "RollingUpdateStrategy",
    "Rules",
    "Runtime Class Name",
    "Schedule",
    "Scopes",
    "SeccompProfile",
    "Security Context",
    "Selector",
    "Service Account",
    "Service Account Name",
    "Session Affinity",
    "Source",
    "Start Time",
    "Started At",
    "Starting Deadline Seconds",
    "Status",
    "StorageClass",
    "StrategyType",
    "Subsets",
    "Successful Job History Limit",
    "Suspend",
    "System Info",
    "TLS",
    "Taints",
    "TargetPort",
    "Termination Grace Period",
    "Time Zone",
    "Tolerations",
    "Topology Spread Constraints",
    "Type",
    "Unschedulable",
    "Update Strategy",
    "Used By",
    "Volume",
    "Volume Claims",
    "VolumeBindingMode",
    "VolumeMode",
    "Volumes",
];

/// Once the containers of a pod have begun, only these end them.
const AFTER_CONTAINERS: &[&str] = &[
    "Conditions",
    "Containers",
    "Ephemeral Containers",
    "Events",
    "Init Containers",
    "Node-Selectors",
    "QoS Class",
    "Readiness Gates",
    "Tolerations",
    "Topology Spread Constraints",
    "Volumes",
    "NewReplicaSet",
    "OldReplicaSets",
    "Volume Claims",
];

/// The key can stand at the top of a description.
pub(crate) fn is_top(key: &str) -> bool {
    TOPS.contains(&key)
}

/// The key ends the containers of a pod.
pub(super) fn is_after_containers(key: &str) -> bool {
    AFTER_CONTAINERS.contains(&key)
}

/// Where a terminal wrapped a text, from the widths of its lines: many end at the same column, or at a usual one.
pub(crate) fn wrap_column(widths: impl Iterator<Item = usize> + Clone) -> Option<usize> {
    let widest = widths.clone().max()?;
    let at_width = widths.filter(|width| *width == widest).count();
    (widest >= 60 && (at_width >= 3 || matches!(widest, 79 | 80 | 100 | 120 | 132))).then_some(widest)
}

impl<'a> Fields<'a> {
    pub(crate) fn new(lines: &[Line<'a>]) -> Self {
        let flat = lines
            .iter()
            .filter(|line| !line.text.is_empty())
            .all(|line| line.indent == 0);
        let wrap = wrap_column(lines.iter().map(|line| line.width));
        let mut fields = Fields {
            tops: Vec::new(),
            by_key: BTreeMap::new(),
            flat,
            wrap,
            lines: lines.to_vec(),
        };
        let mut in_containers = false;
        for (at, line) in lines.iter().enumerate() {
            let Some((key, value)) = line.pair() else { continue };
            let is_top = if in_containers {
                // A termination message's lines begin at the margin and can look like any key.
                line.indent == 0 && AFTER_CONTAINERS.contains(&key)
            } else if flat {
                TOPS.contains(&key)
            } else {
                // A wrapped rest of a line begins at the margin as well; a key that nobody knows and that follows a
                // line of full width is one.
                let wrapped =
                    at > 0 && wrap.is_some_and(|wrap| lines[at - 1].width == wrap) && !TOPS.contains(&key);
                line.indent == 0 && !wrapped && key.len() <= 40
            };
            if !is_top || (fields.by_key.contains_key("Events") && !flat && line.indent > 0) {
                continue;
            }
            in_containers |= key.ends_with("Containers");
            if let Some(last) = fields.tops.last_mut() {
                last.to = at;
            }
            fields.by_key.entry(key).or_insert(fields.tops.len());
            fields.tops.push(Top {
                key,
                value,
                from: at + 1,
                to: lines.len(),
            });
        }
        // `Resource   Used   Hard` heads a quota's table and has no colon.
        if let Some(at) = lines.iter().position(|line| {
            let mut words = line.text.split_whitespace();
            words.next() == Some("Resource") && words.next() == Some("Used") && words.next() == Some("Hard")
        }) {
            fields.by_key.entry("Resource").or_insert(fields.tops.len());
            fields.tops.push(Top {
                key: "Resource",
                value: "",
                from: at + 1,
                to: lines.len(),
            });
        }
        fields
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    fn top(&self, key: &str) -> Option<&Top<'a>> {
        self.by_key.get(key).and_then(|at| self.tops.get(*at))
    }

    /// The value on the key's own line.
    pub(crate) fn value(&self, key: &str) -> Option<&'a str> {
        self.top(key).map(|top| top.value)
    }

    /// The value, if it is one.
    pub(crate) fn some(&self, key: &str) -> Option<&'a str> {
        self.value(key).filter(|value| !is_none(value))
    }

    /// The lines below a key.
    pub(crate) fn section(&self, key: &str) -> &[Line<'a>] {
        self.top(key)
            .map_or(&[], |top| &self.lines[top.from.min(top.to)..top.to])
    }

    /// The value and the lines below it, as a list; `<none>` is empty. Wrapped entries are joined.
    pub(crate) fn list(&self, key: &str) -> Vec<String> {
        let Some(top) = self.top(key) else {
            return Vec::new();
        };
        let mut entries: Vec<String> = Vec::new();
        if !is_none(top.value) {
            entries.push(top.value.to_owned());
        }
        let first_width = top.from.checked_sub(1).map_or(0, |at| self.lines[at].width);
        let mut last_width = first_width;
        for line in self.section(key) {
            let wrapped = self.wrap == Some(last_width) && line.indent == 0 && !self.flat;
            match entries.last_mut() {
                Some(last) if wrapped => last.push_str(line.text),
                _ if line.text.trim().is_empty() => {}
                _ => entries.push(line.text.trim().to_owned()),
            }
            last_width = line.width;
        }
        entries
    }

    /// Text of several lines under one key, joined as it was before a terminal wrapped it.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        let mut text = self.some(key)?.to_owned();
        let mut last_width = self
            .top(key)
            .and_then(|top| top.from.checked_sub(1))
            .map_or(0, |at| self.lines[at].width);
        for line in self.section(key) {
            if self.wrap != Some(last_width) {
                text.push(' ');
            }
            text.push_str(line.text.trim_end());
            last_width = line.width;
        }
        Some(text.trim_end().to_owned())
    }

    /// The lines of the events' table.
    pub(crate) fn events(&self) -> &[Line<'a>] {
        self.section("Events")
    }

    /// The section was followed by another, so it is whole.
    pub(crate) fn is_whole(&self, key: &str) -> bool {
        self.by_key.get(key).is_some_and(|at| at + 1 < self.tops.len())
    }

    /// The values of a key that comes several times (`Port` of a service).
    pub(crate) fn all(&self, key: &str) -> impl Iterator<Item = &'a str> {
        self.tops
            .iter()
            .filter(move |top| top.key == key)
            .map(|top| top.value)
    }

    /// The keys at the top.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.tops.iter().map(|top| top.key)
    }
}
