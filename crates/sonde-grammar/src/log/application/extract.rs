//! Addresses, hosts, paths and names inside an application's line.

use crate::log::scan::{after, between, find_ignoring_case, word};

/// Words before a colon and a number that are no hosts.
const NO_HOSTS: [&str; 34] = [
    "line",
    "error",
    "code",
    "errno",
    "pid",
    "exit",
    "status",
    "column",
    "col",
    "attempt",
    "level",
    "version",
    "at",
    "tid",
    "thread",
    "count",
    "row",
    "offset",
    "port",
    "http",
    "https",
    "retry",
    "retries",
    "try",
    "id",
    "uid",
    "gid",
    "position",
    "pos",
    "char",
    "size",
    "worker",
    "partition",
    "timeout",
];
/// Source files before a colon and a line number.
const SOURCES: [&str; 36] = [
    ".go", ".py", ".js", ".ts", ".java", ".rs", ".rb", ".c", ".cc", ".cpp", ".h", ".php", ".cs", ".kt",
    ".scala", ".sh", ".jsx", ".tsx", ".mjs", ".cjs", ".mts", ".vue", ".hpp", ".cxx", ".swift", ".lua",
    ".exs", ".erl", ".groovy", ".yaml", ".yml", ".json", ".xml", ".conf", ".cfg", ".toml",
];

/// The peer that a line speaks of: `db:5432`, `10.0.0.1:80`, `db port 5432`. Credentials of a URL are left out.
pub(crate) fn target(text: &str) -> Option<String> {
    // libpq: `connection to server at "db" (10.0.0.1), port 5432 failed`.
    if let Some(rest) = after(text, "server at \"") {
        let host = rest.split('"').next()?;
        let port = after(rest, "port ")
            .map(|rest| word(rest, &[',', ';', ':']))
            .unwrap_or("");
        return Some(joined(host, port));
    }
    // curl, nc, ssh: `connect to db port 5432`; old libpq: `running on host "db" (10.0.0.1) and accepting TCP/IP
    // connections on port 5432`.
    if let Some(at) = text.find(" port ") {
        let port = word(&text[at + 6..], &[',', ';', ':', ')', '?', '.']);
        if is_port(port) {
            let before = text[..at].trim_end_matches([',', ' ']);
            let host = between(text, "host \"", "\"")
                .or_else(|| before.rsplit([' ', '(', '"', '\'']).find(|word| !word.is_empty()))
                .unwrap_or("");
            let host = host.trim_matches(['"', '\'', ',', ')']);
            if is_host(host) && host != "on" {
                return Some(joined(host, port));
            }
        }
    }
    pair(text)
        .or_else(|| {
            tokens(text)
                .filter(|token| is_said(text, token))
                .find_map(address)
        })
        .or_else(|| mysql_host(text).map(str::to_owned))
        .or_else(|| url_host(text))
}

/// Whom a request was sent to: the host of a URL or an address.
pub(crate) fn peer(text: &str) -> Option<String> {
    target(text).filter(|peer| !peer.starts_with(':'))
}

/// `host="db", port=5432` (urllib3), `host=db port=5432` (libpq), `address: '10.0.0.1', port: 5432` (Node.js): a name and
/// its port, each behind its key.
fn pair(text: &str) -> Option<String> {
    const NAMES: [&str; 4] = ["host", "hostname", "address", "addr"];
    let value = |rest: &str| {
        let rest = rest.trim_start_matches(['"', '\'', ' ']);
        let rest = rest.strip_prefix(['=', ':'])?;
        let rest = rest.trim_start_matches([' ', '"', '\'']);
        let end = rest
            .find(|c: char| c.is_whitespace() || "\"',;)}]`".contains(c))
            .unwrap_or(rest.len());
        Some(rest[..end].to_owned())
    };
    let keyed = |keys: &[&str], takes: fn(&str) -> bool| {
        keys.iter().find_map(|key| {
            text.match_indices(key)
                .filter(|(at, _)| !text[..*at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
                .find_map(|(at, _)| value(&text[at + key.len()..]).filter(|value| takes(value)))
        })
    };
    let port = keyed(&["port"], is_port)?;
    let host = keyed(&NAMES, is_host)?;
    Some(joined(&host, &port))
}

/// The host of a URL without a port, where it is what was asked and not where to read more.
fn url_host(text: &str) -> Option<String> {
    const READ_MORE: [&str; 8] = [
        "see",
        "visit",
        "docs",
        "at",
        "read",
        "help",
        "more",
        "information",
    ];
    const SCHEMES: [&str; 3] = ["file", "unix", "jar"];
    let (before, rest) = text.split_once("://")?;
    let scheme = before
        .rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '+')
        .next()
        .filter(|scheme| !scheme.is_empty() && !SCHEMES.contains(scheme))?;
    let said = before[..before.len() - scheme.len()]
        .split(|c: char| !c.is_ascii_alphanumeric())
        .rfind(|word| !word.is_empty())
        .unwrap_or("")
        .to_ascii_lowercase();
    if READ_MORE.contains(&said.as_str()) {
        return None;
    }
    let end = rest
        .find(|c: char| c.is_whitespace() || "/\"'`?#,;)>]".contains(c))
        .unwrap_or(rest.len());
    let host = rest[..end].rsplit('@').next()?.trim_end_matches([':', '.']);
    (is_host(host) && host.contains(|c: char| c.is_ascii_alphabetic())).then(|| host.to_owned())
}

/// A port without a host is one only where it stands alone: `dial tcp :5432`, not behind a quote or a name.
fn is_said(text: &str, token: &str) -> bool {
    if !token.starts_with(':') || token.starts_with("::") {
        return true;
    }
    let at = token.as_ptr() as usize - text.as_ptr() as usize;
    at == 0 || text[..at].ends_with([' ', '\t'])
}

/// The port of a line that says where a server listens.
pub(crate) fn listening_port(text: &str) -> Option<u16> {
    let sign = ["isten", "unning", "started", "erving", "ccepting", "ready"]
        .iter()
        .find_map(|sign| text.find(sign))?;
    let rest = &text[sign..];
    if let Some(at) = find_ignoring_case(rest, "port") {
        let digits = rest[at + 4..].trim_start_matches(|c: char| !c.is_ascii_digit() && c != '\n');
        let gap = rest.len() - at - 4 - digits.len();
        if gap <= 6
            && let Some(port) = crate::log::scan::number(digits).and_then(|n| u16::try_from(n).ok())
        {
            return (port > 0).then_some(port);
        }
    }
    tokens(rest)
        .find_map(address)
        .and_then(|found| found.rsplit(':').next()?.parse().ok())
        .filter(|port| *port > 0)
}

/// The path that a line speaks of.
pub(crate) fn path(text: &str) -> Option<String> {
    // What a client asks for is no file.
    if text.contains(" HTTP/") {
        return None;
    }
    let in_quotes = text
        .split(['"', '\'', '`', '\u{2018}', '\u{2019}'])
        .skip(1)
        .step_by(2)
        .find(|part| part.contains('/') && !part.contains(' ') && !part.contains("://"));
    let plain = || {
        tokens(text)
            .map(|token| token.trim_end_matches([':', ',', ';', ')', '.']))
            .filter(|token| token.len() > 1 && token.starts_with('/') && !token.starts_with("//"))
            .last()
    };
    // `line 3: /app/x: No such file`: of several paths, the last one before the verdict is meant.
    let verdict = [
        "no such file",
        "permission denied",
        "read-only file",
        "no space left",
        "is a directory",
    ]
    .iter()
    .find_map(|sign| find_ignoring_case(text, sign));
    let before = verdict.and_then(|at| {
        tokens(&text[..at])
            .map(|token| token.trim_end_matches([':', ',', ';', ')', '.', '(']))
            .filter(|token| token.len() > 1 && token.starts_with('/') && !token.starts_with("//"))
            .last()
    });
    in_quotes
        .or(before)
        .or_else(plain)
        .map(|path| path.trim_matches('"').to_owned())
}

/// The name that could not be resolved.
pub(crate) fn host(text: &str) -> Option<String> {
    const BEFORE: [&str; 17] = [
        "lookup ",
        "ENOTFOUND ",
        "EAI_AGAIN ",
        "UnknownHostException: ",
        "resolve host: ",
        "resolve host ",
        "host name \"",
        "upstream \"",
        "server host '",
        "bad address '",
        "resolve '",
        "resolve \"",
        "can't find ",
        "resolve host '",
        "nknown host ",
        "Host not found: ",
        "address information for ",
    ];
    for sign in BEFORE {
        if let Some(rest) = after(text, sign) {
            let rest = rest.trim_start_matches(['"', '\'', '`']);
            let name = word(rest, &['"', '\'', '`', ':', ',', ';', ')', '(']).trim_end_matches('.');
            if is_host(name) && name.contains(|c: char| c.is_ascii_alphabetic()) {
                return Some(name.to_owned());
            }
        }
    }
    target(text).map(|found| match found.rsplit_once(':') {
        Some((host, _)) => host.to_owned(),
        None => found,
    })
}

/// The name of an environment variable: the first word of capitals, digits and underscores, or a quoted one.
pub(crate) fn variable(text: &str) -> Option<String> {
    let is_variable = |word: &&str| {
        word.len() > 2
            && word.contains('_')
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
    };
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .find(is_variable)
        .map(str::to_owned)
        .or_else(|| {
            let quoted = text.split(['"', '\'', '`']).nth(1)?;
            let plain = !quoted.is_empty()
                && quoted
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
            plain.then(|| quoted.to_owned())
        })
}

/// `on 'db:3306'`, `on 'db' (111)`.
fn mysql_host(text: &str) -> Option<&str> {
    between(text, "server on '", "'").filter(|host| is_host(host.split(':').next().unwrap_or("")))
}

fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || "\"'()<>|,;".contains(c))
        .filter(|token| !token.is_empty())
}

/// `host:port` of a token: a plain one, a URL, `name/10.0.0.1:80`, `[::1]:80`, `:::3000`.
fn address(token: &str) -> Option<String> {
    let token = token
        .trim_end_matches([':', '.', ']', '}', '/'])
        .trim_start_matches(['[', '{', '=']);
    let token = token.rsplit_once("://").map_or(token, |(_, rest)| rest);
    let token = token.rsplit_once('@').map_or(token, |(_, rest)| rest);
    let token = token.split(['?', '#']).next()?;
    // `db/10.0.0.1:5432` (Java) keeps the name; `db:5432/app` (URL) keeps what stands before the path.
    let (host, port) = match token.split_once('/') {
        Some((head, tail)) if !head.contains(':') && tail.contains(':') => {
            // Behind a name's slash stands its address; a folder's file with a line number has the same form.
            let (address, port) = tail.rsplit_once(':')?;
            if !is_address(address) {
                return None;
            }
            (if head.is_empty() { address } else { head }, port)
        }
        Some((head, _)) => head.rsplit_once(':')?,
        None => token.rsplit_once(':')?,
    };
    let host = host.trim_end_matches(['.', ']']).trim_start_matches('[');
    let host = host.rsplit_once('=').map_or(host, |(_, rest)| rest);
    let plain = is_host(host) || host.is_empty() || host.bytes().all(|b| b == b':' || b.is_ascii_hexdigit());
    let lower = host.to_ascii_lowercase();
    let is_clock =
        host.bytes().all(|b| b.is_ascii_digit() || b == b':') && !host.is_empty() && !host.starts_with(':');
    if !is_port(port)
        || !plain
        || is_clock
        || NO_HOSTS.contains(&lower.as_str())
        || SOURCES.iter().any(|ext| lower.ends_with(ext))
    {
        return None;
    }
    Some(joined(host, port))
}

fn joined(host: &str, port: &str) -> String {
    if is_port(port) {
        format!("{host}:{port}")
    } else {
        host.to_owned()
    }
}

/// An address in digits.
fn is_address(text: &str) -> bool {
    text.trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<core::net::IpAddr>()
        .is_ok()
}

fn is_port(text: &str) -> bool {
    (1..=5).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit())
        && text.parse::<u32>().is_ok_and(|port| (1..=65535).contains(&port))
}

fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        for (line, want) in [
            (
                "dial tcp 10.0.0.1:5432: connect: connection refused",
                Some("10.0.0.1:5432"),
            ),
            ("connect ECONNREFUSED 127.0.0.1:6379", Some("127.0.0.1:6379")),
            (
                "Connection to db:5432 refused. Check that the hostname",
                Some("db:5432"),
            ),
            (
                r#"connection to server at "db" (10.0.0.1), port 5432 failed: Connection refused"#,
                Some("db:5432"),
            ),
            (
                "curl: (7) Failed to connect to db port 8080 after 0 ms: Connection refused",
                Some("db:8080"),
            ),
            ("Connection refused: db/10.0.0.1:5432", Some("db:5432")),
            (
                "postgres://app:s3cret@db:5432/app: connection refused",
                Some("db:5432"),
            ),
            ("2026-11-21 12:31:01 main.go:12: connection refused", None),
            ("at connect (/app/src/db/index.ts:14:3) connection refused", None),
            // Places in sources and times are no addresses.
            (
                "SQLSTATE[HY000] [2002] Connection refused in /var/www/db.php:12",
                None,
            ),
            ("connection refused at src/db/pool.ts:88:13", None),
            ("[22/Nov/2026:01:00:12 +0000] connection refused", None),
            ("ECONNREFUSED (file:///app/lib/a.mjs:3:9)", None),
            ("2026-11-21T12:31:01.5+01:00 connection refused", None),
            ("nginx.conf:12: connection refused", None),
            ("attempt:3 connection refused", None),
            (r#"{"port":8080,"error":"connection refused"}"#, None),
            ("connection refused, see https://docs.example.com/errors", None),
            ("Connection refused: /10.0.0.1:5432", Some("10.0.0.1:5432")),
            ("dial tcp :5432: connect: connection refused", Some(":5432")),
            (
                r#"HTTPConnectionPool(host="api.shop", port=8000): Max retries exceeded with url: /v1"#,
                Some("api.shop:8000"),
            ),
            (
                "failed: host=db user=x port=5432 connection refused",
                Some("db:5432"),
            ),
            (
                "{ errno: -111, code: 'ECONNREFUSED', address: '10.0.0.1', port: 6379 }",
                Some("10.0.0.1:6379"),
            ),
            (
                "connect(2) for \"10.4.4.4\" port 6380 (Errno::ECONNREFUSED)",
                Some("10.4.4.4:6380"),
            ),
            (
                "GET https://user:pw@api.example.com/v1: connection refused",
                Some("api.example.com"),
            ),
            ("Can't connect to MySQL server on 'mysql' (111)", Some("mysql")),
            ("connect to [::1]:80 failed", Some("::1:80")),
        ] {
            assert_eq!(target(line).as_deref(), want, "{line}");
        }
    }

    #[test]
    fn hosts_paths_ports_and_variables() {
        assert_eq!(
            host("dial tcp: lookup db on 10.96.0.10:53: no such host").as_deref(),
            Some("db")
        );
        assert_eq!(
            host("host not found in upstream \"backend\" in /etc/nginx").as_deref(),
            Some("backend")
        );
        assert_eq!(
            host("Could not resolve host: api.example.com").as_deref(),
            Some("api.example.com")
        );
        assert_eq!(
            path("open /etc/app/c.yaml: no such file or directory").as_deref(),
            Some("/etc/app/c.yaml")
        );
        assert_eq!(
            path("[Errno 2] No such file or directory: '/x/y'").as_deref(),
            Some("/x/y")
        );
        assert_eq!(
            path("/run.sh: line 3: /app/x: No such file or directory").as_deref(),
            Some("/app/x")
        );
        assert_eq!(
            listening_port("Tomcat started on port(s): 8081 (http)"),
            Some(8081)
        );
        assert_eq!(
            listening_port("Uvicorn running on http://0.0.0.0:8000 (Press"),
            Some(8000)
        );
        assert_eq!(listening_port("listening on :3000"), Some(3000));
        assert_eq!(
            variable("the DB_URL environment variable is not set").as_deref(),
            Some("DB_URL")
        );
    }
}
