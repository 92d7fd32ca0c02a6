//! What a forced delete would leave behind.

use sonde_model::Kind;

use crate::Facts;

/// It removes only the object: what it stands for goes on.
pub(crate) fn forced_delete_leaves(facts: &Facts<'_>) -> String {
    const COMMAND: &str = "a forced delete (--force --grace-period=0) removes only the object";
    let pod = facts.pod();
    if facts.episode.subject.kind != Kind::Pod || facts.is_text() {
        return format!("{COMMAND}: what it stands for stays behind, unseen");
    }
    let place = match pod.spec.node_name.as_str() {
        "" => "where they are".to_owned(),
        node => format!("on node {node}"),
    };
    let ended = |name: &str| {
        let status = pod.container_status(name).map(|(status, _)| &status.state);
        status.is_some_and(|state| state.terminated.is_some())
    };
    let left: Vec<&str> = pod
        .spec
        .containers
        .iter()
        .map(|it| it.name.as_str())
        .filter(|name| !ended(name))
        .collect();
    let claims: Vec<&str> = pod
        .spec
        .volumes
        .iter()
        .filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.as_str()))
        .collect();
    let mut behind = Vec::new();
    if !left.is_empty() {
        behind.push(format!("container {} may go on running {place}", left.join(", ")));
    }
    if !claims.is_empty() {
        behind.push(format!(
            "claim {} may stay mounted there, and a replacement may write to it at the same time",
            claims.join(", ")
        ));
    }
    if behind.is_empty() {
        behind.push("mounts and the sandbox may stay behind on its node".to_owned());
    }
    format!("{COMMAND}: {}", behind.join("; "))
}
