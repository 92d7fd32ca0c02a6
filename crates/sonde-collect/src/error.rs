//! Why nothing could be collected at all. What could be read in part is a [`Problem`](sonde_model::Problem) instead.

use std::io;
use std::path::PathBuf;

/// Collecting failed.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// A path could not be opened.
    #[error("failed to open {}", path.display())]
    Open {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is nothing in it that could be understood.
    #[error("found no Kubernetes objects and no logs in {name}: {why}")]
    Nothing {
        /// The path or `stdin`.
        name: String,
        /// What was there instead.
        why: String,
        /// It was given as a text, not as a bundle or a dump.
        pasted: bool,
    },
    /// The input could not be read.
    #[error("failed to read {name}")]
    Read {
        /// The path or `stdin`.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A bundle could not be written.
    #[error("failed to write {}", path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl CollectError {
    /// What the person can do; each is an action.
    pub fn hints(&self) -> Vec<String> {
        match self {
            CollectError::Open { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                vec!["check the path".to_owned()]
            }
            CollectError::Open { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                vec!["run as a user who may read it".to_owned()]
            }
            CollectError::Nothing { pasted: true, .. } => vec![
                "paste what `kubectl describe pod NAME -n NAMESPACE` and `kubectl logs NAME -n NAMESPACE` print, or a manifest"
                    .to_owned(),
                "a bundle, an archive or a folder is read with `sonde diagnose --from PATH`".to_owned(),
            ],
            CollectError::Nothing { .. } => vec![
                "write a bundle with `sonde collect -A -o case.tar.zst`".to_owned(),
                "or a dump with `kubectl cluster-info dump --all-namespaces --output-directory dump`"
                    .to_owned(),
            ],
            _ => Vec::new(),
        }
    }
}
