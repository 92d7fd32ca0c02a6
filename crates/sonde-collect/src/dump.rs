//! Reads a folder, an archive or a file as people have them: objects and texts in any mix, recognized by content;
//! names only tell whom a log belongs to and what was completely listed.

mod archive;
mod folder;
mod layout;
mod reader;
mod recognize;
mod source;

use std::fs;
use std::path::Path;

use crate::{CollectError, Gathered, Options};
use reader::Reader;
use source::Intake;

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
    if metadata.is_dir() {
        folder::walk(path, &mut intake);
    } else {
        let file = fs::File::open(path).map_err(open)?;
        archive::read(path, file, metadata.len(), &mut intake).map_err(open)?;
    }
    let name = path.display().to_string();
    let files = intake.files.len();
    let gathered = Reader::new(options).read(intake, &name);
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
        return Err(CollectError::Nothing { name, why });
    }
    Ok(gathered)
}

#[cfg(test)]
mod tests;
