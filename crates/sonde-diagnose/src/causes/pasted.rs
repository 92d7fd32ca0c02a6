//! Pasted lines alone: what a message or a kernel log says without any object around it.

use sonde_model::Verdict;

use crate::testing::Scene;

const LINES: &[(&str, &str, Verdict)] = &[
    (
        "Container app failed liveness probe, will be restarted",
        "LIV-LIVENESS-KILL",
        Verdict::Proven,
    ),
    (
        "Container app failed startup probe, will be restarted",
        "LIV-STARTUP-KILL",
        Verdict::Proven,
    ),
    (
        "Liveness probe failed: HTTP probe failed with statuscode: 500",
        "LIV-STATUS-CODE",
        Verdict::Likely,
    ),
    (
        "Liveness probe failed: dial tcp 10.0.0.9:8080: connect: connection refused",
        "LIV-PORT-CLOSED",
        Verdict::Likely,
    ),
    (
        "Readiness probe failed: Get \"http://10.0.0.9:8080/ready\": dial tcp 10.0.0.9:8080: connect: connection refused",
        "RDY-NOTHING-LISTENS",
        Verdict::Proven,
    ),
    (
        "Readiness probe failed: HTTP probe failed with statuscode: 404",
        "RDY-WRONG-PATH",
        Verdict::Proven,
    ),
    (
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. Container app was using 300Mi, request is 100Mi, has larger consumption of memory. ",
        "EVI-MEMORY",
        Verdict::Proven,
    ),
    (
        "Usage of EmptyDir volume \"scratch\" exceeds the limit \"8Mi\". ",
        "EVI-EMPTY-DIR-LIMIT",
        Verdict::Proven,
    ),
    (
        "Pod was terminated in response to imminent node shutdown.",
        "EVI-NODE-SHUTDOWN",
        Verdict::Proven,
    ),
    ("PostStartHook failed", "HOK-POSTSTART-FAILED", Verdict::Proven),
    ("PreStopHook failed", "HOK-PRESTOP-FAILED", Verdict::Proven),
];

#[test]
fn a_line_alone_gives_its_cause() {
    let mut wrong = Vec::new();
    for (line, code, verdict) in LINES {
        let outcome = Scene::new().loose(line).diagnose();
        if !outcome.says_only(code, *verdict) {
            wrong.push(format!(
                "{line}: wanted {code} {verdict:?}, found {}",
                outcome.summary()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a text quotes beside the object that it describes is told once.
#[test]
fn a_quoted_line_is_no_second_finding() {
    const REFUSED: &str = "Error: container has runAsNonRoot and image will run as root";
    let waiting = serde_json::json!({"status": {"phase": "Pending", "containerStatuses": [{"name": "app",
        "state": {"waiting": {"reason": "CreateContainerConfigError", "message": REFUSED}}}]}});
    let outcome = Scene::new()
        .object(crate::testing::pod(waiting))
        .loose(REFUSED)
        .diagnose();
    outcome.finds_only("CRE-RUN-AS-NON-ROOT", Verdict::Proven);
}

#[test]
fn a_kill_at_a_limit_that_no_line_names_is_likely_the_containers() {
    let line = "[7063.247407] Memory cgroup out of memory: Killed process 63214 (app) total-vm:3149468kB, anon-rss:164992kB, file-rss:52176kB, shmem-rss:92kB";
    let outcome = Scene::new().kernel("", line).diagnose();
    outcome.finds_only("OOM-CONTAINER-LIMIT", Verdict::Likely);
}

/// Each row: lines of a node's log, and what they show without any pod around them.
#[test]
fn a_nodes_lines_alone_give_their_cause() {
    const PULL: &str = "E1121 10:00:01.123456    1234 pod_workers.go:190] Error syncing pod 0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60 (\"web-1_shop(0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60)\"), skipping: failed to \"StartContainer\" for \"app\" with ErrImagePull: \"rpc error: code = NotFound desc = failed to pull and unpack image \\\"docker.io/library/ngnix:1\\\": failed to resolve reference \\\"docker.io/library/ngnix:1\\\": docker.io/library/ngnix:1: not found\"";
    let outcome = Scene::new().kubelet("", PULL).diagnose();
    let finding = outcome.finds_only("IMG-NOT-FOUND", Verdict::Proven);
    assert!(
        finding.explains.iter().any(|it| it.name.as_ref() == "web-1"),
        "{finding:?}"
    );
    // A start of a node is no trouble of a pod, and a probe may fail once.
    for line in [
        "E1121 10:00:01.123456    1234 projected.go:290] Couldn't get configMap shop/a: failed to sync configmap cache: timed out waiting for the condition",
        "I1121 10:00:01.123456    1234 prober.go:107] \"Probe failed\" probeType=\"Readiness\" pod=\"shop/web-1\" podUID=0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60 containerName=\"app\" probeResult=failure output=\"HTTP probe failed with statuscode: 503\"",
    ] {
        Scene::new().kubelet("", line).diagnose().is_calm();
    }
}

/// Each row: a node's lines; the code of the only finding, none where it got over it or has just started.
#[test]
fn what_a_node_says_of_itself_is_told_while_it_lasts() {
    const PLEG: &str = "E1121 10:00:01.123456    1234 kubelet.go:1861] skipping pod synchronization - [PLEG is not healthy: pleg was last seen active 3m12.1s ago; threshold is 3m0s]";
    const STARTS: &str = "E1121 10:00:01.123456    1234 kubelet.go:1861] skipping pod synchronization - [container runtime status check may not have completed yet, PLEG is not healthy: pleg has yet to be successful]";
    const IMAGES: &str = "E1121 10:00:02.123456    1234 kubelet.go:1302] Image garbage collection failed multiple times in a row: failed to garbage collect required amount of images. Wanted to free 8912345678 bytes, but freed 0 bytes";
    const LATER: &str = "E1121 10:09:02.123456    1234 pod_workers.go:190] Error syncing pod 0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60 (\"web-1_shop(0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60)\"), skipping: failed to \"StartContainer\" for \"app\" with CrashLoopBackOff: \"back-off 10s restarting failed container\"";
    const CERTIFICATE: &str = "E0105 10:00:00.000001     900 bootstrap.go:265] part of the existing bootstrap client certificate in /etc/kubernetes/kubelet.conf is expired: 2022-01-04 09:12:11 +0000 UTC";
    const TASK_OOM: &str = "time=\"2026-03-01T11:50:00.1Z\" level=info msg=\"TaskOOM event &TaskOOM{ContainerID:9f8e7d,XXX_unrecognized:[],}\"";
    let mut wrong = Vec::new();
    for (lines, code) in [
        (vec![PLEG], "LOS-PLEG"),
        (vec![IMAGES], "NOD-DISK-PRESSURE"),
        (vec![CERTIFICATE], "LOS-CERTIFICATE"),
        (vec![TASK_OOM], "OOM-CONTAINER-LIMIT"),
        (vec![STARTS], ""),
        (vec![PLEG, LATER], ""),
        (vec![IMAGES, LATER], ""),
    ] {
        let outcome = Scene::new().kubelet("", &lines.join("\n")).diagnose();
        let codes: Vec<&str> = outcome
            .report
            .findings
            .iter()
            .map(|it| it.code.as_str())
            .collect();
        if codes.join(" ") != code {
            wrong.push(format!("{lines:?}: wanted {code:?}, found {}", outcome.summary()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A table of nodes says NotReady for a kubelet that says no, and for one that says nothing.
#[test]
fn a_table_does_not_tell_why_a_node_is_not_ready() {
    let table = "NAME    STATUS     ROLES    AGE    VERSION\ncp1     Ready      master   400d   v1.19.4\nnode2   NotReady   <none>   400d   v1.19.4\n";
    let outcome = Scene::timeless().pasted(table).diagnose();
    let finding = outcome.finds_only("LOS-KUBELET-SILENT", Verdict::Possible);
    assert!(
        finding.headline.contains("a table does not tell"),
        "{}",
        finding.headline
    );
    assert!(
        finding.evidence.iter().all(|it| !it.text.contains("False")),
        "{:?}",
        finding.evidence
    );
}

/// Each row: the line of endpoints in a service's description, and what stands beside it; the code, none where it is
/// well or explained.
#[test]
fn a_described_service_without_endpoints_is_told() {
    let described = |endpoints: &str| {
        format!(
            "Name:                     web\nNamespace:                shop\nLabels:                   <none>\nAnnotations:              <none>\nSelector:                 app=webb\nType:                     ClusterIP\nIP:                       10.96.84.198\nPort:                     <unset>  80/TCP\nTargetPort:               80/TCP\nEndpoints:                {endpoints}\nSession Affinity:         None\nEvents:                   <none>\n"
        )
    };
    let pods = "NAMESPACE   NAME    READY   STATUS    RESTARTS   AGE\nshop        web-1   1/1     Running   0          3d\n";
    for (text, code) in [
        (described(""), "SVC-SELECTOR-MATCHES-NOTHING"),
        (described("<none>"), "SVC-SELECTOR-MATCHES-NOTHING"),
        (described("10.0.0.4:80"), ""),
        (described("").replace("app=webb", "<none>"), ""),
        (format!("{}\n{pods}", described("")), ""),
    ] {
        let outcome = Scene::timeless().pasted(&text).diagnose();
        let codes: Vec<&str> = outcome
            .report
            .findings
            .iter()
            .map(|it| it.code.as_str())
            .collect();
        assert_eq!(codes.join(" "), code, "{text}: {}", outcome.summary());
    }
}

#[test]
fn planned_ends_are_no_alarm() {
    for line in [
        "Stopping container app",
        "Container app definition changed, will be restarted",
        "Started container app",
    ] {
        Scene::new().loose(line).diagnose().is_calm();
    }
}

#[test]
fn kernel_lines_alone_tell_whose_limit_it_was() {
    let id = "c".repeat(64);
    let pod = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f2f7b7c_3a9d_4c39_b7f0_1b2c3d4e5f60.slice";
    let mut wrong = Vec::new();
    for (constraint, limit, code) in [
        (
            "CONSTRAINT_MEMCG",
            format!("oom_memcg={pod}/cri-containerd-{id}.scope"),
            "OOM-CONTAINER-LIMIT",
        ),
        ("CONSTRAINT_MEMCG", "oom_memcg=/kubepods.slice".into(), "OOM-NODE"),
        ("CONSTRAINT_NONE", "global_oom".into(), "OOM-NODE"),
    ] {
        let line = format!(
            "[12345.678901] oom-kill:constraint={constraint},nodemask=(null),cpuset=x,mems_allowed=0,{limit},task_memcg={pod}/cri-containerd-{id}.scope,task=app,pid=4711,uid=0"
        );
        let outcome = Scene::new().kernel("", &line).diagnose();
        if !outcome.says_only(code, Verdict::Proven) {
            wrong.push(format!("{limit}: wanted {code}, found {}", outcome.summary()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every word that kubectl prints in the column STATUS (`printPod`), READY and RESTARTS beside it, and the code of the
/// one finding; none where nothing is wrong.
const STATUS_WORDS: &[(&str, &str, &str)] = &[
    ("1/1", "Running", ""),
    ("0/1", "Running", "RDY-UNKNOWN"),
    ("1/2", "Running", "RDY-UNKNOWN"),
    ("1/2", "NotReady", "RDY-UNKNOWN"),
    ("0/1", "Pending", "SCH-UNKNOWN"),
    ("0/1", "Completed", ""),
    ("0/1", "Succeeded", ""),
    ("0/1", "Failed", "EXT-UNKNOWN"),
    ("0/1", "Error", "EXT-UNKNOWN"),
    ("0/1", "ExitCode:3", "EXT-ERROR"),
    ("0/1", "Signal:9", "EXT-UNKNOWN"),
    ("0/1", "OOMKilled", "OOM-CONTAINER-LIMIT"),
    ("0/1", "CrashLoopBackOff", "EXT-UNKNOWN"),
    ("0/1", "ContainerStatusUnknown", "EXT-UNKNOWN"),
    ("0/1", "StartError", "CRE-UNKNOWN"),
    ("0/1", "ContainerCannotRun", "CRE-UNKNOWN"),
    ("0/1", "CreateContainerError", "CRE-UNKNOWN"),
    ("0/1", "CreateContainerConfigError", "CRE-UNKNOWN"),
    ("0/1", "RunContainerError", "CRE-UNKNOWN"),
    ("0/1", "ImagePullBackOff", "IMG-UNKNOWN"),
    ("0/1", "ErrImagePull", "IMG-UNKNOWN"),
    ("0/1", "ContainerCreating", "CRE-NOT-STARTING-UNKNOWN"),
    ("0/1", "PodInitializing", "CRE-NOT-STARTING-UNKNOWN"),
    ("0/1", "Init:0/1", "INI-UNKNOWN"),
    ("0/1", "Init:1/2", "INI-UNKNOWN"),
    ("0/1", "Init:Error", "EXT-UNKNOWN"),
    ("0/1", "Init:CrashLoopBackOff", "EXT-UNKNOWN"),
    ("0/1", "Init:ExitCode:3", "EXT-ERROR"),
    ("0/1", "Init:Signal:9", "EXT-UNKNOWN"),
    ("0/1", "Init:OOMKilled", "OOM-CONTAINER-LIMIT"),
    ("0/1", "Init:ImagePullBackOff", "IMG-UNKNOWN"),
    ("0/1", "Evicted", "EVI-UNKNOWN"),
    ("0/1", "Preempting", "EVI-UNKNOWN"),
    ("0/1", "NodeShutdown", "EVI-UNKNOWN"),
    ("0/1", "DeadlineExceeded", "EXT-DEADLINE"),
    ("0/1", "Unknown", "LOS-UNKNOWN"),
    ("0/1", "NodeLost", "LOS-UNKNOWN"),
    ("0/1", "SchedulingGated", "SCH-GATES"),
    ("1/1", "Terminating", "TRM-UNKNOWN"),
    ("0/1", "NodeAffinity", "SCH-REJECTED-PREDICATE"),
    ("0/1", "UnexpectedAdmissionError", "SCH-REJECTED-UNKNOWN"),
    ("0/1", "OutOfcpu", "SCH-REJECTED-RESOURCES"),
];

#[test]
fn a_word_of_a_table_proves_no_more_than_it_says() {
    let mut wrong = Vec::new();
    for (ready, word, code) in STATUS_WORDS {
        let text =
            format!("NAME    READY   STATUS   RESTARTS   AGE\nweb-1   {ready}     {word}   0          20m\n");
        let outcome = Scene::new().pasted(&text).diagnose();
        let open: Vec<_> = outcome
            .report
            .findings
            .iter()
            .filter(|it| it.ended.is_none())
            .collect();
        let codes: Vec<&str> = open.iter().map(|it| it.code.as_str()).collect();
        let json = serde_json::to_string(&outcome.report).unwrap();
        let invented = ["exitCode: 0", "exit code 0", "restartPolicy"]
            .iter()
            .any(|it| json.contains(it));
        let looks = open
            .iter()
            .all(|it| !it.code.as_str().ends_with("UNKNOWN") || !it.next.is_empty());
        if codes.join(" ") != *code || invented || !looks {
            wrong.push(format!(
                "{ready} {word}: wanted {code}, found {}, invented {invented}",
                outcome.summary()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A pod that is being deleted is a question only where nothing else was pasted, and not within the default grace.
#[test]
fn a_row_alone_of_a_pod_that_ends_is_unknown() {
    let next = "web-2   1/1     Running       0          3m\n";
    for (age, rest, asks) in [("20s", "", false), ("3d", "", true), ("3d", next, false)] {
        let text = format!(
            "NAME    READY   STATUS        RESTARTS   AGE\nweb-1   1/1     Terminating   0          {age}\n{rest}"
        );
        let outcome = Scene::timeless().pasted(&text).diagnose();
        let commands: Vec<_> = outcome.report.findings.iter().flat_map(|it| &it.next).collect();
        let looks = commands
            .iter()
            .any(|it| it.command.as_deref() == Some("kubectl get pod/web-1 -o yaml"));
        assert_eq!((outcome.alarms() > 0, looks), (asks, asks), "{age} {rest}");
    }
}

/// Where the scheduler's line is all there is, its headline tells every reason with its nodes.
#[test]
fn a_mix_of_the_schedulers_reasons_is_told_with_its_counts() {
    for (reasons, code, words) in [
        (
            "1 node(s) didn't match pod affinity rules, 19 node(s) didn't match Pod's node affinity/selector.",
            "SCH-NODE-AFFINITY",
            "none of 20 nodes takes the pod: 19 for its node selector or affinity, 1 for its pod affinity",
        ),
        (
            "4 Insufficient cpu, 16 node(s) had untolerated taint {dedicated: gpu}.",
            "SCH-TAINT",
            "16 for the taint dedicated, 4 for too little cpu",
        ),
    ] {
        let outcome = Scene::new()
            .loose(&format!("0/20 nodes are available: {reasons}"))
            .diagnose();
        let finding = outcome.finding(code);
        assert!(finding.headline.contains(words), "{}", outcome.summary());
        assert_eq!(finding.verdict, Verdict::Possible);
    }
}

/// Text that lost the line with the name says so, and its commands have a place for it.
#[test]
fn a_pod_without_its_name_is_told_in_words() {
    let text = "    State:          Waiting\n      Reason:       ImagePullBackOff\n    Ready:          False\n    Restart Count:  0\n";
    let outcome = Scene::timeless().pasted(text).diagnose();
    let finding = outcome.finding("IMG-UNKNOWN");
    assert!(
        finding.headline.contains("a pod whose name is not in the text"),
        "{}",
        finding.headline
    );
    let commands: Vec<_> = finding
        .next
        .iter()
        .filter_map(|it| it.command.as_deref())
        .collect();
    assert_eq!(commands, ["kubectl describe pod/NAME -n NAMESPACE"]);
}

/// Each row: what was pasted; the code of the only alarm, none where it is calm.
#[test]
fn what_a_text_does_not_tell_is_not_made_up() {
    const OLD: &str = "    State:          Running\n      Started:      Mon, 01 Sep 2025 10:00:00 +0000\n    Last State:     Terminated\n      Reason:       OOMKilled\n      Exit Code:    137\n      Started:      Mon, 01 Sep 2025 09:00:00 +0000\n      Finished:     Mon, 01 Sep 2025 09:59:59 +0000\n    Ready:          True\n    Restart Count:  1\n";
    const GATED: &str = "Name:             gated\nNamespace:        shop\nNode:             <none>\nStatus:           Pending\nContainers:\n  app:\n    Image:        busybox\nConditions:\n  Type           Status\n  PodScheduled   False \nEvents:          <none>\n";
    const SET: &str = "NAME     DESIRED   CURRENT   READY   UP-TO-DATE   AVAILABLE   NODE SELECTOR   AGE\nfluent   6         6         4       6            4           <none>          90d\n";
    let rolling = SET.replace("6            4 ", "2            4 ");
    let wrong: Vec<String> = [
        (OLD, "2025-09-01T10:00:00Z", ""),
        (OLD, "2025-09-01T10:00:20Z", "OOM-CONTAINER-LIMIT"),
        (GATED, "2026-03-01T12:00:00Z", "SCH-GATES"),
        (SET, "2026-03-01T12:00:00Z", "ROL-UNKNOWN"),
        (&rolling, "2026-03-01T12:00:00Z", ""),
    ]
    .into_iter()
    .filter_map(|(text, now, code)| {
        let outcome = Scene::new().now(now).pasted(text).diagnose();
        let codes: Vec<&str> = outcome
            .report
            .findings
            .iter()
            .filter(|it| it.severity > sonde_model::Severity::Info)
            .map(|it| it.code.as_str())
            .collect();
        (codes.join(" ") != code).then(|| format!("wanted {code:?}, found {}", outcome.summary()))
    })
    .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A time-out after the kill did not lead to it.
#[test]
fn the_failure_before_the_kill_led_to_it() {
    let text = "LAST SEEN   TYPE      REASON      OBJECT         MESSAGE\n\
        15m         Warning   Unhealthy   pod/liveonce   Liveness probe failed: cat: can't open '/tmp/ok': No such file or directory\n\
        15m         Normal    Killing     pod/liveonce   Container app failed liveness probe, will be restarted\n\
        5m35s       Warning   Unhealthy   pod/liveonce   Liveness probe failed: command timed out: \"cat /tmp/ok\" timed out after 1s\n";
    let outcome = Scene::timeless().pasted(text).diagnose();
    outcome.lacks("LIV-EXEC-PROBE-TIMEOUT");
}

/// Each row: a log of a component or a tool's words, what the headline says, and a word of the advice or the look.
#[test]
fn known_components_tell_their_trouble() {
    let mut wrong = Vec::new();
    for (log, said, advised) in [
        (
            "[FATAL] plugin/loop: Loop (127.0.0.1:1 -> :53) detected for zone \".\"\n",
            "CoreDNS",
            "resolvConf",
        ),
        (
            "{\"level\":\"warn\",\"msg\":\"alarm raised\",\"alarm\":\"NOSPACE\"}\n",
            "quota",
            "defrag",
        ),
        (
            "ERROR: [1]: max virtual memory areas vm.max_map_count [65530] is too low, increase to at least [262144]\n",
            "vm.max_map_count",
            "sysctl",
        ),
        (
            "error: deployment \"web\" exceeded its progress deadline\n",
            "deployment/web",
            "describe deployment/web",
        ),
        (
            "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress\n",
            "locked",
            "helm history",
        ),
        (
            "The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?\n",
            "10.0.0.1:6443",
            "crictl",
        ),
        (
            "[x] \"GET / HTTP/1.1\" 503 UH no_healthy_upstream - \"-\" 0 19 0 - \"-\" \"c\" \"i\" \"cart\" \"-\" outbound|80||cart.shop.svc.cluster.local\n",
            "cart.shop",
            "endpointslices",
        ),
    ] {
        let outcome = Scene::new().log("/", "", false, log).diagnose();
        let finding = outcome.finds_only("EXT-ERROR", Verdict::Likely);
        let fixes = finding.fixes.iter().map(|it| it.text.as_str());
        let looks = finding.next.iter().filter_map(|it| it.command.as_deref());
        let all: String = fixes.chain(looks).collect::<Vec<_>>().join("\n");
        let pod = all.contains("describe pod");
        if !finding.headline.contains(said) || !all.contains(advised) || pod {
            wrong.push(format!("{log}: {}: {all}", finding.headline));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // A proxy that serves again, a member that has a leader again.
    for log in [
        "[x] \"GET / HTTP/1.1\" 503 UF - - \"-\" 0 1 0 - \"-\" \"c\" \"i\" \"cart\" \"-\"\n[x] \"GET / HTTP/1.1\" 200 - via_upstream - \"-\" 0 1 0 - \"-\" \"c\" \"i\" \"cart\" \"10.0.0.1:80\"\n",
        "{\"level\":\"info\",\"msg\":\"a lost leader b at term 9\"}\n{\"level\":\"info\",\"msg\":\"a elected leader c at term 10\"}\n",
    ] {
        Scene::new().log("/", "", false, log).diagnose().is_calm();
    }
}

#[test]
fn a_fault_that_only_the_kernel_tells_is_a_warning() {
    let outcome = Scene::new()
        .kernel("", "[5511.100000] worker[3312]: segfault at 0 ip 000055d0c0a2 sp 00007ffd9 error 4 in worker[55d0c0a00000+4000]")
        .diagnose();
    let finding = outcome.finds_only("EXT-SEGFAULT", Verdict::Likely);
    assert!(finding.headline.contains("worker"), "{}", finding.headline);
    assert_eq!(finding.severity, sonde_model::Severity::Warning);
}
