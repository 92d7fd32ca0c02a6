//! Tests of whole pastes.

mod captured;
