//! The whole command: arguments in, exit code, stdout and stderr out.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod agent;
mod archives;
mod bad_input;
mod commands;
mod damaged;
mod demo;
mod kubeconfig;
mod readme;
mod rights;
mod run;
mod schema;
mod server;
mod servers;
mod ways;
