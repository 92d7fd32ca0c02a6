//! SCH-RESOURCE-CLAIM-MISSING: a ResourceClaim of the pod does not exist, or is being deleted; the pod does not even come
//! into the scheduler's queue, so nobody says a word about it.

use sonde_grammar::Fact;
use sonde_grammar::fact::WorkloadFact;
use sonde_model::{Code, Kind, ObjectRef, Risk, nearest};
use sonde_world::view::PodResourceClaim;

use super::stated::{scheduler_is_silent, who};
use crate::cause::page;
use crate::{Case, Cause, Facts, Message, Symptom};
use crate::{Want, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-RESOURCE-CLAIM-MISSING"),
    title: "a resource claim of the pod does not exist",
    explains: &[Symptom::Unschedulable],
    reads: &[Kind::ResourceClaim, Kind::ResourceClaimTemplate],
    state,
    page: page!("SCH-RESOURCE-CLAIM-MISSING"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let refused = facts.find(|fact| match fact {
        Fact::Workload(WorkloadFact::ResourceClaimNotMade { detail }) => Some(detail.as_str()),
        _ => None,
    });
    let is_pod = facts.episode.subject.kind == Kind::Pod;
    // A scheduler that has said anything has the pod in its queue, so its claims are there.
    if is_pod && !facts.is_partial() {
        if !scheduler_is_silent(facts) {
            return;
        }
    } else if refused.is_none() {
        return;
    }
    for (at, claim) in facts.pod().spec.resource_claims.iter().enumerate() {
        let path = format!("spec.resourceClaims[{at}]");
        if claim.resource_claim_name.is_empty() {
            of_template(facts, case, claim, &path, refused);
        } else {
            named(facts, case, claim, &path);
        }
        if !case.is_silent() {
            return finish(facts, case);
        }
    }
    if let Some((detail, message)) = refused
        && facts.pod().spec.resource_claims.is_empty()
    {
        case.proven_by(message.seen());
        case.headline(format!(
            "{} has no node: its resource claim cannot be made: {detail}",
            who(facts)
        ));
        case.advice(
            "create the ResourceClaimTemplate, or correct its name in the pod template",
            Risk::None,
        );
        finish(facts, case);
    }
}

/// The pod names a claim that somebody makes.
fn named(facts: &Facts<'_>, case: &mut Case, claim: &PodResourceClaim, path: &str) {
    let name = claim.resource_claim_name.as_str();
    let reference = ObjectRef::new(Kind::ResourceClaim, &facts.episode.subject.namespace, name);
    let asked = facts.field(&format!("{path}.resourceClaimName"), name);
    if let Some(there) = facts.snapshot.get(&reference) {
        if let Some(deletion) = there.deletion {
            let seen = field_on(&reference, "metadata.deletionTimestamp", deletion);
            case.proven_by(seen.clone());
            case.headline(format!(
                "{} needs resource claim {name}, which is being deleted",
                who(facts)
            ));
            case.step(format!("the pod needs resource claim {name}"), [asked]);
            case.step(format!("resource claim {name} is being deleted"), [seen]);
            case.root(reference);
            case.advice("create the claim anew once it is gone", Risk::None);
        }
        return;
    }
    let Some(absence) = facts.absence(&reference) else {
        case.supported_by(asked.clone());
        case.wants(Want::Object(reference), "whether the resource claim exists");
        case.headline(format!(
            "{} waits for a word of the scheduler, and needs resource claim {name}, of which it is not known whether it exists",
            who(facts)
        ));
        case.step(format!("the pod needs resource claim {name}"), [asked]);
        return;
    };
    case.proven_by(absence.clone());
    case.headline(format!(
        "{} needs resource claim {name}, which does not exist",
        who(facts)
    ));
    case.step(format!("the pod needs resource claim {name}"), [asked]);
    case.step(format!("resource claim {name} does not exist"), [absence]);
    let names: Vec<String> = facts
        .snapshot
        .in_namespace(Kind::ResourceClaim, &facts.episode.subject.namespace)
        .map(|it| it.reference.name.to_string())
        .collect();
    if let Some(near) = nearest(name, names.iter().map(String::as_str)) {
        let seen = facts.computed(format!("names like {name}"), near);
        case.step(
            format!("there is a resource claim {near}, which is nearly the same name"),
            [seen],
        );
        case.advice(
            format!("if {near} was meant, correct resourceClaimName in the pod template"),
            Risk::Restart,
        );
    }
    case.root(reference);
    case.advice(
        format!("create resource claim {name} in the pod's namespace, or correct resourceClaimName in the pod template"),
        Risk::None,
    );
}

/// The resource claim controller makes the claim, and writes its name into the pod's status.
fn of_template(
    facts: &Facts<'_>,
    case: &mut Case,
    claim: &PodResourceClaim,
    path: &str,
    refused: Option<(&str, &Message)>,
) {
    let template = claim.resource_claim_template_name.as_str();
    let made = facts
        .pod()
        .status
        .resource_claim_statuses
        .iter()
        .any(|it| it.name == claim.name);
    if made || template.is_empty() {
        return;
    }
    let reference = ObjectRef::new(
        Kind::ResourceClaimTemplate,
        &facts.episode.subject.namespace,
        template,
    );
    let asked = facts.field(&format!("{path}.resourceClaimTemplateName"), template);
    let absence = facts.absence(&reference);
    match (absence, refused) {
        (Some(absence), _) => {
            case.proven_by(absence.clone());
            case.headline(format!(
                "{} needs resource claim template {template}, which does not exist",
                who(facts)
            ));
            case.step(
                format!("the pod's resource claim is made from template {template}"),
                [asked],
            );
            case.step(
                format!("resource claim template {template} does not exist"),
                [absence],
            );
            case.root(reference);
        }
        (None, Some((detail, message))) => {
            case.proven_by(message.seen());
            case.headline(format!(
                "{} has no node: its resource claim cannot be made: {detail}",
                who(facts)
            ));
            case.step(
                format!("the pod's resource claim is made from template {template}"),
                [asked],
            );
        }
        (None, None) => {
            case.supported_by(facts.unset("status.resourceClaimStatuses"));
            case.wants(
                Want::Object(reference),
                "whether the template of the resource claim exists",
            );
            case.headline(format!(
                "{} has no resource claim yet, which is to be made from template {template}",
                who(facts)
            ));
            case.step(
                format!("the pod's resource claim is made from template {template}"),
                [asked],
            );
            case.look(
                "whether the controller manager makes resource claims",
                format!("kubectl describe {}", facts.episode.subject.kubectl()),
            );
            return;
        }
    }
    if let Some((_, message)) = refused {
        case.step("so no claim is made from it", [message.seen()]);
    }
    case.advice(
        format!("create resource claim template {template} in the pod's namespace, or correct its name in the pod template"),
        Risk::None,
    );
}

fn finish(facts: &Facts<'_>, case: &mut Case) {
    let seen = if facts.episode.subject.kind == Kind::Pod && !facts.is_partial() {
        facts.unset("status.conditions[PodScheduled]")
    } else {
        facts.seen_as()
    };
    case.step(
        "a pod without its resource claims does not come into the scheduler's queue, so it has no node and nobody says why",
        [seen],
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Kind, Verdict};

    use super::super::testing::*;
    use crate::testing::{Scene, contract};

    fn silent(claim: Value) -> Value {
        pending(
            "",
            json!({"metadata": {"creationTimestamp": "2026-03-01T11:50:00Z"},
                "spec": {"resourceClaims": [claim]}, "status": {"conditions": null}}),
        )
    }

    fn by_name() -> Value {
        silent(json!({"name": "gpu", "resourceClaimName": "my-gpu"}))
    }

    fn by_template() -> Value {
        silent(json!({"name": "gpu", "resourceClaimTemplateName": "one-gpu"}))
    }

    fn there(kind: &str, name: &str, patch: Value) -> Value {
        let mut object = json!({"apiVersion": "resource.k8s.io/v1", "kind": kind,
            "metadata": {"name": name, "namespace": "shop", "creationTimestamp": "2026-03-01T11:49:00Z"}, "spec": {}});
        crate::testing::merge(&mut object, patch);
        object
    }

    fn nodes() -> Scene {
        scene().object(node("n1", json!({})))
    }

    fn old_lease() -> Value {
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "kube-scheduler", "namespace": "kube-system"},
            "spec": {"holderIdentity": "cp-1", "leaseDurationSeconds": 15, "renewTime": "2026-03-01T11:40:00.000000Z"}})
    }

    const REFUSED: &str = "PodResourceClaim gpu: resource claim template \"one-gpu\": resourceclaimtemplate.resource.k8s.io \"one-gpu\" not found";

    #[test]
    fn contract() {
        contract::keep(
            &[&super::CAUSE],
            &[
                contract::Contract {
                    code: "SCH-RESOURCE-CLAIM-MISSING",
                    verdict: Verdict::Proven,
                    found: || nodes().object(by_name()),
                    rival: ("SCH-NO-SCHEDULER", || {
                        nodes()
                            .object(by_name())
                            .object(there("ResourceClaim", "my-gpu", json!({})))
                            .object(old_lease())
                    }),
                    open: || {
                        Scene::new()
                            .complete(&[Kind::Pod, Kind::Node])
                            .object(node("n1", json!({})))
                            .object(by_name())
                    },
                    healthy: || {
                        nodes()
                            .object(scheduled(
                                json!({"spec": {"resourceClaims": [{"name": "gpu", "resourceClaimName": "my-gpu"}]}}),
                            ))
                            .object(there("ResourceClaim", "my-gpu", json!({})))
                    },
                    over: || {
                        nodes()
                            .object(scheduled(
                                json!({"spec": {"resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "one-gpu"}]}}),
                            ))
                            .event(
                                "Pod/shop/app-1",
                                "FailedResourceClaimCreation",
                                REFUSED,
                                "2026-03-01T09:59:00Z",
                            )
                    },
                },
                contract::Contract {
                    code: "SCH-RESOURCE-CLAIM-MISSING",
                    verdict: Verdict::Proven,
                    found: || nodes().object(by_template()),
                    rival: ("SCH-NO-SCHEDULER", || {
                        let mut pod = by_template();
                        crate::testing::merge(
                            &mut pod,
                            json!({"status": {"resourceClaimStatuses": [{"name": "gpu", "resourceClaimName": "app-1-gpu-x"}]}}),
                        );
                        nodes().object(pod).object(old_lease())
                    }),
                    open: || {
                        Scene::new()
                            .complete(&[Kind::Pod, Kind::Node])
                            .object(node("n1", json!({})))
                            .object(by_template())
                    },
                    healthy: || {
                        nodes()
                            .object(scheduled(
                                json!({"spec": {"resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "one-gpu"}]}}),
                            ))
                            .object(there("ResourceClaimTemplate", "one-gpu", json!({})))
                    },
                    over: || nodes().object(by_template()).now("2026-03-01T11:50:10Z"),
                },
            ],
        );
    }

    #[test]
    fn a_claim_that_goes_is_told_and_a_name_that_was_meant() {
        let deleting = json!({"metadata": {"deletionTimestamp": "2026-03-01T11:55:00Z", "finalizers": ["resource.kubernetes.io/delete-protection"]}});
        let outcome = nodes()
            .object(by_name())
            .object(there("ResourceClaim", "my-gpu", deleting))
            .diagnose();
        let finding = outcome.finding("SCH-RESOURCE-CLAIM-MISSING");
        assert!(finding.headline.contains("being deleted"), "{}", finding.headline);
        let outcome = nodes()
            .object(by_name())
            .object(there("ResourceClaim", "my-gpus", json!({})))
            .diagnose();
        let finding = outcome.finds_only("SCH-RESOURCE-CLAIM-MISSING", Verdict::Proven);
        assert!(finding.fixes[0].text.contains("my-gpus"), "{:?}", finding.fixes);
    }

    #[test]
    fn the_controllers_word_proves_it_where_no_list_does() {
        let scene = || {
            Scene::new().event(
                "Pod/shop/app-1",
                "FailedResourceClaimCreation",
                REFUSED,
                "2026-03-01T11:59:00Z",
            )
        };
        scene()
            .object(by_template())
            .diagnose()
            .finds_only("SCH-RESOURCE-CLAIM-MISSING", Verdict::Proven);
        Scene::new()
            .loose(REFUSED)
            .diagnose()
            .finds_only("SCH-RESOURCE-CLAIM-MISSING", Verdict::Proven);
    }
}
