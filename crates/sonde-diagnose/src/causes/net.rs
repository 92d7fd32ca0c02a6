//! Connections that the network or its ends lose.

#[cfg(test)]
mod contracts;

crate::cause::family!(listen_overflow);
