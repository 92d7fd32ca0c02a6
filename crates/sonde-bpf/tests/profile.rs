//! The profile of this very kernel, of a program whose hot function is known.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use sonde_bpf::Hierarchy;
use sonde_bpf::profile::{Profiler, Stack, Whom};

const HERTZ: u32 = 499;

fn start(whom: &Whom) -> Option<Profiler> {
    let hierarchy = Hierarchy::of_this_node().expect("control groups");
    match Profiler::start(&hierarchy, whom, HERTZ) {
        Ok(profiler) => Some(profiler),
        Err(error) if error.is_permission() => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A shell that counts, which takes no call of the kernel.
struct Busy(Child);

impl Busy {
    fn run(first: &str) -> Self {
        let script = format!("{first} i=0; while :; do i=$((i+1)); done");
        Self(Command::new("sh").args(["-c", &script]).spawn().expect("sh runs"))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Takes until so many samples of the process were seen.
fn until(profiler: &mut Profiler, pid: u32, samples: u64) -> Vec<Stack> {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut all = Vec::new();
    while Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(200));
        all.extend(profiler.take().expect("the maps can be read"));
        if count(&all, |stack| stack.pid == pid) >= samples {
            return all;
        }
    }
    panic!("too few samples of process {pid} in {} stacks", all.len());
}

fn count(stacks: &[Stack], which: impl Fn(&Stack) -> bool) -> u64 {
    stacks
        .iter()
        .filter(|stack| which(stack))
        .map(|stack| stack.samples)
        .sum()
}

#[test]
fn one_process_alone_with_its_own_stacks() {
    let (busy, other) = (Busy::run(""), Busy::run(""));
    let Some(mut profiler) = start(&Whom::Process(busy.0.id())) else {
        return;
    };
    let stacks = until(&mut profiler, busy.0.id(), 300);
    assert_eq!(
        count(&stacks, |stack| stack.pid == other.0.id()),
        0,
        "others are not sampled"
    );
    let own = count(&stacks, |stack| !stack.user.is_empty() && stack.command == "sh");
    assert!(own * 10 > 9 * count(&stacks, |_| true), "{stacks:?}");
    let losses = profiler.losses().expect("counters");
    assert_eq!(losses.samples, 0);
    // A stack that cannot be walked in that moment is counted as such; it is a rarity.
    assert!(losses.stacks * 20 <= count(&stacks, |_| true), "{losses:?}");
}

/// A group in the hierarchy that containers are in; it goes with the test.
struct Group(PathBuf);

impl Group {
    fn make(name: &str) -> Option<Self> {
        let hierarchy = Hierarchy::of_this_node().expect("control groups");
        let path = hierarchy
            .root()
            .join(format!("sonde-test-{name}-{}", std::process::id()));
        match fs::create_dir_all(path.join("inner")) {
            Ok(()) => Some(Self(path)),
            Err(error) => {
                eprintln!("skipped: {}: {error}", path.display());
                None
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(self.0.join("inner"));
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn a_group_and_those_below_it_are_chosen_in_the_kernel() {
    let Some(group) = Group::make("profile") else {
        return;
    };
    let id = fs::metadata(&group.0).expect("it is there").ino();
    let inner = group.0.join("inner/cgroup.procs");
    let inside = Busy::run(&format!("echo $$ > {};", inner.display()));
    let outside = Busy::run("");
    let Some(mut profiler) = start(&Whom::Groups(vec![id])) else {
        return;
    };
    let stacks = until(&mut profiler, inside.0.id(), 100);
    assert_eq!(count(&stacks, |stack| stack.pid == outside.0.id()), 0);
    let inner = fs::metadata(group.0.join("inner")).expect("it is there").ino();
    assert!(stacks.iter().all(|stack| stack.group == inner), "{stacks:?}");
    drop((inside, outside));
}

/// Both processors of a busy machine tick all the time: what is taken adds up to the ticks.
#[test]
fn nothing_is_missed_when_the_maps_change() {
    let processors = std::thread::available_parallelism().expect("a number").get();
    let busy: Vec<Busy> = (0..processors).map(|_| Busy::run("")).collect();
    let Some(mut profiler) = start(&Whom::Everyone) else {
        return;
    };
    profiler.take().expect("the maps can be read");
    let start = Instant::now();
    let mut samples = 0;
    while start.elapsed() < Duration::from_secs(2) {
        std::thread::sleep(Duration::from_millis(50));
        samples += count(&profiler.take().expect("the maps can be read"), |_| true);
    }
    let ticks = start.elapsed().as_secs_f64() * f64::from(HERTZ) * processors as f64;
    assert!(
        (samples as f64) > 0.9 * ticks && (samples as f64) < 1.1 * ticks,
        "{samples} of {ticks}"
    );
    drop(busy);
}
