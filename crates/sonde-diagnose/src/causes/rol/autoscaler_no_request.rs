//! ROL-AUTOSCALER-NO-REQUEST: an autoscaler takes a percentage of a request that its pods do not make.

use sonde_grammar::Fact;
use sonde_grammar::fact::WorkloadFact;
use sonde_model::{Code, Kind, ObjectRef, Risk, Severity};
use sonde_world::view::{Container, HorizontalPodAutoscaler, Pod};

use crate::cause::page;
use crate::{Case, Cause, Facts, Seen, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("ROL-AUTOSCALER-NO-REQUEST"),
    title: "autoscaler's target makes no request",
    explains: &[Symptom::NotScaling],
    reads: &[Kind::HorizontalPodAutoscaler, Kind::Pod],
    state,
    page: page!("ROL-AUTOSCALER-NO-REQUEST"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(it) = facts.snapshot.view::<HorizontalPodAutoscaler>(subject) else {
        return told(facts, case);
    };
    let conditions = it.conditions();
    // An autoscaler that works out some number has what it needs.
    let Some(active) = conditions
        .iter()
        .find(|it| it.kind == "ScalingActive" && it.is_false())
    else {
        return;
    };
    let target = ObjectRef::new(
        Kind::from_name(&it.spec.scale_target_ref.kind),
        &subject.namespace,
        &it.spec.scale_target_ref.name,
    );
    let (resource, whose, seen) =
        if let Some((resource, container)) = said_in(&active.reason, &active.message) {
            let whose = container.map_or_else(|| "its pods".to_owned(), |name| format!("container {name}"));
            let text = format!("{}: {}", active.reason, active.message);
            let seen = facts.field("status.conditions[ScalingActive]", text);
            (resource, whose, seen)
        } else if let Some(found) = not_requested(facts, &it, &target) {
            found
        } else {
            return;
        };
    case.proven_by(seen.clone());
    case.step(
        format!("{whose} of {target} requests no {resource}, so there is nothing to take a percentage of"),
        [seen],
    );
    case.step(
        format!("the autoscaler cannot work out how many pods are needed from {resource}"),
        [facts.field("spec.metrics", format!("utilization of {resource}"))],
    );
    case.headline(format!(
        "{subject} cannot scale {target} by {resource}: {whose} requests none"
    ));
    case.severity(Severity::Warning);
    case.fix(
        format!("set a {resource} request on every container of {target}"),
        format!(
            "kubectl set resources {} --requests={resource}={}",
            target.kubectl(),
            if resource == "memory" { "128Mi" } else { "100m" }
        ),
        Risk::Restart,
    );
}

/// The controller's words alone.
fn told(facts: &Facts<'_>, case: &mut Case) {
    let said = facts.find(|fact| match fact {
        Fact::Workload(WorkloadFact::MissingRequest { resource, container }) => Some((resource, container)),
        _ => None,
    });
    let Some(((resource, container), message)) = said.filter(|_| facts.is_text()) else {
        return;
    };
    let whose = container
        .as_ref()
        .map_or_else(|| "a pod".to_owned(), |name| format!("container {name}"));
    case.proven_by(message.seen());
    case.step(
        format!("{whose} requests no {resource}, so there is nothing to take a percentage of"),
        [message.seen()],
    );
    case.headline(format!(
        "an autoscaler cannot scale by {resource}: {whose} requests none"
    ));
    case.severity(Severity::Warning);
    case.advice(
        format!("set a {resource} request on every container of the workload"),
        Risk::Restart,
    );
}

/// The resource and container whose request the controller's words miss.
pub(super) fn said_in(reason: &str, message: &str) -> Option<(String, Option<String>)> {
    sonde_grammar::message::facts(reason, message)
        .into_iter()
        .find_map(|fact| match fact {
            Fact::Workload(WorkloadFact::MissingRequest { resource, container }) => {
                Some((resource, container))
            }
            _ => None,
        })
}

/// A container of the target that lacks the request of which the autoscaler takes a percentage: the controller asks for
/// metrics first, and says nothing of requests while it gets none.
fn not_requested(
    facts: &Facts<'_>,
    it: &HorizontalPodAutoscaler,
    target: &ObjectRef,
) -> Option<(String, String, Seen)> {
    let wanted: Vec<(&str, Option<&str>)> = it
        .spec
        .metrics
        .iter()
        .filter_map(|metric| match (&metric.resource, &metric.container_resource) {
            (Some(all), _) if all.target.kind == "Utilization" => Some((all.name.as_str(), None)),
            (_, Some(one)) if one.target.kind == "Utilization" => {
                Some((one.name.as_str(), Some(one.container.as_str())))
            }
            _ => None,
        })
        .collect();
    let pods = facts.snapshot.in_namespace(Kind::Pod, &target.namespace);
    for object in pods {
        let ended = object.pod().is_none_or(|pod| pod.is_terminal());
        if wanted.is_empty()
            || ended
            || object.partial
            || facts.snapshot.root_owner(&object.reference) != *target
        {
            continue;
        }
        let Ok(pod) = object.encoded.decode::<Pod>() else {
            continue;
        };
        for (resource, of) in &wanted {
            let of_pod = pod.spec.resources.as_ref().is_some_and(|all| {
                all.requests.contains_key(*resource) || all.limits.contains_key(*resource)
            });
            let lacks = |container: &Container| {
                of.is_none_or(|name| name == container.name) && container.request(resource).is_none()
            };
            if let Some(at) = pod.spec.containers.iter().position(lacks).filter(|_| !of_pod) {
                let path = format!("spec.containers[{at}].resources.requests.{resource}");
                return Some((
                    (*resource).to_owned(),
                    format!("container {}", pod.spec.containers[at].name),
                    field_on(&object.reference, &path, "not set"),
                ));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use sonde_model::Verdict;

    use crate::testing::Scene;

    #[test]
    fn the_words_alone_tell() {
        const TEXT: &str =
            "failed to get cpu utilization: missing request for cpu in container web of Pod web-1";
        Scene::new()
            .event(
                "HorizontalPodAutoscaler/shop/web",
                "FailedGetResourceMetric",
                TEXT,
                "2026-03-01T11:59:00Z",
            )
            .diagnose()
            .finds_only("ROL-AUTOSCALER-NO-REQUEST", Verdict::Proven);
    }
}
