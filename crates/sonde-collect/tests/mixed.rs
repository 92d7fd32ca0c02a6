//! From pasted text to the report: any mix and damage of real words gives an answer, always the same one.

use proptest::prelude::*;
use sonde_collect::{Options, dump, paste};
use sonde_diagnose::{Scope, diagnose};

/// Texts as people paste them, cut into lines by the test.
const TEXTS: &[&str] = &[
    "Name:             web-1\nNamespace:        shop\nNode:             n1/10.0.0.4\nStart Time:       Sun, 01 Mar 2026 10:00:00 +0000\nStatus:           Running\nContainers:\n  app:\n    Image:          registry.example/app:1\n    State:          Waiting\n      Reason:       CrashLoopBackOff\n    Last State:     Terminated\n      Reason:       OOMKilled\n      Exit Code:    137\n      Started:      Sun, 01 Mar 2026 11:50:00 +0000\n      Finished:     Sun, 01 Mar 2026 11:58:00 +0000\n    Ready:          False\n    Restart Count:  4\n    Limits:\n      memory:  64Mi\n    Liveness:       http-get http://:8080/healthz delay=0s timeout=1s period=10s #success=1 #failure=3\nConditions:\n  Type              Status\n  Ready             False\nEvents:\n  Type     Reason     Age                From     Message\n  ----     ------     ----               ----     -------\n  Warning  Unhealthy  3m (x9 over 10m)   kubelet  Liveness probe failed: HTTP probe failed with statuscode: 503\n  Normal   Killing    3m (x3 over 10m)   kubelet  Container app failed liveness probe, will be restarted\n  Warning  BackOff    1m (x12 over 9m)   kubelet  Back-off restarting failed container app in pod web-1_shop(0f2f7b7c)\n",
    "NAMESPACE   NAME    READY   STATUS             RESTARTS      AGE\nshop        web-1   0/1     ImagePullBackOff   0             10m\nshop        db-0    0/1     Pending            0             3m\n",
    "LAST SEEN   TYPE      REASON             OBJECT      MESSAGE\n3m          Warning   FailedScheduling   pod/db-0    0/3 nodes are available: 1 node(s) had untolerated taint {dedicated: gpu}, 2 Insufficient cpu.\n2m          Warning   Failed             pod/web-1   Failed to pull image \"registry.example/app:1\": rpc error: code = NotFound desc = failed to pull and unpack image: not found\n",
    "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web-1\n  namespace: shop\nspec:\n  containers:\n  - name: app\n    image: registry.example/app:1\n    resources:\n      limits:\n        memory: 300m\nstatus:\n  phase: Pending\n  containerStatuses:\n  - name: app\n    ready: false\n    restartCount: 0\n    state:\n      waiting:\n        reason: CreateContainerConfigError\n        message: configmap \"settings\" not found\n",
    "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"web-2\", \"namespace\": \"shop\"},\n \"status\": {\"phase\": \"Failed\", \"reason\": \"Evicted\", \"message\": \"The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi.\"}}\n",
    "[ 7200.1] app invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=985\n[ 7200.2] Memory cgroup out of memory: Killed process 4711 (app) total-vm:200000kB, anon-rss:65536kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:200kB oom_score_adj:985\nE0301 11:57:30.000000     812 pod_workers.go:1301] \"Error syncing pod, skipping\" err=\"failed to \\\"StartContainer\\\" for \\\"app\\\" with CrashLoopBackOff\" pod=\"shop/web-1\"\njava.lang.OutOfMemoryError: Java heap space\npassword=hunter2 Error: connect ECONNREFUSED 10.0.0.5:5432\n",
];

/// Lines of all texts, in parts of one text each, damaged.
fn mixed() -> impl Strategy<Value = Vec<u8>> {
    let part = (
        0..TEXTS.len(),
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        0..10_u8,
    )
        .prop_map(|(text, from, to, how)| {
            let lines: Vec<&str> = TEXTS[text].lines().collect();
            let (from, to) = (from.index(lines.len()), to.index(lines.len()) + 1);
            let lines = if from < to { &lines[from..to] } else { &lines[..] };
            let mut bytes = Vec::new();
            for (at, line) in lines.iter().enumerate() {
                match how {
                    0 => bytes.extend(b"> "),
                    1 => bytes.extend(b"    "),
                    2 if at % 7 == 3 => continue,
                    3 if at % 5 == 2 => bytes.extend(b"\xff\xc3"),
                    _ => {}
                }
                let kept = if how == 4 {
                    &line.as_bytes()[..line.len() * 2 / 3]
                } else {
                    line.as_bytes()
                };
                bytes.extend(kept);
                bytes.extend(if how == 5 { &b"\r\n"[..] } else { b"\n" });
                if how == 6 && at % 4 == 1 {
                    bytes.extend(line.as_bytes());
                    bytes.push(b'\n');
                }
            }
            bytes
        });
    prop::collection::vec(part, 1..8).prop_map(|parts| parts.concat())
}

/// The report's bytes; nothing for input that nothing could be read from.
fn report(gathered: Result<sonde_collect::Gathered, sonde_collect::CollectError>) -> Option<Vec<u8>> {
    let answer = diagnose(&gathered.ok()?.question(Scope::All));
    for finding in &answer.report.findings {
        assert!(!finding.evidence.is_empty(), "{} has no evidence", finding.code);
    }
    Some(serde_json::to_vec(&answer.report).expect("the engine answers"))
}

fn pasted(bytes: &[u8]) -> Option<Vec<u8>> {
    report(paste::read(&mut &*bytes, "stdin", &Options::default()))
}

#[test]
fn each_text_alone_is_understood() {
    for text in TEXTS {
        let report = pasted(text.as_bytes()).unwrap_or_default();
        let report = String::from_utf8(report).unwrap();
        assert!(report.contains("\"headline\""), "{text}\n{report}");
        assert!(!report.contains("hunter2"), "{report}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_mix_gives_one_answer(bytes in mixed()) {
        prop_assert_eq!(pasted(&bytes), pasted(&bytes));
    }

    #[test]
    fn any_bytes_as_any_file(bytes in mixed(), name in prop::sample::select(vec!["a.json", "a.yaml", "a.log", "a.tar"]), cut in any::<prop::sample::Index>()) {
        let bytes = &bytes[cut.index(bytes.len())..];
        let read = || report(dump::read_bytes(name, bytes, &Options::default()));
        prop_assert_eq!(read(), read());
    }
}
