//! The second round: what the engine wants of suspects.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use sonde_diagnose::{Gap, LogKey, Want};
use sonde_grammar::log::NodeLog;
use sonde_model::{BlindSpot, Kind, ObjectRef};

use super::blind::{self, why};
use super::client::{Client, Get};
use super::errors::RequestError;
use super::list::{List, escape, path};
use super::node_logs::{self, Machine, NodeLogWanted};
use super::{Cluster, LiveError, Progress, logs, tasks};
use crate::gathered::{Gathered, TextPlace};
use crate::limits::LOGS_A_ROUND_MAX;
use crate::objects::{self, Task};
use crate::texts::{self, TextReader};

/// One thing to fetch.
#[derive(Clone)]
enum Fetch {
    Log(LogKey),
    NodeLog(NodeLogWanted),
    Counters(Arc<str>),
    Object(ObjectRef),
}

impl Fetch {
    /// The want that it answers.
    fn want(&self) -> Want {
        match self {
            Fetch::Log(key) => Want::ContainerLog(key.clone()),
            Fetch::NodeLog(wanted) => wanted.want(),
            Fetch::Counters(node) => Want::Counters { node: node.clone() },
            Fetch::Object(reference) => Want::Object(reference.clone()),
        }
    }
}

/// What came of it.
enum Got {
    Text(TextPlace, Bytes),
    /// A node's log as it was read on this machine.
    Here(TextPlace, Bytes),
    Object(ObjectRef, Bytes),
    /// The answer is that there is no such object.
    NoObject(ObjectRef),
    /// The answer is that there are no such logs.
    NoLogs(Vec<LogKey>),
    Nothing,
    Refused(RequestError),
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
        let (fetches, mut lists, left_out) = plan(wants);
        // What was refused is refused again.
        lists.retain(|list| !gathered.gaps.iter().any(|gap| gap.answers(&list.want())));
        if !lists.is_empty() {
            self.read_more(lists, gathered, progress).await;
        }
        let mut added = gathered.world.snapshot().revision() != revision;
        let mut reader = TextReader::new(self.keep_texts, gathered.now, gathered.now);
        for (fetch, got) in self.run(fetches, gathered, progress).await {
            match got {
                Got::Text(place, bytes) => {
                    reader.add(gathered, place, texts::clean(&bytes).0);
                    added = true;
                }
                Got::Here(place, bytes) => {
                    reader.here = true;
                    reader.add(gathered, place, texts::clean(&bytes).0);
                    reader.here = false;
                    added = true;
                }
                Got::Object(reference, bytes) => added |= put(&reference, bytes, gathered),
                Got::NoObject(reference) => added |= gathered.world.mark_absent(&reference),
                Got::NoLogs(keys) => gathered.texts.none.extend(keys),
                Got::Nothing => {}
                Got::Refused(error) => {
                    let want = fetch.want();
                    let spot = BlindSpot {
                        what: want.describe(),
                        why: why(&error),
                        forbids: Vec::new(),
                    };
                    gathered.miss(Gap::new(spot, [want]));
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

    /// Lists of the second round. A connection that is lost now leaves gaps like any other refusal.
    async fn read_more(&self, lists: Vec<List>, gathered: &mut Gathered, progress: Progress<'_>) {
        let Err(error) = self.read_lists(lists.clone(), gathered, progress).await else {
            return;
        };
        let source = match error {
            LiveError::Request { source, .. } => source,
            other => RequestError::Connection(other.to_string()),
        };
        let failed: Vec<_> = lists.into_iter().map(|list| (list, source.clone())).collect();
        gathered.gaps.extend(blind::gaps(&failed));
    }

    async fn run(
        &self,
        fetches: Vec<Fetch>,
        gathered: &Gathered,
        progress: Progress<'_>,
    ) -> Vec<(Fetch, Got)> {
        let total = fetches.len();
        let machine = Arc::new(Machine::this(&gathered.world.snapshot()));
        let tasks: Vec<_> = fetches
            .iter()
            .map(|fetch| {
                let (client, machine, fetch) = (self.client.clone(), machine.clone(), fetch.clone());
                async move { one(&client, &machine, fetch).await }
            })
            .collect();
        let done = tasks::all(tasks, |_, count| {
            progress(&format!(
                "fetched {count} of {total} logs and objects of suspects"
            ));
            ControlFlow::Continue(())
        })
        .await;
        let got = |got: Option<Got>| got.unwrap_or(Got::Refused(RequestError::Internal));
        fetches.into_iter().zip(done.into_iter().map(got)).collect()
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

async fn one(client: &Client, machine: &Machine, fetch: Fetch) -> Got {
    match fetch {
        Fetch::Log(key) => container_log(client, key).await,
        Fetch::NodeLog(wanted) => node_log(client, machine, &wanted).await,
        Fetch::Counters(node) => match counters(client, &node).await {
            Ok(bytes) => Got::Text(TextPlace::Counters { node }, bytes),
            Err(error) => Got::Refused(error),
        },
        Fetch::Object(reference) => match object(client, &reference).await {
            Ok(Some(bytes)) => Got::Object(reference, bytes),
            Ok(None) => Got::Nothing,
            Err(error) if is_absence(&error, &reference) => Got::NoObject(reference),
            Err(error) => Got::Refused(error),
        },
    }
}

async fn container_log(client: &Client, key: LogKey) -> Got {
    match logs::read(client, &key).await {
        Ok(Some(bytes)) => Got::Text(TextPlace::Container(key), bytes),
        // Until the container is started anew, its current log is that of the run that ended.
        Ok(None) if key.previous => {
            let current = LogKey {
                previous: false,
                ..key.clone()
            };
            match logs::read(client, &current).await {
                Ok(Some(bytes)) => Got::Text(TextPlace::Container(current), bytes),
                Ok(None) => Got::NoLogs(vec![key, current]),
                Err(error) => Got::Refused(error),
            }
        }
        Ok(None) => Got::NoLogs(vec![key]),
        Err(error) => Got::Refused(error),
    }
}

async fn node_log(client: &Client, machine: &Machine, wanted: &NodeLogWanted) -> Got {
    let place = TextPlace::Node {
        node: wanted.node.as_str().into(),
        log: wanted.log,
    };
    // Most nodes have no agent, and one of another node is asked by who runs there.
    if wanted.log == NodeLog::Agent {
        return Got::Nothing;
    }
    let local = match machine.read(wanted).await {
        Some(local) if local.reaches => return Got::Here(place, local.bytes),
        local => local,
    };
    match (node_logs::read(client, wanted).await, local) {
        (Ok(bytes), _) => Got::Text(place, bytes),
        (Err(_), Some(local)) => Got::Here(place, local.bytes),
        (Err(error), None) => Got::Refused(error),
    }
}

/// The answer that an object is not there; a path that the server does not know is no such answer.
fn is_absence(error: &RequestError, reference: &ObjectRef) -> bool {
    matches!(error, RequestError::Status { code: 404, message }
        if message.contains(&format!("\"{}\" not found", reference.name)))
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

/// An object by its name; `None` of a kind whose path is not known.
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
    client.get(&get).await.map(|answer| Some(answer.bytes))
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
        gathered.known.extend(outcome.known);
        for (object, _) in outcome.objects {
            gathered.world.put_object(object);
            added = true;
        }
    }
    added
}
