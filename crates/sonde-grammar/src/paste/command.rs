//! Prompt lines: `$ kubectl -n shop describe pod web-1`.

use sonde_model::Kind;

/// A kubectl command that the paste shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Command {
    pub(crate) verb: String,
    pub(crate) kind: Option<Kind>,
    pub(crate) name: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) container: Option<String>,
    pub(crate) previous: bool,
    /// `journalctl`, `dmesg`, `crictl`: the program where it is not kubectl.
    pub(crate) program: String,
    /// `journalctl -u kubelet`.
    pub(crate) unit: Option<String>,
}

const PROGRAMS: [&str; 11] = [
    "kubectl",
    "k",
    "oc",
    "microk8s",
    "k3s",
    "minikube",
    "journalctl",
    "dmesg",
    "crictl",
    "docker",
    "stern",
];

/// The command of a line that shows a prompt, or begins with a known program.
pub(crate) fn command(line: &str) -> Option<Command> {
    let words: Vec<&str> = line.split_whitespace().take(40).collect();
    let at = words
        .iter()
        .take(8)
        .position(|word| PROGRAMS.contains(&program_of(word)))?;
    // Before the program: nothing, a prompt, `sudo`, an assignment; not a sentence.
    let is_prompt = |word: &str| word.ends_with(['$', '#', '%', '>', '❯', '→', '➜', ')', ']', '~']);
    let prompted = words[..at]
        .iter()
        .all(|word| is_prompt(word) || *word == "sudo" || word.contains(['=', '@', ':']));
    // `[me@host dir]$`, `host ~]#`: a prompt of several words ends in its sign.
    let ends_in_sign =
        at > 0 && at <= 3 && words[at - 1].ends_with(['$', '#', '❯', '➜']) && words[at - 1].len() > 1;
    if !(prompted || ends_in_sign) || words.len() < at + 2 && words[at] != "dmesg" {
        return None;
    }
    let program = program_of(words[at]);
    let mut args = words[at + 1..].iter().copied().peekable();
    if matches!(program, "microk8s" | "k3s" | "minikube") {
        while args.next_if(|word| matches!(*word, "kubectl" | "--")).is_some() {}
    }
    let mut command = Command {
        program: program.to_owned(),
        ..Command::default()
    };
    let mut positional: Vec<&str> = Vec::new();
    while let Some(word) = args.next() {
        let (flag, value) = word.split_once('=').map_or((word, None), |(f, v)| (f, Some(v)));
        match flag {
            "|" | "&&" | ";" | ">" | "#" | "||" => break,
            "-n" | "--namespace" => command.namespace = value.or_else(|| args.next()).map(str::to_owned),
            "-c" | "--container" => command.container = value.or_else(|| args.next()).map(str::to_owned),
            "-u" | "--unit" => command.unit = value.or_else(|| args.next()).map(str::to_owned),
            "-p" | "--previous" => command.previous = value != Some("false"),
            "-o" | "-l" | "--output" | "--selector" | "--context" | "--kubeconfig" | "--tail" | "--since"
            | "--sort-by" | "--field-selector"
                if value.is_none() =>
            {
                args.next();
            }
            _ if flag.starts_with("-n") && flag.len() > 2 && !flag.starts_with("--") => {
                command.namespace = Some(flag[2..].to_owned());
            }
            _ if flag.starts_with('-') => {}
            _ => positional.push(word),
        }
    }
    command.namespace = command.namespace.take().filter(|name| is_name(name));
    command.container = command.container.take().filter(|name| is_name(name));
    if program == "crictl" || program == "docker" || program == "stern" {
        command.verb = positional.first().map_or("", |v| v).to_owned();
        return Some(command);
    }
    let mut positional = positional.into_iter();
    command.verb = positional.next().unwrap_or_default().to_owned();
    let target = positional.next();
    let second = positional.next();
    match (command.verb.as_str(), target) {
        ("logs" | "log", Some(target)) => {
            let name = target.rsplit_once('/').map_or(target, |(_, name)| name);
            command.kind = target
                .split_once('/')
                .map_or(Some(Kind::Pod), |(kind, _)| Kind::from_user(kind));
            command.name = Some(name.to_owned());
            command.container = command.container.or(second.map(str::to_owned));
        }
        (_, Some(target)) => match target.split_once('/') {
            Some((kind, name)) => {
                command.kind = Kind::from_user(kind);
                command.name = Some(name.to_owned());
            }
            None => {
                command.kind = Kind::from_user(target);
                command.name = second.map(str::to_owned);
            }
        },
        (_, None) => {}
    }
    command.name = command.name.take().filter(|name| is_name(name));
    Some(command)
}

/// The program of a word that a prompt or a path is glued to: `#kubectl`, `C:\\kubectl.exe`, `./kubectl`.
fn program_of(word: &str) -> &str {
    let word = word.trim_start_matches(['$', '#', '>', '%', '`']);
    let word = word.rsplit(['/', '\\']).next().unwrap_or(word);
    word.strip_suffix(".exe").unwrap_or(word)
}

/// Not `<pod>`, `$POD` or `{{name}}`: those stand for a name.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts() {
        let found = command("user@host:~$ kubectl -n shop describe pod web-1 | less").unwrap();
        assert_eq!(
            (found.verb.as_str(), found.kind, found.name.as_deref()),
            ("describe", Some(Kind::Pod), Some("web-1"))
        );
        assert_eq!(found.namespace.as_deref(), Some("shop"));
        let found = command("# kubectl logs web-1 app --previous -nshop").unwrap();
        assert_eq!((found.container.as_deref(), found.previous), (Some("app"), true));
        assert_eq!(found.namespace.as_deref(), Some("shop"));
        let found = command("➜  ~ k get po -A").unwrap();
        assert_eq!(found.kind, Some(Kind::Pod));
        let found = command("$ sudo journalctl -u kubelet --since today").unwrap();
        assert_eq!(
            (found.program.as_str(), found.unit.as_deref()),
            ("journalctl", Some("kubelet"))
        );
        assert_eq!(command("I ran kubectl get pods and saw nothing"), None);
        for prompt in [
            "#kubectl",
            "host ~]$ kubectl",
            "C:\\kubectl",
            "C:\\> kubectl.exe",
            "$ /usr/bin/kubectl",
        ] {
            let found = command(&format!("{prompt} describe po web-1 -n <namespace>"));
            let found = found.unwrap_or_else(|| panic!("{prompt}"));
            assert_eq!(
                (found.name.as_deref(), found.namespace),
                (Some("web-1"), None),
                "{prompt}"
            );
        }
        assert_eq!(command("kubectl describe pod <pod>").unwrap().name, None);
        assert_eq!(command("kubectl"), None);
        assert!(command("dmesg").is_some());
    }
}
