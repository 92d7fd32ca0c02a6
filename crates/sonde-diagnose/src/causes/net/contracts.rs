//! Every cause of the family against its contract.

use sonde_model::{CheckKind as K, CheckVerdict as V, Verdict};

use super::CAUSES;
use crate::testing::checks::node;
use crate::testing::contract::{Contract, keep};

const TABLE: &[Contract] = &[Contract {
    code: "NET-LISTEN-OVERFLOW",
    verdict: Verdict::Proven,
    found: || node().check("2026-03-01T11:59:30Z", K::ListenQueue, V::Critical),
    rival: ("NOD-CPU-SATURATED", || {
        node().check("2026-03-01T11:59:30Z", K::Cpu, V::Warning)
    }),
    open: node,
    healthy: || node().check("2026-03-01T11:59:30Z", K::ListenQueue, V::Note),
    over: || {
        node()
            .check("2026-03-01T11:58:30Z", K::ListenQueue, V::Critical)
            .check("2026-03-01T11:59:30Z", K::ListenQueue, V::Ok)
    },
}];

#[test]
fn every_cause_keeps_its_contract() {
    keep(CAUSES, TABLE);
}

/// A pod's queue is its workload's trouble, wherever it runs.
#[test]
fn the_queue_of_a_pod_is_told_about_its_workload() {
    let outcome = node()
        .object(crate::testing::pod(
            serde_json::json!({"spec": {"nodeName": "n1"}}),
        ))
        .check_of_pod("2026-03-01T11:59:30Z", K::ListenQueue, V::Warning)
        .diagnose();
    let finding = outcome.finding("NET-LISTEN-OVERFLOW");
    assert_eq!(&*finding.subject.namespace, "shop", "{finding:?}");
    assert!(
        finding.headline.starts_with("shop/app-1/app does not take"),
        "{}",
        finding.headline
    );
}
