//! A worker: containerd and a kubelet, with a bridge for its pods.

use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;

use super::control::{CLUSTER_DNS, kubectl, resolv_conf};
use super::host::{BIN, Host, SHARED};
use super::plan::Plan;
use super::progress::{step, wait_until};
use super::registry;

const KUBELET_CONFIG: &str = "/var/lib/kubelet/config.yaml";

/// Starts containerd, brings in the local images, and starts the kubelet.
pub(crate) fn start(plan: &Plan, worker: &Host) -> Result<()> {
    step!("starting {}", worker.name);
    worker.write("/etc/resolv.conf", &resolv_conf(plan))?;
    worker.write("/etc/containerd/config.toml", CONTAINERD_CONFIG)?;
    for (host, content) in registry::host_files() {
        worker.write(&format!("/etc/containerd/certs.d/{host}/hosts.toml"), &content)?;
    }
    worker.write(
        "/etc/cni/net.d/10-bridge.conflist",
        &network_config(&plan.pod_subnet(worker)),
    )?;
    worker.write(KUBELET_CONFIG, &kubelet_config(worker))?;
    worker.start(plan)?;

    worker.start_daemon(
        "kernel",
        "dmesg",
        &["--follow-new".to_owned(), "--time-format=iso".to_owned()],
    )?;
    start_containerd(worker)?;
    import_image(worker, "images.tar")?;
    start_kubelet(worker)
}

/// Gives a worker the images of an archive in the shared folder.
pub(crate) fn import_image(worker: &Host, archive: &str) -> Result<()> {
    let arguments = [
        "--namespace=k8s.io",
        "images",
        "import",
        &format!("{SHARED}/{archive}"),
    ];
    worker.run("ctr", &arguments).map(drop)
}

/// Waits until the API server calls the node ready.
pub(crate) fn wait_until_ready(plan: &Plan, worker: &Host) -> Result<()> {
    const READY: &str = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}";
    wait_until(
        &format!("{} is ready", worker.name),
        Duration::from_secs(120),
        &worker.log("kubelet"),
        || kubectl(plan, &["get", "node", worker.name, "-o", READY]).is_ok_and(|status| status == "True"),
    )
}

/// Starts containerd and waits until it answers.
pub(crate) fn start_containerd(worker: &Host) -> Result<()> {
    worker.start_daemon(
        "containerd",
        "containerd",
        &["--config=/etc/containerd/config.toml".to_owned()],
    )?;
    wait_until(
        &format!("containerd on {} answers", worker.name),
        Duration::from_secs(60),
        &worker.log("containerd"),
        || worker.run("ctr", &["version"]).is_ok(),
    )
}

/// Starts the kubelet of a worker that has none.
pub(crate) fn start_kubelet(worker: &Host) -> Result<()> {
    let flags = [
        format!("--config={KUBELET_CONFIG}"),
        "--kubeconfig=/etc/kubernetes/kubelet.conf".to_owned(),
        // Each kill of a container is a line, as on nodes whose kubelet is asked to tell.
        "--v=2".to_owned(),
        format!("--hostname-override={}", worker.name),
        format!("--node-ip={}", worker.address),
        format!("--node-labels=topology.kubernetes.io/zone={}", zone(worker)),
    ];
    worker.start_daemon("kubelet", &format!("{BIN}/kubelet"), &flags)
}

/// Stops the kubelet of a worker; its containers go on.
pub(crate) fn stop_kubelet(worker: &Host) -> Result<()> {
    worker.stop_daemon("kubelet", Signal::TERM)
}

/// Sets a top-level field of the kubelet's configuration, given as `name: value`; an empty text sets everything back.
pub(crate) fn configure_kubelet(worker: &Host, field: &str) -> Result<()> {
    let mut config = kubelet_config(worker);
    if let Some((name, _)) = field.split_once(':') {
        let keep = |line: &&str| !line.starts_with(&format!("{name}:"));
        config = config
            .lines()
            .filter(keep)
            .map(|line| format!("{line}\n"))
            .collect();
        config.push_str(field);
        config.push('\n');
    }
    worker.write(KUBELET_CONFIG, &config)
}

fn zone(worker: &Host) -> String {
    worker.name.replace("worker", "zone")
}

/// `restrict_oom_score_adj` and `disable_apparmor` make it run where root lacks some capabilities, as in many CI machines.
const CONTAINERD_CONFIG: &str = r#"version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  disable_apparmor = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/etc/containerd/certs.d"
"#;

fn network_config(subnet: &str) -> String {
    format!(
        r#"{{
  "cniVersion": "0.4.0",
  "name": "pods",
  "plugins": [
    {{
      "type": "bridge",
      "bridge": "cni0",
      "isGateway": true,
      "ipam": {{ "type": "host-local", "ranges": [[{{ "subnet": "{subnet}" }}]], "routes": [{{ "dst": "0.0.0.0/0" }}] }}
    }}
  ]
}}
"#
    )
}

fn kubelet_config(worker: &Host) -> String {
    format!(
        "apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /{cgroup}
failSwapOn: false
failCgroupV1: false
oomScoreAdj: 0
makeIPTablesUtilChains: false
authentication:
  anonymous:
    enabled: true
  webhook:
    enabled: false
authorization:
  mode: AlwaysAllow
clusterDNS:
- {CLUSTER_DNS}
clusterDomain: cluster.local
resolvConf: /etc/resolv.conf
volumePluginDir: /var/lib/kubelet/volume-plugins
enableSystemLogHandler: true
enableSystemLogQuery: true
featureGates:
  NodeLogQuery: true
nodeStatusUpdateFrequency: 5s
nodeLeaseDurationSeconds: 20
serializeImagePulls: {serialize}
evictionHard: {{memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}}
evictionPressureTransitionPeriod: 5s
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
",
        cgroup = worker.cgroup,
        // One worker pulls image after image, as most clusters do; the other lets no slow pull hold up the rest.
        serialize = worker.name != "worker-1",
    )
}
