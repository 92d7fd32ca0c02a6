//! `manifest.json` of our bundles: what was read, when, and what of it is complete.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sonde_diagnose::{Gap, LogKey};
use sonde_model::{Kind, ObjectRef, Problem};
use sonde_world::{Completeness, Coverage, World};

/// The value of [`Manifest::schema`].
pub const SCHEMA: &str = "sonde.bundle/v1";

/// The name of the file.
pub(crate) const FILE: &str = "manifest.json";

/// A bundle's manifest. Fields are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The version of Sonde that wrote it.
    #[serde(default)]
    pub sonde_version: String,
    /// Where the objects came from: a context, a path.
    #[serde(default)]
    pub source: String,
    /// The API server's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_version: Option<String>,
    /// The "now" of the bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// For each kind that was completely listed the namespaces, or `*` for the whole cluster.
    #[serde(default)]
    pub complete: BTreeMap<Kind, Vec<String>>,
    /// The objects that were asked about; empty for everything. The others are there because they tell something of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<ObjectRef>,
    /// What could not be looked at when it was written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(rename = "blindSpots")]
    pub gaps: Vec<Gap>,
    /// Objects that were asked for by name, and were not there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<ObjectRef>,
    /// Logs of containers that were asked for, and there were none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub no_logs: Vec<LogKey>,
    /// Input that could not be used when it was written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

/// The mark of a kind that was listed in the whole cluster.
const EVERYWHERE: &str = "*";

impl Manifest {
    /// The manifest in these bytes, if they are one.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let manifest: Manifest = serde_json::from_slice(bytes).ok()?;
        manifest.schema.starts_with("sonde.bundle/").then_some(manifest)
    }

    /// Sets what a coverage says.
    pub(crate) fn set_complete(&mut self, coverage: &Coverage) {
        self.complete = coverage
            .iter()
            .filter_map(|(kind, completeness)| match completeness {
                Completeness::None => None,
                Completeness::All => Some((kind.clone(), vec![EVERYWHERE.to_owned()])),
                Completeness::Namespaces(set) => {
                    Some((kind.clone(), set.iter().map(ToString::to_string).collect()))
                }
            })
            .collect();
    }

    /// Marks in a world what is complete.
    pub(crate) fn mark(&self, world: &mut World) {
        for (kind, namespaces) in &self.complete {
            for namespace in namespaces {
                let namespace = (namespace != EVERYWHERE).then_some(namespace.as_str());
                world.mark_complete(kind.clone(), namespace);
            }
        }
        let snapshot = world.snapshot();
        for object in self.absent.iter().filter(|it| snapshot.get(it).is_none()) {
            world.mark_absent(object);
        }
    }
}
