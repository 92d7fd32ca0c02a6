//! The form of a cause.

use sonde_model::{Code, Kind};

use crate::{Case, Facts, Symptom};

/// A candidate explanation: one file, one page, one set of tests. It knows its symptom and its own proof; it does not
/// know its rivals.
#[derive(Debug)]
pub struct Cause {
    /// The stable code; the file is named by it.
    pub code: Code,
    /// What it is, in a few words.
    pub title: &'static str,
    /// The symptoms that it can produce.
    pub explains: &'static [Symptom],
    /// The kinds that it reads beside the subject's own; lists and blind spots come from them.
    pub reads: &'static [Kind],
    /// Looks at an episode and states the case.
    pub state: fn(&Facts<'_>, &mut Case),
    /// Its page in Markdown, shown by `sonde explain`.
    pub page: &'static str,
}

/// Declares the causes of a family: one module each, and the list of them.
macro_rules! family {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*
        pub(crate) const CAUSES: &[&crate::Cause] = &[$(&$module::CAUSE),*];
    };
}
pub(crate) use family;

/// Embeds a cause's page.
macro_rules! page {
    ($code:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/causes/",
            $code,
            ".md"
        ))
    };
}
pub(crate) use page;
