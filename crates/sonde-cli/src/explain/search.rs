//! Finds causes by words of a symptom.

use super::Entry;

/// The entries that hold every word, nearest first: words in the code weigh most, then in the title, then the whole
/// phrase in the page, then how often the words stand in it.
pub(super) fn search(entries: &[Entry], query: &str) -> Vec<Entry> {
    let phrase = match folded(query) {
        // One or two digits stand on nearly every page; alone they are an exit code.
        short if short.len() < 3 && short.parse::<u8>().is_ok() => format!("exit code {short}"),
        words => words,
    };
    let words: Vec<&str> = phrase.split(' ').filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let mut hits: Vec<(usize, Entry)> = entries
        .iter()
        .filter_map(|entry| {
            let code = folded(entry.code);
            let title = folded(entry.title);
            let page = folded(entry.page);
            let mut score = if page.contains(&phrase) { 20 } else { 0 };
            for word in &words {
                let in_code = times(&code, word).min(1) * 12;
                let in_title = times(&title, word).min(1) * 8;
                let in_page = times(&page, word).min(5);
                if in_code + in_title + in_page == 0 {
                    return None;
                }
                score += in_code + in_title + in_page;
            }
            Some((score, *entry))
        })
        .collect();
    hits.sort_by(|(score, entry), (other_score, other)| {
        other_score.cmp(score).then_with(|| entry.code.cmp(other.code))
    });
    hits.into_iter().map(|(_, entry)| entry).collect()
}

/// Lower case, and everything that is no letter and no digit is one space.
pub(super) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else if !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.trim().to_owned()
}

/// How often a word stands in a folded text. A number must be whole; a word may go on: `mount` finds `mounts`.
fn times(text: &str, word: &str) -> usize {
    let number = word.chars().all(|c| c.is_ascii_digit());
    text.split(' ')
        .filter(|have| {
            if number {
                *have == word
            } else {
                have.starts_with(word)
            }
        })
        .count()
}
