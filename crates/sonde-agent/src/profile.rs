//! A profile of this node's processors, one at a time, for as long as was asked.

mod gather;
mod symbols;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use sonde_bpf::profile::{GROUPS_MAX, Whom};
use sonde_bpf::{Groups, Hierarchy};
use sonde_model::{Coverage, Owner, Profile, ProfiledStack, Seen};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use crate::owners;
use crate::serve::Asked;
use gather::Gathered;

/// As perf's own habit is: not in step with what happens a hundred times a second.
const HERTZ: u32 = 99;
const SECONDS: u64 = 10;

/// What a profile is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Request {
    /// Whom: everyone, a pod, a container or a process.
    pub(crate) of: Of,
    pub(crate) seconds: u64,
    pub(crate) hertz: u32,
}

/// Who is sampled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Of {
    #[default]
    Everyone,
    Pod {
        namespace: Option<String>,
        name: String,
        container: Option<String>,
    },
    /// By the beginning of its id.
    Container(String),
    Process(u32),
}

impl Request {
    /// `for=10&hz=99&pod=NAME&namespace=NS&container=NAME`, `container=ID` or `pid=N`.
    pub(crate) fn from_query(query: Option<&str>) -> Result<Self, String> {
        let mut request = Self {
            seconds: SECONDS,
            hertz: HERTZ,
            ..Self::default()
        };
        let (mut pod, mut namespace, mut container) = (None, None, None);
        for pair in query
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
        {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let strange = |what: &str| format!("{name}={value} is no {what}");
            match name {
                "for" => {
                    let seconds = value
                        .parse()
                        .ok()
                        .filter(|it| (1..=Profile::SECONDS_MAX).contains(it));
                    request.seconds = seconds.ok_or_else(|| strange("number of seconds from 1 to 60"))?;
                }
                "hz" => {
                    let hertz = value
                        .parse()
                        .ok()
                        .filter(|it| (1..=Profile::HERTZ_MAX).contains(it));
                    request.hertz = hertz.ok_or_else(|| strange("frequency from 1 to 1000"))?;
                }
                "pid" => {
                    let pid = value.parse().ok().filter(|pid| *pid > 0);
                    request.of = Of::Process(pid.ok_or_else(|| strange("process id"))?);
                }
                "pod" => pod = Some(value.to_owned()),
                "namespace" => namespace = Some(value.to_owned()),
                "container" => container = Some(value.to_owned()),
                // Of later versions.
                _ => {}
            }
        }
        match (pod, container) {
            (Some(name), container) => {
                request.of = Of::Pod {
                    namespace,
                    name,
                    container,
                };
            }
            (None, Some(id)) if id.len() < ID_MIN => {
                return Err(format!(
                    "container={id} is too short: {ID_MIN} digits of the id, or the pod's name beside it"
                ));
            }
            (None, Some(id)) => request.of = Of::Container(id),
            (None, None) => {}
        }
        Ok(request)
    }

    fn words(&self) -> String {
        match &self.of {
            Of::Everyone => "everything".to_owned(),
            Of::Process(pid) => format!("process {pid}"),
            Of::Container(id) => format!("container {id}"),
            Of::Pod {
                namespace,
                name,
                container,
            } => {
                let container = container
                    .as_deref()
                    .map_or_else(String::new, |it| format!(" container {it}"));
                match namespace {
                    Some(namespace) => format!("pod {namespace}/{name}{container}"),
                    None => format!("pod {name}{container}"),
                }
            }
        }
    }
}

/// Digits of an id that are hardly ever another's.
const ID_MIN: usize = 8;

/// Profiles take turns by refusing: two at once would count each other's work.
#[derive(Debug, Default)]
pub(crate) struct Turn(Mutex<()>);

/// Ends the thread that samples when nobody waits for it any longer.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Takes a profile; refusals come with the status to answer.
pub(crate) async fn take(asked: &Asked, request: &Request) -> Result<Profile, (StatusCode, String)> {
    let Ok(_turn) = asked.profile.0.try_lock() else {
        let why = "another profile is being taken on this node; ask again when it is done";
        return Err((StatusCode::TOO_MANY_REQUESTS, why.to_owned()));
    };
    let hierarchy = asked.hierarchy.clone();
    let (whom, owners) = choose(asked, &request.of, &hierarchy)?;
    let stop = Arc::new(AtomicBool::new(false));
    let _stop = Stop(stop.clone());
    let start = Timestamp::now();
    let (hertz, time) = (request.hertz, Duration::from_secs(request.seconds));
    let gathered = spawn_blocking(move || gather::gather(&hierarchy, &whom, hertz, time, &stop))
        .await
        .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?
        .map_err(|error| (StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    Ok(profile(asked, request, start, gathered, owners))
}

/// The groups of what was asked for, and whose the known ones are.
fn choose(
    asked: &Asked,
    of: &Of,
    hierarchy: &Hierarchy,
) -> Result<(Whom, HashMap<u64, Owner>), (StatusCode, String)> {
    let mut groups = Groups::new(hierarchy);
    groups.refresh();
    let mut state = asked.state.borrow_mut();
    let owners: HashMap<u64, Owner> = groups
        .all()
        .map(|group| (group.id, state.name(owners::owner(group))))
        .collect();
    let absent = |what: String| (StatusCode::NOT_FOUND, what);
    let whom = match of {
        Of::Everyone => Whom::Everyone,
        Of::Process(pid) => Whom::Process(*pid),
        Of::Container(id) => Whom::Groups(of_groups(&owners, |owner| {
            owner.container_id.starts_with(id.as_str())
        })),
        Of::Pod {
            namespace,
            name,
            container,
        } => {
            let matches = |owner: &Owner| {
                *owner.pod == *name.as_str()
                    && namespace.as_deref().is_none_or(|it| *owner.namespace == *it)
                    && container.as_deref().is_none_or(|it| *owner.container == *it)
            };
            let mut namespaces: Vec<&str> = owners
                .values()
                .filter(|owner| matches(owner))
                .map(|owner| &*owner.namespace)
                .collect();
            namespaces.sort_unstable();
            namespaces.dedup();
            if namespaces.len() > 1 {
                let why = format!(
                    "several namespaces have a pod {name} here: {}",
                    namespaces.join(", ")
                );
                return Err((StatusCode::CONFLICT, why));
            }
            Whom::Groups(of_groups(&owners, matches))
        }
    };
    match &whom {
        Whom::Groups(groups) if groups.is_empty() => Err(absent(format!(
            "nothing on node {} is that; its name comes from the container runtime, and may take a moment",
            state.node
        ))),
        _ => Ok((whom, owners)),
    }
}

fn of_groups(owners: &HashMap<u64, Owner>, matches: impl Fn(&Owner) -> bool) -> Vec<u64> {
    let chosen = owners.iter().filter(|(_, owner)| matches(owner));
    chosen.map(|(id, _)| *id).take(GROUPS_MAX).collect()
}

fn profile(
    asked: &Asked,
    request: &Request,
    start: Timestamp,
    gathered: Gathered,
    known: HashMap<u64, Owner>,
) -> Profile {
    let mut state = asked.state.borrow_mut();
    let mut coverage = vec![partly(
        "stacks",
        "walked by frame pointers: a function that was compiled without its own hides its caller",
        "build with -fno-omit-frame-pointer, or -C force-frame-pointers",
    )];
    let all: u64 = gathered.stacks.values().sum();
    for (samples, why, remedy) in [
        (
            gathered.gone,
            "the process ended before its symbols were read",
            "",
        ),
        (
            gathered.unnamed,
            "the code has no table of symbols: shown by file and offset",
            "keep the symbols (do not strip), or let the runtime write /tmp/perf-PID.map",
        ),
    ] {
        if samples > 0 {
            coverage.push(partly(
                "names of functions",
                &format!("unknown in {samples} of {all} samples: {why}"),
                remedy,
            ));
        }
    }
    let mut owners: Vec<Owner> = Vec::new();
    let mut numbers: HashMap<u64, u32> = HashMap::new();
    let mut stacks: Vec<ProfiledStack> = Vec::new();
    let mut samples = 0;
    for (key, count) in gathered.stacks {
        let owner = *numbers.entry(key.group).or_insert_with(|| {
            let owner = known.get(&key.group).or_else(|| gathered.groups.get(&key.group));
            owners.push(state.name(owner.cloned().unwrap_or_default()));
            u32::try_from(owners.len() - 1).unwrap_or_default()
        });
        samples += count;
        stacks.push(ProfiledStack {
            pid: key.pid,
            command: key.command,
            owner,
            frames: key.frames,
            samples: count,
        });
    }
    stacks.sort_by(|a, b| {
        b.samples
            .cmp(&a.samples)
            .then_with(|| (a.pid, &a.frames).cmp(&(b.pid, &b.frames)))
    });
    Profile {
        schema: Profile::SCHEMA.to_owned(),
        node: state.node.clone(),
        start,
        seconds: gathered.seconds,
        hertz: request.hertz,
        about: request.words(),
        samples,
        lost: gathered.lost,
        stacks_lost: gathered.stacks_lost,
        frames: gathered.frames,
        owners,
        stacks,
        coverage,
    }
}

fn partly(signal: &str, why: &str, remedy: &str) -> Coverage {
    Coverage {
        signal: signal.to_owned(),
        seen: Seen::Partly,
        why: why.to_owned(),
        remedy: remedy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_and_bounded() {
        let of = |query: &str| Request::from_query(Some(query));
        assert_eq!(
            of("").unwrap(),
            Request {
                of: Of::Everyone,
                seconds: 10,
                hertz: 99
            }
        );
        assert_eq!(
            of("for=60&hz=1000&pid=7&new=1").unwrap(),
            Request {
                of: Of::Process(7),
                seconds: 60,
                hertz: 1_000
            }
        );
        let pod = of("pod=web-1&namespace=shop&container=app").unwrap();
        assert_eq!(pod.words(), "pod shop/web-1 container app");
        assert_eq!(
            of("container=0123456789ab").unwrap().of,
            Of::Container("0123456789ab".into())
        );
        for bad in [
            "for=0",
            "for=61",
            "for=x",
            "hz=0",
            "hz=1001",
            "pid=0",
            "pid=-1",
            "container=ab",
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}
