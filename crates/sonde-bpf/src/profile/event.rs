//! A clock tick of one processor as a perf event (perf_event_open(2)).

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd};

/// `include/uapi/linux/perf_event.h`, `struct perf_event_attr` in its first version, which every kernel takes.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    frequency: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup: u32,
    breakpoint: u32,
    address: u64,
}

const PERF_TYPE_SOFTWARE: u32 = 1;
const PERF_COUNT_SW_CPU_CLOCK: u64 = 0;
/// The eleventh bit: `frequency` is in ticks a second.
const FREQUENCY: u64 = 1 << 10;
const PERF_FLAG_FD_CLOEXEC: libc::c_ulong = 8;

/// Ticks of one processor, whatever it runs.
#[expect(unsafe_code, reason = "no safe crate has the call")]
pub(super) fn ticks(processor: u32, hertz: u32) -> io::Result<OwnedFd> {
    let attributes = Attributes {
        kind: PERF_TYPE_SOFTWARE,
        size: u32::try_from(size_of::<Attributes>()).unwrap_or_default(),
        config: PERF_COUNT_SW_CPU_CLOCK,
        frequency: hertz.into(),
        flags: FREQUENCY,
        ..Attributes::default()
    };
    let all_processes: libc::pid_t = -1;
    let no_group: libc::c_int = -1;
    // SAFETY: the pointer is to attributes of ours that live over the call, and `size` is theirs.
    let descriptor = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            &raw const attributes,
            all_processes,
            processor as libc::c_int,
            no_group,
            PERF_FLAG_FD_CLOEXEC,
        )
    };
    let descriptor = i32::try_from(descriptor).unwrap_or(-1);
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made it, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}
