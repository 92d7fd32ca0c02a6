//! DEP-CSI-DRIVER-MISSING: the node does not run the storage driver of the volume.

use sonde_grammar::fact::VolumeFailure;
use sonde_model::{Code, Kind, ObjectRef, Risk};
use sonde_world::view::CsiNode;

use super::volume::failing;
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
        VolumeFailure::DriverMissing { driver } => Some(driver),
        _ => None,
    });
    let Some((driver, _, message)) = said else { return };
    let node = facts.pod().spec.node_name.clone();
    let csi_node = ObjectRef::cluster(Kind::CSINode, &node);
    let registered: Option<Vec<String>> = facts
        .snapshot
        .view::<CsiNode>(&csi_node)
        .map(|it| it.spec.drivers.into_iter().map(|driver| driver.name).collect());
    if registered.as_ref().is_some_and(|drivers| drivers.contains(driver)) {
        let seen = field_on(&csi_node, "spec.drivers", driver);
        case.refuted_by(seen, "the driver is registered on the node by now");
        return;
    }
    case.proven_by(message.seen());
    case.step(format!("the volume is served by driver {driver}"), [message.seen()]);
    let known = registered.map(|drivers| field_on(&csi_node, "spec.drivers", if drivers.is_empty() { "none".into() } else { drivers.join(", ") }));
    case.step(format!("that driver is not registered on node {node}"), known);
    case.headline(format!("the pod cannot start: storage driver {driver} does not run on node {node}"));
    case.root_key(driver.as_str());
    case.look("the driver's pod on this node", format!("kubectl get pods -A -o wide --field-selector spec.nodeName={node}"));
    case.advice("bring the driver's DaemonSet to this node (taints, selectors), or run the pod where the driver runs", Risk::None);
}
