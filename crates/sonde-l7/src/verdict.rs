//! Which protocol is it? A strict request and the response that matches it, or no answer.

use crate::dialect::{Dialect, Fit};
use crate::protocol::{Protocol, Transport};

/// One end of a connection, before anyone knows which is the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// One.
    A,
    /// The other.
    B,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// Who asks and who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Opened the connection, sends requests.
    Client,
    /// Accepted it, sends responses.
    Server,
}

/// What one side said before the other side spoke: its first bytes and its true length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn<'a> {
    /// Who spoke.
    pub side: Side,
    /// The first bytes.
    pub bytes: &'a [u8],
    /// All bytes, captured or not.
    pub len: u64,
}

impl Turn<'_> {
    /// Whether all bytes were captured.
    pub fn is_whole(&self) -> bool {
        self.bytes.len() as u64 >= self.len
    }

    /// Whether a message of `size` bytes can be the first of this turn.
    pub(crate) fn holds(&self, size: u64) -> bool {
        size <= self.len
    }
}

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The protocol.
    pub protocol: Protocol,
    /// The side that answers.
    pub server: Side,
}

/// Judges turns that follow each other, the oldest first; the first may be the rest of something.
///
/// `opener` is the side that opened the connection, if that was seen. Two protocols that both claim the turns give no
/// verdict.
pub fn judge(transport: Transport, turns: &[Turn<'_>], opener: Option<Side>) -> Option<Verdict> {
    let mut found = None;
    for protocol in Protocol::ALL.iter().copied() {
        let Some(dialect) = protocol.dialect(transport) else {
            continue;
        };
        for client in [Side::A, Side::B] {
            if opener.is_some_and(|opener| opener != client) || weight(dialect, turns, client, opener) < 2 {
                continue;
            }
            if found.is_some() {
                return None;
            }
            found = Some(Verdict {
                protocol,
                server: client.other(),
            });
        }
    }
    found
}

/// Two for what only this protocol can be, one for what may be by chance.
pub(crate) fn weight(dialect: &Dialect, turns: &[Turn<'_>], client: Side, opener: Option<Side>) -> u32 {
    let mut weight = 0;
    for (at, pair) in turns.windows(2).enumerate() {
        let [first, second] = pair else { continue };
        if first.side == second.side {
            continue;
        }
        let fit = if first.side == client {
            (dialect.fit)(first, second)
        } else if let (0, Some(greeting)) = (at, dialect.greeting) {
            greeting(first, second)
        } else {
            Fit::No
        };
        weight += match fit {
            Fit::No => 0,
            Fit::Weak => 1,
            Fit::Sideless if opener.is_none() => 0,
            Fit::Sideless | Fit::Strong => 2,
        };
    }
    weight
}
