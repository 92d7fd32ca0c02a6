//! Names of containers from the container runtime's own socket: the Container Runtime Interface, which containerd, CRI-O
//! and cri-dockerd serve (`kubernetes/cri-api`, `pkg/apis/runtime/v1/api.proto`). Two questions, both read-only.

mod call;
mod messages;

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::names::Named;
use crate::state::{Condition, State};
use call::{CallError, Connection};
use messages::{ListContainers, ListPodSandbox, Nothing};

pub(crate) use sonde_host::RUNTIME_SOCKETS as WELL_KNOWN;

/// A runtime is not asked more often than this, however many containers come and go.
const PAUSE: Duration = Duration::from_secs(1);
/// It is asked this often while nothing is missing, so that a container has its name before it dies.
const REST: Duration = Duration::from_secs(30);
/// Both answers must be here by then.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Asks one runtime for as long as the agent runs: at a miss, and now and then.
pub(crate) async fn keep_asking(
    state: Rc<RefCell<State>>,
    runtime: usize,
    socket: PathBuf,
    missed: Rc<Notify>,
) {
    let mut failures: u32 = 0;
    loop {
        let answer = ask(&socket).await;
        failures = match &answer {
            Err(Condition::Fails(_)) => (failures + 1).min(5),
            _ => 0,
        };
        let there = answer.is_ok();
        state.borrow_mut().learn(runtime, answer, Timestamp::now());
        sleep(PAUSE * 2_u32.pow(failures)).await;
        if there && !state.borrow().wants_names() {
            // Whichever comes first; both mean "ask again".
            let _ = timeout(REST, missed.notified()).await;
        }
    }
}

/// Everything that a runtime has at this moment.
pub(crate) async fn ask(socket: &Path) -> Result<Vec<Named>, Condition> {
    match timeout(ANSWER_MAX, list(socket)).await {
        Ok(Ok(list)) => Ok(list),
        Ok(Err(CallError::Connect(error))) if error.kind() == io::ErrorKind::NotFound => {
            Err(Condition::Absent)
        }
        Ok(Err(error)) => Err(Condition::Fails(error.to_string())),
        Err(_) => Err(Condition::Fails(format!(
            "no answer within {} s",
            ANSWER_MAX.as_secs()
        ))),
    }
}

async fn list(socket: &Path) -> Result<Vec<Named>, CallError> {
    let mut connection = Connection::open(socket).await?;
    let sandboxes: ListPodSandbox = connection.call("ListPodSandbox", &Nothing {}).await?;
    let containers: ListContainers = connection.call("ListContainers", &Nothing {}).await?;
    Ok(named(sandboxes, containers))
}

/// Sandboxes know their pod, containers know their sandbox.
fn named(sandboxes: ListPodSandbox, containers: ListContainers) -> Vec<Named> {
    let pods: HashMap<String, Named> = sandboxes
        .items
        .into_iter()
        .map(|sandbox| {
            let pod = sandbox.metadata.unwrap_or_default();
            let named = Named {
                id: sandbox.id.clone(),
                namespace: pod.namespace.into(),
                pod: pod.name.into(),
                pod_uid: pod.uid.into(),
                container: Arc::default(),
                sandbox: true,
            };
            (sandbox.id, named)
        })
        .collect();
    let mut all: Vec<Named> = containers
        .containers
        .into_iter()
        .filter_map(|container| {
            let pod = pods.get(&container.pod_sandbox_id)?;
            Some(Named {
                id: container.id,
                container: container.metadata.unwrap_or_default().name.into(),
                sandbox: false,
                ..pod.clone()
            })
        })
        .collect();
    all.extend(pods.into_values());
    all
}

#[cfg(test)]
mod tests {
    use super::messages::{Container, ContainerMetadata, PodSandbox, PodSandboxMetadata};
    use super::*;

    #[test]
    fn containers_get_the_names_of_their_pod() {
        let sandboxes = ListPodSandbox {
            items: vec![PodSandbox {
                id: "s1".into(),
                metadata: Some(PodSandboxMetadata {
                    name: "checkout".into(),
                    uid: "u1".into(),
                    namespace: "shop".into(),
                }),
            }],
        };
        let container = |id: &str, sandbox: &str| Container {
            id: id.into(),
            pod_sandbox_id: sandbox.into(),
            metadata: Some(ContainerMetadata { name: "app".into() }),
        };
        let containers = ListContainers {
            containers: vec![container("c1", "s1"), container("c2", "gone")],
        };
        let all = named(sandboxes, containers);
        let short: Vec<_> = all
            .iter()
            .map(|it| (&*it.id, &*it.namespace, &*it.pod, &*it.container, it.sandbox))
            .collect();
        assert_eq!(
            short,
            [
                ("c1", "shop", "checkout", "app", false),
                ("s1", "shop", "checkout", "", true)
            ]
        );
    }
}
