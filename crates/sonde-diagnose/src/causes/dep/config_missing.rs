//! DEP-CONFIG-MISSING: a ConfigMap or Secret that the pod refers to does not exist, or lacks the key it refers to.

use jiff::{SignedDuration, Timestamp};
use sonde_grammar::Fact;
use sonde_grammar::fact::{ConfigRef, CreateFailure, RefKind, VolumeFailure};
use sonde_model::{Code, EvidenceKind, Kind, ObjectRef, Risk, Severity, nearest};
use sonde_world::view::ConfigUse;

use super::volume::failing;
use crate::cause::page;
use crate::{Case, Cause, Facts, Message, Seen, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-CONFIG-MISSING"),
    title: "ConfigMap or Secret missing, or a key of it",
    explains: &[
        Symptom::NotStarting,
        Symptom::ContainerNotCreated,
        Symptom::NotYetStarted,
    ],
    reads: &[Kind::ConfigMap, Kind::Secret],
    state,
    page: page!("DEP-CONFIG-MISSING"),
};

/// The kubelet tries again after at most about two minutes, and may have the old state in its cache as long; a pod that
/// still waits after this has another trouble. A guess.
const NEXT_LOOK: SignedDuration = SignedDuration::from_mins(10);

fn state(facts: &Facts<'_>, case: &mut Case) {
    let of_volume = failing(facts, |failure| match failure {
        VolumeFailure::Missing(it) => Some(it),
        _ => None,
    });
    let said = of_volume.map(|(it, _, message)| (it, message)).or_else(|| {
        facts.find(|fact| match fact {
            Fact::Create(CreateFailure::Config(it)) => Some(it),
            _ => None,
        })
    });
    let said = said.filter(|_| facts.episode.symptom != Symptom::NotYetStarted);
    let uses = facts.pod().config_uses();
    let needed = |it: &&ConfigUse| !it.optional && is_needed_now(facts, it);
    let mut told: Vec<Lack> = Vec::new();
    if let Some((reference, message)) = said {
        told.push(as_said(facts, case, &uses, reference, message));
    }
    // The kubelet's summary ("timed out waiting for the condition") names neither object nor key, and its other words name
    // one of several; the snapshot knows them all.
    for used in uses.iter().filter(needed) {
        let Some(seen) = proof_of_lack(facts, used) else {
            continue;
        };
        let key = used.key.clone().filter(|_| seen.kind != EvidenceKind::Absence);
        let lack = Lack {
            secret: used.secret,
            name: Some(used.name.clone()),
            key,
        };
        if told.iter().any(|have| have.may_be(&lack)) {
            continue;
        }
        let case = if told.is_empty() {
            &mut *case
        } else {
            case.beside()
        };
        case.proven_by(seen.clone());
        describe(facts, case, &lack, Some(used), seen);
        told.push(lack);
    }
    if told.is_empty()
        && facts.episode.symptom != Symptom::NotYetStarted
        && let Some(used) = uses.iter().find(needed)
    {
        let kind = kind_of(used.secret);
        let listed = facts
            .snapshot
            .is_complete(&kind, &facts.episode.subject.namespace);
        if !listed {
            case.wants(
                facts.want_kind(kind),
                "whether every ConfigMap and Secret that the pod refers to exists",
            );
        }
    }
}

/// What is not there, as far as it is named.
struct Lack {
    secret: bool,
    name: Option<String>,
    /// The key, where the object is there and lacks it.
    key: Option<String>,
}

impl Lack {
    fn may_be(&self, other: &Lack) -> bool {
        self.secret == other.secret
            && (self.name.is_none() || self.name == other.name)
            && (self.key.is_none() || self.key == other.key)
    }
}

/// What the kubelet says is missing.
fn as_said(
    facts: &Facts<'_>,
    case: &mut Case,
    uses: &[ConfigUse],
    reference: &ConfigRef,
    message: &Message,
) -> Lack {
    let used = uses.iter().find(|it| is_about(reference, it));
    let key = reference
        .key
        .clone()
        .or_else(|| used.and_then(|it| it.key.clone()));
    let lack = Lack {
        secret: reference.kind == RefKind::Secret,
        name: reference.name.clone().or_else(|| used.map(|it| it.name.clone())),
        key: key.filter(|_| reference.key_missing),
    };
    if let Some((seen, since)) = used.and_then(|it| exists_by_now(facts, reference, it)) {
        mended(facts, case, reference, message, (seen, since));
    } else {
        case.proven_by(message.seen());
        describe(facts, case, &lack, used, message.seen());
    }
    lack
}

/// The pod is held at the step that reads it: volumes are filled before the sandbox is made, a container's environment
/// when it is configured.
fn is_needed_now(facts: &Facts<'_>, used: &ConfigUse) -> bool {
    match facts.episode.symptom {
        Symptom::NotStarting => used.volume.is_some(),
        Symptom::NotYetStarted => is_needed_later(facts, used),
        _ => {
            facts.episode.word == "CreateContainerConfigError"
                && used.container.as_deref() == facts.episode.container.as_deref()
        }
    }
}

/// What holds the pod back comes before the step that reads it.
fn is_needed_later(facts: &Facts<'_>, used: &ConfigUse) -> bool {
    let pod = facts.pod();
    match &used.container {
        // It never ran and does not complain yet.
        Some(container) => pod.container_status(container).is_none_or(|(status, _)| {
            let quiet = status.state.waiting.as_ref().is_none_or(|waiting| {
                matches!(
                    waiting.reason.as_str(),
                    "" | "PodInitializing" | "ContainerCreating"
                )
            });
            quiet
                && status.state.running.is_none()
                && status.state.terminated.is_none()
                && status.last_state.terminated.is_none()
        }),
        None => pod.spec.node_name.is_empty(),
    }
}

fn kind_of(secret: bool) -> Kind {
    if secret { Kind::Secret } else { Kind::ConfigMap }
}

fn object_of(facts: &Facts<'_>, secret: bool, name: &str) -> ObjectRef {
    ObjectRef::new(kind_of(secret), &facts.episode.subject.namespace, name)
}

/// That the object, or the key in it, is known not to be there.
fn proof_of_lack(facts: &Facts<'_>, used: &ConfigUse) -> Option<Seen> {
    let object = object_of(facts, used.secret, &used.name);
    if let Some(seen) = facts.absence(&object) {
        return Some(seen);
    }
    let key = used.key.as_ref()?;
    let keys = facts.snapshot.config_keys(&object)?;
    (!keys.contains(key)).then(|| field_on(&object, "data", format!("keys: {}", keys.join(", "))))
}

fn is_about(reference: &ConfigRef, used: &ConfigUse) -> bool {
    used.secret == (reference.kind == RefKind::Secret)
        && reference.name.as_ref().is_none_or(|name| *name == used.name)
        && reference
            .key
            .as_ref()
            .is_none_or(|key| used.key.as_ref().is_none_or(|it| it == key))
}

/// The message is old news: the object is there now, and the key where one is meant.
fn exists_by_now(
    facts: &Facts<'_>,
    reference: &ConfigRef,
    used: &ConfigUse,
) -> Option<(Seen, Option<Timestamp>)> {
    let object = object_of(facts, used.secret, &used.name);
    let created = facts.snapshot.get(&object)?.created;
    let seen = field_on(&object, "metadata.name", &used.name);
    match reference
        .key
        .as_ref()
        .or(used.key.as_ref())
        .filter(|_| reference.key_missing)
    {
        None if reference.key_missing => None,
        None => Some((seen, created)),
        // When a key was added is not told.
        Some(key) => facts
            .snapshot
            .config_keys(&object)?
            .contains(key)
            .then_some((seen, None)),
    }
}

/// What was missing is there; the kubelet has not looked again yet.
fn mended(
    facts: &Facts<'_>,
    case: &mut Case,
    reference: &ConfigRef,
    message: &Message,
    (seen, since): (Seen, Option<Timestamp>),
) {
    let secret = reference.kind == RefKind::Secret;
    let kind = kind_of(secret);
    let name = reference.name.as_deref().unwrap_or(&seen.text).to_owned();
    let (was, now) = if reference.key_missing {
        (format!("{kind} {name} lacked a key"), "it has the key by now")
    } else if secret {
        (
            format!("{kind} {name} did not exist"),
            "it exists by now; its keys are not visible",
        )
    } else {
        (format!("{kind} {name} did not exist"), "it exists by now")
    };
    let waits = since
        .or(message.seen.time)
        .zip(facts.now)
        .is_some_and(|(from, now)| now.duration_since(from) < NEXT_LOOK);
    if !waits || facts.episode.subject.kind != Kind::Pod {
        case.refuted_by(seen, now);
        return;
    }
    case.mended_by(seen.clone(), now, since);
    case.step(was.clone(), [message.seen()]);
    case.step(now, [seen]);
    case.headline(format!(
        "was: {was}; mended since: {now}; the pod waits for the kubelet's next try"
    ));
    case.fix(
        "the kubelet tries again on its own, within minutes; to hurry it up, have its workload make the pod anew",
        format!("kubectl delete {}", facts.episode.subject.kubectl()),
        Risk::Restart,
    );
}

fn describe(facts: &Facts<'_>, case: &mut Case, lack: &Lack, used: Option<&ConfigUse>, seen: Seen) {
    let Lack { secret, name, key } = lack;
    let (secret, name, key) = (*secret, name.as_deref(), key.as_deref());
    let kind = kind_of(secret);
    let what = match (name, key) {
        (Some(name), Some(key)) => format!("{kind} {name} has no key {key}"),
        (Some(name), None) => format!("{kind} {name} does not exist"),
        (None, Some(key)) => format!("the {kind} has no key {key}"),
        (None, None) => format!("a {kind} that the pod refers to does not exist"),
    };
    if let Some(used) = used {
        let target = match &used.key {
            Some(key) => format!("{kind} {} key {key}", used.name),
            None => format!("{kind} {}", used.name),
        };
        case.step(
            format!("the pod needs {target}"),
            [facts.field(&used.field, target)],
        );
    }
    case.step(what.clone(), [seen]);
    if facts.episode.symptom == Symptom::NotYetStarted {
        // Its init container may be there to make it.
        case.severity(Severity::Info);
        case.step(
            "something else holds the pod back now; once that is mended the kubelet cannot make the container's environment or volume",
            [facts.seen_as()],
        );
        case.headline(format!(
            "the next step of {} will fail as well: {what}",
            facts.workload()
        ));
    } else {
        case.step(
            "so the kubelet cannot make the container's environment or volume, and waits",
            [],
        );
        case.headline(format!("the container cannot start: {what}"));
    }
    if let Some(volume) = used.and_then(|it| it.volume.as_ref()) {
        case.part(format!("volume {volume}"));
    }
    let namespace = &facts.episode.subject.namespace;
    if let Some(name) = name {
        let object = object_of(facts, secret, name);
        case.root(object.clone()).root_key(key.unwrap_or_default());
        suggest_nearest(facts, case, &object, key);
        let verb = if secret {
            "create secret generic"
        } else {
            "create configmap"
        };
        let going = facts
            .snapshot
            .get(&object)
            .and_then(|it| Some((it.deletion?, facts.metadata_of(&object)?.finalizers)));
        if let Some((asked, held)) = going {
            let held = if held.is_empty() {
                String::new()
            } else {
                format!(", held by {}", held.join(", "))
            };
            let seen = field_on(&object, "metadata.deletionTimestamp", asked);
            case.step(format!("{object} is being deleted{held}"), [seen]);
            case.advice(
                format!("do not mend {object}, which is being deleted: let it go (its finalizers are lifted first), and create it anew with all its keys, or refer to another"),
                Risk::None,
            );
            return;
        }
        match key {
            Some(key) => case.advice(
                format!("add the key {key} to {object}, or refer to a key that it has"),
                Risk::None,
            ),
            None => case.fix(
                format!("create {object}, or correct the name in the pod's template"),
                format!("kubectl {verb} {name} -n {namespace} --from-literal=KEY=VALUE"),
                Risk::None,
            ),
        };
    }
}

/// The nearest existing name: most of these are typing errors.
fn suggest_nearest(facts: &Facts<'_>, case: &mut Case, object: &ObjectRef, key: Option<&str>) {
    let (names, what) = match key {
        Some(_) => (
            facts.snapshot.config_keys(object).unwrap_or_default(),
            format!("{object} has the key"),
        ),
        None => {
            let others = facts
                .snapshot
                .in_namespace(object.kind.clone(), &object.namespace);
            (
                others.map(|it| it.reference.name.to_string()).collect(),
                format!("there is a {}", object.kind),
            )
        }
    };
    if let Some(close) = nearest(key.unwrap_or(&object.name), names.iter().map(String::as_str)) {
        let seen = facts.computed(format!("names like {}", key.unwrap_or(&object.name)), close);
        case.step(format!("{what} {close}, which is nearly the same name"), [seen]);
        case.advice(
            format!("if {close} was meant, correct the reference in the pod's template"),
            Risk::Restart,
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Kind, Verdict};

    use crate::testing::{Scene, pod, status};

    const TIMED_OUT: &str = "Unable to attach or mount volumes: unmounted volumes=[settings], unattached volumes=[settings kube-api-access-x]: timed out waiting for the condition";

    /// A pod that mounts key `app.yaml` of ConfigMap `settings` and is not started.
    fn waiting(message: Option<&str>) -> Value {
        pod(json!({
            "spec": {"volumes": [{"name": "settings", "configMap": {"name": "settings", "items": [{"key": "app.yaml", "path": "app.yaml"}]}}],
                "containers": [{"name": "app", "envFrom": []}]},
            "status": {"phase": "Pending", "conditions": [], "containerStatuses": [status(json!({
                "ready": false, "started": false,
                "state": {"running": null, "waiting": {"reason": "ContainerCreating", "message": message}}
            }))]}
        }))
    }

    fn config(name: &str, key: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}, "data": {key: "x"}})
    }

    fn scene() -> Scene {
        Scene::new().object(waiting(None)).event(
            "Pod/shop/app-1",
            "FailedMount",
            TIMED_OUT,
            "2026-03-01T11:59:00Z",
        )
    }

    #[test]
    fn found_behind_a_timeout_when_the_key_is_missing() {
        let outcome = scene()
            .object(config("settings", "app.yml"))
            .complete(&[Kind::ConfigMap])
            .diagnose();
        let finding = outcome.finds_only("DEP-CONFIG-MISSING", Verdict::Proven);
        assert!(
            finding.headline.contains("settings has no key app.yaml"),
            "{}",
            finding.headline
        );
        assert!(
            finding.chain.iter().any(|step| step.text.contains("app.yml")),
            "{:?}",
            finding.chain
        );
    }

    #[test]
    fn found_when_the_object_is_missing() {
        let outcome = scene()
            .object(config("setting", "app.yaml"))
            .complete(&[Kind::ConfigMap])
            .diagnose();
        let finding = outcome.finds_only("DEP-CONFIG-MISSING", Verdict::Proven);
        assert!(
            finding.headline.contains("ConfigMap settings does not exist"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn not_found_when_object_and_key_are_there() {
        let outcome = scene()
            .object(config("settings", "app.yaml"))
            .complete(&[Kind::ConfigMap])
            .diagnose();
        outcome.lacks("DEP-CONFIG-MISSING");
    }

    #[test]
    fn unknown_when_configmaps_were_not_listed() {
        let outcome = scene().diagnose();
        outcome.lacks("DEP-CONFIG-MISSING");
        assert!(!outcome.wants.is_empty());
    }

    #[test]
    fn silent_on_a_running_pod() {
        let running =
            pod(json!({"spec": {"volumes": [{"name": "settings", "configMap": {"name": "settings"}}]}}));
        let outcome = Scene::new()
            .object(running)
            .event("Pod/shop/app-1", "FailedMount", TIMED_OUT, "2026-03-01T10:00:30Z")
            .complete(&[Kind::ConfigMap])
            .diagnose();
        outcome.is_calm();
    }

    #[test]
    fn over_when_it_was_created_since() {
        let outcome = Scene::new()
            .object(waiting(None))
            .event(
                "Pod/shop/app-1",
                "FailedMount",
                "MountVolume.SetUp failed for volume \"settings\" : configmap \"settings\" not found",
                "2026-03-01T11:58:00Z",
            )
            .object(created(config("settings", "app.yaml"), "2026-03-01T11:59:00Z"))
            .complete(&[Kind::ConfigMap])
            .diagnose();
        assert!(
            outcome.is_calm().finding("DEP-CONFIG-MISSING").ended.is_some(),
            "{}",
            outcome.summary()
        );
    }

    fn created(mut object: Value, time: &str) -> Value {
        object["metadata"]["creationTimestamp"] = json!(time);
        object
    }

    /// The keys of a Secret are not read: a message that misses one stands.
    #[test]
    fn a_secret_that_exists_does_not_show_its_keys() {
        let reads = |key: Value| {
            let mut pod = environment("app", "CreateContainerConfigError", "");
            pod["spec"]["containers"][0]["envFrom"] = json!([]);
            pod["spec"]["containers"][0]["env"] = json!([{"name": "A", "valueFrom": {"secretKeyRef": key}}]);
            pod
        };
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "late", "namespace": "shop",
            "creationTimestamp": "2026-03-01T11:59:00Z"}});
        let scene = |message: &str| {
            let mut pod = reads(json!({"name": "late", "key": "token"}));
            pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"] = json!(message);
            Scene::new()
                .object(pod)
                .object(secret.clone())
                .complete(&[Kind::Secret])
                .diagnose()
        };
        scene("couldn't find key token in Secret shop/late")
            .finds_only("DEP-CONFIG-MISSING", Verdict::Proven);
        let outcome = scene("secret \"late\" not found");
        let told = outcome.is_calm().finding("DEP-CONFIG-MISSING");
        assert!(
            told.headline.contains("its keys are not visible"),
            "{}",
            told.headline
        );
    }

    #[test]
    fn over_when_the_kubelet_came_further() {
        let missing = "MountVolume.SetUp failed for volume \"settings\" : configmap \"settings\" not found";
        let before = || {
            Scene::new().object(waiting(None)).event(
                "Pod/shop/app-1",
                "FailedMount",
                missing,
                "2026-03-01T11:50:00Z",
            )
        };
        let pulling = before().container_event(
            "Pod/shop/app-1",
            "app",
            "Pulling",
            "Pulling image \"r/a:1\"",
            "2026-03-01T11:59:00Z",
        );
        pulling.diagnose().lacks("DEP-CONFIG-MISSING");
        let sandbox = "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \"4ad\": plugin type=\"calico\" failed (add): connection is unauthorized";
        let network = before().event(
            "Pod/shop/app-1",
            "FailedCreatePodSandBox",
            sandbox,
            "2026-03-01T11:59:00Z",
        );
        network.diagnose().finds_only("CRE-CNI-FAILED", Verdict::Proven);
        // And the other way round.
        let again = Scene::new()
            .object(waiting(None))
            .event(
                "Pod/shop/app-1",
                "FailedCreatePodSandBox",
                sandbox,
                "2026-03-01T11:50:00Z",
            )
            .event("Pod/shop/app-1", "FailedMount", missing, "2026-03-01T11:59:00Z");
        again.diagnose().finds_only("DEP-CONFIG-MISSING", Verdict::Proven);
    }

    /// Two containers; `app` reads ConfigMap `absent` into its environment.
    fn environment(waits: &str, reason: &str, message: &str) -> Value {
        let state = |name: &str| {
            if name == waits {
                json!({"waiting": {"reason": reason, "message": message}, "running": null})
            } else {
                json!({"running": {"startedAt": "2026-03-01T10:00:02Z"}})
            }
        };
        let statuses = ["app", "side"].map(|name| {
            status(
                json!({"name": name, "ready": name != waits, "started": name != waits, "state": state(name)}),
            )
        });
        pod(json!({
            "spec": {"containers": [{"name": "app", "image": "a", "envFrom": [{"configMapRef": {"name": "absent"}}]}, {"name": "side", "image": "b"}]},
            "status": {"phase": "Pending", "conditions": [], "containerStatuses": statuses}
        }))
    }

    #[test]
    fn an_object_that_is_missing_counts_only_at_the_step_that_reads_it() {
        let complete = |object: Value| {
            Scene::new()
                .object(object)
                .complete(&[Kind::ConfigMap])
                .diagnose()
        };
        complete(environment("app", "CreateContainerConfigError", ""))
            .finds_only("DEP-CONFIG-MISSING", Verdict::Proven);
        let command = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"/x\": stat /x: no such file or directory: unknown";
        complete(environment("app", "RunContainerError", command))
            .finds_only("CRE-COMMAND-NOT-FOUND", Verdict::Proven);
        let root = "container has runAsNonRoot and image will run as root";
        complete(environment("side", "CreateContainerConfigError", root))
            .finds_only("CRE-RUN-AS-NON-ROOT", Verdict::Proven);
        complete(environment("none", "", "")).is_calm();
    }
}
