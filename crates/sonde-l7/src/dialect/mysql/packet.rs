//! MySQL's packets and what stands in them (<https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html>).

use crate::bytes::{Cursor, ascii, is_printable};
use crate::call::{Blame, Failure};

pub(super) const HEADER_LEN: usize = 4;

/// A packet of this length goes on in the next one.
pub(super) const FULL: u32 = 0xff_ffff;

pub(super) const CAP_WITH_DB: u32 = 0x8;
pub(super) const CAP_COMPRESS: u32 = 0x20;
pub(super) const CAP_PROTOCOL_41: u32 = 0x200;
pub(super) const CAP_TLS: u32 = 0x800;
pub(super) const CAP_SECURE: u32 = 0x8000;
pub(super) const CAP_LENENC_AUTH: u32 = 0x20_0000;
pub(super) const CAP_ZSTD: u32 = 0x400_0000;

/// More results of the same command follow; a cursor holds the rows.
pub(super) const STATUS_MORE: u16 = 0x8;
pub(super) const STATUS_CURSOR: u16 = 0x40;

pub(super) const COM_INIT_DB: u8 = 0x02;
pub(super) const COM_QUERY: u8 = 0x03;
pub(super) const COM_FIELD_LIST: u8 = 0x04;
pub(super) const COM_STATISTICS: u8 = 0x09;
pub(super) const COM_CHANGE_USER: u8 = 0x11;
pub(super) const COM_PREPARE: u8 = 0x16;
pub(super) const COM_EXECUTE: u8 = 0x17;
pub(super) const COM_LONG_DATA: u8 = 0x18;
pub(super) const COM_CLOSE: u8 = 0x19;
pub(super) const COM_QUIT: u8 = 0x01;

/// Commands by their byte; an empty name is not in use.
const COMMANDS: [&str; 0x20] = [
    "",
    "QUIT",
    "INIT_DB",
    "QUERY",
    "FIELD_LIST",
    "CREATE_DB",
    "DROP_DB",
    "REFRESH",
    "SHUTDOWN",
    "STATISTICS",
    "PROCESS_INFO",
    "",
    "PROCESS_KILL",
    "DEBUG",
    "PING",
    "",
    "",
    "CHANGE_USER",
    "BINLOG_DUMP",
    "TABLE_DUMP",
    "",
    "REGISTER_SLAVE",
    "PREPARE",
    "EXECUTE",
    "LONG_DATA",
    "CLOSE",
    "RESET",
    "SET_OPTION",
    "FETCH",
    "",
    "BINLOG_DUMP_GTID",
    "RESET_CONNECTION",
];

pub(super) fn command(byte: u8) -> Option<&'static str> {
    // MariaDB has one of its own, for many executions at once.
    if byte == 0xfa {
        return Some("BULK_EXECUTE");
    }
    COMMANDS
        .get(usize::from(byte))
        .copied()
        .filter(|name| !name.is_empty())
}

/// Length and sequence number.
pub(super) fn header(bytes: &[u8]) -> Option<(u32, u8)> {
    let [l0, l1, l2, sequence] = *bytes.first_chunk::<HEADER_LEN>()?;
    Some((u32::from_le_bytes([l0, l1, l2, 0]), sequence))
}

/// A number of one, three, four or nine bytes.
pub(super) fn lenenc(cursor: &mut Cursor<'_>) -> Option<u64> {
    match cursor.u8()? {
        byte @ 0..=0xfa => Some(u64::from(byte)),
        0xfc => cursor.u16_le().map(u64::from),
        0xfd => {
            let low = cursor.u16_le()?;
            Some(u64::from(low) | u64::from(cursor.u8()?) << 16)
        }
        0xfe => cursor.u64_le(),
        _ => None,
    }
}

/// Whether a payload is a server's greeting of protocol 10.
pub(super) fn is_greeting(payload: &[u8]) -> bool {
    let mut cursor = Cursor::new(payload);
    cursor.u8() == Some(10)
        && cursor
            .cstr()
            .is_some_and(|version| version.len() < 128 && is_printable(version))
        && cursor.take(12).is_some()
        && cursor.u8() == Some(0)
        && cursor.take(13).is_some_and(|rest| {
            // Capabilities, character set, status, capabilities, length of the data, filler.
            u16::from_le_bytes([rest[0], rest[1]]) & CAP_PROTOCOL_41 as u16 != 0
        })
}

/// What a client says when it logs in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Login<'a> {
    pub(super) capabilities: u32,
    /// It wants encryption first.
    pub(super) tls: bool,
    pub(super) auth: &'a [u8],
    pub(super) database: &'a [u8],
}

pub(super) fn login(payload: &[u8], len: u32) -> Option<Login<'_>> {
    let mut cursor = Cursor::new(payload);
    let capabilities = cursor.u32_le()?;
    let (_max, _charset) = (cursor.u32_le()?, cursor.u8()?);
    // MariaDB keeps further capabilities in the last four bytes.
    let filler = cursor.take(23)?;
    if capabilities & CAP_PROTOCOL_41 == 0 || filler[..19].iter().any(|byte| *byte != 0) {
        return None;
    }
    let mut login = Login {
        capabilities,
        tls: len == 32 && capabilities & CAP_TLS != 0,
        auth: b"",
        database: b"",
    };
    if login.tls {
        return Some(login);
    }
    let rest = cursor.rest();
    let Some(user) = cursor.cstr() else {
        return (!rest.is_empty() && (payload.len() as u32) < len).then_some(login);
    };
    if !user.is_empty() && !is_printable(user) {
        return None;
    }
    let auth = if capabilities & CAP_LENENC_AUTH != 0 {
        lenenc(&mut cursor).map(|len| cursor.take_at_most(usize::try_from(len).unwrap_or(usize::MAX)))
    } else if capabilities & CAP_SECURE != 0 {
        cursor.u8().map(|len| cursor.take_at_most(usize::from(len)))
    } else {
        cursor.cstr()
    };
    login.auth = auth.unwrap_or_default();
    if capabilities & CAP_WITH_DB != 0 {
        login.database = cursor.cstr().unwrap_or_default();
    }
    Some(login)
}

/// The status of an OK or an EOF packet, whose first byte is 0x00 or 0xfe.
pub(super) fn status(payload: &[u8]) -> Option<u16> {
    let mut cursor = Cursor::new(payload);
    let kind = cursor.u8()?;
    if kind == 0xfe && payload.len() == 5 {
        cursor.u16_le()?;
        return cursor.u16_le();
    }
    let (_affected, _last_id) = (lenenc(&mut cursor)?, lenenc(&mut cursor)?);
    cursor.u16_le()
}

/// Code, SQLSTATE and message of an error packet.
pub(super) fn failure(payload: &[u8]) -> (i32, Failure<'_>) {
    // Codes that speak of the server's state, its limits or of others at work, not of the statement.
    const CALLEE: &[i32] = &[
        1020, 1021, 1023, 1024, 1026, 1030, 1037, 1038, 1039, 1040, 1041, 1042, 1043, 1053, 1077, 1078, 1079,
        1080, 1105, 1114, 1129, 1135, 1152, 1158, 1159, 1160, 1161, 1203, 1205, 1206, 1213, 1226, 1290, 1317,
        1836, 1927, 1969, 3024, 3100, 3101, 3572, 4031,
    ];
    let mut cursor = Cursor::new(payload);
    cursor.u8();
    let code = i32::from(cursor.u16_le().unwrap_or_default());
    let (state, message) = match cursor.rest() {
        [b'#', rest @ ..] if rest.len() >= 5 => rest.split_at(5),
        rest => (b"".as_slice(), rest),
    };
    let failure = Failure {
        blame: if CALLEE.contains(&code) {
            Blame::Callee
        } else {
            Blame::Caller
        },
        code: ascii(state),
        message,
    };
    (code, failure)
}

/// The text of a query, after the attributes that newer clients put before it.
pub(super) fn query(body: &[u8]) -> &[u8] {
    // No attributes, one set of them.
    body.strip_prefix(b"\x00\x01").unwrap_or(body)
}
