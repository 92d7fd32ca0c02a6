//! What the kernel knows of how right its clock is (adjtimex(2)).

use std::io;

/// What a time daemon told the kernel, or that none did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Clock {
    /// Nobody keeps it right (STA_UNSYNC).
    pub unsynchronized: bool,
    /// So far it is off, by the daemon's last word, in nanoseconds.
    pub offset_ns: i64,
    /// The most that it can be off, in microseconds; grows by itself until a daemon speaks.
    pub error_max_us: i64,
    /// The daemon's own guess of the error, in microseconds. The kernel starts with 16 s and never changes it.
    pub error_us: i64,
}

/// `include/linux/timex.h`: NTP_PHASE_LIMIT, the value of both errors at boot.
const AT_BOOT_US: i64 = 16_000_000;
#[cfg(target_os = "linux")]
const STA_UNSYNC: i32 = 0x0040;
#[cfg(target_os = "linux")]
const STA_NANO: i32 = 0x2000;

impl Clock {
    /// Asks the kernel; changes nothing.
    ///
    /// # Errors
    ///
    /// When the call is forbidden here.
    #[cfg(target_os = "linux")]
    #[expect(unsafe_code, reason = "no safe crate has the call")]
    pub(crate) fn now() -> io::Result<Self> {
        // SAFETY: timex is plain numbers, for which zero is valid; `modes` 0 asks the kernel to change nothing.
        let mut timex: libc::timex = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is to a timex of ours that lives over the call.
        if unsafe { libc::adjtimex(&raw mut timex) } < 0 {
            return Err(io::Error::last_os_error());
        }
        let nano = timex.status & STA_NANO != 0;
        Ok(Self {
            unsynchronized: timex.status & STA_UNSYNC != 0,
            offset_ns: if nano { timex.offset } else { timex.offset * 1_000 },
            error_max_us: timex.maxerror,
            error_us: timex.esterror,
        })
    }

    /// There is no such call elsewhere.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn now() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// No daemon has spoken since boot.
    pub(crate) fn is_untouched(&self) -> bool {
        self.unsynchronized && self.error_us >= AT_BOOT_US
    }

    /// A daemon kept it right once and does no longer.
    pub(crate) fn is_left_alone(&self) -> bool {
        self.unsynchronized && self.error_max_us >= AT_BOOT_US && !self.is_untouched()
    }
}
