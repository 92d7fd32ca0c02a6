//! Makes a collected bundle small and free of what it does not need: ids of the machine, other scenarios' objects and
//! lines, the years of a node's life before the scenario began.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Namespaces that belong to every cluster.
const SYSTEM: &[&str] = &["default", "kube-system", "kube-public", "kube-node-lease"];

/// Kinds without a namespace that every cluster has from its start.
const STANDING: &[&str] = &["Node", "CSINode", "Lease"];

/// Kinds of which nobody asks who changed them.
const UNMANAGED: &[&str] = &[
    "APIService",
    "CSINode",
    "Event",
    "Lease",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "ServiceAccount",
];

/// What a scenario is, as far as its bundle tells.
struct Scope {
    namespace: String,
    /// When it began, RFC 3339 in UTC: texts of this form compare as their times do.
    since: String,
    /// Its pods.
    uids: Vec<String>,
    /// Words that would tell the machine, with what stands for them.
    secrets: Vec<(String, &'static str)>,
}

/// Trims a bundle in its folder.
pub(super) fn trim(folder: &Path, namespace: &str) -> Result<()> {
    let files = files(folder)?;
    let scope = scope(&files, namespace)?;
    for path in &files {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
        let is_list = path
            .parent()
            .is_some_and(|parent| parent.file_name().is_some_and(|name| name == "objects"));
        let trimmed = if is_list {
            objects(&text, &scope)?
        } else if path.ends_with("cadvisor.txt") {
            Some(counters(&text, &scope))
        } else if path.iter().any(|part| part == "nodes") {
            Some(node_log(&text, &scope))
        } else {
            Some(text)
        };
        match trimmed {
            Some(text) => std::fs::write(path, scope.anonymous(text)),
            None => std::fs::remove_file(path),
        }
        .with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(())
}

/// A description without the ids of a machine.
pub(super) fn described(text: &str) -> String {
    const IDS: &[&str] = &["Machine ID:", "System UUID:", "Boot ID:", "Kernel Version:"];
    text.lines()
        .filter(|line| !IDS.iter().any(|id| line.trim_start().starts_with(id)))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn scope(files: &[PathBuf], namespace: &str) -> Result<Scope> {
    let items = |name: &str| -> Result<Vec<Value>> {
        let Some(path) = files.iter().find(|path| path.ends_with(name)) else {
            return Ok(Vec::new());
        };
        let text = std::fs::read_to_string(path).context("failed to read a list")?;
        let list: Value = serde_json::from_str(&text).context("a list is not JSON")?;
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let since = items("objects/namespaces.json")?
        .iter()
        .find(|it| it["metadata"]["name"] == namespace)
        .map(|it| text(&it["metadata"]["creationTimestamp"]))
        .unwrap_or_default();
    ensure!(!since.is_empty(), "the bundle lacks namespace {namespace}");
    let pods = items("objects/pods.json")?;
    let own = pods.iter().filter(|it| it["metadata"]["namespace"] == namespace);
    let mut secrets = Vec::new();
    for node in items("objects/nodes.json")? {
        let info = &node["status"]["nodeInfo"];
        for id in ["machineID", "systemUUID", "bootID"] {
            secrets.push((text(&info[id]), ""));
        }
        secrets.push((text(&info["kernelVersion"]), "6.1.0"));
    }
    secrets.retain(|(word, _)| !word.is_empty());
    Ok(Scope {
        namespace: namespace.to_owned(),
        since,
        uids: own.map(|it| text(&it["metadata"]["uid"])).collect(),
        secrets,
    })
}

/// A list with one object to a line; `None` if none is left.
fn objects(text: &str, scope: &Scope) -> Result<Option<String>> {
    let list: Value = serde_json::from_str(text).context("a list is not JSON")?;
    let list_kind = list["kind"].as_str().unwrap_or_default();
    let kind = list_kind.strip_suffix("List").unwrap_or(list_kind);
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let mut lines = Vec::new();
    for mut item in items {
        if !scope.holds(kind, &item) {
            continue;
        }
        lighten(kind, &mut item);
        lines.push(serde_json::to_string(&item).context("failed to write an object")?);
    }
    if lines.is_empty() {
        return Ok(None);
    }
    let version = list["apiVersion"].as_str().unwrap_or("v1");
    Ok(Some(format!(
        "{{\"apiVersion\":\"{version}\",\"kind\":\"{list_kind}\",\"items\":[\n{}\n]}}\n",
        lines.join(",\n")
    )))
}

fn lighten(kind: &str, item: &mut Value) {
    // The cluster's own certificate is in every namespace.
    let is_root = kind == "ConfigMap" && item["metadata"]["name"] == "kube-root-ca.crt";
    if is_root {
        item["data"]["ca.crt"] = Value::String(String::new());
    }
    if (is_root || UNMANAGED.contains(&kind))
        && let Some(metadata) = item["metadata"].as_object_mut()
    {
        metadata.remove("managedFields");
    }
}

impl Scope {
    fn holds(&self, kind: &str, item: &Value) -> bool {
        let text = |value: &'_ Value| value.as_str().unwrap_or_default().to_owned();
        let name = text(&item["metadata"]["name"]);
        let namespace = text(&item["metadata"]["namespace"]);
        if kind == "Namespace" {
            return name == self.namespace || SYSTEM.contains(&name.as_str());
        }
        if kind == "Event" {
            let seen = ["lastTimestamp", "eventTime"].map(|field| text(&item[field]));
            let series = text(&item["series"]["lastObservedTime"]);
            let recent = seen
                .iter()
                .chain([&series])
                .any(|time| time.as_str() >= self.since.as_str());
            return namespace == self.namespace || (namespace == "default" && recent);
        }
        if !namespace.is_empty() {
            return namespace == self.namespace || SYSTEM.contains(&namespace.as_str());
        }
        // The API server's own services are there as long as it answers.
        if !item["metadata"]["labels"]["kube-aggregator.kubernetes.io/automanaged"].is_null() {
            return false;
        }
        let of_the_cluster = STANDING.contains(&kind) || name.starts_with("system-");
        of_the_cluster || text(&item["metadata"]["creationTimestamp"]) >= self.since
    }

    fn anonymous(&self, mut text: String) -> String {
        for (word, instead) in &self.secrets {
            text = text.replace(word.as_str(), instead);
        }
        text
    }

    /// Whether a line with its time belongs to the scenario's time; `None` for a line without a time.
    fn in_time(&self, line: &str) -> Option<bool> {
        // `2026-11-21T14:34:40,105422+00:00 …` of the kernel, `time="2026-11-21T14:34:40.1Z" …` of containerd.
        let line = line.strip_prefix("time=\"").unwrap_or(line);
        let seconds = "2026-11-21T14:34:40".len();
        let head = line.get(..seconds)?;
        if head.as_bytes()[4] == b'-' && head.as_bytes()[10] == b'T' {
            return Some(head >= &self.since[..seconds]);
        }
        // `I1121 14:34:40.105422 …` of the kubelet: month and day, without a year.
        let since = format!(
            "{}{} {}",
            &self.since[5..7],
            &self.since[8..10],
            &self.since[11..19]
        );
        let is_klog = line.starts_with(['I', 'W', 'E', 'F']) && line.as_bytes()[5] == b' ';
        let time = line.get(1..=since.len()).filter(|_| is_klog)?;
        Some(time >= since.as_str())
    }

    /// The line names a pod of somebody else.
    fn is_foreign(&self, line: &str) -> bool {
        let named = line
            .split("pod=\"")
            .nth(1)
            .and_then(|rest| rest.split('/').next());
        named.is_some_and(|namespace| namespace != self.namespace && !SYSTEM.contains(&namespace))
    }
}

/// Lines of the scenario's time; of kills for memory, those of its own pods.
fn node_log(text: &str, scope: &Scope) -> String {
    let mut out = String::new();
    let mut block: Option<String> = None;
    let mut in_time = false;
    for line in text.lines() {
        in_time = scope.in_time(line).unwrap_or(in_time);
        // Ports of the pods' bridge come and go with every pod.
        if !in_time || scope.is_foreign(line) || line.contains(" cni0: port ") || line.contains(" veth") {
            continue;
        }
        if line.contains("invoked oom-killer") {
            block = Some(String::new());
        }
        let target = block.as_mut().unwrap_or(&mut out);
        target.push_str(line);
        target.push('\n');
        if line.contains("Killed process")
            && let Some(block) = block.take()
            && scope.uids.iter().any(|uid| block.contains(uid.as_str()))
        {
            out.push_str(&block);
        }
    }
    out
}

/// The counters of the scenario's own containers.
fn counters(text: &str, scope: &Scope) -> String {
    let own = format!("namespace=\"{}\"", scope.namespace);
    text.lines()
        .filter(|line| line.starts_with('#') || line.contains(&own))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Every file below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in
            std::fs::read_dir(&folder).with_context(|| format!("failed to list {}", folder.display()))?
        {
            let path = entry.context("failed to list a bundle")?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                out.push(path);
            }
        }
    }
    out.sort();
    Ok(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope() -> Scope {
        Scope {
            namespace: "oom".into(),
            since: "2026-11-21T14:34:40Z".into(),
            uids: vec!["aaaa".into()],
            secrets: vec![("6.18-own".into(), "6.1.0"), ("id-1".into(), "")],
        }
    }

    #[test]
    fn only_the_scenarios_own_objects_stay() {
        let item = |namespace: &str, name: &str, created: &str| json!({"metadata": {"namespace": namespace, "name": name, "creationTimestamp": created}, "lastTimestamp": created});
        let (before, after) = ("2026-11-21T14:00:00Z", "2026-11-21T14:40:00Z");
        for (kind, item, stays) in [
            ("Pod", item("oom", "app", after), true),
            ("Pod", item("other", "app", after), false),
            ("Namespace", item("", "other", after), false),
            ("Namespace", item("", "kube-system", before), true),
            ("Event", item("default", "worker-1.a", before), false),
            ("Event", item("default", "worker-1.b", after), true),
            ("Event", item("oom", "app.a", before), true),
            ("PersistentVolume", item("", "of-another", before), false),
            ("PersistentVolume", item("", "oom", after), true),
            ("Node", item("", "worker-1", before), true),
            ("PriorityClass", item("", "system-node-critical", before), true),
        ] {
            assert_eq!(scope().holds(kind, &item), stays, "{kind} {item}");
        }
    }

    #[test]
    fn only_lines_of_its_time_and_its_own_kills_stay() {
        let log = "2026-11-21T14:18:30,105422+00:00 tail invoked oom-killer: old\n\
            2026-11-21T14:18:31,105422+00:00 Memory cgroup out of memory: Killed process 1\n\
            2026-11-21T14:34:41,105422+00:00 cni0: port 1(veth1) entered disabled state\n\
            2026-11-21T14:34:42,105422+00:00 tail invoked oom-killer: new\n\
            2026-11-21T14:34:42,105422+00:00 oom_memcg=/kubepods/podaaaa\n\
            2026-11-21T14:34:42,105422+00:00 Memory cgroup out of memory: Killed process 2\n\
            2026-11-21T14:34:43,105422+00:00 tail invoked oom-killer: of another\n\
            2026-11-21T14:34:43,105422+00:00 Memory cgroup out of memory: Killed process 3\n";
        let kept = node_log(log, &scope());
        assert_eq!(kept.lines().count(), 3, "{kept}");
        assert!(kept.contains("Killed process 2"));
        let log = "I1121 14:34:39.999999 1 a.go:1] \"early\"\n\
            I1121 14:34:41.000000 1 a.go:1] \"own\" pod=\"oom/app\"\n\
            \tgoes on\n\
            I1121 14:34:41.000000 1 a.go:1] \"foreign\" pod=\"other/app\"\n";
        let kept = node_log(log, &scope());
        assert_eq!(kept.lines().count(), 2, "{kept}");
    }

    #[test]
    fn only_its_own_counters_stay() {
        let text =
            "# TYPE a counter\na{namespace=\"oom\",pod=\"app\"} 1\na{namespace=\"other\",pod=\"app\"} 2\n";
        assert_eq!(
            counters(text, &scope()),
            "# TYPE a counter\na{namespace=\"oom\",pod=\"app\"} 1\n"
        );
    }

    #[test]
    fn words_of_the_machine_are_blanked() {
        assert_eq!(scope().anonymous("Linux 6.18-own id-1".into()), "Linux 6.1.0 ");
    }
}
