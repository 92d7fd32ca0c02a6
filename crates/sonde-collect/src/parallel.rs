//! Work over a slice on all cores, in order.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Threads at most: reading is bound by memory beyond that.
const THREADS_MAX: usize = 8;

/// Maps each item; the results are in the order of the items. Small work stays on this thread.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(THREADS_MAX);
    if threads < 2 || items.len() < 2 {
        return items.iter().map(work).collect();
    }
    // Items are taken in small runs: large enough that the lock is nothing, small enough that cores end together.
    let run = (items.len() / (threads * 8)).max(1);
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Vec<R>)>> = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let from = next.fetch_add(run, Ordering::Relaxed);
                    let Some(part) = items.get(from..items.len().min(from + run)) else {
                        return;
                    };
                    if part.is_empty() {
                        return;
                    }
                    let results: Vec<R> = part.iter().map(&work).collect();
                    if let Ok(mut done) = done.lock() {
                        done.push((from, results));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(from, _)| *from);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn order_is_kept() {
        for count in [0, 1, 2, 7, 1000] {
            let items: Vec<usize> = (0..count).collect();
            let doubled: Vec<usize> = super::map(&items, |it| it * 2);
            assert_eq!(doubled, items.iter().map(|it| it * 2).collect::<Vec<_>>());
        }
    }
}
