//! What the programs tell: the twin of `programs/deaths.h`.

use zerocopy::{FromBytes, Immutable, KnownLayout};

const NAME_BYTES: usize = 96;
const MEMORY_LEVELS: usize = 4;

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct Group {
    pub id: u64,
    pub name: [u8; NAME_BYTES],
    pub parent: [u8; NAME_BYTES],
}

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct Process {
    pub pid: u32,
    pub namespace_pid: u32,
    pub namespace_level: u32,
    pub uid: u32,
    pub comm: [u8; 16],
    pub parent_pid: u32,
    pub parent_comm: [u8; 16],
    pub pad: u32,
    pub group: Group,
}

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct MemoryLevel {
    pub usage_pages: u64,
    pub max_pages: u64,
    pub name: [u8; NAME_BYTES],
}

#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct Death {
    pub boot_ns: u64,
    pub kind: u32,
    pub signal: i32,
    pub code: i32,
    pub result: i32,
    pub subject: Process,
    pub sender: Process,
    pub anon_pages: u64,
    pub file_pages: u64,
    pub shmem_pages: u64,
    pub swap_entries: u64,
    pub memory: [MemoryLevel; MEMORY_LEVELS],
}

pub(super) const SIGNAL: u32 = 1;
pub(super) const EXIT: u32 = 2;
pub(super) const OOM: u32 = 3;

/// `enum` of codes in `deaths.h`.
pub(super) const CODE_NO_INFO: i32 = 0x7fff_fffe;
pub(super) const CODE_KERNEL: i32 = 0x7fff_ffff;

/// The text up to the first NUL; the kernel's names are bytes of any kind.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}
