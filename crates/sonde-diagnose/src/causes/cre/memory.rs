//! What the causes about memory limits that let nothing start share: limits in bytes, and the five ways in which they
//! show.

use sonde_grammar::Fact;
use sonde_grammar::fact::{CreateFailure, OomKill, SandboxFailure, StartFailure, VolumeFailure};
use sonde_model::{Quantity, Suffix};
use sonde_world::view::{Amount, Pod, PodSpec};

use crate::{Facts, Seen};

/// Below this a limit is no choice but a slip of the unit: no runtime starts anything in it (1 MiB is killed, 4 MiB
/// runs, with runc 1.1).
pub(super) const SLIP_BELOW: i64 = 1 << 20;

/// Above this a runtime's own processes have room enough: what was killed then, another's memory killed. A guess; runc
/// before 1.2 copies itself into the container's memory, 15 MiB, crun needs less.
pub(super) const ROOMY_ABOVE: i64 = 64 << 20;

/// What a limit may have been meant to be: with less no program of use runs, and more was not forgotten a unit of.
const MEANT_BYTES: std::ops::RangeInclusive<i64> = 4 << 20..=32 << 30;

/// A memory limit that was surely not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slip {
    /// The container; `None` for the pod's own limit.
    pub(super) container: Option<String>,
    pub(super) field: String,
    pub(super) written: String,
    /// What Kubernetes makes of it; `None` where it is no quantity at all, which the API server refuses.
    pub(super) bytes: Option<i64>,
}

impl Slip {
    fn of(container: Option<&str>, field: String, amount: &Amount) -> Option<Slip> {
        let bytes = amount.quantity().map(Quantity::units);
        // Zero means no limit.
        bytes
            .is_none_or(|bytes| bytes > 0 && bytes < SLIP_BELOW)
            .then(|| Slip {
                container: container.map(str::to_owned),
                field,
                written: amount.to_string(),
                bytes,
            })
    }

    /// What the value means.
    pub(super) fn meaning(&self) -> String {
        let Some(bytes) = self.bytes.map(bytes) else {
            let unit = &self.written[self.number_end()..];
            return format!("Kubernetes knows no unit `{unit}`: units are Ki, Mi, Gi and k, M, G");
        };
        let Ok(quantity) = Quantity::parse(&self.written) else {
            return bytes;
        };
        match quantity.suffix() {
            Suffix::Fraction('m') if !quantity.is_fractional() => {
                format!("`m` means thousandths: {} is {bytes}", self.written)
            }
            Suffix::Fraction('m') => format!(
                "`m` means thousandths: {} is {} byte, which Kubernetes rounds up to {bytes}",
                self.written,
                thousandths(quantity.milli())
            ),
            Suffix::Fraction('u') => {
                format!("`u` means millionths: {} rounds up to {bytes}", self.written)
            }
            Suffix::Fraction(_) => {
                format!(
                    "`n` means thousand millionths: {} rounds up to {bytes}",
                    self.written
                )
            }
            _ if quantity.is_fractional() => {
                format!(
                    "without a unit {} is counted in bytes, and rounds up to {bytes}",
                    self.written
                )
            }
            Suffix::None | Suffix::Exponent => format!("without a unit {} is {bytes}", self.written),
            _ => format!("{} is {bytes}", self.written),
        }
    }

    /// What was probably meant: the same number with a unit, where that is an amount that a container may have.
    pub(super) fn meant(&self) -> Option<String> {
        let (number, suffix) = self.written.split_at(self.number_end());
        let number = number.trim();
        let units: &[&str] = match (
            self.bytes,
            suffix.trim().chars().next().map(|c| c.to_ascii_uppercase()),
        ) {
            (None, Some('K')) => &["Ki"],
            (None, Some('G')) => &["Gi"],
            (None, Some('T')) => &["Ti"],
            (_, Some('E')) => &[],
            _ if number.contains('.') => &["Gi"],
            _ => &["Mi", "Ki"],
        };
        units
            .iter()
            .map(|unit| format!("{number}{unit}"))
            .find(|text| Quantity::parse(text).is_ok_and(|it| MEANT_BYTES.contains(&it.units())))
    }

    fn number_end(&self) -> usize {
        self.written
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .unwrap_or(self.written.len())
    }
}

fn bytes(bytes: i64) -> String {
    if bytes == 1 {
        "1 byte".into()
    } else {
        crate::wording::count(bytes, "byte")
    }
}

fn thousandths(milli: i64) -> String {
    let text = format!("{}.{:03}", milli / 1000, milli % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Every such limit of a pod's spec: its own, init containers', containers'; `place` is where the spec is.
pub(crate) fn slips(spec: &PodSpec, place: &str) -> Vec<Slip> {
    let mut slips = Vec::new();
    let own = spec.resources.as_ref().and_then(|it| it.limits.get("memory"));
    slips.extend(own.and_then(|amount| Slip::of(None, format!("{place}.resources.limits.memory"), amount)));
    for (list, containers) in [
        ("initContainers", &spec.init_containers),
        ("containers", &spec.containers),
    ] {
        for (at, container) in containers.iter().enumerate() {
            let field = format!("{place}.{list}[{at}].resources.limits.memory");
            slips.extend(
                container
                    .limit("memory")
                    .and_then(|amount| Slip::of(Some(&container.name), field, amount)),
            );
        }
    }
    slips
}

/// The limit that the kubelet gives the pod as a whole: its own, else the sum where every container has one. Init
/// containers count where one alone is larger.
pub(super) fn pod_limit(pod: &Pod) -> Option<i64> {
    let units = |amount: &Amount| amount.quantity().map(Quantity::units);
    if let Some(own) = pod.spec.resources.as_ref().and_then(|it| it.limits.get("memory")) {
        return units(own);
    }
    let mut running: i64 = 0;
    for container in &pod.spec.containers {
        running = running.saturating_add(container.limit("memory").and_then(units)?);
    }
    let mut largest_init = 0;
    for container in &pod.spec.init_containers {
        let limit = container.limit("memory").and_then(units)?;
        if container.restart_policy == "Always" {
            running = running.saturating_add(limit);
        } else {
            largest_init = largest_init.max(limit);
        }
    }
    let limit = running.max(largest_init);
    (limit > 0).then_some(limit)
}

/// How a limit that lets nothing start shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Face {
    /// A memory-backed volume (a token, a Secret) has no room for its files.
    Tmpfs,
    /// The sandbox' process was killed, or its cgroup refused.
    Sandbox { limit: Option<i64>, surely: bool },
    /// The runtime's init was killed before the command ran.
    Init { limit: Option<i64>, surely: bool },
    /// The runtime refused before it tried.
    Refused {
        sandbox: bool,
        limit: Option<i64>,
        minimum: Option<i64>,
    },
    /// Only the kernel tells: it killed a runtime's process in the pod's cgroup.
    Kernel { limit: Option<i64> },
}

impl Face {
    /// The limit in bytes that the words themselves tell.
    pub(super) fn limit(&self) -> Option<i64> {
        match self {
            Face::Tmpfs => None,
            Face::Sandbox { limit, .. }
            | Face::Init { limit, .. }
            | Face::Refused { limit, .. }
            | Face::Kernel { limit } => *limit,
        }
    }

    /// The pod's limit is what hurts, not one container's.
    pub(super) fn is_of_pod(&self) -> bool {
        matches!(
            self,
            Face::Tmpfs | Face::Sandbox { .. } | Face::Refused { sandbox: true, .. }
        )
    }
}

/// The newest sign of it.
pub(super) fn face(facts: &Facts<'_>) -> Option<(Face, Seen)> {
    facts
        .find(face_of)
        .map(|(face, message)| (face, message.seen()))
        .or_else(|| kernel(facts))
}

fn face_of(fact: &Fact) -> Option<Face> {
    Some(match fact {
        Fact::Volume(volume) => match volume.failure {
            VolumeFailure::NoSpace { tmpfs: true, .. } => Face::Tmpfs,
            _ => return None,
        },
        Fact::Sandbox(SandboxFailure::MemoryLimit { detail }) => Face::Sandbox {
            limit: limit_in(detail),
            surely: true,
        },
        Fact::Sandbox(SandboxFailure::InitDied { .. }) => Face::Sandbox {
            limit: None,
            surely: false,
        },
        Fact::Sandbox(SandboxFailure::MemoryLimitTooLow {
            limit_bytes,
            minimum_bytes,
        }) => Face::Refused {
            sandbox: true,
            limit: *limit_bytes,
            minimum: *minimum_bytes,
        },
        Fact::Create(CreateFailure::MemoryLimitTooLow {
            limit_bytes,
            minimum_bytes,
        }) => Face::Refused {
            sandbox: false,
            limit: *limit_bytes,
            minimum: *minimum_bytes,
        },
        Fact::Start(StartFailure::InitOomKilled) => Face::Init {
            limit: None,
            surely: true,
        },
        Fact::Start(StartFailure::MemoryLimit { detail }) => Face::Init {
            limit: limit_in(detail),
            surely: true,
        },
        Fact::Start(StartFailure::InitDied { .. }) => Face::Init {
            limit: None,
            surely: false,
        },
        _ => return None,
    })
}

/// `unable to set memory limit to 1 (current usage: 2048, peak usage: 4096)`.
fn limit_in(detail: &str) -> Option<i64> {
    let rest = detail.split_once("memory limit to ")?.1;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn kernel(facts: &Facts<'_>) -> Option<(Face, Seen)> {
    let (kill, seen) = facts
        .oom_kills()
        .into_iter()
        .find(|(kill, _)| is_runtimes(kill))?;
    let limit = kill
        .limit_kib
        .and_then(|kib| i64::try_from(kib).ok())
        .and_then(|kib| kib.checked_mul(1024));
    Some((Face::Kernel { limit }, seen))
}

/// The victim is the runtime's own process that prepares a container: it has not become the command yet.
pub(crate) fn is_runtimes(kill: &OomKill) -> bool {
    let is = |name: &str| name.starts_with("runc:[") || matches!(name, "exe" | "crun" | "pause" | "conmon");
    [&kill.process, &kill.invoked_by]
        .into_iter()
        .flatten()
        .any(|name| is(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_unit() {
        for (written, meaning, meant) in [
            (
                "300m",
                Some("300m is 0.3 byte, which Kubernetes rounds up to 1 byte"),
                "300Mi",
            ),
            ("128", Some("without a unit 128 is 128 bytes"), "128Mi"),
            ("512k", Some("512k is 512000 bytes"), "512Mi"),
            ("300Ki", Some("300Ki is 307200 bytes"), "300Mi"),
            (
                "1.5",
                Some("without a unit 1.5 is counted in bytes, and rounds up to 2 bytes"),
                "1.5Gi",
            ),
            ("300u", Some("millionths"), "300Mi"),
            ("1000000", Some("is 1000000 bytes"), "1000000Ki"),
            ("524288", Some("is 524288 bytes"), "524288Ki"),
            ("300000m", Some("300000m is 300 bytes"), "300000Ki"),
            ("5e5", Some("5e5 is 500000 bytes"), ""),
            // Rendered by the API server for a sum of fractions: thousandths, and large all the same.
            ("4402341478400m", None, ""),
            ("1Mi", None, ""),
            ("64M", None, ""),
            ("0", None, ""),
            ("1Gb", Some("knows no unit `Gb`"), "1Gi"),
            ("512MB", Some("knows no unit `MB`"), "512Mi"),
        ] {
            let slip = Slip::of(Some("app"), "f".into(), &Amount(written.to_owned()));
            match meaning {
                None => assert_eq!(slip, None, "{written}"),
                Some(meaning) => {
                    let slip = slip.unwrap();
                    assert!(slip.meaning().contains(meaning), "{}", slip.meaning());
                    assert_eq!(slip.meant().unwrap_or_default(), meant, "{written}");
                }
            }
        }
    }

    #[test]
    fn the_pods_limit_needs_one_on_every_container() {
        let pod = |containers: serde_json::Value, init: serde_json::Value| -> Pod {
            serde_json::from_value(
                serde_json::json!({"spec": {"containers": containers, "initContainers": init}}),
            )
            .unwrap()
        };
        let with =
            |memory: &str| serde_json::json!({"name": "c", "resources": {"limits": {"memory": memory}}});
        let without = serde_json::json!({"name": "d"});
        for (pod, limit) in [
            (
                pod(serde_json::json!([with("300m")]), serde_json::json!([])),
                Some(1),
            ),
            (
                pod(serde_json::json!([with("300m"), without]), serde_json::json!([])),
                None,
            ),
            (
                pod(
                    serde_json::json!([with("300m"), with("64Mi")]),
                    serde_json::json!([]),
                ),
                Some((64 << 20) + 1),
            ),
            (
                pod(
                    serde_json::json!([with("300m")]),
                    serde_json::json!([with("1Mi")]),
                ),
                Some(1 << 20),
            ),
        ] {
            assert_eq!(pod_limit(&pod), limit);
        }
    }
}
