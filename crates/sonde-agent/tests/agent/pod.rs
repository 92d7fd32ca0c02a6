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
        let uid = format!(
            "{0}{0}{0}{0}{0}{0}{0}{0}-1111-4222-8333-{1:012x}",
            letter,
            std::process::id()
        );
        let id = format!("{letter:0<56}{:08x}", std::process::id());
        let hierarchy = Hierarchy::of_this_node().unwrap();
        let top = hierarchy
            .root()
            .join(format!("sonde-agent-test-{}-{letter}", std::process::id()));
        let pod = top.join(format!("pod{uid}"));
        let container = pod.join(&id);
        if let Err(error) = fs::create_dir_all(&container) {
            eprintln!("skipped: {}: {error}", container.display());
            return None;
        }
        let script = format!(
            "echo $$ > {}/cgroup.procs && exec unshare --pid --fork sh -c 'sleep 600 & wait'",
            container.display()
        );
        let child = Command::new("sh")
            .args(["-c", &script])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut pod = Self {
            uid,
            id,
            groups: [container, pod, top],
            child,
            first: 0,
        };
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

    pub(crate) fn uid(&self) -> &str {
        &self.uid
    }

    pub(crate) fn container_id(&self) -> &str {
        &self.id
    }

    /// The process that is number 1 in its namespace.
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
        if let Some(pid) = i32::try_from(self.first)
            .ok()
            .and_then(rustix::process::Pid::from_raw)
            && child_of(self.child.id()) == Some(self.first)
        {
            // It may have ended already.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
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
