//! The filters of the default scheduler profile, in its order (`pkg/scheduler/apis/config/v1/default_plugins.go`).
//!
//! Each one adds every reason it has against a node. None stops another: the scheduler shows the first, a person
//! needs them all.

use std::sync::Arc;

use crate::NodeRoom;
use crate::counts::Counts;
use crate::fit::{Affinity, Rejection};
use crate::needs::PodNeeds;

mod resources;
pub(crate) mod volumes;

/// One node under one question.
pub(crate) struct Place<'a> {
    pub(crate) needs: &'a PodNeeds,
    pub(crate) counts: &'a Counts,
    pub(crate) node: &'a NodeRoom,
    pub(crate) attached: &'a volumes::VolumeUse,
}

/// Why the pod does not fit there; empty where it does.
pub(crate) fn rejections(place: &Place<'_>) -> Vec<Rejection> {
    const FILTERS: [fn(&Place<'_>, &mut Vec<Rejection>); 11] = [
        unschedulable,
        node_name,
        taints,
        node_affinity,
        resources::host_ports,
        resources::fit,
        volumes::exclusive,
        volumes::limits,
        volumes::binding,
        volumes::zones,
        spread,
    ];
    let mut out = Vec::new();
    for filter in FILTERS {
        filter(place, &mut out);
    }
    pod_affinity(place, &mut out);
    out
}

/// `nodeunschedulable/node_unschedulable.go`: who tolerates the taint of a cordon tolerates the cordon.
fn unschedulable(place: &Place<'_>, out: &mut Vec<Rejection>) {
    if !place.node.columns().unschedulable {
        return;
    }
    let taint = sonde_world::view::Taint {
        key: "node.kubernetes.io/unschedulable".to_owned(),
        effect: "NoSchedule".to_owned(),
        ..Default::default()
    };
    let tolerated = place
        .needs
        .tolerations
        .iter()
        .any(|toleration| crate::needs::tolerates(toleration, &taint));
    if !tolerated {
        out.push(Rejection::Unschedulable);
    }
}

/// `nodename/node_name.go`.
fn node_name(place: &Place<'_>, out: &mut Vec<Rejection>) {
    if let Some(wanted) = &place.needs.node_name
        && wanted != place.node.name()
    {
        out.push(Rejection::NodeName {
            wanted: wanted.clone(),
        });
    }
}

/// `tainttoleration/taint_toleration.go`.
fn taints(place: &Place<'_>, out: &mut Vec<Rejection>) {
    out.extend(place.needs.untolerated(place.node).cloned().map(Rejection::Taint));
}

/// `nodeaffinity/node_affinity.go`.
fn node_affinity(place: &Place<'_>, out: &mut Vec<Rejection>) {
    let PodNeeds {
        node_selector,
        node_affinity,
        ..
    } = place.needs;
    let mut misses: Vec<_> = node_selector
        .iter()
        .filter_map(|it| it.miss(place.node))
        .collect();
    let affinity_holds = node_affinity.as_ref().is_none_or(|terms| {
        misses.extend(terms.misses(place.node));
        terms.matches(place.node)
    });
    if !misses.is_empty() || !affinity_holds {
        out.push(Rejection::NodeAffinity(misses));
    }
}

/// `podtopologyspread/filtering.go`.
fn spread(place: &Place<'_>, out: &mut Vec<Rejection>) {
    for (at, rule) in place.needs.spread.iter().enumerate() {
        let key: Arc<str> = rule.topology_key.as_str().into();
        let Some(value) = place.node.label(&rule.topology_key) else {
            out.push(Rejection::SpreadLabelMissing { key });
            continue;
        };
        let (here, minimum, domains) = place.counts.spread(at, value);
        let minimum = if domains < rule.min_domains { 0 } else { minimum };
        let this_pod = i64::from(rule.selector.matches(&place.needs.object));
        if here.saturating_add(this_pod).saturating_sub(minimum) > rule.max_skew {
            out.push(Rejection::Spread {
                key,
                value: value.clone(),
                pods: here,
                minimum,
                max_skew: rule.max_skew,
                domains,
                min_domains: rule.min_domains,
            });
        }
    }
}

/// `interpodaffinity/filtering.go`.
fn pod_affinity(place: &Place<'_>, out: &mut Vec<Rejection>) {
    let Place {
        needs, counts, node, ..
    } = place;
    let nowhere = counts.no_partner();
    // The first pod of a series that wants to be near its own kind has nobody to be near to.
    let first_of_series = nowhere
        && needs
            .affinity
            .iter()
            .all(|term| term.matches(&needs.object, None));
    for (at, term) in needs.affinity.iter().enumerate() {
        let value = node.label(&term.topology_key);
        let satisfied = value.is_some_and(|value| first_of_series || counts.partners(at, value) > 0);
        if !satisfied {
            out.push(Rejection::PodAffinity {
                selector: term.text().into(),
                key: term.topology_key.as_str().into(),
                value: value.cloned(),
                nowhere,
            });
        }
    }
    for (at, term) in needs.anti_affinity.iter().enumerate() {
        let Some(value) = node.label(&term.topology_key) else {
            continue;
        };
        let nominated = || {
            nominated(place)
                .find(|pod| term.matches(pod, None))
                .map(|pod| &pod.reference)
        };
        if let Some(with) = counts.opponent(at, value).or_else(nominated) {
            out.push(Rejection::PodAntiAffinity {
                rule: Affinity::Own,
                with: with.clone(),
                key: term.topology_key.as_str().into(),
                value: value.clone(),
            });
        }
    }
    if let Some((key, value, with)) = counts.repeller(node) {
        out.push(Rejection::PodAntiAffinity {
            rule: Affinity::Existing,
            with: with.clone(),
            key,
            value,
        });
    }
}

/// The pods to come to the node that count before this one (`runtime/framework.go`, `addGENominatedPods`): those of
/// equal or higher priority.
pub(crate) fn nominated<'a>(place: &'a Place<'_>) -> impl Iterator<Item = &'a Arc<sonde_world::Object>> {
    let needs = place.needs;
    place.node.nominated.iter().filter(move |pod| {
        pod.reference != needs.pod
            && pod
                .pod()
                .is_some_and(|columns| columns.priority >= needs.priority)
    })
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod volume_tests;
