//! `kubectl get`: tables to partial objects.

mod kinds;

use serde_json::Value;
use sonde_model::Kind;

use super::age;
use super::json::object;

/// A table's columns: names and where they begin, in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns {
    names: Vec<(String, usize)>,
}

/// An object of a row, and times that are ages yet.
pub(crate) struct TableObject {
    pub(crate) object: Value,
    pub(crate) ages: Vec<(Vec<&'static str>, i64)>,
    pub(crate) line: usize,
}

/// Column names of two words.
const TWO_WORDS: [&str; 14] = [
    "LAST SEEN",
    "FIRST SEEN",
    "ACCESS MODES",
    "RECLAIM POLICY",
    "NOMINATED NODE",
    "READINESS GATES",
    "NODE SELECTOR",
    "LAST SCHEDULE",
    "MIN AVAILABLE",
    "MAX UNAVAILABLE",
    "ALLOWED DISRUPTIONS",
    "OS-IMAGE",
    "EXTERNAL-IP",
    "CLUSTER-IP",
];

impl Columns {
    /// The columns of a header line, or nothing.
    pub(crate) fn of(text: &str) -> Option<Columns> {
        let first = text.split_whitespace().next()?;
        if !matches!(
            first,
            "NAME" | "NAMESPACE" | "LAST" | "LASTSEEN" | "FIRST" | "FIRSTSEEN"
        ) || text.len() > 2_000
        {
            return None;
        }
        let chars: Vec<char> = text.chars().collect();
        let mut names: Vec<(String, usize)> = Vec::new();
        let mut at = 0;
        while at < chars.len() {
            if chars[at].is_whitespace() {
                at += 1;
                continue;
            }
            let start = at;
            while at < chars.len() && !chars[at].is_whitespace() {
                at += 1;
            }
            let word: String = chars[start..at].iter().collect();
            if word.chars().any(|c| c.is_lowercase()) && !word.starts_with("PORT") && !word.contains('(') {
                return None;
            }
            match names.last_mut() {
                Some((last, begin))
                    if *begin + last.chars().count() + 1 == start
                        && TWO_WORDS.contains(&format!("{last} {word}").as_str()) =>
                {
                    last.push(' ');
                    last.push_str(&word);
                }
                _ => names.push((word, start)),
            }
        }
        let known = [
            "AGE",
            "STATUS",
            "READY",
            "TYPE",
            "REASON",
            "ENDPOINTS",
            "PROVISIONER",
        ];
        (names.len() >= 2 && names.iter().any(|(name, _)| known.contains(&name.as_str())))
            .then_some(Columns { names })
    }

    /// How many columns.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|(known, _)| known == name)
    }

    pub(crate) fn is_events(&self) -> bool {
        self.has("REASON") && self.has("TYPE") && (self.has("MESSAGE") || self.has("OBJECT"))
    }

    /// A row's cell. The columns count where each begins after a blank; otherwise the row is split at its gaps.
    pub(crate) fn cell<'a>(&self, text: &'a str, name: &str) -> Option<&'a str> {
        let index = self.names.iter().position(|(known, _)| known == name)?;
        if self.fits(text) {
            let from = self.names[index].1;
            let to = self.names.get(index + 1).map_or(usize::MAX, |(_, start)| *start);
            return Some(slice_chars(text, from, to).trim());
        }
        let mut cells = cells(text);
        // `5 (3m ago)` and words with single blanks: split at every blank when the gaps were lost.
        if cells.len() < self.names.len() {
            let words = words(text);
            if words.len() >= self.names.len() {
                cells = words;
            }
        }
        let cell = *cells.get(index)?;
        if index + 1 == self.names.len() {
            // The last column holds the rest, blanks included.
            let start = cell.as_ptr() as usize - text.as_ptr() as usize;
            return Some(text[start..].trim_end());
        }
        Some(cell)
    }

    /// Every column of the row begins where its name does.
    pub(crate) fn fits(&self, text: &str) -> bool {
        let starts: Vec<usize> = self.names.iter().skip(1).map(|(_, start)| *start).collect();
        let mut wanted = starts.iter().peekable();
        let mut last = ' ';
        let mut count = 0;
        for c in text.chars() {
            if wanted.peek() == Some(&&count) {
                if !last.is_whitespace() {
                    return false;
                }
                wanted.next();
            }
            last = c;
            count += 1;
        }
        // Trailing columns may be cut; the first two must be there. A gap within a cell: the columns were shifted.
        let shifted = || {
            self.names
                .windows(2)
                .any(|pair| slice_chars(text, pair[0].1, pair[1].1).trim().contains("  "))
        };
        starts.first().is_some_and(|second| count > *second)
            && text.split("  ").count() > 1
            && !shifted()
            && !self.misses(text)
    }
}

impl Columns {
    /// A row with as many cells as columns, of which one would be empty: it was written under another header.
    fn misses(&self, text: &str) -> bool {
        let empty = |pair: &[(String, usize)]| slice_chars(text, pair[0].1, pair[1].1).trim().is_empty();
        self.names.windows(2).any(empty) && cells(text).len() == self.names.len()
    }
}

fn slice_chars(text: &str, from: usize, to: usize) -> &str {
    let mut indices = text.char_indices().map(|(at, _)| at);
    let begin = indices.clone().nth(from).unwrap_or(text.len());
    let end = if to == usize::MAX {
        text.len()
    } else {
        indices.nth(to).unwrap_or(text.len())
    };
    &text[begin.min(end)..end]
}

/// Cells between gaps of two blanks or tabs.
pub(crate) fn cells(text: &str) -> Vec<&str> {
    text.split("  ")
        .flat_map(|part| part.split('\t'))
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect()
}

/// Words, with `(3m ago)` kept to the word before.
pub(crate) fn words(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let mut open: Option<usize> = None;
    for word in text.split_whitespace() {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        if word.starts_with('(') && !word.ends_with(')') && !found.is_empty() {
            open = Some(start);
            continue;
        }
        if open.is_some() {
            if word.ends_with(')') {
                open = None;
            }
            continue;
        }
        found.push(word);
    }
    found
}

/// The columns of a row of pods whose header was left out, as `grep` does: `[namespace] web-1 0/1 Error 3 5m [IP node]`.
pub(crate) fn columns_of_pod(text: &str) -> Option<Columns> {
    const WORDS_MAX: usize = 12;
    let words = words(text);
    let is_ready = |word: &str| {
        word.split_once('/')
            .is_some_and(|(ready, all)| ready.parse::<u16>().is_ok() && all.parse::<u16>().is_ok())
    };
    let at = (1..=2).find(|at| words.get(*at).is_some_and(|word| is_ready(word)))?;
    let is_name = |word: &str| {
        word.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-./".contains(&b))
    };
    let is_status = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_uppercase())
            && word
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b":/-".contains(&b))
    };
    let whole = words.len() >= at + 4
        && words.len() <= WORDS_MAX
        && words[..at].iter().all(|word| is_name(word))
        && is_status(words[at + 1])
        && words[at + 2].parse::<u32>().is_ok()
        && age::is_age(words[at + 3]);
    if !whole {
        return None;
    }
    let mut names: Vec<&str> = Vec::new();
    names.extend((at == 2).then_some("NAMESPACE"));
    names.extend(["NAME", "READY", "STATUS", "RESTARTS", "AGE"]);
    names.extend(
        ["IP", "NODE"]
            .iter()
            .take(if words.len() >= at + 6 { 2 } else { 0 }),
    );
    // No row begins its cells there: they are told by their words.
    let far = |index: usize| 10_000 + index;
    Some(Columns {
        names: names
            .iter()
            .enumerate()
            .map(|(index, name)| ((*name).to_owned(), far(index)))
            .collect(),
    })
}

/// Which kind a table shows, by its columns.
pub(crate) fn kind_of(columns: &Columns) -> Option<Kind> {
    const KINDS: &[(Kind, &[&str])] = &[
        (Kind::Pod, &["READY", "STATUS", "RESTARTS"]),
        (Kind::Node, &["STATUS", "ROLES", "VERSION"]),
        (Kind::DaemonSet, &["DESIRED", "CURRENT", "READY", "NODE SELECTOR"]),
        (Kind::Deployment, &["UP-TO-DATE", "AVAILABLE"]),
        (Kind::ReplicaSet, &["DESIRED", "CURRENT", "READY"]),
        (Kind::CronJob, &["SCHEDULE", "SUSPEND"]),
        (Kind::Job, &["COMPLETIONS", "DURATION"]),
        (Kind::PersistentVolume, &["RECLAIM POLICY", "CLAIM"]),
        (Kind::PersistentVolumeClaim, &["STATUS", "VOLUME", "STORAGECLASS"]),
        (
            Kind::HorizontalPodAutoscaler,
            &["REFERENCE", "MINPODS", "MAXPODS"],
        ),
        (Kind::PodDisruptionBudget, &["ALLOWED DISRUPTIONS"]),
        (Kind::Service, &["TYPE", "CLUSTER-IP"]),
        (Kind::Endpoints, &["ENDPOINTS"]),
        (Kind::StorageClass, &["PROVISIONER"]),
        (Kind::ResourceQuota, &["REQUEST"]),
    ];
    KINDS
        .iter()
        .find(|(_, names)| names.iter().all(|name| columns.has(name)))
        .map(|(kind, _)| kind.clone())
}

/// A row as an object.
pub(crate) fn read(
    columns: &Columns,
    text: &str,
    line: usize,
    hint: Option<&Kind>,
    namespace: &str,
) -> Option<TableObject> {
    let name = columns
        .cell(text, "NAME")
        .filter(|name| !name.is_empty() && !name.contains(' '))?;
    let namespace = columns
        .cell(text, "NAMESPACE")
        .filter(|ns| !ns.is_empty())
        .unwrap_or(namespace);
    // `kubectl get all` writes `pod/web-1`.
    let (kind, name) = match name.split_once('/') {
        Some((kind, name)) => (Kind::from_user(kind)?, name),
        None => (
            kind_of(columns)
                .or_else(|| hint.cloned())
                .or_else(|| small_kind(columns))?,
            name,
        ),
    };
    let mut found = TableObject {
        object: object(&kind, namespace, name),
        ages: Vec::new(),
        line,
    };
    if let Some(seconds) = columns.cell(text, "AGE").and_then(age::seconds) {
        found.ages.push((vec!["metadata", "creationTimestamp"], seconds));
    }
    kinds::fill(
        &kind,
        &|name| columns.cell(text, name).filter(|cell| !cell.is_empty()),
        &mut found,
    );
    Some(found)
}

/// Tables with few columns.
fn small_kind(columns: &Columns) -> Option<Kind> {
    let names: Vec<&str> = columns
        .names
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| *name != "NAMESPACE")
        .collect();
    match names[..] {
        ["NAME", "STATUS", "AGE"] => Some(Kind::Namespace),
        ["NAME", "READY", "AGE"] => Some(Kind::StatefulSet),
        ["NAME", "READY", "AGE", "CONTAINERS", "IMAGES"] => Some(Kind::StatefulSet),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_lost_gaps() {
        let columns = Columns::of("NAME      READY   STATUS             RESTARTS        AGE").unwrap();
        for row in [
            "web-1     0/1     CrashLoopBackOff   5 (3m ago)      10m",
            "web-1 0/1 CrashLoopBackOff 5 (3m ago) 10m",
            "web-1\t0/1\tCrashLoopBackOff\t5 (3m ago)\t10m",
        ] {
            assert_eq!(columns.cell(row, "STATUS"), Some("CrashLoopBackOff"), "{row}");
            assert_eq!(columns.cell(row, "AGE"), Some("10m"), "{row}");
        }
        assert_eq!(Columns::of("NAME is what we call it"), None);
        let columns = Columns::of("LAST SEEN   TYPE      REASON    OBJECT      MESSAGE").unwrap();
        assert!(columns.is_events());
        assert_eq!(
            columns.cell(
                "3m          Warning   BackOff   pod/web-1   Back-off",
                "LAST SEEN"
            ),
            Some("3m")
        );
    }
}
