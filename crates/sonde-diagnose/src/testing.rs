//! A small world for tests of causes: objects as JSON, texts as text, one question.

pub(crate) mod agent;
pub(crate) mod checks;
pub(crate) mod contract;

use serde_json::{Value, json};
use sonde_grammar::log::NodeLog;
use sonde_model::{Code, Finding, Kind, Report, Severity, Verdict};
use sonde_world::World;

use crate::{LogKey, LooseMessage, NodeLogRead, Question, Want, diagnose};

/// The "now" of every test unless it says otherwise.
pub(crate) const NOW: &str = "2026-03-01T12:00:00Z";

/// A world in the making.
#[derive(Default)]
pub(crate) struct Scene {
    world: World,
    question: Question,
    events: usize,
}

/// What the engine said.
pub(crate) struct Outcome {
    pub(crate) report: Report,
    pub(crate) wants: Vec<Want>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Scene {
            question: Question {
                now: NOW.parse().ok(),
                ..Question::default()
            },
            ..Scene::default()
        }
    }

    /// Without a "now", as a text without a time is.
    pub(crate) fn timeless() -> Self {
        Scene::default()
    }

    /// Puts an object.
    pub(crate) fn object(mut self, object: Value) -> Self {
        self.world.put_json(object.to_string().into(), None).unwrap();
        self
    }

    /// Puts an object of which the source shows a part, as `kubectl describe` does.
    pub(crate) fn partial(mut self, object: Value) -> Self {
        self.world
            .put_partial_json(object.to_string().into(), None)
            .unwrap();
        self
    }

    /// Puts an event about `kind/namespace/name`, last seen at `time`.
    pub(crate) fn event(self, about: &str, reason: &str, message: &str, time: &str) -> Self {
        self.container_event(about, "", reason, message, time)
    }

    /// As [`Scene::event`], about a container.
    pub(crate) fn container_event(
        mut self,
        about: &str,
        container: &str,
        reason: &str,
        message: &str,
        time: &str,
    ) -> Self {
        let mut parts = about.splitn(3, '/');
        let (kind, namespace, name) = (parts.next(), parts.next(), parts.next());
        let field_path = if container.is_empty() {
            String::new()
        } else {
            format!("spec.containers{{{container}}}")
        };
        self.events += 1;
        let event_name = format!("e{}", self.events);
        let normal = [
            "Killing",
            "Pulling",
            "Pulled",
            "Created",
            "Started",
            "Scheduled",
            "BackOffNormal",
        ];
        self.object(json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": event_name, "namespace": namespace},
            "involvedObject": {"kind": kind, "namespace": namespace, "name": name, "fieldPath": field_path},
            "reason": reason, "message": message,
            "type": if normal.contains(&reason) { "Normal" } else { "Warning" },
            "firstTimestamp": time, "lastTimestamp": time, "count": 1, "source": {"component": "kubelet"}
        }))
    }

    /// Marks kinds as completely listed in the whole cluster.
    pub(crate) fn complete(mut self, kinds: &[Kind]) -> Self {
        for kind in kinds {
            self.world.mark_complete(kind.clone(), None);
        }
        self
    }

    /// Puts a container's log; `previous` for the run before the last restart.
    pub(crate) fn log(mut self, pod: &str, container: &str, previous: bool, text: &str) -> Self {
        let (namespace, pod) = pod.split_once('/').unwrap();
        let key = LogKey {
            namespace: namespace.into(),
            pod: pod.into(),
            container: container.into(),
            previous,
        };
        self.question
            .texts
            .container_logs
            .insert(key, text.lines().map(ToOwned::to_owned).collect());
        self
    }

    /// Puts what the kubelet of `n1` counts for a container of a pod in `shop`.
    pub(crate) fn throttled(mut self, pod: &str, container: &str, periods: u64, throttled: u64) -> Self {
        let labels = format!("container=\"{container}\",id=\"\",namespace=\"shop\",pod=\"{pod}\"");
        let text = format!(
            "container_cpu_cfs_periods_total{{{labels}}} {periods}\ncontainer_cpu_cfs_throttled_periods_total{{{labels}}} {throttled}"
        );
        let read = sonde_grammar::counters::cpu_throttling(&text);
        self.question.texts.throttling.insert("n1".into(), read);
        self
    }

    /// Puts a node's kernel log.
    pub(crate) fn kernel(mut self, node: &str, text: &str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        self.question
            .texts
            .kernel
            .insert(node.into(), sonde_grammar::log::kernel(&lines));
        self.note_read(node, NodeLog::Kernel, &lines);
        self
    }

    /// Puts the objects that a pasted text shows a part of.
    pub(crate) fn pasted(mut self, text: &str) -> Self {
        for object in sonde_grammar::paste::read(text).objects {
            self.world
                .put_partial_json(object.to_string().into(), None)
                .unwrap();
        }
        self
    }

    /// Puts a node's kubelet log.
    pub(crate) fn kubelet(mut self, node: &str, text: &str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        self.note_read(node, NodeLog::Kubelet, &lines);
        let lines = sonde_grammar::log::node(&lines, Some(NodeLog::Kubelet), Some(2026));
        self.node_lines(node, lines);
        self
    }

    /// Puts what an agent on `n1` tells.
    pub(crate) fn agent(mut self, agent: &agent::Agent) -> Self {
        let text = agent.text();
        let lines: Vec<&str> = text.lines().collect();
        self.note_read("n1", NodeLog::Agent, &lines);
        let lines = sonde_grammar::log::node(&lines, None, None);
        self.node_lines("n1", lines);
        self
    }

    fn node_lines(&mut self, node: &str, lines: Vec<sonde_grammar::log::NodeLine>) {
        self.question
            .texts
            .node
            .entry(node.into())
            .or_default()
            .extend(lines);
    }

    fn note_read(&mut self, node: &str, log: NodeLog, lines: &[&str]) {
        let read = NodeLogRead::of(log, lines, Some(2026));
        self.question.texts.read.insert((node.into(), log), read);
    }

    /// Puts a pasted line that is about no known object.
    pub(crate) fn loose(mut self, text: &str) -> Self {
        self.question.texts.loose.push(LooseMessage {
            text: text.to_owned(),
            time: None,
            about: None,
            container: None,
            facts: sonde_grammar::message::facts("", text),
        });
        self
    }

    /// Another "now".
    pub(crate) fn now(mut self, time: &str) -> Self {
        self.question.now = Some(time.parse().unwrap());
        self
    }

    /// Asks about these objects by name, as `kind/namespace/name`.
    pub(crate) fn named(mut self, objects: &[&str]) -> Self {
        let reference = |text: &&str| {
            let parts: Vec<&str> = text.splitn(3, '/').collect();
            sonde_model::ObjectRef::new(Kind::from_name(parts[0]), parts[1], parts[2])
        };
        self.question.scope = crate::Scope::Objects(objects.iter().map(reference).collect());
        self
    }

    /// Asks about everything, unless objects were named.
    pub(crate) fn diagnose(mut self) -> Outcome {
        self.question.snapshot = self.world.snapshot();
        let answer = diagnose(&self.question);
        assert_honest(&answer.report);
        Outcome {
            report: answer.report,
            wants: answer.wants,
        }
    }
}

/// What holds for every report (design, "rules that keep it honest").
fn assert_honest(report: &Report) {
    for finding in &report.findings {
        assert!(!finding.evidence.is_empty(), "{} has no evidence", finding.code);
        assert!(!finding.headline.is_empty(), "{} has no headline", finding.code);
        assert!(!finding.chain.is_empty(), "{} has no chain", finding.code);
        for step in &finding.chain {
            assert!(
                !step.evidence.is_empty(),
                "{}: nothing shows that {}",
                finding.code,
                step.text
            );
        }
        let ids: Vec<_> = finding.evidence.iter().map(|evidence| &evidence.id).collect();
        let used = finding
            .chain
            .iter()
            .flat_map(|step| &step.evidence)
            .chain(finding.ruled_out.iter().flat_map(|it| &it.evidence));
        for id in used {
            assert!(
                ids.contains(&id),
                "{} refers to {id}, which is not there",
                finding.code
            );
        }
        if finding.verdict == Verdict::Unknown {
            assert!(
                !finding.next.is_empty(),
                "{} is unknown and says nothing to look at",
                finding.code
            );
        }
        if finding.verdict == Verdict::Proven {
            assert!(
                finding.rivals.is_empty(),
                "{} is proven and has rivals",
                finding.code
            );
        }
    }
}

impl Outcome {
    /// The finding with the code; fails with everything that was found.
    pub(crate) fn finding(&self, code: &str) -> &Finding {
        self.report
            .findings
            .iter()
            .find(|finding| finding.code.as_str() == code)
            .unwrap_or_else(|| panic!("no {code}; found: {}", self.summary()))
    }

    /// The code was concluded with the verdict, and no other alarm was raised.
    pub(crate) fn finds_only(&self, code: &str, verdict: Verdict) -> &Finding {
        let finding = self.finding(code);
        assert_eq!(finding.verdict, verdict, "{}", self.summary());
        let alarms = self
            .report
            .findings
            .iter()
            .filter(|it| it.severity > Severity::Info)
            .count();
        assert_eq!(alarms, 1, "{}", self.summary());
        finding
    }

    /// The code is not concluded at all.
    pub(crate) fn lacks(&self, code: &str) -> &Self {
        let found = self
            .report
            .findings
            .iter()
            .any(|finding| finding.code.as_str() == code);
        assert!(!found, "found {code}: {}", self.summary());
        self
    }

    /// The code is not concluded beyond `possible`: the engine says that it does not know.
    pub(crate) fn does_not_claim(&self, code: &str) -> &Self {
        assert!(!self.claims(code), "claims {code}: {}", self.summary());
        self
    }

    /// No alarm at all; a trouble that is over may be told as info.
    pub(crate) fn is_calm(&self) -> &Self {
        let alarms = self
            .report
            .findings
            .iter()
            .filter(|it| it.severity > Severity::Info)
            .count();
        assert_eq!(alarms, 0, "{}", self.summary());
        self
    }

    /// The code was ruled out in some finding.
    pub(crate) fn rules_out(&self, code: &str) -> &Self {
        let code = Code::from(code.to_owned());
        let out = self
            .report
            .findings
            .iter()
            .any(|it| it.ruled_out.iter().any(|rival| rival.code == code));
        assert!(out, "{code} is not ruled out: {}", self.summary());
        self
    }

    /// The code was concluded with the verdict, and no other alarm was raised.
    pub(crate) fn says_only(&self, code: &str, verdict: Verdict) -> bool {
        let alarms: Vec<_> = self
            .report
            .findings
            .iter()
            .filter(|it| it.severity > Severity::Info)
            .collect();
        matches!(alarms.as_slice(), [one] if one.code.as_str() == code && one.verdict == verdict)
    }

    /// How many alarms there are.
    pub(crate) fn alarms(&self) -> usize {
        self.report
            .findings
            .iter()
            .filter(|it| it.severity > Severity::Info)
            .count()
    }

    /// The code is claimed: proven or likely.
    pub(crate) fn claims(&self, code: &str) -> bool {
        self.report
            .findings
            .iter()
            .any(|it| it.code.as_str() == code && it.verdict >= Verdict::Likely)
    }

    pub(crate) fn summary(&self) -> String {
        self.report
            .findings
            .iter()
            .map(|it| {
                format!(
                    "\n  {} {:?} {:?} {}: {}",
                    it.code, it.verdict, it.severity, it.subject, it.headline
                )
            })
            .collect()
    }
}

/// A pod `shop/app-1` of ReplicaSet `app` on node `n1` with one container `app`, running and ready since 10:00.
/// `patch` is merged over it (JSON merge patch).
pub(crate) fn pod(patch: Value) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": "app-1", "namespace": "shop", "uid": "0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60",
            "labels": {"app": "app"}, "creationTimestamp": "2026-03-01T10:00:00Z",
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app", "uid": "u-rs", "controller": true}]
        },
        "spec": {
            "nodeName": "n1", "restartPolicy": "Always", "terminationGracePeriodSeconds": 30,
            "containers": [{"name": "app", "image": "registry.example/app:1"}]
        },
        "status": {
            "phase": "Running", "startTime": "2026-03-01T10:00:00Z",
            "conditions": [
                {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-03-01T10:00:00Z"},
                {"type": "Initialized", "status": "True", "lastTransitionTime": "2026-03-01T10:00:00Z"},
                {"type": "ContainersReady", "status": "True", "lastTransitionTime": "2026-03-01T10:00:05Z"},
                {"type": "Ready", "status": "True", "lastTransitionTime": "2026-03-01T10:00:05Z"}
            ],
            "containerStatuses": [status(json!({}))]
        }
    });
    merge(&mut pod, patch);
    pod
}

/// A status of container `app`, running and ready since 10:00, with `patch` merged over it.
pub(crate) fn status(patch: Value) -> Value {
    let mut status = json!({
        "name": "app", "ready": true, "started": true, "restartCount": 0,
        "image": "registry.example/app:1", "imageID": "", "containerID": format!("containerd://{}", "c".repeat(64)),
        "state": {"running": {"startedAt": "2026-03-01T10:00:02Z"}}, "lastState": {}
    });
    merge(&mut status, patch);
    status
}

/// A container status that waits in CrashLoopBackOff after a run from 11:50 to 11:58.
pub(crate) fn crashed(exit_code: i64, reason: &str) -> Value {
    status(json!({
        "ready": false, "started": false, "restartCount": 4,
        "state": {"running": null, "waiting": {"reason": "CrashLoopBackOff",
            "message": "back-off 1m20s restarting failed container=app pod=app-1_shop(0f2f7b7c)"}},
        "lastState": {"terminated": {"exitCode": exit_code, "reason": reason,
            "startedAt": "2026-03-01T11:50:00Z", "finishedAt": "2026-03-01T11:58:00Z",
            "containerID": format!("containerd://{}", "c".repeat(64))}}
    }))
}

/// A container status that has run well since 11:20, after a run from 10:00 that ended so.
pub(crate) fn recovered(exit_code: i64, reason: &str) -> Value {
    status(json!({
        "restartCount": 1, "containerID": format!("containerd://{}", "e".repeat(64)),
        "state": {"running": {"startedAt": "2026-03-01T11:20:00Z"}},
        "lastState": {"terminated": {"exitCode": exit_code, "reason": reason,
            "startedAt": "2026-03-01T10:00:02Z", "finishedAt": "2026-03-01T11:19:58Z",
            "containerID": format!("containerd://{}", "c".repeat(64))}}
    }))
}

/// JSON merge patch (RFC 7396).
pub(crate) fn merge(target: &mut Value, patch: Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    target.remove(&key);
                } else {
                    merge(target.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (target, patch) => *target = patch,
    }
}
