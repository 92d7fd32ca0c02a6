//! Which agent is asked.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use sonde_collect::agent::{Agent, AgentError, Credentials};

/// An agent on this node by its socket, or one elsewhere by its address.
#[derive(Debug, Args)]
pub(crate) struct AgentPlace {
    /// The agent's socket; or https://HOST:PORT of one elsewhere that runs with --listen.
    #[arg(long, value_name = "PATH|URL", default_value = Agent::SOCKET, value_hint = ValueHint::FilePath)]
    pub(crate) agent: PathBuf,
    /// For an agent elsewhere: the authority of its certificate, PEM.
    #[arg(long, value_name = "FILE", requires_all = ["agent_cert", "agent_key"], value_hint = ValueHint::FilePath)]
    pub(crate) agent_ca: Option<PathBuf>,
    /// For an agent elsewhere: the certificate to show, PEM.
    #[arg(long, value_name = "FILE", requires = "agent_ca", value_hint = ValueHint::FilePath)]
    pub(crate) agent_cert: Option<PathBuf>,
    /// For an agent elsewhere: the key of that certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "agent_ca", value_hint = ValueHint::FilePath)]
    pub(crate) agent_key: Option<PathBuf>,
}

impl AgentPlace {
    /// Prepares to ask it.
    pub(crate) fn agent(&self) -> Result<Agent, AgentError> {
        let Some(address) = self.agent.to_str().filter(|it| it.contains("://")) else {
            return Agent::at(&self.agent);
        };
        match (&self.agent_ca, &self.agent_cert, &self.agent_key) {
            (Some(authorities), Some(certificate), Some(key)) => Agent::over_tls(
                address,
                &Credentials {
                    authorities: authorities.clone(),
                    certificate: certificate.clone(),
                    key: key.clone(),
                },
            ),
            _ => Err(AgentError::Credentials {
                what: "what to show",
                path: "--agent-ca, --agent-cert, --agent-key".into(),
                why: "they are not given".to_owned(),
            }),
        }
    }
}
