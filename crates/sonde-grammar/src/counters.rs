//! Counters of containers, as the kubelet's `/metrics/cadvisor` prints them (Prometheus text exposition format).

use std::collections::BTreeMap;

use jiff::Timestamp;
use sonde_model::plausible;

/// How often the CPU limit held a container back since it started.
///
/// The kernel counts the periods of CFS bandwidth control in which the group ran, and those in which it used up its
/// quota (`nr_periods` and `nr_throttled` of `cpu.stat`, `Documentation/scheduler/sched-bwc.rst`); cAdvisor exports them
/// as `container_cpu_cfs_periods_total` and `container_cpu_cfs_throttled_periods_total`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpuThrottling {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container's name.
    pub container: String,
    /// The runtime's id of the container; empty where the line does not have it.
    pub container_id: String,
    /// Periods in which it wanted to run.
    pub periods: u64,
    /// Periods in which it was stopped at its limit.
    pub throttled: u64,
    /// When the counters were read, where the line tells.
    pub time: Option<Timestamp>,
}

impl CpuThrottling {
    /// The share of its periods in which it was stopped, in percent.
    pub fn percent(&self) -> u64 {
        self.throttled.saturating_mul(100) / self.periods.max(1)
    }
}

/// What the names of all counters that are read here begin with.
pub const PREFIX: &str = "container_cpu_cfs_";
const PERIODS: &str = "container_cpu_cfs_periods_total";
const THROTTLED: &str = "container_cpu_cfs_throttled_periods_total";

/// Reads the throttling of all containers in the text, in their order by namespace, pod and container. Other lines give
/// nothing; a container with only one of the two counters gives nothing.
pub fn cpu_throttling(text: &str) -> Vec<CpuThrottling> {
    let mut periods = BTreeMap::new();
    let mut throttled = BTreeMap::new();
    for sample in text.lines().filter_map(sample) {
        let Some(key) = key(&sample) else { continue };
        match sample.name {
            PERIODS => periods.insert(key, (sample.value, sample.time)),
            THROTTLED => throttled.insert(key, (sample.value, sample.time)),
            _ => None,
        };
    }
    periods
        .into_iter()
        .filter_map(|(key, (periods, time))| {
            let (throttled, _) = *throttled.get(&key)?;
            let [namespace, pod, container, container_id] = key;
            Some(CpuThrottling {
                namespace,
                pod,
                container,
                container_id,
                periods,
                throttled,
                time,
            })
        })
        .collect()
}

/// One line: `name{label="value",…} value [milliseconds]`.
struct Sample<'a> {
    name: &'a str,
    labels: Vec<(&'a str, String)>,
    value: u64,
    time: Option<Timestamp>,
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let line = line.trim();
    if !line.starts_with(PREFIX) {
        return None;
    }
    let (name, rest) = line.split_once('{')?;
    let (labels, rest) = labels(rest)?;
    let mut words = rest.split_whitespace();
    let value: f64 = words.next()?.parse().ok()?;
    let time = words.next().and_then(|word| word.parse().ok());
    Some(Sample {
        name,
        labels,
        // A saturating cast: what is not a number is 0.
        value: value as u64,
        time: time
            .and_then(|time| Timestamp::from_millisecond(time).ok())
            .and_then(plausible),
    })
}

/// The labels up to the closing brace, and what follows it. In values `\\`, `\"` and `\n` are escaped.
fn labels(mut text: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        text = text.trim_start_matches([',', ' ']);
        if let Some(rest) = text.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, rest) = text.split_once("=\"")?;
        let mut value = String::new();
        let mut chars = rest.char_indices();
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        labels.push((name.trim(), value));
        text = &rest[end + 1..];
    }
}

/// Namespace, pod, container, id; `None` for groups that are no container. Kubernetes before 1.16 says `pod_name` and
/// `container_name`.
fn key(sample: &Sample<'_>) -> Option<[String; 4]> {
    let label = |names: &[&str]| {
        let found = sample.labels.iter().find(|(name, _)| names.contains(name));
        found
            .map(|(_, value)| value.clone())
            .filter(|value| !value.is_empty())
    };
    let container = label(&["container", "container_name"]).filter(|name| name != "POD")?;
    let id = label(&["id"]).map_or(String::new(), |path| id_of(&path).to_owned());
    Some([
        label(&["namespace"])?,
        label(&["pod", "pod_name"])?,
        container,
        id,
    ])
}

/// The container's id at the end of its cgroup's path: `…/<id>`, `…/cri-containerd-<id>.scope`.
fn id_of(path: &str) -> &str {
    let last = path.rsplit('/').next().unwrap_or_default();
    let last = last.strip_suffix(".scope").unwrap_or(last);
    last.rsplit('-').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = r#"
# HELP container_cpu_cfs_periods_total Number of elapsed enforcement period intervals.
container_cpu_cfs_periods_total{container="",id="/kubepods/pod1",image="",name="",namespace="shop",pod="app-1"} 900 1795275372659
container_cpu_cfs_periods_total{container="app",id="/kubepods.slice/pod1.slice/cri-containerd-0aF1.scope",image="r/a:1",name="0aF1",namespace="shop",pod="app-1"} 1.0e+03 1795275372659
container_cpu_cfs_throttled_periods_total{container="app",id="/kubepods.slice/pod1.slice/cri-containerd-0aF1.scope",image="r/a:1",name="0aF1",namespace="shop",pod="app-1"} 812 1795275372659
container_cpu_cfs_throttled_seconds_total{container="app",id="/x/0aF1",namespace="shop",pod="app-1"} 3.5 1795275372659
container_cpu_cfs_periods_total{container_name="old",id="/kubepods/pod2/77",namespace="shop",pod_name="app-2"} 10
container_cpu_cfs_throttled_periods_total{container_name="old",id="/kubepods/pod2/77",namespace="shop",pod_name="app-2"} 0
container_cpu_cfs_periods_total{container="alone",id="/x/1",namespace="shop",pod="app-3"} 10
container_cpu_cfs_periods_total{container="cut",id="/x/1","#;

    #[test]
    fn containers_with_both_counters_are_read() {
        let read = cpu_throttling(TEXT);
        let seen: Vec<_> = read
            .iter()
            .map(|it| {
                (
                    it.pod.as_str(),
                    it.container.as_str(),
                    it.container_id.as_str(),
                    it.periods,
                    it.throttled,
                    it.percent(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("app-1", "app", "0aF1", 1000, 812, 81),
                ("app-2", "old", "77", 10, 0, 0)
            ]
        );
        assert_eq!(
            read[0].time.map(|it| it.as_millisecond()),
            Some(1_795_275_372_659)
        );
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(tail in "\\PC{0,60}", cut in 0usize..1200) {
            let text: String = TEXT.chars().take(cut).collect();
            cpu_throttling(&format!("{text}{tail}\n{PERIODS}{{{tail}"));
        }
    }
}
