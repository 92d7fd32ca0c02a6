//! Statements with many values to statements with few: literals and comments out, lists folded.

/// What text between double quotes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quotes {
    /// Names, as the standard and PostgreSQL have it. `#` is an operator.
    Names,
    /// Literals, as MySQL has it. `#` starts a comment.
    Literals,
}

/// The first words of statements, in upper case.
const COMMANDS: &[&str] = &[
    "ALTER",
    "ANALYZE",
    "BEGIN",
    "CALL",
    "CHECK",
    "CHECKPOINT",
    "CLOSE",
    "COMMENT",
    "COMMIT",
    "COPY",
    "CREATE",
    "DEALLOCATE",
    "DECLARE",
    "DELETE",
    "DESC",
    "DESCRIBE",
    "DISCARD",
    "DO",
    "DROP",
    "END",
    "EXECUTE",
    "EXPLAIN",
    "FETCH",
    "FLUSH",
    "GRANT",
    "HANDLER",
    "HELP",
    "IMPORT",
    "INSERT",
    "INSTALL",
    "KILL",
    "LISTEN",
    "LOAD",
    "LOCK",
    "MERGE",
    "MOVE",
    "NOTIFY",
    "OPTIMIZE",
    "PREPARE",
    "PURGE",
    "REASSIGN",
    "REFRESH",
    "REINDEX",
    "RELEASE",
    "RENAME",
    "REPAIR",
    "REPLACE",
    "RESET",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SECURITY",
    "SELECT",
    "SET",
    "SHOW",
    "SHUTDOWN",
    "START",
    "STOP",
    "TABLE",
    "TRUNCATE",
    "UNLISTEN",
    "UNLOCK",
    "UPDATE",
    "USE",
    "VACUUM",
    "VALUES",
    "WITH",
    "XA",
    "ABORT",
    "CLUSTER",
    "CHANGE",
    "BINLOG",
    "CACHE",
    "UNINSTALL",
    "SIGNAL",
    "RESIGNAL",
    "GET",
    "RESTART",
    "CLONE",
    "IF",
    "BACKUP",
];

/// The command of a statement in upper case, or an empty text if it starts with no command that is known.
pub fn command(statement: &[u8]) -> &'static str {
    let mut rest = statement;
    loop {
        rest = rest.trim_ascii_start();
        match rest {
            [b'(' | b';', tail @ ..] => rest = tail,
            [b'/', b'*', tail @ ..] => {
                let Some(end) = memchr::memmem::find(tail, b"*/") else {
                    return "";
                };
                rest = &tail[end + 2..];
            }
            [b'-', b'-', tail @ ..] | [b'#', tail @ ..] => {
                let Some(end) = memchr::memchr(b'\n', tail) else {
                    return "";
                };
                rest = &tail[end + 1..];
            }
            _ => break,
        }
    }
    let end = rest
        .iter()
        .position(|byte| !byte.is_ascii_alphabetic())
        .unwrap_or(rest.len());
    COMMANDS
        .iter()
        .copied()
        .find(|command| rest[..end].eq_ignore_ascii_case(command.as_bytes()))
        .unwrap_or_default()
}

/// Appends the statement without literals and comments, lists of literals as one `?`, at most `max` bytes.
///
/// Text that ends inside a literal or a comment is normalized up to there.
pub fn normalize(statement: &[u8], quotes: Quotes, max: usize, out: &mut String) {
    let start = out.len();
    let mut writer = Writer {
        out,
        start,
        space: false,
    };
    let mut rest = statement;
    while !rest.is_empty() {
        let (token, len) = token(rest, quotes);
        writer.write(token);
        rest = &rest[len.max(1).min(rest.len())..];
        // The last token may be the long one.
        if writer.out.len() - start > max {
            let mut end = start + max;
            while !writer.out.is_char_boundary(end) {
                end -= 1;
            }
            writer.out.truncate(end);
            writer.out.push('…');
            return;
        }
    }
    let end = writer.out[start..].trim_end_matches([';', ' ']).len();
    out.truncate(start + end);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Space,
    Literal,
    Word(&'a [u8]),
    /// A name between quotes, kept with them.
    Quoted(&'a [u8]),
    Compare(&'a [u8]),
    Sign(u8),
}

/// The token at the start of a text that is not empty, and its length.
fn token(text: &[u8], quotes: Quotes) -> (Token<'_>, usize) {
    let run = |test: fn(&u8) -> bool| text.iter().position(|byte| !test(byte)).unwrap_or(text.len());
    match text {
        [b'/', b'*', tail @ ..] => (
            Token::Space,
            memchr::memmem::find(tail, b"*/").map_or(text.len(), |end| end + 4),
        ),
        [b'-', b'-', tail @ ..] => (Token::Space, line_end(tail) + 2),
        [b'#', tail @ ..] if quotes == Quotes::Literals => (Token::Space, line_end(tail) + 1),
        [b'\'', ..] => (Token::Literal, quoted(text, b'\'', true)),
        [b'"', ..] if quotes == Quotes::Literals => (Token::Literal, quoted(text, b'"', true)),
        [quote @ (b'"' | b'`'), ..] => {
            let len = quoted(text, *quote, false);
            (Token::Quoted(&text[..len]), len)
        }
        // E'…', N'…', X'…', B'…'
        [b'e' | b'E' | b'n' | b'N' | b'x' | b'X' | b'b' | b'B', b'\'', ..] => {
            (Token::Literal, 1 + quoted(&text[1..], b'\'', true))
        }
        [b'$', ..] => dollar(text),
        [b'0'..=b'9', ..] => (Token::Literal, number(text)),
        [b'.', b'0'..=b'9', ..] => (Token::Literal, 1 + number(&text[1..])),
        [byte, ..] if byte.is_ascii_whitespace() => (Token::Space, run(u8::is_ascii_whitespace)),
        [b'=' | b'<' | b'>' | b'!', ..] => {
            let len = run(|byte| b"=<>!".contains(byte));
            (Token::Compare(&text[..len]), len)
        }
        [byte, ..] if is_word(byte) => {
            let len = run(is_word);
            (Token::Word(&text[..len]), len)
        }
        [byte, ..] => (Token::Sign(*byte), 1),
        [] => (Token::Space, 0),
    }
}

fn is_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'@') || *byte >= 0x80
}

fn line_end(text: &[u8]) -> usize {
    memchr::memchr(b'\n', text).map_or(text.len(), |end| end + 1)
}

/// The length of a quoted text with its quotes; a doubled quote, and an escaped one in literals, does not end it.
fn quoted(text: &[u8], quote: u8, escapes: bool) -> usize {
    let mut at = 1;
    while let Some(byte) = text.get(at) {
        if *byte == b'\\' && escapes {
            at += 2;
        } else if *byte == quote {
            if text.get(at + 1) != Some(&quote) {
                return at + 1;
            }
            at += 2;
        } else {
            at += 1;
        }
    }
    text.len()
}

/// `$1` is a parameter, `$tag$…$tag$` a literal of PostgreSQL.
fn dollar(text: &[u8]) -> (Token<'_>, usize) {
    let tag = 1 + text[1..]
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
        .unwrap_or(text.len() - 1);
    if text.get(1).is_some_and(u8::is_ascii_digit) {
        return (Token::Literal, tag);
    }
    if text.get(tag) != Some(&b'$') {
        return (Token::Sign(b'$'), 1);
    }
    let mark = &text[..=tag];
    let body = &text[tag + 1..];
    let len = memchr::memmem::find(body, mark).map_or(text.len(), |end| tag + 1 + end + mark.len());
    (Token::Literal, len)
}

fn number(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let exponent_sign = matches!(byte, b'+' | b'-')
            && at > 0
            && matches!(text[at - 1], b'e' | b'E')
            && !text.starts_with(b"0x");
        if byte.is_ascii_alphanumeric() || *byte == b'.' || *byte == b'_' || exponent_sign {
            at += 1;
        } else {
            break;
        }
    }
    at
}

struct Writer<'o> {
    out: &'o mut String,
    start: usize,
    /// White space stands before the next token.
    space: bool,
}

impl Writer<'_> {
    fn write(&mut self, token: Token<'_>) {
        match token {
            Token::Space => self.space = true,
            Token::Literal => self.literal(),
            Token::Word(word) => {
                // In a list, these are values like others; `IS NULL` stays.
                let value = [b"null".as_slice(), b"true", b"false", b"default"]
                    .iter()
                    .any(|it| word.eq_ignore_ascii_case(it));
                if value && self.written().trim_end().ends_with(['(', ',']) {
                    self.literal();
                } else {
                    self.text(word);
                }
            }
            Token::Quoted(name) => self.text(name),
            Token::Compare(sign) => {
                self.space = true;
                self.text(sign);
                self.space = true;
            }
            Token::Sign(b',') => {
                self.out.push(',');
                self.space = true;
            }
            Token::Sign(b'(') => {
                self.text(b"(");
                self.space = false;
            }
            Token::Sign(b')') => {
                self.out.push(')');
                self.space = false;
                // The rows of an INSERT are one row.
                while self.written().ends_with("(?), (?)") {
                    self.out.truncate(self.out.len() - ", (?)".len());
                }
            }
            Token::Sign(sign) => self.text(&[sign]),
        }
    }

    fn literal(&mut self) {
        // The sign of a number is part of it.
        if self.written().ends_with('-') {
            let before = self.written().trim_end_matches('-').trim_end();
            if before.ends_with(['=', '<', '>', '(', ',', '+', '-', '*', '/', '%', '|', '&']) {
                let len = self.start + before.len();
                self.out.truncate(len);
                self.space = !self.written().ends_with('(');
            }
        }
        if self.written().ends_with("?,") {
            self.out.pop();
            self.space = false;
            return;
        }
        self.text(b"?");
    }

    fn text(&mut self, text: &[u8]) {
        let written = self.written();
        if self.space && !written.is_empty() && !written.ends_with(['(', ' ']) {
            self.out.push(' ');
        }
        self.space = false;
        for chunk in text.utf8_chunks() {
            self.out.extend(
                chunk
                    .valid()
                    .chars()
                    .map(|c| if c.is_control() { ' ' } else { c }),
            );
            if !chunk.invalid().is_empty() {
                self.out.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }

    fn written(&self) -> &str {
        &self.out[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(quotes: Quotes, table: &[(&str, &str)]) {
        for (statement, expected) in table {
            let mut out = String::new();
            normalize(statement.as_bytes(), quotes, 512, &mut out);
            assert_eq!(out, *expected, "{statement}");
        }
    }

    #[test]
    fn a_long_last_name_is_cut() {
        for text in [
            "x".repeat(900),
            format!("`{}`", "x".repeat(900)),
            format!("select {}", "é".repeat(900)),
        ] {
            let mut out = String::new();
            normalize(text.as_bytes(), Quotes::Names, 512, &mut out);
            assert!(
                out.len() <= 512 + '…'.len_utf8() && out.ends_with('…'),
                "{}",
                out.len()
            );
        }
    }

    #[test]
    fn literals_go_and_the_rest_stays() {
        check(
            Quotes::Names,
            &[
                ("SELECT 1", "SELECT ?"),
                (
                    "select * from t where a='x''y' and b=$1",
                    "select * from t where a = ? and b = ?",
                ),
                (
                    "SELECT \"u\".\"id\" FROM \"u\" LIMIT 10;",
                    "SELECT \"u\".\"id\" FROM \"u\" LIMIT ?",
                ),
                (
                    "select a from t where id in (1,2, 3)",
                    "select a from t where id in (?)",
                ),
                (
                    "INSERT INTO t VALUES (1,'a'),(2,'b'),\n(3,NULL)",
                    "INSERT INTO t VALUES (?)",
                ),
                ("select -- secret 'x'\n 1 /* a 'b */ + 2", "select ? + ?"),
                ("select $x$ it's $x$, E'a\\'b', 1.5e-3, 0xff", "select ?"),
                (
                    "select count(*) from t where a is null",
                    "select count(*) from t where a is null",
                ),
                (
                    "select '1'::text, t.a::int from t1",
                    "select ?::text, t.a::int from t1",
                ),
                (
                    "update t set a = -5, b=b-1 where c<>'x",
                    "update t set a = ?, b = b-? where c <> ?",
                ),
                ("SELECT now()", "SELECT now()"),
                (
                    "update t set a = a + -17, b = b - -1",
                    "update t set a = a + ?, b = b - ?",
                ),
                ("select a#>'{b}' from t", "select a# > ? from t"),
            ],
        );
    }

    #[test]
    fn mysql_has_its_own_quotes() {
        check(
            Quotes::Literals,
            &[
                (
                    "select `a b` from t where n = \"x\\\"y\" # c",
                    "select `a b` from t where n = ?",
                ),
                ("SET @a := 'x'", "SET @a : = ?"),
                ("SELECT @@version", "SELECT @@version"),
            ],
        );
    }

    #[test]
    fn a_key_is_bounded() {
        let mut out = String::new();
        normalize(
            &"select é".repeat(1000).into_bytes(),
            Quotes::Names,
            100,
            &mut out,
        );
        assert!(out.len() < 105, "{}", out.len());
    }

    #[test]
    fn commands_are_known_words() {
        for (statement, expected) in [
            ("select 1", "SELECT"),
            (" /* x */ (SELECT 1)", "SELECT"),
            ("-- x\nInsert into t", "INSERT"),
            ("hello", ""),
            ("", ""),
            ("/* unfinished", ""),
        ] {
            assert_eq!(command(statement.as_bytes()), expected, "{statement}");
        }
    }
}
