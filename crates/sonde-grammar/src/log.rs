//! Log lines to facts: the kernel's, the kubelet's and runtimes', and an application's own last words.

mod application;
mod kernel;
mod node;
mod prefix;
mod scan;
mod time;

pub use application::{AppSign, TellingLine, application, unwrap_line};
pub use kernel::{KernelLine, kernel, kernel_in_year};
pub use node::{NodeLine, NodeLog, PodKey, node};

#[cfg(test)]
mod tests;
