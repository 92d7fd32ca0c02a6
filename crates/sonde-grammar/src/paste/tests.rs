//! Tests of whole pastes.

mod captured;
mod damaged;
