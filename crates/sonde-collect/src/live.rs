//! Reads a cluster through its API server: lists first, then what the engine wants of suspects.
//!
//! Requests are bounded in time, size and number. What may not be read becomes a blind spot; only what makes every
//! request useless (no connection, no credentials) is an error. The values of Secrets are never asked for.
//! Everything is read-only.

mod blind;
mod client;
pub mod deaths;
mod errors;
mod list;
mod logs;
mod node_logs;
mod tasks;
mod wants;

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use sonde_diagnose::Gap;
use sonde_model::{BlindSpot, Kind, Source, SourceKind};
use tokio::runtime::Runtime;

pub use client::ConnectOptions;
pub use errors::{LiveError, RequestError};
pub use wants::Fetched;

use crate::Gathered;
use crate::objects::{self, Task};
use client::{Client, Get};
use list::{List, Listed};

/// What of a cluster is read.
#[derive(Debug, Clone)]
pub struct Request {
    /// One namespace, and the objects of the cluster; `None` for all namespaces.
    pub namespace: Option<String>,
    /// The kinds.
    pub kinds: Vec<Kind>,
    /// Keep the redacted texts, so that a bundle can be written.
    pub keep_texts: bool,
}

/// A connection to a cluster.
pub struct Cluster {
    runtime: Runtime,
    client: Client,
    context: String,
    namespace: String,
    keep_texts: bool,
}

/// Whoever is told what is being done.
pub type Progress<'a> = &'a dyn Fn(&str);

impl Cluster {
    /// Prepares a connection; asks nothing yet.
    ///
    /// # Errors
    /// When the kubeconfig cannot be read, or does not say how to connect.
    pub fn connect(options: &ConnectOptions) -> Result<Self, LiveError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| LiveError::Client {
                server: "the cluster".to_owned(),
                source: source.into(),
            })?;
        let (client, context, namespace) = runtime.block_on(async {
            let (config, context) = client::configure(options).await?;
            let namespace = config.default_namespace.clone();
            Ok((Client::new(config, options.request_timeout)?, context, namespace))
        })?;
        Ok(Self {
            runtime,
            client,
            context,
            namespace,
            keep_texts: false,
        })
    }

    /// The namespace of the context.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The name of the context.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// Lists what is asked for.
    ///
    /// # Errors
    /// When the API server cannot be asked at all.
    pub fn gather(&mut self, request: &Request, progress: Progress<'_>) -> Result<Gathered, LiveError> {
        self.keep_texts = request.keep_texts;
        self.runtime.block_on(self.read(request, progress))
    }

    async fn read(&self, request: &Request, progress: Progress<'_>) -> Result<Gathered, LiveError> {
        progress(&format!("asking {}", self.client.server));
        let (version, now) = self.version().await?;
        let mut gathered = Gathered {
            now: Some(now),
            source: Source {
                kind: SourceKind::Live,
                name: self.context.clone(),
                cluster_version: version,
                time: Some(now),
            },
            ..Gathered::default()
        };
        let lists = self.lists(request);
        self.read_lists(lists, &mut gathered, progress).await?;
        gathered.close();
        Ok(gathered)
    }

    /// The version, and what time it is there: our own clock may be wrong, and ages are told by the server's.
    async fn version(&self) -> Result<(Option<String>, Timestamp), LiveError> {
        match self.client.get(&Get::new("/version")).await {
            Ok(answer) => {
                let version = crate::json::string_member(&answer.bytes, 0, "gitVersion");
                let now = answer.date.unwrap_or_else(Timestamp::now);
                Ok((version.map(ToOwned::to_owned), now))
            }
            // Some servers show their version to nobody; the lists will tell.
            Err(RequestError::Status { code: 403 | 404, .. }) => Ok((None, Timestamp::now())),
            Err(source) => Err(self.failed("read the version", source)),
        }
    }

    fn failed(&self, doing: &str, source: RequestError) -> LiveError {
        LiveError::Request {
            doing: doing.to_owned(),
            server: self.client.server.clone(),
            source,
        }
    }

    fn lists(&self, request: &Request) -> Vec<List> {
        let namespace = request.namespace.as_deref();
        let mut lists: Vec<List> = request
            .kinds
            .iter()
            .filter(|kind| kind.info().is_some())
            .map(|kind| List::all(kind.clone(), namespace))
            .collect();
        if namespace.is_some() {
            // Events about nodes, and the leases with which nodes and the scheduler show that they live, are in
            // namespaces of their own.
            if request.kinds.contains(&Kind::Event) && namespace != Some("default") {
                lists.push(List {
                    fields: Some("involvedObject.kind=Node"),
                    ..List::all(Kind::Event, Some("default"))
                });
            }
            if request.kinds.contains(&Kind::Lease) {
                lists.push(List::all(Kind::Lease, Some("kube-node-lease")));
                lists.push(List::all(Kind::Lease, Some("kube-system")));
            }
        }
        lists.dedup();
        lists
    }

    /// Reads lists, a few at a time, into the world.
    async fn read_lists(
        &self,
        lists: Vec<List>,
        gathered: &mut Gathered,
        progress: Progress<'_>,
    ) -> Result<(), LiveError> {
        let total = lists.len();
        let tasks: Vec<_> = lists
            .iter()
            .map(|list| {
                let (client, list, fallback) = (self.client.clone(), list.clone(), self.namespace.clone());
                async move { read_list(&client, list, &fallback).await }
            })
            .collect();
        let (mut answered, mut useless) = (false, None);
        let done = tasks::all(tasks, |(list, _, outcome), count| {
            // Where another list was answered, this one's trouble is its own.
            answered |= outcome.is_ok();
            progress(&format!("listed {count} of {total} kinds"));
            match outcome {
                Err(error) if error.is_total() && !answered => {
                    useless = Some(self.failed(&format!("list {}", list.words()), error.clone()));
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            }
        })
        .await;
        if let Some(error) = useless {
            return Err(error);
        }
        progress("reading objects");
        let mut blind: Vec<(List, RequestError)> = Vec::new();
        let mut unserved: Vec<(List, RequestError)> = Vec::new();
        let mut answered = false;
        for (asked, outcome) in lists.into_iter().zip(done) {
            let Some((list, refused, outcome)) = outcome else {
                blind.push((asked, RequestError::Internal));
                continue;
            };
            blind.extend(refused);
            match outcome {
                Ok(listed) => {
                    answered = true;
                    put(&list, &listed, gathered);
                }
                // Another version of the API may have such objects: that this one does not know them proves nothing.
                Err(error) if error.code() == Some(404) => unserved.push((list, error)),
                Err(error) => blind.push((list, error)),
            }
        }
        // Of several refusals the one about pods says most to whom it concerns.
        let first = blind
            .iter()
            .find(|(list, _)| list.kind == Kind::Pod)
            .or(blind.first())
            .or(unserved.first());
        match first {
            Some((list, error)) if !answered && gathered.world.snapshot().is_empty() => {
                Err(self.failed(&format!("list {}", list.words()), error.clone()))
            }
            _ => {
                gathered.gaps.extend(blind::gaps(&blind));
                gathered
                    .gaps
                    .extend(unserved.iter().map(|(list, _)| blind::unserved(list)));
                Ok(())
            }
        }
    }

    /// The names of a kind's objects, for completion: quickly or not at all.
    pub fn names(&self, kind: &Kind, namespace: Option<&str>, limit: Duration) -> Vec<String> {
        let Some(path) = list::path(kind, namespace) else {
            return Vec::new();
        };
        let get = Get {
            accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            ..Get::new(format!("{path}?limit=500"))
        };
        let answer = self
            .runtime
            .block_on(async { tokio::time::timeout(limit, self.client.get(&get)).await });
        let Ok(Ok(answer)) = answer else { return Vec::new() };
        let name = |item: &objects::Found| {
            let metadata = crate::json::member(&answer.bytes, item.range.start, "metadata")?;
            crate::json::string_member(&answer.bytes, metadata.start, "name").map(ToOwned::to_owned)
        };
        let found = objects::find_json(&answer.bytes, Some(kind)).found;
        found.iter().filter_map(name).collect()
    }
}

/// The contexts of a kubeconfig, for completion.
pub fn contexts(kubeconfig: Option<&Path>) -> Vec<String> {
    let read = client::read_kubeconfig(kubeconfig);
    read.map(|config| config.contexts.into_iter().map(|context| context.name).collect())
        .unwrap_or_default()
}

/// A list that was refused, and why.
type Refused = Option<(List, RequestError)>;

/// Reads a list; with rights to one namespace only, that of the context in place of the whole cluster.
async fn read_list(
    client: &Client,
    list: List,
    fallback: &str,
) -> (List, Refused, Result<Listed, RequestError>) {
    match list.read(client).await {
        Err(error) if error.code() == Some(403) && list.namespace.is_none() && list.kind.is_namespaced() => {
            let narrow = List::all(list.kind.clone(), Some(fallback));
            let outcome = narrow.read(client).await;
            match outcome {
                // Refused there too: one blind spot is enough.
                Err(_) => (list, None, Err(error)),
                read => (narrow, Some((list, error)), read),
            }
        }
        outcome => (list, None, outcome),
    }
}

/// Puts a list's objects into the world and says what is complete.
fn put(list: &List, listed: &Listed, gathered: &mut Gathered) {
    let tasks: Vec<Task> = listed
        .items
        .iter()
        .map(|bytes| Task::Json {
            file: 0,
            bytes: bytes.clone(),
            kind: Some(list.kind.clone()),
            list: None,
        })
        .collect();
    let mut damaged = false;
    for outcome in objects::read(&tasks) {
        for (object, _) in outcome.objects {
            gathered.world.put_object(object);
        }
        if let Some((_, problem)) = outcome.problem {
            damaged = true;
            gathered.problem(&list.words(), format!("{problem}; this object was left out"));
        }
    }
    if listed.cut {
        let spot = BlindSpot {
            what: format!("the rest of {}", list.words()),
            why: "the list was cut".to_owned(),
            forbids: blind::forbids(&list.kind),
        };
        gathered.gaps.push(Gap::new(spot, [list.want()]));
    } else if !damaged && list.fields.is_none() {
        gathered
            .world
            .mark_complete(list.kind.clone(), list.namespace.as_deref());
    }
}

#[cfg(test)]
mod tests;
