//! Which hierarchy of control groups names a container.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::deaths::Group;

use crate::Error;

/// Where the memory controller sits, which is where container runtimes put containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hierarchy {
    /// Control groups of version 2 alone, or with the controllers on it.
    Unified(PathBuf),
    /// The memory hierarchy of version 1.
    Memory(PathBuf),
}

impl Hierarchy {
    /// Reads the mounts of this process (proc(5), `/proc/self/mountinfo`).
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or no control groups are mounted.
    pub fn of_this_node() -> Result<Self, Error> {
        Self::from_mounts(&mounts()?)
            .ok_or_else(|| Error::Absent("control groups: neither version is mounted here".into()))
    }

    /// The hierarchy of version 2, wherever the memory controller sits.
    ///
    /// # Errors
    ///
    /// When the mounts cannot be read, or it is not mounted.
    pub fn unified_of_this_node() -> Result<Self, Error> {
        let text = mounts()?;
        let mut lines = text.lines().filter_map(|line| line.split_once(" - cgroup2 "));
        let point = lines.find_map(|(mount, _)| mount.split(' ').nth(4));
        point
            .map(|point| Self::Unified(point.into()))
            .ok_or_else(|| Error::Absent("control groups of version 2: they are not mounted here".into()))
    }

    /// The hierarchy that the lines of a `mountinfo` show.
    pub fn from_mounts(text: &str) -> Option<Self> {
        let mut unified = None;
        for line in text.lines() {
            let Some((mount, source)) = line.split_once(" - ") else {
                continue;
            };
            let Some(point) = mount.split(' ').nth(4) else {
                continue;
            };
            let mut source = source.split(' ');
            match source.next() {
                Some("cgroup")
                    if source
                        .nth(1)
                        .is_some_and(|options| options.split(',').any(|one| one == "memory")) =>
                {
                    return Some(Self::Memory(point.into()));
                }
                Some("cgroup2") => unified = Some(Self::Unified(point.into())),
                _ => {}
            }
        }
        unified
    }

    /// Whether every group of the node is under it: a namespace of control groups shows a container its own alone.
    ///
    /// The root of a hierarchy has inode 1 (Linux, fs/kernfs/dir.c: `kernfs_create_root` takes the first of an
    /// `idr` that counts from 1).
    pub fn is_whole(&self) -> bool {
        fs::metadata(self.root()).is_ok_and(|root| root.ino() == 1)
    }

    /// The folder under which the groups are.
    pub fn root(&self) -> &Path {
        match self {
            Self::Unified(root) | Self::Memory(root) => root,
        }
    }
}

fn mounts() -> Result<String, Error> {
    let file = "/proc/self/mountinfo";
    fs::read_to_string(file).map_err(|source| Error::File {
        doing: format!("reading the mounts from {file}"),
        source,
    })
}

/// More groups than this on one node are not looked at.
const GROUPS_MAX: usize = 65_536;
/// Deeper than this is no container's.
const DEPTH_MAX: usize = 12;

/// The control groups that are or were there, by inode.
///
/// The kernel does not use a group's number again (kernfs counts them up), so one that is gone keeps its name.
#[derive(Debug)]
pub struct Groups {
    root: PathBuf,
    known: HashMap<u64, Group>,
}

impl Groups {
    /// None is known before the first [`Self::refresh`].
    pub fn new(hierarchy: &Hierarchy) -> Self {
        Self {
            root: hierarchy.root().to_owned(),
            known: HashMap::new(),
        }
    }

    /// The group with an inode.
    pub fn get(&self, id: u64) -> Option<&Group> {
        self.known.get(&id)
    }

    /// Every group that is known.
    pub fn all(&self) -> impl Iterator<Item = &Group> {
        self.known.values()
    }

    /// Walks the hierarchy for groups that are not known yet. What disappears on the way is not there.
    pub fn refresh(&mut self) {
        if self.known.len() >= GROUPS_MAX {
            self.known.clear();
        }
        let mut open = vec![(self.root.clone(), String::new(), 0)];
        while let Some((folder, parent, depth)) = open.pop() {
            let name = match depth {
                0 => String::new(),
                _ => folder
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
            };
            let Ok(metadata) = fs::metadata(&folder) else {
                continue;
            };
            let id = metadata.ino();
            let group = || Group {
                id,
                name: name.clone(),
                parent,
            };
            if self.known.len() < GROUPS_MAX {
                self.known.entry(id).or_insert_with(group);
            }
            if depth >= DEPTH_MAX {
                continue;
            }
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    open.push((entry.path(), name.clone(), depth + 1));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_tell_the_hierarchy() {
        let unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate";
        let memory = "33 25 0:28 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory";
        let hybrid =
            format!("{memory}\n40 25 0:35 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw");
        let cpu = "33 25 0:28 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct";
        assert_eq!(
            Hierarchy::from_mounts(unified),
            Some(Hierarchy::Unified("/sys/fs/cgroup".into()))
        );
        assert_eq!(
            Hierarchy::from_mounts(&hybrid),
            Some(Hierarchy::Memory("/sys/fs/cgroup/memory".into()))
        );
        assert_eq!(Hierarchy::from_mounts(cpu), None);
        assert_eq!(Hierarchy::from_mounts("nonsense - cgroup2"), None);
    }
}
