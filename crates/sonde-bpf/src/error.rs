use std::io;

use crate::object::complaints;

/// What could not be done with the kernel.
#[derive(Debug)]
pub enum Error {
    /// A program, map or link was refused.
    Kernel {
        /// What we were doing: "loading the programs of deaths".
        doing: String,
        /// What the kernel or the loader said.
        source: libbpf_rs::Error,
        /// The last words of the loader and of the kernel's verifier; may be empty.
        said: String,
    },
    /// A file of the kernel could not be read.
    File {
        /// What we were doing.
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The node lacks something.
    Absent(String),
    /// The object lacks something that this code expects: the two were not built together.
    Missing(String),
}

impl Error {
    pub(crate) fn kernel(doing: impl Into<String>) -> impl FnOnce(libbpf_rs::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Kernel {
            doing,
            source,
            said: complaints(),
        }
    }

    /// Whether the kernel refused for want of rights.
    pub fn is_permission(&self) -> bool {
        match self {
            // The verifier refuses a program with the same number, and then tells what only the privileged may do.
            Self::Kernel { source, said, .. } => {
                source.kind() == libbpf_rs::ErrorKind::PermissionDenied
                    && (!said.contains("PROG LOAD LOG") || said.contains("prohibited for !root"))
            }
            Self::File { source, .. } => source.kind() == io::ErrorKind::PermissionDenied,
            Self::Absent(_) | Self::Missing(_) => false,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kernel { doing, source, said } if said.is_empty() => write!(f, "{doing}: {source:#}"),
            Self::Kernel { doing, source, said } => write!(f, "{doing}: {source:#}\n{said}"),
            Self::File { doing, source } => write!(f, "{doing}: {source}"),
            Self::Absent(what) => write!(f, "this node has no {what}"),
            Self::Missing(what) => write!(f, "the embedded object has no {what}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Kernel { source, .. } => Some(source),
            Self::File { source, .. } => Some(source),
            Self::Absent(_) | Self::Missing(_) => None,
        }
    }
}
