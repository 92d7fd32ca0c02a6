use std::os::unix::fs::PermissionsExt as _;

use sonde_world::World;

use super::*;

const BOOT: &str = "5c3f2bb6-0000-4c4c-8b8b-111111111111";
const MACHINE: &str = "0123456789abcdef0123456789abcdef";

/// A machine of files, with programs that are scripts.
struct Fake {
    folder: tempfile::TempDir,
    world: World,
    /// How long a program may take.
    limit: Duration,
}

impl Fake {
    fn new() -> Self {
        let fake = Self {
            folder: tempfile::tempdir().unwrap(),
            world: World::new(),
            limit: Duration::from_secs(60),
        };
        fake.file("proc/sys/kernel/random/boot_id", &format!("{BOOT}\n"));
        fake.file("proc/self/status", "Name:\tsonde\nUid:\t0\t0\t0\t0\n");
        fake.file("etc/machine-id", &format!("{MACHINE}\n"));
        fs::create_dir_all(fake.folder.path().join("bin")).unwrap();
        fake
    }

    fn file(&self, path: &str, content: &str) -> &Self {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn program(&self, name: &str, script: &str) -> &Self {
        self.file(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
        let path = self.folder.path().join("bin").join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn node(mut self, name: &str, machine: &str, boot: &str) -> Self {
        let node = format!(
            r#"{{"kind":"Node","apiVersion":"v1","metadata":{{"name":"{name}"}},"status":{{"nodeInfo":{{"machineID":"{machine}","bootID":"{boot}"}}}}}}"#
        );
        self.world.put_json(node.into(), None).unwrap();
        self
    }

    fn read(&self, log: NodeLog, around: Option<&str>) -> Option<(String, bool)> {
        let machine = Machine {
            root: self.folder.path().to_owned(),
            programs: Some(self.folder.path().join("bin")),
            limit: self.limit,
            ..Machine::this(&self.world.snapshot())
        };
        let around = around.map(|time| time.parse().unwrap());
        read(&machine, log, around.map(|time| (time, time)))
    }
}

fn read(machine: &Machine, log: NodeLog, around: Option<(Timestamp, Timestamp)>) -> Option<(String, bool)> {
    let wanted = NodeLogWanted {
        node: "worker-1".into(),
        log,
        around,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let local = runtime.block_on(machine.read(&wanted))?;
    Some((String::from_utf8(local.bytes.to_vec()).unwrap(), local.reaches))
}

#[test]
fn only_the_nodes_own_boot_makes_this_machine_the_node() {
    let with = |fake: Fake| {
        fake.program("dmesg", "echo kernel line");
        fake.program("journalctl", "echo kubelet line");
        let kernel = fake.read(NodeLog::Kernel, None).is_some();
        (kernel, fake.read(NodeLog::Kubelet, None).is_some())
    };
    assert_eq!(with(Fake::new().node("worker-1", MACHINE, BOOT)), (true, true));
    // In a container on the node the kernel is the node's, the files are not.
    assert_eq!(with(Fake::new().node("worker-1", "another", BOOT)), (true, false));
    assert_eq!(
        with(Fake::new().node("worker-1", MACHINE, "another")),
        (false, false)
    );
    assert_eq!(with(Fake::new().node("worker-1", "", "")), (false, false));
    assert_eq!(with(Fake::new().node("worker-2", MACHINE, BOOT)), (false, false));
    assert_eq!(with(Fake::new()), (false, false));
    let two = Fake::new()
        .node("worker-1", MACHINE, BOOT)
        .node("worker-2", MACHINE, BOOT);
    assert_eq!(with(two), (false, false));
    let fake = Fake::new().node("worker-1", MACHINE, BOOT);
    fake.file("proc/self/status", "Uid:\t1000\t1000\t1000\t1000\n");
    assert_eq!(with(fake), (false, false));
}

#[test]
fn the_first_that_reaches_back_is_read() {
    let fake = Fake::new().node("worker-1", MACHINE, BOOT);
    let line = |time: &str| format!("{time},000000+00:00 Out of memory: Killed process 7 (app)");
    fake.program("dmesg", &format!("echo '{}'", line("2026-11-21T10:00:00")));
    let at = |time| fake.read(NodeLog::Kernel, Some(time)).unwrap();
    assert!(at("2026-11-21T10:30:00Z").1);
    assert!(!at("2026-11-21T09:30:00Z").1, "an overwritten ring is told");
    fake.file(
        "var/log/kern.log",
        &format!("{}\nfrom the file\n", line("2026-11-21T08:00:00")),
    );
    let (text, reaches) = at("2026-11-21T09:30:00Z");
    assert!(reaches && text.contains("from the file"), "{text}");
}

#[test]
fn programs_that_fail_hang_or_flood_do_not_hold_us() {
    let mut fake = Fake::new().node("worker-1", MACHINE, BOOT);
    fake.program("dmesg", "echo nothing good; exit 1");
    assert_eq!(fake.read(NodeLog::Kernel, None), None);
    let begun = std::time::Instant::now();
    fake.program("dmesg", "echo half; exec sleep 600");
    fake.file("var/log/kern.log", "from the file\n");
    fake.limit = Duration::from_millis(300);
    assert_eq!(fake.read(NodeLog::Kernel, None).unwrap().0, "from the file\n");
    assert!(
        begun.elapsed() < Duration::from_secs(300),
        "{:?}",
        begun.elapsed()
    );
    fake.limit = Duration::from_secs(60);
    let lines = 3 * TEXT_BYTES_MAX / 10;
    fake.program("dmesg", &format!("yes '123456789' | head -n {lines}; echo end"));
    let (text, _) = fake.read(NodeLog::Kernel, None).unwrap();
    assert!(text.len() <= TEXT_BYTES_MAX && text.starts_with("123456789\n") && text.ends_with("end\n"));
}

#[test]
fn the_end_of_a_long_file_is_read_and_no_device() {
    let fake = Fake::new().node("worker-1", MACHINE, BOOT);
    let long = "123456789\n".repeat(TEXT_BYTES_MAX / 10 + 7) + "end\n";
    fake.file("var/log/syslog", &long);
    let (text, _) = fake.read(NodeLog::Kernel, None).unwrap();
    assert!(text.len() <= TEXT_BYTES_MAX && text.starts_with("123456789\n") && text.ends_with("end\n"));
    fs::remove_file(fake.folder.path().join("var/log/syslog")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", fake.folder.path().join("var/log/syslog")).unwrap();
    assert_eq!(fake.read(NodeLog::Kernel, None), None);
}

/// The real thing: this machine's own kernel log, by its own boot.
#[test]
fn this_machines_kernel_log_is_read() {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let machine = Machine::this(&Fake::new().node("worker-1", "", boot.trim()).world.snapshot());
    let can = Command::new("dmesg")
        .output()
        .is_ok_and(|it| it.status.success() && !it.stdout.is_empty());
    if !machine.is_root() || !can {
        eprintln!("left out: reading this machine's kernel log takes root and a dmesg that may read it");
        return;
    }
    let (text, reaches) = read(&machine, NodeLog::Kernel, None).unwrap();
    assert!(reaches && !text.is_empty() && text.len() <= TEXT_BYTES_MAX);
}
