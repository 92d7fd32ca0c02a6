//! What the arguments mean: checked values with the words of the field. Still nothing here looks at the world.

pub(crate) mod selector;
pub(crate) mod subject;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use jiff::Timestamp;
use sonde_collect::live::ConnectOptions;
use sonde_model::{Kind, Severity};

use crate::args::{CollectArgs, ConnectionArgs, DiagnoseArgs};
use crate::failure::{Failure, Outcome};
use crate::render::{Format, View};
use crate::terminal;

use selector::Selector;
use subject::Subject;

/// Where the facts come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// A cluster.
    Live,
    /// A bundle, an archive or a folder.
    Dump(PathBuf),
    /// Texts; `-` is standard input.
    Paste(Vec<PathBuf>),
    /// The capture in the binary.
    Demo,
}

/// Which namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Namespaces {
    /// The context's own; everything for input that is no cluster.
    Usual,
    /// One.
    One(String),
    /// All.
    All,
}

/// How to reach a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connection {
    pub(crate) context: Option<String>,
    pub(crate) kubeconfig: Option<PathBuf>,
    pub(crate) cluster: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) impersonate: Option<String>,
    pub(crate) impersonate_groups: Vec<String>,
    /// `None` for no limit.
    pub(crate) request_timeout: Option<Duration>,
    /// The socket of this node's agent, where a person said it.
    pub(crate) agent: Option<PathBuf>,
}

impl Connection {
    /// As the adapter takes it.
    pub(crate) fn options(&self) -> ConnectOptions {
        ConnectOptions {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            impersonate: self.impersonate.clone(),
            impersonate_groups: self.impersonate_groups.clone(),
            request_timeout: self.request_timeout,
        }
    }
}

/// What is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) namespaces: Namespaces,
    /// Objects by name or by type; empty for everything.
    pub(crate) subjects: Vec<Subject>,
    pub(crate) selector: Option<Selector>,
}

impl Target {
    /// Nothing in particular was asked about.
    pub(crate) fn is_everything(&self) -> bool {
        self.namespaces == Namespaces::Usual && self.subjects.is_empty() && self.selector.is_none()
    }

    /// The target in words, to be read after "in"; empty for everything.
    pub(crate) fn words(&self, usual_namespace: Option<&str>) -> String {
        let namespace = match (&self.namespaces, usual_namespace) {
            (Namespaces::One(name), _) => format!("namespace {name}"),
            (Namespaces::Usual, Some(name)) => format!("namespace {name}"),
            (Namespaces::Usual, None) | (Namespaces::All, _) => String::new(),
        };
        let mut words: Vec<String> = self.subjects.iter().map(ToString::to_string).collect();
        if let Some(selector) = &self.selector {
            words.push(format!("what {selector} selects"));
        }
        let cluster_only =
            !self.subjects.is_empty() && self.subjects.iter().all(|it| !it.kind.is_namespaced());
        match (words.is_empty(), namespace.is_empty() || cluster_only) {
            (true, _) => namespace,
            (false, true) => words.join(", "),
            (false, false) => format!("{} of {namespace}", words.join(", ")),
        }
    }
}

/// A diagnosis to make.
#[derive(Debug, Clone)]
pub(crate) struct Diagnose {
    pub(crate) input: Input,
    pub(crate) connection: Connection,
    pub(crate) target: Target,
    pub(crate) now: Option<Timestamp>,
    pub(crate) format: Format,
    pub(crate) view: View,
    pub(crate) fail_on: Severity,
}

/// A bundle to write.
#[derive(Debug, Clone)]
pub(crate) struct Collect {
    pub(crate) connection: Connection,
    pub(crate) target: Target,
    pub(crate) output: PathBuf,
    pub(crate) force: bool,
}

impl Diagnose {
    pub(crate) fn from_args(args: DiagnoseArgs) -> Outcome<Self> {
        let input = if args.demo {
            Input::Demo
        } else if let Some(path) = args.from {
            Input::Dump(path)
        } else if args.filename.is_empty() {
            Input::Live
        } else {
            Input::Paste(args.filename)
        };
        let target = target(&args.objects, args.selector.as_deref(), &args.connection)?;
        let connection = Connection {
            agent: args.agent,
            ..connection(&args.connection)?
        };
        if input != Input::Live && names_a_cluster(&args.connection) {
            return Err(Failure::new(anyhow!(
                "--context, --cluster, --user and --as name a cluster, but the input is a file"
            ))
            .hint("leave them out, or leave out --from, -f and --demo"));
        }
        Ok(Self {
            input,
            connection,
            target,
            now: args.now.as_deref().map(now).transpose()?,
            format: args.output,
            view: View {
                width: terminal::width(),
                color: terminal::color_on(args.color),
                charset: terminal::charset(),
                all: args.all,
                info: args.show_info,
                wide: false,
                asked: String::new(),
            },
            fail_on: args.fail_on.into(),
        })
    }
}

impl Collect {
    pub(crate) fn from_args(args: CollectArgs) -> Outcome<Self> {
        Ok(Self {
            connection: Connection {
                agent: args.agent,
                ..connection(&args.connection)?
            },
            target: target(&args.objects, None, &args.connection)?,
            output: args.output,
            force: args.force,
        })
    }
}

fn target(objects: &[String], selector: Option<&str>, args: &ConnectionArgs) -> Outcome<Target> {
    let namespaces = match (&args.namespace, args.all_namespaces) {
        (_, true) => Namespaces::All,
        (Some(name), _) => Namespaces::One(name.clone()),
        (None, false) => Namespaces::Usual,
    };
    let subjects = subject::parse(objects)?;
    let selector = selector.map(selector::parse).transpose()?;
    if let (Some(_), Some(named)) = (&selector, subjects.iter().find(|it| it.name.is_some())) {
        return Err(Failure::new(anyhow!(
            "{named} is named, and a selector is given: which of them is meant?"
        ))
        .hint("name objects, or give a TYPE with -l"));
    }
    Ok(with_what_is_in_it(Target {
        namespaces,
        subjects,
        selector,
    }))
}

/// Who names a namespace means what is in it: `ns/shop` is `-n shop`.
fn with_what_is_in_it(target: Target) -> Target {
    match target.subjects.as_slice() {
        [
            Subject {
                kind: Kind::Namespace,
                name: Some(name),
            },
        ] => Target {
            namespaces: Namespaces::One(name.clone()),
            subjects: Vec::new(),
            ..target
        },
        _ => target,
    }
}

fn names_a_cluster(args: &ConnectionArgs) -> bool {
    args.context.is_some() || args.cluster.is_some() || args.user.is_some() || args.impersonate.is_some()
}

pub(crate) fn connection(args: &ConnectionArgs) -> Outcome<Connection> {
    Ok(Connection {
        context: args.context.clone(),
        kubeconfig: args.kubeconfig.clone(),
        cluster: args.cluster.clone(),
        user: args.user.clone(),
        impersonate: args.impersonate.clone(),
        impersonate_groups: args.impersonate_groups.clone(),
        request_timeout: duration("--request-timeout", &args.request_timeout)?,
        agent: None,
    })
}

/// kubectl's durations: `5s`, `2m`, `1h`, `1m30s`, `500ms`, a bare number of seconds; zero is no limit.
pub(crate) fn duration(flag: &str, text: &str) -> Outcome<Option<Duration>> {
    let bad = || {
        Failure::new(anyhow!("{flag} {text:?} is no duration"))
            .hint("write it as 5s, 2m, 1m30s or a number of seconds; 0 for no limit")
    };
    let mut total = Duration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(bad());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().map_err(|_| bad())?;
        let after = &rest[digits..];
        let unit_len = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let part = match &after[..unit_len] {
            "" | "s" => Some(Duration::from_secs(number)),
            "ms" => Some(Duration::from_millis(number)),
            "m" => number.checked_mul(60).map(Duration::from_secs),
            "h" => number.checked_mul(3600).map(Duration::from_secs),
            _ => None,
        };
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(bad)?;
        rest = &after[unit_len..];
    }
    Ok((!total.is_zero()).then_some(total))
}

/// RFC 3339, or a date and time without offset, which is UTC.
fn now(text: &str) -> Outcome<Timestamp> {
    let text = text.trim();
    text.parse::<Timestamp>()
        .ok()
        .or_else(|| {
            let civil: jiff::civil::DateTime = text.parse().ok()?;
            Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
        })
        .ok_or_else(|| {
            Failure::new(anyhow!("--now {text:?} is no time")).hint("write it as 2026-11-21T10:03:11Z")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_namespace_is_what_is_in_it() {
        let asked = |words: &[&str], namespaces| {
            let words: Vec<String> = words.iter().map(|it| (*it).to_owned()).collect();
            let target = with_what_is_in_it(Target {
                namespaces,
                subjects: subject::parse(&words).unwrap(),
                selector: None,
            });
            target.words(Some("usual"))
        };
        for (words, namespaces, expected) in [
            (&["ns/shop"][..], Namespaces::Usual, "namespace shop"),
            (
                &["namespace", "shop"],
                Namespaces::One("other".into()),
                "namespace shop",
            ),
            (&["ns/shop"], Namespaces::All, "namespace shop"),
            (
                &["ns/shop", "ns/bank"],
                Namespaces::Usual,
                "namespace/shop, namespace/bank",
            ),
            (&["ns"], Namespaces::Usual, "all namespaces"),
            (&["pod/x"], Namespaces::Usual, "pod/x of namespace usual"),
        ] {
            assert_eq!(asked(words, namespaces), expected, "{words:?}");
        }
    }

    #[test]
    fn durations_are_those_of_kubectl() {
        for (text, expected) in [
            ("5s", Some(5_000)),
            ("30", Some(30_000)),
            ("1m30s", Some(90_000)),
            ("500ms", Some(500)),
            ("1h", Some(3_600_000)),
            ("0", None),
            ("0s", None),
        ] {
            assert_eq!(
                duration("--x", text).unwrap(),
                expected.map(Duration::from_millis),
                "{text}"
            );
        }
        for text in [
            "",
            "s",
            "5x",
            "-1",
            "5 s",
            "99999999999999999999s",
            "18446744073709551615h",
        ] {
            assert!(duration("--x", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_without_offset_is_utc() {
        let expected: Timestamp = "2026-11-21T10:03:11Z".parse().unwrap();
        for text in [
            "2026-11-21T10:03:11Z",
            "2026-11-21T11:03:11+01:00",
            "2026-11-21 10:03:11",
            "2026-11-21T10:03:11",
        ] {
            assert_eq!(now(text).unwrap(), expected, "{text}");
        }
        assert!(now("yesterday").is_err());
    }
}
