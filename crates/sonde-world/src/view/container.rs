//! Containers: what was asked for and what became of it.

use super::{Amount, IntOrString, LocalReference, ResourceList, Time};

view! {
    Container {
        name: String,
        image: String,
        image_pull_policy: String,
        command: Vec<String>,
        args: Vec<String>,
        working_dir: String,
        env: Vec<EnvVar>,
        env_from: Vec<EnvFromSource>,
        ports: Vec<ContainerPort>,
        resources: ResourceRequirements,
        volume_mounts: Vec<VolumeMount>,
        volume_devices: Vec<VolumeDevice>,
        liveness_probe: Option<Probe>,
        readiness_probe: Option<Probe>,
        startup_probe: Option<Probe>,
        lifecycle: Option<Lifecycle>,
        restart_policy: String,
        security_context: Option<SecurityContext>,
        termination_message_path: String,
        termination_message_policy: String,
    }
    EnvVar { name: String, value: Option<String>, value_from: Option<EnvVarSource> }
    EnvVarSource {
        config_map_key_ref: Option<KeySelector>,
        secret_key_ref: Option<KeySelector>,
        field_ref: Option<FieldRef>,
    }
    FieldRef { field_path: String }
    KeySelector { name: String, key: String, optional: bool }
    EnvFromSource { config_map_ref: Option<OptionalRef>, secret_ref: Option<OptionalRef>, prefix: String }
    OptionalRef { name: String, optional: bool }
    ContainerPort { name: String, container_port: i64, host_port: i64, protocol: String, #[serde(rename = "hostIP")] host_ip: String }
    ResourceRequirements { requests: ResourceList, limits: ResourceList, claims: Vec<LocalReference> }
    VolumeMount { name: String, mount_path: String, sub_path: String, sub_path_expr: String, read_only: bool }
    VolumeDevice { name: String, device_path: String }
    Probe {
        exec: Option<ExecAction>,
        http_get: Option<HttpGetAction>,
        tcp_socket: Option<TcpSocketAction>,
        grpc: Option<GrpcAction>,
        initial_delay_seconds: i64,
        period_seconds: Option<i64>,
        timeout_seconds: Option<i64>,
        success_threshold: Option<i64>,
        failure_threshold: Option<i64>,
        termination_grace_period_seconds: Option<i64>,
    }
    ExecAction { command: Vec<String> }
    HttpGetAction { path: String, port: IntOrString, host: String, scheme: String }
    TcpSocketAction { port: IntOrString, host: String }
    GrpcAction { port: i64, service: Option<String> }
    SleepAction { seconds: i64 }
    Lifecycle { post_start: Option<LifecycleHandler>, pre_stop: Option<LifecycleHandler> }
    LifecycleHandler {
        exec: Option<ExecAction>,
        http_get: Option<HttpGetAction>,
        tcp_socket: Option<TcpSocketAction>,
        sleep: Option<SleepAction>,
    }
    SecurityContext {
        run_as_user: Option<i64>,
        run_as_group: Option<i64>,
        run_as_non_root: Option<bool>,
        privileged: Option<bool>,
        read_only_root_filesystem: Option<bool>,
        allow_privilege_escalation: Option<bool>,
        capabilities: Option<Capabilities>,
        seccomp_profile: Option<SecurityProfile>,
        app_armor_profile: Option<SecurityProfile>,
    }
    Capabilities { add: Vec<String>, drop: Vec<String> }
    SecurityProfile { #[serde(rename = "type")] kind: String, localhost_profile: String }
    ContainerStatus {
        name: String,
        state: State,
        last_state: State,
        ready: bool,
        started: Option<bool>,
        restart_count: i64,
        image: String,
        #[serde(rename = "imageID")] image_id: String,
        #[serde(rename = "containerID")] container_id: String,
        allocated_resources: ResourceList,
        resources: Option<ResourceRequirements>,
    }
    State { waiting: Option<Waiting>, running: Option<Running>, terminated: Option<Terminated> }
    Waiting { reason: String, message: String }
    Running { started_at: Time }
    Terminated {
        exit_code: Option<i64>,
        signal: i64,
        reason: String,
        message: String,
        started_at: Time,
        finished_at: Time,
        #[serde(rename = "containerID")] container_id: String,
    }
}

impl Terminated {
    /// `exitCode: 1, reason: Error`: what is known of the end; a table of pods does not show the code.
    pub fn text(&self) -> String {
        let mut parts = Vec::new();
        if let Some(code) = self.exit_code {
            parts.push(format!("exitCode: {code}"));
        }
        if self.exit_code.is_none() && self.signal > 0 {
            parts.push(format!("signal: {}", self.signal));
        }
        if self.exit_code.is_some() || !self.reason.is_empty() {
            parts.push(format!("reason: {}", self.reason));
        }
        parts.join(", ")
    }
}

impl Container {
    /// A limit as written.
    pub fn limit(&self, resource: &str) -> Option<&Amount> {
        self.resources.limits.get(resource)
    }

    /// A request as written; a limit alone is also the request (API defaulting).
    pub fn request(&self, resource: &str) -> Option<&Amount> {
        self.resources
            .requests
            .get(resource)
            .or_else(|| self.limit(resource))
    }

    /// A port by its name.
    pub fn port_named(&self, name: &str) -> Option<&ContainerPort> {
        self.ports.iter().find(|port| port.name == name)
    }
}

impl Probe {
    /// Seconds between probes; the API's default is 10.
    pub fn period(&self) -> i64 {
        self.period_seconds.filter(|s| *s > 0).unwrap_or(10)
    }

    /// Seconds before a probe counts as failed; default 1.
    pub fn timeout(&self) -> i64 {
        self.timeout_seconds.filter(|s| *s > 0).unwrap_or(1)
    }

    /// Failures in a row before the kubelet acts; default 3.
    pub fn failures(&self) -> i64 {
        self.failure_threshold.filter(|n| *n > 0).unwrap_or(3)
    }

    /// Seconds that a start may take before the kubelet acts: delay plus all failures.
    pub fn budget_seconds(&self) -> i64 {
        self.initial_delay_seconds
            .saturating_add(self.period().saturating_mul(self.failures()))
    }

    /// The host that it names; without one the kubelet asks the pod's address.
    pub fn host(&self) -> Option<&str> {
        let host = match (&self.http_get, &self.tcp_socket) {
            (Some(http), _) => &http.host,
            (_, Some(tcp)) => &tcp.host,
            _ => return None,
        };
        Some(host.as_str()).filter(|it| !it.is_empty())
    }

    /// The port that the probe asks, names resolved with the container's ports.
    pub fn port(&self, container: &Container) -> Option<i64> {
        let port = match (&self.http_get, &self.tcp_socket, &self.grpc) {
            (Some(http), ..) => &http.port,
            (_, Some(tcp), _) => &tcp.port,
            (.., Some(grpc)) => return Some(grpc.port),
            _ => return None,
        };
        match port {
            IntOrString::Int(number) => Some(*number),
            IntOrString::String(name) => container
                .port_named(name)
                .map(|port| port.container_port)
                .or_else(|| name.parse().ok()),
        }
    }
}
