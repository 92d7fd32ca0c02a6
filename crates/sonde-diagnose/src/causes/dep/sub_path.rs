//! DEP-SUB-PATH: a subPath of a volume cannot be used.

use super::volume::failing;
use crate::cause::page;
use crate::{Case, Cause, Facts, Symptom};
use sonde_grammar::Fact;
use sonde_grammar::fact::{CreateFailure, VolumeFailure};
use sonde_model::{Code, Risk};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("DEP-SUB-PATH"),
    title: "subPath cannot be used",
    explains: &[Symptom::NotStarting, Symptom::ContainerNotCreated],
    reads: &[],
    state,
    page: page!("DEP-SUB-PATH"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    if undefined_variable(facts, case) {
        return;
    }
    let of_volume = failing(facts, |failure| match failure {
        VolumeFailure::SubPath { detail } => Some(detail),
        _ => None,
    });
    let said = of_volume
        .map(|(detail, _, message)| (detail, message))
        .or_else(|| {
            facts.find(|fact| match fact {
                Fact::Create(CreateFailure::SubPath { detail }) => Some(detail),
                _ => None,
            })
        });
    let Some((detail, message)) = said else { return };
    case.proven_by(message.seen());
    if let Some((container, path)) = facts.container() {
        for (at, mount) in container
            .volume_mounts
            .iter()
            .enumerate()
            .filter(|(_, it)| !it.sub_path.is_empty())
        {
            let seen = facts.field(&format!("{path}.volumeMounts[{at}].subPath"), &mount.sub_path);
            case.step(
                format!("the container mounts {} of volume {}", mount.sub_path, mount.name),
                [seen],
            );
        }
    }
    case.step(format!("that path cannot be used: {detail}"), [message.seen()]);
    case.headline(format!(
        "the container cannot start: a subPath of its volumes cannot be used: {detail}"
    ));
    case.advice(
        "create the path in the volume, correct it, and look at its type: a subPath over a missing key or a file where a folder is meant fails",
        Risk::None,
    );
}

/// `subPathExpr: $(POD_NAME)`, and no such variable in the container.
fn undefined_variable(facts: &Facts<'_>, case: &mut Case) -> bool {
    let said = facts.find(|fact| match fact {
        Fact::Create(CreateFailure::SubPathVariable { name }) => Some(name),
        _ => None,
    });
    let Some((name, message)) = said else {
        return false;
    };
    case.proven_by(message.seen());
    let reference = format!("$({name})");
    if let Some((container, path)) = facts.container() {
        let mut mounts = container.volume_mounts.iter().enumerate();
        if let Some((at, mount)) = mounts.find(|(_, it)| it.sub_path_expr.contains(&reference)) {
            let field = format!("{path}.volumeMounts[{at}].subPathExpr");
            case.step(
                format!(
                    "the container mounts the folder {} of volume {}",
                    mount.sub_path_expr, mount.name
                ),
                [facts.field(&field, &mount.sub_path_expr)],
            );
        }
        let names: Vec<&str> = container.env.iter().map(|it| it.name.as_str()).collect();
        let has = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        };
        if !facts.is_partial() && !names.contains(&name.as_str()) {
            case.step(
                format!("the container defines no variable {name} (it defines: {has})"),
                [facts.field(&format!("{path}.env"), &has)],
            );
        }
        if let Some(close) = sonde_model::nearest(name, names.iter().copied()) {
            case.advice(
                format!("if {close} is meant, name it in subPathExpr"),
                Risk::Restart,
            );
        }
    }
    case.step(
        format!("the kubelet cannot fill in {reference}"),
        [message.seen()],
    );
    case.headline(format!(
        "{} cannot start: its subPathExpr uses the variable {name}, which it does not define",
        facts.container_phrase()
    ));
    let from = WELL_KNOWN.iter().find(|(known, _)| known == name);
    let value = from.map_or("value: …", |(_, value)| value);
    case.advice(
        format!("define it in env of the same container: name: {name}, {value}"),
        Risk::Restart,
    );
    true
}

/// Names that people give to what the downward API tells.
const WELL_KNOWN: &[(&str, &str)] = &[
    ("POD_NAME", "valueFrom: {fieldRef: {fieldPath: metadata.name}}"),
    (
        "POD_NAMESPACE",
        "valueFrom: {fieldRef: {fieldPath: metadata.namespace}}",
    ),
    ("POD_UID", "valueFrom: {fieldRef: {fieldPath: metadata.uid}}"),
    ("NODE_NAME", "valueFrom: {fieldRef: {fieldPath: spec.nodeName}}"),
];

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use crate::testing::{Scene, pod, status};

    #[test]
    fn an_undefined_variable_is_named_with_what_would_define_it() {
        let waiting = json!({"ready": false, "started": false, "state": {"running": null,
            "waiting": {"reason": "CreateContainerConfigError", "message": "missing value for POD_NAME"}}});
        let it = pod(
            json!({"spec": {"containers": [{"name": "app", "image": "registry.example/app:1",
            "env": [{"name": "PODNAME", "value": "x"}],
            "volumeMounts": [{"name": "logs", "mountPath": "/logs", "subPathExpr": "$(POD_NAME)/logs"}]}]},
            "status": {"phase": "Pending", "containerStatuses": [status(waiting)]}}),
        );
        let outcome = Scene::new().object(it).diagnose();
        let finding = outcome.finds_only("DEP-SUB-PATH", Verdict::Proven);
        assert!(finding.headline.contains("POD_NAME"), "{}", finding.headline);
        let fixes: Vec<&str> = finding.fixes.iter().map(|it| it.text.as_str()).collect();
        assert!(
            fixes[0].contains("PODNAME") && fixes[1].contains("metadata.name"),
            "{fixes:?}"
        );
    }
}
