//! The control plane: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, and the cluster's name server.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::INTERNAL;
use super::host::{BIN, Host, SHARED};
use super::plan::Plan;
use super::progress::{step, wait_until};

/// The domain of the names that the cluster's name server knows.
pub(crate) const DOMAIN: &str = "sonde.test";
pub(crate) const CLUSTER_DNS: &str = "10.96.0.10";
const SERVICES: &str = "10.96.0.0/16";
pub(crate) const API_PORT: u16 = 6443;
const CERTIFICATES: &str = "/var/lib/kube-apiserver";
const ETCD: &str = "http://127.0.0.1:2379";
const AUDIT_POLICY: &str = "/etc/kubernetes/audit.yaml";
/// Where the API server writes who asked what, on the control host.
pub(crate) const AUDIT_LOG: &str = "/var/lib/kube-apiserver/audit.log";
/// Only those are written down that should never ask: the agents, and whoever does not say who he is.
const AUDITED: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    nonResourceURLs: [/readyz*, /livez*, /healthz*]
  - level: Metadata
    users: ['system:serviceaccount:sonde:sonde-agent', 'system:anonymous']
  - level: None
";

/// Starts the control plane and waits until it answers.
pub(crate) fn start(plan: &Plan) -> Result<()> {
    let control = plan.control();
    step!("starting the control plane");
    let users = Users::create(plan)?;
    write_keys(&control)?;
    control.write("/etc/kubernetes/tokens.csv", &users.token_file())?;
    for component in ["kube-controller-manager", "kube-scheduler"] {
        let config = kubeconfig(
            plan,
            &format!("{CERTIFICATES}/apiserver.crt"),
            users.token(&format!("system:{component}"))?,
        );
        control.write(&format!("/etc/kubernetes/{component}.conf"), &config)?;
    }
    control.write("/etc/resolv.conf", &resolv_conf(plan))?;
    control.write(AUDIT_POLICY, AUDITED)?;
    control.start(plan)?;

    start_component(
        &control,
        "etcd",
        &[
            "--data-dir=/var/lib/etcd".to_owned(),
            format!("--listen-client-urls={ETCD}"),
            format!("--advertise-client-urls={ETCD}"),
            "--listen-peer-urls=http://127.0.0.1:2380".to_owned(),
            // The data lives as long as the cluster; waiting for the disk would only make it slow.
            "--unsafe-no-fsync".to_owned(),
        ],
    )?;
    start_component(&control, "kube-apiserver", &api_server_flags(&control))?;
    wait_until(
        "kube-apiserver writes its certificate",
        Duration::from_secs(60),
        &control.log("kube-apiserver"),
        || control.path(&format!("{CERTIFICATES}/apiserver.crt")).exists(),
    )?;
    std::fs::copy(
        control.path(&format!("{CERTIFICATES}/apiserver.crt")),
        plan.folder.join("ca.crt"),
    )
    .context("failed to copy the certificate")?;
    let admin = kubeconfig(
        plan,
        &plan.folder.join("ca.crt").to_string_lossy(),
        users.token("admin")?,
    );
    std::fs::write(plan.kubeconfig(), admin).context("failed to write the kubeconfig")?;
    for worker in plan.workers() {
        let token = users.token(&format!("system:node:{}", worker.name))?;
        worker.write(
            "/etc/kubernetes/kubelet.conf",
            &kubeconfig(plan, &format!("{SHARED}/ca.crt"), token),
        )?;
        std::fs::create_dir_all(plan.shared()).context("failed to create the shared folder")?;
        std::fs::copy(plan.folder.join("ca.crt"), plan.shared().join("ca.crt"))
            .context("failed to share the certificate")?;
    }
    wait_until(
        "kube-apiserver is ready",
        Duration::from_secs(120),
        &control.log("kube-apiserver"),
        || answers(plan),
    )?;
    start_component(
        &control,
        "kube-controller-manager",
        &[
            "--kubeconfig=/etc/kubernetes/kube-controller-manager.conf".to_owned(),
            "--service-account-private-key-file=/etc/kubernetes/sa.key".to_owned(),
            format!("--root-ca-file={CERTIFICATES}/apiserver.crt"),
            "--leader-elect=false".to_owned(),
            // A lost node is to be seen soon.
            "--node-monitor-grace-period=20s".to_owned(),
            "--node-monitor-period=2s".to_owned(),
        ],
    )?;
    start_component(
        &control,
        "kube-scheduler",
        &[
            "--kubeconfig=/etc/kubernetes/kube-scheduler.conf".to_owned(),
            "--authentication-kubeconfig=/etc/kubernetes/kube-scheduler.conf".to_owned(),
            "--authorization-kubeconfig=/etc/kubernetes/kube-scheduler.conf".to_owned(),
            "--leader-elect=false".to_owned(),
        ],
    )?;
    start_name_server(plan, &control)?;
    wait_until(
        "every namespace has its account",
        Duration::from_secs(60),
        &control.log("kube-controller-manager"),
        || kubectl(plan, &["get", "serviceaccount", "default", "-n", "default"]).is_ok(),
    )
}

/// Whether the API server says that it is ready.
pub(crate) fn answers(plan: &Plan) -> bool {
    kubectl(plan, &["get", "--raw", "/readyz"]).is_ok()
}

/// Runs the release's own kubectl from the machine, as administrator.
pub(crate) fn kubectl(plan: &Plan, arguments: &[&str]) -> Result<String> {
    let output = kubectl_command(plan)
        .arg("--request-timeout=10s")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .context("failed to start kubectl")?;
    if !output.status.success() {
        bail!(
            "kubectl {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The release's own kubectl, to be completed by the caller.
pub(crate) fn kubectl_command(plan: &Plan) -> Command {
    let mut command = Command::new(plan.kubernetes_binaries().join("kubectl"));
    command.env("KUBECONFIG", plan.kubeconfig());
    command
}

/// Where a host looks up names.
pub(crate) fn resolv_conf(plan: &Plan) -> String {
    format!(
        "nameserver {}\noptions timeout:2 attempts:2\n",
        plan.control().address
    )
}

fn start_component(control: &Host, name: &str, flags: &[String]) -> Result<()> {
    control.start_daemon(name, &format!("{BIN}/{name}"), flags)
}

fn api_server_flags(control: &Host) -> Vec<String> {
    [
        &format!("--etcd-servers={ETCD}"),
        &format!("--advertise-address={}", control.address),
        &format!("--secure-port={API_PORT}"),
        &format!("--cert-dir={CERTIFICATES}"),
        &format!("--service-cluster-ip-range={SERVICES}"),
        "--service-account-key-file=/etc/kubernetes/sa.pub",
        "--service-account-signing-key-file=/etc/kubernetes/sa.key",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        "--token-auth-file=/etc/kubernetes/tokens.csv",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        // Services are reached through their endpoints: nothing here routes service addresses.
        "--enable-aggregator-routing=true",
        // Node names are not known to any name server here.
        "--kubelet-preferred-address-types=InternalIP",
        &format!("--audit-policy-file={AUDIT_POLICY}"),
        &format!("--audit-log-path={AUDIT_LOG}"),
        "--audit-log-maxsize=20",
        "--audit-log-maxbackup=1",
    ]
    .into_iter()
    .map(|flag: &str| flag.to_owned())
    .collect()
}

fn start_name_server(plan: &Plan, control: &Host) -> Result<()> {
    let program = std::env::current_exe().context("failed to find this program's own path")?;
    let arguments = [
        INTERNAL.to_owned(),
        "dns".to_owned(),
        format!("*.{DOMAIN}={}", control.address),
        format!("blackhole.{DOMAIN}={}", plan.blackhole_address()),
    ];
    control.start_daemon("dns", &program.to_string_lossy(), &arguments)
}

fn write_keys(control: &Host) -> Result<()> {
    control.write("/etc/kubernetes/sa.key", &openssl(&["genrsa", "2048"], "")?)?;
    let key = std::fs::read_to_string(control.path("/etc/kubernetes/sa.key"))
        .context("failed to read the key again")?;
    control.write("/etc/kubernetes/sa.pub", &openssl(&["rsa", "-pubout"], &key)?)
}

/// Runs openssl with a text on its standard input.
pub(crate) fn openssl(arguments: &[&str], input: &str) -> Result<String> {
    use std::io::Write;
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("failed to start openssl")?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin
            .write_all(input.as_bytes())
            .context("failed to write to openssl")?;
    }
    let output = child.wait_with_output().context("failed to wait for openssl")?;
    if !output.status.success() {
        bail!(
            "openssl {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The users that the API server knows by a token made for this cluster.
struct Users(Vec<User>);

struct User {
    name: String,
    group: &'static str,
    token: String,
}

impl Users {
    fn create(plan: &Plan) -> Result<Self> {
        let mut users = Vec::new();
        for name in ["admin", "system:kube-controller-manager", "system:kube-scheduler"] {
            users.push(User {
                name: name.to_owned(),
                group: "system:masters",
                token: random_token()?,
            });
        }
        for worker in plan.workers() {
            users.push(User {
                name: format!("system:node:{}", worker.name),
                group: "system:nodes",
                token: random_token()?,
            });
        }
        Ok(Self(users))
    }

    fn token(&self, name: &str) -> Result<&str> {
        let user = self.0.iter().find(|user| user.name == name);
        user.map(|user| user.token.as_str())
            .with_context(|| format!("no user {name}"))
    }

    fn token_file(&self) -> String {
        let line = |(number, user): (usize, &User)| {
            format!("{},{},{number},{}\n", user.token, user.name, user.group)
        };
        self.0.iter().enumerate().map(line).collect()
    }
}

fn random_token() -> Result<String> {
    let mut bytes = [0_u8; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("failed to read /dev/urandom")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn kubeconfig(plan: &Plan, certificate: &str, token: &str) -> String {
    let name = format!("sonde-{}", plan.release.minor());
    let server = format!("https://{}:{API_PORT}", plan.control().address);
    format!(
        "apiVersion: v1
kind: Config
current-context: {name}
clusters:
- name: {name}
  cluster:
    server: {server}
    certificate-authority: {certificate}
contexts:
- name: {name}
  context:
    cluster: {name}
    user: {name}
users:
- name: {name}
  user:
    token: {token}
"
    )
}
