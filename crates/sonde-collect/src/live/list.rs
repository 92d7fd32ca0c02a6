//! Lists objects page by page, and keeps their bytes as received.

use std::ops::Range;

use bytes::Bytes;
use sonde_diagnose::Want;
use sonde_model::Kind;

use super::client::{Client, Get};
use super::errors::RequestError;
use crate::json::{self, Walk};
use crate::limits::{LIST_PAGE, LIST_PAGES_MAX, LIST_RESTARTS_MAX};

/// Secrets' values must not even be sent to us.
const METADATA_ONLY: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// What is to be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) kind: Kind,
    /// `None` for the whole cluster.
    pub(crate) namespace: Option<String>,
    /// A field selector; what is listed is then not complete.
    pub(crate) fields: Option<&'static str>,
}

/// Pages with the place of each item.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub(crate) items: Vec<Bytes>,
    /// Something is missing at the end.
    pub(crate) cut: bool,
}

impl List {
    /// A list of everything of a kind in a namespace or the cluster.
    pub(crate) fn all(kind: Kind, namespace: Option<&str>) -> Self {
        let namespace = namespace.filter(|_| kind.is_namespaced()).map(ToOwned::to_owned);
        Self {
            kind,
            namespace,
            fields: None,
        }
    }

    /// The want that it answers.
    pub(crate) fn want(&self) -> Want {
        Want::Kind {
            kind: self.kind.clone(),
            namespace: self.namespace.as_deref().unwrap_or_default().into(),
        }
    }

    /// What it is, in words.
    pub(crate) fn words(&self) -> String {
        let plural = self
            .kind
            .info()
            .map_or_else(|| self.kind.as_str().to_owned(), |info| info.plural.to_owned());
        match &self.namespace {
            Some(namespace) => format!("{plural} in namespace {namespace}"),
            None => plural,
        }
    }

    /// Reads all pages. A list that expired while it was read (410) is begun again.
    pub(crate) async fn read(&self, client: &Client) -> Result<Listed, RequestError> {
        let path = path(&self.kind, self.namespace.as_deref())
            .ok_or_else(|| RequestError::Connection(format!("the path of {} is not known", self.kind)))?;
        let mut restarts = 0;
        'again: loop {
            let mut listed = Listed::default();
            let mut token: Option<String> = None;
            for _ in 0..LIST_PAGES_MAX {
                let get = Get {
                    path: self.query(&path, token.as_deref()),
                    accept: if self.kind == Kind::Secret {
                        METADATA_ONLY
                    } else {
                        ""
                    },
                    ..Get::default()
                };
                let answer = match client.get(&get).await {
                    Err(RequestError::Status { code: 410, .. }) if restarts < LIST_RESTARTS_MAX => {
                        restarts += 1;
                        continue 'again;
                    }
                    answer => answer?,
                };
                let page = page(&answer.bytes);
                listed
                    .items
                    .extend(page.items.into_iter().map(|item| answer.bytes.slice(item)));
                listed.cut |= page.cut;
                if page.token.is_none() || page.cut {
                    return Ok(listed);
                }
                // A token that comes back would be asked for without end.
                if page.token == token {
                    break;
                }
                token = page.token;
            }
            listed.cut = true;
            return Ok(listed);
        }
    }

    fn query(&self, path: &str, token: Option<&str>) -> String {
        let mut query = format!("{path}?limit={LIST_PAGE}");
        if let Some(fields) = self.fields {
            query.push_str("&fieldSelector=");
            query.push_str(&escape(fields));
        }
        if let Some(token) = token {
            query.push_str("&continue=");
            query.push_str(&escape(token));
        }
        query
    }
}

/// The path of a kind's list.
pub(crate) fn path(kind: &Kind, namespace: Option<&str>) -> Option<String> {
    let info = kind.info()?;
    let root = if info.api_version.contains('/') {
        "/apis"
    } else {
        "/api"
    };
    Some(match namespace.filter(|_| kind.is_namespaced()) {
        Some(namespace) => format!(
            "{root}/{}/namespaces/{}/{}",
            info.api_version,
            escape(namespace),
            info.plural
        ),
        None => format!("{root}/{}/{}", info.api_version, info.plural),
    })
}

struct Page {
    items: Vec<Range<usize>>,
    token: Option<String>,
    cut: bool,
}

fn page(bytes: &[u8]) -> Page {
    let mut page = Page {
        items: Vec::new(),
        token: None,
        cut: true,
    };
    let Some(mut walk) = Walk::new(bytes, 0) else {
        return page;
    };
    while let Some((key, at)) = walk.key() {
        if key == b"items" {
            let Some(mut items) = Walk::new(bytes, at) else {
                // `"items": null` is how some servers write an empty list.
                let Some(range) = json::value_at(bytes, at) else {
                    return page;
                };
                walk.resume(range.end);
                continue;
            };
            while let Some(item) = items.element() {
                page.items.push(item);
            }
            if !items.ended() {
                return page;
            }
            walk.resume(items.position());
            continue;
        }
        let Some(range) = json::value_at(bytes, at) else {
            return page;
        };
        if key == b"metadata" {
            page.token = json::string_member(bytes, range.start, "continue")
                .filter(|token| !token.is_empty())
                .map(ToOwned::to_owned);
        }
        walk.resume(range.end);
    }
    page.cut = !walk.ended();
    page
}

/// A part of a path or query, percent-encoded.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_cut_into_items() {
        let text = br#"{"kind":"PodList","metadata":{"continue":"abc","remainingItemCount":7},"items":[{"a":1},{"b":"]"}]}"#;
        let read = page(text);
        assert_eq!(
            (read.items.len(), read.token.as_deref(), read.cut),
            (2, Some("abc"), false)
        );
        let read = page(&text[..text.len() - 4]);
        assert_eq!((read.items.len(), read.cut), (1, true));
        let read = page(br#"{"items":null,"metadata":{}}"#);
        assert_eq!((read.items.len(), read.token, read.cut), (0, None, false));
        assert!(page(b"<html>").cut);
    }

    #[test]
    fn paths_are_those_of_the_api() {
        assert_eq!(
            path(&Kind::Pod, Some("shop")).unwrap(),
            "/api/v1/namespaces/shop/pods"
        );
        assert_eq!(
            path(&Kind::Deployment, None).unwrap(),
            "/apis/apps/v1/deployments"
        );
        assert_eq!(path(&Kind::Node, Some("shop")).unwrap(), "/api/v1/nodes");
        assert_eq!(
            path(&Kind::Pod, Some("a/../b?x")).unwrap(),
            "/api/v1/namespaces/a%2F..%2Fb%3Fx/pods"
        );
        assert_eq!(path(&Kind::Other("Widget".into()), None), None);
    }
}
