//! SCH-TOPOLOGY-SPREAD: one more pod on any node that would take it would make the spread over zones or nodes too uneven.

use crate::wording::count;
use sonde_model::{Code, Risk};
use sonde_schedule::Rejection;

use super::stated::{decides, who};
use crate::cause::page;
use crate::placement::Why;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("SCH-TOPOLOGY-SPREAD"),
    title: "topology spread leaves no node",
    explains: &[Symptom::Unschedulable],
    reads: &[],
    state,
    page: page!("SCH-TOPOLOGY-SPREAD"),
};

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some(stated) = decides(facts, case, Why::Spread) else {
        return;
    };
    let who = who(facts);
    let uneven = stated.rejections().find_map(|rejection| match rejection {
        Rejection::Spread {
            key,
            value,
            pods,
            minimum,
            max_skew,
            domains,
            min_domains,
        } => Some((
            key.clone(),
            value.clone(),
            *pods,
            *minimum,
            *max_skew,
            *domains,
            *min_domains,
        )),
        _ => None,
    });
    let unlabelled = stated.rejections().find_map(|rejection| match rejection {
        Rejection::SpreadLabelMissing { key } => Some(key.clone()),
        _ => None,
    });
    match (&uneven, &unlabelled) {
        (Some((key, .., domains, min_domains)), _) if domains < min_domains => {
            case.headline(format!(
                "{who} must be spread over at least {}, and there {} {domains} (minDomains)",
                count(min_domains, &format!("{key} domain")),
                if *domains == 1 { "is" } else { "are" }
            ));
            case.advice(
                format!(
                    "lower minDomains to {domains}, or add nodes in {} more {key}",
                    min_domains.saturating_sub(*domains)
                ),
                Risk::Restart,
            );
        }
        (Some((key, value, pods, minimum, max_skew, ..)), _) => {
            case.headline(format!(
                "one more pod of {who} in {key}={value} would be too many there ({pods} against {minimum} in the emptiest, maxSkew {max_skew}), and the emptier ones do not take it"
            ));
        }
        (None, Some(key)) => {
            case.headline(format!(
                "{who} is spread by label {key}, which no usable node has"
            ));
        }
        (None, None) => {
            case.headline(format!("the topology spread of {who} leaves no node"));
        }
    }
    if let Some(key) = uneven.map(|it| it.0).or(unlabelled) {
        let at = facts
            .pod()
            .spec
            .topology_spread_constraints
            .iter()
            .position(|it| *it.topology_key == *key);
        let path = at.map_or_else(
            || "spec.topologySpreadConstraints".to_owned(),
            |at| format!("spec.topologySpreadConstraints[{at}]"),
        );
        case.step(
            format!("the pods must be spread evenly by {key}"),
            [facts.field(
                &path,
                format!("topologyKey {key}, whenUnsatisfiable DoNotSchedule"),
            )],
        );
    }
    case.advice(
        "make room in the emptier domains, raise maxSkew, or make the spread a wish (whenUnsatisfiable: ScheduleAnyway)",
        Risk::Restart,
    );
    stated.finish(facts, case);
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use super::super::testing::*;
    use crate::testing::Scene;

    const SAID: &str = "0/2 nodes are available: 2 node(s) didn't match pod topology spread constraints. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.";

    fn spread(min_domains: Option<i64>, key: &str) -> serde_json::Value {
        json!({"spec": {"topologySpreadConstraints": [{"maxSkew": 1, "minDomains": min_domains, "topologyKey": key,
            "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"app": "app"}}}]}})
    }

    fn zoned() -> Scene {
        scene()
            .object(node("n1", json!({"metadata": {"labels": {"zone": "a"}}})))
            .object(other(
                "there",
                "n1",
                "1",
                json!({"metadata": {"labels": {"app": "app"}}}),
            ))
    }

    #[test]
    fn found_when_the_empty_zone_takes_no_pods() {
        // Zone b counts as a domain although its node is tainted: taints are not honoured unless asked for.
        let tainted = json!({"metadata": {"labels": {"zone": "b"}}, "spec": {"taints": [{"key": "dedicated", "value": "db", "effect": "NoSchedule"}]}});
        let outcome = zoned()
            .object(node("n2", tainted))
            .object(pending(SAID, spread(None, "zone")))
            .diagnose();
        let finding = outcome.finds_only("SCH-TOPOLOGY-SPREAD", Verdict::Proven);
        assert!(
            finding
                .headline
                .contains("zone=a would be too many there (1 against 0"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn found_with_too_few_domains_and_a_missing_label() {
        let outcome = zoned().object(pending(SAID, spread(Some(2), "zone"))).diagnose();
        let finding = outcome.finds_only("SCH-TOPOLOGY-SPREAD", Verdict::Proven);
        assert!(
            finding
                .headline
                .contains("at least 2 zone domains, and there is 1"),
            "{}",
            finding.headline
        );
        let outcome = zoned().object(pending(SAID, spread(None, "rack"))).diagnose();
        let finding = outcome.finds_only("SCH-TOPOLOGY-SPREAD", Verdict::Proven);
        assert!(finding.headline.contains("label rack"), "{}", finding.headline);
    }

    #[test]
    fn not_when_the_empty_zone_is_full() {
        zoned()
            .object(node("n2", json!({"metadata": {"labels": {"zone": "b"}}})))
            .object(other("big", "n2", "4", json!({})))
            .object(pending(SAID, spread(None, "zone")))
            .diagnose()
            .finds_only("SCH-CLUSTER-FULL", Verdict::Proven);
    }

    #[test]
    fn proven_by_the_words_alone() {
        Scene::new()
            .loose(SAID)
            .diagnose()
            .finds_only("SCH-TOPOLOGY-SPREAD", Verdict::Proven);
    }
}
