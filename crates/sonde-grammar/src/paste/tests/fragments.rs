//! Pieces of outputs: a few events, a container's state, a node's conditions, without what stood above them.

use serde_json::Value;

use crate::fact::{Fact, NodeReason, VolumeFailure};
use crate::paste::{Pasted, read};

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

/// Kind, namespace and name of what each event is about, with its reason.
fn about(pasted: &Pasted) -> Vec<String> {
    let events = pasted
        .objects
        .iter()
        .filter(|object| text(object, "/kind") == "Event");
    events
        .map(|event| {
            let of = |field: &str| text(event, &format!("/involvedObject/{field}")).to_owned();
            format!(
                "{} {}/{} {}",
                of("kind"),
                of("namespace"),
                of("name"),
                text(event, "/reason")
            )
        })
        .collect()
}

#[test]
fn events_are_named_by_their_own_words() {
    let rows: &[(&str, &[&str])] = &[
        (
            "Events:\n  Type Reason Age From Message\n  ---- ------ ---- ---- -------\n  Normal Scheduled 2m default-scheduler Successfully assigned shop/web-1 to n1\n  Warning Failed 1m kubelet Error: ErrImagePull",
            &["Pod shop/web-1 Scheduled", "Pod shop/web-1 Failed"],
        ),
        (
            "Normal Scheduled 2m default-scheduler Successfully assigned web-1 to n1\nWarning FailedMount 1m kubelet, n1 MountVolume.SetUp failed for volume \"a\" : x",
            &["Pod /web-1 Scheduled", "Pod /web-1 FailedMount"],
        ),
        (
            "Warning BackOff 1m (x5 over 3m) kubelet Back-off restarting failed container app in pod web-1_shop(0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60)",
            &["Pod shop/web-1 BackOff"],
        ),
        (
            "$ kubectl describe pod web-1 -n shop\nEvents:\n  Warning Failed 1m kubelet Error: ErrImagePull",
            &["Pod shop/web-1 Failed"],
        ),
        (
            "Warning FailedCreate 5s (x3 over 9s) replicaset-controller Error creating: pods \"web-5d4f-x2k4j\" is forbidden: exceeded quota: team, requested: pods=1, used: pods=2, limited: pods=2",
            &["ReplicaSet /web-5d4f FailedCreate"],
        ),
        (
            "59m 6d 12 web-5d4f.1576a87b365ab1e4 ReplicaSet Warning FailedCreate replicaset-controller Error creating: x",
            &["ReplicaSet /web-5d4f FailedCreate"],
        ),
        (
            "12m Warning FailedPreStopHook Pod Exec lifecycle hook ([x]) for Container \"app\" in Pod \"web-1_shop(0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60)\" failed - error: command 'x' exited with 1: y",
            &["Pod shop/web-1 FailedPreStopHook"],
        ),
        (
            "51m Warning Evicted pod/web-1 The node was low on resource: memory.",
            &["Pod /web-1 Evicted"],
        ),
        (
            "NAME READY STATUS RESTARTS AGE\nweb-1 0/1 ImagePullBackOff 0 5m\n\nEvents:\n  Warning Failed 1m kubelet Error: ErrImagePull",
            &["Pod /web-1 Failed"],
        ),
    ];
    for (pasted, expect) in rows {
        assert_eq!(about(&read(pasted)), *expect, "{pasted}");
    }
    // Two pods were shown before: nothing tells whose events these are.
    let of_two = read(
        "NAME READY STATUS RESTARTS AGE\nweb-1 1/1 Running 0 5m\nweb-2 0/1 Error 0 5m\n\nEvents:\n  Warning Failed 1m kubelet Error: ErrImagePull",
    );
    assert_eq!((about(&of_two).len(), of_two.loose.len()), (0, 1));
}

#[test]
fn a_success_of_the_scheduler_tells_the_node() {
    let pasted = read(
        "QoS Class: BestEffort\nNode-Selectors: <none>\nTolerations: <none>\nEvents:\n  Warning FailedScheduling 2m default-scheduler 0/1 nodes are available: 1 Insufficient cpu.\n  Normal Scheduled 1m default-scheduler Successfully assigned shop/web-1 to n1",
    );
    let pod = &pasted.objects[0];
    assert_eq!(
        (text(pod, "/metadata/name"), text(pod, "/spec/nodeName")),
        ("web-1", "n1")
    );
}

#[test]
fn a_containers_state_without_its_pod() {
    let reason = "/status/containerStatuses/0/lastState/terminated/reason";
    for pasted in [
        "Last State:     Terminated\n  Reason:       OOMKilled\n  Exit Code:    137",
        "    State:          Running\n    Last State:     Terminated\n      Reason:       OOMKilled\n      Exit Code:    137\n    Restart Count:  3",
        "  app:\n    Container ID:   x://y\n    Last State:     Terminated\n      Reason:       OOMKilled\n      Exit Code:    137\nConditions:\n  Type   Status\n  Ready  False",
        "State:          Waiting\n      Reason:       CrashLoopBackOff\n    Last State:     Terminated\n      Reason:       OOMKilled\n      Exit Code:    137",
        "Image: a/b:1\nState: Running\nLast State: Terminated\nReason: OOMKilled\nExit Code: 137\nReady: True",
    ] {
        let found = read(pasted);
        let pod = found.objects.first().unwrap_or_else(|| panic!("{pasted}"));
        assert_eq!(
            (text(pod, "/metadata/name"), text(pod, reason)),
            ("unnamed", "OOMKilled"),
            "{pasted}"
        );
    }
    let two = read(
        "  app:\n    Container ID: x://y\n    State: Running\n  side:\n    Container ID: x://z\n    State: Waiting\n      Reason: CrashLoopBackOff",
    );
    assert_eq!(text(&two.objects[0], "/status/containerStatuses/1/name"), "side");
    let named =
        read("  app:\n    Container ID: x://y\n    State: Terminated\n      Exit Code: 1\n    Ready: False");
    assert_eq!(text(&named.objects[0], "/status/containerStatuses/0/name"), "app");
}

#[test]
fn a_pods_status_without_its_name() {
    for pasted in [
        "Status:   Failed\nReason:   Evicted\nMessage:  The node was low on resource: memory. ",
        "`Status:   Failed\nReason:   Evicted\nMessage:  The node was low on resource: memory. \n`",
    ] {
        let pod = &read(pasted).objects[0];
        assert_eq!(
            (text(pod, "/status/phase"), text(pod, "/status/reason")),
            ("Failed", "Evicted")
        );
    }
}

#[test]
fn a_nodes_conditions_without_its_name() {
    let pasted = read(
        "Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage\n  ----\t------\t---\t---\t------\t-------\n  Ready\tUnknown\tSat, 05 Nov 2016 00:01:27 +0000\tSat, 05 Nov 2016 00:02:27 +0000\tNodeStatusUnknown\tKubelet stopped posting node status.",
    );
    let node = &pasted.objects[0];
    assert_eq!(
        (text(node, "/kind"), text(node, "/status/conditions/0/status")),
        ("Node", "Unknown")
    );
}

#[test]
fn custom_columns_are_events() {
    let pasted = read(
        "TIME REASON MSG\n2021-07-01T13:58:33Z  Unhealthy  Liveness probe failed: \n2021-07-01T13:58:40Z  Pulling  Pulling image \"a/b:1\"",
    );
    let reasons: Vec<_> = pasted
        .loose
        .iter()
        .filter_map(|it| it.reason.as_deref())
        .collect();
    assert_eq!(reasons, ["Unhealthy", "Pulling"]);
}

#[test]
fn a_schedulers_sentence_of_several_lines_is_one() {
    let pasted = read(
        "0/5 nodes are available:\n2 Insufficient cpu,\n1 node(s) had taint {a: b},\nthat the pod didn't tolerate, 2 Insufficient memory.\nEach of these lines is a reason.",
    );
    let reasons = pasted
        .loose
        .iter()
        .flat_map(|it| &it.facts)
        .find_map(|fact| match fact {
            Fact::Unschedulable(it) => Some(&it.reasons),
            _ => None,
        });
    let reasons = reasons.expect("a fact");
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert!(matches!(&reasons[2], (2, NodeReason::Insufficient(resource)) if resource == "memory"));
}

#[test]
fn a_kubelets_line_without_a_pod_is_about_the_only_one() {
    let pasted = read(
        "Warning FailedMount 1m kubelet Unable to mount volumes for pod \"web-1_shop(0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60)\": timeout expired waiting for volumes to attach/mount for pod \"web-1\"/\"shop\". list of unattached/unmounted volumes=[a]\n\nE0831 04:12:41.868086    3570 configmap.go:157] Couldn't get configMap shop/a: configmaps \"a\" not found",
    );
    let pod = pasted.node_lines[0].pod.as_ref().expect("a pod");
    assert_eq!((pod.namespace.as_str(), pod.name.as_str()), ("shop", "web-1"));
}

#[test]
fn rows_left_out_do_not_end_a_table() {
    let pasted = read("NAME READY STATUS RESTARTS AGE\n[...]\nweb-1 0/1 Error 0 5m");
    assert_eq!(text(&pasted.objects[0], "/metadata/name"), "web-1");
}

#[test]
fn rows_of_pods_without_their_header() {
    for (row, namespace, node) in [
        ("web-1   0/1   Error   3 (2m ago)   5m", "", ""),
        ("shop web-1 0/1 Init:0/1 0 5m", "shop", ""),
        ("web-1   0/1   Error   3   5m   10.0.0.4   n1", "", "n1"),
    ] {
        let pod = &read(row).objects[0];
        let found = [
            text(pod, "/metadata/name"),
            text(pod, "/metadata/namespace"),
            text(pod, "/spec/nodeName"),
        ];
        assert_eq!(found, ["web-1", namespace, node], "{row}");
    }
    for row in ["the job 3/4 Done after 5 5m", "web-1 0/1 Error twice 5m"] {
        assert!(read(row).objects.is_empty(), "{row}");
    }
}

#[test]
fn the_answer_of_logs_names_the_waiting_container() {
    let pasted = read(
        "Error from server (BadRequest): container \"app\" in pod \"web-1\" is waiting to start: trying and failing to pull image",
    );
    let reason = "/status/containerStatuses/0/state/waiting/reason";
    assert_eq!(text(&pasted.objects[0], reason), "ImagePullBackOff");
    let starting = read("container \"app\" in pod \"web-1\" is waiting to start: PodInitializing");
    assert!(starting.objects.is_empty());
}

#[test]
fn events_of_one_unnamed_pod_stay_together() {
    let pasted = read(
        "Warning FailedAttachVolume 71s attachdetach-controller Multi-Attach error for volume \"a\" x\nNormal Started 37s kubelet, n1 Started container app",
    );
    assert_eq!(
        about(&pasted),
        ["Pod /unnamed FailedAttachVolume", "Pod /unnamed Started"]
    );
    // A warning alone is a message like any other.
    assert!(
        about(&read(
            "Warning FailedMount 71s kubelet MountVolume.SetUp failed for volume \"a\" : x"
        ))
        .is_empty()
    );
}

#[test]
fn a_claim_names_the_pods_that_use_it() {
    let pasted = read(
        "Name: data\nNamespace: shop\nStorageClass: fast\nStatus: Pending\nVolumeMode: Filesystem\nUsed By: db-0\n         db-1\nEvents: <none>",
    );
    let pods = pasted.objects.iter().filter(|it| text(it, "/kind") == "Pod");
    let claim = "/spec/volumes/0/persistentVolumeClaim/claimName";
    let found: Vec<_> = pods
        .map(|pod| (text(pod, "/metadata/name"), text(pod, claim)))
        .collect();
    assert_eq!(found, [("db-0", "data"), ("db-1", "data")]);
}

#[test]
fn wide_rows_without_their_header() {
    let pasted = read(
        "24s   Warning   Unhealthy   pod/web-1   spec.containers{app}   kubelet, n1   Readiness probe failed: x y   24s   1   web-1.186fd5339090f256",
    );
    let event = &pasted.objects[0];
    let found = ["/involvedObject/fieldPath", "/source/component", "/message"].map(|it| text(event, it));
    assert_eq!(
        found,
        ["spec.containers{app}", "kubelet", "Readiness probe failed: x y"]
    );
}

#[test]
fn marks_and_frames_go() {
    for pasted in [
        "**Warning Failed 3m (x4 over 9m) kubelet Error: a b**",
        "\u{2502} Warning Failed 3m (x4 over 9m) kubelet Error: a b        \u{2502}",
        "Warning Failed 3m (x4 over 9m) kubelet E**rror: a b**",
    ] {
        assert_eq!(read(pasted).loose[0].text, "Error: a b", "{pasted}");
    }
    // Patterns of paths stay.
    assert!(
        read("Error: failed to pull image \"a/**/b\" and **x**").loose[0]
            .text
            .contains("/**/")
    );
}

#[test]
fn the_output_of_mount_is_one_message() {
    let output = "MountVolume.SetUp failed for volume \"a\" : mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t nfs 10.0.0.1:/x /y\nOutput: mount: wrong fs type on 10.0.0.1:/x,\n       missing codepage or helper program\n       (for several filesystems (e.g. nfs) you might\n       need a /sbin/mount.<type> helper program)";
    for head in [
        "",
        "E0809 20:45:58.053442 6432 nestedpendingoperations.go:233] Operation failed. Error: ",
    ] {
        let pasted = read(&format!("{head}{output}"));
        let facts = pasted.loose.iter().flat_map(|it| &it.facts);
        let mut facts = facts.chain(pasted.node_lines.iter().flat_map(|it| &it.facts));
        let missing = |fact: &Fact| matches!(fact, Fact::Volume(it) if matches!(&it.failure, VolumeFailure::HelperMissing { helper } if helper == "nfs"));
        assert!(facts.any(missing), "{head}: {pasted:?}");
    }
    let tested = format!(
        "Sep 19 21:23:15.975: INFO: At 2018-09-19 21:18:00 +0000 UTC - event for web-1: {{kubelet n1}} FailedMount: {output}"
    );
    assert_eq!(about(&read(&tested)), ["Pod /web-1 FailedMount"]);
}

#[test]
fn a_description_that_nobody_knows_is_read_by_its_lines() {
    let pasted = read(
        "Name: x\nNamespace: y\nMessage: MountVolume.SetUp failed for volume \"a\" : mount failed: exit status 32",
    );
    assert_eq!((pasted.objects.len(), pasted.loose.len()), (0, 1));
}

#[test]
fn what_a_session_answers_is_no_log() {
    const FAILED: &str = "OCI runtime exec failed: exec failed: exec: \"/bin/bash\": stat /bin/bash: no such file or directory: unknown";
    let pasted = read(&format!("$ kubectl exec -it web-1 -- bash\n{FAILED}"));
    assert!(pasted.logs.is_empty() && pasted.loose.is_empty(), "{pasted:?}");
}

#[test]
fn a_sentence_that_names_a_status_is_no_reason() {
    let pasted = read(
        "I get this `web-1   0/1   ImagePullBackOff`\nFailed to pull image \"r.example/a:1\": x509: certificate signed by unknown authority",
    );
    let reasons = pasted.loose.iter().flat_map(|it| &it.facts);
    let failed = reasons.filter(|it| matches!(it, Fact::Pull(crate::fact::PullFact::Failed { .. })));
    assert_eq!(failed.count(), 1);
}

#[test]
fn a_pod_without_its_head_has_the_name_that_the_rest_of_the_text_tells() {
    let part = "    State:          Waiting\n      Reason:       ImagePullBackOff\n    Ready:          False\n    Restart Count:  0\n\n";
    for (rest, name) in [
        (
            "LAST SEEN   TYPE      REASON   OBJECT      MESSAGE\n3m          Warning   Failed   pod/web-1   Failed to pull image \"a\": not found\n",
            "web-1",
        ),
        (
            "NAME    READY   STATUS             RESTARTS   AGE\nweb-1   0/1     ImagePullBackOff   0          3m\n",
            "web-1",
        ),
        (
            "NAME    READY   STATUS             RESTARTS   AGE\nweb-1   0/1     ImagePullBackOff   0          3m\nweb-2   1/1     Running   0          3m\n",
            "unnamed",
        ),
    ] {
        let pasted = read(&format!("{part}{rest}"));
        let described = pasted.objects.iter().zip(&pasted.partial);
        let names: Vec<_> = described
            .filter(|(_, part)| part.origin == crate::paste::Origin::Describe)
            .map(|(object, _)| text(object, "/metadata/name"))
            .collect();
        assert_eq!(names, [name], "{rest}");
    }
}

/// The word of a status counts where a status stands: not in a URL, a heading, a guide or a tale of old.
#[test]
fn a_word_of_a_status_is_one_in_its_place_only() {
    for (text, counts) in [
        ("web-1   0/1   ImagePullBackOff   0   5m", true),
        ("Reason: ImagePullBackOff", true),
        (
            "my pod web-1 is stuck in ImagePullBackOff since this morning",
            true,
        ),
        ("pod web-1 is in ErrImagePull", true),
        (
            "10.0.1.6 - - [21/Nov/2026:10:00:01 +0000] \"GET /docs/ImagePullBackOff HTTP/1.1\" 200 8 \"-\" \"m\"",
            false,
        ),
        (
            "see https://wiki.example/k8s/ImagePullBackOff.html for more",
            false,
        ),
        ("If it shows ImagePullBackOff, check the tag:", false),
        ("## How we handle ImagePullBackOff", false),
        (
            "time=\"2026-11-21T10:00:01Z\" level=info msg=\"alert resolved: ImagePullBackOff in ns dev\"",
            false,
        ),
        (
            "ImagePullBackOff is an error that Kubernetes shows for a pod whose image could not be pulled from its registry.",
            false,
        ),
        (
            "Yesterday a pod in staging was in ImagePullBackOff, it is fixed now",
            false,
        ),
        (
            "alerts: CrashLoopBackOff, ImagePullBackOff and OOMKilled are sent to the channel of the team",
            false,
        ),
    ] {
        let pasted = read(text);
        let any = pasted.loose.iter().any(|it| !it.facts.is_empty()) || !pasted.objects.is_empty();
        assert_eq!(any, counts, "{text}: {pasted:?}");
    }
}

/// Lines of a format that is known and words that are not are no clean bill.
#[test]
fn unknown_words_in_a_known_format_are_not_understood() {
    for (text, unknown) in [
        (
            "E1121 06:00:03.411231    1311 foo.go:1] \"Something entirely unknown went wrong\" err=\"disk on fire\"",
            1,
        ),
        (
            "I1121 06:00:03.411231    1311 foo.go:1] \"Something entirely unknown goes on\"",
            0,
        ),
        (
            "time=\"2026-11-21T08:44:12Z\" level=error msg=\"RunPodSandbox for &PodSandboxMetadata{Name:a} is odd\"",
            0,
        ),
        (
            "LAST SEEN   TYPE      REASON         OBJECT   MESSAGE\n3m          Warning   FancyFailure   pod/x    the flux capacitor is broken",
            1,
        ),
        (
            "LAST SEEN   TYPE     REASON       OBJECT   MESSAGE\n3m          Normal   FancyThing   pod/x    the flux capacitor is well",
            0,
        ),
    ] {
        assert_eq!(read(text).not_understood_count, unknown, "{text}");
    }
}
