//! The whole command: arguments in, exit code, stdout and stderr out.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod bad_input;
mod commands;
mod demo;
mod kubeconfig;
mod run;
mod schema;
mod server;
mod servers;
