//! Reads the files of a folder. Links are not followed: a dump from elsewhere must not make us read other files.

use std::fs;
use std::path::{Path, PathBuf};

use super::source::{Go, Intake};
use crate::limits::FOLDER_DEPTH_MAX;

pub(super) fn walk(root: &Path, intake: &mut Intake) {
    let mut open: Vec<(PathBuf, String, usize)> = vec![(root.to_owned(), String::new(), 0)];
    while let Some((folder, name, depth)) = open.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                intake.problem(
                    &folder.display().to_string(),
                    format!("could not be opened ({error}), left out"),
                );
                continue;
            }
        };
        let mut entries: Vec<_> = entries.filter_map(Result::ok).collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        let mut folders = Vec::new();
        for entry in entries {
            let file_name = entry.file_name().to_string_lossy().into_owned();
            let path = if name.is_empty() {
                file_name.clone()
            } else {
                format!("{name}/{file_name}")
            };
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_symlink() {
                // must-gather links the same logs twice; a link is not worth a word.
                continue;
            }
            if kind.is_dir() {
                if file_name == ".git" {
                    continue;
                }
                if depth + 1 >= FOLDER_DEPTH_MAX {
                    intake.problem(
                        &path,
                        format!("is more than {FOLDER_DEPTH_MAX} folders deep, left out"),
                    );
                } else {
                    folders.push((entry.path(), path, depth + 1));
                }
            } else if kind.is_file() && file(&entry.path(), &path, intake) == Go::Stop {
                return;
            }
        }
        open.extend(folders.into_iter().rev());
    }
}

fn file(place: &Path, path: &str, intake: &mut Intake) -> Go {
    match fs::File::open(place) {
        Ok(mut file) => {
            let size = file.metadata().map_or(0, |metadata| metadata.len());
            intake.take(path, &mut file, size)
        }
        Err(error) => {
            intake.problem(path, format!("could not be opened ({error}), left out"));
            Go::On
        }
    }
}
