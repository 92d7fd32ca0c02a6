//! Reads a folder, an archive or a file as people have them: objects and texts in any mix, recognized by content;
//! names only tell whom a log belongs to and what was completely listed.

mod archive;
mod folder;
mod layout;
mod marked;
mod reader;
mod recognize;
mod source;

use std::fs;
use std::io::{Cursor, Read as _};
use std::path::Path;

use sonde_model::SourceKind;

use crate::limits::OBJECT_FILE_BYTES_MAX;
use crate::{CollectError, Gathered, Options};
use reader::Reader;
pub(crate) use source::Intake;

/// Reads what is at a path.
///
/// # Errors
/// When the path cannot be opened, or holds nothing that could be understood.
pub fn read(path: &Path, options: &Options) -> Result<Gathered, CollectError> {
    let open = |source| CollectError::Open {
        path: path.to_owned(),
        source,
    };
    let metadata = fs::metadata(path).map_err(open)?;
    let mut intake = Intake::new();
    let file_name = path
        .file_name()
        .map_or("file".into(), |name| name.to_string_lossy());
    if metadata.is_dir() {
        folder::walk(path, &mut intake);
    } else if metadata.is_file() {
        let file = fs::File::open(path).map_err(open)?;
        archive::read(&file_name, file, metadata.len(), &mut intake).map_err(open)?;
    } else {
        // A pipe, as in `--from <(…)`, can be read only once.
        let mut bytes = Vec::new();
        let file = fs::File::open(path).map_err(open)?;
        file.take(OBJECT_FILE_BYTES_MAX)
            .read_to_end(&mut bytes)
            .map_err(open)?;
        let packed = bytes.len() as u64;
        if packed == OBJECT_FILE_BYTES_MAX {
            intake.problem(&file_name, format!("is cut at {OBJECT_FILE_BYTES_MAX} bytes"));
        }
        archive::read(&file_name, Cursor::new(bytes), packed, &mut intake).map_err(open)?;
    }
    conclude(intake, &path.display().to_string(), SourceKind::Dump, options)
}

/// Reads an archive that is in memory, as the capture that ships in the binary.
///
/// # Errors
/// When it holds nothing that could be understood.
pub fn read_bytes(name: &str, bytes: &[u8], options: &Options) -> Result<Gathered, CollectError> {
    let mut intake = Intake::new();
    archive::read(name, Cursor::new(bytes), bytes.len() as u64, &mut intake).map_err(|source| {
        CollectError::Read {
            name: name.to_owned(),
            source,
        }
    })?;
    conclude(intake, name, SourceKind::Dump, options)
}

pub(crate) fn conclude(
    intake: Intake,
    name: &str,
    kind: SourceKind,
    options: &Options,
) -> Result<Gathered, CollectError> {
    let files = intake.files.iter().filter(|file| !file.bytes.is_empty()).count();
    let gathered = Reader::new(options).read(intake, name);
    if gathered.world.snapshot().is_empty() && gathered.texts.lines == 0 {
        let problems = gathered.problems.iter().take(3);
        let problems: Vec<String> = problems
            .map(|problem| format!("{} {}", problem.place, problem.text))
            .collect();
        let why = match (files, problems.is_empty()) {
            (_, false) => problems.join("; "),
            (0, true) => "it is empty".to_owned(),
            (1, true) => "one file, and nothing in it is known".to_owned(),
            (files, true) => format!("{files} files, and nothing in them is known"),
        };
        return Err(CollectError::Nothing {
            name: name.to_owned(),
            why,
            pasted: kind == SourceKind::Paste,
        });
    }
    Ok(gathered)
}

#[cfg(test)]
mod tests;
