//! The format of a scenario's file. `$NAMESPACE` stands for the scenario's own namespace in every text.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sonde_model::{Family, Verdict};

use super::condition::Condition;
use crate::cluster::repository;
use crate::packages::find_program;

/// One fault, or one healthy thing.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Scenario {
    /// The file's name.
    #[serde(skip)]
    pub(crate) name: String,
    pub(crate) description: String,
    /// The family of causes it belongs to, or `healthy`.
    pub(crate) family: String,
    #[serde(default)]
    kubernetes: Minors,
    /// Programs that the machine must have.
    #[serde(default)]
    needs: Vec<String>,
    /// Takes a few seconds; part of every test run.
    #[serde(default)]
    pub(crate) fast: bool,
    /// Disturbs other scenarios, and therefore runs alone.
    #[serde(default)]
    pub(crate) exclusive: bool,
    /// Manifests, as `kubectl apply` reads them.
    pub(crate) apply: String,
    /// What is done after that, in this order.
    #[serde(default, rename = "break")]
    pub(crate) steps: Vec<Step>,
    /// The states that show that the fault is there.
    #[serde(default)]
    pub(crate) wait: Vec<Condition>,
    /// Seconds to wait for each group of states.
    #[serde(default = "default_patience")]
    pub(crate) patience: u64,
    /// Arguments of `sonde diagnose`, instead of the whole namespace.
    #[serde(default)]
    diagnose: Vec<String>,
    /// What must be found. Nothing else may be, at warning or above.
    pub(crate) expect: Vec<Expectation>,
    /// Codes that may be found as well.
    #[serde(default)]
    pub(crate) tolerate: Vec<String>,
    pub(crate) paste: Option<Paste>,
    /// What is done at the end, whatever happened; the manifests and the namespace are deleted after it.
    #[serde(default)]
    pub(crate) cleanup: Vec<Step>,
}

/// Minors of Kubernetes, both ends included.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Minors {
    min: Option<String>,
    max: Option<String>,
}

/// Something done to the cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Step {
    /// Arguments of kubectl, in the scenario's namespace; single quotes hold blanks together.
    Kubectl(String),
    /// The same, where the cluster must refuse.
    KubectlRefused(String),
    /// Manifests to apply now.
    Apply(String),
    Wait(Vec<Condition>),
    /// Seconds, where the fault is that something takes too long.
    LetPass(u64),
    StopKubelet(String),
    StartKubelet(String),
    StartContainerd(String),
    /// Start the metrics server on a node, as the cluster's metrics API.
    StartMetricsServer(String),
    /// Take it away again.
    StopMetricsServer(String),
    /// Undo what cut a node off the network.
    RestoreNetwork(String),
    /// Kill all processes of a program on a node.
    Kill {
        node: String,
        program: String,
    },
    /// A command on a node.
    Node {
        node: String,
        run: Vec<String>,
    },
    /// Set a field of the kubelet's configuration, and start it again.
    KubeletConfig {
        node: String,
        set: String,
    },
}

/// What pasted text alone cannot tell.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paste {
    /// Why it cannot.
    pub(crate) misses: String,
    /// Codes that it may tell instead: true, but less than what is expected.
    #[serde(default)]
    pub(crate) says: Vec<String>,
}

/// A finding that must be there, once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    pub(crate) code: String,
    /// Exactly this sure; several, where a race decides which evidence is at hand, with a comment why.
    #[serde(deserialize_with = "one_or_many")]
    pub(crate) verdict: Vec<Verdict>,
    /// `kind/name`; `*` stands for any text.
    pub(crate) subject: Option<String>,
    /// Words that the finding must contain anywhere, in any case.
    #[serde(default)]
    pub(crate) words: Vec<String>,
}

/// A verdict, or a list of them.
fn one_or_many<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Verdict>, D::Error> {
    let verdicts = match Value::deserialize(input)? {
        Value::Array(many) => many,
        one => vec![one],
    };
    verdicts
        .into_iter()
        .map(|it| serde_json::from_value(it).map_err(serde::de::Error::custom))
        .collect()
}

impl Scenario {
    /// Why this scenario cannot run on a minor of Kubernetes, or on this machine; `None` if it can.
    pub(crate) fn unfit_for(&self, minor: &str) -> Option<String> {
        if let Some(program) = self.needs.iter().find(|name| find_program(name).is_none()) {
            return Some(format!("needs {program} on this machine"));
        }
        let number = |text: &str| {
            text.split_once('.')
                .and_then(|(_, minor)| minor.parse::<u32>().ok())
        };
        let here = number(minor)?;
        let Minors { min, max } = &self.kubernetes;
        if min.as_deref().and_then(number).is_some_and(|min| here < min) {
            return min.as_ref().map(|min| format!("needs Kubernetes {min} or newer"));
        }
        if max.as_deref().and_then(number).is_some_and(|max| here > max) {
            return max.as_ref().map(|max| format!("needs Kubernetes {max} or older"));
        }
        None
    }

    /// The arguments with which Sonde is asked, in a namespace of this name.
    pub(crate) fn question(&self, namespace: &str) -> Vec<String> {
        if self.diagnose.is_empty() {
            return vec!["-n".to_owned(), namespace.to_owned()];
        }
        let filled = |text: &String| text.replace("$NAMESPACE", namespace);
        self.diagnose.iter().map(filled).collect()
    }

    /// Every code that the scenario names.
    pub(crate) fn codes(&self) -> impl Iterator<Item = &str> {
        let expected = self.expect.iter().map(|expectation| expectation.code.as_str());
        let instead = self.paste.iter().flat_map(|paste| &paste.says);
        expected.chain(self.tolerate.iter().chain(instead).map(String::as_str))
    }

    /// The nodes that findings are about.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &str> {
        let subjects = self
            .expect
            .iter()
            .filter_map(|expectation| expectation.subject.as_deref());
        subjects
            .filter_map(|subject| subject.strip_prefix("node/"))
            .filter(|name| !name.contains('*'))
    }

    fn check(&self) -> Result<()> {
        let is_family = Family::ALL.iter().any(|family| family.as_str() == self.family);
        ensure!(
            is_family || self.family == HEALTHY,
            "family {:?} is not known",
            self.family
        );
        ensure!(
            (self.family == HEALTHY) == self.expect.is_empty(),
            "healthy scenarios expect nothing, all others expect something"
        );
        Ok(())
    }
}

/// The family of scenarios in which nothing must be found.
const HEALTHY: &str = "healthy";

fn default_patience() -> u64 {
    90
}

/// Every scenario of the repository, by family and name.
pub(crate) fn load_all() -> Result<Vec<Scenario>> {
    let folder = repository().join("scenarios");
    let entries =
        std::fs::read_dir(&folder).with_context(|| format!("failed to list {}", folder.display()))?;
    let mut scenarios = Vec::new();
    for entry in entries {
        let path = entry.context("failed to list the scenarios")?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            scenarios.push(load(&path).with_context(|| path.display().to_string())?);
        }
    }
    scenarios.sort_by(|a, b| (&a.family, &a.name).cmp(&(&b.family, &b.name)));
    Ok(scenarios)
}

/// The scenario with exactly this name.
pub(crate) fn load_named(name: &str) -> Result<Scenario> {
    let Some(scenario) = load_all()?.into_iter().find(|scenario| scenario.name == name) else {
        bail!("there is no scenario {name}; `cargo xtask scenarios --list` lists them");
    };
    Ok(scenario)
}

fn load(path: &Path) -> Result<Scenario> {
    let text = std::fs::read_to_string(path).context("failed to read a scenario")?;
    let mut scenario = parse(&text)?;
    scenario.name = path
        .file_stem()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
        .to_owned();
    Ok(scenario)
}

fn parse(text: &str) -> Result<Scenario> {
    let scenario: Scenario = serde_saphyr::from_str(text).map_err(|error| anyhow::anyhow!("{error}"))?;
    scenario.check()?;
    Ok(scenario)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_scenario() {
        let scenarios = load_all().unwrap();
        assert!(scenarios.len() >= 60, "{} scenarios", scenarios.len());
        for scenario in &scenarios {
            assert!(!scenario.wait.is_empty(), "{} waits for no state", scenario.name);
            assert!(
                scenario.name.len() <= 50,
                "{} is too long for a namespace",
                scenario.name
            );
        }
    }

    /// Families whose causes matter as rivals and culprits of others, with how many scenarios of their own they have, and why.
    const FEW: &[(&str, usize, &str)] = &[
        (
            "NET",
            0,
            "what is told of the network needs the agent's eyes; overflowing a queue would disturb the machine",
        ),
        (
            "NOD",
            0,
            "what ails a node shows as LOS or EVI; the kernel's troubles would disturb the machine",
        ),
        (
            "SVC",
            1,
            "a service that selects nothing shows beside RDY; one scenario is its own",
        ),
    ];

    #[test]
    fn every_family_has_three() {
        let scenarios = load_all().unwrap();
        let pages = std::fs::read_dir(repository().join("docs/causes")).unwrap();
        let mut families: Vec<String> = pages
            .map(|page| page.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| Some(name.split_once('-')?.0.to_owned()))
            .chain([HEALTHY.to_owned()])
            .collect();
        families.sort();
        families.dedup();
        assert!(families.len() > 15, "{families:?}");
        for family in &families {
            let count = scenarios.iter().filter(|it| it.family == *family).count();
            match FEW.iter().find(|(name, ..)| name == family) {
                Some((_, few, why)) => assert_eq!(count, *few, "{family} ({why})"),
                None => assert!(count >= 3, "{family} has {count}"),
            }
        }
        for (name, ..) in FEW {
            assert!(
                families.iter().any(|it| it == name),
                "{name} is no family any more"
            );
        }
    }

    #[test]
    fn a_scenario_may_be_for_some_minors_only() {
        let text = "{description: d, family: healthy, apply: '', expect: [], kubernetes: {min: '1.33', max: '1.35'}}";
        let scenario = parse(text).unwrap();
        assert!(scenario.unfit_for("1.32").is_some() && scenario.unfit_for("1.36").is_some());
        assert!(scenario.unfit_for("1.33").is_none());
    }

    #[test]
    fn refuses_what_expects_nothing_or_is_misspelled() {
        assert!(parse("{description: d, family: OOM, apply: '', expect: []}").is_err());
        assert!(parse("{description: d, family: healthy, apply: '', expect: [], wiat: []}").is_err());
        assert!(
            parse("{description: d, family: XYZ, apply: '', expect: [{code: XYZ-A, verdict: proven}]}")
                .is_err()
        );
        assert!(parse("{description: d, family: OOM, apply: '', expect: [{code: OOM-NODE}]}").is_err());
        let several =
            "{description: d, family: OOM, apply: '', expect: [{code: OOM-NODE, verdict: [likely, proven]}]}";
        assert_eq!(
            parse(several).unwrap().expect[0].verdict,
            [Verdict::Likely, Verdict::Proven]
        );
    }
}
