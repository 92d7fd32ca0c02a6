//! Methods of AMQP 0-9-1 (<https://www.rabbitmq.com/amqp-0-9-1-reference>).

/// Who may send a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Client,
    Server,
    Both,
}

/// What stands first in a method's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// Nothing of interest.
    None,
    /// A number that is not in use, and a name.
    Name,
    /// A virtual host.
    Host,
}

#[derive(Debug)]
pub(super) struct Method {
    pub(super) class: u16,
    pub(super) id: u16,
    pub(super) name: &'static str,
    pub(super) by: By,
    /// The method that answers it, of the same class.
    pub(super) answer: Option<u16>,
    pub(super) first: First,
}

const fn method(
    class: u16,
    id: u16,
    name: &'static str,
    by: By,
    answer: Option<u16>,
    first: First,
) -> Method {
    Method {
        class,
        id,
        name,
        by,
        answer,
        first,
    }
}

pub(super) const START: (u16, u16) = (10, 10);
pub(super) const START_OK: (u16, u16) = (10, 11);
pub(super) const SECURE_OK: (u16, u16) = (10, 21);
pub(super) const CONNECTION_CLOSE: (u16, u16) = (10, 50);
pub(super) const UPDATE_SECRET: (u16, u16) = (10, 70);
pub(super) const CHANNEL_CLOSE: (u16, u16) = (20, 40);
pub(super) const PUBLISH: (u16, u16) = (60, 40);
pub(super) const DELIVER: (u16, u16) = (60, 60);
pub(super) const GET_OK: (u16, u16) = (60, 71);
pub(super) const GET_EMPTY: (u16, u16) = (60, 72);
pub(super) const ACK: (u16, u16) = (60, 80);
pub(super) const NACK: (u16, u16) = (60, 120);

pub(super) fn find(class: u16, id: u16) -> Option<&'static Method> {
    METHODS
        .iter()
        .find(|method| method.class == class && method.id == id)
}

const METHODS: &[Method] = &[
    method(10, 10, "connection.start", By::Server, None, First::None),
    method(10, 11, "connection.start-ok", By::Client, Some(30), First::None),
    method(10, 20, "connection.secure", By::Server, None, First::None),
    method(10, 21, "connection.secure-ok", By::Client, None, First::None),
    method(10, 30, "connection.tune", By::Server, None, First::None),
    method(10, 31, "connection.tune-ok", By::Client, None, First::None),
    method(10, 40, "connection.open", By::Client, Some(41), First::Host),
    method(10, 41, "connection.open-ok", By::Server, None, First::None),
    method(10, 50, "connection.close", By::Both, Some(51), First::None),
    method(10, 51, "connection.close-ok", By::Both, None, First::None),
    method(10, 60, "connection.blocked", By::Both, None, First::None),
    method(10, 61, "connection.unblocked", By::Both, None, First::None),
    method(
        10,
        70,
        "connection.update-secret",
        By::Client,
        Some(71),
        First::None,
    ),
    method(
        10,
        71,
        "connection.update-secret-ok",
        By::Server,
        None,
        First::None,
    ),
    method(20, 10, "channel.open", By::Client, Some(11), First::None),
    method(20, 11, "channel.open-ok", By::Server, None, First::None),
    method(20, 20, "channel.flow", By::Both, Some(21), First::None),
    method(20, 21, "channel.flow-ok", By::Both, None, First::None),
    method(20, 40, "channel.close", By::Both, Some(41), First::None),
    method(20, 41, "channel.close-ok", By::Both, None, First::None),
    method(40, 10, "exchange.declare", By::Client, Some(11), First::Name),
    method(40, 11, "exchange.declare-ok", By::Server, None, First::None),
    method(40, 20, "exchange.delete", By::Client, Some(21), First::Name),
    method(40, 21, "exchange.delete-ok", By::Server, None, First::None),
    method(40, 30, "exchange.bind", By::Client, Some(31), First::Name),
    method(40, 31, "exchange.bind-ok", By::Server, None, First::None),
    method(40, 40, "exchange.unbind", By::Client, Some(51), First::Name),
    method(40, 51, "exchange.unbind-ok", By::Server, None, First::None),
    method(50, 10, "queue.declare", By::Client, Some(11), First::Name),
    method(50, 11, "queue.declare-ok", By::Server, None, First::None),
    method(50, 20, "queue.bind", By::Client, Some(21), First::Name),
    method(50, 21, "queue.bind-ok", By::Server, None, First::None),
    method(50, 30, "queue.purge", By::Client, Some(31), First::Name),
    method(50, 31, "queue.purge-ok", By::Server, None, First::None),
    method(50, 40, "queue.delete", By::Client, Some(41), First::Name),
    method(50, 41, "queue.delete-ok", By::Server, None, First::None),
    method(50, 50, "queue.unbind", By::Client, Some(51), First::Name),
    method(50, 51, "queue.unbind-ok", By::Server, None, First::None),
    method(60, 10, "basic.qos", By::Client, Some(11), First::None),
    method(60, 11, "basic.qos-ok", By::Server, None, First::None),
    method(60, 20, "basic.consume", By::Client, Some(21), First::Name),
    method(60, 21, "basic.consume-ok", By::Server, None, First::None),
    method(60, 30, "basic.cancel", By::Both, Some(31), First::None),
    method(60, 31, "basic.cancel-ok", By::Both, None, First::None),
    method(60, 40, "basic.publish", By::Client, None, First::Name),
    method(60, 50, "basic.return", By::Server, None, First::None),
    method(60, 60, "basic.deliver", By::Server, None, First::None),
    method(60, 70, "basic.get", By::Client, Some(71), First::Name),
    method(60, 71, "basic.get-ok", By::Server, None, First::None),
    method(60, 72, "basic.get-empty", By::Server, None, First::None),
    method(60, 80, "basic.ack", By::Both, None, First::None),
    method(60, 90, "basic.reject", By::Client, None, First::None),
    method(60, 100, "basic.recover-async", By::Client, None, First::None),
    method(60, 110, "basic.recover", By::Client, Some(111), First::None),
    method(60, 111, "basic.recover-ok", By::Server, None, First::None),
    method(60, 120, "basic.nack", By::Both, None, First::None),
    method(85, 10, "confirm.select", By::Client, Some(11), First::None),
    method(85, 11, "confirm.select-ok", By::Server, None, First::None),
    method(90, 10, "tx.select", By::Client, Some(11), First::None),
    method(90, 11, "tx.select-ok", By::Server, None, First::None),
    method(90, 20, "tx.commit", By::Client, Some(21), First::None),
    method(90, 21, "tx.commit-ok", By::Server, None, First::None),
    method(90, 30, "tx.rollback", By::Client, Some(31), First::None),
    method(90, 31, "tx.rollback-ok", By::Server, None, First::None),
];
