//! Numbers and tables in the kernel's files. Pure; nothing here fails: what is damaged is not there.

use std::collections::BTreeMap;

/// `name value` lines, as in `vmstat`, `memory.stat` and `cpu.stat`; a colon after the name and a unit after the value
/// are passed over.
pub(crate) fn pairs(text: &str) -> BTreeMap<&str, u64> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let name = words.next()?.trim_end_matches(':');
            Some((name, words.next()?.parse().ok()?))
        })
        .collect()
}

/// One number alone in a file.
pub(crate) fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// A limit: `max`, and numbers that no machine has, are none.
pub(crate) fn limit(text: &str) -> Option<u64> {
    // Version 1 writes LONG_MAX rounded down to a page.
    number(text).filter(|limit| *limit < 1 << 62)
}

/// The sum of a column of `/proc/net/stat/*`: a header line, then a line of hexadecimal numbers for each processor.
pub(crate) fn column_sum(text: &str, column: &str) -> Option<u64> {
    let mut lines = text.lines();
    let at = lines
        .next()?
        .split_ascii_whitespace()
        .position(|name| name == column)?;
    let values = lines.filter_map(|line| {
        let word = line.split_ascii_whitespace().nth(at)?;
        u64::from_str_radix(word, 16).ok()
    });
    Some(values.fold(0, u64::saturating_add))
}

/// A value of `/proc/net/netstat` or `snmp`: a line of names and a line of numbers for each protocol.
pub(crate) fn protocol_value(text: &str, protocol: &str, name: &str) -> Option<u64> {
    let mut lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(protocol)?.strip_prefix(':'));
    let names = lines.next()?;
    let values = lines.next()?;
    let at = names.split_ascii_whitespace().position(|it| it == name)?;
    values.split_ascii_whitespace().nth(at)?.parse().ok()
}

/// `\040` and its kin in mount points (proc(5)).
pub(crate) fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'\\')
            .then(|| after.get(..3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match escaped {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_the_kernel() {
        let vmstat = "pgmajfault 7\noom_kill 2\nbroken\n";
        assert_eq!(pairs(vmstat).get("oom_kill"), Some(&2));
        assert_eq!(pairs("MemTotal:  16 kB\n").get("MemTotal"), Some(&16));
        assert_eq!(limit("max\n"), None);
        assert_eq!(limit("9223372036854771712\n"), None);
        assert_eq!(limit("64\n"), Some(64));
        let conntrack = "entries  clashres drop\n0000000a 00000000 00000001\n0000000a 00000000 000000ff\n";
        assert_eq!(column_sum(conntrack, "drop"), Some(256));
        assert_eq!(column_sum(conntrack, "insert_failed"), None);
        let netstat = "TcpExt: SyncookiesSent ListenOverflows\nTcpExt: 1 5\nIpExt: A\nIpExt: 9\n";
        assert_eq!(protocol_value(netstat, "TcpExt", "ListenOverflows"), Some(5));
        assert_eq!(protocol_value(netstat, "IpExt", "ListenOverflows"), None);
        assert_eq!(unescape("/a\\040b\\0"), "/a b\\0");
    }
}
