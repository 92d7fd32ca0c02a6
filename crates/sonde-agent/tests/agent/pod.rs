//! A "container": two processes in a pid namespace and a control group of their own, named as the kubelet names them.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sonde_bpf::Hierarchy;

/// A pod of one container; dropping it ends it and removes its groups.
pub(crate) struct Pod {
    uid: String,
    id: String,
    groups: [PathBuf; 3],
    child: Child,
    first: u32,
}

impl Pod {
    /// Starts one whose ids are made of `letter`; `None` where groups or namespaces cannot be made, with the reason.
    pub(crate) fn start(letter: &str) -> Option<Self> {
        let mut pod = Self::run(letter, None, "exec unshare --pid --fork sh -c 'sleep 600 & wait'")?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if let Some(first) = child_of(pod.child.id()).filter(|first| child_of(*first).is_some()) {
                pod.first = first;
                return Some(pod);
            }
            if pod.child.try_wait().unwrap().is_some() {
                eprintln!("skipped: this process may not make a pid namespace");
                return None;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the container did not start");
    }

    /// Starts one that takes memory until it has more than `limit` bytes; `None` as above.
    pub(crate) fn start_greedy(letter: &str, limit: u64) -> Option<Self> {
        let mut pod = Self::run(letter, Some(limit), "exec tail /dev/zero")?;
        pod.first = pod.child.id();
        Some(pod)
    }

    fn run(letter: &str, limit: Option<u64>, what: &str) -> Option<Self> {
        let number = std::process::id();
        let uid = format!("{}-1111-4222-8333-{number:012x}", letter.repeat(8));
        let id = format!("{letter:0<56}{number:08x}");
        let hierarchy = Hierarchy::of_this_node().unwrap();
        let top = hierarchy
            .root()
            .join(format!("sonde-agent-test-{number}-{letter}"));
        let parent = top.join(format!("pod{uid}"));
        let container = parent.join(&id);
        let limited = match (limit, &hierarchy) {
            (None, _) => None,
            (Some(bytes), Hierarchy::Memory(_)) => Some(("memory.limit_in_bytes", bytes)),
            (Some(bytes), Hierarchy::Unified(_)) => Some(("memory.max", bytes)),
        };
        let made = fs::create_dir_all(&container).and_then(|()| match limited {
            Some((file, bytes)) => fs::write(container.join(file), bytes.to_string()),
            None => Ok(()),
        });
        if let Err(error) = made {
            eprintln!("skipped: {}: {error}", container.display());
            return None;
        }
        let script = format!("echo $$ > {}/cgroup.procs && {what}", container.display());
        let child = Command::new("sh")
            .args(["-c", &script])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self {
            uid,
            id,
            groups: [container, parent, top],
            child,
            first: 0,
        })
    }

    pub(crate) fn uid(&self) -> &str {
        &self.uid
    }

    pub(crate) fn container_id(&self) -> &str {
        &self.id
    }

    /// The process that is number 1 in its namespace; of a greedy one, the only process.
    pub(crate) fn first_process(&self) -> u32 {
        self.first
    }

    /// Its child.
    pub(crate) fn second_process(&self) -> u32 {
        child_of(self.first).unwrap()
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let first = i32::try_from(self.first)
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        // Only while it is our child's child is the number still its own.
        if let Some(first) = first.filter(|_| child_of(self.child.id()) == Some(self.first)) {
            // It may have ended already.
            let _ = rustix::process::kill_process(first, rustix::process::Signal::KILL);
        }
        // What has no namespace of its own ends by itself.
        let _ = self.child.wait();
        let deadline = Instant::now() + Duration::from_secs(5);
        for group in &self.groups {
            while fs::remove_dir(group).is_err() && group.exists() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }
}

fn child_of(pid: u32) -> Option<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    text.split(' ').next()?.parse().ok()
}
