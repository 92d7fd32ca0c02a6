//! How much of the node's processors the agent may take, and what it leaves out to stay within. Pure.

use std::time::Duration;

/// The share is taken over this time, so that one harvest does not tip it.
const WINDOW: Duration = Duration::from_secs(5);
/// Fewer single calls than one of so many are as good as none.
const ONE_OF_MAX: u32 = 1 << 12;

/// A budget of processor time, and how far single calls are thinned out for it. Counts are made in the kernel and are
/// never thinned.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    /// Of all processors together; 0 is no limit.
    share: f64,
    processors: f64,
    /// When the window began, by the agent's own age, and what was spent until then.
    began: Duration,
    spent: f64,
    one_of: u32,
    /// The share of the last window.
    took: f64,
}

impl Budget {
    pub(crate) fn new(share: f64, processors: usize) -> Self {
        Self {
            share,
            processors: processors.max(1) as f64,
            began: Duration::ZERO,
            spent: 0.0,
            one_of: 1,
            took: 0.0,
        }
    }

    /// Takes what was spent until now, in seconds; of single calls one of so many is to be kept, where that changed.
    pub(crate) fn look(&mut self, age: Duration, spent: f64) -> Option<u32> {
        let passed = age.saturating_sub(self.began);
        if self.share <= 0.0 || passed < WINDOW {
            return None;
        }
        self.took = (spent - self.spent) / passed.as_secs_f64() / self.processors;
        (self.began, self.spent) = (age, spent);
        let before = self.one_of;
        if self.took > self.share {
            self.one_of = self.one_of.saturating_mul(4).min(ONE_OF_MAX);
        } else if self.took < self.share / 2.0 {
            // More slowly back than there: what it left out is what made it cheap.
            self.one_of = (self.one_of / 2).max(1);
        }
        (self.one_of != before).then_some(self.one_of)
    }

    /// Why single calls are missing; `None` while none is left out.
    pub(crate) fn words(&self) -> Option<String> {
        (self.one_of > 1).then(|| {
            format!(
                "one of {} slow, failed and picked calls is kept: the agent took {:.1} % of the node's processors, of {:.1} % \
                 that it may",
                self.one_of,
                self.took * 100.0,
                self.share * 100.0
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_thins_out_while_too_much_is_spent_and_comes_back() {
        let mut budget = Budget::new(0.01, 2);
        let mut spent = 0.0;
        let mut at = |second: u64, share: f64| {
            spent += share * 2.0 * 5.0;
            let told = budget.look(Duration::from_secs(second), spent);
            (told, budget.words().is_some())
        };
        assert_eq!(at(5, 0.009), (None, false));
        assert_eq!(at(10, 0.03), (Some(4), true));
        assert_eq!(at(15, 0.03), (Some(16), true));
        // Within the budget, and not by far: as it is.
        assert_eq!(at(20, 0.008), (None, true));
        assert_eq!(at(25, 0.001), (Some(8), true));
        assert_eq!(at(30, 0.001), (Some(4), true));
        assert_eq!(at(35, 0.001), (Some(2), true));
        assert_eq!(at(40, 0.001), (Some(1), false));
        assert_eq!(at(45, 0.001), (None, false));
    }

    #[test]
    fn a_moment_tells_nothing_and_no_limit_is_none() {
        let mut budget = Budget::new(0.01, 1);
        assert_eq!(budget.look(Duration::from_secs(1), 1.0), None);
        let mut free = Budget::new(0.0, 1);
        assert_eq!(free.look(Duration::from_secs(10), 10.0), None);
    }

    #[test]
    fn there_is_a_bottom() {
        let mut budget = Budget::new(0.01, 1);
        let told: Vec<_> = (1..20_u32)
            .filter_map(|turn| budget.look(Duration::from_secs(5) * turn, f64::from(turn) * 5.0))
            .collect();
        assert_eq!(told.last(), Some(&ONE_OF_MAX));
    }
}
