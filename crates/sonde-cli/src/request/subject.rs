//! Objects as people name them: `pod/x`, `deploy x y`, `pods`, `po,svc`.

use std::fmt;

use anyhow::anyhow;
use sonde_model::{Kind, nearest_few};

use crate::failure::{Failure, Outcome};

/// One object, or all objects of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) kind: Kind,
    /// `None` for all of the type.
    pub(crate) name: Option<String>,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}/{name}", self.kind.word()),
            None => {
                let plural = self.kind.info().map_or("objects", |info| info.plural);
                write!(f, "all {plural}")
            }
        }
    }
}

/// kubectl's grammar. `TYPE/NAME` stands for itself; a word without a slash is a TYPE, or a list of types with commas,
/// and the words that follow it are names. Both forms may be mixed.
pub(crate) fn parse(words: &[String]) -> Outcome<Vec<Subject>> {
    let mut subjects: Vec<Subject> = Vec::new();
    // The types named last, and whether a name has followed them.
    let mut open: Option<(Vec<Kind>, bool)> = None;
    for word in words {
        if let Some((kind, name)) = word.split_once('/') {
            close(&mut subjects, open.take());
            if name.is_empty() || name.contains('/') {
                return Err(Failure::new(anyhow!("{word:?} is not of the form TYPE/NAME"))
                    .hint("write it as pod/checkout-7d9f-x2"));
            }
            add(&mut subjects, kind_of(kind, Some(name))?, Some(name));
            continue;
        }
        match &mut open {
            Some((kinds, named)) => {
                *named = true;
                for kind in kinds.iter() {
                    add(&mut subjects, kind.clone(), Some(word));
                }
            }
            None => {
                let kinds: Vec<Kind> = word
                    .split(',')
                    .filter(|part| !part.is_empty())
                    .map(|part| kind_of(part, None))
                    .collect::<Outcome<_>>()?;
                open = Some((kinds, false));
            }
        }
    }
    close(&mut subjects, open);
    Ok(subjects)
}

fn close(subjects: &mut Vec<Subject>, open: Option<(Vec<Kind>, bool)>) {
    if let Some((kinds, false)) = open {
        for kind in kinds {
            add(subjects, kind, None);
        }
    }
}

fn add(subjects: &mut Vec<Subject>, kind: Kind, name: Option<&str>) {
    let subject = Subject {
        kind,
        name: name.map(str::to_owned),
    };
    if !subjects.contains(&subject) {
        subjects.push(subject);
    }
}

fn kind_of(word: &str, name: Option<&str>) -> Outcome<Kind> {
    if let Some(kind) = Kind::from_user(word) {
        return Ok(kind);
    }
    let mut failure = Failure::new(anyhow!("unknown type {word:?}"));
    let nearest = nearest(word);
    if !nearest.is_empty() {
        failure = failure.hint(format!("did you mean {}?", nearest.join(" or ")));
    } else if name.is_none() {
        // A bare word is more often the name of a pod than a misspelt type.
        failure = failure.hint(format!("if it is the name of a pod, write pod/{word}"));
    }
    Err(failure.hint("the types are kubectl's: pod, deploy, sts, ds, job, node, pvc and so on"))
}

/// The types whose names are spelt nearly so, nearest first; of a word of two letters any type would be near.
fn nearest(word: &str) -> Vec<String> {
    if word.chars().count() < 3 {
        return Vec::new();
    }
    let spellings: Vec<(String, String)> = Kind::KNOWN
        .iter()
        .filter_map(Kind::info)
        .flat_map(|info| {
            let singular = info.kind.to_ascii_lowercase();
            let names = [singular.clone(), info.plural.to_owned()];
            let short = info.short.iter().map(|short| (*short).to_owned());
            names
                .into_iter()
                .chain(short)
                .map(move |spelling| (spelling, singular.clone()))
        })
        .collect();
    let near = nearest_few(
        word,
        spellings.iter().map(|(spelling, _)| spelling.as_str()),
        spellings.len(),
    );
    let mut types: Vec<String> = Vec::new();
    for spelling in near {
        let of = spellings.iter().find(|(it, _)| it == spelling);
        if let Some((_, singular)) = of.filter(|(_, it)| !types.contains(it)) {
            types.push(singular.clone());
        }
    }
    types.truncate(2);
    types
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<String, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        parse(&words)
            .map(|subjects| {
                let words: Vec<String> = subjects.iter().map(ToString::to_string).collect();
                words.join(" ")
            })
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn objects_are_named_as_in_kubectl() {
        for (words, expected) in [
            (&["pod/a"][..], "pod/a"),
            (&["po/a", "deploy/b"], "pod/a deploy/b"),
            (&["pod", "a", "b"], "pod/a pod/b"),
            (&["deployments.apps", "a"], "deploy/a"),
            (&["pods"], "all pods"),
            (&["po,sts"], "all pods all statefulsets"),
            (&["po,sts", "a"], "pod/a sts/a"),
            (&["pod/a", "no", "n1"], "pod/a node/n1"),
            (&["pod/a", "pod/a"], "pod/a"),
            (&["pod", "deploy"], "pod/deploy"),
            (&[], ""),
        ] {
            assert_eq!(parsed(words).unwrap(), expected, "{words:?}");
        }
    }

    #[test]
    fn a_wrong_type_gets_suggestions() {
        let message = parsed(&["deploymnet/x"]).unwrap_err();
        assert!(message.contains("unknown type \"deploymnet\""), "{message}");
        assert!(message.contains("did you mean deployment?"), "{message}");
        let message = parsed(&["checkout-7d9f-x2"]).unwrap_err();
        assert!(message.contains("write pod/checkout-7d9f-x2"), "{message}");
        for words in [&["pod/"][..], &["pod/a/b"], &["/a"], &["💥"]] {
            assert!(parsed(words).is_err(), "{words:?}");
        }
    }
}
