//! What nodes show of the scheduler's words where not all is known that the filters need.

use sonde_schedule::{Rejection, RejectionKind, Unknown};
use sonde_world::view::Taint;

use crate::placement::{Outlook, Placement, Why, is_cordon, is_extended, is_not_ready};

/// The pod asks for more than any node has, though nothing else of them or of the pod may be known: what it asks for
/// beside what is shown only adds to it.
pub(super) fn beyond_every_node(placement: &Placement, total: Option<u32>) -> Option<Outlook> {
    let fit = &placement.fit;
    let all = !fit.unknowns.contains(&Unknown::Nodes)
        || total.is_some_and(|total| total > 0 && total as usize == fit.nodes.len());
    if !all || fit.nodes.is_empty() {
        return None;
    }
    let beyond = |extended: bool| {
        fit.nodes.iter().all(|node| {
            node.rejections.iter().any(|rejection| {
                matches!(rejection, Rejection::Insufficient { resource, requested, allocatable, .. }
                    if requested > allocatable && is_extended(resource) == extended)
            })
        })
    };
    let why = if beyond(true) {
        Why::ExtendedUnknown
    } else if beyond(false) {
        Why::TooLarge
    } else {
        return None;
    };
    let nodes = (0..fit.nodes.len()).collect();
    Some(Outlook { why, nodes })
}

/// Whether a decision about room is the one about sizes, or falls to it; `None` where it is about something else.
pub(super) fn is_of_size(why: Why, large: Why) -> Option<bool> {
    match why {
        _ if why == large => Some(true),
        Why::NoRoom if large == Why::TooLarge => Some(false),
        Why::ExtendedInUse if large == Why::ExtendedUnknown => Some(false),
        _ => None,
    }
}

/// What the nodes show against the scheduler's words, where every node is known but not all that is on them.
pub(super) fn is_gone(why: Why, placement: &Placement) -> Option<&'static str> {
    let fit = &placement.fit;
    if why == Why::NoNode {
        return (!fit.nodes.is_empty()).then_some("there is a node");
    }
    if fit.unknowns.contains(&Unknown::Nodes) || fit.unknowns.contains(&Unknown::Pod) {
        return None;
    }
    let taint =
        |rejection: &Rejection, is: fn(&Taint) -> bool| matches!(rejection, Rejection::Taint(it) if is(it));
    let (shows, gone): (&dyn Fn(&Rejection) -> bool, _) = match why {
        Why::Cordoned => (
            &|it| *it == Rejection::Unschedulable || taint(it, is_cordon),
            "no node is cordoned",
        ),
        Why::NoNodeReady => (
            &|it| taint(it, is_not_ready),
            "no node has a taint of nodes that are not ready",
        ),
        Why::Taint => (
            &|it| taint(it, |_| true),
            "the pod tolerates every taint of the nodes",
        ),
        Why::NodeAffinity => (
            &|it| it.kind() == RejectionKind::NodeAffinity,
            "every node matches the node selector and affinity",
        ),
        Why::NodeName => (
            &|it| it.kind() == RejectionKind::NodeName,
            "there is a node of that name",
        ),
        _ => return None,
    };
    let rejections = || fit.nodes.iter().flat_map(|node| &node.rejections);
    (!rejections().any(shows)).then_some(gone)
}
