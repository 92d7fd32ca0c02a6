//! ZooKeeper (its records: <https://github.com/apache/zookeeper/blob/master/zookeeper-jute/src/main/resources/zookeeper.jute>).

use super::{Dialect, Event, Expects, Fit, Input, Key, Read, Session, Start};
use crate::bytes::{Cursor, is_printable};
use crate::call::{Blame, Failure, Kind, Request, Response, Target};
use crate::kernel::{KernelCheck, Outcome, Rule};
use crate::record::Open;
use crate::redact::Mask;
use crate::verdict::{Role, Turn};

pub(crate) static DIALECT: Dialect = Dialect {
    starts: |role, turn| match role {
        Role::Client => first_of(turn).is_some_and(|it| connect(it).is_some() || request(it).is_some()),
        Role::Server => first_of(turn).is_some_and(|it| connected(it) || reply(it).is_some()),
    },
    fit,
    greeting: None,
    session: |start| {
        Box::new(Zookeeper {
            connecting: start == Start::Fresh,
            ..Zookeeper::default()
        })
    },
    secrets,
    kernel: KernelCheck::new(
        [
            // The answer to a connect has the protocol's version, zero, where others have the request's number.
            Rule::long(4, 0..=0, Outcome::Ok),
            Rule::long(16, 0..=0, Outcome::Ok),
            // -101 and below.
            Rule::long(16, 0xffff_ff00..=0xffff_ff9b, Outcome::CallerError),
        ],
        Outcome::CalleeError,
    )
    .correlated(4, 4, 4)
    .long(0, 4, false, 4),
};

/// Four times the default bound (`jute.maxbuffer`).
const LEN_MAX: u32 = 4 << 20;

/// No request has this number: the session's start.
const CONNECT_KEY: u64 = 1 << 40;

const PING: i32 = 11;
const AUTH: i32 = 100;
const CLOSE: i32 = -11;

/// Requests: number, name, whether a path comes first.
const TYPES: &[(i32, &str, bool)] = &[
    (1, "create", true),
    (2, "delete", true),
    (3, "exists", true),
    (4, "getData", true),
    (5, "setData", true),
    (6, "getACL", true),
    (7, "setACL", true),
    (8, "getChildren", true),
    (9, "sync", true),
    (11, "ping", false),
    (12, "getChildren2", true),
    (13, "check", true),
    (14, "multi", false),
    (15, "create2", true),
    (16, "reconfig", false),
    (17, "checkWatches", true),
    (18, "removeWatches", true),
    (19, "createContainer", true),
    (20, "deleteContainer", true),
    (21, "createTTL", true),
    (22, "multiRead", false),
    (100, "auth", false),
    (101, "setWatches", false),
    (102, "sasl", false),
    (103, "getEphemerals", true),
    (104, "getAllChildrenNumber", true),
    (105, "setWatches2", false),
    (106, "addWatch", true),
    (107, "whoAmI", false),
    (-10, "createSession", false),
    (-11, "closeSession", false),
];

const ERRORS: &[(i32, &str)] = &[
    (-1, "SYSTEMERROR"),
    (-2, "RUNTIMEINCONSISTENCY"),
    (-3, "DATAINCONSISTENCY"),
    (-4, "CONNECTIONLOSS"),
    (-5, "MARSHALLINGERROR"),
    (-6, "UNIMPLEMENTED"),
    (-7, "OPERATIONTIMEOUT"),
    (-8, "BADARGUMENTS"),
    (-12, "UNKNOWNSESSION"),
    (-13, "NEWCONFIGNOQUORUM"),
    (-14, "RECONFIGINPROGRESS"),
    (-100, "APIERROR"),
    (-101, "NONODE"),
    (-102, "NOAUTH"),
    (-103, "BADVERSION"),
    (-108, "NOCHILDRENFOREPHEMERALS"),
    (-110, "NODEEXISTS"),
    (-111, "NOTEMPTY"),
    (-112, "SESSIONEXPIRED"),
    (-113, "INVALIDCALLBACK"),
    (-114, "INVALIDACL"),
    (-115, "AUTHFAILED"),
    (-116, "CLOSING"),
    (-117, "NOTHING"),
    (-118, "SESSIONMOVED"),
    (-119, "NOTREADONLY"),
    (-120, "EPHEMERALONLOCALSESSION"),
    (-121, "NOWATCHER"),
    (-122, "REQUESTTIMEOUT"),
    (-123, "RECONFIGDISABLED"),
    (-124, "SESSIONCLOSEDREQUIRESASLAUTH"),
    (-125, "QUOTAEXCEEDED"),
    (-127, "THROTTLEDOP"),
];

/// Words that administrators send instead of a session.
const WORDS: &[&str] = &[
    "ruok", "stat", "srvr", "mntr", "conf", "cons", "envi", "isro", "dump", "wchs", "wchc", "wchp", "crst",
    "srst",
];

fn fit(request_turn: &Turn<'_>, response: &Turn<'_>) -> Fit {
    if request_turn.len == 4 && WORDS.iter().any(|word| word.as_bytes() == request_turn.bytes) {
        // What the words in use are answered with.
        let answers: [&[u8]; 5] = [
            b"imok",
            b"Zookeeper version:",
            b"zk_version\t",
            b"Environment:\n",
            b"clientPort=",
        ];
        return Fit::strong_if(answers.iter().any(|answer| response.bytes.starts_with(answer)));
    }
    let (Some(asked), Some(answered)) = (first_of(request_turn), first_of(response)) else {
        return Fit::No;
    };
    if connect(asked).is_some() {
        return Fit::strong_if(connected(answered));
    }
    match (request(asked), reply(answered)) {
        (Some(asked), Some(answered)) if asked.id == answered.id => {
            if asked.path.is_empty() && asked.kind != PING {
                Fit::Weak
            } else {
                Fit::Strong
            }
        }
        _ => Fit::No,
    }
}

/// A message without its length, as far as it is here, and its true length.
#[derive(Clone, Copy)]
struct Message<'a> {
    bytes: &'a [u8],
    len: u32,
}

fn message(bytes: &[u8]) -> Option<Message<'_>> {
    let (len, rest) = bytes.split_first_chunk()?;
    let len = u32::from_be_bytes(*len);
    (8..=LEN_MAX).contains(&len).then(|| Message {
        bytes: &rest[..rest.len().min(len as usize)],
        len,
    })
}

fn first_of<'a>(turn: &Turn<'a>) -> Option<Message<'a>> {
    message(turn.bytes).filter(|message| turn.holds(u64::from(message.len) + 4))
}

/// The session's password, which is in the start of a session.
fn connect(message: Message<'_>) -> Option<&[u8]> {
    let mut cursor = Cursor::new(message.bytes);
    let (version, _seen, timeout) = (cursor.i32()?, cursor.u64()?, cursor.i32()?);
    let (_session, password) = (cursor.u64()?, cursor.i32()?);
    let valid = version == 0
        && (0..86_400_000).contains(&timeout)
        && password == 16
        // With or without a byte that allows servers that only read.
        && matches!(message.len, 44 | 45);
    valid.then(|| cursor.take_at_most(16))
}

fn connected(message: Message<'_>) -> bool {
    let mut cursor = Cursor::new(message.bytes);
    let mut read = || {
        let (version, timeout) = (cursor.i32()?, cursor.i32()?);
        let (_session, password) = (cursor.u64()?, cursor.i32()?);
        Some(version == 0 && (0..86_400_000).contains(&timeout) && password == 16)
    };
    matches!(message.len, 36 | 37) && read() == Some(true)
}

struct Asked<'a> {
    id: i32,
    kind: i32,
    name: &'static str,
    path: &'a [u8],
}

fn request(message: Message<'_>) -> Option<Asked<'_>> {
    let mut cursor = Cursor::new(message.bytes);
    let (id, kind) = (cursor.i32()?, cursor.i32()?);
    let (_, name, has_path) = TYPES.iter().find(|(number, _, _)| *number == kind)?;
    let special = match kind {
        PING => id == -2 && message.len == 8,
        AUTH => id == -4,
        CLOSE => message.len == 8,
        101 | 105 => id == -8,
        _ => id > 0,
    };
    let mut path = b"".as_slice();
    if *has_path && let Some(len) = cursor.i32() {
        let len = usize::try_from(len)
            .ok()
            .filter(|len| *len < message.len as usize)?;
        path = cursor.take_at_most(len);
        let valid = path.is_empty() || (path[0] == b'/' && is_printable(path));
        if !valid || len == 0 {
            return None;
        }
    }
    special.then_some(Asked { id, kind, name, path })
}

struct Answered {
    id: i32,
    error: i32,
}

fn reply(message: Message<'_>) -> Option<Answered> {
    let mut cursor = Cursor::new(message.bytes);
    let (id, transaction, error) = (cursor.i32()?, cursor.i64()?, cursor.i32()?);
    let known = error == 0 || ERRORS.iter().any(|(code, _)| *code == error);
    (message.len >= 16 && id != 0 && id >= -8 && transaction >= -1 && known).then_some(Answered { id, error })
}

#[derive(Debug, Default)]
struct Zookeeper {
    /// The session's start, or a word, is still to come.
    connecting: bool,
    /// A word was asked, and the answer is text.
    text: bool,
}

impl Session for Zookeeper {
    fn read<'a>(&'a mut self, from: Role, input: Input<'a>, open: &Open) -> Read<'a> {
        let Some(start) = input.bytes.first_chunk::<4>() else {
            return Read::More;
        };
        if self.text && from == Role::Server {
            return Read::message(input.bytes.len() as u64, word_answered(open));
        }
        if self.connecting
            && from == Role::Client
            && let Some(word) = WORDS.iter().find(|word| word.as_bytes() == start)
        {
            self.text = true;
            return Read::message(4, asked(CONNECT_KEY, word, b"", Expects::Response));
        }
        let Some(len) = message(input.bytes).map(|message| message.len) else {
            return Read::Lost;
        };
        let size = u64::from(len) + 4;
        let Some(message) = input.head(size).and_then(message) else {
            return Read::More;
        };
        let event = match from {
            Role::Client if std::mem::take(&mut self.connecting) && connect(message).is_some() => {
                asked(CONNECT_KEY, "connect", b"", Expects::Response)
            }
            Role::Client => match request(message) {
                Some(it) => {
                    let expects = if it.kind == PING {
                        Expects::Silence
                    } else {
                        Expects::Response
                    };
                    // The sign is kept out of the key.
                    asked(u64::from(it.id as u32), it.name, it.path, expects)
                }
                // Requests of later versions.
                None => Event::Nothing,
            },
            Role::Server => answer(message, open),
        };
        Read::message(size, event)
    }

    fn lost(&mut self, _: Role) {
        self.connecting = false;
    }
}

fn asked<'a>(key: u64, operation: &'static str, path: &'a [u8], expects: Expects) -> Event<'a> {
    Event::Request {
        key,
        tag: 0,
        request: Request {
            operation,
            target: Target::new(Kind::Path, path),
            ..Request::default()
        },
        expects,
        protocol: None,
    }
}

fn word_answered(open: &Open) -> Event<'static> {
    if open.is_empty() {
        return Event::Nothing;
    }
    Event::answer(Response::default())
}

fn answer(message: Message<'_>, open: &Open) -> Event<'static> {
    let key = Key::Id(CONNECT_KEY);
    if open.tag(key).is_some() && connected(message) {
        // A session that is over gets no time.
        let timeout = Cursor::new(message.bytes.get(4..).unwrap_or_default()).u32();
        return ended(key, if timeout == Some(0) { -112 } else { 0 });
    }
    match reply(message) {
        Some(it) => ended(Key::Id(u64::from(it.id as u32)), it.error),
        None => Event::Nothing,
    }
}

fn ended(key: Key, error: i32) -> Event<'static> {
    let failure = (error != 0).then(|| Failure {
        blame: if error <= -101 {
            Blame::Caller
        } else {
            Blame::Callee
        },
        code: ERRORS
            .iter()
            .find(|(code, _)| *code == error)
            .map_or("", |(_, name)| *name),
        message: b"",
    });
    Event::Response {
        key,
        response: Response {
            status: Some(error),
            failure,
            ..Response::default()
        },
        messages: 1,
        last: true,
    }
}

/// Passwords of sessions, which let anyone take them over, and what `auth` and `sasl` carry.
fn secrets(from: Role, bytes: &[u8], mask: &mut Mask<'_>) {
    const SASL: i32 = 102;
    let Some(message) = message(bytes) else {
        return;
    };
    if let Some(password) = connect(message).filter(|_| from == Role::Client) {
        mask.hide_part(password);
    } else if from == Role::Server && connected(message) {
        mask.hide(24..40);
    } else if from == Role::Client && request(message).is_some_and(|it| matches!(it.kind, AUTH | SASL)) {
        mask.hide(12..bytes.len());
    }
}
