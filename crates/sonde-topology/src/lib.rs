//! Who calls whom, whose address it was, and where on the way the time goes.
//!
//! An agent sees addresses; [`Addresses`] says whose they were at the time, [`Names`] how the owners are called at a
//! [`Level`], [`join`] makes one [`Edge`] of what both ends of the same calls saw, and [`blame`] follows a slow edge to
//! the place where the time goes. All of it is pure: a snapshot and counts in, values out.

mod addresses;
mod blame;
mod graph;
mod layout;
mod names;

pub use addresses::Addresses;
pub use blame::{Blame, Place, blame};
pub use graph::{Edge, Graph, join};
pub use layout::{Seat, layout};
pub use names::{Level, Name, Names};
