//! What stands in texts that belong to nothing yet: descriptions, tables, events, logs, each made to what it is about.

use std::sync::Arc;

use jiff::Timestamp;
use sonde_diagnose::{LogKey, LooseMessage};
use sonde_grammar::log::NodeLog;
use sonde_grammar::paste::{self, Origin, PastedLog};
use sonde_model::Kind;
use sonde_world::{ContainerColumns, ContainerState, PodColumns, Snapshot};

use crate::gathered::Gathered;
use crate::limits::NOT_UNDERSTOOD_MAX;
use crate::{texts, yaml};

/// What all texts together show.
#[derive(Default)]
pub(crate) struct Pasting {
    objects: Vec<(Origin, serde_json::Value)>,
    logs: Vec<PastedLog>,
    /// Manifests that stand in the texts, to be read as objects.
    pub(crate) manifests: Vec<String>,
    pub(crate) newest: Option<Timestamp>,
}

impl Pasting {
    /// Reads one redacted text.
    pub(crate) fn read(&mut self, gathered: &mut Gathered, path: &str, text: &str) {
        let pasted = paste::read_with(text, crate::redact::text);
        self.newest = self.newest.max(pasted.newest);
        // Blank lines stand where objects were taken out.
        gathered.texts.lines += text.lines().filter(|line| !line.trim().is_empty()).count();
        texts::counters(gathered, &Arc::from(""), text);
        if pasted.bytes_skipped > 0 {
            gathered.problem(
                path,
                format!("is long: its last {} bytes were left out", pasted.bytes_skipped),
            );
        }
        let origins = pasted.partial.iter().map(|partial| partial.origin);
        self.objects.extend(origins.zip(pasted.objects));
        self.logs.extend(pasted.logs);
        self.manifests.extend(pasted.yaml_or_json);
        let pieces = pasted
            .pieces
            .iter()
            .filter_map(|piece| paste::complete(decode(piece)?));
        self.objects
            .extend(pieces.map(|object| (Origin::Describe, object)));
        for line in pasted.kernel_lines {
            let node = texts::at(&Arc::from(""), line.host.as_deref());
            gathered.texts.kernel.entry(node).or_default().push(line);
        }
        for line in pasted
            .node_lines
            .into_iter()
            .filter(|line| line.origin != NodeLog::Kernel)
        {
            let node = texts::at(&Arc::from(""), line.host.as_deref());
            gathered.texts.node.entry(node).or_default().push(line);
        }
        gathered
            .texts
            .loose
            .extend(pasted.loose.into_iter().map(|message| LooseMessage {
                text: match message.reason {
                    Some(reason) if !message.text.starts_with(&reason) => {
                        format!("{reason}: {}", message.text)
                    }
                    _ => message.text,
                },
                time: message.time,
                about: None,
                container: None,
                facts: message.facts,
            }));
        let room = NOT_UNDERSTOOD_MAX.saturating_sub(gathered.not_understood.len());
        gathered
            .not_understood
            .extend(pasted.not_understood.into_iter().take(room));
    }

    /// Puts partial objects into the world, the most telling last, and logs to their containers.
    pub(crate) fn finish(mut self, gathered: &mut Gathered) {
        self.objects.sort_by_key(|(origin, _)| *origin);
        for (_, value) in self.objects {
            if let Err(error) = gathered.world.put_partial_json(value.to_string().into(), None) {
                gathered.problem("text", format!("an object in it was not understood: {error}"));
            }
        }
        let snapshot = gathered.world.snapshot();
        for log in self.logs {
            let key = key(&log, &snapshot);
            // The lines were counted with the text that they stand in.
            texts::keep_container(gathered, key, &log.lines.join("\n"));
        }
    }
}

/// A piece of YAML or JSON as a value.
fn decode(piece: &str) -> Option<serde_json::Value> {
    if piece.trim_start().starts_with(['{', '[']) {
        return serde_json::from_str(piece).ok();
    }
    let documents = yaml::to_json(piece, 1).ok()?;
    serde_json::from_slice(documents.first()?).ok()
}

/// The container that a pasted log is of: as named, else the only one that it can be.
fn key(log: &PastedLog, snapshot: &Snapshot) -> LogKey {
    let fits = |wanted: &Option<String>, have: &str| wanted.as_deref().is_none_or(|wanted| wanted == have);
    let pods: Vec<_> = snapshot
        .of_kind(Kind::Pod)
        .filter(|pod| fits(&log.pod, &pod.reference.name) && fits(&log.namespace, &pod.reference.namespace))
        .filter_map(|pod| Some((&pod.reference, pod.pod()?)))
        .take(2)
        .collect();
    let mut key = LogKey {
        namespace: log.namespace.as_deref().unwrap_or_default().into(),
        pod: log.pod.as_deref().unwrap_or_default().into(),
        container: log.container.as_deref().unwrap_or_default().into(),
        previous: log.previous,
    };
    if let [(reference, pod)] = pods[..] {
        key.namespace = reference.namespace.clone();
        key.pod = reference.name.clone();
        if let Some(container) = container(&log.container, pod) {
            key.container = container.name.clone();
        }
    }
    key
}

/// The named container, else the only one, else the only one that is in trouble.
fn container<'a>(name: &Option<String>, pod: &'a PodColumns) -> Option<&'a ContainerColumns> {
    let only = |fits: &dyn Fn(&ContainerColumns) -> bool| {
        let mut fitting = pod.containers.iter().filter(|it| fits(it));
        fitting.next().filter(|_| fitting.next().is_none())
    };
    if let Some(name) = name {
        return only(&|it| *it.name == **name);
    }
    only(&|_| true)
        .or_else(|| only(&|it| it.restarts > 0 || matches!(it.last, ContainerState::Terminated { .. })))
}
