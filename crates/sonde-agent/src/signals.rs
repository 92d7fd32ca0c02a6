//! Which signal ended a process: what was sent to it is remembered until it ends. Pure.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use sonde_model::{SenderKind, SenderSeen};

/// Processes that are remembered; far more than die at once on any node.
const PROCESSES_MAX: usize = 4_096;
/// Signals remembered for one process: the oldest and the newest matter.
const PER_PROCESS_MAX: usize = 8;
/// A process that handles a signal may live on for long; who sent it an hour ago is no answer.
const KEPT: SignedDuration = SignedDuration::from_hours(1);
/// The kernel sends SIGKILL and marks its victim within one call.
const ONE_MOMENT: SignedDuration = SignedDuration::from_secs(1);

const SIGKILL: i32 = 9;

/// A signal that reached a process.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) time: Timestamp,
    pub(crate) signal: i32,
    pub(crate) sender: SenderSeen,
    /// The place of its entry in the store.
    pub(crate) entry: u64,
}

/// A process, told from a later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Which {
    pub(crate) pid: u32,
    /// The inode of its control group.
    pub(crate) group: u64,
}

/// What waits for the ends of processes.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    sent: HashMap<Which, Vec<Sent>>,
    victims: HashMap<u32, Timestamp>,
}

impl Signals {
    /// Remembers a signal that reached `to`.
    pub(crate) fn remember(&mut self, to: Which, sent: Sent) {
        if self.sent.len() >= PROCESSES_MAX && !self.sent.contains_key(&to) {
            self.forget_oldest();
        }
        let all = self.sent.entry(to).or_default();
        if all.len() >= PER_PROCESS_MAX {
            // The first stays: of several SIGKILL it is the one that kills.
            all.remove(1);
        }
        all.push(sent);
    }

    /// The kernel chose this process; returns the entry of the SIGKILL that it sent for that, if it came before.
    pub(crate) fn mark_victim(&mut self, victim: Which, time: Timestamp) -> Option<u64> {
        if self.victims.len() >= PROCESSES_MAX {
            self.victims.clear();
        }
        self.victims.insert(victim.pid, time);
        let sent = self.sent.get_mut(&victim)?.iter_mut().rev().find(|sent| {
            sent.signal == SIGKILL
                // Whoever asked for memory in vain may be the first process of another container.
                && matches!(sent.sender.kind, SenderKind::Kernel | SenderKind::NamespaceEnd)
                && time.duration_since(sent.time).abs() <= ONE_MOMENT
        })?;
        sent.sender.kind = SenderKind::OutOfMemory;
        Some(sent.entry)
    }

    /// Whether the kernel chose this process within the moment of `time`.
    pub(crate) fn is_victim(&self, pid: u32, time: Timestamp) -> bool {
        self.victims
            .get(&pid)
            .is_some_and(|marked| time.duration_since(*marked).abs() <= ONE_MOMENT)
    }

    /// The process ended, by this signal or by none: who sent it. What was remembered of the process goes.
    pub(crate) fn end(&mut self, which: Which, signal: Option<i32>) -> Option<SenderSeen> {
        self.victims.remove(&which.pid);
        let sent = self.sent.remove(&which)?;
        let signal = signal?;
        let mut same = sent.iter().filter(|sent| sent.signal == signal);
        if signal == SIGKILL {
            // It cannot be handled: the first one that arrives ends the process.
            return same.next().map(|sent| sent.sender.clone());
        }
        // A handler that is done restores the default and sends the signal to its own process once more: the one who
        // asked first is meant.
        let last = same.next_back()?;
        let asked = (last.sender.kind == SenderKind::Itself)
            .then(|| same.rfind(|sent| sent.sender.kind != SenderKind::Itself))
            .flatten();
        Some(asked.unwrap_or(last).sender.clone())
    }

    /// Forgets what is too old to matter.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        self.sent.retain(|_, sent| {
            sent.last()
                .is_some_and(|last| now.duration_since(last.time) < KEPT)
        });
        self.victims
            .retain(|_, marked| now.duration_since(*marked) < KEPT);
    }

    /// Processes that are remembered, and how many can be.
    pub(crate) fn fill(&self) -> (usize, usize) {
        (self.sent.len(), PROCESSES_MAX)
    }

    fn forget_oldest(&mut self) {
        let oldest = self
            .sent
            .iter()
            .min_by_key(|(_, sent)| sent.last().map(|last| last.time))
            .map(|(which, _)| *which);
        if let Some(which) = oldest {
            self.sent.remove(&which);
        }
    }
}

#[cfg(test)]
mod tests {
    use SenderKind::*;
    use sonde_model::ProcessSeen;

    use super::*;

    const WHICH: Which = Which { pid: 50, group: 2 };

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_790_000_000_000 + milliseconds).unwrap()
    }

    fn sent(milliseconds: i64, signal: i32, kind: SenderKind) -> Sent {
        Sent {
            time: at(milliseconds),
            signal,
            sender: SenderSeen {
                kind,
                process: ProcessSeen::default(),
            },
            entry: milliseconds as u64,
        }
    }

    #[test]
    fn the_signal_that_ended_it_is_found() {
        type Row = (
            &'static str,
            &'static [(i32, SenderKind)],
            Option<i32>,
            Option<SenderKind>,
        );
        let table: &[Row] = &[
            ("nothing was sent", &[], Some(9), None),
            ("it left by itself", &[(15, Runtime)], None, None),
            ("another signal", &[(15, Runtime)], Some(9), None),
            (
                "the grace time is over",
                &[(15, Runtime), (9, Runtime)],
                Some(9),
                Some(Runtime),
            ),
            (
                "the first kill counts",
                &[(9, OutOfMemory), (9, Runtime)],
                Some(9),
                Some(OutOfMemory),
            ),
            (
                "the last term counts",
                &[(15, SameContainer), (15, Runtime)],
                Some(15),
                Some(Runtime),
            ),
            (
                "raised again",
                &[(15, Runtime), (15, Itself)],
                Some(15),
                Some(Runtime),
            ),
            ("raised alone", &[(6, Itself)], Some(6), Some(Itself)),
        ];
        for (name, all, ended_by, expected) in table {
            let mut signals = Signals::default();
            for (place, (signal, kind)) in all.iter().enumerate() {
                signals.remember(WHICH, sent(place as i64, *signal, *kind));
            }
            let found = signals.end(WHICH, *ended_by).map(|sender| sender.kind);
            assert_eq!(found, *expected, "{name}");
            assert!(signals.end(WHICH, *ended_by).is_none(), "{name}: asked once more");
        }
    }

    #[test]
    fn a_victim_is_known_before_and_after_its_signal() {
        for kind in [Kernel, NamespaceEnd] {
            let mut signals = Signals::default();
            signals.remember(WHICH, sent(0, 9, kind));
            assert_eq!(signals.mark_victim(WHICH, at(1)), Some(0));
            assert!(signals.is_victim(50, at(2)));
            assert!(!signals.is_victim(50, at(5_000)));
            assert!(!signals.is_victim(51, at(2)));
            let sender = signals.end(WHICH, Some(9)).unwrap();
            assert_eq!(sender.kind, OutOfMemory);
        }
    }

    #[test]
    fn an_old_kill_is_not_the_victims() {
        let mut signals = Signals::default();
        signals.remember(WHICH, sent(0, 9, Kernel));
        assert_eq!(signals.mark_victim(WHICH, at(60_000)), None);
    }

    #[test]
    fn a_number_used_again_is_another_process() {
        let mut signals = Signals::default();
        signals.remember(WHICH, sent(0, 15, Runtime));
        let later = Which { pid: 50, group: 3 };
        assert!(signals.end(later, Some(15)).is_none());
    }

    #[test]
    fn memory_is_bounded_and_the_first_signal_stays() {
        let mut signals = Signals::default();
        for pid in 0..(PROCESSES_MAX as u32 + 10) {
            signals.remember(Which { pid, group: 1 }, sent(i64::from(pid), 15, Runtime));
        }
        assert_eq!(signals.fill().0, PROCESSES_MAX);
        for place in 0..100 {
            signals.remember(
                WHICH,
                sent(place, 9, if place == 0 { OutOfMemory } else { Runtime }),
            );
        }
        assert_eq!(signals.end(WHICH, Some(9)).unwrap().kind, OutOfMemory);
        signals.expire(at(3_600_000 + 10_000));
        assert_eq!(signals.fill().0, 0);
    }
}
