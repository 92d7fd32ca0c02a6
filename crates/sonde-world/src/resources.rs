//! Amounts of resources as whole numbers, as the scheduler counts them.

use std::sync::Arc;

use sonde_model::Quantity;

/// CPU in millicores, the rest in units; extended resources by name, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resources {
    /// CPU in millicores.
    pub cpu_milli: i64,
    /// Memory in bytes.
    pub memory: i64,
    /// Ephemeral storage in bytes.
    pub ephemeral: i64,
    /// Other resources, `nvidia.com/gpu`, `hugepages-2Mi`, `pods`.
    pub other: Vec<(Arc<str>, i64)>,
}

impl Resources {
    /// Sets one resource from a quantity.
    pub fn set(&mut self, name: &str, quantity: Quantity) {
        match name {
            "cpu" => self.cpu_milli = quantity.milli(),
            "memory" => self.memory = quantity.units(),
            "ephemeral-storage" => self.ephemeral = quantity.units(),
            other => match self.other.binary_search_by(|(have, _)| have.as_ref().cmp(other)) {
                Ok(at) => self.other[at].1 = quantity.units(),
                Err(at) => self.other.insert(at, (other.into(), quantity.units())),
            },
        }
    }

    /// The amount of a resource; CPU in millicores.
    pub fn get(&self, name: &str) -> i64 {
        match name {
            "cpu" => self.cpu_milli,
            "memory" => self.memory,
            "ephemeral-storage" => self.ephemeral,
            other => self
                .other
                .binary_search_by(|(have, _)| have.as_ref().cmp(other))
                .map_or(0, |at| self.other[at].1),
        }
    }

    /// Whether the resource is named at all.
    pub fn has(&self, name: &str) -> bool {
        match name {
            "cpu" => self.cpu_milli != 0,
            "memory" => self.memory != 0,
            "ephemeral-storage" => self.ephemeral != 0,
            other => self
                .other
                .binary_search_by(|(have, _)| have.as_ref().cmp(other))
                .is_ok(),
        }
    }

    /// Every resource that is not zero, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        [
            ("cpu", self.cpu_milli),
            ("memory", self.memory),
            ("ephemeral-storage", self.ephemeral),
        ]
        .into_iter()
        .chain(self.other.iter().map(|(name, amount)| (name.as_ref(), *amount)))
        .filter(|(_, amount)| *amount != 0)
    }

    /// Adds each amount.
    pub fn add(&mut self, more: &Resources) {
        self.combine(more, i64::saturating_add);
    }

    /// Takes each amount away.
    pub fn subtract(&mut self, less: &Resources) {
        self.combine(less, i64::saturating_sub);
    }

    /// Keeps the larger of each amount.
    pub fn raise_to(&mut self, other: &Resources) {
        self.combine(other, i64::max);
    }

    fn combine(&mut self, with: &Resources, op: fn(i64, i64) -> i64) {
        self.cpu_milli = op(self.cpu_milli, with.cpu_milli);
        self.memory = op(self.memory, with.memory);
        self.ephemeral = op(self.ephemeral, with.ephemeral);
        for (name, amount) in &with.other {
            match self.other.binary_search_by(|(have, _)| have.cmp(name)) {
                Ok(at) => self.other[at].1 = op(self.other[at].1, *amount),
                Err(at) => self.other.insert(at, (name.clone(), op(0, *amount))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_and_subtracts_by_name() {
        let mut total = Resources::default();
        total.set("cpu", Quantity::parse("250m").unwrap());
        total.set("nvidia.com/gpu", Quantity::parse("1").unwrap());
        let mut sum = total.clone();
        sum.add(&total);
        assert_eq!((sum.get("cpu"), sum.get("nvidia.com/gpu")), (500, 2));
        sum.subtract(&total);
        assert_eq!(sum, total);
    }
}
