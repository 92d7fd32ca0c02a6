//! Exits: what an exit code says, and who sent the signal behind it.

mod advice;
mod capability;
#[cfg(test)]
mod contracts;
mod known;
mod place;
#[cfg(test)]
mod wordings;
mod words;

pub(in crate::causes) use grace_exceeded::ignoring;
pub(in crate::causes) use words::cannot_run;

crate::cause::family!(
    abort,
    command_not_found,
    completed,
    deadline,
    error,
    grace_exceeded,
    killed,
    node_restart,
    node_shutdown,
    not_executable,
    runtime_restart,
    segfault,
    signal,
    terminated,
);
