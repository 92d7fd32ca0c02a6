//! The bounds of everything that is read.
//!
//! | what | bound | at the bound |
//! |---|---|---|
//! | files of a dump | [`FILES_MAX`] | the rest is left out, a problem says so |
//! | bytes of one file with objects | [`OBJECT_FILE_BYTES_MAX`] | the file is cut, whole objects before the cut are used |
//! | bytes of one text | [`TEXT_BYTES_MAX`] | its end is kept, the count of dropped bytes is said |
//! | bytes of one line | [`LINE_BYTES_MAX`] | the line is cut |
//! | unpacked bytes of a dump | [`TOTAL_BYTES_MAX`] | reading stops, what was read is used |
//! | unpacked to packed bytes | [`RATIO_MAX`] beyond [`RATIO_GRACE_BYTES`] | reading stops: an archive bomb |
//! | depth of folders | [`FOLDER_DEPTH_MAX`] | deeper files are left out |
//! | nesting of YAML | [`YAML_DEPTH_MAX`] | the document is left out |
//! | JSON made of one YAML part | [`YAML_GROWTH_MAX`] times its text | the part is left out: an alias bomb |
//! | lists in lists | [`LIST_DEPTH_MAX`] | inner items are left out |
//! | lines kept of a container's log | [`CONTAINER_LOG_LINES_MAX`] | the last ones are kept |
//! | problems | [`PROBLEMS_MAX`] | the rest is counted |
//! | pasted text | [`PASTE_BYTES_MAX`] | the rest is left out, a problem says so |

/// Files of one dump.
pub const FILES_MAX: usize = 200_000;
/// Bytes of one file that holds objects.
pub const OBJECT_FILE_BYTES_MAX: u64 = 1 << 30;
/// Bytes kept of one text, from its end.
pub const TEXT_BYTES_MAX: usize = 8 << 20;
/// Bytes of one line.
pub const LINE_BYTES_MAX: usize = 64 << 10;
/// Unpacked bytes of one dump.
pub const TOTAL_BYTES_MAX: u64 = 4 << 30;
/// Unpacked bytes for each packed byte.
pub const RATIO_MAX: u64 = 1000;
/// Unpacked bytes that are always allowed, whatever the ratio.
pub const RATIO_GRACE_BYTES: u64 = 64 << 20;
/// Folders in folders.
pub const FOLDER_DEPTH_MAX: usize = 24;
/// Nesting of YAML collections; JSON has the same bound in its own parser.
pub const YAML_DEPTH_MAX: usize = 100;
/// Bytes of JSON for each byte of YAML, beyond a grace of one mebibyte.
pub const YAML_GROWTH_MAX: usize = 16;
/// Lists in lists.
pub const LIST_DEPTH_MAX: usize = 4;
/// Lines kept of one container's log, from its end.
pub const CONTAINER_LOG_LINES_MAX: usize = 5_000;
/// Problems told one by one.
pub const PROBLEMS_MAX: usize = 200;
/// Bytes of a pasted text.
pub const PASTE_BYTES_MAX: u64 = 64 << 20;
