//! Every cause of the family against its contract.

use serde_json::{Value, json};
use sonde_model::{Kind, Verdict};

use super::CAUSES;
use crate::testing::contract::{Contract, keep};
use crate::testing::{Scene, crashed, merge, pod};

fn service(selector: Value, target: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2026-03-01T10:00:00Z"},
        "spec": {"selector": selector, "ports": [{"port": 80, "targetPort": target}]}})
}

fn backend(name: &str, port: &str) -> Value {
    pod(json!({"metadata": {"name": name, "uid": name},
        "spec": {"containers": [{"name": "app", "ports": [{"name": port, "containerPort": 8080}]}]}}))
}

fn scene(selector: Value, target: Value) -> Scene {
    Scene::new()
        .object(service(selector, target))
        .complete(&[Kind::Pod])
        .complete(crate::triage::WITH_TEMPLATE)
}

fn unselected() -> Scene {
    scene(json!({"app": "none"}), json!(8080)).object(backend("app-1", "http"))
}

fn unnamed() -> Scene {
    scene(json!({"app": "app"}), json!("htpp")).object(backend("app-1", "http"))
}

fn scaled_to_zero() -> Scene {
    scene(json!({"app": "none"}), json!(80)).object(json!({"apiVersion": "batch/v1", "kind": "CronJob",
        "metadata": {"name": "nightly", "namespace": "shop"},
        "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"metadata": {"labels": {"app": "none"}}}}}}}))
}

/// A service that asks for a load balancer, with what came of it.
fn balanced(status: Value) -> Scene {
    let mut it = service(json!({"app": "app"}), json!("http"));
    merge(
        &mut it,
        json!({"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": status}}),
    );
    scene(json!({"app": "app"}), json!("http"))
        .object(backend("app-1", "http"))
        .object(it)
}

/// An ingress that sends to a port of service `web`, which exists.
fn ingress(port: i64, patch: Value) -> Scene {
    let mut it = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "shop", "namespace": "shop", "creationTimestamp": "2026-03-01T10:00:00Z"},
        "spec": {"rules": [{"host": "shop.example", "http": {"paths": [{"path": "/", "backend": {"service": {"name": "web", "port": {"number": port}}}}]}}]}});
    merge(&mut it, patch);
    scene(json!({"app": "app"}), json!("http"))
        .object(backend("app-1", "http"))
        .object(it)
        .complete(&[Kind::Service, Kind::IngressClass])
}

const TABLE: &[Contract] = &[
    Contract {
        code: "SVC-INGRESS-BACKEND",
        verdict: Verdict::Proven,
        found: || ingress(8080, json!({})),
        rival: ("SVC-WRONG-TARGET-PORT", || {
            unnamed().object(json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": "shop", "namespace": "shop"},
            "spec": {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}}))
        }),
        // Services were not listed.
        open: || {
            Scene::new().object(json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": "shop", "namespace": "shop"},
            "spec": {"defaultBackend": {"service": {"name": "gone", "port": {"number": 80}}}}}))
        },
        healthy: || ingress(80, json!({})),
        // Its services are about to be made.
        over: || {
            ingress(
                8080,
                json!({"metadata": {"creationTimestamp": "2026-03-01T11:59:00Z"}}),
            )
        },
    },
    Contract {
        code: "SVC-INGRESS-CLASS",
        verdict: Verdict::Likely,
        found: || ingress(80, json!({"spec": {"ingressClassName": "ngnix"}})),
        rival: ("SVC-INGRESS-BACKEND", || ingress(8080, json!({}))),
        open: || {
            Scene::new().object(json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": "shop", "namespace": "shop"}, "spec": {"ingressClassName": "ngnix"}}))
        },
        // Some controllers need no object of their class.
        healthy: || {
            ingress(
                80,
                json!({"spec": {"ingressClassName": "ngnix"}, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}),
            )
        },
        over: || {
            ingress(80, json!({"spec": {"ingressClassName": "nginx"}}))
            .object(json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx"}}))
        },
    },
    Contract {
        code: "SVC-LOAD-BALANCER-PENDING",
        verdict: Verdict::Likely,
        found: || balanced(json!({})),
        rival: ("SVC-WRONG-TARGET-PORT", unnamed),
        // A controller has taken it, and says nothing.
        open: || {
            let mut it = service(json!({"app": "app"}), json!("http"));
            let taken = json!({"metadata": {"finalizers": ["service.kubernetes.io/load-balancer-cleanup"]}, "spec": {"type": "LoadBalancer"}});
            merge(&mut it, taken);
            Scene::new().object(it)
        },
        healthy: || balanced(json!({"ingress": [{"ip": "192.0.2.1"}]})),
        over: || balanced(json!({"ingress": [{"hostname": "lb.example"}]})),
    },
    Contract {
        code: "SVC-SELECTOR-MATCHES-NOTHING",
        verdict: Verdict::Proven,
        found: unselected,
        rival: ("SVC-WRONG-TARGET-PORT", unnamed),
        // Pods were not listed.
        open: || Scene::new().object(service(json!({"app": "none"}), json!(80))),
        healthy: scaled_to_zero,
        // Its first pod has come, and is not ready yet.
        over: || scene(json!({"app": "app"}), json!(8080)).object(backend("app-1", "http")),
    },
    Contract {
        code: "SVC-WRONG-TARGET-PORT",
        verdict: Verdict::Proven,
        found: unnamed,
        rival: ("SVC-SELECTOR-MATCHES-NOTHING", unselected),
        open: || Scene::new().object(service(json!({"app": "app"}), json!("htpp"))),
        // A container may listen on a port that it does not declare.
        healthy: || scene(json!({"app": "app"}), json!(9999)).object(pod(json!({}))),
        // The new revision's pods have the port, an old one is left.
        over: || {
            scene(json!({"app": "app"}), json!("web"))
                .object(backend("app-1", "http"))
                .object(backend("app-2", "web"))
        },
    },
];

#[test]
fn every_cause_keeps_its_contract() {
    keep(CAUSES, TABLE);
}

/// The service of one pod of a set that is scaled to zero.
#[test]
fn a_label_that_a_controller_adds_is_in_no_template() {
    let one = service(json!({"statefulset.kubernetes.io/pod-name": "db-0"}), json!(80));
    let scene = || {
        Scene::new()
            .object(one.clone())
            .complete(&[Kind::Pod])
            .complete(crate::triage::WITH_TEMPLATE)
    };
    let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "shop"},
        "spec": {"replicas": 0, "template": {"metadata": {"labels": {"app": "db"}}}}});
    scene().object(set).diagnose().is_calm();
    scene()
        .diagnose()
        .finds_only("SVC-SELECTOR-MATCHES-NOTHING", Verdict::Proven);
}

/// A pod that has ended answers for no service.
#[test]
fn an_ended_pod_is_no_backend() {
    let mut ended = backend("app-1", "http");
    merge(&mut ended, json!({"status": {"phase": "Succeeded"}}));
    let outcome = scene(json!({"app": "app"}), json!(80)).object(ended).diagnose();
    outcome.finds_only("SVC-SELECTOR-MATCHES-NOTHING", Verdict::Proven);
}

/// Who asks for a service asks for what answers for it.
#[test]
fn a_named_service_answers_for_its_pods() {
    let crashing = |mut it: Value| {
        merge(&mut it, json!({"metadata": {"labels": {"app": "web"}}}));
        it
    };
    let asked = |it: Value| {
        Scene::new()
            .object(service(json!({"app": "web"}), json!(8080)))
            .object(it)
            .complete(&[Kind::Pod])
            .named(&["Service/shop/web"])
            .diagnose()
    };
    let ill = crashing(pod(
        json!({"status": {"containerStatuses": [crashed(1, "Error")]}}),
    ));
    assert_eq!(asked(ill).alarms(), 1);
    asked(crashing(pod(json!({})))).is_calm();
    // Another's pod is no answer.
    let others = pod(
        json!({"metadata": {"labels": {"app": "db"}}, "status": {"containerStatuses": [crashed(1, "Error")]}}),
    );
    assert!(!asked(others).claims("EXT-ERROR"));
}
