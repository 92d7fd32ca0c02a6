//! The edge: files below a root, and the two calls that no file answers.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::Clock;

/// No file that is read here has more; what comes after is cut.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// The node that is read.
#[derive(Debug, Clone)]
pub struct Host {
    root: PathBuf,
    /// The root is a folder of files that were captured elsewhere: calls are answered from files, too.
    captured: bool,
    /// Everything that is read is kept here.
    capture: Option<PathBuf>,
}

/// Answers of calls, in a folder of captured files.
const CALLS: &str = "calls";

/// What a file system has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Room {
    pub(crate) bytes: u64,
    pub(crate) bytes_left: u64,
    pub(crate) files: u64,
    pub(crate) files_left: u64,
}

impl Host {
    /// This machine, whose files are below `root`: `/`, or where the node's root is mounted.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            captured: false,
            capture: None,
        }
    }

    /// Files that were captured on a node.
    pub fn captured(folder: impl Into<PathBuf>) -> Self {
        Self {
            captured: true,
            ..Self::at(folder)
        }
    }

    /// This machine, with everything that is read kept in a folder for [`Self::captured`].
    pub fn capturing(folder: impl Into<PathBuf>) -> Self {
        Self {
            capture: Some(folder.into()),
            ..Self::at("/")
        }
    }

    /// The host's name, as the kubelet takes it unless it is told otherwise.
    pub fn name(&self) -> String {
        let name = self.text("/proc/sys/kernel/hostname").unwrap_or_default();
        name.trim().to_lowercase()
    }

    fn place(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// A file as text; what is no UTF-8 in it is replaced.
    pub(crate) fn text(&self, path: &str) -> io::Result<String> {
        let mut bytes = Vec::new();
        File::open(self.place(path))?
            .take(FILE_BYTES_MAX)
            .read_to_end(&mut bytes)?;
        self.keep(path, &bytes);
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The first of several files that can be read, with its path; the error of the last one otherwise.
    pub(crate) fn first_text<'p>(&self, paths: &[&'p str]) -> io::Result<(String, &'p str)> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for path in paths {
            match self.text(path) {
                Ok(text) => return Ok((text, path)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The names in a folder, in order; folders alone where they are asked for.
    pub(crate) fn names(&self, path: &str, folders: bool) -> io::Result<Vec<String>> {
        let mut names: Vec<String> = fs::read_dir(self.place(path))?
            .flatten()
            .filter(|entry| !folders || entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter_map(|entry| entry.file_name().to_str().map(ToOwned::to_owned))
            .collect();
        names.sort();
        Ok(names)
    }

    /// Where a link points; the network namespace of a process, for example.
    pub(crate) fn link(&self, path: &str) -> Option<String> {
        if self.captured {
            return self.text(path).ok().map(|text| text.trim().to_owned());
        }
        let target = fs::read_link(self.place(path)).ok()?;
        let target = target.to_string_lossy().into_owned();
        self.keep(path, target.as_bytes());
        Some(target)
    }

    /// What the file system at a mount point has room for.
    pub(crate) fn room(&self, mount: &str) -> io::Result<Room> {
        if self.captured {
            let [bytes, bytes_left, files, files_left] = self.answer(&format!("room {mount}"))?;
            let number = |value: i64| u64::try_from(value).unwrap_or_default();
            return Ok(Room {
                bytes: number(bytes),
                bytes_left: number(bytes_left),
                files: number(files),
                files_left: number(files_left),
            });
        }
        let stat = rustix::fs::statvfs(self.place(mount))?;
        let unit = stat.f_frsize;
        let room = Room {
            bytes: stat.f_blocks.saturating_mul(unit),
            bytes_left: stat.f_bavail.saturating_mul(unit),
            files: stat.f_files,
            files_left: stat.f_favail,
        };
        self.keep_call(&format!(
            "room {mount}: {} {} {} {}",
            room.bytes, room.bytes_left, room.files, room.files_left
        ));
        Ok(room)
    }

    /// How right the clock is.
    pub(crate) fn clock(&self) -> io::Result<Clock> {
        if self.captured {
            let [unsynchronized, offset_ns, error_max_us, error_us] = self.answer("clock")?;
            return Ok(Clock {
                unsynchronized: unsynchronized != 0,
                offset_ns,
                error_max_us,
                error_us,
            });
        }
        let clock = Clock::now()?;
        self.keep_call(&format!(
            "clock: {} {} {} {}",
            i32::from(clock.unsynchronized),
            clock.offset_ns,
            clock.error_max_us,
            clock.error_us
        ));
        Ok(clock)
    }

    /// The numbers of a captured call.
    fn answer(&self, call: &str) -> io::Result<[i64; 4]> {
        let text = self.text(CALLS)?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(call)?.strip_prefix(": "));
        let mut numbers = line
            .unwrap_or_default()
            .split(' ')
            .map_while(|word| word.parse().ok());
        let mut next = || numbers.next().ok_or(io::Error::from(io::ErrorKind::NotFound));
        Ok([next()?, next()?, next()?, next()?])
    }

    /// A capture is for tests; what of it cannot be written is missing there.
    fn keep(&self, path: &str, bytes: &[u8]) {
        let Some(folder) = &self.capture else { return };
        let place = folder.join(path.trim_start_matches('/'));
        let parent = place.parent().unwrap_or(Path::new("."));
        let _ = fs::create_dir_all(parent).and_then(|()| fs::write(&place, bytes));
    }

    fn keep_call(&self, line: &str) {
        let Some(folder) = &self.capture else { return };
        let mut text = fs::read_to_string(folder.join(CALLS)).unwrap_or_default();
        text.push_str(line);
        text.push('\n');
        self.keep(CALLS, text.as_bytes());
    }
}
