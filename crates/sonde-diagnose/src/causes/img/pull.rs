//! What the causes of this family share: the failed pull, how far the trouble reaches, and how it is told.

use std::collections::BTreeSet;
use std::mem::discriminant;

use sonde_grammar::Fact;
use sonde_grammar::fact::{PullFact, PullFailure};
use sonde_model::{Kind, ObjectRef, Risk};
use sonde_world::{ContainerState, Object};

use crate::message::Message;
use crate::survey::{FailedPull, registry_of};
use crate::triage::IMAGE_REASONS;
use crate::{Case, Facts, Seen, field_on};

/// The newest word on why the image cannot be had.
pub(super) struct Pull<'a> {
    pub(super) image: String,
    pub(super) registry: String,
    /// Who was asked when it failed: the registry, one of its other hosts, a mirror, a proxy on the way.
    pub(super) asked: Asked,
    pub(super) failure: &'a PullFailure,
    pub(super) message: &'a Message,
}

/// Who was asked for an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    Registry,
    /// Another host than the one in the image's name: a mirror, or where its tokens or blobs come from.
    Host(String),
    Proxy(String),
}

/// The words for a registry that nothing names.
const UNNAMED: &str = "its registry";

/// Where the trouble sits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Root {
    /// This image: its name, its content, the workload's settings.
    Image,
    /// Every image of this registry suffers.
    Registry(String),
    /// Every image on the pod's node suffers.
    Node,
}

/// Why the episode's image is not there, where anything says so.
pub(super) fn failed<'a>(facts: &Facts<'a>) -> Option<Pull<'a>> {
    let waits_for_image = IMAGE_REASONS.contains(&facts.episode.word.as_str());
    for message in facts.messages() {
        for fact in &message.facts {
            match fact {
                Fact::Pull(PullFact::Failed {
                    image,
                    registry,
                    failure,
                }) if is_ours(facts, message, image.as_deref()) => {
                    let image = wanted_image(facts).or_else(|| image.clone()).unwrap_or_default();
                    let registry = match registry {
                        Some(registry) => registry.clone(),
                        None if image.is_empty() => UNNAMED.to_owned(),
                        None => registry_of(&image).to_owned(),
                    };
                    return Some(Pull {
                        asked: asked(&message.seen().text, &registry),
                        image,
                        registry,
                        failure,
                        message,
                    });
                }
                // The image came after the failure that is still further back: that trouble is over.
                Fact::Pull(PullFact::Done { image, .. })
                    if !waits_for_image && is_ours(facts, message, Some(image)) =>
                {
                    return None;
                }
                _ => {}
            }
        }
    }
    None
}

/// Who was asked last, by the words of runtimes: `Head "https://host/v2/...": dial tcp ...`, or a proxy before that.
fn asked(text: &str, registry: &str) -> Asked {
    if let Some((_, rest)) = text.split_once("proxyconnect tcp: ") {
        let rest = rest.strip_prefix("dial tcp: lookup ").unwrap_or(rest);
        let rest = rest.strip_prefix("dial tcp ").unwrap_or(rest);
        let end = rest.find([' ', '"']).unwrap_or(rest.len());
        return Asked::Proxy(rest[..end].trim_end_matches(':').to_owned());
    }
    let host = ["Head ", "Get ", "Post "]
        .iter()
        .flat_map(|method| text.rmatch_indices(method))
        .filter_map(|(at, method)| {
            let url = text[at + method.len()..].trim_start_matches(['\\', '"']);
            let rest = url
                .strip_prefix("https://")
                .or_else(|| url.strip_prefix("http://"))?;
            let end = rest.find(['/', '"', '?', ' ']).unwrap_or(rest.len());
            Some((at, &rest[..end]))
        })
        .max();
    match host {
        Some((_, host)) if !host.is_empty() && registry_of(&format!("{host}/x")) != registry => {
            Asked::Host(host.to_owned())
        }
        _ => Asked::Registry,
    }
}

/// As [`failed`], for one kind of failure.
pub(super) fn failed_by<'a>(facts: &Facts<'a>, is: impl Fn(&PullFailure) -> bool) -> Option<Pull<'a>> {
    failed(facts).filter(|pull| is(pull.failure))
}

/// Without any word on why, the kubelet's own log has one.
pub(super) fn wants_reason(facts: &Facts<'_>, case: &mut Case) {
    let waits_for_image = IMAGE_REASONS.contains(&facts.episode.word.as_str());
    if let Some(want) = facts.want_kubelet_log().filter(|_| waits_for_image) {
        case.wants(want, "what the registry answered, or why it was not reached");
    }
}

/// The image that the container's spec names.
pub(super) fn wanted_image(facts: &Facts<'_>) -> Option<String> {
    let (container, _) = facts.container()?;
    (!container.image.is_empty()).then(|| container.image.clone())
}

/// The source shows the pod's whole spec, so that a field which is not there is not set.
pub(super) fn knows_spec(facts: &Facts<'_>) -> bool {
    !facts.is_partial() && !facts.pod().spec.containers.is_empty()
}

/// A message that names no container is this one's when it names its image.
fn is_ours(facts: &Facts<'_>, message: &Message, image: Option<&str>) -> bool {
    if message.container.is_some() {
        return true;
    }
    match (wanted_image(facts), image) {
        (Some(wanted), Some(named)) => same_image(&wanted, named),
        _ => true,
    }
}

/// Runtimes write the full name, the kubelet the one of the spec.
fn same_image(one: &str, other: &str) -> bool {
    fn bare(image: &str) -> &str {
        let image = image.strip_prefix("docker.io/").unwrap_or(image);
        let image = image.strip_prefix("library/").unwrap_or(image);
        image.strip_suffix(":latest").unwrap_or(image)
    }
    bare(one) == bare(other)
}

impl Pull<'_> {
    pub(super) fn seen(&self) -> Seen {
        self.message.seen()
    }

    /// The registry's trouble, or the node's own where only it has it.
    pub(super) fn registry_or_node(&self, facts: &Facts<'_>) -> Root {
        if Reach::of(facts, self).only_this_node() {
            Root::Node
        } else {
            Root::Registry(self.registry.clone())
        }
    }

    /// Who failed: the registry, or what was asked in its stead.
    pub(super) fn peer(&self) -> String {
        match &self.asked {
            Asked::Registry => self.registry.clone(),
            Asked::Host(host) => format!("{host}, which is asked for images of {},", self.registry),
            Asked::Proxy(proxy) => format!("the proxy {proxy} on the way to {}", self.registry),
        }
    }

    /// The host to look at from the node, where one is named.
    pub(super) fn host(&self) -> Option<&str> {
        match &self.asked {
            Asked::Registry => Some(self.registry.as_str()).filter(|it| *it != UNNAMED),
            Asked::Host(host) => Some(host),
            Asked::Proxy(_) => None,
        }
    }

    /// Tells the chain and the headline: which image, from where, on which node, what happened, who else suffers.
    pub(super) fn tell(&self, facts: &Facts<'_>, case: &mut Case, root: &Root, what: &str) {
        let image = if self.image.is_empty() {
            "its image"
        } else {
            &self.image
        };
        // A pasted line may not name it.
        let of_image = if self.image.is_empty() {
            image.to_owned()
        } else {
            format!("image {image}")
        };
        let from = match facts.container() {
            Some((_, path)) => facts.field(&format!("{path}.image"), image),
            None => self.seen(),
        };
        case.step(
            if self.image.is_empty() {
                format!("{} needs its image", facts.container_phrase())
            } else {
                format!("{} needs the image {image}", facts.container_phrase())
            },
            [from],
        );
        let node = facts.node_ref();
        let asks = match &node {
            Some(node) => {
                let text = format!("node {} asks {} for it", node.name, self.registry);
                (text, Some(facts.field("spec.nodeName", &node.name)))
            }
            None => (format!("its node asks {} for it", self.registry), None),
        };
        if !is_decided_on_node(self.failure) {
            case.step(asks.0, asks.1);
        }
        case.step(what.to_owned(), [self.seen()]);
        let reach = Reach::of(facts, self);
        if let Some((text, seen)) = reach.text(facts, self) {
            case.step(text, [seen]);
        }
        held_by_node(facts, case, image);
        match root {
            Root::Image => {
                case.headline(format!("{of_image} cannot be pulled: {what}"));
            }
            Root::Registry(registry) => {
                case.root(ObjectRef::cluster(Kind::Other("Registry".into()), registry));
                case.headline(format!("images cannot be pulled from {registry}: {what}"));
            }
            Root::Node => {
                if let Some(node) = node {
                    case.headline(format!("node {} cannot pull images: {what}", node.name));
                    case.root(node);
                } else {
                    case.headline(format!("{of_image} cannot be pulled: {what}"));
                }
            }
        }
    }
}

/// An image that the node holds need not be asked for.
fn held_by_node(facts: &Facts<'_>, case: &mut Case, image: &str) {
    let always = facts
        .container()
        .is_some_and(|(container, _)| container.image_pull_policy == "Always");
    let Some(node) = facts.node().filter(|_| always) else {
        return;
    };
    let mut names = node.status.images.iter().flat_map(|it| &it.names);
    if let Some((held, node)) = names.find(|name| same_image(name, image)).zip(facts.node_ref()) {
        let seen = field_on(&node, "status.images", held);
        case.step(
            format!(
                "node {} has the image already, and imagePullPolicy Always asks for it each time",
                node.name
            ),
            [seen],
        );
        case.advice(
            "if its tag never changes, imagePullPolicy IfNotPresent starts it without the registry",
            Risk::Restart,
        );
    }
}

/// How a person sees what the node sees.
pub(super) fn look_from_node(facts: &Facts<'_>, case: &mut Case, pull: &Pull<'_>) {
    let Some((node, host)) = facts.node_ref().zip(pull.host()) else {
        return;
    };
    // Docker Hub's name in images is not the host that serves them.
    let host = if host == "docker.io" {
        "registry-1.docker.io"
    } else {
        host
    };
    // A registry that the runtime asks without TLS says so in the failed request.
    let plain = format!("\"http://{host}/");
    let said = pull.message.seen.text.replace('\\', "");
    let scheme = if said.contains(&plain) { "http" } else { "https" };
    case.look(
        format!("what node {} gets from {host}", node.name),
        format!("ssh {} 'curl -sv {scheme}://{host}/v2/'", node.name),
    );
}

/// The command that gives the workload another image.
pub(super) fn set_image(facts: &Facts<'_>, image: &str) -> Option<String> {
    let container = facts.episode.container.as_deref()?;
    let subject = &facts.episode.subject;
    // A pod's own image can be changed; a Job's template cannot.
    let alone = (facts.workload() == *subject).then(|| subject.clone());
    let target = facts.template_owner().or(alone)?;
    Some(format!(
        "kubectl set image {} {container}={image}",
        target.kubectl()
    ))
}

/// The node fails before it asks anybody.
fn is_decided_on_node(failure: &PullFailure) -> bool {
    matches!(
        failure,
        PullFailure::PolicyNever
            | PullFailure::InvalidName
            | PullFailure::KubeletLimit
            | PullFailure::CredentialPlugin
    )
}

/// Who else suffers, and who does not.
struct Reach {
    /// The nodes of pods that wait for the same image.
    same_image: BTreeSet<String>,
    /// Other images of the same registry that fail alike.
    other_images: BTreeSet<String>,
    /// Other registries whose images fail alike on this node.
    other_registries: BTreeSet<String>,
    /// Other nodes with images that fail alike.
    other_nodes: BTreeSet<String>,
    /// Nodes that run a replica of this pod, so have the image.
    has_it: BTreeSet<String>,
}

impl Reach {
    fn of(facts: &Facts<'_>, pull: &Pull<'_>) -> Reach {
        let me = &facts.episode.subject;
        let node = facts.pod().spec.node_name.as_str();
        let alike = |it: &&FailedPull| {
            it.failure
                .as_ref()
                .is_none_or(|failure| discriminant(failure) == discriminant(pull.failure))
        };
        let mut reach = Reach {
            same_image: BTreeSet::new(),
            other_images: BTreeSet::new(),
            other_registries: BTreeSet::new(),
            other_nodes: BTreeSet::new(),
            has_it: replicas_that_run(facts),
        };
        if facts.pod().spec.containers.is_empty() {
            return reach;
        }
        for it in facts.survey().pulls.iter().filter(alike) {
            if same_image(&it.image, &pull.image) {
                reach.same_image.insert(it.node.to_string());
            } else if it.registry == registry_of(&pull.image) {
                reach.other_images.insert(it.image.clone());
            } else if *it.node == *node && it.pod != *me {
                reach.other_registries.insert(it.registry.clone());
            }
            if *it.node != *node {
                reach.other_nodes.insert(it.node.to_string());
            }
        }
        reach
    }

    /// Several registries fail here and no other node fails alike. That a replica elsewhere has the image proves
    /// nothing: it may have come before the trouble.
    fn only_this_node(&self) -> bool {
        self.other_nodes.is_empty() && !self.other_registries.is_empty()
    }

    fn text(&self, facts: &Facts<'_>, pull: &Pull<'_>) -> Option<(String, Seen)> {
        let node = facts.node_ref()?.name;
        let seen = |text: String| facts.computed("pods that wait for an image, and their replicas", text);
        if self.only_this_node() {
            let others = names(&self.other_registries);
            let text = format!(
                "images of {others} fail on node {node} too, and on no other node: the node or its network is at fault"
            );
            return Some((text.clone(), seen(text)));
        }
        let text = if !self.other_images.is_empty() {
            format!(
                "other images of {} fail as well ({}): it is not this image alone",
                registry_of(&pull.image),
                names(&self.other_images)
            )
        } else if self.same_image.len() > 1 {
            format!(
                "this image fails on {}, and no other image does",
                names(&self.same_image)
            )
        } else if !self.has_it.is_empty() {
            format!(
                "replicas on {} have the image, pulled now or earlier",
                names(&self.has_it)
            )
        } else if facts.snapshot.is_complete_everywhere(&Kind::Pod) {
            "no other image fails to be pulled in the cluster".into()
        } else {
            return None;
        };
        Some((text.clone(), seen(text)))
    }
}

/// The nodes on which pods of the same ReplicaSet run: they have the very same template.
fn replicas_that_run(facts: &Facts<'_>) -> BTreeSet<String> {
    let owner = facts
        .snapshot
        .get(&facts.episode.subject)
        .and_then(|pod| pod.owner.as_ref());
    let Some(owner) = owner.filter(|owner| owner.reference.kind == Kind::ReplicaSet) else {
        return BTreeSet::new();
    };
    let Some(container) = facts.episode.container.as_deref() else {
        return BTreeSet::new();
    };
    let runs = |object: &Object| {
        object
            .pod()
            .filter(|pod| {
                pod.container(container)
                    .is_some_and(|it| matches!(it.state, ContainerState::Running { .. }))
            })
            .map(|pod| pod.node.to_string())
    };
    let here = &facts.pod().spec.node_name;
    facts
        .snapshot
        .owned_by(&owner.reference)
        .filter_map(|object| runs(object))
        .filter(|node| node != here)
        .collect()
}

/// `a, b, c and 4 more`.
pub(super) fn names(all: &BTreeSet<String>) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<&str> = all
        .iter()
        .filter(|name| !name.is_empty())
        .take(SHOWN)
        .map(String::as_str)
        .collect();
    match all.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
