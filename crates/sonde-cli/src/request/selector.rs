//! Label selectors as kubectl reads them: `a=b,c!=d,e,!f,g in (x,y),h notin (z)`.

use std::fmt;

use anyhow::anyhow;

use crate::failure::{Failure, Outcome};

/// Requirements that must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selector {
    text: String,
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Selector {
    /// Whether labels satisfy every requirement. As in the API, `!=` and `notin` hold where the key is missing.
    pub(crate) fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = label(&requirement.key);
            match &requirement.test {
                Test::In(values) => value.is_some_and(|value| values.iter().any(|it| it == value)),
                Test::NotIn(values) => value.is_none_or(|value| values.iter().all(|it| it != value)),
                Test::Exists => value.is_some(),
                Test::Absent => value.is_none(),
            }
        })
    }
}

/// Reads a selector.
pub(crate) fn parse(text: &str) -> Outcome<Selector> {
    let bad = |why: &str| {
        Failure::new(anyhow!("the selector {text:?} cannot be read: {why}"))
            .hint("write it as app=checkout,tier!=cache or 'app in (checkout,payment)'")
    };
    let mut requirements = Vec::new();
    for part in split(text).map_err(bad)? {
        requirements.push(requirement(part.trim()).map_err(bad)?);
    }
    if requirements.is_empty() {
        return Err(bad("it is empty"));
    }
    Ok(Selector {
        text: text.trim().to_owned(),
        requirements,
    })
}

/// At the commas that stand outside of parentheses.
fn split(text: &str) -> Result<Vec<&str>, &'static str> {
    let mut parts = Vec::new();
    let mut inside = false;
    let mut start = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' if inside => return Err("parentheses do not nest"),
            '(' => inside = true,
            ')' if !inside => return Err("a parenthesis is not opened"),
            ')' => inside = false,
            ',' if !inside => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if inside {
        return Err("a parenthesis is not closed");
    }
    parts.push(&text[start..]);
    Ok(parts)
}

fn requirement(part: &str) -> Result<Requirement, &'static str> {
    if let Some(key) = part.strip_prefix('!') {
        return made(key, Test::Absent);
    }
    if let Some((key, value)) = part.split_once("!=") {
        return made(key, Test::NotIn(vec![plain(value)?]));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return made(key, Test::In(vec![plain(value)?]));
    }
    if let Some(before) = part.strip_suffix(')') {
        let (head, values) = before.split_once('(').ok_or("a parenthesis is not opened")?;
        let values: Vec<String> = values.split(',').map(plain).collect::<Result<_, _>>()?;
        let (key, operator) = head
            .trim()
            .rsplit_once(char::is_whitespace)
            .ok_or("a key, then in or notin, must stand before the parenthesis")?;
        return match operator {
            "in" => made(key, Test::In(values)),
            "notin" => made(key, Test::NotIn(values)),
            _ => Err("the words before a parenthesis are in and notin"),
        };
    }
    made(part, Test::Exists)
}

fn made(key: &str, test: Test) -> Result<Requirement, &'static str> {
    let key = key.trim();
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if key.is_empty() {
        return Err("a key is missing");
    }
    if !key.chars().all(good) {
        return Err("a key has letters, digits, '-', '_', '.' and '/' only");
    }
    Ok(Requirement {
        key: key.to_owned(),
        test,
    })
}

fn plain(value: &str) -> Result<String, &'static str> {
    let value = value.trim();
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if value.chars().all(good) {
        Ok(value.to_owned())
    } else {
        Err("a value has letters, digits, '-', '_' and '.' only")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_hold_as_in_the_api() {
        let labels = [("app", "checkout"), ("tier", "web")];
        let label = |key: &str| {
            labels
                .iter()
                .find(|(name, _)| *name == key)
                .map(|(_, value)| *value)
        };
        for (text, expected) in [
            ("app=checkout", true),
            ("app==checkout, tier = web", true),
            ("app=cart", false),
            ("app!=cart", true),
            ("zone!=a", true),
            ("app", true),
            ("!app", false),
            ("!zone", true),
            ("app in (cart,checkout),tier", true),
            ("app notin (cart, checkout)", false),
            ("zone in (a)", false),
            ("zone notin (a)", true),
            ("app=", false),
        ] {
            assert_eq!(parse(text).unwrap().matches(label), expected, "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            ",",
            "=b",
            "a=b,",
            "a in (b",
            "a in b)",
            "a on (b)",
            "(b)",
            "a=b c",
            "a b",
            "a in ((b))",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
