//! SCH-REJECTED-DEVICES: the kubelet refused the pod because a device plugin could not give the devices that the node offers.

use sonde_grammar::fact::RejectFact;
use sonde_model::{Code, Risk};

use super::refused::{finish, kubelet, refusal};
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-REJECTED-DEVICES"),
    title: "a device plugin could not give what it offers",
    explains: &[Symptom::Rejected],
    reads: &[],
    state,
    page: page!("SCH-REJECTED-DEVICES"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((RejectFact::Devices { detail }, message)) = refusal(facts) else {
        return;
    };
    case.proven_by(message.seen());
    case.headline(format!(
        "{} refused the pod: its devices cannot be given ({detail})",
        kubelet(facts)
    ));
    case.step(
        "the node counts devices that its plugin does not have or that are unhealthy",
        [message.seen()],
    );
    finish(facts, case, message);
    case.look(
        "whether the device plugin runs on that node",
        "kubectl get pods -A -o wide",
    );
    case.advice(
        "restart the device plugin of the node, and look at the health of its devices",
        Risk::Wide,
    );
}
