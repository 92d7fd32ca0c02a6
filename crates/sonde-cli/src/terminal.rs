//! What the reader's terminal can show: width, colour, characters. The only place that looks at the environment for it.

use std::env;
use std::io::{self, IsTerminal};

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal only.
    #[default]
    Auto,
    /// Even in a pipe.
    Always,
    /// Never.
    Never,
}

/// Which characters can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    /// All of Unicode.
    Unicode,
    /// The locale asks for ASCII.
    Ascii,
}

/// Lines are never folded wider than this: longer ones are hard to read.
const WIDTH_MAX: usize = 120;
/// Narrower than this, folding makes it worse.
const WIDTH_MIN: usize = 40;
/// The width of a terminal that does not tell.
const WIDTH_USUAL: usize = 80;

/// Whether stdout gets colour.
pub(crate) fn color_on(choice: ColorChoice) -> bool {
    color_wanted(choice, io::stdout().is_terminal(), |name| {
        env::var(name).ok().filter(|value| !value.is_empty())
    })
}

/// `NO_COLOR` and `CLICOLOR_FORCE` as <https://no-color.org> and <https://bixense.com/clicolors> define them; the
/// flag wins over both.
fn color_wanted(choice: ColorChoice, terminal: bool, var: impl Fn(&str) -> Option<String>) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            if var("NO_COLOR").is_some() {
                return false;
            }
            if var("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
                return true;
            }
            terminal && var("TERM").as_deref() != Some("dumb") && var("CLICOLOR").as_deref() != Some("0")
        }
    }
}

/// The width to fold at; `None` when stdout is not a terminal.
pub(crate) fn width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let told = env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse::<usize>().ok());
    let width = told.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)));
    Some(width.unwrap_or(WIDTH_USUAL).clamp(WIDTH_MIN, WIDTH_MAX))
}

/// The characters that the locale allows.
pub(crate) fn charset() -> Charset {
    charset_of(|name| env::var(name).ok())
}

/// POSIX order: the first of these that is set and not empty decides. No locale at all is the `C` locale for
/// programs, but people in containers without one read UTF-8 all the same, so only a locale that is named and is not
/// UTF-8 asks for ASCII.
fn charset_of(var: impl Fn(&str) -> Option<String>) -> Charset {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(&var)
        .find(|value| !value.is_empty());
    match locale {
        None => Charset::Unicode,
        Some(locale) => {
            let locale = locale.to_ascii_lowercase();
            if locale.contains("utf-8") || locale.contains("utf8") {
                Charset::Unicode
            } else {
                Charset::Ascii
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Vars = &'static [(&'static str, &'static str)];

    #[test]
    fn color_is_for_terminals_unless_told() {
        use ColorChoice::{Always, Auto, Never};
        let table: [(ColorChoice, bool, Vars, bool); 9] = [
            (Auto, true, &[], true),
            (Auto, false, &[], false),
            (Auto, true, &[("NO_COLOR", "1")], false),
            (Auto, false, &[("CLICOLOR_FORCE", "1")], true),
            (Auto, false, &[("CLICOLOR_FORCE", "0")], false),
            (Auto, true, &[("TERM", "dumb")], false),
            (Auto, true, &[("CLICOLOR", "0")], false),
            (Always, false, &[("NO_COLOR", "1")], true),
            (Never, true, &[("CLICOLOR_FORCE", "1")], false),
        ];
        for (choice, terminal, vars, expected) in table {
            let var = |name: &str| {
                vars.iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(
                color_wanted(choice, terminal, var),
                expected,
                "{choice:?} {terminal} {vars:?}"
            );
        }
    }

    #[test]
    fn the_first_locale_that_is_set_decides() {
        let table: [(Vars, Charset); 6] = [
            (&[], Charset::Unicode),
            (&[("LANG", "en_US.UTF-8")], Charset::Unicode),
            (&[("LANG", "de_DE.utf8")], Charset::Unicode),
            (&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")], Charset::Ascii),
            (
                &[("LC_ALL", ""), ("LC_CTYPE", "C.UTF-8"), ("LANG", "C")],
                Charset::Unicode,
            ),
            (&[("LANG", "POSIX")], Charset::Ascii),
        ];
        for (vars, expected) in table {
            let var = |name: &str| {
                vars.iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(charset_of(var), expected, "{vars:?}");
        }
    }
}
