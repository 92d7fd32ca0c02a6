//! What all refusals of the API server have in common.

use sonde_grammar::Fact;
use sonde_grammar::fact::{AdmissionRefusal, WebhookFailure};
use sonde_model::{EvidenceKind, Kind, ObjectRef, Risk, Severity};

use crate::triage::nameless;
use crate::{Case, Facts, Message, Seen, field_on};

/// The newest refusal: an older one with another reason is over.
pub(super) fn newest<'a>(facts: &Facts<'a>) -> Option<(&'a AdmissionRefusal, &'a Message)> {
    facts.find(|fact| {
        if let Fact::Admission(refusal) = fact {
            Some(refusal)
        } else {
            None
        }
    })
}

/// The end of the chain: who cannot create what.
pub(super) fn pods_are_missing(facts: &Facts<'_>, case: &mut Case) {
    // Words alone do not tell how many are there.
    if facts.is_text() {
        return;
    }
    let seen = facts.field("status", &facts.episode.word);
    case.step(
        format!("so {} has only {}", facts.episode.subject, facts.episode.word),
        [seen],
    );
}

/// `deploy/app cannot create its pods (1 of 3 pods created)`.
pub(super) fn cannot_create(facts: &Facts<'_>) -> String {
    if facts.episode.subject == nameless() {
        return "the pods cannot be created".to_owned();
    }
    if facts.is_text() {
        return format!("{} cannot create its pods", facts.workload());
    }
    format!(
        "{} cannot create its pods ({})",
        facts.workload(),
        facts.episode.word
    )
}

/// A webhook that could not be called: the root is the configuration that registers it.
pub(super) fn webhook_call(
    facts: &Facts<'_>,
    case: &mut Case,
    failures: &[WebhookFailure],
    what: impl Fn(&str) -> String,
) -> bool {
    let Some((
        AdmissionRefusal::WebhookCall {
            webhook,
            service,
            failure,
            ..
        },
        message,
    )) = newest(facts)
    else {
        return false;
    };
    if !failures.contains(failure) {
        return false;
    }
    if is_unregistered(facts, case, webhook) {
        return true;
    }
    case.proven_by(message.seen());
    let behind = service
        .as_ref()
        .map_or_else(|| "the server behind it".into(), |it| format!("service {it}"));
    let what = what(&behind);
    let configuration = configuration_of(facts, webhook);
    if let Some((configuration, path)) = &configuration {
        let seen = field_on(configuration, path, webhook);
        case.step(
            format!("{configuration} sends every such request to webhook {webhook}"),
            [seen],
        );
    }
    case.step(what.clone(), [message.seen()]);
    case.step("the API server refuses what the webhook cannot check", []);
    pods_are_missing(facts, case);
    // A person's own request is refused in the same words; only a controller's is about pods.
    let of_pods = facts.episode.subject != nameless() || message.seen.text.contains("Error creating: ");
    case.headline(if of_pods {
        format!("pods cannot be created: webhook {webhook} must approve them, and {what}")
    } else {
        format!("a request is refused: webhook {webhook} must approve it, and {what}")
    });
    case.severity(Severity::Critical);
    if let Some((configuration, _)) = &configuration {
        case.advice(
            format!("if {webhook} may be skipped for a while, set failurePolicy: Ignore in {configuration}"),
            Risk::Wide,
        );
    }
    if let Some((namespace, name)) = service.as_deref().and_then(|service| service.split_once('/')) {
        case.explains(ObjectRef::new(Kind::Service, namespace, name));
        case.look(
            "whether the webhook's own pods run",
            format!("kubectl get svc,endpointslices,pods -n {namespace}"),
        );
    }
    let root = configuration.map_or_else(
        || ObjectRef::cluster(Kind::Other("Webhook".into()), webhook),
        |(configuration, _)| configuration,
    );
    case.root(root).root_key(webhook.as_str());
    true
}

/// Rules the case out where every configuration is known and none registers the webhook any more.
pub(super) fn is_unregistered(facts: &Facts<'_>, case: &mut Case, webhook: &str) -> bool {
    let known = CONFIGURATIONS
        .iter()
        .all(|kind| facts.snapshot.is_complete_everywhere(kind));
    if !known || configuration_of(facts, webhook).is_some() {
        return false;
    }
    let seen = Seen {
        kind: EvidenceKind::Absence,
        source: "complete list of webhook configurations".into(),
        object: None,
        time: None,
        text: format!("no webhook {webhook}"),
    };
    case.refuted_by(seen, format!("webhook {webhook} is not registered any more"));
    true
}

const CONFIGURATIONS: [Kind; 2] = [
    Kind::ValidatingWebhookConfiguration,
    Kind::MutatingWebhookConfiguration,
];

/// The configuration that registers a webhook, with the path of its entry.
pub(super) fn configuration_of(facts: &Facts<'_>, webhook: &str) -> Option<(ObjectRef, String)> {
    CONFIGURATIONS.into_iter().find_map(|kind| {
        facts.snapshot.of_kind(kind).find_map(|object| {
            let view: sonde_world::view::WebhookConfiguration = object.encoded.decode().ok()?;
            let at = view.webhooks.iter().position(|it| it.name == webhook)?;
            Some((object.reference.clone(), format!("webhooks[{at}].name")))
        })
    })
}
