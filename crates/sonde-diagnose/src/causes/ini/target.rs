//! What an init container waits for: from its log, else from its command.

use std::collections::BTreeSet;

use sonde_grammar::log::AppSign;
use sonde_model::{Kind, ObjectRef, nearest};
use sonde_world::view::{EndpointSlice, Endpoints};

use crate::{Facts, Seen, field_on};

/// What is waited for.
pub(super) struct Target {
    /// `db`, `db:5432`, or the words of the log.
    pub(super) name: String,
    /// Where it was seen.
    pub(super) seen: Seen,
    /// The log says it, not only the command.
    pub(super) said: bool,
    /// Of those words, what can be a service: its namespace and name.
    services: Vec<ObjectRef>,
}

/// What is known about the service behind it.
pub(super) enum Behind {
    /// It does not exist; a name that is nearly the same.
    Absent(ObjectRef, Seen, Option<String>),
    /// It has no ready endpoint.
    Empty(ObjectRef, Seen),
    /// It has.
    Ready(ObjectRef, Seen),
    Unknown,
}

/// What the episode's init container waits for, where anything shows it.
pub(super) fn target(facts: &Facts<'_>) -> Option<Target> {
    let (container, path) = facts.container()?;
    let words: Vec<&String> = container.command.iter().chain(&container.args).collect();
    let in_command: BTreeSet<String> = words
        .iter()
        .flat_map(|words| hosts(words))
        .map(|(host, _)| host)
        .collect();
    let said = facts.last_word(|sign| match sign {
        AppSign::Waiting { target } => Some(target.clone()),
        AppSign::NameResolution { host: Some(host) } => Some(host.clone()),
        AppSign::ConnectionRefused { target: Some(target) }
        | AppSign::ConnectTimeout { target: Some(target) }
        | AppSign::ConnectionReset { target: Some(target) } => Some(target.clone()),
        _ => None,
    });
    // The command asks an address: what the log calls it is only a name.
    let address = words.iter().find_map(|words| address(words));
    if let Some((said, seen)) = &said
        && let Some(address) = &address
        && !said.contains(address.split(':').next().unwrap_or(address))
    {
        return Some(Target {
            name: format!("{address} (in its own words {said})"),
            seen: seen.clone(),
            said: true,
            services: Vec::new(),
        });
    }
    if let Some((name, seen)) = said {
        let services = services(facts, &name, &in_command);
        return Some(Target {
            name,
            seen,
            said: true,
            services,
        });
    }
    // A loop around a question to a host: nearly every such container is written so.
    let text = words
        .iter()
        .map(|word| word.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    const WAITS: &[&str] = &["until ", "while ", "wait-for", "wait_for", "dockerize", "waitfor"];
    if !WAITS.iter().any(|sign| text.contains(sign)) {
        return None;
    }
    let (name, strong) = words
        .iter()
        .flat_map(|words| hosts(words))
        .max_by_key(|(_, strong)| *strong)?;
    if !strong {
        return None;
    }
    let field = if container.command.is_empty() {
        "args"
    } else {
        "command"
    };
    let services = services(facts, &name, &in_command);
    Some(Target {
        seen: facts.field(&format!("{path}.{field}"), text),
        name,
        said: false,
        services,
    })
}

impl Target {
    /// Whether the cluster has it.
    pub(super) fn behind(&self, facts: &Facts<'_>) -> Behind {
        for service in &self.services {
            if facts.snapshot.get(service).is_some() {
                return endpoints(facts, service);
            }
        }
        let Some(service) = self.services.first() else {
            return Behind::Unknown;
        };
        match facts.absence(service) {
            Some(seen) => {
                let names: Vec<&str> = facts
                    .snapshot
                    .in_namespace(Kind::Service, &service.namespace)
                    .map(|it| &*it.reference.name)
                    .collect();
                let near = nearest(&service.name, names).map(ToOwned::to_owned);
                Behind::Absent(service.clone(), seen, near)
            }
            None => Behind::Unknown,
        }
    }
}

fn endpoints(facts: &Facts<'_>, service: &ObjectRef) -> Behind {
    let namespace = &service.namespace;
    let slices: Vec<EndpointSlice> = facts
        .snapshot
        .in_namespace(Kind::EndpointSlice, namespace)
        .filter(|slice| slice.label("kubernetes.io/service-name") == Some(&*service.name))
        .filter_map(|slice| facts.snapshot.view(&slice.reference))
        .collect();
    let old: Option<Endpoints> =
        facts
            .snapshot
            .view(&ObjectRef::new(Kind::Endpoints, namespace, &service.name));
    let known = facts.snapshot.is_complete(&Kind::EndpointSlice, namespace) || old.is_some();
    let in_slices = slices
        .iter()
        .flat_map(|slice| &slice.endpoints)
        .filter(|it| it.conditions.ready != Some(false))
        .count();
    let in_old = old.map_or(0, |it| {
        it.subsets.iter().map(|subset| subset.addresses.len()).sum()
    });
    let ready = in_slices.max(in_old);
    let seen = field_on(service, "endpoints", format!("{ready} ready"));
    match (ready, known) {
        (0, true) => Behind::Empty(service.clone(), seen),
        (0, false) => Behind::Unknown,
        _ => Behind::Ready(service.clone(), seen),
    }
}

/// What of the words can be a service, likeliest first: what has a port or a domain, what the command names too, what
/// exists.
fn services(facts: &Facts<'_>, words: &str, in_command: &BTreeSet<String>) -> Vec<ObjectRef> {
    let mut found: Vec<(u8, ObjectRef)> = Vec::new();
    for (host, strong) in hosts(words) {
        let Some(service) = service(facts, &host) else {
            continue;
        };
        let rank = match () {
            () if strong => 3,
            () if in_command.contains(&host) => 2,
            () if facts.snapshot.get(&service).is_some() => 1,
            // One word alone is a name; words of a sentence are not.
            () if !words.trim().contains(char::is_whitespace) => 1,
            () => continue,
        };
        found.push((rank, service));
    }
    found.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    found.into_iter().map(|(_, service)| service).collect()
}

/// `db`, `db.shop`, `db.shop.svc.cluster.local`; no address and no name of the outer world.
fn service(facts: &Facts<'_>, host: &str) -> Option<ObjectRef> {
    let mut labels = host.split('.');
    let name = labels.next()?;
    let namespace = labels.next();
    if labels.next().is_some_and(|label| label != "svc") {
        return None;
    }
    // `example.com` has two labels too; a namespace that is known, or a whole name of a service, tells.
    if let Some(namespace) = namespace
        && !host.contains(".svc")
        && facts
            .snapshot
            .in_namespace(Kind::Service, namespace)
            .next()
            .is_none()
    {
        return None;
    }
    let namespace = namespace.unwrap_or(&facts.episode.subject.namespace);
    Some(ObjectRef::new(Kind::Service, namespace, name))
}

/// The host names in a text; whether the text shows that they are hosts (a port, a scheme, a tool's argument).
fn hosts(text: &str) -> Vec<(String, bool)> {
    const TOOLS: &[&str] = &[
        "nslookup", "nc", "ncat", "ping", "-h", "--host", "dig", "host", "getent", "hosts", "ahosts",
        "telnet",
    ];
    const WORDS: &[&str] = &[
        "until", "while", "do", "done", "sleep", "echo", "waiting", "for", "the", "to", "be", "is", "ready",
        "sh", "and", "or", "not", "on", "in", "if", "then", "fi", "true", "false", "up", "host", "hosts",
        "database", "service", "server", "wait", "exit", "dev", "null",
    ];
    let mut found = Vec::new();
    let mut before_tool = false;
    let separators = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                ';' | '"' | '\'' | '`' | '(' | ')' | '|' | '&' | '<' | '>' | ',' | '='
            )
    };
    for word in text.split(separators).filter(|word| !word.is_empty()) {
        let (bare, scheme) = match word.split_once("://") {
            Some((_, rest)) => (rest, true),
            None => (word, false),
        };
        let authority = bare.split(['/', '?']).next().unwrap_or(bare);
        let authority = authority.rsplit('@').next().unwrap_or(authority);
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (
                host,
                !port.is_empty() && port.trim_end_matches('.').bytes().all(|b| b.is_ascii_digit()),
            ),
            None => (authority, false),
        };
        let host = host.trim_end_matches(['.', '\u{2026}', '!']);
        if TOOLS.contains(&word) {
            before_tool = true;
            continue;
        }
        // Options between a tool and its argument: `nc -z db 5432`.
        if word.starts_with('-') {
            continue;
        }
        let plausible = host.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
            && host
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
            && !WORDS.contains(&host)
            // A path's last part is a file, not a host.
            && (scheme || !bare.contains('/'));
        if plausible {
            found.push((host.to_owned(), scheme || port || before_tool));
        }
        before_tool = false;
    }
    found
}

/// The first IPv4 address in a text, with the port beside it: `nc -z 10.96.0.9 5432`.
fn address(text: &str) -> Option<String> {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ';' | '"' | '\'' | '/' | '(' | ')' | '@'))
        .filter(|word| !word.is_empty())
        .collect();
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    let is_address = |word: &str| {
        let parts: Vec<&str> = word.split('.').collect();
        parts.len() == 4 && parts.iter().all(|part| part.len() <= 3 && is_number(part))
    };
    let at = words
        .iter()
        .position(|word| is_address(word.split(':').next().unwrap_or(word)))?;
    let next = words.get(at + 1).filter(|word| is_number(word));
    Some(match next {
        Some(port) if !words[at].contains(':') => format!("{}:{port}", words[at]),
        _ => words[at].to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{address, hosts};

    #[test]
    fn addresses_in_commands() {
        for (text, expected) in [
            (
                "until nc -z -w 1 10.96.77.77 5432; do echo waiting for postgres; done",
                Some("10.96.77.77:5432"),
            ),
            (
                "until curl http://10.0.0.7:8080/ready; do sleep 1; done",
                Some("10.0.0.7:8080"),
            ),
            ("until nslookup db; do sleep 1.5; done", None),
        ] {
            assert_eq!(address(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn hosts_in_commands_and_logs() {
        for (text, strong) in [
            (
                "until nslookup orders-db; do echo waiting for orders-db; sleep 2; done",
                "orders-db",
            ),
            ("while ! nc -z db 5432; do sleep 1; done", "db"),
            (
                "until pg_isready -h postgres.shop -p 5432; do sleep 1; done",
                "postgres.shop",
            ),
            ("/wait-for-it.sh redis:6379 -t 0", "redis"),
            (
                "until wget -qO- http://api.shop.svc:8080/healthz; do sleep 1; done",
                "api.shop.svc",
            ),
            ("dockerize -wait tcp://mq:5672", "mq"),
            ("db:5432...", "db"),
        ] {
            let found = hosts(text);
            assert!(
                found.iter().any(|(host, is)| host == strong && *is),
                "{text}: {found:?}"
            );
            let wrong = found.iter().any(|(host, is)| host != strong && *is);
            assert!(!wrong, "{text}: {found:?}");
        }
        assert!(
            hosts("sleep 3600 && exec /bin/migrate --all")
                .iter()
                .all(|(_, strong)| !strong)
        );
    }
}
