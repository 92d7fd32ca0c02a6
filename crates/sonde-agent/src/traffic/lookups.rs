//! Single questions for names. Pure.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use sonde_bpf::lookups::Lookup;
use sonde_model::{LookupSeen, LookupsSeen, Owner};

/// So many are kept; one takes some 300 bytes.
pub(crate) const LOOKUPS_MAX: usize = 4_096;

/// The newest questions for names.
#[derive(Debug, Default)]
pub(crate) struct KeptLookups {
    kept: VecDeque<LookupSeen>,
    /// Those that made room for younger ones.
    pub(crate) dropped: u64,
    /// Those that did not fit into the kernel's ring.
    pub(crate) lost: u64,
}

impl KeptLookups {
    /// Keeps one.
    pub(crate) fn take(&mut self, lookup: Lookup, time: Timestamp, owner: Owner) {
        if self.kept.len() >= LOOKUPS_MAX {
            self.kept.pop_front();
            self.dropped += 1;
        }
        self.kept.push_back(LookupSeen {
            time,
            owner,
            server: lookup.edge.remote,
            name: lookup.name,
            kind: kind_word(lookup.kind),
            answer: lookup.code.map_or_else(String::new, answer_word),
            took_ns: u64::try_from(lookup.took.as_nanos()).unwrap_or(u64::MAX),
        });
    }

    /// How many are kept.
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Those of the time `last` before now; all without it.
    pub(crate) fn answer(&self, node: &str, last: Option<SignedDuration>, now: Timestamp) -> LookupsSeen {
        let from = last.and_then(|last| now.saturating_sub(last).ok());
        LookupsSeen {
            schema: LookupsSeen::SCHEMA.to_owned(),
            node: node.to_owned(),
            now,
            lookups: self
                .kept
                .iter()
                .filter(|it| from.is_none_or(|from| it.time >= from))
                .cloned()
                .collect(),
            lost: self.lost,
            dropped: self.dropped,
        }
    }
}

/// IANA's registry of DNS resource record types.
fn kind_word(kind: u16) -> String {
    let word = match kind {
        1 => "A",
        2 => "NS",
        5 => "CNAME",
        6 => "SOA",
        12 => "PTR",
        15 => "MX",
        16 => "TXT",
        28 => "AAAA",
        33 => "SRV",
        65 => "HTTPS",
        255 => "ANY",
        other => return format!("TYPE{other}"),
    };
    word.to_owned()
}

/// IANA's registry of DNS response codes.
fn answer_word(code: u8) -> String {
    let word = match code {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        other => return format!("RCODE{other}"),
    };
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use sonde_bpf::sockets::EdgeKey;
    use sonde_model::Role;

    use super::*;

    fn lookup(code: Option<u8>) -> Lookup {
        Lookup {
            edge: EdgeKey {
                group: 1,
                remote: Ipv4Addr::new(10, 96, 0, 10).into(),
                netns: 1,
                port: 53,
                role: Role::Client,
                protocol: None,
            },
            answered: None,
            name: "db.shop.svc.cluster.local".to_owned(),
            kind: 28,
            code,
            took: Duration::from_secs(5),
        }
    }

    #[test]
    fn the_newest_are_kept_and_told_in_words() {
        let mut kept = KeptLookups::default();
        for second in 0..=LOOKUPS_MAX as i64 {
            let time = Timestamp::from_second(second).expect("in range");
            kept.take(lookup((second > 3).then_some(3)), time, Owner::default());
        }
        assert_eq!((kept.len(), kept.dropped), (LOOKUPS_MAX, 1));
        let now = Timestamp::from_second(LOOKUPS_MAX as i64).expect("in range");
        let all = kept.answer("n1", None, now);
        assert_eq!((&*all.lookups[0].kind, &*all.lookups[0].answer), ("AAAA", ""));
        assert_eq!(all.lookups[10].answer, "NXDOMAIN");
        let last = kept.answer("n1", Some(SignedDuration::from_secs(9)), now);
        assert_eq!(last.lookups.len(), 10);
    }
}
