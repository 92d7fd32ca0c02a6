//! The namespace of one scenario: brings the fault about, waits for its states, asks Sonde, and cleans up.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde_json::Value;
use sonde_model::Report;

use super::condition::Condition;
use super::dump;
use super::file::{Scenario, Step};
use crate::cluster::{Host, Plan, control, metrics, network, worker};

/// What Sonde is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Live,
    /// A folder with what kubectl and the nodes' log folders give.
    Dump,
}

/// How a scenario's namespace is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// After the scenario, with something that no other run has.
    Unique,
    /// After the scenario, so that captures of it are alike.
    Plain,
}

/// One scenario on one cluster. Cleans up when it goes out of scope.
pub(crate) struct Stage<'a> {
    plan: &'a Plan,
    scenario: &'a Scenario,
    namespace: String,
    cleans_up: bool,
}

/// Between two looks at the cluster.
const PAUSE: Duration = Duration::from_millis(700);

impl<'a> Stage<'a> {
    /// Makes the namespace.
    pub(crate) fn new(plan: &'a Plan, scenario: &'a Scenario, naming: Naming) -> Result<Self> {
        let namespace = match naming {
            Naming::Unique => format!("{}-{:04x}", scenario.name, unique()),
            Naming::Plain => scenario.name.clone(),
        };
        let stage = Self {
            plan,
            scenario,
            namespace,
            cleans_up: true,
        };
        // An earlier one of the same name may still be going.
        stage.wait(&["namespace/$NAMESPACE gone".parse()?])?;
        stage.kubectl(&["create", "namespace", &stage.namespace], None)?;
        // Pods are refused until the namespace has its account.
        let account: Condition = "serviceaccount/default .metadata.uid exists".parse()?;
        stage.wait(&[account])?;
        Ok(stage)
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Leaves everything as it is at the end.
    pub(crate) fn keep(&mut self) {
        self.cleans_up = false;
    }

    /// Applies the manifests, does the steps, and waits for the states.
    pub(crate) fn bring_about(&self) -> Result<()> {
        if !self.scenario.apply.trim().is_empty() {
            self.kubectl(&["apply", "-f", "-"], Some(&self.scenario.apply))?;
        }
        for step in &self.scenario.steps {
            self.perform(step)?;
        }
        self.wait(&self.scenario.wait)
    }

    /// Asks Sonde about the live cluster, or about a dump that is taken now and kept in the cluster's folder.
    pub(crate) fn diagnose(&self, sonde: &Path, way: Way) -> Result<Report> {
        let mut arguments = self.scenario.question(&self.namespace);
        if way == Way::Dump {
            let folder = self.plan.folder.join("dumps").join(&self.namespace);
            dump::write(self.plan, &self.namespace, &folder)?;
            arguments.extend(["--from".to_owned(), folder.display().to_string()]);
        }
        let output = Command::new(sonde)
            .arg("diagnose")
            .args(&arguments)
            .args(["-o", "json"])
            .env("KUBECONFIG", self.plan.kubeconfig())
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("failed to start {}", sonde.display()))?;
        // Findings (1) and blind spots (3) are answers; anything else is not.
        if !matches!(output.status.code(), Some(0 | 1 | 3)) {
            bail!(
                "sonde ended with {}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        serde_json::from_slice(&output.stdout).context("sonde's answer is not a report")
    }

    fn perform(&self, step: &Step) -> Result<()> {
        match step {
            Step::Kubectl(line) => {
                let words = words(&self.filled(line));
                self.kubectl(&words.iter().map(String::as_str).collect::<Vec<_>>(), None)
                    .map(drop)
            }
            Step::KubectlRefused(line) => {
                let words = words(&self.filled(line));
                match self.kubectl(&words.iter().map(String::as_str).collect::<Vec<_>>(), None) {
                    Ok(_) => bail!("kubectl {line} should have been refused"),
                    Err(_) => Ok(()),
                }
            }
            Step::Apply(manifests) => self.kubectl(&["apply", "-f", "-"], Some(manifests)).map(drop),
            Step::Wait(conditions) => self.wait(conditions),
            Step::LetPass(seconds) => {
                std::thread::sleep(Duration::from_secs(*seconds));
                Ok(())
            }
            Step::StopKubelet(node) => worker::stop_kubelet(&self.host(node)?),
            Step::StartKubelet(node) => {
                let host = self.host(node)?;
                if host.pids_of("kubelet").is_empty() {
                    worker::start_kubelet(&host)?;
                }
                worker::wait_until_ready(self.plan, &host)
            }
            Step::StartContainerd(node) => {
                let host = self.host(node)?;
                if host.pids_of("containerd").is_empty() {
                    worker::start_containerd(&host)?;
                }
                worker::wait_until_ready(self.plan, &host)
            }
            Step::StartMetricsServer(node) => {
                let host = self.host(node)?;
                metrics::start(self.plan, &host)?;
                self.kubectl(&["apply", "-f", "-"], Some(&metrics::manifests(&host)))
                    .map(drop)
            }
            Step::StopMetricsServer(node) => {
                let host = self.host(node)?;
                let delete = ["delete", "--ignore-not-found", "--wait=false", "-f", "-"];
                self.kubectl(&delete, Some(&metrics::manifests(&host)))?;
                metrics::stop(&host)
            }
            Step::RestoreNetwork(node) => {
                let host = self.host(node)?;
                network::restore(self.plan, &host)?;
                worker::wait_until_ready(self.plan, &host)
            }
            Step::Kill { node, program } => self.host(node)?.stop_daemon(program, Signal::KILL),
            Step::Node { node, run } => {
                let run: Vec<String> = run.iter().map(|word| self.filled(word)).collect();
                let (program, arguments) =
                    run.split_first().context("a command on a node needs a program")?;
                let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                self.host(node)?.run(program, &arguments).map(drop)
            }
            Step::KubeletConfig { node, set } => {
                let host = self.host(node)?;
                worker::stop_kubelet(&host)?;
                worker::configure_kubelet(&host, set)?;
                worker::start_kubelet(&host)?;
                worker::wait_until_ready(self.plan, &host)
            }
        }
    }

    fn wait(&self, conditions: &[Condition]) -> Result<()> {
        let start = Instant::now();
        let patience = Duration::from_secs(self.scenario.patience);
        let mut open = conditions
            .iter()
            .map(|it| it.in_namespace(&self.namespace))
            .collect::<Result<Vec<_>>>()?;
        loop {
            let objects = self.list(&open)?;
            // A state that was seen may pass again: events repeat, containers restart.
            open.retain(|condition| !condition.holds(&objects));
            if open.is_empty() {
                return Ok(());
            }
            if start.elapsed() > patience {
                let lines = open
                    .iter()
                    .map(|it| format!("{}\n  seen: {}", it.text(), it.observed(&objects)));
                bail!(
                    "not within {} s:\n{}",
                    patience.as_secs(),
                    lines.collect::<Vec<_>>().join("\n")
                );
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn list(&self, conditions: &[Condition]) -> Result<Vec<Value>> {
        let mut kinds: Vec<&str> = conditions.iter().map(Condition::kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let mut objects = Vec::new();
        // One call per kind: the cluster's kinds and the namespace's cannot be asked for together in all versions.
        for kind in kinds {
            let text = self.kubectl(&["get", kind, "-o", "json"], None)?;
            let list: Value = serde_json::from_str(&text).context("kubectl's answer is not JSON")?;
            if let Value::Array(items) = list["items"].clone() {
                objects.extend(items);
            }
        }
        Ok(objects)
    }

    fn kubectl(&self, arguments: &[&str], input: Option<&str>) -> Result<String> {
        let mut command = control::kubectl_command(self.plan);
        command.args(["--namespace", &self.namespace]).args(arguments);
        let stdin = if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        };
        let mut child = command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("failed to start kubectl")?;
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
            stdin
                .write_all(self.filled(input).as_bytes())
                .context("failed to write to kubectl")?;
        }
        let output = child.wait_with_output().context("failed to wait for kubectl")?;
        if !output.status.success() {
            bail!(
                "kubectl {}: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn host(&self, node: &str) -> Result<Host> {
        let host = self.plan.hosts().into_iter().find(|host| host.name == node);
        host.with_context(|| format!("there is no host {node}"))
    }

    fn filled(&self, text: &str) -> String {
        text.replace("$NAMESPACE", &self.namespace)
    }

    /// Goes on after a failure: whatever can be cleaned up is.
    fn clean_up(&self) {
        for step in &self.scenario.cleanup {
            if let Err(error) = self.perform(step) {
                eprintln!("{}: cleaning up: {error:#}", self.scenario.name);
            }
        }
        let manifests = Some(self.scenario.apply.as_str()).filter(|text| !text.trim().is_empty());
        let now = [
            "--wait=false",
            "--ignore-not-found",
            "--grace-period=0",
            "--force",
        ];
        let mut calls: Vec<(Vec<&str>, Option<&str>)> = Vec::new();
        if manifests.is_some() {
            calls.push(([&["delete", "-f", "-"][..], &now[..]].concat(), manifests));
        }
        calls.push(([&["delete", "pods", "--all"][..], &now[..]].concat(), None));
        calls.push((vec!["delete", "namespace", &self.namespace, "--wait=false"], None));
        for (arguments, input) in calls {
            if let Err(error) = self.kubectl(&arguments, input) {
                eprintln!("{}: cleaning up: {error:#}", self.scenario.name);
            }
        }
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        if self.cleans_up {
            self.clean_up();
        }
    }
}

/// A number that differs between runs and between the scenarios of one run.
fn unique() -> u16 {
    use std::hash::{BuildHasher, RandomState};
    (RandomState::new().hash_one(Instant::now()) & 0xffff) as u16
}

/// Splits a line at blanks that are not between single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in line.split('\'').enumerate() {
        if number % 2 == 0 {
            let starts_new = part.starts_with(char::is_whitespace) || words.is_empty();
            let mut pieces = part.split_whitespace();
            match (words.last_mut(), starts_new) {
                (Some(_), true) | (None, _) => {}
                (Some(last), false) => {
                    let last: &mut String = last;
                    last.push_str(pieces.next().unwrap_or(""));
                }
            }
            words.extend(pieces.map(str::to_owned));
            if part.ends_with(char::is_whitespace) || words.is_empty() {
                words.push(String::new());
            }
        } else if let Some(last) = words.last_mut() {
            last.push_str(part);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(words("delete pod app"), ["delete", "pod", "app"]);
        assert_eq!(
            words("patch pod app -p '{\"a\": {\"b\": 1}}' --now"),
            ["patch", "pod", "app", "-p", "{\"a\": {\"b\": 1}}", "--now"]
        );
        assert_eq!(
            words("exec app -- sh -c 'a b' x='c d'e"),
            ["exec", "app", "--", "sh", "-c", "a b", "x=c de"]
        );
    }
}
