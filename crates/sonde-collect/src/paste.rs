//! Reads pasted text: `kubectl describe` and `get` output, events, logs, manifests, in any mix.

use std::io::Read;

use sonde_model::SourceKind;

use crate::dump::{self, Intake};
use crate::{CollectError, Gathered, Options};

/// Reads one text. `name` is shown: `stdin`, a path.
///
/// # Errors
/// When it cannot be read, or is empty.
pub fn read(reader: &mut dyn Read, name: &str, options: &Options) -> Result<Gathered, CollectError> {
    read_all(&mut [(name.to_owned(), reader)], options)
}

/// Reads several texts as one question.
///
/// # Errors
/// When one cannot be read, or all are empty.
pub fn read_all(
    readers: &mut [(String, &mut dyn Read)],
    options: &Options,
) -> Result<Gathered, CollectError> {
    let mut intake = Intake::new();
    for (name, reader) in readers.iter_mut() {
        intake.paste(name, *reader).map_err(|source| CollectError::Read {
            name: name.clone(),
            source,
        })?;
    }
    let names: Vec<&str> = readers.iter().map(|(name, _)| name.as_str()).collect();
    let mut gathered = dump::conclude(intake, &names.join(", "), SourceKind::Paste, options)?;
    gathered.source.kind = SourceKind::Paste;
    Ok(gathered)
}

#[cfg(test)]
mod tests;
