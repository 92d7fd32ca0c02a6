//! Tests of whole pastes.

mod captured;
mod damaged;
mod fragments;
mod mixed;
mod properties;
