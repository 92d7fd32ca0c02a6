//! Pulling images: the kubelet's events, and inside them the words of containerd, CRI-O, docker and the registries.

mod failure;

use super::words::{after, any, between, duration_ms, list, name_after, name_after_any, number, url_host};
use crate::fact::{Fact, PullFact, PullFailure};

use failure::failure;

/// Texts that only an image pull has.
pub(super) const ANCHORS: &[&str] = &[
    "ulling image ",
    "Failed to pull image",
    "failed to pull image",
    "failed to pull and unpack image",
    "failed to resolve reference",
    "failed to resolve image",
    "ully pulled image",
    "pull access denied",
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "pull policy of Never",
    "already present on machine",
    "Failed to inspect image",
    "Failed to apply default image tag",
    "couldn't parse image",
    "pull QPS exceeded",
    "image pull failed for ",
    "manifest unknown",
    "image pull secrets (",
    "toomanyrequests",
    "no match for platform in manifest",
    "no matching manifest for",
    "initializing source docker://",
    "pinging container registry",
    "no image found in ",
];

/// Of these, the words of a status, which say that a pull fails and not why.
const STATUS: &[&str] = &["ErrImagePull", "ImagePullBackOff"];

/// Reads a text whose reason says that it is about an image.
pub(super) fn read(text: &str, out: &mut Vec<Fact>) {
    by_text(text, out);
    if out.is_empty() && !text.is_empty() {
        out.push(failed(text));
    }
}

/// Reads the text of an event that tells of a step, never of a failure.
pub(super) fn read_progress(text: &str, out: &mut Vec<Fact>) {
    out.extend(progress(text).map(Fact::Pull));
}

/// Waiting reasons that say by themselves what is wrong, with whatever text.
pub(super) fn read_named(reason: &str, text: &str, out: &mut Vec<Fact>) {
    let failure = match reason {
        "ErrImageNeverPull" => PullFailure::PolicyNever,
        "InvalidImageName" => PullFailure::InvalidName,
        "SignatureValidationFailed" => PullFailure::Signature,
        _ => return read(text, out),
    };
    out.push(Fact::Pull(PullFact::Failed {
        image: image(text),
        registry: registry(text),
        failure,
    }));
}

/// Reads a text of unknown origin.
pub(super) fn by_text(text: &str, out: &mut Vec<Fact>) {
    // Healthy pods say this, so it is asked first.
    if let Some(fact) = progress(text) {
        out.push(Fact::Pull(fact));
        return;
    }
    if !any(text, ANCHORS) || text.contains("Successfully pulled image ") {
        return;
    }
    if let Some(names) = between(text, "image pull secrets (", ")") {
        out.push(Fact::Pull(PullFact::SecretsMissing { names: list(names) }));
        return;
    }
    if let Some(rest) = after(text, "Back-off pulling image") {
        // From 1.32 on the last error follows; until then the text says nothing about why.
        let said = rest.contains(": ").then(|| failed(text));
        out.extend(said);
        out.push(Fact::Pull(PullFact::BackOff { image: image(text) }));
        return;
    }
    match text.trim_end_matches('.') {
        // The event `Error: ErrImagePull` accompanies the one that has the cause.
        "ErrImagePull" | "ImagePullBackOff" => out.push(Fact::Pull(PullFact::BackOff { image: None })),
        _ => {
            let failed = failed(text);
            let known = !matches!(
                failed,
                Fact::Pull(PullFact::Failed {
                    failure: PullFailure::Other { .. },
                    ..
                })
            );
            let only_status = !ANCHORS.iter().any(|it| !STATUS.contains(it) && text.contains(it));
            if !only_status || known && is_status(text) {
                out.push(failed);
            } else if is_status(text) {
                out.push(Fact::Pull(PullFact::BackOff { image: None }));
            }
        }
    }
}

/// The word stands where a status stands: in a row of a table, behind a key, or in what a person says of a pod now. Within
/// a URL, a heading or a sentence about such pods it is a word like others.
fn is_status(text: &str) -> bool {
    const MARKS: [char; 12] = ['"', '\'', '`', '.', ',', ':', ';', '(', ')', '*', '|', '!'];
    /// Longer ones are prose.
    const WORDS_MAX: usize = 8;
    const KEYS: [&str; 4] = ["reason", "status", "state", "error"];
    let noted = ["level=info", "level=debug", " INFO ", "[INFO]", " DEBUG "]
        .iter()
        .any(|it| text.contains(it));
    if text.starts_with('#') || noted {
        return false;
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words.iter().position(|word| {
        let bare = word.rsplit('=').next().unwrap_or(word).trim_matches(MARKS);
        STATUS.contains(&bare) && !word.contains('/') && !word.contains('?')
    });
    let Some(at) = at else { return false };
    let in_row = words.iter().any(|word| {
        let parts = word.trim_matches(MARKS).split_once('/');
        parts.is_some_and(|(one, other)| [one, other].iter().all(|it| it.parse::<u16>().is_ok()))
    });
    let before = at.checked_sub(1).map_or("", |at| words[at]).to_ascii_lowercase();
    let keyed = KEYS.iter().any(|key| before.trim_matches(MARKS) == *key) || words[at].contains('=');
    let padded = format!(" {} ", text.to_ascii_lowercase());
    let of_old = [
        " was ",
        " were ",
        " no ",
        " not ",
        " never ",
        " yesterday ",
        " fixed ",
        " resolved ",
    ];
    let told = [" is ", " in ", " my ", " i ", " we ", " our ", " stuck "]
        .iter()
        .any(|it| padded.contains(it));
    let about_pod = told && words.len() <= 2 * WORDS_MAX && !of_old.iter().any(|it| padded.contains(it));
    let stated = about_pod
        && [" if ", " when ", " any ", " each "]
            .iter()
            .all(|it| !padded.contains(it));
    in_row || keyed || stated || words.len() <= 2 || text.starts_with("ErrImagePull: ")
}

fn progress(text: &str) -> Option<PullFact> {
    let lead = |words: &[&str]| words.iter().any(|lead| text.starts_with(lead));
    if lead(&["Pulling image ", "pulling image "]) {
        // The name may be cut; that a pull goes on is no failure of one.
        let rest = text
            .split_once("image ")
            .map_or("", |(_, rest)| rest.trim_matches('"'));
        let image = image(text).unwrap_or_else(|| rest.to_owned());
        return Some(PullFact::Started { image });
    }
    if lead(&["Successfully pulled image "]) {
        // `in 1.2s (3.4s including waiting)`: with waiting is what the pod felt.
        let took = between(text, "(", " including waiting").and_then(duration_ms);
        let took_ms = took.or_else(|| after(text, " in ").and_then(duration_ms));
        let bytes = after(text, "Image size: ").and_then(number);
        let image = image(text).unwrap_or_default();
        return Some(PullFact::Done {
            image,
            took_ms,
            bytes,
        });
    }
    if text.contains("already present on machine") {
        return Some(PullFact::Done {
            image: image(text)?,
            took_ms: None,
            bytes: None,
        });
    }
    None
}

/// A failed pull inside another area's text.
pub(super) fn push_failed(text: &str, out: &mut Vec<Fact>) {
    out.push(failed(text));
}

fn failed(text: &str) -> Fact {
    Fact::Pull(PullFact::Failed {
        image: image(text),
        registry: registry(text),
        failure: failure(text),
    })
}

/// The image as the kubelet names it, else as the runtime does.
fn image(text: &str) -> Option<String> {
    const MARKERS: &[&str] = &[
        "get sandbox image ",
        "ull image ",
        "ulling image ",
        "ulled image ",
        "nspect image ",
        "ontainer image ",
        "default image tag ",
        "parse image reference ",
        "parse image name ",
        "image pull failed for ",
        "unpack image ",
        "resolve image ",
        "resolve reference ",
        "pull access denied for ",
        "manifest for ",
        "initializing source docker://",
    ];
    name_after_any(text, MARKERS).map(|name| name.trim_start_matches("docker://").to_owned())
}

/// The registry: of the full reference that the runtime resolved, else of the URL.
fn registry(text: &str) -> Option<String> {
    const FULL: &[&str] = &[
        "resolve reference ",
        "unpack image ",
        "resolve image ",
        "docker://",
        "ull image ",
        "ulling image ",
        "ontainer image ",
    ];
    let named = FULL
        .iter()
        .find_map(|marker| name_after(text, marker).and_then(registry_of));
    let url = || {
        Some(match http_host(text)? {
            // Docker Hub's API and token hosts.
            "registry-1.docker.io" | "index.docker.io" | "auth.docker.io" => "docker.io",
            host => host,
        })
    };
    named.or_else(url).map(str::to_owned)
}

/// The host that was asked: registries are asked below `/v2/`, for a token, or by a method that the text names. Other
/// addresses are pages for people.
fn http_host(text: &str) -> Option<&str> {
    const METHODS: &[&str] = &[
        "Get",
        "Head",
        "Post",
        "Put",
        "GET",
        "HEAD",
        "POST",
        "PUT",
        "request to",
    ];
    let mut from = 0;
    while let Some(found) = text[from..].find("http") {
        let at = from + found;
        from = at + "http".len();
        let url = &text[at..];
        let Some((_, rest)) = url
            .split_once("://")
            .filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
        else {
            continue;
        };
        let end = rest.find(['"', ' ', '\\']).unwrap_or(rest.len());
        let path = rest[..end].find('/').map_or("", |slash| &rest[slash..end]);
        let before = text[..at].trim_end_matches(['"', '\\', ' ']);
        let is_asked = path.starts_with("/v1")
            || path.starts_with("/v2")
            || path.contains("token")
            || METHODS.iter().any(|method| before.ends_with(method));
        if is_asked {
            return url_host(url);
        }
    }
    None
}

/// The first component of a reference, if it is a host: it has a dot or a port, or is `localhost`.
fn registry_of(reference: &str) -> Option<&str> {
    let (first, _) = reference.split_once('/')?;
    (first.contains(['.', ':']) || first == "localhost").then_some(first)
}

#[cfg(test)]
mod tests {
    use super::http_host;

    #[test]
    fn hosts_that_were_asked_and_pages_for_people() {
        for (text, host) in [
            (
                "You may increase the limit by authenticating: https://www.docker.com/increase-rate-limit",
                None,
            ),
            (
                "Get \"https://r.example/v2/\": dial tcp: i/o timeout",
                Some("r.example"),
            ),
            ("Get \\\"http://r.example:5000/\\\": EOF", Some("r.example:5000")),
            (
                "see https://docs.example/; unexpected status from HEAD request to https://r.example/v2/a/manifests/1: 403",
                Some("r.example"),
            ),
            (
                "failed to fetch anonymous token: https://auth.docker.io/token?service=x: 401",
                Some("auth.docker.io"),
            ),
        ] {
            assert_eq!(http_host(text), host, "{text}");
        }
    }
}
