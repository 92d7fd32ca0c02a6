//! The metrics server, for scenarios that ask for it: a program on a host, registered as the cluster's metrics API.

use std::time::Duration;

use anyhow::Result;
use rustix::process::Signal;

use super::binaries;
use super::host::{BIN, Host};
use super::plan::Plan;
use super::progress::{step, wait_until};

/// Its name as a program, and as a daemon of a host.
pub(crate) const PROGRAM: &str = "metrics-server";
const PORT: u16 = 4443;
/// The administrators that the API server knows are those of the control plane.
const KUBECONFIG: &str = "/etc/kubernetes/kube-controller-manager.conf";

/// Builds it when it is not there yet, starts it on a host unless it runs there, and waits until it listens.
pub(crate) fn start(plan: &Plan, host: &Host) -> Result<()> {
    binaries::build_metrics_server(plan)?;
    if !host.pids_of(PROGRAM).is_empty() {
        return Ok(());
    }
    step!("starting {PROGRAM} on {}", host.name);
    let flags = [
        &format!("--kubeconfig={KUBECONFIG}"),
        &format!("--authentication-kubeconfig={KUBECONFIG}"),
        &format!("--authorization-kubeconfig={KUBECONFIG}"),
        &format!("--secure-port={PORT}"),
        "--cert-dir=/var/lib/metrics-server",
        // The kubelets made their certificates themselves, and no name server knows the nodes.
        "--kubelet-insecure-tls",
        "--kubelet-preferred-address-types=InternalIP",
        "--metric-resolution=15s",
        "--authorization-always-allow-paths=/healthz,/livez,/readyz,/apis/metrics.k8s.io/*",
    ]
    .map(|flag: &str| flag.to_owned());
    host.start_daemon(PROGRAM, &format!("{BIN}/{PROGRAM}"), &flags)?;
    let address = std::net::SocketAddr::from((host.address, PORT));
    wait_until(
        &format!("{PROGRAM} listens"),
        Duration::from_secs(60),
        &host.log(PROGRAM),
        || std::net::TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok(),
    )
}

/// Ends it.
pub(crate) fn stop(host: &Host) -> Result<()> {
    host.stop_daemon(PROGRAM, Signal::KILL)
}

/// What makes it the cluster's metrics API. Nothing here routes service addresses, so its endpoint is written by hand;
/// and the API server passes requests on without a certificate of its own, when it has checked whose they are.
pub(crate) fn manifests(host: &Host) -> String {
    format!(
        "apiVersion: v1
kind: Service
metadata: {{name: {PROGRAM}}}
spec: {{ports: [{{port: 443, targetPort: {PORT}}}]}}
---
apiVersion: v1
kind: Endpoints
metadata: {{name: {PROGRAM}}}
subsets:
- addresses: [{{ip: {address}}}]
  ports: [{{port: {PORT}}}]
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {{name: v1beta1.metrics.k8s.io}}
spec:
  group: metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {{namespace: $NAMESPACE, name: {PROGRAM}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: {PROGRAM}-is-read}}
rules: [{{apiGroups: [metrics.k8s.io], resources: [pods, nodes], verbs: [get, list, watch]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: {PROGRAM}-is-read}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {PROGRAM}-is-read}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: Group, name: system:unauthenticated}}]
",
        address = host.address
    )
}
