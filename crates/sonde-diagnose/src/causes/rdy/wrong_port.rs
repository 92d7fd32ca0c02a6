//! RDY-WRONG-PORT: the readiness probe asks another port, or another host, than the application listens on.

use sonde_grammar::log::AppSign;
use sonde_model::{Code, Risk};
use sonde_world::view::IntOrString;

use super::unready::{Told, state as unready_state, unready};
use crate::cause::page;
use crate::probing::{Failing, OTHER_HOST_ADVICE, Why, spec};
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("RDY-WRONG-PORT"),
    title: "the probe asks the wrong port or host",
    explains: &[Symptom::NotReady],
    reads: &[],
    state,
    page: page!("RDY-WRONG-PORT"),
};

const ADVICE: &str = "set the probe's port to the one that the application listens on, or let the application listen there, on all addresses";

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((failing, why)) = unready(facts) else {
        return by_log_alone(facts, case);
    };
    let (what, reason) = match why {
        Why::WrongPort { listens, seen } => (
            format!(
                "is not ready: the probe asks {}, and the application listens {listens}",
                failing.port_text()
            ),
            Some((format!("by its log it listens {listens}"), Some(seen))),
        ),
        Why::OtherHost { is, seen } => {
            let told = Told {
                what: format!("is not ready: the probe asks {} of {is}", failing.port_text()),
                fault: "the configuration: the probe's host",
                reason: Some((format!("the probe asks {is}"), Some(seen))),
                sure: true,
                advice: OTHER_HOST_ADVICE,
            };
            return unready_state(facts, case, &failing, told);
        }
        _ => {
            let Some(name) = undeclared(&failing) else { return };
            let seen = facts.container().map(|(container, path)| {
                let names: Vec<&str> = container.ports.iter().map(|port| port.name.as_str()).collect();
                facts.field(&format!("{path}.ports"), names.join(", "))
            });
            (
                format!(
                    "is not ready: the probe asks the port named {name}, which the container does not declare"
                ),
                Some((format!("no port of the container is named {name}"), seen)),
            )
        }
    };
    let told = Told {
        what,
        fault: "the configuration: the probe's port",
        reason,
        sure: true,
        advice: ADVICE,
    };
    unready_state(facts, case, &failing, told);
}

/// No word of the kubelet is left, and the log shows another port than the probe's.
fn by_log_alone(facts: &Facts<'_>, case: &mut Case) {
    let Some((container, probe, path)) = spec(facts, sonde_grammar::fact::ProbeKind::Readiness) else {
        return;
    };
    let Some(asked) = probe.port(container) else {
        return;
    };
    let ports: Vec<_> = facts
        .own_words()
        .into_iter()
        .filter_map(|(line, seen)| match line.sign {
            AppSign::ListeningOn { port } => Some((i64::from(port), seen)),
            _ => None,
        })
        .collect();
    if ports.iter().any(|(port, _)| *port == asked) {
        return;
    }
    let Some((port, seen)) = ports.into_iter().next() else {
        return;
    };
    case.supported_by(seen.clone());
    case.step(
        format!("the readiness probe asks port {asked}"),
        [facts.field(&path, asked)],
    );
    case.step(
        format!("by its log the application listens on port {port}"),
        [seen],
    );
    case.headline(format!(
        "{} is not ready: the probe asks port {asked}, and by its log the application listens on port {port}",
        facts.container_phrase()
    ));
    case.advice(ADVICE, Risk::Restart);
    if let Some(want) = facts.want_kubelet_log() {
        case.wants(want, "what the probe meets");
    }
}

/// The probe's port, where it is a name that the container does not declare.
pub(super) fn undeclared(failing: &Failing<'_>) -> Option<String> {
    let (container, probe, _) = failing.spec.as_ref()?;
    let port = match (&probe.http_get, &probe.tcp_socket) {
        (Some(http), _) => &http.port,
        (_, Some(tcp)) => &tcp.port,
        _ => return None,
    };
    match port {
        IntOrString::String(name) if probe.port(container).is_none() => Some(name.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::unready::tests::scene;

    #[test]
    fn likely_by_the_log_alone() {
        let it = scene(json!({}), "").log("shop/app-1", "app", false, "Server listening on port 9090\n");
        it.diagnose().finds_only("RDY-WRONG-PORT", Verdict::Likely);
    }

    #[test]
    fn not_found_when_the_port_is_right() {
        let it = scene(json!({}), "").log("shop/app-1", "app", false, "Server listening on port 8080\n");
        it.diagnose().lacks("RDY-WRONG-PORT");
    }
}
