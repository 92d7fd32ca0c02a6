//! A program whose hot function is known, in a control group of its own as a container is.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Child, Command};

use super::*;

const HOT: &str = "
#include <stdio.h>
volatile unsigned long sink;
__attribute__((noinline)) void hot_function(void) { for (int i = 0; i < 100000000; i++) sink += i; }
__attribute__((noinline)) void cold_function(void) { for (int i = 0; i < 5000000; i++) sink += i; }
__attribute__((noinline)) void serve(void) { hot_function(); cold_function(); sink++; }
int main(int argc, char **argv) {
    FILE *group = fopen(argv[1], \"w\");
    if (group) { fprintf(group, \"0\"); fclose(group); }
    for (;;) serve();
}";

/// The program at work in its group; both go with it.
struct Pod {
    child: Child,
    group: PathBuf,
    _folder: tempfile::TempDir,
}

impl Pod {
    /// `None` where a right or a compiler is missing, with the reason on stderr.
    fn start(hierarchy: &Hierarchy) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let (source, program) = (folder.path().join("hot.c"), folder.path().join("hot"));
        fs::write(&source, HOT).unwrap();
        // Optimized code gives a function that calls nothing no frame of its own, which hides its caller.
        let built = Command::new("cc")
            .args(["-O0", "-o"])
            .args([&program, &source])
            .status();
        if !built.is_ok_and(|status| status.success()) {
            eprintln!("skipped: no C compiler");
            return None;
        }
        let group = hierarchy
            .root()
            .join(format!("sonde-test-hot-{}", std::process::id()));
        if let Err(error) = fs::create_dir(&group) {
            eprintln!("skipped: {}: {error}", group.display());
            return None;
        }
        let child = Command::new(&program)
            .arg(group.join("cgroup.procs"))
            .spawn()
            .unwrap();
        Some(Self {
            child,
            group,
            _folder: folder,
        })
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir(&self.group);
    }
}

#[test]
fn a_hot_function_has_its_share_and_its_callers() {
    let hierarchy = Hierarchy::of_this_node().unwrap();
    let Some(pod) = Pod::start(&hierarchy) else { return };
    let group = fs::metadata(&pod.group).unwrap().ino();
    let stop = AtomicBool::new(false);
    let whom = Whom::Groups(vec![group]);
    let gathered = match gather(&hierarchy, &whom, 997, Duration::from_secs(4), &stop) {
        Ok(gathered) => gathered,
        Err(error) if error.is_permission() => return eprintln!("skipped: {error}"),
        Err(error) => panic!("{error}"),
    };
    let all: u64 = gathered.stacks.values().sum();
    assert!(all >= 50, "{all} samples");
    assert_eq!((gathered.lost, gathered.stacks_lost), (0, 0));
    let names = |key: &Key| -> Vec<&str> {
        key.frames
            .iter()
            .map(|frame| gathered.frames[*frame as usize].name.as_str())
            .collect()
    };
    let of = |which: &dyn Fn(&[&str]) -> bool| -> u64 {
        let stacks = gathered.stacks.iter().filter(|(key, _)| which(&names(key)));
        stacks.map(|(_, samples)| samples).sum()
    };
    let stacks: Vec<_> = gathered.stacks.keys().map(names).collect();
    let hot = of(&|names| names.contains(&"hot_function"));
    assert!(hot * 100 > all * 80, "{hot} of {all}: {stacks:?}");
    let with_callers = of(&|names| {
        names
            .windows(3)
            .any(|three| three == ["main", "serve", "hot_function"])
    });
    assert!(with_callers * 10 > hot * 9, "{with_callers} of {hot}: {stacks:?}");
    assert!(
        gathered
            .stacks
            .keys()
            .all(|key| key.pid == pod.child.id() && key.group == group)
    );
    drop(pod);
}
