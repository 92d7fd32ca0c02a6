//! What the programs are told when they start.

use std::time::Duration;

use libbpf_rs::ProgramType;
use zerocopy::{Immutable, IntoBytes};

use crate::{Error, Hierarchy, Tier};

/// What the programs are told when they start.
#[derive(Debug, Clone)]
pub struct Options {
    /// How calls are seen.
    pub tier: Tier,
    /// A call that takes at least this long counts as slow.
    pub slow: Duration,
    /// Read the first bytes of requests and answers: without them there is no protocol, no error and no sample.
    pub payload: bool,
    /// Every N-th call is a sample; 0 for none.
    pub sample_each: u32,
    /// Follow each of the calls that run at the same time on one connection, where the kernel allows it: tier S does, tier P
    /// from Linux 5.17 on. Else such a connection's calls are counted by turns, as all calls of other protocols are.
    pub follow: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tier: Tier::default(),
            slow: Duration::from_millis(500),
            payload: true,
            sample_each: 1000,
            follow: true,
        }
    }
}

/// What the programs are told before they are loaded: the twin of `settings` in `programs/finished.h`.
#[derive(IntoBytes, Immutable)]
#[repr(C)]
pub(super) struct Settings {
    slow_ns: u64,
    memory_on_v1: u64,
    read_payload: u64,
    sample_each: u64,
    netns_at_events: u64,
    netns_at_packets: u64,
    frames_protocol: u64,
}

impl Settings {
    pub(super) fn of(options: &Options, hierarchy: &Hierarchy) -> Result<Self, Error> {
        let tells_netns = |kind: ProgramType| -> Result<u64, Error> {
            if options.tier != Tier::Packet {
                return Ok(0);
            }
            let helper = libbpf_sys::BPF_FUNC_get_netns_cookie;
            let told = kind.is_helper_supported(helper);
            told.map(u64::from).map_err(Error::kernel(
                "trying whether the kernel tells network namespaces",
            ))
        };
        Ok(Self {
            slow_ns: options.slow.as_nanos().try_into().unwrap_or(u64::MAX),
            memory_on_v1: u64::from(matches!(hierarchy, Hierarchy::Memory(_))),
            read_payload: u64::from(options.payload),
            sample_each: options.sample_each.into(),
            netns_at_events: tells_netns(ProgramType::SockOps)?,
            netns_at_packets: tells_netns(ProgramType::CgroupSkb)?,
            frames_protocol: super::number(sonde_l7::Protocol::Http2).into(),
        })
    }
}
