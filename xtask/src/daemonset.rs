//! `cargo xtask daemonset`: the agent as a DaemonSet on a real cluster, and what it must and must not do there.

mod image;

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::cluster::{self, Plan, Release, kubectl, kubectl_command, wait_until};
use crate::{dist, root};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Kubernetes minor version
    #[arg(long, value_enum, default_value_t)]
    kubernetes: Release,
}

const NAMESPACE: &str = "agent-check";
/// The account of `deploy/agent.yaml`.
const ACCOUNT: &str = "system:serviceaccount:sonde:sonde-agent";

/// Starts the cluster, puts the agent on it, and looks at what it sees and what it asks.
pub(crate) fn run(args: &Args) -> Result<()> {
    let plan = Plan::new(args.kubernetes)?;
    cluster::up(&plan)?;
    let binary = dist::build()?;
    let archive = plan.shared().join("agent.tar");
    image::write(&binary, &archive)?;
    cluster::import_image(&plan, "agent.tar")?;
    let outcome = look(&plan);
    for kind in [["namespace", NAMESPACE], ["namespace", "sonde"]] {
        let deleted = kubectl(
            &plan,
            &["delete", kind[0], kind[1], "--wait=false", "--ignore-not-found"],
        );
        if let Err(error) = deleted {
            eprintln!("failed to remove namespace {}: {error:#}", kind[1]);
        }
    }
    outcome
}

fn look(plan: &Plan) -> Result<()> {
    apply(plan, &std::fs::read_to_string(root().join("deploy/agent.yaml"))?)?;
    let rolled_out = kubectl_command(plan)
        .args([
            "rollout",
            "status",
            "--namespace=sonde",
            "daemonset/sonde-agent",
            "--timeout=120s",
        ])
        .status()?;
    if !rolled_out.success() {
        bail!("the DaemonSet does not roll out");
    }
    start_shop(plan)?;
    let seen = await_calls(plan)?;
    println!("calls to pod/web as its node's agent counts them: {seen}");
    deaths_are_told(plan)?;
    println!("the end of pod/ends is told with its exit code");
    asks_for_nothing(plan)
}

fn apply(plan: &Plan, text: &str) -> Result<()> {
    use std::io::Write as _;
    let mut child = kubectl_command(plan)
        .args(["apply", "--filename=-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .context("failed to start kubectl")?;
    child
        .stdin
        .take()
        .context("kubectl takes no input")?
        .write_all(text.as_bytes())?;
    if !child.wait()?.success() {
        bail!("kubectl apply failed");
    }
    Ok(())
}

fn pod(name: &str, script: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "app", "image": "localhost/busybox:1", "command": ["sh", "-c", script]}],
        },
    })
}

/// A web server, somebody who calls it without end, and somebody who ends.
fn start_shop(plan: &Plan) -> Result<()> {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    apply(plan, &namespace.to_string())?;
    wait(plan, "the namespace has its account", || {
        kubectl(plan, &["get", "serviceaccount", "default", "-n", NAMESPACE]).is_ok()
    })?;
    apply(
        plan,
        &pod(
            "web",
            "mkdir -p /tmp/w; echo hello > /tmp/w/index.html; exec httpd -f -p 8080 -h /tmp/w",
        )
        .to_string(),
    )?;
    apply(plan, &pod("ends", "exit 7").to_string())?;
    let address = || {
        kubectl(
            plan,
            &[
                "get",
                "pod",
                "web",
                "-n",
                NAMESPACE,
                "-o",
                "jsonpath={.status.podIP}",
            ],
        )
    };
    wait(plan, "pod/web has an address", || {
        address().is_ok_and(|address| !address.is_empty())
    })?;
    let script = format!(
        "while true; do wget -q -O /dev/null http://{}:8080/; done",
        address()?
    );
    apply(plan, &pod("client", &script).to_string())
}

fn wait(plan: &Plan, what: &str, holds: impl FnMut() -> bool) -> Result<()> {
    let log = plan.control().log("kube-apiserver");
    wait_until(what, Duration::from_secs(120), &log, holds)
}

/// Runs a command of the agents' own binary in each of their pods; they share this machine's kernel, so each sees all.
fn ask(plan: &Plan, arguments: &[&str]) -> Result<Vec<Value>> {
    let pods = kubectl(plan, &["get", "pods", "--namespace=sonde", "-o", "name"])?;
    pods.lines()
        .map(|pod| {
            let mut all = vec!["exec", "--namespace=sonde", pod, "--", "sonde"];
            all.extend_from_slice(arguments);
            let text = kubectl(plan, &all)?;
            serde_json::from_str(&text).with_context(|| format!("{pod} answers no JSON: {text}"))
        })
        .collect()
}

/// Calls that the agent which names the pod counted at its end.
fn await_calls(plan: &Plan) -> Result<u64> {
    let mut most = 0;
    wait(plan, "calls to pod/web are counted and named", || {
        let Ok(answers) = ask(plan, &["top", "--no-cluster", "-o", "json"]) else {
            return false;
        };
        let edges = answers.iter().filter_map(|it| it["edges"].as_array()).flatten();
        most = edges
            .filter(|edge| {
                let owner = &edge["owner"];
                owner["namespace"] == NAMESPACE && owner["pod"] == "web" && owner["container"] == "app"
            })
            .filter(|edge| edge["role"] == "server" && edge["protocol"] == "http1" && edge["port"] == 8080)
            .filter_map(|edge| edge["calls"].as_u64())
            .max()
            .unwrap_or(0);
        most >= 20
    })?;
    Ok(most)
}

fn deaths_are_told(plan: &Plan) -> Result<()> {
    wait(plan, "the end of pod/ends is told", || {
        let Ok(answers) = ask(plan, &["deaths", "-A", "-o", "json"]) else {
            return false;
        };
        answers.iter().any(|answer| {
            let text = answer.to_string();
            text.contains("\"pod\":\"ends\"") && text.contains("\"code\":7")
        })
    })
}

/// By the API server's own audit log, which has every request of the agent's account and of nobody in particular.
fn asks_for_nothing(plan: &Plan) -> Result<()> {
    let agents = kubectl(
        plan,
        &[
            "get",
            "pods",
            "--namespace=sonde",
            "-o",
            "jsonpath={.items[*].status.podIP}",
        ],
    )?;
    let addresses: Vec<&str> = agents.split_whitespace().collect();
    // First see that the log would tell: one request in the account's own name.
    let token = kubectl(plan, &["create", "token", "--namespace=sonde", "sonde-agent"])?;
    let refused = Command::new("curl")
        .args([
            "--silent",
            "--insecure",
            "--max-time",
            "10",
            "--noproxy",
            "*",
            "--header",
        ])
        .arg(format!("Authorization: Bearer {}", token.trim()))
        .arg(format!("{}/api/v1/pods", cluster::server(plan)))
        .output()
        .context("failed to run curl")?;
    if !String::from_utf8_lossy(&refused.stdout).contains("Forbidden") {
        bail!("the agent's account may list pods, or the API server does not answer");
    }
    let mut lines = Vec::new();
    wait(plan, "our own request stands in the audit log", || {
        lines = audited(plan);
        lines.iter().any(|line| line["user"]["username"] == ACCOUNT)
    })?;
    let theirs: Vec<&Value> = lines
        .iter()
        .filter(|line| {
            let from = line["sourceIPs"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            from.iter()
                .filter_map(Value::as_str)
                .any(|address| addresses.contains(&address))
        })
        .collect();
    let in_its_name = lines
        .iter()
        .filter(|line| line["user"]["username"] == ACCOUNT)
        .count();
    if let Some(line) = theirs.first() {
        bail!("an agent asked the API server: {line}");
    }
    if in_its_name != 1 {
        bail!("{in_its_name} requests in the name of {ACCOUNT}, of which one is ours");
    }
    println!(
        "requests of the agents in the API server's audit log: 0 (ours, which shows that it would tell, left out)"
    );
    Ok(())
}

fn audited(plan: &Plan) -> Vec<Value> {
    let log = plan.control().path(cluster::AUDIT_LOG);
    std::fs::read_to_string(log)
        .unwrap_or_default()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}
