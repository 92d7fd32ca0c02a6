//! The engine's cost per object: `cargo bench -p sonde-diagnose --bench engine -- PODS.json ROUNDS`.
//! Run by `cargo xtask bench`, which makes the file; prints microseconds per healthy and per broken pod and per
//! ReplicaSet of the past, of which clusters have ten for each Deployment, a line a round.

use std::error::Error;
use std::time::Instant;

use serde_json::Value;
use sonde_diagnose::{Question, diagnose};
use sonde_world::World;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with("--"))
        .collect();
    let [path, rounds] = arguments.as_slice() else {
        // Plain `cargo bench` and `cargo test --benches` have no file.
        println!("no pods given: nothing measured");
        return Ok(());
    };
    let list: Value = serde_json::from_slice(&std::fs::read(path)?)?;
    let pods: &[Value] = list["items"].as_array().map_or(&[], Vec::as_slice);
    let is_healthy = |pod: &&Value| pod["status"]["containerStatuses"][0]["ready"] == true;
    let healthy: Vec<&Value> = pods.iter().filter(is_healthy).collect();
    let broken: Vec<&Value> = pods.iter().filter(|pod| !is_healthy(pod)).collect();
    let calm = question(&healthy)?;
    let sick = question(&broken)?;
    let sets: Vec<Value> = healthy.first().map_or_else(Vec::new, |pod| past_sets(pod));
    let past = question(&sets.iter().collect::<Vec<_>>())?;
    for _ in 0..rounds.parse::<usize>()? {
        println!("healthy {}", per_pod(&calm, healthy.len()));
        println!("broken {}", per_pod(&sick, broken.len()));
        println!("set {}", per_pod(&past, SETS));
    }
    Ok(())
}

/// ReplicaSets of the past that are measured.
const SETS: usize = 1_000;

/// What rollouts leave behind: sets that want no pods, with the whole template.
fn past_sets(pod: &Value) -> Vec<Value> {
    let set = |number: usize| {
        serde_json::json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {
                "name": format!("app-{number}"), "namespace": "shop",
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "app", "uid": "1", "controller": true}],
            },
            "spec": {"replicas": 0, "template": {"metadata": {"labels": pod["metadata"]["labels"]}, "spec": pod["spec"]}},
            "status": {"replicas": 0, "observedGeneration": 1},
        })
    };
    (0..SETS).map(set).collect()
}

fn question(pods: &[&Value]) -> Result<Question, Box<dyn Error>> {
    let mut world = World::new();
    for pod in pods {
        world.put_json(pod.to_string().into_bytes().into(), None)?;
    }
    let now = "2026-04-23T13:25:00Z".parse()?;
    Ok(Question {
        snapshot: world.snapshot(),
        now: Some(now),
        ..Question::default()
    })
}

/// Microseconds per pod, over enough repetitions to be longer than the clock's grain.
fn per_pod(question: &Question, pods: usize) -> f64 {
    const REPETITIONS: u32 = 20;
    let start = Instant::now();
    for _ in 0..REPETITIONS {
        std::hint::black_box(diagnose(std::hint::black_box(question)));
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(REPETITIONS) / pods.max(1) as f64
}
