//! The second round: what the engine wants of suspects.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use sonde_diagnose::{LogKey, Want};
use sonde_grammar::log::NodeLog;
use sonde_model::{BlindSpot, Kind, ObjectRef};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::blind::why;
use super::client::{Client, Get};
use super::errors::RequestError;
use super::list::{List, escape, path};
use super::node_logs::{self, NodeLogWanted};
use super::{Cluster, Progress, logs};
use crate::gathered::{Gathered, TextPlace};
use crate::limits::{LOGS_A_ROUND_MAX, REQUESTS_AT_ONCE};
use crate::objects::{self, Task};
use crate::texts::{self, TextReader};

/// One thing to fetch.
enum Fetch {
    Log(LogKey),
    NodeLog(NodeLogWanted),
    Counters(Arc<str>),
    Object(ObjectRef),
}

/// What came of it.
enum Got {
    Text(TextPlace, Bytes),
    Object(ObjectRef, Bytes),
    Nothing,
    Refused(String, RequestError),
}

/// What came of a round.
#[derive(Debug, Default)]
pub struct Fetched {
    /// There was somebody to ask; what could not be had is a blind spot now.
    pub tried: bool,
    /// Anything new is there.
    pub added: bool,
    /// Logs beyond [`LOGS_A_ROUND_MAX`], not asked for yet.
    pub left_out: Vec<Want>,
}

impl Cluster {
    /// Fetches what is wanted. What could not be had is a blind spot then.
    pub fn fetch(&self, wants: &[Want], gathered: &mut Gathered, progress: Progress<'_>) -> Fetched {
        self.runtime.block_on(self.fetch_all(wants, gathered, progress))
    }

    async fn fetch_all(&self, wants: &[Want], gathered: &mut Gathered, progress: Progress<'_>) -> Fetched {
        let revision = gathered.world.snapshot().revision();
        let (fetches, lists, left_out) = plan(wants);
        let mut added = false;
        if !lists.is_empty() {
            // A connection that is lost now leaves blind spots like any other refusal.
            if let Err(error) = self.read_lists(lists, gathered, progress).await {
                gathered.blind_spots.push(BlindSpot {
                    what: "what was wanted in the second round".to_owned(),
                    why: error.to_string(),
                    forbids: Vec::new(),
                });
            }
            added |= gathered.world.snapshot().revision() != revision;
        }
        let mut reader = TextReader::new(self.keep_texts, gathered.now, gathered.now);
        for fetched in self.run(fetches, progress).await {
            match fetched {
                Got::Text(place, bytes) => {
                    let (text, _) = texts::clean(&bytes);
                    reader.add(gathered, place, text);
                    added = true;
                }
                Got::Object(reference, bytes) => added |= put(&reference, bytes, gathered),
                Got::Nothing => {}
                Got::Refused(what, error) => {
                    let spot = BlindSpot {
                        what,
                        why: why(&error),
                        forbids: Vec::new(),
                    };
                    if !gathered.blind_spots.contains(&spot) {
                        gathered.blind_spots.push(spot);
                    }
                }
            }
        }
        texts::share_ended_runs(gathered);
        Fetched {
            tried: true,
            added,
            left_out,
        }
    }

    async fn run(&self, fetches: Vec<Fetch>, progress: Progress<'_>) -> Vec<Got> {
        let total = fetches.len();
        let room = Arc::new(Semaphore::new(REQUESTS_AT_ONCE));
        let mut running = JoinSet::new();
        for (index, fetch) in fetches.into_iter().enumerate() {
            let (client, room) = (self.client.clone(), room.clone());
            running.spawn(async move {
                let _place = room.acquire().await;
                (index, one(&client, fetch).await)
            });
        }
        let mut done = Vec::with_capacity(total);
        while let Some(joined) = running.join_next().await {
            done.extend(joined.ok());
            progress(&format!(
                "fetched {} of {total} logs and objects of suspects",
                done.len()
            ));
        }
        done.sort_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, fetched)| fetched).collect()
    }
}

/// From wants to requests: one for each log of a node, whatever the number of moments it is wanted for.
/// What concerns whole nodes comes before the logs of containers, of which there may be too many.
fn plan(wants: &[Want]) -> (Vec<Fetch>, Vec<List>, Vec<Want>) {
    let (mut logs, mut left_out) = (Vec::new(), Vec::new());
    let mut fetches = Vec::new();
    let mut lists = Vec::new();
    let mut nodes: BTreeMap<(Arc<str>, NodeLog), Vec<Option<Timestamp>>> = BTreeMap::new();
    for want in wants {
        match want {
            Want::ContainerLog(key) if logs.len() < LOGS_A_ROUND_MAX => logs.push(Fetch::Log(key.clone())),
            Want::ContainerLog(_) => left_out.push(want.clone()),
            Want::KernelLog { node, around } => {
                nodes
                    .entry((node.clone(), NodeLog::Kernel))
                    .or_default()
                    .push(*around);
            }
            Want::KubeletLog { node, around } => {
                nodes
                    .entry((node.clone(), NodeLog::Kubelet))
                    .or_default()
                    .push(*around);
            }
            Want::AgentDeaths { node } => {
                nodes
                    .entry((node.clone(), NodeLog::Agent))
                    .or_default()
                    .push(None);
            }
            Want::Counters { node } => fetches.push(Fetch::Counters(node.clone())),
            Want::Object(reference) => fetches.push(Fetch::Object(reference.clone())),
            Want::Kind { kind, namespace } => {
                let namespace = (!namespace.is_empty()).then_some(&**namespace);
                lists.push(List::all(kind.clone(), namespace));
            }
        }
    }
    for ((node, log), moments) in nodes {
        let first = moments.iter().flatten().min();
        let last = moments.iter().flatten().max();
        let newest = moments.iter().any(Option::is_none);
        fetches.push(Fetch::NodeLog(NodeLogWanted {
            node: node.to_string(),
            log,
            around: first
                .zip(last)
                .filter(|_| !newest)
                .map(|(first, last)| (*first, *last)),
        }));
    }
    fetches.extend(logs);
    (fetches, lists, left_out)
}

async fn one(client: &Client, fetch: Fetch) -> Got {
    match fetch {
        Fetch::Log(key) => match logs::read(client, &key).await {
            Ok(Some(bytes)) => Got::Text(TextPlace::Container(key), bytes),
            // Until the container is started anew, its current log is that of the run that ended.
            Ok(None) if key.previous => {
                let key = LogKey {
                    previous: false,
                    ..key
                };
                match logs::read(client, &key).await {
                    Ok(Some(bytes)) => Got::Text(TextPlace::Container(key), bytes),
                    _ => Got::Nothing,
                }
            }
            Ok(None) => Got::Nothing,
            Err(error) => Got::Refused(Want::ContainerLog(key).describe(), error),
        },
        Fetch::NodeLog(wanted) => {
            let node: Arc<str> = wanted.node.as_str().into();
            let place = TextPlace::Node {
                node: node.clone(),
                log: wanted.log,
            };
            if let Some(bytes) = node_logs::local(&wanted) {
                return Got::Text(place, bytes);
            }
            // Most nodes have no agent, and one of another node is asked by who runs there.
            if wanted.log == NodeLog::Agent {
                return Got::Nothing;
            }
            match node_logs::read(client, &wanted).await {
                Ok(bytes) => Got::Text(place, bytes),
                Err(error) => {
                    let log = if wanted.log == NodeLog::Kernel {
                        "kernel"
                    } else {
                        "kubelet"
                    };
                    Got::Refused(format!("{log} log of node {node}"), error)
                }
            }
        }
        Fetch::Counters(node) => match counters(client, &node).await {
            Ok(bytes) => Got::Text(TextPlace::Counters { node }, bytes),
            Err(error) => Got::Refused(Want::Counters { node }.describe(), error),
        },
        Fetch::Object(reference) => match object(client, &reference).await {
            Ok(Some(bytes)) => Got::Object(reference, bytes),
            Ok(None) => Got::Nothing,
            Err(error) => Got::Refused(reference.kubectl(), error),
        },
    }
}

/// The lines of the kubelet's `/metrics/cadvisor` that are read; the whole is megabytes on a full node.
async fn counters(client: &Client, node: &str) -> Result<Bytes, RequestError> {
    let get = Get {
        accept: "text/plain",
        ..Get::new(format!("/api/v1/nodes/{}/proxy/metrics/cadvisor", escape(node)))
    };
    let answer = client.get(&get).await?;
    let lines = answer.bytes.split_inclusive(|byte| *byte == b'\n');
    Ok(lines
        .filter(|line| line.starts_with(sonde_grammar::counters::PREFIX.as_bytes()))
        .flatten()
        .copied()
        .collect())
}

async fn object(client: &Client, reference: &ObjectRef) -> Result<Option<Bytes>, RequestError> {
    let namespace = (!reference.namespace.is_empty()).then_some(&*reference.namespace);
    let Some(list) = path(&reference.kind, namespace) else {
        return Ok(None);
    };
    let get = Get {
        // As with lists: of a Secret only its metadata.
        accept: if reference.kind == Kind::Secret {
            "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
        } else {
            ""
        },
        ..Get::new(format!("{list}/{}", escape(&reference.name)))
    };
    match client.get(&get).await {
        Ok(answer) => Ok(Some(answer.bytes)),
        Err(RequestError::Status { code: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn put(reference: &ObjectRef, bytes: Bytes, gathered: &mut Gathered) -> bool {
    let task = Task::Json {
        file: 0,
        bytes,
        kind: Some(reference.kind.clone()),
        list: None,
    };
    let mut added = false;
    for outcome in objects::read(&[task]) {
        for (object, _) in outcome.objects {
            gathered.world.put_object(object);
            added = true;
        }
    }
    added
}
