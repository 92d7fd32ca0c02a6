//! What the running kernel has, found out by trying.

use libbpf_rs::MapType;

use crate::Error;

/// Whether the kernel has ring buffers, and these rights allow one.
///
/// # Errors
///
/// When it could not be found out.
pub fn ring_buffers() -> Result<bool, Error> {
    MapType::RingBuf
        .is_supported()
        .map_err(Error::kernel("trying a ring buffer"))
}
