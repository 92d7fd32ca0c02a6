//! No text panics, and work grows with the text, not faster.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::paste::read;

/// Lines of every structure; shuffled, cut and joined they reach all readers.
const CORPUS: &[&str] = &[
    "Name:             web-1",
    "Namespace:        shop",
    "Labels:           app=web",
    "Status:           Terminating (lasts 5m)",
    "Containers:",
    "Init Containers:",
    "  app:",
    "    Image:         x",
    "    Ports:         8080/TCP (http), 9090/TCP",
    "    Command:",
    "      sh",
    "    State:          Waiting",
    "      Reason:       CrashLoopBackOff",
    "      Message:      one",
    "two: at the margin",
    "    Liveness:   http-get http://:http/healthz delay=0s timeout=1s #failure=3",
    "    Environment:",
    "      K:  <set to the key 'k' in secret 's'>  Optional: false",
    "    Mounts:",
    "      /x from y (ro,path=\"z\")",
    "Conditions:",
    "  Ready   True",
    "Volumes:",
    "  data:",
    "    Type:   Projected (x)",
    "    SecretName:  s",
    "    Optional:    false",
    "QoS Class:  Burstable",
    "Tolerations:  a=b:NoExecute op=Exists for 300s",
    "Events:",
    "  Type     Reason   Age  From     Message",
    "  ----     ------   ---- ----     -------",
    "  Warning  BackOff  3m (x5 over 10m)  kubelet, n  spec.containers{app}: Back-off",
    "NAME   READY   STATUS    RESTARTS   AGE",
    "NAMESPACE   NAME   STATUS   VOLUME   CAPACITY   ACCESS MODES   STORAGECLASS   AGE",
    "a      0/1     Init:CrashLoopBackOff    5 (3m ago)   10m",
    "LAST SEEN   TYPE      REASON    OBJECT      MESSAGE",
    "3m          Warning   BackOff   pod/web-1   Back-off",
    "Resource         Used   Hard",
    "Non-terminated Pods:          (5 in total)",
    "  shop   web-1   10m (0%)   0 (0%)   1Mi (0%)   0 (0%)   3m",
    "$ kubectl logs web-1 -c app --previous",
    "apiVersion: v1",
    "kind: Pod",
    "metadata:",
    "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"metadata\": {",
    "```",
    "> quoted: x",
    "[12.345678] x invoked oom-killer: y",
    "E1121 12:31:01.1 1 x.go:1] \"Probe failed\" output=<",
    "dial tcp 10.0.0.1:80: connect: connection refused é\u{a0}",
    "",
    "",
];

fn damaged() -> impl Strategy<Value = String> {
    let line = (0..CORPUS.len(), any::<prop::sample::Index>(), 0..4_usize, 0..6_u8).prop_map(
        |(line, cut, indent, how)| {
            let text = CORPUS[line];
            let chars: Vec<char> = text.chars().collect();
            let at = cut.index(chars.len() + 1);
            let part: String = match how {
                0 => chars[..at].iter().collect(),
                1 => chars[at..].iter().collect(),
                2 => " ".repeat(indent * 2) + text,
                3 => text.trim_start().to_owned(),
                _ => text.to_owned(),
            };
            part + "\n"
        },
    );
    prop::collection::vec(prop_oneof![12 => line, 1 => "\\PC{0,20}\n"], 0..60)
        .prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn no_text_panics(text in damaged()) {
        let pasted = read(&text);
        prop_assert_eq!(pasted.objects.len(), pasted.partial.len());
        prop_assert!(pasted.objects.iter().all(|object| object["kind"].is_string()));
        // The same text in other clothes.
        read(&serde_json::to_string(&text).unwrap());
        read(&text.replace('\n', "\r\n> "));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn work_grows_with_the_text() {
    // Each line is chosen to make some reader look ahead or look back.
    for line in CORPUS.iter().chain(&[
        "Name:  x\nNamespace: y",
        "- apiVersion: v1",
        "(((((((",
        "  :",
        "a_b(0f2f7b7c-3a9d",
        "> >",
        "State:\nReady:\nImage:",
    ]) {
        let once = line.to_string() + "\n";
        let small = once.repeat(2_000 / once.len());
        let large = once.repeat(32_000 / once.len());
        // 16 times the text; what is quadratic takes 256 times as long. Another program's load can fall into one
        // measurement, hardly into the best of several.
        let took = |text: &str| {
            let start = Instant::now();
            read(text);
            start.elapsed()
        };
        let small_took = took(&small).max(took(&small)).max(Duration::from_millis(2));
        let large_took = (0..5).map(|_| took(&large)).find(|took| *took < small_took * 120);
        assert!(
            large_took.is_some(),
            "{line:?}: {small_took:?} became {:?}",
            took(&large)
        );
    }
}
