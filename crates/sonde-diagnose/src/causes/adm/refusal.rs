//! What all refusals of the API server have in common.

use jiff::{SignedDuration, Timestamp};
use sonde_grammar::Fact;
use sonde_grammar::fact::{AdmissionRefusal, WebhookFailure};
use sonde_model::{EvidenceKind, Kind, Moment as _, ObjectRef, Risk, Severity};
use sonde_world::view::{Deployment, LabelSelector};

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
    let subject = &facts.episode.subject;
    let text = match facts.episode.word.strip_suffix(" created") {
        Some(pods) => format!("so {subject} has only {pods}"),
        // An event alone does not count them.
        None => format!("so {subject} lacks pods"),
    };
    case.step(text, [seen]);
}

/// `deploy/app cannot create its pods (it has 1 of 3 pods)`.
pub(super) fn cannot_create(facts: &Facts<'_>) -> String {
    if facts.episode.subject == nameless() {
        return "the pods cannot be created".to_owned();
    }
    if facts.is_text() {
        return format!("{} cannot create its pods", facts.workload());
    }
    let workload = facts.workload();
    if let Some(counts) = deployments_pods(facts, &workload) {
        return format!("{workload} cannot create its pods ({counts})");
    }
    match facts.episode.word.strip_suffix(" created") {
        Some(count) => format!("{workload} cannot create its pods (it has {count})"),
        None => format!("{workload} cannot create its pods"),
    }
}

/// What a deployment has in all its revisions: the set that lacks pods is one of them.
fn deployments_pods(facts: &Facts<'_>, workload: &ObjectRef) -> Option<String> {
    let set = &facts.episode.subject;
    if workload.kind != Kind::Deployment || workload == set {
        return None;
    }
    let deployment = facts.snapshot.view::<Deployment>(workload)?;
    let (have, wanted) = (deployment.status.replicas, deployment.spec.replicas.unwrap_or(1));
    let of_set = facts.episode.word.strip_suffix(" created")?;
    let in_all = format!("{have} of {} pods", wanted);
    Some(if of_set == in_all || have == 0 {
        format!("it has {of_set}")
    } else {
        format!("it has {in_all}, its present revision {of_set}")
    })
}

/// How many pods are missing: `1 of 3 pods created`.
pub(super) fn missing(facts: &Facts<'_>) -> Option<i64> {
    let (have, rest) = facts.episode.word.split_once(" of ")?;
    let wanted: i64 = rest.split(' ').next()?.parse().ok()?;
    wanted.checked_sub(have.parse().ok()?)
}

/// How many pods are missing in all, and to whom: several revisions of a deployment may lack some.
pub(super) fn lacking(facts: &Facts<'_>) -> Option<(i64, ObjectRef)> {
    let of_set = missing(facts);
    let workload = facts.workload();
    let of_deployment = (workload.kind == Kind::Deployment)
        .then(|| facts.snapshot.view::<Deployment>(&workload))
        .flatten()
        .map(|it| it.spec.replicas.unwrap_or(1).saturating_sub(it.status.replicas));
    match (of_set, of_deployment) {
        (of_set, Some(more)) if of_set.is_none_or(|of_set| more >= of_set) => Some((more, workload)),
        (of_set, _) => Some((of_set?, facts.episode.subject.clone())),
    }
}

/// A controller that was refused tries again after a pause that doubles up to 16 minutes 40 seconds; whoever is still
/// without its pods after this has another trouble.
const NEXT_TRY: SignedDuration = SignedDuration::from_mins(20);
/// A refusal may be written so long after what would have prevented it was there: caches lag.
const LAG: SignedDuration = SignedDuration::from_secs(30);

/// What the refusal names was mended: `was` says what was wrong, `now` what is so since `since`.
pub(super) fn mended(
    facts: &Facts<'_>,
    case: &mut Case,
    message: &Message,
    was: &str,
    (now, seen, since): (&str, Seen, Option<Timestamp>),
) {
    let refused = message.seen.time;
    let tried_since = since
        .zip(refused)
        .is_some_and(|(since, refused)| refused > since.later(LAG));
    let given_up = refused
        .zip(facts.now)
        .is_some_and(|(refused, now)| now.duration_since(refused) > NEXT_TRY);
    if tried_since || given_up || facts.episode.subject == nameless() {
        case.refuted_by(seen, now);
        return;
    }
    case.mended_by(seen.clone(), now, since);
    case.step(was, [message.seen()]);
    case.step(now, [seen]);
    pods_are_missing(facts, case);
    let workload = facts.workload();
    case.headline(format!(
        "was: {was}; mended since: {now}; {workload} waits for its controller's next try"
    ));
    if matches!(
        workload.kind,
        Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet
    ) {
        case.fix(
            "the controller tries again on its own, within minutes; to hurry it up (this replaces its running pods, too)",
            format!("kubectl rollout restart {}", workload.kubectl()),
            Risk::Restart,
        );
    } else {
        case.advice(
            "wait: the controller tries again on its own, within minutes",
            Risk::None,
        );
    }
}

/// The pods name a class of the cluster, `priority class`, which did not exist when they were refused.
pub(super) fn class_missing(
    facts: &Facts<'_>,
    case: &mut Case,
    message: &Message,
    (kind, words, name): (Kind, &str, &str),
) {
    let class = ObjectRef::cluster(kind.clone(), name);
    if let Some(there) = facts.snapshot.get(&class) {
        let seen = field_on(&class, "metadata.name", name);
        let was = format!("{words} {name} did not exist");
        mended(
            facts,
            case,
            message,
            &was,
            ("the class exists by now", seen, there.created),
        );
        return;
    }
    case.proven_by(message.seen());
    case.step(
        format!("the pods name {words} {name}, which does not exist"),
        [message.seen()],
    );
    pods_are_missing(facts, case);
    case.headline(format!("{}: {words} {name} does not exist", cannot_create(facts)));
    case.root(class);
    let advice = "correct the name in the pod's template, or create the class";
    let advice = match facts.existing(&kind) {
        Some((names, seen)) => {
            case.step(format!("of {words}es {names}"), [seen]);
            format!("{advice}; {names}")
        }
        None => advice.to_owned(),
    };
    case.fix(
        advice,
        format!("kubectl get {}", words.replace(' ', "")),
        Risk::None,
    );
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
    let reach = configuration
        .as_ref()
        .and_then(|(configuration, _)| reach_of(facts, configuration, webhook));
    if let Some((configuration, path)) = &configuration {
        let seen = field_on(configuration, path, webhook);
        let which = match &reach {
            Some((text, _)) => format!("such requests {text}"),
            None => "every such request".to_owned(),
        };
        let selects = reach.as_ref().map(|(_, seen)| seen.clone());
        case.step(
            format!("{configuration} sends {which} to webhook {webhook}"),
            [seen].into_iter().chain(selects),
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
    // Without selectors it stands before the whole cluster.
    if reach.is_none() {
        case.severity(Severity::Critical);
    }
    case.advice(
        match *failure {
            WebhookFailure::ServiceMissing => format!("install what {behind} is of again; if it was removed for good, remove its webhook configuration, too"),
            // It answers; what is wrong is the certificate, or the authority that the configuration names.
            WebhookFailure::Tls => format!("let the webhook configuration's caBundle be the authority that signed the certificate of {behind}, and the certificate be in date and made out to the service's name; what injects it (cert-manager's cainjector, or the webhook's own Job or controller) may have failed, or the certificate was made anew without it"),
            _ => format!("let {behind} answer again: see that its pods run and are ready, and that the API server's machines reach them; a restart of the workload behind it often does"),
        },
        Risk::Restart,
    );
    match &configuration {
        Some((configuration, path)) => {
            let at = path.trim_start_matches("webhooks[").trim_end_matches("].name");
            case.fix(
                format!(
                    "if {webhook} may be skipped for a while, set failurePolicy: Ignore in {configuration}"
                ),
                format!(
                    "kubectl patch {} --type json -p '[{{\"op\":\"replace\",\"path\":\"/webhooks/{at}/failurePolicy\",\"value\":\"Ignore\"}}]'",
                    configuration.kubectl()
                ),
                Risk::Wide,
            );
        }
        None => {
            case.advice(
                format!("if {webhook} may be skipped for a while, set failurePolicy: Ignore in the configuration that names it"),
                Risk::Wide,
            );
            case.look(
                format!("which configuration names {webhook}"),
                "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations -o custom-columns=KIND:.kind,NAME:.metadata.name,WEBHOOKS:.webhooks[*].name".to_owned(),
            );
        }
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
    let now = format!("webhook {webhook} is not registered any more");
    match newest(facts) {
        Some((_, message)) => {
            let was = format!("webhook {webhook} refused the pods or could not be asked");
            mended(facts, case, message, &was, (&now, seen, None));
        }
        None => {
            case.refuted_by(seen, now);
        }
    }
    true
}

const CONFIGURATIONS: [Kind; 2] = [
    Kind::ValidatingWebhookConfiguration,
    Kind::MutatingWebhookConfiguration,
];

/// Which requests a webhook is asked about, where selectors narrow that: in words, and the field that says so.
fn reach_of(facts: &Facts<'_>, configuration: &ObjectRef, webhook: &str) -> Option<(String, Seen)> {
    #[derive(serde::Deserialize)]
    struct Selecting {
        webhooks: Vec<Selectors>,
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Selectors {
        name: String,
        #[serde(default)]
        namespace_selector: Option<LabelSelector>,
        #[serde(default)]
        object_selector: Option<LabelSelector>,
    }
    let webhooks = facts.snapshot.view::<Selecting>(configuration)?.webhooks;
    let (at, found) = webhooks.iter().enumerate().find(|(_, it)| it.name == webhook)?;
    let narrow = |selector: &Option<LabelSelector>| selector.clone().filter(|it| !it.is_empty());
    let (of_namespace, of_object) = (narrow(&found.namespace_selector), narrow(&found.object_selector));
    let mut texts = Vec::new();
    if let Some(selector) = &of_namespace {
        texts.push(match selected_namespaces(facts, selector) {
            Some(names) => format!("in {names}"),
            None => format!("in namespaces with {}", selector_text(selector)),
        });
    }
    if let Some(selector) = &of_object {
        texts.push(format!("for objects with {}", selector_text(selector)));
    }
    let (field, selector) = match (&of_namespace, &of_object) {
        (Some(selector), _) => ("namespaceSelector", selector),
        (None, Some(selector)) => ("objectSelector", selector),
        (None, None) => return None,
    };
    let seen = field_on(
        configuration,
        &format!("webhooks[{at}].{field}"),
        selector_text(selector),
    );
    Some((texts.join(" "), seen))
}

/// The namespaces that a selector takes, by name, where all are known and they are few.
fn selected_namespaces(facts: &Facts<'_>, selector: &LabelSelector) -> Option<String> {
    /// More names than this tell less than the selector.
    const NAMED_MAX: usize = 5;
    if !facts.snapshot.is_complete_everywhere(&Kind::Namespace) {
        return None;
    }
    let names: Vec<String> = facts
        .snapshot
        .of_kind(Kind::Namespace)
        .filter(|it| {
            let labels = facts.metadata_of(&it.reference).map(|it| it.labels);
            selector.matches(|key| labels.as_ref()?.get(key).map(|it| &**it))
        })
        .map(|it| it.reference.name.to_string())
        .collect();
    match names.len() {
        0 => None,
        1 => Some(format!("namespace {}", names[0])),
        2..=NAMED_MAX => Some(format!("namespaces {}", names.join(", "))),
        _ => None,
    }
}

/// `team=a, tier in (web, api)`, as `kubectl get -l` takes it.
fn selector_text(selector: &LabelSelector) -> String {
    let labels = selector
        .match_labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"));
    let expressions = selector.match_expressions.iter().map(|it| {
        let values = it.values.join(", ");
        match it.operator.as_str() {
            "In" => format!("{} in ({values})", it.key),
            "NotIn" => format!("{} notin ({values})", it.key),
            "Exists" => it.key.clone(),
            "DoesNotExist" => format!("!{}", it.key),
            other => format!("{} {other} {values}", it.key),
        }
    });
    labels.chain(expressions).collect::<Vec<_>>().join(", ")
}

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
