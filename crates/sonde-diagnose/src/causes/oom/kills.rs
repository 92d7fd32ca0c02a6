//! The kernel's kills for memory that an episode is about, and whose limit was behind them.

use jiff::SignedDuration;
use sonde_grammar::Fact;
use sonde_grammar::fact::{NodeFact, OomConstraint, OomKill};
use sonde_model::{Moment as _, Quantity, Risk, bytes_text};

use crate::{Case, Facts, Seen};

/// A process that the kernel killed longer than this before the container's end was not its main process. A guess,
/// generous against the drift of `dmesg -T`.
const SAME_DEATH: SignedDuration = SignedDuration::from_secs(10);

/// A process that ended with the kernel's kill is seen as ended within seconds; longer, and something went on. A guess.
const SAME_MOMENT: SignedDuration = SignedDuration::from_secs(3);
/// A victim with less than this share of the limit does not explain that it was reached. A guess.
const SMALL_SHARE: u64 = 4;

/// Whose limit was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// The container's.
    Container,
    /// The pod's.
    Pod,
    /// The machine's, or what it gives to all pods together.
    Node,
}

/// Whose limit a kill was for; `None` where the lines that say it are missing.
pub(super) fn limit_of(facts: &Facts<'_>, kill: &OomKill) -> Option<Limit> {
    match limit_in(kill) {
        Some(Limit::Pod) if container_has_all(facts) => Some(Limit::Container),
        limit => limit,
    }
}

/// The only container's limit is also that of the pod's control group, and the kernel may name either as reached.
fn container_has_all(facts: &Facts<'_>) -> bool {
    let spec = &facts.pod().spec;
    let only = matches!(spec.containers.as_slice(), [only] if facts.episode.container.as_deref() == Some(&*only.name));
    only && spec.init_containers.is_empty() && pod_limit(facts).is_none() && container_limit(facts).is_some()
}

fn limit_in(kill: &OomKill) -> Option<Limit> {
    if kill.constraint == Some(OomConstraint::Global) {
        return Some(Limit::Node);
    }
    if kill.is_container_limit() {
        Some(Limit::Container)
    } else if kill.is_pod_limit() {
        Some(Limit::Pod)
    } else {
        kill.limit_cgroup
            .as_deref()
            .filter(|path| path.contains("kubepods"))
            .map(|_| Limit::Node)
    }
}

/// The kills during the episode, of its container or pod; of a text, those in it.
pub(super) fn kills<'a>(facts: &Facts<'a>) -> Vec<(&'a OomKill, Seen)> {
    let mut found = facts.oom_kills();
    if facts.is_text() {
        let said = facts.find_all(|fact| match fact {
            Fact::OomKill(kill) => Some(kill),
            _ => None,
        });
        found.extend(said.into_iter().map(|(kill, message)| (kill, message.seen())));
    }
    found
}

/// The kill that ended the run: at its end where the times are known.
pub(super) fn last_kill<'a>(facts: &Facts<'a>) -> Option<(&'a OomKill, Seen)> {
    let end = facts.span().map(|(_, end)| end);
    kills(facts)
        .into_iter()
        .rfind(|(kill, _)| match (kill.time, end) {
            (Some(time), Some(end)) => end.duration_since(time).abs() <= SAME_DEATH,
            _ => true,
        })
}

/// A kill of a child, well before the run's end.
pub(super) fn early_kill<'a>(facts: &Facts<'a>) -> Option<(&'a OomKill, Seen)> {
    let (_, end) = facts.span()?;
    kills(facts).into_iter().rfind(|(kill, _)| {
        kill.time
            .is_some_and(|time| end.duration_since(time) > SAME_DEATH)
    })
}

/// For how many seconds the main process went on after a kill, where that is more than a moment: then the victim may have
/// been another process.
pub(super) fn went_on(facts: &Facts<'_>, kill: &OomKill) -> Option<i64> {
    let (_, end) = facts.span()?;
    let after = end.duration_since(kill.time?);
    // An agent knows which process it was.
    if facts.hit_first_process(kill) == Some(true) {
        return None;
    }
    (after > SAME_MOMENT).then(|| after.as_secs())
}

/// That a kill hit a child alone, and the main process left by itself after it: an agent saw both.
pub(super) fn only_a_child(facts: &Facts<'_>, kill: &OomKill) -> Option<Seen> {
    let end = facts.witness().end().filter(|end| end.code.is_some())?;
    (facts.hit_first_process(kill) == Some(false)).then(|| end.seen.clone())
}

/// What shows that files in memory filled the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Files {
    /// The kernel counted so many KiB of them, of so many.
    Counted(u64, u64),
    /// A volume in memory is there, and the processes held only so many KiB of so many.
    Inferred(u64, u64),
}

/// Whether files in memory filled the limit that the kernel killed for.
pub(super) fn files_in_memory(facts: &Facts<'_>, kill: &OomKill) -> Option<Files> {
    if !matches!(limit_of(facts, kill), Some(Limit::Container | Limit::Pod)) {
        return None;
    }
    let declared = || u64::try_from(container_limit(facts)?.0 / 1024).ok();
    let limit = kill.limit_kib.or_else(declared).filter(|limit| *limit > 0)?;
    // Half of the limit in files leaves the program less than the files have.
    if let Some(files) = kill.cgroup_shmem_kib.max(kill.shmem_rss_kib)
        && (kill.cgroup_shmem_kib.is_some() || files.saturating_mul(2) >= limit)
    {
        return (files.saturating_mul(2) >= limit).then_some(Files::Counted(files, limit));
    }
    let all: u64 = kill.largest.iter().map(|task| task.rss_kib).sum();
    let held = kill.anon_rss_kib?.max(all);
    (held.saturating_mul(SMALL_SHARE) <= limit && memory_volumes(facts).next().is_some())
        .then_some(Files::Inferred(held, limit))
}

/// The container's volumes in memory: where in the spec, its name, its size limit, where it is mounted.
pub(super) fn memory_volumes<'a>(
    facts: &Facts<'a>,
) -> impl Iterator<Item = (usize, &'a str, Option<String>, &'a str)> {
    let pod = facts.pod();
    let mounts = facts.container().map(|(container, _)| &container.volume_mounts);
    pod.spec
        .volumes
        .iter()
        .enumerate()
        .filter_map(move |(at, volume)| {
            let dir = volume.empty_dir.as_ref().filter(|it| it.medium == "Memory")?;
            let mount = mounts?.iter().find(|mount| mount.name == volume.name)?;
            let bound = dir.size_limit.as_ref().map(ToString::to_string);
            Some((at, volume.name.as_str(), bound, mount.mount_path.as_str()))
        })
}

/// The pod has a limit of its own (1.32 on).
pub(super) fn pod_limit(facts: &Facts<'_>) -> Option<i64> {
    let resources = facts.pod().spec.resources.as_ref()?;
    resources.limits.get("memory")?.quantity().map(Quantity::units)
}

/// The container's limit in bytes, with its evidence.
pub(super) fn container_limit(facts: &Facts<'_>) -> Option<(i64, Seen)> {
    let (container, path) = facts.container()?;
    let limit = container.limit("memory")?;
    let bytes = limit.quantity()?.units();
    Some((
        bytes,
        facts.field(&format!("{path}.resources.limits.memory"), limit),
    ))
}

/// The kubelet's own report of a kill for the whole machine's memory, within the run.
pub(super) fn node_was_short(facts: &Facts<'_>) -> Option<Seen> {
    let (start, end) = facts.span()?;
    let heard = facts.node_heard(start, end.later(SAME_DEATH), |fact| match fact {
        Fact::Node(NodeFact::SystemOom { .. }) => Some(()),
        _ => None,
    });
    heard.map(|((), seen)| seen)
}

/// The kubelet's word, during the run, that the whole machine's memory ran short: a kill may have been for that.
pub(super) fn node_was_pressed(facts: &Facts<'_>) -> Option<Seen> {
    let (start, end) = facts.span()?;
    let heard = facts.node_heard(start, end.later(SAME_DEATH), |fact| match fact {
        Fact::Node(NodeFact::Pressure { resource } | NodeFact::Reclaiming { resource })
            if resource == "memory" =>
        {
            Some(())
        }
        _ => None,
    });
    heard.map(|((), seen)| seen)
}

/// "it used 64Mi of 64Mi when it asked for more".
pub(super) fn kill_text(kill: &OomKill) -> String {
    let process = kill
        .process
        .as_deref()
        .map_or(String::new(), |it| format!("; the victim is process {it}"));
    match (kib_text(kill.usage_kib), kib_text(kill.limit_kib)) {
        (Some(usage), Some(limit)) => format!("it used {usage} of {limit} when it asked for more{process}"),
        _ => match kib_text(kill.anon_rss_kib) {
            Some(rss) => format!("it reached the limit and asked for more{process}, which held {rss}"),
            None => format!("it reached the limit and asked for more{process}"),
        },
    }
}

pub(super) fn kib_text(kib: Option<u64>) -> Option<String> {
    let kib = i64::try_from(kib?).ok()?;
    Some(bytes_text(kib.saturating_mul(1024)))
}

/// More memory for the container: a command where the workload has a template.
pub(super) fn raise_limit(facts: &Facts<'_>, case: &mut Case, limit: i64) {
    let Some(name) = facts.episode.container.as_deref() else {
        return;
    };
    let text = format!(
        "give {name} a higher memory limit, if what it does needs more than {}",
        bytes_text(limit)
    );
    match facts.template_owner() {
        Some(owner) => case.fix(
            text,
            format!(
                "kubectl set resources {} -c {name} --limits=memory={}",
                owner.kubectl(),
                bytes_text(limit.saturating_mul(2)).replace(' ', "")
            ),
            Risk::Restart,
        ),
        None => case.advice(text, Risk::Restart),
    };
}
