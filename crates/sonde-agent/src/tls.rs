//! TLS: who may ask the agent from elsewhere, and whom it trusts when it posts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// The files of an agent that is asked over TCP by those who show a certificate.
#[derive(Debug, Clone)]
pub struct MutualTls {
    /// The agent's certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
    /// Whose certificates may ask, PEM.
    pub client_authorities: PathBuf,
}

/// Why TLS cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds no such thing.
    #[error("failed to read {what} from {}: {why}", path.display())]
    File {
        /// What it should hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What went wrong.
        why: String,
    },
    /// What was read does not fit together.
    #[error("failed to set TLS up: {0}")]
    Setup(String),
}

/// The side that is asked.
pub(crate) fn server(files: &MutualTls) -> Result<Arc<ServerConfig>, TlsError> {
    let setup = |error: String| TlsError::Setup(error);
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(&files.client_authorities)? {
        authorities
            .add(certificate)
            .map_err(|error| setup(error.to_string()))?;
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider.clone())
        .build()
        .map_err(|error| setup(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| TlsError::File {
        what: "a private key",
        path: files.key.clone(),
        why: error.to_string(),
    })?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| setup(error.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates(&files.certificate)?, key)
        .map_err(|error| setup(error.to_string()))?;
    Ok(Arc::new(config))
}

/// The side that asks, with the authorities that this machine trusts.
pub(crate) fn client_of_this_machine() -> Result<Arc<ClientConfig>, TlsError> {
    let mut authorities = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = authorities.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err(TlsError::Setup(
            "this machine has no certificates of authorities (package ca-certificates, or SSL_CERT_FILE)"
                .to_owned(),
        ));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Setup(error.to_string()))?
        .with_root_certificates(authorities)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |why: String| TlsError::File {
        what: "certificates",
        path: path.to_owned(),
        why,
    };
    let all: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| failed(error.to_string()))?;
    if all.is_empty() {
        return Err(failed("it holds none".to_owned()));
    }
    Ok(all)
}
