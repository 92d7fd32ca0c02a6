//! Processes: what each used, and what state it is in.

use std::collections::BTreeMap;

use crate::Host;

/// More processes are not read.
pub(crate) const PROCESSES_MAX: usize = 65_536;

/// One process, by `/proc/PID/stat`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Process {
    pub(crate) command: String,
    /// `R`, `S`, `D`, `Z` and so on.
    pub(crate) state: char,
    pub(crate) parent: u32,
    /// Ticks since its start.
    pub(crate) ticks: u64,
    pub(crate) threads: u64,
    pub(crate) resident_pages: u64,
    /// A pid that is used again has another.
    pub(crate) started: u64,
}

/// Every process that can be seen, and whether there were more.
pub(crate) fn read(host: &Host) -> (BTreeMap<u32, Process>, bool) {
    let names = host.names("/proc", true).unwrap_or_default();
    let mut pids: Vec<u32> = names.iter().filter_map(|name| name.parse().ok()).collect();
    let more = pids.len() > PROCESSES_MAX;
    pids.truncate(PROCESSES_MAX);
    // One that ends meanwhile is not there.
    let all = pids.into_iter().filter_map(|pid| {
        let text = host.text(&format!("/proc/{pid}/stat")).ok()?;
        Some((pid, process(&text)?))
    });
    (all.collect(), more)
}

/// proc_pid_stat(5). The command may contain anything, parentheses and spaces, too.
fn process(stat: &str) -> Option<Process> {
    let (head, rest) = stat.rsplit_once(')')?;
    let (_, command) = head.split_once('(')?;
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |field: usize| words.get(field - 3).and_then(|word| word.parse::<u64>().ok());
    Some(Process {
        command: command.to_owned(),
        state: words.first()?.chars().next()?,
        parent: u32::try_from(number(4)?).ok()?,
        ticks: number(14)?.saturating_add(number(15)?),
        threads: number(20)?,
        started: number(22)?,
        resident_pages: number(24).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_cannot_change_its_line() {
        let stat = "7 (a) S 1 (b) Z 3 7 7 0 -1 4 1 0 0 0 11 5 0 0 20 0 4 0 99 4096 25 0";
        let process = process(stat).unwrap();
        assert_eq!((process.command.as_str(), process.state), ("a) S 1 (b", 'Z'));
        assert_eq!((process.parent, process.ticks, process.threads), (3, 16, 4));
        assert_eq!((process.started, process.resident_pages), (99, 25));
        assert_eq!(super::process("7 (a"), None);
        assert_eq!(super::process("7 (a) S 1"), None);
    }
}
