//! Values that a program refuses: no peer was asked yet, so no peer and no DNS is at fault.

use super::*;

pub(super) const NEEDLES: &[&str] = &[
    "bad address '",
    "bad address \"",
    "bad port",
    "invalid port",
    "invalid address",
    "invalid listen address",
    "invalid host",
    "invalid url",
    "unknown port",
    "missing port in address",
    "too many colons in address",
    "err_socket_bad_port",
    "options.port should be",
    "port must be 0-65535",
    "port out of range",
    "port number out of range",
    "servname not supported",
    "lookup ",
    "host not found in",
    "no host in request url",
    "unsupported protocol scheme",
    "first path segment in url cannot contain colon",
    "could not create server tcp listening socket",
    "invalid dsn",
    "invalid connection string",
    "time: invalid duration",
];

/// Tools that only ask others: what they call a bad address is a name that was looked up.
const CLIENTS: [&str; 10] = [
    "ping: ",
    "ping6: ",
    "nc: ",
    "wget: ",
    "nslookup: ",
    "telnet: ",
    "traceroute: ",
    "ftpget: ",
    "tftp: ",
    "ntpd: ",
];

/// A refused value, where the line is about one.
pub(super) fn refused(line: &Line<'_>) -> Option<AppSign> {
    if line.is_calm() {
        return None;
    }
    let detail = || {
        Some(AppSign::ConfigError {
            detail: line.detail(),
        })
    };
    if line.has("bad address ") {
        let asks = CLIENTS.iter().any(|tool| line.lower.contains(tool));
        return if asks { None } else { detail() };
    }
    if line.has("host not found in") {
        // nginx' `listen` is its own address; `upstream` is a peer.
        return line.has("\"listen\" directive").then(detail).flatten();
    }
    if line.has("could not create server tcp listening socket") {
        // Redis: the words behind the address are errno's or the resolver's.
        return line
            .has_any(&["name or service not known", "name does not resolve"])
            .then(detail)
            .flatten();
    }
    if line.has("lookup ") {
        let own = line.has("listen tcp") || line.has("listen udp");
        let no_name = after(&line.lower, "lookup ").is_some_and(is_no_name);
        return (line.has("unknown port")
            || line.has("servname not supported")
            || line.has("no such host") && (own || no_name))
            .then(detail)
            .flatten();
    }
    // A URL of a request, an address of mail or of memory is no setting.
    (!line.has_any(&["http/1", "memory", "segmentation", "fault", "smtp", "recipient"]))
        .then(detail)
        .flatten()
}

/// What stands where a name is asked for and can be none: a URL, an address with its port, a variable that was not
/// replaced.
fn is_no_name(rest: &str) -> bool {
    let name = word(rest, &[]).trim_end_matches(':');
    name.contains("://")
        || name.starts_with(['$', '{', '<', '%'])
        || name.starts_with("tcp/")
        || name
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
        || name.starts_with("http:")
        || name.starts_with("https:")
}
