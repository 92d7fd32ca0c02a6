//! Every bound of this crate, in one place.
//!
//! | bound | what happens at it |
//! |---|---|
//! | [`HEAD_MAX`] | a message is understood from its first bytes; the rest is skipped, not kept |
//! | [`BUFFER_MAX`] | a head that is still incomplete is read as if the rest had not been captured |
//! | [`OPEN_MAX`] | in-order protocols lose their pairing and start anew, others drop the oldest open call; both are counted |
//! | [`STATEMENTS_MAX`] | the oldest prepared statement is forgotten; calls of it have no text |
//! | [`HPACK_TABLE_MAX`] | the oldest header is forgotten; a reference to it is an unknown header |
//! | [`UNDECIDED_MAX`], [`UNDECIDED_TURNS_MAX`] | the connection is given up: it yields no calls |
//! | [`KEY_MAX`], [`SAMPLE_MAX`] | texts are cut and end in `…` |

/// A message is understood from at most this many of its first bytes.
pub const HEAD_MAX: usize = 1024;

/// Bytes kept for each side of a connection while a head is incomplete.
pub const BUFFER_MAX: usize = 16 * 1024;

/// Calls of one connection that wait for their response.
pub const OPEN_MAX: usize = 256;

/// Prepared statements remembered for each connection.
pub const STATEMENTS_MAX: usize = 128;

/// Bytes of HPACK's dynamic table, as RFC 7541 §4.1 counts them, kept for each side.
pub const HPACK_TABLE_MAX: usize = 16 * 1024;

/// Headers read from one block.
pub const HEADERS_MAX: usize = 128;

/// Bytes of a map key: a folded route, a normalized statement.
pub const KEY_MAX: usize = 512;

/// Bytes of a target or an error message kept for a sample.
pub const SAMPLE_MAX: usize = 1024;

/// Bytes kept of each turn of a connection that has no verdict yet.
pub const UNDECIDED_MAX: usize = 2 * 1024;

/// Turns after which a connection without a verdict is given up.
pub const UNDECIDED_TURNS_MAX: usize = 8;
