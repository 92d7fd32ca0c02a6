//! DEP-CSI-DRIVER-MISSING: the node does not run the storage driver of the volume.

use sonde_grammar::fact::VolumeFailure;
use sonde_model::{Code, Kind, ObjectRef, Risk};
use sonde_world::view::CsiNode;

use super::volume::{failing, need};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom, field_on};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-CSI-DRIVER-MISSING"),
    title: "CSI driver not on the node",
    explains: &[Symptom::NotStarting],
    reads: &[Kind::CSINode, Kind::CSIDriver],
    state,
    page: page!("DEP-CSI-DRIVER-MISSING"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let said = failing(facts, |failure| match failure {
        VolumeFailure::DriverMissing { driver } => Some((driver, false)),
        VolumeFailure::DriverDown { driver } => Some((driver, true)),
        _ => None,
    });
    let Some(((driver, is_down), volume, message)) = said else {
        return;
    };
    let node = facts.pod().spec.node_name.clone();
    let csi_node = ObjectRef::cluster(Kind::CSINode, &node);
    let registered: Option<Vec<String>> = facts
        .snapshot
        .view::<CsiNode>(&csi_node)
        .map(|it| it.spec.drivers.into_iter().map(|driver| driver.name).collect());
    if !is_down
        && registered
            .as_ref()
            .is_some_and(|drivers| drivers.contains(driver))
    {
        let seen = field_on(&csi_node, "spec.drivers", driver);
        case.refuted_by(seen, "the driver is registered on the node by now");
        return;
    }
    case.proven_by(message.seen());
    need(facts, case, volume);
    let shown = if driver.is_empty() {
        "of the volume".to_owned()
    } else {
        driver.clone()
    };
    case.step(
        format!("the volume is served by driver {shown}"),
        [message.seen()],
    );
    let known = registered.map(|drivers| {
        field_on(
            &csi_node,
            "spec.drivers",
            if drivers.is_empty() {
                "none".into()
            } else {
                drivers.join(", ")
            },
        )
    });
    let at = if node.is_empty() {
        "the node".to_owned()
    } else {
        format!("node {node}")
    };
    let what = if is_down {
        "is registered and does not answer"
    } else {
        "is not registered"
    };
    case.step(format!("that driver {what} on {at}"), known);
    case.headline(if is_down {
        format!("the pod cannot start: storage driver {shown} does not answer on {at}")
    } else {
        format!("the pod cannot start: storage driver {shown} does not run on {at}")
    });
    case.root_key(driver.as_str());
    if !node.is_empty() {
        case.look(
            "the driver's pod on this node",
            format!("kubectl get pods -A -o wide --field-selector spec.nodeName={node}"),
        );
    }
    case.advice("bring the driver's DaemonSet to this node (taints, selectors) and look at its log, or run the pod where the driver runs", Risk::None);
}
