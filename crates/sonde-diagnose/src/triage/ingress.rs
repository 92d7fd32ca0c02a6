//! Ingresses: whether what they send to exists. Who serves them, and whether well, is their controller's business.

use jiff::SignedDuration;
use sonde_model::{Kind, ObjectRef};
use sonde_world::view::{Ingress, IngressBackend, Service};
use sonde_world::{Object, Snapshot};

use super::{Opened, Triage};
use crate::{Episode, Symptom};

/// An ingress and its services are made one after the other; a guess.
const PATIENCE: SignedDuration = SignedDuration::from_mins(2);
/// Controllers give an address within minutes; a guess.
const ADDRESS_PATIENCE: SignedDuration = SignedDuration::from_mins(5);
/// The AWS load balancer controller's port name for an action that stands in an annotation.
const ACTION: &str = "use-annotation";

pub(super) fn look(triage: &Triage<'_>, object: &Object, out: &mut Vec<Opened>) {
    let me = &object.reference;
    if object.deletion.is_some() || object.partial {
        return;
    }
    let Some(Ok(it)) = triage.snapshot.decode::<Ingress>(me) else {
        return;
    };
    let older = |patience| triage.age(object).is_none_or(|age| age > patience);
    if older(PATIENCE) && !unrouted(triage.snapshot, me, &it).is_empty() {
        let episode = Episode::new(me.clone(), Symptom::NotRouted, "sends to nobody");
        out.push(episode.since(object.created).into());
    }
    let class = ObjectRef::cluster(Kind::IngressClass, &it.spec.ingress_class_name);
    let named = !it.spec.ingress_class_name.is_empty();
    let served = !it.status.load_balancer.ingress.is_empty();
    if named && !served && older(ADDRESS_PATIENCE) && triage.snapshot.is_absent(&class) {
        let episode = Episode::new(me.clone(), Symptom::Unserved, "no address");
        out.push(episode.since(object.created).into());
    }
}

/// A route that leads to no service, or to no port of one.
pub(crate) struct Unrouted {
    /// `shop.example/cart`, in words.
    pub(crate) route: String,
    /// Where the ingress says so.
    pub(crate) field: String,
    pub(crate) service: String,
    pub(crate) port: String,
    /// The service is there, and lacks the port.
    pub(crate) has_service: bool,
}

/// The routes of an ingress that are known to lead nowhere.
pub(crate) fn unrouted(snapshot: &Snapshot, me: &ObjectRef, ingress: &Ingress) -> Vec<Unrouted> {
    routes(ingress)
        .filter_map(|(route, field, backend)| {
            let to = backend.service.as_ref()?;
            if to.port.name == ACTION {
                return None;
            }
            let port = match to.port.name.as_str() {
                "" => to.port.number.to_string(),
                name => name.to_owned(),
            };
            let service = ObjectRef::new(Kind::Service, &me.namespace, &to.name);
            let has_service = match snapshot.view::<Service>(&service) {
                Some(it) => {
                    let fits = it.spec.ports.iter().any(|have| {
                        if to.port.name.is_empty() {
                            have.port == to.port.number
                        } else {
                            have.name == to.port.name
                        }
                    });
                    // What is behind an external name has any port; of a part of a service not all ports are known.
                    let partial = snapshot.get(&service).is_some_and(|it| it.partial);
                    if fits || partial || it.spec.kind == "ExternalName" || it.spec.ports.is_empty() {
                        return None;
                    }
                    true
                }
                None if snapshot.is_absent(&service) => false,
                None => return None,
            };
            Some(Unrouted {
                route,
                field,
                service: to.name.clone(),
                port,
                has_service,
            })
        })
        .collect()
}

/// The services that an ingress names.
pub(super) fn services(triage: &Triage<'_>, ingress: &ObjectRef) -> Vec<ObjectRef> {
    let Some(Ok(it)) = triage.snapshot.decode::<Ingress>(ingress) else {
        return Vec::new();
    };
    routes(&it)
        .filter_map(|(.., backend)| backend.service.as_ref())
        .map(|to| ObjectRef::new(Kind::Service, &ingress.namespace, &to.name))
        .collect()
}

/// Every backend, with its route in words and its place.
fn routes(ingress: &Ingress) -> impl Iterator<Item = (String, String, &IngressBackend)> {
    let default = ingress.spec.default_backend.iter().map(|backend| {
        let route = "everything that no rule takes".to_owned();
        (route, "spec.defaultBackend.service".to_owned(), backend)
    });
    let rules = ingress.spec.rules.iter().enumerate().flat_map(|(at, rule)| {
        let paths = rule.http.iter().flat_map(|http| &http.paths).enumerate();
        paths.map(move |(path_at, path)| {
            let field = format!("spec.rules[{at}].http.paths[{path_at}].backend.service");
            (
                format!(
                    "{}{}",
                    rule.host,
                    if path.path.is_empty() { "/" } else { &path.path }
                ),
                field,
                &path.backend,
            )
        })
    });
    default.chain(rules)
}
