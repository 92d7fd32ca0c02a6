//! Troubles that components known to the field tell in words of their own, whatever level they give them.
//!
//! Sources: etcd `server/etcdserver` and `server/storage/wal`, raft; CoreDNS `plugin/loop`; Elasticsearch and OpenSearch
//! `BootstrapChecks`; inotify(7) by Node.js, Go's fsnotify and systemd; RabbitMQ `rabbit_alarm`; kubectl
//! `pkg/cmd/util/helpers.go`; Helm `pkg/action`; Redis `src/server.c`; Envoy "Access log, response flags".

use crate::log::scan::{after, word};

use super::signs::Line;

/// A trouble of a known component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// etcd's database has reached its quota: nothing can be written any more.
    EtcdFull,
    /// etcd waits for its disk.
    EtcdSlowDisk,
    /// An etcd member has no leader.
    EtcdNoLeader,
    /// CoreDNS gets its own queries back.
    DnsLoop,
    /// A setting of the node's kernel, or a limit of the process, is too low for the program.
    NodeSetting {
        /// `vm.max_map_count`, `nofile`, `fs.inotify.max_user_watches`.
        name: &'static str,
    },
    /// RabbitMQ blocks whoever publishes, because a resource is short.
    BrokerAlarm {
        /// `memory`, `disk`.
        resource: &'static str,
    },
    /// Redis has reached its `maxmemory` and takes no more writes.
    RedisFull,
    /// kubectl or another client finds nobody at the API server's address.
    ApiServerRefuses {
        /// `10.0.0.1:6443`.
        server: String,
    },
    /// kubectl waited for a rollout that made no progress within its deadline.
    RolloutStuck {
        /// `deployment/web`.
        workload: String,
    },
    /// kubectl waited for a condition in vain.
    WaitedInVain {
        /// `deployments/web`, or its words.
        what: String,
    },
    /// Helm finds a release locked by an operation that goes on or was cut off.
    HelmLocked,
    /// Helm could not install or upgrade a release.
    HelmFailed {
        /// Its words behind `INSTALLATION FAILED: `.
        detail: String,
    },
    /// A proxy could not serve a request, by Envoy's response flag or nginx' words.
    Proxy {
        /// What was wrong.
        flag: ProxyFlag,
        /// The cluster or service behind it, where the line names it.
        upstream: Option<String>,
    },
}

/// Envoy's response flags that tell of a trouble behind or in the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyFlag {
    /// UF: no connection to the upstream host.
    ConnectionFailure,
    /// UH: no healthy upstream host.
    NoHealthyHost,
    /// UC, UR, LR: the upstream closed or reset the connection.
    Closed,
    /// URX: the limit of retries or connection attempts is reached.
    RetriesExceeded,
    /// NR: no route is configured for the request.
    NoRoute,
    /// NC: the cluster does not exist.
    NoCluster,
    /// UT: the upstream did not answer in time.
    Timeout,
    /// UO: a circuit breaker is open.
    Overflow,
}

impl Known {
    /// Of later lines with one of these: the trouble is over.
    fn over(&self) -> &'static [&'static str] {
        match self {
            Known::EtcdFull => &["alarm disarmed", "disarmed alarm"],
            Known::EtcdNoLeader => &[" elected leader ", "became leader at term"],
            Known::BrokerAlarm { .. } => &["resource limit alarm cleared"],
            _ => &[],
        }
    }

    pub(super) fn is_over(&self, later: &Line<'_>) -> bool {
        later.has_any(self.over())
    }
}

type Make = fn(&Line<'_>) -> Option<Known>;

/// One of the needles, in lower case, is in the line.
pub(super) const TABLE: &[(&[&str], Make)] = &[
    (&["mvcc: database space exceeded"], |_| Some(Known::EtcdFull)),
    (
        &["slow fdatasync", "likely from slow disk", "wal: sync duration of"],
        |_| Some(Known::EtcdSlowDisk),
    ),
    (&[" lost leader ", "etcdserver: no leader"], |l| {
        (l.has("at term") || l.has("no leader")).then_some(Known::EtcdNoLeader)
    }),
    (&["plugin/loop: loop ("], |_| Some(Known::DnsLoop)),
    (
        &[
            "vm.max_map_count [",
            "max file descriptors [",
            "max number of threads [",
            "memory locking requested for",
            "file watchers reached",
            "inotify",
            "fsnotify watcher",
        ],
        node_setting,
    ),
    (&["resource limit alarm set on node"], |l| {
        let resource = if l.has("disk resource limit") {
            "disk"
        } else {
            "memory"
        };
        Some(Known::BrokerAlarm { resource })
    }),
    (&["oom command not allowed when used memory"], |_| {
        Some(Known::RedisFull)
    }),
    (&["the connection to the server "], |l| {
        let server = word(after(l.text, "onnection to the server ")?, &[',']);
        (l.has(" was refused") && !server.is_empty()).then(|| Known::ApiServerRefuses {
            server: server.to_owned(),
        })
    }),
    (&["\" exceeded its progress deadline"], |l| {
        let (kind, rest) = after(l.text, "error: ")?.split_once(" \"")?;
        let name = word(rest, &['"']);
        (!kind.contains(' ') && !name.is_empty()).then(|| Known::RolloutStuck {
            workload: format!("{kind}/{name}"),
        })
    }),
    (&["error: timed out waiting for the condition"], |l| {
        let on = after(l.text, "the condition on ").unwrap_or("the condition that was asked for");
        let starts = l.text.starts_with("error: timed out");
        starts.then(|| Known::WaitedInVain {
            what: on.trim().to_owned(),
        })
    }),
    (
        &["another operation (install/upgrade/rollback) is in progress"],
        |_| Some(Known::HelmLocked),
    ),
    (
        &[
            "error: installation failed: ",
            "error: upgrade failed: ",
            "error: rollback failed: ",
        ],
        |l| {
            let detail = after(l.text, " FAILED: ")?.trim().to_owned();
            Some(Known::HelmFailed { detail })
        },
    ),
];

fn node_setting(line: &Line<'_>) -> Option<Known> {
    let inotify = line.has("inotify") || line.has("fsnotify") || line.has("file watchers");
    let name = if inotify && line.has_any(&["watchers reached", "inotify watches", "watch limit"]) {
        "fs.inotify.max_user_watches"
    } else if inotify && line.has_any(&["too many open files", "emfile", "instances"]) {
        "fs.inotify.max_user_instances"
    } else if line.has("vm.max_map_count [") && line.has("too low") {
        "vm.max_map_count"
    } else if line.has("max file descriptors [") && line.has("too low") {
        "nofile"
    } else if line.has("max number of threads [") && line.has("too low") {
        "nproc"
    } else if line.has("memory locking requested") && line.has("not locked") {
        "memlock"
    } else {
        return None;
    };
    Some(Known::NodeSetting { name })
}

/// What only the fields of the whole line tell, not its message.
pub(super) fn of_raw(raw: &str) -> Option<Known> {
    if raw.contains("\"alarm raised\"") && raw.contains("NOSPACE") {
        return Some(Known::EtcdFull);
    }
    nginx(raw).or_else(|| proxy(raw))
}

/// nginx' error log (`src/http/ngx_http_upstream.c`): `connect() failed (111: Connection refused) while connecting to
/// upstream, client: …, upstream: "http://10.1.1.1:8080/", host: "shop"`.
fn nginx(raw: &str) -> Option<Known> {
    const WORDS: &[(&str, ProxyFlag)] = &[
        (
            "no live upstreams while connecting to upstream",
            ProxyFlag::NoHealthyHost,
        ),
        (
            "Connection refused) while connecting to upstream",
            ProxyFlag::ConnectionFailure,
        ),
        (
            "Host is unreachable) while connecting to upstream",
            ProxyFlag::ConnectionFailure,
        ),
        ("upstream timed out (", ProxyFlag::Timeout),
        ("upstream prematurely closed connection", ProxyFlag::Closed),
        (
            "Connection reset by peer) while reading response header from upstream",
            ProxyFlag::Closed,
        ),
    ];
    if !raw.contains("upstream") || !raw.contains(", request: ") {
        return None;
    }
    let (_, flag) = WORDS.iter().find(|(words, _)| raw.contains(words))?;
    let url = after(raw, "upstream: \"").map(|rest| word(rest, &['"']));
    let host = url
        .and_then(|url| after(url, "://"))
        .map(|rest| word(rest, &['/']));
    let upstream = host.filter(|host| !host.is_empty()).map(str::to_owned);
    Some(Known::Proxy {
        flag: *flag,
        upstream,
    })
}

/// `"GET / HTTP/1.1" 503 UF ...`, Envoy's default format, or its JSON (`response_flags`).
fn proxy(raw: &str) -> Option<Known> {
    let (flags, upstream) = if raw.contains("\"response_flags\"") {
        let value: serde_json::Value = serde_json::from_str(raw.trim()).ok()?;
        let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str);
        let upstream = text("upstream_cluster").or_else(|| text("authority"));
        (text("response_flags")?.to_owned(), upstream.map(str::to_owned))
    } else {
        let (_, rest) = raw.split_once(" HTTP/")?;
        let (_, rest) = rest.split_once("\" ")?;
        let mut words = rest.split(' ');
        words
            .next()
            .filter(|status| status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit()))?;
        let flags = words.next()?.to_owned();
        // Istio's format names the cluster, Envoy's own only the authority, as the third quoted word from the end.
        let cluster = raw.split(' ').find(|word| {
            ["outbound|", "inbound|"]
                .iter()
                .any(|lead| word.starts_with(lead))
        });
        let quoted: Vec<&str> = raw.split('"').collect();
        let authority = quoted.len().checked_sub(4).and_then(|at| quoted.get(at)).copied();
        let upstream = cluster.or(authority).filter(|it| !it.is_empty() && *it != "-");
        (flags, upstream.map(str::to_owned))
    };
    let flag = flags.split(',').find_map(flag)?;
    // `outbound|8080||cart.prod.svc.cluster.local`.
    let upstream = upstream.map(|it| {
        let mut parts = it.split('|').map(str::to_owned);
        match (parts.next().as_deref(), parts.next(), parts.nth(1)) {
            (Some("outbound"), Some(port), Some(host)) => format!("{host}:{port}"),
            _ => it.trim_end_matches('|').to_owned(),
        }
    });
    Some(Known::Proxy { flag, upstream })
}

fn flag(word: &str) -> Option<ProxyFlag> {
    Some(match word {
        "UF" => ProxyFlag::ConnectionFailure,
        "UH" => ProxyFlag::NoHealthyHost,
        "UC" | "UR" | "LR" => ProxyFlag::Closed,
        "URX" => ProxyFlag::RetriesExceeded,
        "NR" => ProxyFlag::NoRoute,
        "NC" => ProxyFlag::NoCluster,
        "UT" => ProxyFlag::Timeout,
        "UO" => ProxyFlag::Overflow,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_proxies() {
        let istio = r#"[2026-11-21T10:00:00.000Z] "GET /api HTTP/1.1" 503 UF,URX upstream_reset_before_response_started{connection_failure} - "-" 0 91 3 - "-" "curl" "id" "cart:8080" "10.1.1.1:8080" outbound|8080||cart.prod.svc.cluster.local - 10.96.3.3:8080 10.1.1.9:44444 - default"#;
        let envoy = r#"[2026-11-21T10:00:00.000Z] "GET / HTTP/2" 503 UH 0 19 0 - "10.0.0.1" "curl/8" "a-b" "shop.example" "-""#;
        let json = r#"{"response_code":404,"response_flags":"NR","authority":"shop.example","upstream_cluster":null}"#;
        for (line, expect) in [
            (
                istio,
                Some((ProxyFlag::ConnectionFailure, "cart.prod.svc.cluster.local:8080")),
            ),
            (envoy, Some((ProxyFlag::NoHealthyHost, "shop.example"))),
            (json, Some((ProxyFlag::NoRoute, "shop.example"))),
            (
                r#"2026/11/21 10:00:00 [error] 31#31: *1 upstream timed out (110: Connection timed out) while reading response header from upstream, client: 10.0.0.9, server: a, request: "GET / HTTP/1.1", upstream: "http://10.1.1.1:8080/x", host: "a""#,
                Some((ProxyFlag::Timeout, "10.1.1.1:8080")),
            ),
            (
                r#"2026/11/21 10:00:00 [error] 31#31: *1 open() "/x" failed (2: No such file or directory), client: 10.0.0.9, server: a, request: "GET / HTTP/1.1", host: "a""#,
                None,
            ),
            (r#"10.0.0.1 - - [x] "GET / HTTP/1.1" 503 512 "-" "curl""#, None),
            (
                r#"[x] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 5 1 1 "-" "curl" "id" "a" "b""#,
                None,
            ),
            (r#"[x] "GET / HTTP/1.1" 0 DC downstream"#, None),
        ] {
            let expect = expect.map(|(flag, upstream)| Known::Proxy {
                flag,
                upstream: Some(upstream.to_owned()),
            });
            assert_eq!(of_raw(line), expect, "{line}");
        }
    }
}
