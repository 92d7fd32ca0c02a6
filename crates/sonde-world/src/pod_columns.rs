//! What scans need of a pod, extracted once.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sonde_model::Kind;

use crate::Resources;
use crate::object::{RawMeta, resources};
use crate::view::{
    Condition, ContainerPort, EnvFromSource, EnvVar, ResourceList, ResourceRequirements, State, Time, Volume,
    or_default,
};

/// A pod's phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Accepted, containers not all started.
    Pending,
    /// At least one container runs or restarts.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// The node is lost.
    Unknown,
    /// The source does not tell.
    #[default]
    Untold,
}

/// Where a container stands in the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerRole {
    /// Runs to its end before the containers start.
    Init,
    /// An init container with `restartPolicy: Always` (1.28 on).
    Sidecar,
    /// A container of the pod.
    Main,
}

/// A container's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerState {
    /// No status.
    Unknown,
    /// Not started.
    Waiting {
        /// `ContainerCreating`, `CrashLoopBackOff`; empty where not told.
        reason: Arc<str>,
    },
    /// Runs.
    Running {
        /// Since when.
        since: Option<Timestamp>,
    },
    /// Ended.
    Terminated {
        /// `Completed`, `Error`, `OOMKilled`.
        reason: Arc<str>,
        /// Exit code, where the source shows it.
        exit_code: Option<i64>,
        /// When.
        finished: Option<Timestamp>,
    },
}

impl ContainerState {
    /// It ended, and what it was to do was done.
    pub fn ended_well(&self) -> bool {
        match self {
            // A source without the code has the reason, which the runtime makes of it.
            ContainerState::Terminated {
                reason, exit_code, ..
            } => match exit_code {
                Some(code) => *code == 0 && reason.as_ref() != "OOMKilled",
                None => reason.as_ref() == "Completed",
            },
            _ => false,
        }
    }

    /// It ended otherwise than well.
    pub fn ended_badly(&self) -> bool {
        matches!(self, ContainerState::Terminated { .. }) && !self.ended_well()
    }
}

/// One container of a pod.
#[derive(Debug, Clone)]
pub struct ContainerColumns {
    /// Its name.
    pub name: Arc<str>,
    /// Its place.
    pub role: ContainerRole,
    /// Its state now.
    pub state: ContainerState,
    /// Its state before the last restart.
    pub last: ContainerState,
    /// Readiness as the kubelet sees it.
    pub ready: bool,
    /// Startup probe passed; `None` where the version does not tell.
    pub started: Option<bool>,
    /// Restarts.
    pub restarts: i64,
    /// It has a preStop hook.
    pub pre_stop: bool,
}

/// An object that a pod refers to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// ConfigMap, Secret, PersistentVolumeClaim or ServiceAccount.
    pub kind: Kind,
    /// Its name, in the pod's namespace.
    pub name: Arc<str>,
}

/// A port that a pod takes on its node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPort {
    /// The port.
    pub port: i64,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: Arc<str>,
    /// The address it binds; `0.0.0.0` where none is named.
    pub ip: Arc<str>,
}

/// What scans need of a pod.
#[derive(Debug, Clone, Default)]
pub struct PodColumns {
    /// The phase.
    pub phase: Phase,
    /// `status.reason`: `Evicted`, `NodeLost`.
    pub reason: Arc<str>,
    /// The node it is bound to; empty when none.
    pub node: Arc<str>,
    /// The conditions.
    pub conditions: Vec<Condition>,
    /// Init containers and sidecars in their order, then containers.
    pub containers: Vec<ContainerColumns>,
    /// What the scheduler counts for it.
    pub requests: Resources,
    /// Its priority.
    pub priority: i64,
    /// When the kubelet took it.
    pub started: Option<Timestamp>,
    /// What it refers to, sorted.
    pub references: Vec<Reference>,
    /// `restartPolicy` is `Always`; `None` where the source does not show it.
    pub restarts_always: Option<bool>,
    /// The ports it takes on its node.
    pub host_ports: Vec<HostPort>,
    /// Whether it forbids other pods near it.
    pub has_required_anti_affinity: bool,
    /// The node that preemption made room on.
    pub nominated: Option<Arc<str>>,
    /// Its scheduler, where it is not the default one.
    pub scheduler: Option<Arc<str>>,
}

impl PodColumns {
    /// A condition by its type.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// It ended, well or badly: it holds no room on its node.
    pub fn is_terminal(&self) -> bool {
        matches!(self.phase, Phase::Succeeded | Phase::Failed)
    }

    /// A container by its name.
    pub fn container(&self, name: &str) -> Option<&ContainerColumns> {
        self.containers
            .iter()
            .find(|container| container.name.as_ref() == name)
    }
}

#[derive(Deserialize)]
pub(crate) struct RawPod<'a> {
    #[serde(borrow, default)]
    metadata: RawMeta<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    spec: RawSpec<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    status: RawStatus<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawSpec<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    node_name: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "or_default")]
    service_account_name: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "or_default")]
    restart_policy: Cow<'a, str>,
    priority: Option<i64>,
    #[serde(borrow, deserialize_with = "or_default")]
    containers: Vec<RawContainer<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    init_containers: Vec<RawContainer<'a>>,
    #[serde(deserialize_with = "or_default")]
    volumes: Vec<Volume>,
    #[serde(deserialize_with = "or_default")]
    overhead: ResourceList,
    resources: Option<ResourceRequirements>,
    #[serde(deserialize_with = "or_default")]
    host_network: bool,
    #[serde(borrow, deserialize_with = "or_default")]
    scheduler_name: Cow<'a, str>,
    affinity: Option<RawAffinity>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawAffinity {
    pod_anti_affinity: Option<RawAntiAffinity>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawAntiAffinity {
    #[serde(deserialize_with = "or_default")]
    required_during_scheduling_ignored_during_execution: Vec<serde::de::IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawContainer<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    name: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "or_default")]
    restart_policy: Cow<'a, str>,
    #[serde(deserialize_with = "or_default")]
    resources: ResourceRequirements,
    #[serde(deserialize_with = "or_default")]
    env: Vec<EnvVar>,
    #[serde(deserialize_with = "or_default")]
    env_from: Vec<EnvFromSource>,
    #[serde(deserialize_with = "or_default")]
    ports: Vec<ContainerPort>,
    lifecycle: Option<RawLifecycle>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawLifecycle {
    pre_stop: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawStatus<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    phase: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "or_default")]
    reason: Cow<'a, str>,
    #[serde(deserialize_with = "or_default")]
    conditions: Vec<Condition>,
    start_time: Time,
    #[serde(borrow, deserialize_with = "or_default")]
    nominated_node_name: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "or_default")]
    container_statuses: Vec<RawContainerStatus<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    init_container_statuses: Vec<RawContainerStatus<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawContainerStatus<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    name: Cow<'a, str>,
    #[serde(deserialize_with = "or_default")]
    state: State,
    #[serde(deserialize_with = "or_default")]
    last_state: State,
    #[serde(deserialize_with = "or_default")]
    ready: bool,
    started: Option<bool>,
    #[serde(deserialize_with = "or_default")]
    restart_count: i64,
}

impl<'a> RawPod<'a> {
    pub(crate) fn columns(self) -> (RawMeta<'a>, PodColumns) {
        let (spec, status) = (&self.spec, self.status);
        let mut containers = Vec::with_capacity(spec.containers.len() + spec.init_containers.len());
        for (list, statuses, init) in [
            (&spec.init_containers, &status.init_container_statuses, true),
            (&spec.containers, &status.container_statuses, false),
        ] {
            for container in list {
                let role = match (init, container.restart_policy.as_ref()) {
                    (false, _) => ContainerRole::Main,
                    (true, "Always") => ContainerRole::Sidecar,
                    (true, _) => ContainerRole::Init,
                };
                let state = statuses.iter().find(|status| status.name == container.name);
                containers.push(ContainerColumns {
                    pre_stop: container
                        .lifecycle
                        .as_ref()
                        .is_some_and(|it| it.pre_stop.is_some()),
                    ..container_columns(&container.name, role, state)
                });
            }
            // A source that shows only the status (a table, a cut text) still names its containers.
            for state in statuses
                .iter()
                .filter(|status| list.iter().all(|c| c.name != status.name))
            {
                let role = if init {
                    ContainerRole::Init
                } else {
                    ContainerRole::Main
                };
                containers.push(container_columns(&state.name, role, Some(state)));
            }
        }
        let columns = PodColumns {
            phase: match status.phase.as_ref() {
                "Pending" => Phase::Pending,
                "Running" => Phase::Running,
                "Succeeded" => Phase::Succeeded,
                "Failed" => Phase::Failed,
                "Unknown" => Phase::Unknown,
                _ => Phase::Untold,
            },
            reason: status.reason.as_ref().into(),
            node: spec.node_name.as_ref().into(),
            conditions: status.conditions,
            containers,
            requests: spec.requests(),
            priority: spec.priority.unwrap_or(0),
            started: status.start_time.0,
            references: spec.references(self.metadata.name()),
            restarts_always: Some(spec.restart_policy.as_ref())
                .filter(|policy| !policy.is_empty())
                .map(|policy| policy == "Always"),
            host_ports: spec.host_ports(),
            has_required_anti_affinity: spec
                .affinity
                .as_ref()
                .and_then(|affinity| affinity.pod_anti_affinity.as_ref())
                .is_some_and(|anti| {
                    !anti
                        .required_during_scheduling_ignored_during_execution
                        .is_empty()
                }),
            nominated: Some(status.nominated_node_name.as_ref())
                .filter(|name| !name.is_empty())
                .map(Into::into),
            scheduler: Some(spec.scheduler_name.as_ref())
                .filter(|name| !matches!(*name, "" | "default-scheduler"))
                .map(Into::into),
        };
        (self.metadata, columns)
    }
}

fn container_columns(
    name: &str,
    role: ContainerRole,
    status: Option<&RawContainerStatus<'_>>,
) -> ContainerColumns {
    ContainerColumns {
        name: name.into(),
        role,
        state: status.map_or(ContainerState::Unknown, |status| state_of(&status.state)),
        last: status.map_or(ContainerState::Unknown, |status| state_of(&status.last_state)),
        ready: status.is_some_and(|status| status.ready),
        started: status.and_then(|status| status.started),
        restarts: status.map_or(0, |status| status.restart_count),
        pre_stop: false,
    }
}

fn state_of(state: &State) -> ContainerState {
    if let Some(terminated) = &state.terminated {
        ContainerState::Terminated {
            reason: terminated.reason.as_str().into(),
            exit_code: terminated.exit_code,
            finished: terminated.finished_at.0,
        }
    } else if let Some(running) = &state.running {
        ContainerState::Running {
            since: running.started_at.0,
        }
    } else if let Some(waiting) = &state.waiting {
        ContainerState::Waiting {
            reason: waiting.reason.as_str().into(),
        }
    } else {
        ContainerState::Unknown
    }
}

impl RawSpec<'_> {
    /// What the scheduler counts: `component-helpers/resource/helpers.go`, `PodRequests` (1.34).
    fn requests(&self) -> Resources {
        let mut total = Resources::default();
        for container in &self.containers {
            total.add(&container.requests());
        }
        let mut sidecars = Resources::default();
        let mut init_peak = Resources::default();
        for container in &self.init_containers {
            let mut needs = container.requests();
            if container.restart_policy == "Always" {
                total.add(&needs);
                sidecars.add(&needs);
                needs = sidecars.clone();
            } else {
                needs.add(&sidecars);
            }
            init_peak.raise_to(&needs);
        }
        total.raise_to(&init_peak);
        if let Some(pod_level) = &self.resources {
            for (name, amount) in &pod_level.requests {
                if let Some(quantity) = amount.quantity() {
                    total.set(name, quantity);
                }
            }
        }
        total.add(&resources(&self.overhead));
        total
    }

    /// `pkg/scheduler/util/utils.go`, `GetHostPorts`; a pod on the host's network takes all its ports (API
    /// defaulting, which a manifest has not seen yet).
    fn host_ports(&self) -> Vec<HostPort> {
        let sidecars = self
            .init_containers
            .iter()
            .filter(|container| container.restart_policy == "Always");
        let mut ports: Vec<_> = sidecars
            .chain(&self.containers)
            .flat_map(|container| &container.ports)
            .filter_map(|port| {
                let number = match port.host_port {
                    0 if self.host_network => port.container_port,
                    number => number,
                };
                (number > 0).then(|| HostPort {
                    port: number,
                    protocol: if port.protocol.is_empty() {
                        "TCP"
                    } else {
                        &port.protocol
                    }
                    .into(),
                    ip: if port.host_ip.is_empty() {
                        "0.0.0.0"
                    } else {
                        &port.host_ip
                    }
                    .into(),
                })
            })
            .collect();
        ports.sort();
        ports.dedup();
        ports
    }

    fn references(&self, pod: &str) -> Vec<Reference> {
        let mut out = Vec::new();
        let mut push = |kind: Kind, name: &str| {
            if !name.is_empty() {
                out.push(Reference {
                    kind,
                    name: name.into(),
                });
            }
        };
        push(Kind::ServiceAccount, &self.service_account_name);
        for container in self.init_containers.iter().chain(&self.containers) {
            for source in &container.env_from {
                push(
                    Kind::ConfigMap,
                    source.config_map_ref.as_ref().map_or("", |it| &it.name),
                );
                push(Kind::Secret, source.secret_ref.as_ref().map_or("", |it| &it.name));
            }
            for from in container
                .env
                .iter()
                .filter_map(|variable| variable.value_from.as_ref())
            {
                push(
                    Kind::ConfigMap,
                    from.config_map_key_ref.as_ref().map_or("", |it| &it.name),
                );
                push(
                    Kind::Secret,
                    from.secret_key_ref.as_ref().map_or("", |it| &it.name),
                );
            }
        }
        for volume in &self.volumes {
            push(
                Kind::ConfigMap,
                volume.config_map.as_ref().map_or("", |it| &it.name),
            );
            push(
                Kind::Secret,
                volume.secret.as_ref().map_or("", |it| &it.secret_name),
            );
            push(
                Kind::PersistentVolumeClaim,
                volume
                    .persistent_volume_claim
                    .as_ref()
                    .map_or("", |it| &it.claim_name),
            );
            // The claim of a generic ephemeral volume is named by pod and volume.
            if volume.ephemeral.is_some() && !pod.is_empty() {
                push(Kind::PersistentVolumeClaim, &format!("{pod}-{}", volume.name));
            }
            for source in volume.projected.iter().flat_map(|it| &it.sources) {
                push(
                    Kind::ConfigMap,
                    source.config_map.as_ref().map_or("", |it| &it.name),
                );
                push(Kind::Secret, source.secret.as_ref().map_or("", |it| &it.name));
            }
        }
        out.sort();
        out.dedup();
        out
    }
}

impl RawContainer<'_> {
    /// Requests; a limit alone is also the request (API defaulting, which a manifest has not seen yet).
    fn requests(&self) -> Resources {
        let mut requests = resources(&self.resources.requests);
        for (name, amount) in &self.resources.limits {
            if !self.resources.requests.contains_key(name)
                && let Some(quantity) = amount.quantity()
            {
                requests.set(name, quantity);
            }
        }
        requests
    }
}
