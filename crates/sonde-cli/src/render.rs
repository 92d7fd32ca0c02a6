//! Reports to texts. One file for each output; adding one is a variant of [`Format`], a line in [`render`] and a file.

mod age;
#[cfg(feature = "agent")]
pub(crate) mod agent;
pub(crate) mod deaths;
mod escape;
mod json;
mod markdown;
pub(crate) mod node;
mod page;
pub(crate) mod profile;
mod scanned;
pub(crate) mod signals;
mod text;
mod words;
mod yaml;

use anyhow::Result;
use sonde_model::Report;

use crate::terminal::Charset;

pub(crate) use escape::shown;
pub(crate) use page::{Indent, Page, Paint, Span};
pub(crate) use words::strange_text;

/// The outputs of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// For a person, folded to the terminal.
    #[default]
    Text,
    /// For a person: everything, never folded.
    Wide,
    /// For programs; `sonde schema` prints its JSON Schema.
    Json,
    /// The same facts as YAML.
    Yaml,
    /// For a ticket or a chat.
    Markdown,
}

/// How a report is shown, beside its facts.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// Where lines are folded; `None` for never.
    pub(crate) width: Option<usize>,
    /// With colour.
    pub(crate) color: bool,
    /// The characters that can be shown.
    pub(crate) charset: Charset,
    /// Details of every finding, however many there are.
    pub(crate) all: bool,
    /// Details of advice and of troubles that are over, too.
    pub(crate) info: bool,
    /// Nothing is clipped; tables are one line for each row.
    pub(crate) wide: bool,
    /// What was asked about, to be read after "in" or "about"; empty for everything.
    pub(crate) asked: String,
}

impl View {
    /// A view without terminal: no folding, no colour.
    pub(crate) fn plain() -> Self {
        Self {
            width: None,
            color: false,
            charset: Charset::Unicode,
            all: false,
            info: false,
            wide: false,
            asked: String::new(),
        }
    }
}

/// Renders a report; the text ends with a line feed.
///
/// # Errors
/// When a serializer fails, which no report makes it do.
pub(crate) fn render(report: &Report, format: Format, view: &View) -> Result<String> {
    match format {
        Format::Text => Ok(text::render(report, view)),
        Format::Wide => Ok(text::render(
            report,
            &View {
                width: None,
                wide: true,
                all: true,
                ..view.clone()
            },
        )),
        Format::Json => json::render(report),
        Format::Yaml => yaml::render(report),
        Format::Markdown => Ok(markdown::render(report, view)),
    }
}

/// Anything that programs read, as JSON.
///
/// # Errors
/// When the serializer fails, which none of our types makes it do.
pub(crate) fn as_json(answer: &impl serde::Serialize) -> Result<String> {
    json::render(answer)
}

/// Anything that programs read, as YAML.
///
/// # Errors
/// When the serializer fails, which none of our types makes it do.
pub(crate) fn as_yaml(answer: &impl serde::Serialize) -> Result<String> {
    yaml::render(answer)
}

#[cfg(test)]
mod tests;
