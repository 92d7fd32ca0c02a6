//! Whose address it was, and when.

use core::net::IpAddr;
use std::collections::BTreeMap;

use sonde_model::{ObjectRef, Timestamp};

/// Addresses with the time for which somebody had them.
///
/// Pods get addresses that other pods had before. A count over a span of time is therefore given to an owner only where
/// nobody else had the address within that span; a false edge is worse than an edge to a bare address.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    spans: BTreeMap<IpAddr, Vec<Span>>,
}

#[derive(Debug, Clone)]
struct Span {
    owner: ObjectRef,
    /// `None`: since before anything is known.
    from: Option<Timestamp>,
    /// `None`: still.
    until: Option<Timestamp>,
}

impl Span {
    fn overlaps(&self, from: Timestamp, until: Timestamp) -> bool {
        self.from.is_none_or(|begin| begin <= until) && self.until.is_none_or(|end| end >= from)
    }

    fn covers(&self, from: Timestamp, until: Timestamp) -> bool {
        self.from.is_none_or(|begin| begin <= from) && self.until.is_none_or(|end| end >= until)
    }
}

impl Addresses {
    /// Somebody has an address from a time on, until `until` or until further notice.
    pub fn assign(
        &mut self,
        address: IpAddr,
        owner: ObjectRef,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) {
        self.spans
            .entry(address.to_canonical())
            .or_default()
            .push(Span { owner, from, until });
    }

    /// Whoever has an address now has it no longer from that time on.
    pub fn release(&mut self, address: IpAddr, until: Timestamp) {
        for span in self.spans.get_mut(&address.to_canonical()).into_iter().flatten() {
            if span.until.is_none() {
                span.until = Some(until);
            }
        }
    }

    /// Who had an address through all of a span of time; `None` where it is not known, or where it was more than one.
    pub fn owner(&self, address: IpAddr, from: Timestamp, until: Timestamp) -> Option<&ObjectRef> {
        let mut owners = self
            .spans
            .get(&address.to_canonical())?
            .iter()
            .filter(|span| span.overlaps(from, until));
        let one = owners.next()?;
        let alone = owners.all(|other| other.owner == one.owner);
        (alone && one.covers(from, until)).then_some(&one.owner)
    }

    /// How many addresses are known.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sonde_model::Kind;

    use super::*;

    fn pod(name: usize) -> ObjectRef {
        ObjectRef::new(Kind::Pod, "shop", &format!("p{name}"))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).expect("in range")
    }

    const ADDRESS: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(10, 0, 0, 1));

    #[test]
    fn an_address_that_moved_within_the_span_is_nobodys() {
        let mut addresses = Addresses::default();
        addresses.assign(ADDRESS, pod(1), Some(at(0)), Some(at(10)));
        addresses.assign(ADDRESS, pod(2), Some(at(20)), None);
        for (from, until, expected) in [
            (1, 9, Some(1)),
            (5, 15, None),
            (12, 18, None),
            (15, 25, None),
            (21, 30, Some(2)),
            (5, 25, None),
        ] {
            assert_eq!(
                addresses.owner(ADDRESS, at(from), at(until)),
                expected.map(pod).as_ref(),
                "{from}..{until}"
            );
        }
    }

    #[test]
    fn mapped_and_plain_addresses_are_one() {
        let mut addresses = Addresses::default();
        addresses.assign(ADDRESS, pod(1), None, None);
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().expect("an address");
        assert_eq!(addresses.owner(mapped, at(0), at(1)), Some(&pod(1)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        /// Ten thousand recycles of a few addresses: no span of calls is ever given to a pod that did not have the
        /// address through all of it.
        #[test]
        fn no_false_owner_however_often_addresses_are_recycled(
            holds in proptest::collection::vec((0..8_u8, 1..20_i64, 0..5_i64), 10_000),
            questions in proptest::collection::vec((0..8_u8, 0..40_000_i64, 0..30_i64), 200),
        ) {
            let mut addresses = Addresses::default();
            let mut clock = [0_i64; 8];
            let mut truth: Vec<(u8, i64, i64, usize)> = Vec::new();
            for (name, (address, held, gap)) in holds.into_iter().enumerate() {
                let begin = clock[usize::from(address)] + gap;
                let end = begin + held;
                clock[usize::from(address)] = end + 1;
                let ip = IpAddr::from([10, 0, 0, address]);
                addresses.assign(ip, pod(name), Some(at(begin)), None);
                addresses.release(ip, at(end));
                truth.push((address, begin, end, name));
            }
            for (address, from, length) in questions {
                let ip = IpAddr::from([10, 0, 0, address]);
                let expected = truth
                    .iter()
                    .find(|(of, begin, end, _)| *of == address && *begin <= from && *end >= from + length)
                    .map(|(.., name)| pod(*name));
                prop_assert_eq!(addresses.owner(ip, at(from), at(from + length)), expected.as_ref());
            }
        }
    }
}
