//! What the kernel's files tell of the whole node. Pure.

use std::collections::BTreeMap;

use crate::text::{pairs, unescape};

/// Time that a core spent, in ticks since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct CoreTicks {
    pub(crate) busy: u64,
    pub(crate) waiting: u64,
    pub(crate) stolen: u64,
    pub(crate) all: u64,
}

/// `/proc/stat`, core by core.
pub(crate) fn cores(stat: &str) -> BTreeMap<u32, CoreTicks> {
    stat.lines()
        .filter_map(|line| {
            // A line of `cpu` alone is the sum of all.
            let (core, ticks) = line.strip_prefix("cpu")?.split_once(' ')?;
            let core = core.parse().ok()?;
            let words = ticks.split_ascii_whitespace();
            let ticks: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
            let at = |index: usize| ticks.get(index).copied().unwrap_or_default();
            // user nice system idle iowait irq softirq steal; guests' time is within user's (proc_stat(5)).
            let all: u64 = ticks.iter().take(8).sum();
            let core_ticks = CoreTicks {
                busy: all
                    .saturating_sub(at(3))
                    .saturating_sub(at(4))
                    .saturating_sub(at(7)),
                waiting: at(4),
                stolen: at(7),
                all,
            };
            Some((core, core_ticks))
        })
        .collect()
}

/// `/proc/loadavg`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Load {
    /// Over 1, 5 and 15 minutes.
    pub(crate) averages: [f64; 3],
    /// Processes and threads of the node.
    pub(crate) tasks: u64,
}

pub(crate) fn load(text: &str) -> Option<Load> {
    let mut words = text.split_ascii_whitespace();
    let mut average = || words.next()?.parse::<f64>().ok();
    let averages = [average()?, average()?, average()?];
    let (_, tasks) = words.next()?.split_once('/')?;
    Some(Load {
        averages,
        tasks: tasks.parse().ok()?,
    })
}

/// Shares of time in which tasks stood still, of a hundred, over 10 s, 1 minute and 5 minutes (Pressure Stall
/// Information).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Pressure {
    /// At least one task.
    pub(crate) some: [f64; 3],
    /// All that had work.
    pub(crate) full: [f64; 3],
}

pub(crate) fn pressure(text: &str) -> Option<Pressure> {
    let line = |name: &str| -> Option<[f64; 3]> {
        let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
        let value = |key: &str| -> Option<f64> {
            let word = rest
                .split_ascii_whitespace()
                .find_map(|word| word.strip_prefix(key))?;
            word.parse().ok()
        };
        Some([value("avg10=")?, value("avg60=")?, value("avg300=")?])
    };
    Some(Pressure {
        some: line("some ")?,
        // Kernels before 5.13 have no such line for processors.
        full: line("full ").unwrap_or_default(),
    })
}

/// `/proc/meminfo`, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Memory {
    pub(crate) total: u64,
    pub(crate) available: u64,
    pub(crate) slab_kept: u64,
    pub(crate) swap_total: u64,
    pub(crate) swap_free: u64,
}

pub(crate) fn memory(text: &str) -> Option<Memory> {
    let pairs = pairs(text);
    let bytes = |name: &str| pairs.get(name).map(|kib| kib.saturating_mul(1024));
    Some(Memory {
        total: bytes("MemTotal").filter(|total| *total > 0)?,
        available: bytes("MemAvailable")?,
        slab_kept: bytes("SUnreclaim").unwrap_or_default(),
        swap_total: bytes("SwapTotal").unwrap_or_default(),
        swap_free: bytes("SwapFree").unwrap_or_default(),
    })
}

/// A mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// `259:1`.
    pub(crate) device: String,
    pub(crate) point: String,
    pub(crate) kind: String,
    /// Its options for this mount alone.
    pub(crate) options: String,
    pub(crate) source: String,
    /// The options of the file system itself.
    pub(crate) own_options: String,
}

impl Mount {
    /// The kernel made it read-only after an error: the mount was not asked for read-only, the file system is. Since
    /// 6.15 ext4 says so with a word of its own.
    pub(crate) fn became_read_only(&self) -> bool {
        let has = |options: &str, word: &str| options.split(',').any(|it| it == word);
        has(&self.own_options, "emergency_ro") || (has(&self.own_options, "ro") && !has(&self.options, "ro"))
    }

    /// A file system on a disk of this node that is written to.
    pub(crate) fn is_disk(&self) -> bool {
        const DISKS: &[&str] = &["ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "bcachefs"];
        // What boots the machine is as full as its packages make it.
        const SET_ASIDE: &[&str] = &["/boot", "/efi"];
        DISKS.contains(&self.kind.as_str())
            && !SET_ASIDE.iter().any(|aside| {
                self.point
                    .strip_prefix(aside)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    }

    /// A volume of a pod, mounted by the kubelet.
    pub(crate) fn is_volume(&self) -> bool {
        self.point.contains("/kubelet/pods/") || self.point.contains("/kubelet/plugins/")
    }
}

/// `/proc/self/mountinfo`.
pub(crate) fn mounts(text: &str) -> Vec<Mount> {
    text.lines()
        .filter_map(|line| {
            let (mount, source) = line.split_once(" - ")?;
            let mut mount = mount.split(' ').skip(2);
            let device = mount.next()?;
            let (point, options) = (mount.nth(1)?, mount.next()?);
            let mut source = source.split(' ');
            Some(Mount {
                device: device.to_owned(),
                point: unescape(point),
                options: options.to_owned(),
                kind: source.next()?.to_owned(),
                source: unescape(source.next()?),
                own_options: source.next().unwrap_or_default().to_owned(),
            })
        })
        .collect()
}

/// What a disk did since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct DiskWork {
    /// Milliseconds with at least one request.
    pub(crate) busy_ms: u64,
    /// Milliseconds of all requests added up: their number in the queue, times time.
    pub(crate) queued_ms: u64,
    /// Requests.
    pub(crate) requests: u64,
}

/// `/proc/diskstats`: whole disks that did anything, without loop and memory devices and without partitions.
pub(crate) fn disks(text: &str) -> BTreeMap<String, DiskWork> {
    const VIRTUAL: &[&str] = &["loop", "ram", "zram", "sr", "fd"];
    let all: Vec<(&str, DiskWork)> = text
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let name = *words.get(2)?;
            let at = |index: usize| words.get(index).and_then(|word| word.parse::<u64>().ok());
            let work = DiskWork {
                requests: at(3)?.saturating_add(at(7)?),
                busy_ms: at(12)?,
                queued_ms: at(13)?,
            };
            let is_virtual = VIRTUAL.iter().any(|prefix| {
                name.strip_prefix(prefix)
                    .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
            });
            (!is_virtual && work.requests > 0).then_some((name, work))
        })
        .collect();
    let is_part = |name: &str| {
        all.iter().any(|(whole, _)| {
            name.strip_prefix(whole).is_some_and(|rest| {
                let rest = rest.strip_prefix('p').unwrap_or(rest);
                !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())
            })
        })
    };
    all.iter()
        .filter(|(name, _)| !is_part(name))
        .map(|(name, work)| ((*name).to_owned(), *work))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_without_their_sum() {
        let all = cores("cpu  9 9 9 9\ncpu0 10 0 5 80 3 1 1 2 7 0\nintr 5\n");
        assert_eq!(
            all.into_iter().collect::<Vec<_>>(),
            [(
                0,
                CoreTicks {
                    busy: 17,
                    waiting: 3,
                    stolen: 2,
                    all: 102
                }
            )]
        );
    }

    #[test]
    fn pressure_with_and_without_its_second_line() {
        let text = "some avg10=1.50 avg60=2.00 avg300=3.25 total=9\n";
        assert_eq!(pressure(text).unwrap().some, [1.5, 2.0, 3.25]);
        assert_eq!(pressure(text).unwrap().full, [0.0; 3]);
        assert_eq!(pressure("some avg10=x"), None);
    }

    #[test]
    fn a_read_only_mount_that_was_asked_for_is_none_that_became_so() {
        let line = |options: &str, kind: &str, own: &str| {
            format!("36 35 98:0 / /var/lib rw,{options} shared:1 - {kind} /dev/sda1 {own}")
        };
        for (line, became) in [
            (line("relatime", "ext4", "ro,errors=remount-ro"), true),
            (line("relatime", "ext4", "rw,emergency_ro"), true),
            (line("relatime", "ext4", "rw,errors=remount-ro"), false),
            (line("relatime", "xfs", "rw").replace("rw,", "ro,"), false),
            (line("ro", "ext4", "ro").replace("rw,", ""), false),
        ] {
            let mounts = mounts(&line);
            assert!(mounts[0].is_disk());
            assert_eq!(mounts[0].became_read_only(), became, "{line}");
        }
        assert!(
            mounts("36 35 98:0 / /boot/efi rw - vfat /dev/sda1 rw")
                .iter()
                .all(|it| !it.is_disk())
        );
        assert!(
            mounts("36 35 98:0 / /bootleg rw - ext4 /dev/sda1 rw")
                .iter()
                .all(Mount::is_disk)
        );
        assert!(mounts("nonsense").is_empty());
    }

    #[test]
    fn whole_disks_alone() {
        let text = " 8 0 sda 5 0 0 0 5 0 0 0 0 40 60\n 8 1 sda1 5 0 0 0 5 0 0 0 0 40 60\n\
            259 0 nvme0n1 1 0 0 0 0 0 0 0 0 1 1\n259 1 nvme0n1p1 1 0 0 0 0 0 0 0 0 1 1\n\
            7 0 loop0 1 0 0 0 0 0 0 0 0 1 1\n 8 16 sdb 0 0 0 0 0 0 0 0 0 0 0\n";
        let names: Vec<String> = disks(text).into_keys().collect();
        assert_eq!(names, ["nvme0n1", "sda"]);
        assert_eq!(
            disks(text)["sda"],
            DiskWork {
                busy_ms: 40,
                queued_ms: 60,
                requests: 10
            }
        );
    }
}
