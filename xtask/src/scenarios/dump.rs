//! A dump of a scenario as a person would take it with kubectl: objects, logs, and what lies in the nodes' log folders.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cluster::{Plan, control};

/// Kinds that are dumped from the scenario's namespace.
const NAMESPACED: &str = "pods,events,replicasets.apps,deployments.apps,statefulsets.apps,daemonsets.apps,jobs.batch,\
    cronjobs.batch,services,endpointslices.discovery.k8s.io,configmaps,secrets,serviceaccounts,persistentvolumeclaims,\
    resourcequotas,limitranges,poddisruptionbudgets.policy,horizontalpodautoscalers.autoscaling";
/// Kinds that are dumped whole.
const CLUSTER: &str = "nodes,namespaces,persistentvolumes,storageclasses.storage.k8s.io,csidrivers.storage.k8s.io,\
    csinodes.storage.k8s.io,volumeattachments.storage.k8s.io,priorityclasses.scheduling.k8s.io,\
    runtimeclasses.node.k8s.io,validatingwebhookconfigurations.admissionregistration.k8s.io,\
    mutatingwebhookconfigurations.admissionregistration.k8s.io,apiservices.apiregistration.k8s.io";
/// Lines of each log.
const LINES: &str = "--tail=200";

/// Writes the dump into a new folder.
pub(super) fn write(plan: &Plan, namespace: &str, folder: &Path) -> Result<()> {
    let objects = folder.join("objects");
    let logs = folder.join("logs");
    for folder in [&objects, &logs] {
        std::fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
    }
    let own = get(plan, &["-n", namespace, NAMESPACED])?;
    save(&objects.join("namespace.json"), &own)?;
    save(&objects.join("cluster.json"), &get(plan, &[CLUSTER])?)?;
    save(
        &objects.join("leases.json"),
        &get(plan, &["-n", "kube-node-lease", "leases.coordination.k8s.io"])?,
    )?;
    save(
        &objects.join("node-events.json"),
        &get(plan, &["-n", "default", "events"])?,
    )?;
    for (pod, container) in containers(&own) {
        for previous in [false, true] {
            let mut arguments = vec!["logs", "-n", namespace, &pod, "-c", &container, LINES];
            if previous {
                arguments.push("--previous");
            }
            // A container that never ran has no log.
            if let Ok(text) = control::kubectl(plan, &arguments) {
                let suffix = if previous { ".previous.log" } else { ".log" };
                write_file(
                    &logs.join(format!("{namespace}_{pod}_{container}{suffix}")),
                    text.as_bytes(),
                )?;
            }
        }
    }
    for worker in plan.workers() {
        let target = folder.join("nodes").join(worker.name);
        std::fs::create_dir_all(&target).with_context(|| format!("failed to create {}", target.display()))?;
        for (daemon, name) in [
            ("kubelet", "kubelet.log"),
            ("containerd", "containerd.log"),
            ("kernel", "dmesg.log"),
        ] {
            let text = worker.run("tail", &["-n", "2000", &format!("/var/log/{daemon}.log")])?;
            write_file(&target.join(name), text.as_bytes())?;
        }
    }
    Ok(())
}

fn get(plan: &Plan, arguments: &[&str]) -> Result<Value> {
    let text = control::kubectl(
        plan,
        &[&["get", "-o", "json", "--show-managed-fields"], arguments].concat(),
    )?;
    let mut list: Value = serde_json::from_str(&text).context("kubectl's answer is not JSON")?;
    ensure!(list["items"].is_array(), "kubectl gave no list");
    if let Some(items) = list["items"].as_array_mut() {
        items.iter_mut().for_each(forget_secret);
    }
    Ok(list)
}

/// The values of Secrets stay in the cluster; their keys do not matter.
fn forget_secret(object: &mut Value) {
    if object["kind"] != "Secret" {
        return;
    }
    if let Some(data) = object["data"].as_object_mut() {
        data.values_mut()
            .for_each(|value| *value = Value::String(String::new()));
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("annotations");
    }
}

fn containers(list: &Value) -> Vec<(String, String)> {
    let pods = list["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|object| object["kind"] == "Pod");
    pods.flat_map(|pod| {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        ["initContainers", "containers"]
            .into_iter()
            .flat_map(|field| pod["spec"][field].as_array().into_iter().flatten())
            .filter_map(|container| Some((name.to_owned(), container["name"].as_str()?.to_owned())))
    })
    .collect()
}

fn save(path: &Path, value: &Value) -> Result<()> {
    write_file(
        path,
        &serde_json::to_vec_pretty(value).context("failed to write JSON")?,
    )
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("failed to write {}", path.display()))
}
