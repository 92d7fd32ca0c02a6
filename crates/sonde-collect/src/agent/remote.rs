//! An agent on another machine: TCP with TLS, where each side shows a certificate.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::Uri;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::AgentError;

/// The files of who asks, PEM.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Whose certificate the agent must show.
    pub authorities: PathBuf,
    /// The certificate to show, with its chain.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// Where it listens.
pub(super) struct Remote {
    host: String,
    port: u16,
    config: Arc<ClientConfig>,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "https://{}:{}", self.host, self.port)
    }
}

impl Remote {
    /// From `https://HOST:PORT`.
    pub(super) fn new(address: &str, files: &Credentials) -> Result<Self, AgentError> {
        let bad = || AgentError::Address(address.to_owned());
        let uri: Uri = address.parse().map_err(|_| bad())?;
        if uri.scheme_str() != Some("https") {
            return Err(bad());
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(bad)?;
        let port = uri.port_u16().ok_or_else(bad)?;
        Ok(Self {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port,
            config: Arc::new(config(files)?),
        })
    }

    pub(super) async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let plain = TcpStream::connect((&*self.host, self.port)).await?;
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        TlsConnector::from(self.config.clone()).connect(name, plain).await
    }
}

fn config(files: &Credentials) -> Result<ClientConfig, AgentError> {
    let failed = |what: &'static str, path: &Path, why: String| AgentError::Credentials {
        what,
        path: path.to_owned(),
        why,
    };
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(&files.authorities)? {
        authorities
            .add(certificate)
            .map_err(|error| failed("certificates", &files.authorities, error.to_string()))?;
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| failed("a private key", &files.key, error.to_string()))?;
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_root_certificates(authorities)
                .with_client_auth_cert(certificates(&files.certificate).unwrap_or_default(), key)
        })
        .map_err(|error| {
            failed(
                "a certificate that fits its key",
                &files.certificate,
                error.to_string(),
            )
        })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, AgentError> {
    let failed = |why: String| AgentError::Credentials {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged_before_any_file_is_read() {
        let none = PathBuf::from("/nonexistent");
        let files = Credentials {
            authorities: none.clone(),
            certificate: none.clone(),
            key: none,
        };
        for address in ["http://node:9471", "https://node", "https://", "node:9471", ""] {
            let error = Remote::new(address, &files).unwrap_err();
            assert!(matches!(error, AgentError::Address(_)), "{address}: {error}");
        }
        let error = Remote::new("https://node:9471", &files).unwrap_err();
        assert!(error.to_string().contains("/nonexistent"), "{error}");
    }
}
