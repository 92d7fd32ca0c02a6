//! Pulling images.

/// A step of an image pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullFact {
    /// The pull began.
    Started {
        /// The image.
        image: String,
    },
    /// The image is there.
    Done {
        /// The image.
        image: String,
        /// How long it took with waiting, in milliseconds, where the text says it.
        took_ms: Option<u64>,
        /// How many bytes, where the text says it (1.30 on).
        bytes: Option<u64>,
    },
    /// The kubelet waits before it tries again; says nothing about why.
    BackOff {
        /// The image.
        image: Option<String>,
    },
    /// A pull failed.
    Failed {
        /// The image, where the text names it.
        image: Option<String>,
        /// The registry host, where the text names it.
        registry: Option<String>,
        /// Why.
        failure: PullFailure,
    },
    /// Pull secrets that could not be read.
    SecretsMissing {
        /// Their names.
        names: Vec<String>,
    },
}

/// Why a pull failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullFailure {
    /// The registry knows the repository and not the tag or digest, or not the repository.
    NotFound,
    /// 401 or 403, or "may require authorization": no, missing or wrong credentials; the registry does not tell which.
    Unauthorized {
        /// The text names a token request: an anonymous one, or one with credentials.
        anonymous: Option<bool>,
        /// The text says that the repository may not exist either.
        maybe_missing: bool,
        /// The text says that a token or password is expired.
        expired: bool,
    },
    /// The credential provider plugin is missing or failed.
    CredentialPlugin,
    /// The registry's name cannot be resolved.
    Dns {
        /// The name.
        host: String,
    },
    /// Nobody listens.
    Refused,
    /// No route, network unreachable.
    Unreachable,
    /// The connection was not made in time.
    ConnectTimeout,
    /// The connection broke (reset, EOF).
    Broken,
    /// The pull took too long or was cancelled.
    Deadline,
    /// The certificate's issuer is not trusted.
    TlsUnknownAuthority,
    /// The certificate is expired or not yet valid.
    TlsExpired,
    /// The certificate is for another name.
    TlsWrongName,
    /// The registry speaks HTTP where HTTPS was asked.
    HttpToHttps,
    /// 429.
    RateLimit,
    /// The kubelet's own limit (`pull QPS exceeded`).
    KubeletLimit,
    /// 5xx.
    ServerError {
        /// The status.
        status: u16,
    },
    /// No room on the node.
    DiskFull,
    /// No manifest for this platform.
    Platform,
    /// The name is malformed.
    InvalidName,
    /// The policy is Never and the image is not on the node.
    PolicyNever,
    /// A layer's digest or format is wrong.
    Corrupt,
    /// The signature was not accepted.
    Signature,
    /// The manifest's format is too old or unknown.
    UnsupportedManifest,
    /// Something no grammar knows.
    Other {
        /// The innermost words.
        detail: String,
    },
}
