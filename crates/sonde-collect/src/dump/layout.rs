//! What a path tells: whose log a text is, and what a list of objects covers completely.
//!
//! A list in a file proves that nothing else exists only where the program that wrote the dump lists whole namespaces or
//! the whole cluster. That is so for these layouts, told by their paths:
//!
//! | layout | path | complete |
//! |---|---|---|
//! | ours | any, with a manifest | as the manifest says |
//! | `kubectl cluster-info dump` | `nodes.json`; `NAMESPACE/pods.json` beside it | nodes; the kind in the namespace |
//! | troubleshoot | `cluster-resources/pods/NAMESPACE.json`, `cluster-resources/nodes.json` | the kind in the namespace; the kind |
//! | must-gather | `namespaces/NAMESPACE/core/pods.yaml` | the kind in the namespace |
//! | loose | `nodes.yaml`, `pv.json`: a list in a file named by a kind of the cluster | the kind |
//!
//! A loose `pods.yaml` proves nothing: it may come from one namespace, or from a selector.

use std::collections::BTreeSet;
use std::sync::Arc;

use sonde_diagnose::LogKey;
use sonde_grammar::log::NodeLog;
use sonde_model::Kind;

use crate::TextPlace;

/// Who wrote a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// `kubectl cluster-info dump`.
    ClusterInfo,
    /// troubleshoot's support bundle.
    Troubleshoot,
    /// OpenShift's must-gather and inspect.
    MustGather,
    /// Files as somebody put them there.
    Loose,
}

/// A dump's layout.
pub(super) struct Layout {
    style: Style,
    /// The namespaces of a cluster-info dump: folders with a `pods` file.
    namespaces: BTreeSet<String>,
}

/// What a list in a file covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Covers {
    /// The kind that the path names.
    pub(super) kind: Kind,
    /// The namespace; `None` for the whole cluster.
    pub(super) namespace: Option<String>,
}

impl Layout {
    /// Tells the layout from all paths of a dump.
    pub(super) fn of<'a>(paths: impl Iterator<Item = &'a str> + Clone) -> Self {
        let has =
            |wanted: &dyn Fn(&str, &[&str]) -> bool| paths.clone().any(|path| wanted(path, &split(path)));
        let namespaces: BTreeSet<String> = paths
            .clone()
            .filter_map(|path| match split(path)[..] {
                [.., namespace, file] if stem(file) == "pods" => Some(namespace.to_owned()),
                _ => None,
            })
            .collect();
        let style = if has(&|_, parts| parts.contains(&"cluster-resources")) {
            Style::Troubleshoot
        } else if has(&|_, parts| matches!(parts, [.., "namespaces", _, "core", _])) {
            Style::MustGather
        } else if !namespaces.is_empty()
            && has(&|_, parts| matches!(parts, [.., file] if stem(file) == "nodes"))
            && has(&|_, parts| matches!(parts, [.., _, file] if stem(file) == "replication-controllers"))
        {
            Style::ClusterInfo
        } else {
            Style::Loose
        };
        Self { style, namespaces }
    }

    /// Whether nobody but a person says what is in a file: it may come from a selector.
    pub(super) fn is_loose(&self) -> bool {
        self.style == Style::Loose
    }

    /// What a list in this file covers completely.
    pub(super) fn covers(&self, path: &str) -> Option<Covers> {
        let parts = split(path);
        let cluster = |kind: Kind| {
            (!kind.is_namespaced()).then_some(Covers {
                kind,
                namespace: None,
            })
        };
        let in_namespace = |kind: Kind, namespace: &str| {
            kind.is_namespaced().then(|| Covers {
                kind,
                namespace: Some(namespace.to_owned()),
            })
        };
        match (self.style, &parts[..]) {
            (Style::ClusterInfo, [.., namespace, file]) if self.namespaces.contains(*namespace) => {
                in_namespace(kind_of(stem(file))?, namespace)
            }
            (Style::Troubleshoot, [.., "cluster-resources", kinds, file]) => {
                in_namespace(kind_of(kinds)?, stem(file))
            }
            (Style::Troubleshoot, [.., "cluster-resources", file]) => cluster(kind_of(stem(file))?),
            (Style::MustGather, [.., "namespaces", namespace, _, file]) => {
                in_namespace(kind_of(stem(file))?, namespace)
            }
            (_, [.., file]) => cluster(kind_of(stem(file))?),
            _ => None,
        }
    }

    /// The kind of objects that do not tell it themselves, as older bundles of troubleshoot have them.
    pub(super) fn kind_hint(&self, path: &str) -> Option<Kind> {
        match (self.style, &split(path)[..]) {
            (Style::Troubleshoot, [.., "cluster-resources", kinds, _]) => kind_of(kinds),
            (_, [.., file]) => kind_of(stem(file)),
            _ => None,
        }
    }
}

/// Whose log a text is, by its path.
pub(super) fn text_place(path: &str) -> Option<TextPlace> {
    let parts = split(path);
    let log = |namespace: &str, pod: &str, container: &str, previous: bool| {
        Some(TextPlace::Container(LogKey {
            namespace: namespace.into(),
            pod: pod.into(),
            container: container.into(),
            previous,
        }))
    };
    match &parts[..] {
        // must-gather: namespaces/NS/pods/POD/CONTAINER/CONTAINER/logs/current.log
        [
            ..,
            "namespaces",
            namespace,
            "pods",
            pod,
            container,
            _,
            "logs",
            file,
        ] => log(namespace, pod, container, file.starts_with("previous")),
        [.., "nodes", node, file] if stem(file) == "cadvisor" => {
            Some(TextPlace::Counters { node: (*node).into() })
        }
        // Elsewhere other programs call themselves so.
        [.., "nodes", node, "agent.log"] => Some(TextPlace::Node {
            node: (*node).into(),
            log: NodeLog::Agent,
        }),
        [.., "nodes", node, file] => node_log(file).map(|log| TextPlace::Node {
            node: (*node).into(),
            log,
        }),
        // troubleshoot: cluster-resources/pods/logs/NS/POD/CONTAINER-previous.log
        [.., "pods", "logs", namespace, pod, file] => {
            let name = stem(file);
            match name.strip_suffix("-previous") {
                Some(container) => log(namespace, pod, container, true),
                None => log(namespace, pod, name, false),
            }
        }
        // /var/log/pods: NS_POD_UID/CONTAINER/RESTARTS.log
        [.., pod, container, file] if is_restart_log(file) && pod.split('_').count() == 3 => {
            let mut names = pod.split('_');
            log(names.next()?, names.next()?, container, false)
        }
        // ours: logs/NS_POD_CONTAINER.previous.log
        [.., file] if file.ends_with(".log") || file.ends_with(".txt") => {
            let name = stem(file);
            let (name, previous) = name
                .strip_suffix(".previous")
                .map_or((name, false), |name| (name, true));
            let names: Vec<&str> = name.split('_').collect();
            // Names of objects have no underscore, so three parts are no accident in a folder of logs.
            if let [namespace, pod, container] = names[..]
                && parts.len() > 1
                && parts[parts.len() - 2].ends_with("logs")
            {
                return log(namespace, pod, container, previous);
            }
            node_log(file).map(unnamed)
        }
        [.., file] => node_log(file).map(unnamed),
        [] => None,
    }
}

fn unnamed(log: NodeLog) -> TextPlace {
    TextPlace::Node {
        node: Arc::from(""),
        log,
    }
}

/// Whose log a file is, by its name.
fn node_log(file: &str) -> Option<NodeLog> {
    const NAMES: &[(&str, NodeLog)] = &[
        ("kubelet", NodeLog::Kubelet),
        ("containerd", NodeLog::Containerd),
        ("crio", NodeLog::Crio),
        ("cri-o", NodeLog::Crio),
        ("dockerd", NodeLog::Dockerd),
        ("docker", NodeLog::Dockerd),
        ("cri-dockerd", NodeLog::Dockerd),
        ("sonde-agent", NodeLog::Agent),
        ("dmesg", NodeLog::Kernel),
        ("kern", NodeLog::Kernel),
        ("kernel", NodeLog::Kernel),
    ];
    let name = stem(file).to_ascii_lowercase();
    let name = name.trim_start_matches("journal-").trim_end_matches(".service");
    let name = name
        .trim_end_matches("-logs")
        .trim_end_matches("_logs")
        .trim_end_matches("-log");
    NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, log)| *log)
}

fn is_restart_log(file: &str) -> bool {
    file.strip_suffix(".log")
        .is_some_and(|count| !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The kind that a file or folder is named by: `pods`, `storage-classes`, `pvcs`.
fn kind_of(name: &str) -> Option<Kind> {
    let name = name.replace(['-', '_'], "");
    Kind::from_user(&name).or_else(|| Kind::from_user(name.strip_suffix('s')?))
}

fn split(path: &str) -> Vec<&str> {
    path.split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect()
}

/// A file's name without the ending that says how it is written.
fn stem(file: &str) -> &str {
    const ENDINGS: &[&str] = &[".json", ".yaml", ".yml", ".log", ".txt"];
    ENDINGS
        .iter()
        .find_map(|ending| file.strip_suffix(ending))
        .unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str) -> String {
        match text_place(path) {
            Some(TextPlace::Container(key)) => format!(
                "{}/{}/{}{}",
                key.namespace,
                key.pod,
                key.container,
                if key.previous { " previous" } else { "" }
            ),
            Some(TextPlace::Node { node, log }) => format!("{log:?} of {node:?}"),
            Some(TextPlace::Counters { node }) => format!("counters of {node}"),
            _ => String::new(),
        }
    }

    #[test]
    fn paths_tell_whose_log_it_is() {
        for (path, expect) in [
            ("logs/shop_web-0_app.log", "shop/web-0/app"),
            ("case/logs/shop_web-0_app.previous.log", "shop/web-0/app previous"),
            (
                "must-gather.local/quay-io-sha256/namespaces/shop/pods/web-0/app/app/logs/previous.log",
                "shop/web-0/app previous",
            ),
            (
                "b/cluster-resources/pods/logs/shop/web-0/app-previous.log",
                "shop/web-0/app previous",
            ),
            (
                "b/cluster-resources/pods/logs/shop/web-0/app.log",
                "shop/web-0/app",
            ),
            ("nodes/worker-1/kubelet.log", "Kubelet of \"worker-1\""),
            ("nodes/worker-1/dmesg.txt", "Kernel of \"worker-1\""),
            ("nodes/worker-1/cadvisor.txt", "counters of worker-1"),
            ("kubelet.log", "Kubelet of \"\""),
            ("x/dmesg", "Kernel of \"\""),
            ("pods/shop_web-0_0f1e/app/3.log", "shop/web-0/app"),
            ("describe-pod.txt", ""),
            ("my_own_notes.txt", ""),
        ] {
            assert_eq!(place(path), expect, "{path}");
        }
    }

    #[test]
    fn only_known_layouts_are_complete() {
        let check = |paths: &[&str], path: &str| {
            Layout::of(paths.iter().copied())
                .covers(path)
                .map(|covers| (covers.kind.word(), covers.namespace))
        };
        let dump = [
            "nodes.json",
            "shop/pods.json",
            "shop/replication-controllers.json",
            "shop/events.json",
        ];
        assert_eq!(
            check(&dump, "shop/events.json"),
            Some(("event".into(), Some("shop".into())))
        );
        assert_eq!(check(&dump, "nodes.json"), Some(("node".into(), None)));
        let bundle = ["x/cluster-resources/pods/shop.json"];
        assert_eq!(
            check(&bundle, "x/cluster-resources/pvcs/shop.json"),
            Some(("pvc".into(), Some("shop".into())))
        );
        assert_eq!(
            check(&bundle, "x/cluster-resources/storage-classes.json"),
            Some(("storageclass".into(), None))
        );
        let gather = ["a/namespaces/shop/core/pods.yaml"];
        assert_eq!(
            check(&gather, "a/namespaces/shop/apps/deployments.yaml"),
            Some(("deploy".into(), Some("shop".into())))
        );
        let loose = ["pods.yaml", "shop/pods.yaml", "nodes.yaml"];
        assert_eq!(check(&loose, "shop/pods.yaml"), None);
        assert_eq!(check(&loose, "pods.yaml"), None);
        assert_eq!(check(&loose, "nodes.yaml"), Some(("node".into(), None)));
    }
}
