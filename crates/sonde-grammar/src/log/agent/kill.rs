//! A death for want of memory as the kill that the kernel's own lines tell of.

use sonde_model::{Death, DeathKind, GroupMemory, Owner, ProcessSeen};

use crate::fact::{OomConstraint, OomKill};

/// A group stands at its limit when no more than this of it is left: the kernel kills when a few pages do not fit
/// (`mem_cgroup_out_of_memory`), and other processes may free some before the agent reads the counter. A guess, generous.
fn slack(limit: u64) -> u64 {
    (limit / 64).clamp(1 << 20, 16 << 20)
}

/// The kill, where the death is one.
pub(super) fn of(death: &Death) -> Option<OomKill> {
    let DeathKind::OutOfMemory {
        trigger,
        anonymous_bytes,
        shared_bytes,
        groups,
        ..
    } = &death.kind
    else {
        return None;
    };
    let victim = &death.process;
    let own = own_group(groups, &victim.owner);
    let standing = closest(groups, 0);
    let reached = closest(groups, shared_from(own, victim, trigger));
    let limit = reached.map(|at| &groups[at]);
    let constraint = match (reached, standing) {
        (Some(_), _) => Some(OomConstraint::Cgroup),
        // Seen up to what all pods have together, and nothing stood at a limit: the machine's memory was short.
        (None, None) if groups.iter().any(is_of_all_pods) => Some(OomConstraint::Global),
        (None, _) => None,
    };
    Some(OomKill {
        time: Some(death.time),
        constraint,
        // The limit of a group that the container made for itself is the container's matter.
        limit_cgroup: reached.map(|at| path(&groups[at.max(own.unwrap_or(0))..])),
        victim_cgroup: Some(match own {
            Some(at) => path(&groups[at..]),
            None => by_owner(&victim.owner),
        }),
        process: Some(victim.command.clone()),
        pid: Some(victim.pid),
        is_first: Some(victim.first),
        invoked_by: Some(trigger.command.clone()),
        limit_kib: limit
            .and_then(|group| group.limit_bytes)
            .map(|bytes| bytes / 1024),
        usage_kib: limit.map(|group| group.usage_bytes / 1024),
        // No process that is worth killing holds nothing.
        anon_rss_kib: held(groups, *anonymous_bytes).filter(|kib| *kib > 0),
        shmem_rss_kib: held(groups, *shared_bytes),
        ..OomKill::default()
    })
}

/// What the victim held, in KiB, where it is not more than its own group has: else the number is no number.
fn held(groups: &[GroupMemory], bytes: u64) -> Option<u64> {
    let plausible = groups
        .first()
        .is_none_or(|own| bytes <= own.usage_bytes.saturating_add(slack(own.usage_bytes)));
    plausible.then_some(bytes / 1024)
}

/// Where the container's own group stands among them.
fn own_group(groups: &[GroupMemory], owner: &Owner) -> Option<usize> {
    if owner.container_id.is_empty() {
        return None;
    }
    groups
        .iter()
        .position(|group| group.name.contains(&*owner.container_id))
}

/// From which group on both processes are below it: what asked for memory in vain lies below the group that had no more.
fn shared_from(own: Option<usize>, victim: &ProcessSeen, trigger: &ProcessSeen) -> usize {
    let same = |one: &str, other: &str| !one.is_empty() && one == other;
    let (victim, trigger) = (&victim.owner, &trigger.owner);
    let no_ids = victim.container_id.is_empty() && trigger.container_id.is_empty();
    if same(&victim.container_id, &trigger.container_id) || (no_ids && victim.group == trigger.group) {
        return 0;
    }
    let pod = own.map_or(0, |at| at + 1);
    if same(&victim.pod_uid, &trigger.pod_uid) {
        pod
    } else {
        pod + 1
    }
}

/// The group that stands closest to its limit, of those from `from` on that stand at it.
fn closest(groups: &[GroupMemory], from: usize) -> Option<usize> {
    let at_limit = |group: &GroupMemory| {
        let limit = group.limit_bytes?;
        let left = limit.saturating_sub(group.usage_bytes);
        (left <= slack(limit)).then_some(left)
    };
    let standing = groups.iter().enumerate().skip(from);
    standing
        .filter_map(|(at, group)| Some((at_limit(group)?, at)))
        .min()
        .map(|(_, at)| at)
}

fn is_of_all_pods(group: &GroupMemory) -> bool {
    matches!(group.name.as_str(), "kubepods" | "kubepods.slice")
}

/// `/kubepods/burstable/pod<uid>/<id>` of groups, the nearest first.
fn path(groups: &[GroupMemory]) -> String {
    let mut path = String::new();
    for group in groups.iter().rev().filter(|group| !group.name.is_empty()) {
        path.push('/');
        path.push_str(&group.name);
    }
    path
}

/// As above, where the kernel did not tell the groups.
fn by_owner(owner: &Owner) -> String {
    let mut path = String::new();
    if !owner.pod_uid.is_empty() {
        path.push_str("/pod");
        path.push_str(&owner.pod_uid);
    }
    if !owner.container_id.is_empty() {
        path.push('/');
        path.push_str(&owner.container_id);
    }
    path
}
