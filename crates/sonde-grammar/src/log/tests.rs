//! Properties of every log reader: no input panics, and work grows with the input.

use proptest::prelude::*;

use super::*;

/// One line of each format; cut and spliced, they reach the deep parts of the parsers.
const CORPUS: &[&str] = &[
    "[12345.678901][ T12] runc:[2:INIT] invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=-998",
    "Nov 21 12:31:01 n1 kernel: [1.000002] oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/a/b,task_memcg=/a/b/c,task=x,pid=5,uid=0",
    "Memory cgroup out of memory: Killed process 5 (x) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB oom_score_adj:-997",
    "Task in /a/b killed as a result of limit of /a",
    "[  777]     0   777     3000      500    20480        0          -998 runc:[2:INIT]",
    "E1121 12:31:01.123456    1234 pod_workers.go:1301] \"Error syncing pod, skipping\" err=\"failed to \\\"StartContainer\\\" for \\\"app\\\" with CrashLoopBackOff: \\\"back-off 5m0s restarting failed container=app pod=web-1_shop(0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60)\\\"\" pod=\"shop/web-1\" output=<",
    "\tHTTP probe failed with statuscode: 500",
    " >",
    "{\"ts\":1795000000123.4,\"caller\":\"kubelet/x.go:9\",\"msg\":\"Probe failed\",\"pod\":{\"name\":\"w\",\"namespace\":\"s\"},\"err\":\"x\"}",
    "time=\"2026-11-21T12:31:01.1Z\" level=error msg=\"RunPodSandbox for &PodSandboxMetadata{Name:x,Uid:u,Namespace:n,Attempt:0,} failed\" error=\"x \\\"y\\\"\"",
    "2026-11-21T12:31:01.123456789Z stderr F Caused by: java.net.ConnectException: Connection refused: db/10.0.0.1:5432",
    "{\"log\":\"{\\\"log\\\":\\\"dial tcp: lookup db on 1.1.1.1:53: no such host\\\\n\\\"}\\n\",\"time\":\"2026-11-21T12:31:01Z\"}",
    "\u{1b}[32mcheckout-7d9fbb-x2b4k\u{1b}[0m app /run.sh: line 3: /app/\u{e9}: No such file or directory ‘x’",
    "Waiting for d\u{fc}b:5432\u{2026}",
];

fn damaged_text() -> impl Strategy<Value = String> {
    let piece = (
        0..CORPUS.len(),
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        any::<bool>(),
    )
        .prop_map(|(line, from, to, newline)| {
            let chars: Vec<char> = CORPUS[line].chars().collect();
            let (from, to) = (from.index(chars.len() + 1), to.index(chars.len() + 1));
            let mut piece: String = chars[from.min(to)..from.max(to)].iter().collect();
            if newline {
                piece.push('\n');
            }
            piece
        });
    prop::collection::vec(
        prop_oneof![4 => piece, 1 => "\\PC{0,12}", 1 => Just("\n".to_owned())],
        0..24,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_panics(text in damaged_text()) {
        let lines: Vec<&str> = text.split('\n').collect();
        let found = kernel(&lines);
        prop_assert!(found.iter().all(|line| line.line < lines.len()));
        for hint in [None, Some(NodeLog::Kubelet), Some(NodeLog::Containerd), Some(NodeLog::Kernel)] {
            let found = node(&lines, hint, Some(2026));
            prop_assert!(found.iter().all(|line| line.line < lines.len()));
        }
        prop_assert!(application(&lines).len() <= 12);
        for line in lines {
            unwrap_line(line);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.split('\n').collect();
        kernel(&lines);
        node(&lines, Some(NodeLog::Kubelet), None);
        application(&lines);
    }
}

#[test]
fn a_line_is_cut_not_swallowed() {
    let long = format!(
        "E1121 12:31:01.1 1 x.go:1] \"m\" err=\"{}",
        "([{\\\"=".repeat(200_000)
    );
    let lines = vec![long.as_str(); 20];
    node(&lines, None, None);
    application(&lines);
    kernel(&lines);
}

#[test]
fn a_log_tells_its_span_by_lines_that_say_nothing_else() {
    let text = "-- Journal begins --\nMar 01 11:00:00 n1 kernel: eth0: link up\nMar 01 11:59:59 n1 kernel: eth0: link down\n\n";
    let lines: Vec<&str> = text.lines().collect();
    let span = super::span(&lines, Some(2026)).map(|(first, last)| (first.to_string(), last.to_string()));
    assert_eq!(
        span,
        Some(("2026-03-01T11:00:00Z".into(), "2026-03-01T11:59:59Z".into()))
    );
    let klog = [
        "I0301 11:00:00.000000       1 kubelet.go:1] \"SyncLoop ADD\"",
        "time=\"2026-03-01T12:00:00Z\" level=info msg=x",
    ];
    let span = super::span(&klog, Some(2026)).map(|(first, last)| last.duration_since(first).as_secs());
    assert_eq!(span, Some(3600));
    assert_eq!(super::span(&["[12.5] eth0: link up", ""], Some(2026)), None);
}

#[test]
fn words_in_place_of_a_log_are_no_log() {
    for text in [
        "unable to retrieve container logs for containerd://5ef2c0",
        "failed to try resolving symlinks in path \"/var/log/pods/shop_a_u/app/1.log\": lstat /var/log/pods/shop_a_u/app/1.log: no such file or directory\n",
        "Error from server (BadRequest): container \"app\" in pod \"a\" is waiting to start: ContainerCreating\n",
    ] {
        assert!(super::is_no_log(text), "{text}");
    }
    for text in [
        "",
        "\n",
        "started\nunable to retrieve container logs for containerd://5ef2c0",
        "ready",
    ] {
        assert!(!super::is_no_log(text), "{text}");
    }
}
