use super::*;
use crate::fact::{EvictionFact, HookKind, KillReason, NodeFact, ProbeKind, ProbeOutcome, RuntimeFact};

const UID: &str = "0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60";
const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn one(text: &str) -> NodeLine {
    let text = text.replace("$UID", UID).replace("$ID", ID);
    let lines: Vec<&str> = text.lines().collect();
    let mut found = node(&lines, None, Some(2026));
    assert_eq!(found.len(), 1, "{text}\n{found:#?}");
    found.remove(0)
}

#[test]
fn subjects_of_old_and_new_lines() {
    for line in [
        r#"E1121 12:31:01.123456    1234 pod_workers.go:1301] "Error syncing pod, skipping" err="failed to \"StartContainer\" for \"app\" with CrashLoopBackOff: \"back-off 5m0s restarting failed container=app pod=web-1_shop($UID)\"" pod="shop/web-1" podUID="$UID""#,
        r#"E1121 12:31:01.123456    1234 pod_workers.go:191] Error syncing pod $UID ("web-1_shop($UID)"), skipping: failed to "StartContainer" for "app" with CrashLoopBackOff: "Back-off 5m0s restarting failed container=app pod=web-1_shop($UID)""#,
        r#"Nov 21 12:31:01 node-1 kubelet[1234]: E1121 12:31:01.123456    1234 pod_workers.go:1301] "Error syncing pod, skipping" err="failed to \"StartContainer\" for \"app\" with CrashLoopBackOff: \"back-off 5m0s restarting failed container=app pod=web-1_shop($UID)\"" pod="shop/web-1" podUID=$UID"#,
        r#"{"ts":1795000000123.4,"caller":"kubelet/pod_workers.go:951","msg":"Error syncing pod, skipping","pod":{"name":"web-1","namespace":"shop"},"podUID":"$UID","err":"failed to \"StartContainer\" for \"app\" with CrashLoopBackOff: \"back-off 5m0s restarting failed container=app pod=web-1_shop($UID)\""}"#,
    ] {
        let found = one(line);
        assert_eq!(found.origin, NodeLog::Kubelet);
        assert_eq!(
            found.pod,
            Some(PodKey {
                namespace: "shop".into(),
                name: "web-1".into()
            }),
            "{line}"
        );
        assert_eq!(found.pod_uid.as_deref(), Some(UID), "{line}");
        assert_eq!(found.container.as_deref(), Some("app"), "{line}");
        assert_eq!(
            found.facts,
            vec![Fact::RestartBackOff {
                wait_seconds: Some(300)
            }],
            "{line}"
        );
        assert!(found.time.is_some(), "{line}");
    }
}

#[test]
fn probes_and_kills() {
    let found = one(
        r#"I1121 12:31:01.123456    1234 prober.go:107] "Probe failed" probeType="Liveness" pod="shop/web-1" podUID="$UID" containerName="app" probeResult="failure" output="HTTP probe failed with statuscode: 500""#,
    );
    let Fact::Probe(probe) = &found.facts[0] else {
        panic!("{found:?}")
    };
    assert_eq!(
        (probe.probe, &probe.outcome),
        (ProbeKind::Liveness, &ProbeOutcome::Status { code: 500 })
    );
    let found = one(
        r#"I1121 12:31:01.123456    1234 prober.go:111] Readiness probe for "web-1_shop($UID):app" failed (failure): HTTP probe failed with statuscode: 503"#,
    );
    let Fact::Probe(probe) = &found.facts[0] else {
        panic!("{found:?}")
    };
    assert_eq!(probe.outcome, ProbeOutcome::Status { code: 503 });
    assert_eq!(found.container.as_deref(), Some("app"));
    let found = one(
        r#"I1121 12:31:01.123456    1234 kuberuntime_manager.go:1006] "Message for Container of pod" containerName="app" pod="shop/web-1" containerMessage="Container app failed liveness probe, will be restarted""#,
    );
    let Fact::Killing { container, reason } = &found.facts[0] else {
        panic!("{found:?}")
    };
    assert_eq!(
        (container.as_deref(), reason),
        (Some("app"), &KillReason::Liveness)
    );
    let found = one(
        r#"I1121 12:31:01.123456    1234 kuberuntime_container.go:779] "Killing container with a grace period" pod="shop/web-1" podUID="$UID" containerName="app" containerID="containerd://$ID" gracePeriod=30"#,
    );
    assert_eq!(
        found.facts,
        vec![Fact::Runtime(RuntimeFact::StopAsked {
            grace_seconds: Some(30)
        })]
    );
    assert_eq!(found.container_id.as_deref(), Some(ID));
}

#[test]
fn hooks_carry_the_detail_that_events_lack() {
    for line in [
        r#"E1121 12:31:01.123456    1234 handlers.go:72] "Exec lifecycle hook for Container in Pod failed" err="command 'sh -c /boom' exited with 127: sh: /boom: not found" execCommand=["sh","-c","/boom"] containerName="app" pod="shop/web-1" message="sh: /boom: not found\n""#,
        r#"E1121 12:31:01.123456    1234 handlers.go:62] Exec lifecycle hook ([sh -c /boom]) for Container "app" in Pod "web-1_shop($UID)" failed - error: command 'sh -c /boom' exited with 127: , message: "sh: /boom: not found""#,
    ] {
        let found = one(line);
        let Fact::Hook(hook) = &found.facts[0] else {
            panic!("{found:?}")
        };
        assert_eq!(
            (hook.hook, hook.exit_code, hook.command_missing),
            (HookKind::PostStart, Some(127), true)
        );
        assert_eq!(hook.container.as_deref(), Some("app"));
        assert!(hook.command.as_deref().is_some_and(|c| c.contains("/boom")));
    }
}

#[test]
fn multi_line_values_are_joined() {
    let found = one(
        "E1121 12:31:01.123456    1234 prober.go:1] \"Probe failed\" probeType=\"Readiness\" pod=\"shop/web-1\" containerName=\"app\" output=<\n\tHTTP probe failed with statuscode: 500\n\tsecond \"line\"\n >",
    );
    let Fact::Probe(probe) = &found.facts[0] else {
        panic!("{found:?}")
    };
    assert_eq!(probe.outcome, ProbeOutcome::Status { code: 500 });
}

#[test]
fn the_node_itself() {
    for (line, want) in [
        (
            r#"E1121 12:31:01.123456    1234 eviction_manager.go:1] "Eviction manager: must evict pod(s) to reclaim" resourceName="memory""#,
            Fact::Node(NodeFact::Reclaiming { resource: "memory".into() }),
        ),
        (
            r#"W1121 12:31:01.123456    1234 eviction_manager.go:329] eviction manager: attempting to reclaim memory"#,
            Fact::Node(NodeFact::Reclaiming { resource: "memory".into() }),
        ),
        (
            r#"E1121 12:31:01.123456    1234 controller.go:145] "Failed to ensure lease exists, will retry" err="Get \"https://10.0.0.1:6443/apis\": dial tcp 10.0.0.1:6443: connect: connection refused" interval="7s""#,
            Fact::Node(NodeFact::ApiUnreachable {
                detail: "Failed to ensure lease exists, will retry: Get \"https://10.0.0.1:6443/apis\": dial tcp 10.0.0.1:6443: connect: connection refused".into(),
            }),
        ),
        (
            r#"E1121 12:31:01.123456    1234 kubelet.go:2350] "Skipping pod synchronization" err="PLEG is not healthy: pleg was last seen active 3m3.9s ago; threshold is 3m0s""#,
            Fact::Node(NodeFact::PlegUnhealthy {
                detail: "Skipping pod synchronization: PLEG is not healthy: pleg was last seen active 3m3.9s ago; threshold is 3m0s".into(),
            }),
        ),
    ] {
        assert_eq!(one(line).facts, vec![want], "{line}");
    }
    let lines = [
        r#"I1121 12:31:01.123456    1234 eviction_manager.go:1] "Eviction manager: must evict pod(s) to reclaim" resourceName="memory""#,
        r#"I1121 12:31:02.123456    1234 eviction_manager.go:1] "Eviction manager: pod is evicted successfully" pod="shop/web-1""#,
    ];
    let found = node(&lines, None, None);
    assert!(
        matches!(&found[1].facts[0], Fact::Eviction(EvictionFact::NodePressure { resource, .. }) if resource == "memory")
    );
}

#[test]
fn runtimes() {
    let found = one(
        r#"time="2026-11-21T12:31:01.123456789Z" level=error msg="PullImage \"r.example/app:1\" failed" error="failed to pull and unpack image \"r.example/app:1\": failed to resolve reference \"r.example/app:1\": r.example/app:1: not found""#,
    );
    assert_eq!(found.origin, NodeLog::Containerd);
    assert!(matches!(found.facts[0], Fact::Pull(_)), "{found:?}");
    for (line, want) in [
        (
            r#"time="2026-11-21T12:31:01Z" level=info msg="TaskOOM event &TaskOOM{ContainerID:$ID,XXX_unrecognized:[],}""#,
            RuntimeFact::OomEvent,
        ),
        (
            r#"time="2026-11-21T12:31:01Z" level=info msg="TaskExit event &TaskExit{ContainerID:$ID,ID:$ID,Pid:7,ExitStatus:137,ExitedAt:2026-11-21 12:31:01 +0000 UTC,}""#,
            RuntimeFact::Exited { exit_code: Some(137) },
        ),
        (
            r#"time="2026-11-21T12:31:01Z" level=info msg="received exit event container_id:\"$ID\" id:\"$ID\" pid:7 exit_status:1 exited_at:{seconds:1}""#,
            RuntimeFact::Exited { exit_code: Some(1) },
        ),
        (
            r#"time="2026-11-21T12:31:01Z" level=info msg="StopContainer for \"$ID\" with timeout 30 (s)""#,
            RuntimeFact::StopAsked {
                grace_seconds: Some(30),
            },
        ),
        (
            r#"time="2026-11-21T12:31:01Z" level=info msg="Kill container \"$ID\"""#,
            RuntimeFact::Signalled {
                signal: "killed".into(),
            },
        ),
    ] {
        let found = one(line);
        assert_eq!(found.facts, vec![Fact::Runtime(want)], "{line}");
        assert_eq!(found.container_id.as_deref(), Some(ID), "{line}");
    }
}

#[test]
fn kernel_lines_among_others_are_joined() {
    let text = format!(
        "Nov 21 12:31:01 n1 kernel: [1.000001] x invoked oom-killer: gfp_mask=0x0
Nov 21 12:31:01 n1 kubelet[1]: I1121 12:31:01.1 1 x.go:1] \"nothing\"
Nov 21 12:31:01 n1 kernel: [1.000002] oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/kubepods/pod{UID}/{ID},task_memcg=/kubepods/pod{UID}/{ID},task=x,pid=5,uid=0
Nov 21 12:31:01 n1 kernel: [1.000003] Memory cgroup out of memory: Killed process 5 (x) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB"
    );
    let found = one(&text);
    assert_eq!((found.line, found.origin), (3, NodeLog::Kernel));
    assert_eq!(found.container_id.as_deref(), Some(ID));
    assert_eq!(found.pod_uid.as_deref(), Some(UID));
}
