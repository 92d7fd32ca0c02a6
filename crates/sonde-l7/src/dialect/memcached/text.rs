//! Lines and blocks of data.

use super::{failure, nothing};
use crate::bytes::{crlf_line, decimal, is_graphic, is_printable};
use crate::call::{Blame, Request, Response};
use crate::dialect::{Event, Expects, Input, Key, Read};
use crate::record::Open;
use crate::redact::Mask;
use crate::verdict::{Role, Turn};

/// What may come back for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// Values, then `END`.
    Values,
    /// A word.
    Word(&'static [&'static str]),
    /// A number, or that there is none.
    Number,
    /// `STAT` lines, then `END`.
    Stats,
    Version,
    /// Two letters, perhaps with a value.
    Meta,
    Nothing,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    word: &'static str,
    name: &'static str,
    /// Words after it, at least and at most.
    arguments: (usize, usize),
    /// Which argument is the length of the data that follow.
    data_at: Option<usize>,
    answer: Answer,
}

const fn command(
    word: &'static str,
    name: &'static str,
    arguments: (usize, usize),
    data_at: Option<usize>,
    answer: Answer,
) -> Command {
    Command {
        word,
        name,
        arguments,
        data_at,
        answer,
    }
}

/// A client may ask for this many keys at once; the server's line has a bound of its own.
const MANY: usize = 10_000;

const STORED: Answer = Answer::Word(&["STORED", "NOT_STORED", "EXISTS", "NOT_FOUND"]);
const OK: Answer = Answer::Word(&["OK"]);

static COMMANDS: &[Command] = &[
    command("get", "GET", (1, MANY), None, Answer::Values),
    command("gets", "GETS", (1, MANY), None, Answer::Values),
    command("gat", "GAT", (2, MANY), None, Answer::Values),
    command("gats", "GATS", (2, MANY), None, Answer::Values),
    command("set", "SET", (4, 5), Some(3), STORED),
    command("add", "ADD", (4, 5), Some(3), STORED),
    command("replace", "REPLACE", (4, 5), Some(3), STORED),
    command("append", "APPEND", (4, 5), Some(3), STORED),
    command("prepend", "PREPEND", (4, 5), Some(3), STORED),
    command("cas", "CAS", (5, 6), Some(3), STORED),
    command(
        "delete",
        "DELETE",
        (1, 3),
        None,
        Answer::Word(&["DELETED", "NOT_FOUND"]),
    ),
    command("incr", "INCR", (2, 3), None, Answer::Number),
    command("decr", "DECR", (2, 3), None, Answer::Number),
    command(
        "touch",
        "TOUCH",
        (2, 3),
        None,
        Answer::Word(&["TOUCHED", "NOT_FOUND"]),
    ),
    command("stats", "STATS", (0, 3), None, Answer::Stats),
    command("version", "VERSION", (0, 0), None, Answer::Version),
    command("flush_all", "FLUSH_ALL", (0, 2), None, OK),
    command("verbosity", "VERBOSITY", (1, 2), None, OK),
    command("mg", "MG", (1, 32), None, Answer::Meta),
    command("ms", "MS", (2, 32), Some(1), Answer::Meta),
    command("md", "MD", (1, 32), None, Answer::Meta),
    command("ma", "MA", (1, 32), None, Answer::Meta),
    command("mn", "MN", (0, 0), None, Answer::Meta),
    command("me", "ME", (1, 32), None, Answer::Meta),
    command("quit", "QUIT", (0, 0), None, Answer::Nothing),
];

/// The server's own bound of a line (`KEY_MAX_URI_ENCODED_LENGTH` and many keys).
const LINE_MAX: usize = 8 * 1024;

/// A command, the length of its data, and whether no answer is wanted.
fn parse(line: &[u8]) -> Option<(&'static Command, u64, bool)> {
    let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let word = words.next()?;
    let command = COMMANDS.iter().find(|it| it.word.as_bytes() == word)?;
    let (mut count, mut len, mut last) = (0, 0, word);
    for (at, word) in words.enumerate() {
        if count == command.arguments.1 || !is_key(word) {
            return None;
        }
        if Some(at) == command.data_at {
            // The data end with a line end of their own.
            len = decimal(word).filter(|len| *len <= 1 << 30)? + 2;
        }
        count += 1;
        last = word;
    }
    // Flags and times of the classic commands are numbers.
    if count < command.arguments.0 || !numbers_fit(command, line) {
        return None;
    }
    let quiet = last == b"noreply"
        || (command.answer == Answer::Meta && line.split(|it| *it == b' ').skip(2).any(|it| it == b"q"));
    Some((command, len, quiet || command.answer == Answer::Nothing))
}

fn is_key(word: &[u8]) -> bool {
    word.len() <= 250 && !word.iter().any(u8::is_ascii_control)
}

fn numbers_fit(command: &Command, line: &[u8]) -> bool {
    let wanted: &[usize] = match command.answer {
        STORED => &[2, 3],
        Answer::Number => &[2],
        _ => return true,
    };
    let words = || line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    wanted.iter().all(|at| {
        words()
            .nth(*at)
            .is_some_and(|word| decimal(word.strip_prefix(b"-").unwrap_or(word)).is_some())
    })
}

/// The command at the start of a turn, strictly.
pub(super) fn command_of(turn: &Turn<'_>) -> Option<&'static Command> {
    let (line, size) = crlf_line(turn.bytes)?;
    let (command, len, _) = parse(line)?;
    let end = size as u64 + len;
    let ended = usize::try_from(end)
        .ok()
        .and_then(|end| turn.bytes.get(end.checked_sub(2)?..end))
        .is_none_or(|it| len == 0 || it == b"\r\n");
    (turn.holds(end) && ended).then_some(command)
}

const ERRORS: [&[u8]; 3] = [b"ERROR", b"CLIENT_ERROR ", b"SERVER_ERROR "];

fn is_error(line: &[u8]) -> bool {
    line == ERRORS[0]
        || ERRORS[1..]
            .iter()
            .any(|word| line.starts_with(word) && is_printable(line))
}

/// Whether these bytes start with an answer to this command.
pub(super) fn answers(command: &Command, bytes: &[u8]) -> bool {
    let Some((line, _)) = crlf_line(bytes) else {
        return false;
    };
    // A lone `ERROR` is what half of all servers say to what they do not understand.
    if is_error(line) {
        return line != ERRORS[0];
    }
    match command.answer {
        Answer::Values => line == b"END" || is_value(line),
        Answer::Word(words) => words.iter().any(|word| word.as_bytes() == line),
        Answer::Number => decimal(line).is_some() || line == b"NOT_FOUND",
        Answer::Stats => line.starts_with(b"STAT ") || matches!(line, b"END" | b"RESET"),
        Answer::Version => line
            .strip_prefix(b"VERSION ")
            .is_some_and(|it| it.first().is_some_and(u8::is_ascii_digit)),
        Answer::Meta => is_meta(line),
        Answer::Nothing => false,
    }
}

fn is_meta(line: &[u8]) -> bool {
    matches!(
        line.get(..2),
        Some(b"HD" | b"VA" | b"EN" | b"NS" | b"EX" | b"NF" | b"MN" | b"ME")
    ) && matches!(line.get(2), None | Some(b' '))
}

/// `VALUE key flags bytes`.
fn is_value(line: &[u8]) -> bool {
    data_len(line).is_some()
}

fn data_len(line: &[u8]) -> Option<u64> {
    let mut words = line.split(|byte| *byte == b' ');
    let len = match words.next()? {
        b"VALUE" => {
            words.next().filter(|key| is_graphic(key) || is_key(key))?;
            decimal(words.next()?)?;
            decimal(words.next()?)?
        }
        b"VA" => decimal(words.next()?)?,
        _ => return None,
    };
    (len <= 1 << 30).then_some(len + 2)
}

/// Whether these bytes start with any answer.
pub(super) fn is_reply(bytes: &[u8]) -> bool {
    COMMANDS.iter().any(|command| answers(command, bytes))
}

#[derive(Debug, Default)]
pub(super) struct Text {
    /// Values or lines of the answer under way.
    listing: bool,
}

impl Text {
    pub(super) fn is_under_way(&self, from: Role) -> bool {
        from == Role::Server && self.listing
    }

    pub(super) fn lost(&mut self, from: Role) {
        if from == Role::Server {
            self.listing = false;
        }
    }

    pub(super) fn request<'a>(&mut self, input: Input<'a>) -> Read<'a> {
        let Some((line, size)) = crlf_line(input.bytes) else {
            let wrong = input.bytes.len() > LINE_MAX || input.bytes.contains(&b'\n');
            return if wrong { Read::Lost } else { Read::More };
        };
        let Some((command, len, quiet)) = parse(line) else {
            // What is no command is answered by an error.
            let unknown = Request {
                operation: "UNKNOWN",
                ..Request::default()
            };
            return match is_printable(line) {
                true => Read::message(size as u64, request(unknown, false)),
                false => Read::Lost,
            };
        };
        let asked = Request {
            operation: command.name,
            ..Request::default()
        };
        Read::message(size as u64 + len, request(asked, quiet))
    }

    pub(super) fn reply<'a>(&mut self, input: Input<'a>, open: &Open) -> Read<'a> {
        let Some((line, size)) = crlf_line(input.bytes) else {
            let wrong = input.bytes.len() > LINE_MAX || input.bytes.contains(&b'\n');
            return if wrong { Read::Lost } else { Read::More };
        };
        let size = size as u64;
        if open.is_empty() {
            return nothing(size + data_len(line).unwrap_or_default());
        }
        if let Some(len) = data_len(line).filter(|_| line.starts_with(b"VALUE")) {
            self.listing = true;
            return Read::message(size + len, response(None, false));
        }
        if line.starts_with(b"STAT ") {
            self.listing = true;
            return Read::message(size, response(None, false));
        }
        self.listing = false;
        let failed = match line {
            b"ERROR" => Some(failure("ERROR", Blame::Caller, b"")),
            _ => line
                .strip_prefix(b"CLIENT_ERROR ")
                .map(|text| failure("CLIENT_ERROR", Blame::Caller, text))
                .or(line
                    .strip_prefix(b"SERVER_ERROR ")
                    .map(|text| failure("SERVER_ERROR", Blame::Callee, text))),
        };
        Read::message(size + data_len(line).unwrap_or_default(), response(failed, true))
    }
}

fn request(request: Request<'_>, quiet: bool) -> Event<'_> {
    Event::Request {
        key: 0,
        tag: 0,
        request,
        expects: if quiet {
            Expects::Nothing
        } else {
            Expects::Response
        },
        protocol: None,
    }
}

fn response(failure: Option<crate::call::Failure<'_>>, last: bool) -> Event<'_> {
    Event::Response {
        key: Key::Front,
        response: Response {
            failure,
            ..Response::default()
        },
        messages: u32::from(last),
        last,
    }
}

/// Servers with text authentication take `set <anything> … \r\n<user> <password>` first.
pub(super) fn secrets(bytes: &[u8], mask: &mut Mask<'_>) {
    let Some((line, size)) = crlf_line(bytes) else {
        return;
    };
    if line.starts_with(b"set auth ") {
        mask.hide(size..bytes.len());
    }
}
