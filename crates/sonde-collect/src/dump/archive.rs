//! Reads archives, recognized by their first bytes: tar, plain or packed with gzip or zstd, and zip. A single file that
//! is no archive is read as itself, unpacked where it is packed. Nothing is ever written to disk, so paths and links of
//! an archive are only names.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::source::{Go, Intake};
use crate::limits::{ARCHIVE_ENTRIES_MAX, RATIO_GRACE_BYTES, RATIO_MAX};

/// Reads an archive or a single file.
pub(super) fn read(
    name: &str,
    mut file: impl Read + Seek,
    packed: u64,
    intake: &mut Intake,
) -> io::Result<()> {
    let mut head = Vec::new();
    (&mut file).take(4).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(0))?;
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        zip(file, packed, intake);
    } else if head.starts_with(b"\x1f\x8b") {
        let inner = strip(name, &[".gz", ".tgz"]);
        let reader = flate2::read::MultiGzDecoder::new(BufReader::new(file));
        tar_or_file(inner, reader, Some(packed), 0, intake);
    } else if head.starts_with(b"\x28\xb5\x2f\xfd") {
        let inner = strip(name, &[".zst", ".tzst"]);
        let reader = zstd::stream::read::Decoder::new(file)?;
        tar_or_file(inner, reader, Some(packed), 0, intake);
    } else {
        tar_or_file(name, file, None, packed, intake);
    }
    Ok(())
}

fn strip<'a>(name: &'a str, endings: &[&str]) -> &'a str {
    endings
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .unwrap_or(name)
}

/// Where the magic of a tar header is.
const TAR_MAGIC: std::ops::Range<usize> = 257..262;

fn tar_or_file(name: &str, reader: impl Read, packed: Option<u64>, size: u64, intake: &mut Intake) {
    let mut reader = Guard::new(reader, packed);
    let mut head = Vec::new();
    let error = (&mut reader).take(512).read_to_end(&mut head).err();
    // An archive without files is its end mark alone: zeros.
    let is_empty_tar = head.len() == 512 && head.iter().all(|byte| *byte == 0);
    let is_tar = head.get(TAR_MAGIC) == Some(b"ustar") || is_empty_tar;
    let mut whole = io::Cursor::new(head).chain(reader);
    if is_tar {
        tar(&mut whole, intake);
    } else if let Some(error) = error {
        intake.problem(name, format!("is damaged ({error}), left out"));
    } else {
        intake.take(name, &mut whole, size);
    }
}

fn tar(reader: &mut dyn Read, intake: &mut Intake) {
    let mut archive = tar::Archive::new(reader);
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => return intake.problem("archive", format!("is damaged ({error}), left out")),
    };
    let mut count = 0;
    for entry in entries {
        count += 1;
        if count > ARCHIVE_ENTRIES_MAX {
            return intake.problem("archive", "has too many entries, the rest was left out");
        }
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                return intake.problem(
                    "archive",
                    format!("ends early or is damaged ({error}); the files before are used"),
                );
            }
        };
        let path = tidy(&String::from_utf8_lossy(&entry.path_bytes()));
        let kind = entry.header().entry_type();
        if !(kind.is_file() || kind.is_contiguous()) || path.is_empty() {
            continue;
        }
        let size = entry.size().min(1 << 20);
        if intake.take(&path, &mut entry, size) == Go::Stop {
            return;
        }
    }
}

fn zip(file: impl Read + Seek, packed: u64, intake: &mut Intake) {
    let mut archive = match zip::ZipArchive::new(BufReader::new(file)) {
        Ok(archive) => archive,
        Err(error) => {
            return intake.problem(
                "archive",
                format!("its directory, at its end, cannot be read ({error})"),
            );
        }
    };
    let mut unpacked = 0;
    for index in 0..archive.len() {
        let entry = match archive.by_index(index) {
            Ok(entry) => entry,
            Err(error) => {
                intake.problem(
                    "archive",
                    format!("entry {index} cannot be read ({error}), left out"),
                );
                continue;
            }
        };
        if !entry.is_file() {
            continue;
        }
        let path = tidy(&entry.name().unwrap_or_default());
        let size = entry.size().min(1 << 20);
        let mut entry = Guard {
            unpacked,
            ..Guard::new(entry, Some(packed))
        };
        let go = intake.take(&path, &mut entry, size);
        unpacked = entry.unpacked;
        if go == Go::Stop || entry.burst {
            return;
        }
    }
}

/// A path as a name: without a leading slash, without `..`, with `/`.
fn tidy(path: &str) -> String {
    let path = path.replace('\\', "/");
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
    parts.collect::<Vec<_>>().join("/")
}

/// Counts unpacked bytes and fails when they are too many for the packed ones.
struct Guard<R> {
    inner: R,
    packed: Option<u64>,
    unpacked: u64,
    burst: bool,
}

impl<R: Read> Guard<R> {
    fn new(inner: R, packed: Option<u64>) -> Self {
        Self {
            inner,
            packed,
            unpacked: 0,
            burst: false,
        }
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(packed) = self.packed
            && self.unpacked > RATIO_GRACE_BYTES.max(packed.saturating_mul(RATIO_MAX))
        {
            self.burst = true;
            return Err(io::Error::other(format!(
                "unpacks to more than {RATIO_MAX} times its size, which no real dump does"
            )));
        }
        let count = self.inner.read(buffer)?;
        self.unpacked += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_only_names() {
        for (path, expect) in [
            ("../../etc/passwd", "etc/passwd"),
            ("/abs/x", "abs/x"),
            ("a/./b//c", "a/b/c"),
            ("C:\\dump\\pods.json", "C:/dump/pods.json"),
            ("..", ""),
        ] {
            assert_eq!(tidy(path), expect);
        }
    }
}
