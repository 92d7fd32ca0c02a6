//! Memcached: the text protocol with its meta commands, and the binary protocol
//! (<https://github.com/memcached/memcached/blob/master/doc/protocol.txt>).

mod binary;
mod text;

use super::{Dialect, Event, Fit, Input, Read, Session, Start};
use crate::call::{Blame, Failure};
use crate::kernel::{KernelCheck, Outcome, Rule};
use crate::record::Open;
use crate::redact::Mask;
use crate::verdict::Role;

pub(crate) static DIALECT: Dialect = Dialect {
    starts: |role, turn| match role {
        Role::Client => {
            text::command_of(turn).is_some() || binary::header_of(turn, binary::REQUEST).is_some()
        }
        Role::Server => text::is_reply(turn.bytes) || binary::header_of(turn, binary::RESPONSE).is_some(),
    },
    fit: |request, response| match text::command_of(request) {
        Some(command) => Fit::strong_if(text::answers(command, response.bytes)),
        None => binary::fit(request, response),
    },
    greeting: None,
    session: |_: Start| Box::new(Memcached::default()),
    secrets: |from: Role, bytes: &[u8], mask: &mut Mask<'_>| {
        if from == Role::Client {
            binary::secrets(bytes, mask);
            text::secrets(bytes, mask);
        }
    },
    kernel: KernelCheck::new(
        [
            Rule::text(0, *b"ERRO", Outcome::CallerError),
            Rule::text(0, *b"CLIE", Outcome::CallerError),
            Rule::text(0, *b"SERV", Outcome::CalleeError),
            // Binary: a status that is neither success, absent, present nor not stored.
            Rule::long(0, 0x8100_0000..=0x81ff_ffff, Outcome::Unknown),
        ],
        Outcome::Ok,
    ),
};

#[derive(Debug, Default)]
struct Memcached {
    text: text::Text,
}

impl Session for Memcached {
    fn read<'a>(&'a mut self, from: Role, input: Input<'a>, open: &Open) -> Read<'a> {
        let magic = match from {
            Role::Client => binary::REQUEST,
            Role::Server => binary::RESPONSE,
        };
        if input.bytes[0] == magic && !self.text.is_under_way(from) {
            return binary::read(from, input, open);
        }
        match from {
            Role::Client => self.text.request(input),
            Role::Server => self.text.reply(input, open),
        }
    }

    fn lost(&mut self, from: Role) {
        self.text.lost(from);
    }
}

fn failure<'a>(code: &'a str, blame: Blame, message: &'a [u8]) -> Failure<'a> {
    Failure { blame, code, message }
}

/// A message that says nothing about a call.
fn nothing<'a>(size: u64) -> Read<'a> {
    Read::message(size, Event::Nothing)
}
