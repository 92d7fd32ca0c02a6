//! The nearest name to one that does not exist.

/// The candidate that a misspelt word most likely means: at most a third of its letters differ. Of equals the first.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_few(word, candidates, 1).pop()
}

/// As [`nearest`], up to `most` of them, nearest first.
pub fn nearest_few<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    most: usize,
) -> Vec<&'a str> {
    let length = word.chars().count();
    let bound = (length / 3).clamp(1, 4);
    let wanted = folded(word);
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| (distance(&wanted, &folded(candidate), bound), candidate))
        .filter(|(distance, _)| *distance <= bound)
        .collect();
    // The order of equals is that of the candidates.
    near.sort_by_key(|(distance, _)| *distance);
    near.truncate(most);
    near.into_iter().map(|(_, candidate)| candidate).collect()
}

/// Case and the usual separators do not make another word.
fn folded(word: &str) -> Vec<char> {
    word.chars()
        .take(256)
        .map(|c| match c {
            '_' | '.' => '-',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

/// Edit distance with neighbours swapped counted as one; `bound + 1` stands for anything larger.
fn distance(a: &[char], b: &[char], bound: usize) -> usize {
    if a.len().abs_diff(b.len()) > bound {
        return bound + 1;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (row, left) in a.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, right) in b.iter().enumerate() {
            let mut best = (last[column] + usize::from(left != right))
                .min(last[column + 1] + 1)
                .min(current[column] + 1);
            if row > 0 && column > 0 && *left == b[column - 1] && a[row - 1] == *right {
                best = best.min(before[column - 1] + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant_and_nothing_else() {
        for (word, candidates, expected) in [
            ("sdd", vec!["hdd", "ssd"], Some("hdd")),
            ("eu-wset-1", vec!["eu-west-1", "us-east-1"], Some("eu-west-1")),
            ("disktyp", vec!["disktype", "zone"], Some("disktype")),
            ("SSD", vec!["ssd"], Some("ssd")),
            ("gpu", vec!["database", "web"], None),
            ("a", vec!["zzzz"], None),
            ("same", vec!["same"], None),
        ] {
            assert_eq!(nearest(word, candidates.iter().copied()), expected, "{word}");
        }
        let few = nearest_few("chekout", ["check-in", "checkouts", "checkout", "payment"], 2);
        assert_eq!(few, ["checkout", "checkouts"]);
    }
}
