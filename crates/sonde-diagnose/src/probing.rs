//! Why a probe does not pass: what it asks, what it met, and what the application's log says about it.

pub(crate) mod flapping;
mod past;
mod slow;

use jiff::Timestamp;
use sonde_grammar::Fact;
use sonde_grammar::fact::{ProbeFact, ProbeKind, ProbeOutcome};
use sonde_grammar::log::AppSign;
use sonde_world::view::{Container, Probe};

use crate::message::Message;
use crate::{Facts, Seen};

pub(crate) use slow::{Cpu, cpu, is_alone_at_hand, want_counters};

/// Words of programs that have not finished starting; a heuristic that supports and never proves.
const STARTING: &[&str] = &[
    "starting",
    "loading",
    "initializ",
    "initialis",
    "migrat",
    "warming",
    "booting",
    "bootstrapping",
    "preparing",
    "compiling",
    "waiting for",
    "connecting",
];

/// A probe that does not pass.
pub(crate) struct Failing<'a> {
    /// Which probe.
    pub(crate) kind: ProbeKind,
    /// Its settings with the container, and their path; unknown in a text.
    pub(crate) spec: Option<(&'a Container, &'a Probe, String)>,
    /// What it met.
    pub(crate) outcome: &'a ProbeOutcome,
    /// Who says so.
    pub(crate) message: &'a Message,
    /// The host that it asks instead of the pod, where its settings name one.
    pub(crate) elsewhere: Option<String>,
}

/// Why it does not pass.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Why {
    /// Nothing listens on that port of the pod's address; nothing tells why.
    NothingListens,
    /// The settings name another host than the pod, and no connection is made there.
    OtherHost {
        /// Which, as a clause: "127.0.0.1, the loopback address of the node".
        is: String,
        /// What shows it.
        seen: Seen,
    },
    /// The application listens on another port, or only on the loopback address.
    WrongPort {
        /// What it listens on, as a clause.
        listens: String,
        /// What shows it.
        seen: Seen,
    },
    /// The application has not finished starting when the probe's patience ends.
    TooSlow {
        /// Its log has the moment at which it was up; else its log only looks like it.
        sure: bool,
        /// How long it takes, where the log says so.
        seconds: Option<i64>,
        /// What shows it.
        seen: Seen,
    },
    /// No such page.
    WrongPath,
    /// TLS is spoken to a server that does not, or the reverse.
    WrongScheme,
    /// The application answers with an error.
    Status(u16),
    /// No answer in time; nothing tells why.
    Timeout,
    /// No answer in time, and the container is at its CPU limit.
    TimeoutCpuLimit(Seen),
    /// No answer in time, as for pods of other workloads on the node.
    TimeoutNodeLoad {
        /// Their time-outs.
        others: Vec<Seen>,
        /// The node's own word that it is short of something.
        strain: Option<Seen>,
    },
    /// The probe's command cannot be run.
    ExecBroken,
    /// The probe's command ends with an error.
    ExecFails,
    /// The probe's command does not end in time.
    ExecTimeout,
    /// The gRPC health service says no, or is not there.
    Grpc,
    /// Something else.
    Other,
}

/// The newest failure of one of `kinds` that can belong to the episode.
pub(crate) fn failing<'a>(facts: &Facts<'a>, kinds: &[ProbeKind]) -> Option<Failing<'a>> {
    let since = run_start(facts);
    newest_failure(facts, kinds, |message| match &facts.episode.run {
        Some(_) => facts.touches_run(message),
        // What was seen before the container's present run started is not about it.
        None => message
            .seen
            .time
            .is_none_or(|time| since.is_none_or(|since| time >= since)),
    })
}

/// The newest failure of a probe in any run of the container.
pub(crate) fn failing_before<'a>(facts: &Facts<'a>, kind: ProbeKind) -> Option<Failing<'a>> {
    newest_failure(facts, &[kind], |_| true)
}

/// The newest failure that came before another message.
pub(crate) fn failing_until<'a>(facts: &Facts<'a>, kind: ProbeKind, until: &Message) -> Option<Failing<'a>> {
    // Messages stand in their order, the newest first.
    let place = |wanted: &Message| facts.all_messages().position(|it| std::ptr::eq(it, wanted));
    let end = place(until)?;
    newest_failure(facts, &[kind], |message| {
        place(message).is_some_and(|at| at > end)
    })
}

fn newest_failure<'a>(
    facts: &Facts<'a>,
    kinds: &[ProbeKind],
    in_time: impl Fn(&Message) -> bool,
) -> Option<Failing<'a>> {
    facts.all_messages().find_map(|message| {
        let probe: &ProbeFact = message.facts.iter().find_map(|fact| match fact {
            Fact::Probe(it)
                if kinds.contains(&it.probe)
                    && !matches!(it.outcome, ProbeOutcome::Redirected | ProbeOutcome::NotRunning) =>
            {
                Some(it)
            }
            _ => None,
        })?;
        in_time(message).then(|| Failing {
            kind: probe.probe,
            spec: spec(facts, probe.probe),
            outcome: &probe.outcome,
            message,
            elsewhere: elsewhere(facts, probe.probe),
        })
    })
}

/// The settings of a probe of the episode's container, and their path.
pub(crate) fn spec<'a>(facts: &Facts<'a>, kind: ProbeKind) -> Option<(&'a Container, &'a Probe, String)> {
    let (container, path) = facts.container()?;
    let (probe, field) = match kind {
        ProbeKind::Readiness => (&container.readiness_probe, "readinessProbe"),
        ProbeKind::Liveness => (&container.liveness_probe, "livenessProbe"),
        ProbeKind::Startup => (&container.startup_probe, "startupProbe"),
    };
    Some((container, probe.as_ref()?, format!("{path}.{field}")))
}

/// The host that a probe's settings name, unless it is the pod's own: the kubelet asks it from the node.
fn elsewhere(facts: &Facts<'_>, kind: ProbeKind) -> Option<String> {
    let (_, probe, _) = spec(facts, kind)?;
    let host = probe.host()?;
    let pod = facts.pod();
    let status = &pod.status;
    let own = status.pod_ip == host || status.pod_ips.iter().any(|it| it.ip == host);
    // A described pod does not say that it is on the node's network; its addresses do.
    let on_node = pod.spec.host_network
        || status.pod_ip == status.host_ip && !status.pod_ip.is_empty()
        || facts.is_partial() && status.host_ip.is_empty();
    (!own && !on_node).then(|| host.to_owned())
}

/// "readiness", "liveness", "startup".
pub(crate) fn kind_word(kind: ProbeKind) -> &'static str {
    match kind {
        ProbeKind::Readiness => "readiness",
        ProbeKind::Liveness => "liveness",
        ProbeKind::Startup => "startup",
    }
}

/// When the run began that the episode is about.
fn run_start(facts: &Facts<'_>) -> Option<Timestamp> {
    match &facts.episode.run {
        Some(_) => facts.span().map(|(start, _)| start),
        None => facts.status()?.0.state.running.as_ref()?.started_at.0,
    }
}

impl<'a> Failing<'a> {
    /// The port that it asks; from the message where the settings are not at hand.
    pub(crate) fn port(&self) -> Option<i64> {
        if let Some((container, probe, _)) = &self.spec {
            return probe.port(container);
        }
        let address = match self.outcome {
            ProbeOutcome::Refused { address } | ProbeOutcome::ConnectTimeout { address } => address,
            _ => return None,
        };
        address.rsplit(':').next()?.parse().ok()
    }

    /// "port 8080", "its port".
    pub(crate) fn port_text(&self) -> String {
        self.port()
            .map_or("its port".into(), |port| format!("port {port}"))
    }

    /// "port 8080 of the pod's address": what a refused connection tells of, and no more. A process that is bound to the
    /// loopback address listens, and not there.
    pub(crate) fn place_text(&self) -> String {
        let port = self.port_text();
        if let Some(host) = &self.elsewhere {
            return format!("{port} of {host}");
        }
        let asked = match self.outcome {
            ProbeOutcome::Refused { address } | ProbeOutcome::ConnectTimeout { address } => address,
            _ => "",
        };
        match asked.rsplit_once(':') {
            Some((host, _)) if is_loopback(host) => format!("{port} of {host}"),
            _ => format!("{port} of the pod's address"),
        }
    }

    /// "GET /healthz on port 8080", "the command pg_isready".
    pub(crate) fn asks(&self) -> String {
        let Some((_, probe, _)) = &self.spec else {
            return match self.outcome {
                ProbeOutcome::CommandFailed { .. }
                | ProbeOutcome::CommandTimeout
                | ProbeOutcome::CommandMissing { .. } => "its command".into(),
                _ => self.port_text(),
            };
        };
        if let Some(http) = &probe.http_get {
            let path = if http.path.is_empty() { "/" } else { &http.path };
            let scheme = if http.scheme.is_empty() {
                "HTTP"
            } else {
                &http.scheme
            };
            let of = self.of_host();
            return format!("{scheme} GET {path} on {}{of}", self.port_text());
        }
        if let Some(exec) = &probe.exec {
            return format!("the command {}", exec.command.join(" "));
        }
        if probe.grpc.is_some() {
            return format!("gRPC health on {}", self.port_text());
        }
        format!("{}{}", self.port_text(), self.of_host())
    }

    /// " of 127.0.0.1", where it asks another host than the pod.
    fn of_host(&self) -> String {
        self.elsewhere
            .as_ref()
            .map_or(String::new(), |host| format!(" of {host}"))
    }

    /// Its settings as evidence.
    pub(crate) fn settings(&self, facts: &Facts<'_>) -> Option<Seen> {
        let (_, probe, path) = self.spec.as_ref()?;
        Some(facts.field(path, settings_text(&self.asks(), probe)))
    }

    /// The step that says what the container declares, where the probe asks something else.
    pub(crate) fn declared_elsewhere(&self, facts: &Facts<'_>) -> Option<(String, Seen)> {
        let (container, probe, _) = self.spec.as_ref()?;
        let asked = probe.port(container);
        let declared: Vec<String> = container
            .ports
            .iter()
            .map(|port| port.container_port.to_string())
            .collect();
        if declared.is_empty()
            || self.elsewhere.is_some()
            || container
                .ports
                .iter()
                .any(|port| Some(port.container_port) == asked)
        {
            return None;
        }
        let (_, path) = facts.container()?;
        let list = declared.join(", ");
        let asks = asked.map_or_else(
            || "a port by a name that it does not declare".into(),
            |port| format!("port {port}"),
        );
        Some((
            format!("the container declares port {list}, the probe asks {asks}"),
            facts.field(&format!("{path}.ports"), list),
        ))
    }

    /// What the probe met, in words.
    pub(crate) fn met(&self) -> String {
        let port = self.port_text();
        match self.outcome {
            ProbeOutcome::Refused { .. } => format!("nothing listens on {}", self.place_text()),
            ProbeOutcome::ConnectTimeout { .. } => format!("no connection to {} in time", self.place_text()),
            ProbeOutcome::AnswerTimeout { .. } => format!("no answer from {port} in time"),
            ProbeOutcome::Reset { .. } => format!("{port} closes the connection"),
            ProbeOutcome::Status { code } => format!("the answer is HTTP status {code}"),
            ProbeOutcome::WrongScheme { .. } => "HTTP and HTTPS are mixed up".into(),
            ProbeOutcome::Tls { detail } => format!("TLS fails: {detail}"),
            ProbeOutcome::Dns { host } => format!("the host name {host} cannot be resolved"),
            ProbeOutcome::CommandFailed { output } if output.is_empty() => {
                "its command ends with an error and says nothing".into()
            }
            ProbeOutcome::CommandFailed { output } => format!("its command ends with an error: {output}"),
            ProbeOutcome::CommandTimeout => "its command does not end in time".into(),
            ProbeOutcome::CommandMissing { detail } => format!("its command cannot be run: {detail}"),
            ProbeOutcome::Grpc { detail } if detail.contains(GRPC_NO_CONNECTION) => {
                format!(
                    "no gRPC connection to {} in time: nothing listens there, it does not speak plain gRPC, or it is too slow",
                    self.place_text()
                )
            }
            ProbeOutcome::Grpc { detail } => {
                format!("the gRPC health service does not say \"serving\": {detail}")
            }
            ProbeOutcome::NotRunning => "the container did not run when its command was asked".into(),
            ProbeOutcome::Redirected => "it is redirected to another host".into(),
            ProbeOutcome::Other { detail } => detail.clone(),
        }
    }

    /// Why it does not pass. One answer, so that causes about it exclude each other.
    pub(crate) fn why(&self, facts: &Facts<'_>) -> Why {
        if let Some(why) = self.other_host(facts) {
            return why;
        }
        if let Some(why) = self.not_up_yet(facts) {
            return why;
        }
        match self.outcome {
            ProbeOutcome::Refused { .. } => self.wrong_port(facts).unwrap_or(Why::NothingListens),
            ProbeOutcome::ConnectTimeout { .. } | ProbeOutcome::AnswerTimeout { .. } => self.slow(facts),
            ProbeOutcome::CommandTimeout => match self.slow(facts) {
                Why::Timeout => Why::ExecTimeout,
                why => why,
            },
            // A page that was there before is no wrong path.
            ProbeOutcome::Status { code: 404 } if self.passed_before(facts).is_none() => Why::WrongPath,
            // A TLS server tells a plain HTTP client so, and writes it to its log.
            ProbeOutcome::Status { code: 400 } if tls_server(facts) => Why::WrongScheme,
            ProbeOutcome::Status { code } => Why::Status(*code),
            ProbeOutcome::WrongScheme { .. } => Why::WrongScheme,
            ProbeOutcome::CommandMissing { .. } => Why::ExecBroken,
            ProbeOutcome::CommandFailed { .. } => Why::ExecFails,
            ProbeOutcome::Grpc { .. } => Why::Grpc,
            // Go's HTTP client reports a plain HTTP server behind https:// so, too.
            ProbeOutcome::Tls { .. }
            | ProbeOutcome::Reset { .. }
            | ProbeOutcome::Dns { .. }
            | ProbeOutcome::Redirected
            | ProbeOutcome::NotRunning
            | ProbeOutcome::Other { .. } => Why::Other,
        }
    }

    /// Another host than the pod is asked, and nobody is met there.
    fn other_host(&self, facts: &Facts<'_>) -> Option<Why> {
        let host = self.elsewhere.as_ref()?;
        if !matches!(
            self.outcome,
            ProbeOutcome::Refused { .. } | ProbeOutcome::ConnectTimeout { .. }
        ) {
            return None;
        }
        let (_, probe, path) = self.spec.as_ref()?;
        let action = if probe.http_get.is_some() {
            "httpGet"
        } else {
            "tcpSocket"
        };
        let is = if is_loopback(host) {
            format!("{host}, which is the loopback address of the node: the kubelet asks, not the container")
        } else {
            format!("{host}, which is not the pod's address")
        };
        let seen = facts.field(&format!("{path}.{action}.host"), host);
        Some(Why::OtherHost { is, seen })
    }

    /// Nobody is met who speaks gRPC. The kubelet's words are the same for a closed port, another protocol and a server
    /// that hangs: it dials until its time is over (`pkg/probe/grpc/grpc.go`).
    pub(crate) fn is_grpc_unmet(&self) -> bool {
        matches!(self.outcome, ProbeOutcome::Grpc { detail } if detail.contains(GRPC_NO_CONNECTION))
    }

    /// The application listens, by its own log, and not where it is asked.
    fn wrong_port(&self, facts: &Facts<'_>) -> Option<Why> {
        let asked = self.port();
        let mut other = None;
        for (line, seen) in facts.own_words() {
            let AppSign::ListeningOn { port } = line.sign else {
                continue;
            };
            if Some(i64::from(port)) == asked {
                let local = ["127.0.0.1", "localhost", "[::1]"]
                    .iter()
                    .any(|it| line.text.contains(it));
                return local.then(|| Why::WrongPort {
                    listens: format!("only on the loopback address, port {port}"),
                    seen,
                });
            }
            other.get_or_insert(Why::WrongPort {
                listens: format!("on port {port}"),
                seen,
            });
        }
        other.filter(|_| asked.is_some())
    }

    /// The application was still starting when the probe gave up.
    fn not_up_yet(&self, facts: &Facts<'_>) -> Option<Why> {
        let may_be = matches!(
            self.outcome,
            ProbeOutcome::Refused { .. }
                | ProbeOutcome::AnswerTimeout { .. }
                | ProbeOutcome::Status { code: 503 }
                | ProbeOutcome::Reset { .. }
        );
        let (container, probe, _) = self.spec.as_ref()?;
        let start = run_start(facts)?;
        if !may_be {
            return None;
        }
        let asked = self.port();
        let up = facts
            .own_words()
            .into_iter()
            .find_map(|(line, seen)| match line.sign {
                AppSign::ListeningOn { port } if Some(i64::from(port)) == asked => Some((seen.time?, seen)),
                _ => None,
            });
        let budget = probe.budget_seconds();
        let Some(lived) = facts.lived() else {
            // It runs and is not ready: up only after the last failure that was seen?
            let (time, seen) = up?;
            let late = self.message.seen.time.is_some_and(|failed| failed < time);
            let seconds = time.duration_since(start).as_secs();
            return (late && seconds > budget).then_some(Why::TooSlow {
                sure: true,
                seconds: Some(seconds),
                seen,
            });
        };
        // The probe passed at least once when the run outlasted its first chances.
        let first_chances = first_chances(probe, facts.pod().grace_seconds());
        if lived.as_secs() > first_chances
            || (self.kind == ProbeKind::Liveness && container.startup_probe.is_some())
        {
            return None;
        }
        if let Some((time, seen)) = up {
            let seconds = time.duration_since(start).as_secs();
            return (seconds >= probe.initial_delay_seconds).then_some(Why::TooSlow {
                sure: true,
                seconds: Some(seconds),
                seen,
            });
        }
        let last = facts.last_line()?;
        let lower = last.text.to_lowercase();
        let starting = STARTING.iter().any(|word| lower.contains(word));
        starting.then_some(Why::TooSlow {
            sure: false,
            seconds: None,
            seen: last,
        })
    }
}

/// What to do about a probe that asks another host than the pod.
pub(crate) const OTHER_HOST_ADVICE: &str = "remove host from the probe: without it the kubelet asks the pod's own address; a virtual host goes into httpHeaders as Host";

/// What to add where no gRPC connection is made.
pub(crate) const GRPC_UNMET: &str = "the kubelet's words are the same where nothing listens there, where another protocol than plain gRPC is spoken, and where the application is too slow";

/// What to do then.
pub(crate) const GRPC_UNMET_ADVICE: &str = "ask the port with a gRPC client from inside the pod, or see with netstat -ltn what listens: a plain HTTP or TLS server needs httpGet or tcpSocket instead, an application on 127.0.0.1 must listen on all addresses, a slow one needs a longer timeoutSeconds";

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host == "::1" || host.starts_with("127.")
}

/// The kubelet's words for a gRPC service that it does not reach (`pkg/probe/grpc/grpc.go`).
const GRPC_NO_CONNECTION: &str = "failed to connect";

/// `HTTP GET / on port 8080; after 0s, every 10s, time-out 1s, 3 failures`.
pub(crate) fn settings_text(asks: &str, probe: &Probe) -> String {
    format!(
        "{asks}; after {}s, every {}s, time-out {}s, {} failures in a row",
        probe.initial_delay_seconds,
        probe.period(),
        probe.timeout(),
        probe.failures()
    )
}

fn tls_server(facts: &Facts<'_>) -> bool {
    const SAYS: &str = "sent an HTTP request to an HTTPS server";
    facts
        .log()
        .is_some_and(|lines| lines.iter().rev().take(2_000).any(|line| line.contains(SAYS)))
}

/// Seconds that a container has at least until a probe can end it: all failures, one more round, and its grace.
fn first_chances(probe: &Probe, grace: i64) -> i64 {
    [probe.period(), probe.timeout(), grace]
        .into_iter()
        .fold(probe.budget_seconds(), i64::saturating_add)
}
