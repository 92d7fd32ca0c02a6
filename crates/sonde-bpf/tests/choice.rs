//! Which tier runs where something is missing: on this kernel, with it hidden or taken away for real.

#[path = "common/start.rs"]
mod common;

use std::process::Command;

use sonde_bpf::sockets::{Options, Sockets};
use sonde_bpf::{Hierarchy, Tier};

use common::{ONE, start};

/// Runs `choose` of this test in a process of its own that `wrapped` prepares; what it printed after "chose: ".
fn chosen(wrapped: &[&str]) -> String {
    let output = Command::new(wrapped[0])
        .args(&wrapped[1..])
        .arg(std::env::current_exe().expect("this test"))
        .args(["--exact", "choose", "--nocapture"])
        .env("SONDE_TEST_CHOOSE", "1")
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.split_once("chose: ")
        .and_then(|(_, rest)| rest.lines().next())
        .unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)))
        .to_owned()
}

/// Not a test of its own: what the others run elsewhere.
#[test]
fn choose() {
    if std::env::var_os("SONDE_TEST_CHOOSE").is_none() {
        return;
    }
    let hierarchy = Hierarchy::of_this_node().expect("control groups");
    let told = match Sockets::start_best(&hierarchy, &Options::default(), |_| None, |_| {}) {
        Ok(started) => format!("{} {:?}", started.sockets.tier(), started.refused),
        Err(refused) => format!("none {refused:?}"),
    };
    println!("chose: {}", told.replace('\n', " "));
}

#[test]
fn the_best_that_works_is_chosen_with_the_reason_why_not_a_better_one() {
    let _one = ONE.lock();
    if Tier::ALL.into_iter().any(|tier| start(tier).is_none()) {
        return;
    }
    let without = |what: &str| {
        let script = format!("mount -t tmpfs none {what} && exec \"$@\"");
        chosen(&["unshare", "--mount", "sh", "-c", &script, "sh"])
    };
    let with_rights = |rights: &str| {
        let bounds = format!("--bounding-set=-all{rights}");
        chosen(&["setpriv", &bounds])
    };
    let unified = Hierarchy::unified_of_this_node().expect("version 2 is mounted");
    let unified = unified.root().display();
    let hide_both = format!("mount -t tmpfs none /sys/kernel/btf && umount -l {unified} && exec \"$@\"");
    for (told, begins, holds) in [
        (chosen(&["env"]), "S []", ""),
        (without("/sys/kernel/btf"), "P ", "the kernel has no BTF"),
        (
            chosen(&["unshare", "--mount", "sh", "-c", &hide_both, "sh"]),
            "none ",
            "control groups",
        ),
        (with_rights(",+bpf,+perfmon,+net_admin"), "S []", ""),
        (with_rights(",+bpf,+net_admin"), "none ", "want of rights"),
        (with_rights(""), "none ", "want of rights"),
    ] {
        println!("{told}");
        assert!(told.starts_with(begins) && told.contains(holds), "{told}");
    }
}

#[test]
fn calls_are_counted_by_turns_where_the_kernel_cannot_follow_them() {
    let _one = ONE.lock();
    let options = Options {
        tier: Tier::Packet,
        follow: false,
        ..Options::default()
    };
    let hierarchy = Hierarchy::of_this_node().expect("control groups");
    match Sockets::start(&hierarchy, &options, |_| {}) {
        Ok(sockets) => assert_eq!(sockets.tier(), Tier::Packet),
        Err(error) if error.is_permission() => eprintln!("skipped: {error}"),
        Err(error) => panic!("{error}"),
    }
}
