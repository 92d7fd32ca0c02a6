//! The logs in a `kubectl cluster-info dump`: each between two lines that name its container.

use sonde_diagnose::LogKey;

/// Takes the marked logs out of a text; returns the rest where there are any.
pub(super) fn split(text: &str) -> (Vec<(LogKey, String)>, Option<String>) {
    let mut logs = Vec::new();
    if !text.contains("==== START logs for container ") {
        return (logs, None);
    }
    let mut rest = String::new();
    let mut open: Option<(LogKey, String)> = None;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        if let Some(key) = key(content, "==== START logs for container ") {
            // A log that is cut has no end line.
            logs.extend(open.replace((key, String::new())));
        } else if let Some((have, _)) = &open
            && key(content, "==== END logs for container ").as_ref() == Some(have)
        {
            logs.extend(open.take());
        } else if let Some((_, log)) = &mut open {
            log.push_str(line);
        } else {
            rest.push_str(line);
        }
    }
    logs.extend(open);
    logs.retain(|(_, log)| !log.trim().is_empty());
    (logs, Some(rest))
}

/// `==== START logs for container app of pod shop/web-0 ====`.
fn key(line: &str, start: &str) -> Option<LogKey> {
    let names = line.strip_prefix(start)?.strip_suffix(" ====")?;
    let (container, pod) = names.split_once(" of pod ")?;
    let (namespace, pod) = pod.split_once('/')?;
    Some(LogKey {
        namespace: namespace.into(),
        pod: pod.into(),
        container: container.into(),
        previous: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_log_goes_to_its_container() {
        let text = "before\n==== START logs for container a of pod shop/web-0 ====\nx\ny\n==== END logs for container a of pod shop/web-0 ====\n\
                    ==== START logs for container b of pod shop/web-0 ====\n==== END logs for container b of pod shop/web-0 ====\n\
                    after\n==== START logs for container c of pod shop/web-0 ====\ncut";
        let (logs, rest) = split(text);
        let logs: Vec<_> = logs
            .iter()
            .map(|(key, log)| (&*key.container, log.as_str()))
            .collect();
        assert_eq!(logs, [("a", "x\ny\n"), ("c", "cut")]);
        assert_eq!(rest.as_deref(), Some("before\nafter\n"));
        assert_eq!(split("nothing marked"), (Vec::new(), None));
    }
}
