//! Requests beside each other, a few at a time.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::limits::REQUESTS_AT_ONCE;

/// Runs them all; the outcomes are in the order of the tasks, `None` for one that panicked. `seen` is told each outcome
/// as it comes, with how many there are by then, and may end the rest.
pub(super) async fn all<T, F>(
    tasks: impl IntoIterator<Item = F>,
    mut seen: impl FnMut(&T, usize) -> ControlFlow<()>,
) -> Vec<Option<T>>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(REQUESTS_AT_ONCE));
    let mut running = JoinSet::new();
    let mut places = HashMap::new();
    for (index, task) in tasks.into_iter().enumerate() {
        let room = room.clone();
        let handle = running.spawn(async move {
            let _place = room.acquire().await;
            task.await
        });
        places.insert(handle.id(), index);
    }
    let mut done: Vec<Option<T>> = std::iter::repeat_with(|| None).take(places.len()).collect();
    let mut count = 0;
    while let Some(joined) = running.join_next_with_id().await {
        count += 1;
        let Ok((id, outcome)) = joined else { continue };
        let go_on = seen(&outcome, count);
        if let Some(place) = places.get(&id).and_then(|index| done.get_mut(*index)) {
            *place = Some(outcome);
        }
        if go_on.is_break() {
            // Dropping the set ends the others.
            break;
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(end_at: usize) -> Vec<Option<usize>> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let tasks = (0..9).map(|index| async move {
            assert!(index != 4, "this one panics on purpose");
            index
        });
        runtime.block_on(all(tasks, |index, _| match *index == end_at {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }))
    }

    #[test]
    fn one_that_panics_leaves_its_place_empty() {
        let done = run(usize::MAX);
        let expected: Vec<_> = (0..9).map(|index| (index != 4).then_some(index)).collect();
        assert_eq!(done, expected);
    }

    #[test]
    fn the_rest_is_ended_on_request() {
        assert!(run(0).iter().filter(|it| it.is_none()).count() > 1);
    }
}
