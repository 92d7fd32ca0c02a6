use super::*;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const UID: &str = "0f2f7b7c-3a9d-4c39-b7f0-1b2c3d4e5f60";

fn kills(text: &str) -> Vec<OomKill> {
    let lines: Vec<&str> = text.lines().collect();
    kernel(&lines)
        .into_iter()
        .filter_map(|line| match line.fact {
            Fact::OomKill(kill) => Some(kill),
            _ => None,
        })
        .collect()
}

fn new_block() -> String {
    format!(
        "stress invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=969
CPU: 1 PID: 4711 Comm: stress Not tainted 6.1.0 #1
Call Trace:
memory: usage 65536kB, limit 65536kB, failcnt 12
Memory cgroup stats for /kubepods/burstable/pod{UID}/{ID}:
anon 60000000
shmem 4096000
Tasks state (memory values in pages):
[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
[   4711]     0  4711    30000    15000   204800        0           969 stress
oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset={ID},mems_allowed=0,oom_memcg=/kubepods/burstable/pod{UID}/{ID},task_memcg=/kubepods/burstable/pod{UID}/{ID},task=stress,pid=4711,uid=0
Memory cgroup out of memory: Killed process 4711 (stress) total-vm:120000kB, anon-rss:60000kB, file-rss:0kB, shmem-rss:4000kB, UID:0 pgtables:200kB oom_score_adj:969
oom_reaper: reaped process 4711 (stress), now anon-rss:0kB, file-rss:0kB, shmem-rss:4000kB"
    )
}

fn prefixed(text: &str, prefix: impl Fn(usize) -> String) -> String {
    text.lines()
        .enumerate()
        .map(|(i, line)| format!("{}{line}\n", prefix(i)))
        .collect()
}

#[test]
fn new_wording_in_every_time_format() {
    type Prefix = fn(usize) -> String;
    let prefixes: [(&str, Prefix); 7] = [
        ("none", |_| String::new()),
        ("raw", |i| format!("[12345.{i:06}] ")),
        ("caller", |i| format!("[12345.{i:06}][ T4711] ")),
        ("ctime", |_| "[Sat Nov 21 12:31:01 2026] ".into()),
        ("syslog", |i| {
            format!("Nov 21 12:31:01 node-1 kernel: [12345.{i:06}] ")
        }),
        ("journal", |_| "2026-11-21T12:31:01+0000 node-1 kernel: ".into()),
        ("kmsg", |i| format!("6,{i},12345000000,-;")),
    ];
    for (name, prefix) in prefixes {
        let found = kills(&prefixed(&new_block(), prefix));
        assert_eq!(found.len(), 1, "{name}");
        let kill = &found[0];
        assert_eq!(kill.constraint, Some(OomConstraint::Cgroup), "{name}");
        assert_eq!(kill.pod_uid().as_deref(), Some(UID), "{name}");
        assert_eq!(kill.container_id().as_deref(), Some(ID), "{name}");
        assert!(kill.is_container_limit(), "{name}");
        assert_eq!(
            (kill.usage_kib, kill.limit_kib),
            (Some(65536), Some(65536)),
            "{name}"
        );
        assert_eq!(
            (kill.anon_rss_kib, kill.shmem_rss_kib),
            (Some(60000), Some(4000)),
            "{name}"
        );
        assert_eq!(kill.cgroup_shmem_kib, Some(4000), "{name}");
        assert_eq!(kill.process.as_deref(), Some("stress"), "{name}");
        assert_eq!(kill.invoked_by.as_deref(), Some("stress"), "{name}");
        assert_eq!((kill.pid, kill.oom_score_adj), (Some(4711), Some(969)), "{name}");
    }
}

#[test]
fn old_wording() {
    let text = format!(
        "[1.000001] runc:[2:INIT] invoked oom-killer: gfp_mask=0x14000c0(GFP_KERNEL), nodemask=(null), order=0, oom_score_adj=-998
[1.000002] Task in /kubepods/burstable/pod{UID}/{ID} killed as a result of limit of /kubepods/burstable/pod{UID}
[1.000003] memory: usage 4kB, limit 4kB, failcnt 9
[1.000004] Memory cgroup stats for /kubepods/burstable/pod{UID}: cache:0KB rss:0KB rss_huge:0KB shmem:12KB mapped_file:0KB
[1.000005] Memory cgroup stats for /kubepods/burstable/pod{UID}/{ID}: cache:0KB rss:0KB rss_huge:0KB shmem:8KB mapped_file:0KB
[1.000006] [ pid ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
[1.000007] [  777]     0   777     3000      500    20480        0          -998 runc:[2:INIT]
[1.000008] Memory cgroup out of memory: Kill process 777 (runc:[2:INIT]) score 0 or sacrifice child
[1.000009] Killed process 777 (runc:[2:INIT]) total-vm:12000kB, anon-rss:100kB, file-rss:1900kB, shmem-rss:0kB"
    );
    let found = kills(&text);
    assert_eq!(found.len(), 1);
    let kill = &found[0];
    assert!(kill.is_pod_limit());
    assert_eq!(kill.invoked_by.as_deref(), Some("runc:[2:INIT]"));
    assert_eq!(
        kill.oom_score_adj, None,
        "the table stands before the process id in old kernels"
    );
    assert_eq!((kill.limit_kib, kill.cgroup_shmem_kib), (Some(4), Some(12)));
    assert_eq!((kill.uptime_seconds, kill.pid), (Some(1), Some(777)));
}

#[test]
fn node_wide_kill() {
    let found = kills(
        "[9.000001] java invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0
[9.000002] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/kubepods/besteffort/podx/y,task=Web Content,pid=12,uid=0
[9.000003] Out of memory: Killed process 12 (Web Content) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:1000",
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].constraint, Some(OomConstraint::Global));
    assert_eq!(found[0].limit_cgroup, None);
    assert_eq!(found[0].process.as_deref(), Some("Web Content"));
}

#[test]
fn cut_blocks_give_what_is_there() {
    let block = new_block();
    let lines: Vec<&str> = block.lines().collect();
    for from in 0..lines.len() {
        for to in from + 1..=lines.len() {
            let part = lines[from..to].join("\n");
            let found = kills(&part);
            let telling = (0..lines.len()).any(|i| (from..to).contains(&i) && [0, 10, 11].contains(&i));
            assert_eq!(found.len(), usize::from(telling), "{from}..{to}");
        }
    }
    let found = kills(lines[11]);
    assert_eq!(found[0].constraint, Some(OomConstraint::Cgroup));
    assert_eq!((found[0].limit_cgroup.as_ref(), found[0].pid), (None, Some(4711)));
}

#[test]
fn interleaved_kills_are_joined_by_process_id() {
    let one = new_block();
    let two = new_block()
        .replace("4711", "4712")
        .replace("65536", "131072")
        .replace("stress", "other");
    let mixed: String = one
        .lines()
        .zip(two.lines())
        .map(|(a, b)| format!("{a}\n{b}\n"))
        .collect();
    let found = kills(&mixed);
    assert_eq!(found.len(), 2);
    for (kill, pid, process) in [(&found[0], 4711, "stress"), (&found[1], 4712, "other")] {
        assert_eq!((kill.pid, kill.process.as_deref()), (Some(pid), Some(process)));
        assert_eq!(kill.pod_uid().as_deref(), Some(UID));
        assert_eq!(
            (kill.usage_kib, kill.invoked_by.as_ref()),
            (None, None),
            "cannot be told apart"
        );
    }
    // With host names they can.
    let hosted: String = one
        .lines()
        .zip(two.lines())
        .map(|(a, b)| format!("Nov 21 12:31:01 n1 kernel: {a}\nNov 21 12:31:01 n2 kernel: {b}\n"))
        .collect();
    let found = kills(&hosted);
    assert_eq!(
        (found[0].limit_kib, found[1].limit_kib),
        (Some(65536), Some(131072))
    );
}

#[test]
fn a_header_cut_long_before_spoils_nothing() {
    let text = format!(
        "[1.000001] old invoked oom-killer: gfp_mask=0x0\n{}",
        prefixed(&new_block(), |i| format!("[500.{i:06}] "))
    );
    let found = kills(&text);
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].usage_kib, Some(65536));
}

#[test]
fn victims_of_a_group_share_the_cgroup() {
    let text = format!(
        "{}
Tasks in /kubepods/burstable/pod{UID}/{ID} are going to be killed due to memory.oom.group set
Memory cgroup out of memory: Killed process 4720 (child) total-vm:1kB, anon-rss:7kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:969",
        new_block()
    );
    let found = kills(&text);
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].process.as_deref(), Some("child"));
    assert_eq!(found[1].container_id().as_deref(), Some(ID));
    assert_eq!(found[1].anon_rss_kib, Some(7));
}

#[test]
fn a_limit_too_low_for_any_victim() {
    let found = kills(&format!(
        "[1.000001] runc invoked oom-killer: gfp_mask=0x400dc0(GFP_KERNEL_ACCOUNT|__GFP_ZERO), order=0, oom_score_adj=1
[1.000002] memory: usage 0kB, limit 0kB, failcnt 19
[1.000003] Memory cgroup stats for /kubepods/burstable/pod{UID}:
[1.000004] shmem 0
[1.000005] total_shmem 8192
[1.000006] Tasks state (memory values in pages):
[1.000007] Out of memory and no killable processes...
[2.000007] unrelated invoked oom-killer: gfp_mask=0x0"
    ));
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].pid, found[0].limit_kib, found[0].cgroup_shmem_kib),
        (None, Some(0), Some(8))
    );
    assert!(found[0].is_pod_limit());
    assert_eq!(found[0].constraint, Some(OomConstraint::Cgroup));
    assert_eq!(found[0].invoked_by.as_deref(), Some("runc"));
}

#[test]
fn other_alarms() {
    for (line, want) in [
        (
            "[1.0000] INFO: task jbd2/sda1-8:123 blocked for more than 120 seconds.",
            Some(NodeFact::HungTask {
                process: "jbd2/sda1-8".into(),
                pid: Some(123),
            }),
        ),
        (
            "[1.0000] cgroup: fork rejected by pids controller in /kubepods/x",
            Some(NodeFact::ForkRejected {
                cgroup: "/kubepods/x".into(),
            }),
        ),
        (
            "[1.0000] nginx[77]: segfault at 0 ip 00 sp 00 error 4 in nginx[1+2]",
            Some(NodeFact::ProcessFault {
                process: "nginx".into(),
                pid: Some(77),
            }),
        ),
        (
            "[1.0000] nf_conntrack: nf_conntrack: table full, dropping packet",
            Some(NodeFact::KernelTrouble {
                area: KernelArea::Connections,
                detail: "nf_conntrack: nf_conntrack: table full, dropping packet".into(),
            }),
        ),
        ("[1.0000] XFS (sda1): Mounting V5 Filesystem", None),
        ("[1.0000] XFS (sda1): Ending clean mount", None),
        ("[1.0000] nfs: server fs1 OK", None),
        ("[1.0000] eth0: link becomes ready", None),
    ] {
        let found = kernel(&[line]);
        match want {
            Some(want) => assert_eq!(found[0].fact, Fact::Node(want), "{line}"),
            None => assert!(found.is_empty(), "{line}"),
        }
    }
}

#[test]
fn the_table_names_who_held_most() {
    type Row = (&'static str, &'static str, &'static [(&'static str, u64)]);
    // Kernels 4.18, 5.10 and 6.9 differ in columns; pages of 64 KiB are told by the victim's own line.
    let tables: [Row; 3] = [
        (
            "[ 4711]     0  4711    30000    15000      60       5        0           969 stress\n[ 4712]  1000  4712    30000    20000      60       5        0             0 Web Content",
            "anon-rss:60000kB, file-rss:0kB, shmem-rss:0kB",
            &[("Web Content", 80_000), ("stress", 60_000)],
        ),
        (
            "[   4711]     0  4711    30000    15000   204800        0           969 stress\n[      9]     0     9      300        1    24576        0          -998 pause",
            "anon-rss:59000kB, file-rss:1000kB, shmem-rss:0kB",
            &[("stress", 60_000), ("pause", 4)],
        ),
        (
            "[   4711]     0  4711    30000     1000      900      100        0   204800        0           969 stress",
            "anon-rss:64000kB, file-rss:0kB, shmem-rss:0kB",
            &[("stress", 64_000)],
        ),
    ];
    for (rows, held, expect) in tables {
        let text = format!(
            "stress invoked oom-killer: gfp_mask=0x6200ca, order=0, oom_score_adj=969\n[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name\n{rows}\nOut of memory: Killed process 4711 (stress) total-vm:120000kB, {held}"
        );
        let kills = kills(&prefixed(&text, |i| format!("[12345.{i:06}] ")));
        let largest: Vec<_> = kills[0]
            .largest
            .iter()
            .map(|it| (it.name.as_str(), it.rss_kib))
            .collect();
        assert_eq!(largest, expect);
    }
}
