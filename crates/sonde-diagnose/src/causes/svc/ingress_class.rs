//! SVC-INGRESS-CLASS: nobody serves an ingress, because its class does not exist.

use sonde_model::{Code, Kind, ObjectRef, Risk, Severity, nearest};
use sonde_world::view::Ingress;

use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SVC-INGRESS-CLASS"),
    title: "ingress names a class that does not exist",
    explains: &[Symptom::Unserved],
    reads: &[Kind::Ingress, Kind::IngressClass],
    state,
    page: page!("SVC-INGRESS-CLASS"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let subject = &facts.episode.subject;
    let Some(it) = facts.snapshot.view::<Ingress>(subject) else {
        return;
    };
    let name = &it.spec.ingress_class_name;
    let class = ObjectRef::cluster(Kind::IngressClass, name);
    let Some(absent) = facts.absence(&class).filter(|_| !name.is_empty()) else {
        return;
    };
    // A controller may serve a name without an object of it; nobody has given this one an address.
    case.severity(Severity::Warning);
    case.supported_by(absent.clone());
    case.step(
        format!("it asks for the class {name}"),
        [facts.field("spec.ingressClassName", name)],
    );
    case.step(format!("no IngressClass {name} exists"), [absent]);
    case.step(
        "no controller has given it an address",
        [facts.field("status.loadBalancer.ingress", "none")],
    );
    let exist: Vec<String> = facts
        .snapshot
        .of_kind(Kind::IngressClass)
        .map(|it| it.reference.name.to_string())
        .collect();
    let near = nearest(name, exist.iter().map(String::as_str));
    case.headline(format!(
        "nobody serves {subject}: its class {name} does not exist"
    ));
    let have = if exist.is_empty() {
        "the cluster has none, so install an ingress controller first".to_owned()
    } else {
        format!(
            "there {} {}",
            if exist.len() == 1 { "is" } else { "are" },
            exist.join(", ")
        )
    };
    case.advice(
        match near {
            Some(near) => format!("correct spec.ingressClassName: {near} exists"),
            None => format!("set spec.ingressClassName to a class of the cluster: {have}"),
        },
        Risk::Wide,
    );
    case.look("which classes there are", "kubectl get ingressclasses");
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sonde_model::{Kind, Verdict};

    use crate::testing::{Scene, merge};

    fn scene(patch: Value) -> Scene {
        let mut ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": "shop", "namespace": "shop", "creationTimestamp": "2026-03-01T10:00:00Z"},
            "spec": {"ingressClassName": "ngnix"}});
        merge(&mut ingress, patch);
        Scene::new()
            .object(ingress)
            .object(json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx"}}))
    }

    #[test]
    fn told_where_the_list_is_complete_and_nobody_serves_it() {
        let complete = |patch: Value| scene(patch).complete(&[Kind::IngressClass]).diagnose();
        let outcome = complete(json!({}));
        let finding = outcome.finds_only("SVC-INGRESS-CLASS", Verdict::Likely);
        assert!(finding.fixes[0].text.contains("nginx"), "{:?}", finding.fixes);
        for calm in [
            json!({"spec": {"ingressClassName": "nginx"}}),
            json!({"spec": {"ingressClassName": null}}),
            json!({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}),
            json!({"metadata": {"creationTimestamp": "2026-03-01T11:58:00Z"}}),
            json!({"metadata": {"deletionTimestamp": "2026-03-01T11:59:50Z"}}),
        ] {
            complete(calm).is_calm();
        }
        scene(json!({})).diagnose().is_calm();
    }
}
