//! The nearest existing name, for typing errors.

/// The candidate that is nearly `wanted`: at most a third of its letters differ, and no other candidate is as near.
pub(crate) fn nearest<'a>(wanted: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let allowed = (wanted.chars().count() / 3).clamp(1, 4);
    let mut best: Option<(usize, &str)> = None;
    let mut tied = false;
    for candidate in candidates.filter(|candidate| *candidate != wanted) {
        let distance = edit_distance(wanted, candidate, allowed);
        if distance > allowed {
            continue;
        }
        match best {
            Some((have, _)) if distance > have => {}
            Some((have, _)) if distance == have => tied = true,
            _ => {
                best = Some((distance, candidate));
                tied = false;
            }
        }
    }
    best.filter(|_| !tied).map(|(_, candidate)| candidate.to_owned())
}

/// Insertions, deletions and replacements between two names; gives up beyond `most`.
fn edit_distance(a: &str, b: &str, most: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (
        a.to_lowercase().chars().collect(),
        b.to_lowercase().chars().collect(),
    );
    if a.len().abs_diff(b.len()) > most {
        return most + 1;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replace = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_find_their_name() {
        for (wanted, candidates, expected) in [
            ("settings", vec!["setting", "secrets"], Some("setting")),
            ("db-pasword", vec!["db-password", "db-user"], Some("db-password")),
            ("APP.yaml", vec!["app.yaml"], Some("app.yaml")),
            ("settings", vec!["certificates"], None),
            ("a", vec!["b", "c"], None),
        ] {
            assert_eq!(
                nearest(wanted, candidates.into_iter()).as_deref(),
                expected,
                "{wanted}"
            );
        }
    }
}
