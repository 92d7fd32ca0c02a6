//! How to reach a cluster, in kubectl's words.

use std::path::PathBuf;

use clap::Args;

/// Flags of the connection; each overrides the kubeconfig.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArgs {
    /// Namespace to look at; the context's own by default.
    #[arg(short, long, value_name = "NAMESPACE", add = crate::completion::namespaces())]
    pub(crate) namespace: Option<String>,
    /// Look at all namespaces, whatever -n says.
    #[arg(short = 'A', long)]
    pub(crate) all_namespaces: bool,
    /// Context of the kubeconfig.
    #[arg(long, value_name = "NAME", add = crate::completion::contexts())]
    pub(crate) context: Option<String>,
    /// Path of the kubeconfig; else `$KUBECONFIG`, else ~/.kube/config, else the pod's own account.
    #[arg(long, value_name = "PATH")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Cluster of the kubeconfig.
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// User of the kubeconfig.
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// User to impersonate.
    #[arg(long = "as", value_name = "USER")]
    pub(crate) impersonate: Option<String>,
    /// Group to impersonate; may be repeated.
    #[arg(long = "as-group", value_name = "GROUP", requires = "impersonate")]
    pub(crate) impersonate_groups: Vec<String>,
    /// How long one request may take: 5s, 2m, or seconds; 0 for no limit.
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub(crate) request_timeout: String,
}
