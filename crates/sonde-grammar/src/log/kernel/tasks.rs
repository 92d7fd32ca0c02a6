//! The table of processes that the kernel prints before it kills for memory (`dump_tasks`, `mm/oom_kill.c`).

use crate::fact::{OOM_TASKS_MAX, OomTask};
use crate::log::scan::{signed, word};

/// A row of the table of processes, and the process' `oom_score_adj`:
/// `[  712]  1000   712   183459    61234   819200        0           999 java`. The columns between rss and the
/// adjustment differ between kernels.
pub(super) fn row(text: &str) -> Option<(OomTask, Option<i32>)> {
    let (head, rest) = text.strip_prefix('[')?.split_once(']')?;
    let pid = head.trim().parse().ok()?;
    let mut numbers = Vec::new();
    let mut rest = rest.trim_start();
    // User, thread group, total_vm, rss; some columns; the adjustment; the name.
    while let Some(value) = signed(rest)
        && numbers.len() < 12
    {
        let length = word(rest, &[]).len();
        numbers.push(value);
        rest = rest[length..].trim_start();
    }
    if numbers.len() < 6 || rest.is_empty() {
        return None;
    }
    let task = OomTask {
        pid,
        name: rest.trim_end().to_owned(),
        rss_kib: u64::try_from(numbers[3]).ok()?.saturating_mul(PAGE_KIB),
    };
    let adjustment = numbers.last().and_then(|it| i32::try_from(*it).ok());
    Some((task, adjustment))
}

/// KiB of a page, on most machines.
const PAGE_KIB: u64 = 4;

/// Keeps the largest.
pub(super) fn add(largest: &mut Vec<OomTask>, task: OomTask) {
    let at = largest.partition_point(|it| it.rss_kib >= task.rss_kib);
    largest.insert(at, task);
    largest.truncate(OOM_TASKS_MAX);
}

/// The victim's own line has KiB: where they are many times the table's, its pages are larger (16 or 64 KiB).
pub(super) fn correct_page_size(largest: &mut [OomTask], victim: u32, held_kib: u64) {
    let Some(told) = largest.iter().find(|it| it.pid == victim) else {
        return;
    };
    let times = match held_kib / told.rss_kib.max(1) {
        0..=2 => return,
        3..=8 => 4,
        _ => 16,
    };
    for task in largest {
        task.rss_kib = task.rss_kib.saturating_mul(times);
    }
}
