//! Refusals of the API server.

/// Why the API server refused to create an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdmissionRefusal {
    /// A quota would be exceeded.
    QuotaExceeded {
        /// The quota.
        quota: String,
        /// The resources that are short.
        items: Vec<QuotaItem>,
    },
    /// A quota demands requests or limits that the pod does not set.
    QuotaMustSpecify {
        /// The quota.
        quota: String,
        /// The resources that must be set.
        resources: Vec<String>,
    },
    /// A LimitRange bound is broken.
    LimitRange {
        /// Which bound.
        bound: LimitBound,
        /// `cpu`, `memory`.
        resource: String,
        /// `Container`, `Pod`, `PersistentVolumeClaim`.
        scope: String,
        /// The bound's value.
        limit: String,
        /// The value that broke it, where the text has it.
        value: Option<String>,
    },
    /// Pod Security admission.
    PodSecurity {
        /// `restricted:latest`.
        level: String,
        /// The controls, each with its container and field as the text has them.
        violations: Vec<String>,
    },
    /// PodSecurityPolicy or OpenShift SCC.
    SecurityPolicy {
        /// The messages.
        detail: String,
    },
    /// A webhook could not be called.
    WebhookCall {
        /// The webhook's name.
        webhook: String,
        /// The service behind it, where the text names it.
        service: Option<String>,
        /// How it failed.
        failure: WebhookFailure,
        /// The words after the URL.
        detail: String,
    },
    /// A webhook said no.
    WebhookDenied {
        /// The webhook's name.
        webhook: String,
        /// Its reason.
        detail: String,
    },
    /// A ValidatingAdmissionPolicy said no.
    PolicyDenied {
        /// The policy's name.
        policy: String,
        /// Its message.
        detail: String,
    },
    /// The pod's ServiceAccount does not exist.
    ServiceAccountMissing {
        /// The account.
        name: String,
    },
    /// The pod's PriorityClass does not exist.
    PriorityClassMissing {
        /// The class.
        name: String,
    },
    /// The pod's RuntimeClass does not exist.
    RuntimeClassMissing {
        /// The class.
        name: String,
    },
    /// The creator lacks the right.
    Forbidden {
        /// Who.
        user: String,
        /// `create`.
        verb: String,
        /// `pods`.
        resource: String,
    },
    /// The namespace is being deleted.
    NamespaceTerminating {
        /// The namespace.
        namespace: String,
    },
    /// The API server gave up waiting, often for a webhook.
    RequestTimeout,
    /// The object is invalid.
    Invalid {
        /// The field and message.
        detail: String,
    },
    /// Another admission plugin's refusal.
    Other {
        /// The words.
        detail: String,
    },
}

/// How a webhook call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookFailure {
    /// The service has no ready endpoint.
    NoEndpoints,
    /// The service does not exist.
    ServiceMissing,
    /// Nobody listens.
    Refused,
    /// No answer in time.
    Timeout,
    /// The certificate is not trusted, expired or for another name.
    Tls,
    /// The name cannot be resolved.
    Dns,
    /// The webhook answered with an error status.
    Status,
    /// Something else.
    Other,
}

/// One resource of a quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaItem {
    /// `requests.cpu`, `pods`.
    pub resource: String,
    /// What the object asks.
    pub requested: String,
    /// What is used.
    pub used: String,
    /// The limit.
    pub limited: String,
}

/// A LimitRange bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitBound {
    /// Below the minimum.
    Min,
    /// Above the maximum.
    Max,
    /// Limit to request above the ratio.
    Ratio,
}
