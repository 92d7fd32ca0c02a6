//! What the causes about logins share: a refusal, and what is known about the pod's pull secrets.
//!
//! The kubelet uses the pod's `imagePullSecrets` (admission copies the service account's into a pod that has none) and
//! what the node itself is configured with. A registry that refuses does not tell a missing login from a wrong one, and
//! many do not tell either from an image that does not exist.

use sonde_grammar::Fact;
use sonde_grammar::fact::{PullFact, PullFailure};
use sonde_model::{Kind, ObjectRef};

use super::pull::{Pull, failed, knows_spec};
use crate::{Facts, Seen};

/// The registry refused.
pub(super) struct Refusal<'a> {
    pub(super) pull: Pull<'a>,
    /// The text names a request without a login, or with one.
    pub(super) anonymous: Option<bool>,
    pub(super) maybe_missing: bool,
    pub(super) expired: bool,
    pub(super) secrets: Secrets,
}

/// The pod's pull secrets.
pub(super) struct Secrets {
    /// The pod's spec is known.
    pub(super) known: bool,
    pub(super) named: Vec<ObjectRef>,
    /// Those that do not exist, with the proof.
    pub(super) missing: Vec<(ObjectRef, Seen)>,
    /// Those that are known to exist.
    pub(super) present: Vec<ObjectRef>,
}

pub(super) fn refused<'a>(facts: &Facts<'a>) -> Option<Refusal<'a>> {
    let pull = failed(facts)?;
    let PullFailure::Unauthorized {
        anonymous,
        maybe_missing,
        expired,
    } = *pull.failure
    else {
        return None;
    };
    Some(Refusal {
        pull,
        anonymous,
        maybe_missing,
        expired,
        secrets: secrets(facts),
    })
}

/// The pod's pull secrets, by its spec and by the kubelet's word.
pub(super) fn secrets(facts: &Facts<'_>) -> Secrets {
    let namespace = &facts.episode.subject.namespace;
    let secret = |name: &str| ObjectRef::new(Kind::Secret, namespace, name);
    let mut named: Vec<ObjectRef> = facts
        .pod()
        .spec
        .image_pull_secrets
        .iter()
        .filter(|it| !it.name.is_empty())
        .map(|it| secret(&it.name))
        .collect();
    let said = facts.find(|fact| match fact {
        Fact::Pull(PullFact::SecretsMissing { names }) => Some(names),
        _ => None,
    });
    let mut missing = Vec::new();
    if let Some((names, message)) = &said {
        for object in names.iter().map(|name| secret(name)) {
            if facts.snapshot.get(&object).is_none() {
                missing.push((object.clone(), message.seen()));
            }
            if !named.contains(&object) {
                named.push(object);
            }
        }
    }
    for object in &named {
        if let Some(seen) = facts.absence(object)
            && !missing.iter().any(|(have, _)| have == object)
        {
            missing.push((object.clone(), seen));
        }
    }
    let present = named
        .iter()
        .filter(|object| facts.snapshot.get(object).is_some())
        .cloned()
        .collect();
    Secrets {
        known: knows_spec(facts),
        named,
        missing,
        present,
    }
}

impl Secrets {
    /// Every secret that the pod names is missing: the first of them, and the proof. The node asked without the pod's login.
    pub(super) fn all_missing(&self) -> Option<&(ObjectRef, Seen)> {
        (self.missing.len() == self.named.len())
            .then(|| self.missing.first())
            .flatten()
    }

    /// The pull secrets as evidence.
    pub(super) fn field(&self, facts: &Facts<'_>) -> Seen {
        let names: Vec<&str> = self.named.iter().map(|it| &*it.name).collect();
        let text = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        };
        facts.field("spec.imagePullSecrets", text)
    }
}

impl Refusal<'_> {
    /// The pull secrets as evidence.
    pub(super) fn secrets_field(&self, facts: &Facts<'_>) -> Seen {
        self.secrets.field(facts)
    }

    /// What the registry said, with what it leaves open.
    pub(super) fn answer(&self) -> String {
        let registry = &self.pull.registry;
        match (self.maybe_missing, self.anonymous) {
            (true, _) => format!(
                "{registry} refuses: the image does not exist there, or needs a login; it does not say which"
            ),
            (false, Some(true)) => format!("{registry} refuses a request without a login"),
            (false, Some(false)) => format!("{registry} refuses the login that was sent"),
            (false, None) => format!("{registry} refuses (401 or 403)"),
        }
    }

    /// An image of Docker Hub's own collection, which needs no login; a refusal means that there is none of that name.
    pub(super) fn is_official(&self) -> bool {
        let image = self
            .pull
            .image
            .strip_prefix("docker.io/")
            .unwrap_or(&self.pull.image);
        let image = image.strip_prefix("library/").unwrap_or(image);
        self.pull.registry == "docker.io" && !image.is_empty() && !image.contains('/')
    }

    /// A registry to which nodes of a cloud log in by themselves.
    pub(super) fn is_cloud(&self) -> bool {
        let registry = &self.pull.registry;
        [
            ".amazonaws.com",
            ".amazonaws.com.cn",
            ".azurecr.io",
            "gcr.io",
            "-docker.pkg.dev",
        ]
        .iter()
        .any(|host| registry.ends_with(host))
    }
}
