//! The bounds of everything that is read.
//!
//! | what | bound | at the bound |
//! |---|---|---|
//! | files of a dump | [`FILES_MAX`] | the rest is left out, a problem says so |
//! | entries of an archive, folders and links included | [`ARCHIVE_ENTRIES_MAX`] | reading stops, what was read is used |
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
//! | understood lines of one node's logs, the kernel's and the others' each | [`NODE_LINES_MAX`] | the rest is left out, a problem says how many |
//! | problems | [`PROBLEMS_MAX`] | the rest is counted |
//! | pasted text | [`PASTE_BYTES_MAX`] | its middle is left out ([`PASTE_HEAD_BYTES`] of its start are kept), of objects their end; a problem says so |
//! | bytes that the reader of pasted text takes | `sonde_grammar::paste::BYTES_MAX`, a little more than the row above lets through | the rest is left out |
//! | messages of a paste that no grammar knows | [`NOT_UNDERSTOOD_MAX`] | the rest is not kept |
//! | objects of one page of a list | [`LIST_PAGE`] | the next page is asked for |
//! | pages of one list | [`LIST_PAGES_MAX`] | the rest is left out, a blind spot says so |
//! | restarts of an expired list | [`LIST_RESTARTS_MAX`] | the list is a blind spot |
//! | requests at once | [`REQUESTS_AT_ONCE`] | others wait |
//! | bytes of one answer | [`ANSWER_BYTES_MAX`] | the request fails |
//! | tries of one request | [`TRIES_MAX`], with waits of at most [`RETRY_WAIT_MAX`] | the request fails, at once when the server asks for a longer wait |
//! | lines of a fetched log | [`LOG_TAIL_LINES`], [`NODE_LOG_LINES`] for a node's | the last ones are fetched |
//! | bytes of one log read on this machine, and time for it | [`TEXT_BYTES_MAX`], [`LOCAL_LOG_TIME_MAX`] | its end is read; without an answer the API server is asked |
//! | names of a kubelet's listing of files | [`LISTED_FILES_MAX`] | the rest is not looked at |
//! | bytes of, and time for, one answer of an agent | [`AGENT_ANSWER_BYTES_MAX`], [`AGENT_ANSWER_TIME_MAX`] | the question fails |
//! | logs of containers fetched in one round | [`LOGS_A_ROUND_MAX`] | the rest is left to the next round, at last a blind spot |

/// Files of one dump.
pub const FILES_MAX: usize = 200_000;
/// Entries of an archive.
pub const ARCHIVE_ENTRIES_MAX: usize = 4 * FILES_MAX;
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
/// Understood lines kept of one node's logs.
pub const NODE_LINES_MAX: usize = 200_000;
/// Problems told one by one.
pub const PROBLEMS_MAX: usize = 200;
/// Bytes of a pasted text; a little less than the text's reader takes, for redaction may make a text longer.
pub const PASTE_BYTES_MAX: u64 = 63 << 20;
/// Bytes kept of the start of a longer pasted text; the rest are of its end, where logs tell most.
pub const PASTE_HEAD_BYTES: u64 = 8 << 20;
/// Messages of a paste that no grammar knows.
pub const NOT_UNDERSTOOD_MAX: usize = 1_000;
/// Objects of one page of a list.
pub const LIST_PAGE: usize = 500;
/// Pages of one list.
pub const LIST_PAGES_MAX: usize = 4_000;
/// How often a list that expired is begun again.
pub const LIST_RESTARTS_MAX: usize = 3;
/// Requests under way at once.
pub const REQUESTS_AT_ONCE: usize = 6;
/// Bytes of one answer of the API server.
pub const ANSWER_BYTES_MAX: usize = 256 << 20;
/// Tries of one request.
pub const TRIES_MAX: u32 = 4;
/// Longest wait before a request is tried again; a server that asks for more is not asked again.
pub const RETRY_WAIT_MAX: std::time::Duration = std::time::Duration::from_secs(10);
/// Lines of a container's log that are fetched.
pub const LOG_TAIL_LINES: usize = 400;
/// A log is on this machine, and its journal is indexed.
pub const LOCAL_LOG_TIME_MAX: std::time::Duration = std::time::Duration::from_secs(10);
/// Names of a kubelet's listing of the files of `/var/log`.
pub const LISTED_FILES_MAX: usize = 10_000;
/// Lines of a node's log that are fetched.
pub const NODE_LOG_LINES: usize = 20_000;
/// Logs of containers fetched in one round.
pub const LOGS_A_ROUND_MAX: usize = 200;
/// Bytes of one answer of an agent, which remembers some ten thousand deaths.
pub const AGENT_ANSWER_BYTES_MAX: usize = 64 << 20;
/// An agent is on this node and answers from memory.
pub const AGENT_ANSWER_TIME_MAX: std::time::Duration = std::time::Duration::from_secs(10);
