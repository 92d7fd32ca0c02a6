//! Tests of whole pastes.

mod captured;
mod damaged;
mod mixed;
mod properties;
