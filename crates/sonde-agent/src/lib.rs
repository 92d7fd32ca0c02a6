//! The agent of a node: it takes what the kernel tells (`sonde-bpf`), finds whose it is (the container runtime's socket),
//! keeps it for an hour, and answers on a Unix socket.
//!
//! It never asks the API server for anything, and it changes nothing. Start with [`run`] and [`Options`]; [`check`] says
//! what this node and these rights allow. Everything it remembers is in one place, `State`, which only one thread touches:
//! programs, runtime and requests take turns.
//!
//! | item | bound | at the bound |
//! |---|---|---|
//! | deaths of containers, of the node's own processes | an hour, 8,192 and 2,048 | the oldest go, counted |
//! | events between ring and memory | 4,096 | new ones go, counted |
//! | signals that wait for their process's end | 4,096 processes, 8 each | the oldest go |
//! | names of containers | an hour after they were last seen, 16,384 | the rest stay unnamed, counted |
//! | an answer of the runtime | 16 MiB, 5 s | it counts as failed, with back-off |
//! | edges of the last minute | 65,536 over its spans | more are left out, counted |
//! | single calls | 4,096 | the oldest go, counted |
//! | questions for names | 4,096 | the oldest go, counted |
//! | samples between ring and memory | 4,096 | new ones go, counted |
//! | a look at the node | one at a time, 60 s | others wait for their turn |
//! | a profile | one at a time, 60 s, 65,536 stacks | refused; the rest of the samples count as lost |
//! | connections to the socket | 32 | more are closed, counted |
//! | series of one metric | 1,000 | the rest add up in one |
//! | calls in one post to a collector | 1,000 | the rest go with the next one |

mod agent;
mod budget;
pub mod check;
mod clock;
mod error;
mod export;
mod group_names;
mod metrics;
mod names;
mod node;
mod options;
mod own;
mod owners;
mod profile;
mod runtime;
mod senders;
mod serve;
mod signals;
mod state;
mod status;
mod store;
pub mod tls;
mod traffic;
mod watch_lookups;
mod watch_sockets;

pub use agent::{Ended, run};
pub use error::AgentError;
pub use export::{Collector, CollectorError};
pub use options::{Absent, Options};
pub use sonde_bpf::Tier;
