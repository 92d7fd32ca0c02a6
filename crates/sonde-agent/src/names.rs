//! Names of containers, by what the runtimes told: a container that is gone keeps its name for an hour. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sonde_model::Owner;

/// A name outlives its container by this.
const KEPT: SignedDuration = SignedDuration::from_hours(1);
/// Containers and sandboxes with a name: 100 times what a kubelet runs by default.
const CONTAINERS_MAX: usize = 16_384;
/// Containers that no runtime knows.
const STRANGERS_MAX: usize = 1_024;
/// A container that so many answers did not name is nobody's we can ask.
const TRIES_MAX: u8 = 3;

/// What a runtime told of one container or sandbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) namespace: Arc<str>,
    pub(crate) pod: Arc<str>,
    pub(crate) pod_uid: Arc<str>,
    /// Empty for a sandbox.
    pub(crate) container: Arc<str>,
    pub(crate) sandbox: bool,
}

/// What the runtimes told so far.
#[derive(Debug, Default)]
pub(crate) struct Names {
    containers: HashMap<Arc<str>, (Named, Timestamp)>,
    /// Containers that were met without a name, and how many answers did not have them.
    strangers: HashMap<Arc<str>, u8>,
    dropped: u64,
}

impl Names {
    /// Takes a runtime's whole list.
    pub(crate) fn learn(&mut self, list: Vec<Named>, now: Timestamp) {
        for named in list {
            let id: Arc<str> = named.id.as_str().into();
            if self.containers.len() >= CONTAINERS_MAX && !self.containers.contains_key(&id) {
                self.dropped += 1;
                continue;
            }
            self.strangers.remove(&id);
            self.containers.insert(id, (named, now));
        }
        for tries in self.strangers.values_mut() {
            *tries = tries.saturating_add(1);
        }
    }

    /// Adds the names to an owner whose container is known; returns whether it has them now.
    pub(crate) fn name(&self, owner: &mut Owner) -> bool {
        let Some((named, _)) = self.containers.get(&owner.container_id) else {
            return false;
        };
        owner.namespace = named.namespace.clone();
        owner.pod = named.pod.clone();
        owner.container = named.container.clone();
        owner.sandbox = named.sandbox;
        if !named.pod_uid.is_empty() {
            owner.pod_uid = named.pod_uid.clone();
        }
        true
    }

    /// Notes a container that has no name yet.
    pub(crate) fn miss(&mut self, id: &Arc<str>) {
        if self.strangers.len() < STRANGERS_MAX {
            self.strangers.entry(id.clone()).or_default();
        }
    }

    /// Whether a runtime should be asked again.
    pub(crate) fn wants_more(&self) -> bool {
        self.strangers.values().any(|tries| *tries < TRIES_MAX)
    }

    /// Whether this container's name may still come.
    pub(crate) fn may_learn(&self, id: &str) -> bool {
        self.strangers.get(id).is_some_and(|tries| *tries < TRIES_MAX)
    }

    /// Forgets what is long gone.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        self.containers
            .retain(|_, (_, seen)| now.duration_since(*seen) <= KEPT);
        if self.strangers.len() >= STRANGERS_MAX {
            self.strangers.retain(|_, tries| *tries < TRIES_MAX);
        }
    }

    /// Known, room, and how many found none.
    pub(crate) fn fill(&self) -> (usize, usize, u64) {
        (self.containers.len(), CONTAINERS_MAX, self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::owners::testing::{container, id};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    fn named(letter: &str) -> Named {
        Named {
            id: id(letter),
            namespace: "shop".into(),
            pod: "checkout".into(),
            pod_uid: "u".into(),
            container: "app".into(),
            sandbox: false,
        }
    }

    #[test]
    fn a_name_outlives_its_container_by_an_hour() {
        let mut names = Names::default();
        names.learn(vec![named("a")], at(0));
        names.learn(Vec::new(), at(10));
        let mut owner = container("a");
        names.expire(at(3_600));
        assert!(names.name(&mut owner));
        assert_eq!(
            (&*owner.namespace, &*owner.pod, &*owner.container),
            ("shop", "checkout", "app")
        );
        names.expire(at(3_601));
        assert!(!names.name(&mut container("a")));
    }

    #[test]
    fn a_stranger_is_asked_for_a_few_times_only() {
        let mut names = Names::default();
        let stranger = container("f").container_id;
        assert!(!names.wants_more());
        names.miss(&stranger);
        for _ in 0..TRIES_MAX {
            assert!(names.wants_more() && names.may_learn(&stranger));
            names.learn(vec![named("a")], at(0));
            names.miss(&stranger);
        }
        assert!(!names.wants_more() && !names.may_learn(&stranger));
    }

    #[test]
    fn names_are_bounded() {
        let mut names = Names::default();
        let many = (0..CONTAINERS_MAX + 3).map(|number| Named {
            id: format!("{number:064}"),
            ..Named::default()
        });
        names.learn(many.collect(), at(0));
        assert_eq!(names.fill(), (CONTAINERS_MAX, CONTAINERS_MAX, 3));
    }
}
