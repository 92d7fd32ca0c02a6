//! OOM-GROWTH: run after run the memory grows to the limit in about the same time, like a leak.

use crate::wording::count;
use sonde_grammar::Fact;
use sonde_model::{Code, Risk, bytes_text};

use super::kills::{Limit, container_limit, limit_of};
use crate::cause::page;
use crate::facts::kernel_seen;
use crate::{Case, Cause, Facts, Symptom};

pub(super) static CAUSE: Cause = Cause {
    code: Code::new("OOM-GROWTH"),
    title: "memory grows to the limit in every run",
    explains: &[Symptom::Terminated],
    reads: &[],
    state,
    page: page!("OOM-GROWTH"),
};

/// Fewer kills show no rhythm.
const KILLS_MIN: usize = 3;
/// A work load that is simply too big dies sooner after its start. A guess.
const RUN_SECONDS_MIN: i64 = 600;

fn state(facts: &Facts<'_>, case: &mut Case) {
    let Some((137, ended)) = facts.exit() else { return };
    if facts
        .episode
        .run
        .as_ref()
        .is_none_or(|run| run.end.reason != "OOMKilled")
    {
        return;
    }
    let node = facts.pod().spec.node_name.as_str();
    let uid = facts.pod().metadata.uid.as_str();
    if uid.is_empty() {
        return;
    }
    let lines = facts.texts.kernel.get(node).map_or(&[][..], Vec::as_slice);
    let mut kills: Vec<_> = lines
        .iter()
        .filter_map(|line| match &line.fact {
            Fact::OomKill(kill)
                if kill.pod_uid().as_deref() == Some(uid)
                    && limit_of(facts, kill) == Some(Limit::Container) =>
            {
                Some((line.time?, kill, line))
            }
            _ => None,
        })
        .collect();
    kills.sort_by_key(|(time, ..)| *time);
    // One program, one container id per kill: several victims of one run are no rhythm.
    kills.dedup_by_key(|(_, kill, _)| kill.container_id());
    let same_program = kills
        .windows(2)
        .all(|pair| pair[0].1.process == pair[1].1.process);
    if kills.len() < KILLS_MIN || !same_program {
        return;
    }
    let gaps: Vec<i64> = kills
        .windows(2)
        .map(|pair| pair[1].0.duration_since(pair[0].0).as_secs())
        .collect();
    let sum = gaps.iter().fold(0_i64, |sum, gap| sum.saturating_add(*gap));
    let mean = sum
        .checked_div(i64::try_from(gaps.len()).unwrap_or(1))
        .unwrap_or(0);
    let about = mean / 2..=mean.saturating_add(mean / 2);
    let regular = gaps.iter().all(|gap| about.contains(gap));
    if mean < RUN_SECONDS_MIN || !regular {
        return;
    }
    for (_, _, line) in &kills {
        case.proven_by(kernel_seen(node, line));
    }
    let who = facts.container_phrase();
    let limit = container_limit(facts);
    let of = limit
        .as_ref()
        .map_or(String::new(), |(bytes, _)| format!(" of {}", bytes_text(*bytes)));
    if let Some((_, seen)) = limit {
        case.step(
            format!("{who} may use{of} of memory").replace("use of", "use"),
            [seen],
        );
    }
    case.step(
        format!(
            "it reaches the limit {}, about every {}",
            count(kills.len(), "time"),
            count(mean / 60, "minute")
        ),
        kills.iter().map(|(_, _, line)| kernel_seen(node, line)),
    );
    case.step(
        "each time the kernel kills its main process (exit code 137)",
        [ended],
    );
    case.headline(format!(
        "the memory of {who} reaches its limit{of} again and again, about every {}: it grows in each run",
        count(mean / 60, "minute")
    ));
    case.advice(
        "find what grows: a leak, a cache without a bound, or work that comes at this pace; a heap dump or profile shortly before the limit tells",
        Risk::None,
    );
    case.advice(
        "a higher limit only makes the time between two kills longer",
        Risk::None,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sonde_model::Verdict;

    use crate::testing::{Scene, crashed, pod};

    fn kernel(times: &[&str]) -> String {
        let pod = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f2f7b7c_3a9d_4c39_b7f0_1b2c3d4e5f60.slice";
        let last = times.len() - 1;
        times
            .iter()
            .enumerate()
            .map(|(at, time)| {
                let id = if at == last { "c".repeat(64) } else { at.to_string().repeat(64) };
                format!("2026-03-01T{time}+00:00 n1 kernel: oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg={pod}/cri-containerd-{id}.scope,task_memcg={pod}/cri-containerd-{id}.scope,task=app,pid=47{at},uid=0\n")
            })
            .collect()
    }

    fn scene(times: &[&str]) -> Scene {
        let it = pod(json!({
            "spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": "64Mi"}}}]},
            "status": {"containerStatuses": [crashed(137, "OOMKilled")]}
        }));
        Scene::new().object(it).kernel("n1", &kernel(times))
    }

    #[test]
    fn found_when_the_kills_have_a_rhythm() {
        let outcome = scene(&["09:10:00", "10:05:00", "11:00:30", "11:57:59"]).diagnose();
        let finding = outcome.finds_only("OOM-GROWTH", Verdict::Proven);
        assert!(
            finding.headline.contains("every 55 minutes"),
            "{}",
            finding.headline
        );
    }

    #[test]
    fn not_found_without_a_rhythm_or_history() {
        for times in [
            &["11:57:59"][..],
            &["11:30:00", "11:57:59"],
            &["11:56:00", "11:57:00", "11:57:59"],
            &["06:00:00", "11:20:00", "11:57:59"],
        ] {
            let outcome = scene(times).diagnose();
            outcome
                .lacks("OOM-GROWTH")
                .finds_only("OOM-CONTAINER-LIMIT", Verdict::Proven);
        }
    }
}
