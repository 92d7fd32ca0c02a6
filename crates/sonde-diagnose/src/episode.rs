//! One occurrence of a symptom.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sonde_model::{Moment as _, ObjectRef};
use sonde_world::view::Terminated;

/// What is not as it should be. A cause declares which symptoms it can produce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Symptom {
    /// A pod has no node.
    Unschedulable,
    /// A pod has a node; its sandbox or volumes are not there.
    NotStarting,
    /// A container's image is not there.
    ImageNotPulled,
    /// A container cannot be configured, created or started; its process never ran.
    ContainerNotCreated,
    /// A container's postStart hook fails, or a preStop hook did.
    HookFailed,
    /// An init container or sidecar neither ends nor becomes ready, and blocks the pod.
    InitBlocked,
    /// Something holds a pod back, and what comes after that would fail as well.
    NotYetStarted,
    /// A container's process ended and should not have, or ended badly.
    Terminated,
    /// A container runs and is not ready beyond its start budget.
    NotReady,
    /// A pod was evicted or preempted.
    Evicted,
    /// The kubelet refused a pod bound to its node.
    Rejected,
    /// Nobody knows what a pod does: its node does not report.
    Lost,
    /// An object outlives its deletion and grace.
    Deleting,
    /// A node does not report, or is not ready.
    NodeNotReady,
    /// A node is ready and short of something, or its kernel complains.
    NodePressure,
    /// A workload has fewer pods than it wants because they cannot be created.
    PodsNotCreated,
    /// A rollout does not move.
    RolloutStuck,
    /// A Job failed or cannot finish.
    JobFailed,
    /// A CronJob does not run when it should.
    ScheduleMissed,
    /// An autoscaler cannot do its work.
    NotScaling,
    /// A budget allows no disruption.
    BudgetBlocks,
    /// A claim is not bound.
    ClaimNotBound,
    /// A service has no ready endpoint.
    NoEndpoints,
    /// A service sends to a port that nothing may listen on.
    PortNotServed,
    /// A service of type LoadBalancer has no address.
    NoAddress,
    /// An ingress sends to what does not exist.
    NotRouted,
    /// An ingress has no address, and nobody who would give it one is there.
    Unserved,
    /// A workload does nothing because it was told so; of interest only to who asks about it by name.
    AtRest,
}

impl Symptom {
    /// A process that ended was ended by one sender, a pull failed for one reason: a proof of one cause refutes the
    /// rest. Where several causes can hold at once (two missing ConfigMaps), each proof is a finding of its own.
    pub fn is_exclusive(self) -> bool {
        !matches!(
            self,
            Symptom::Unschedulable
                | Symptom::NotStarting
                | Symptom::NotYetStarted
                | Symptom::Deleting
                | Symptom::NodePressure
                | Symptom::NotReady
                | Symptom::RolloutStuck
                | Symptom::NotScaling
        )
    }

    /// The symptom follows from what is wrong with the objects that the subject owns; their findings explain it.
    pub fn follows_from_owned(self) -> bool {
        matches!(
            self,
            Symptom::RolloutStuck
                | Symptom::JobFailed
                | Symptom::NoEndpoints
                | Symptom::BudgetBlocks
                | Symptom::NotScaling
        )
    }

    /// The code of the finding when no cause stands.
    pub(crate) fn unknown_code(self) -> &'static str {
        match self {
            Symptom::Unschedulable => "SCH-UNKNOWN",
            Symptom::NotStarting => "CRE-NOT-STARTING-UNKNOWN",
            Symptom::ImageNotPulled => "IMG-UNKNOWN",
            Symptom::ContainerNotCreated | Symptom::NotYetStarted => "CRE-UNKNOWN",
            Symptom::HookFailed => "HOK-UNKNOWN",
            Symptom::InitBlocked => "INI-UNKNOWN",
            Symptom::Terminated => "EXT-UNKNOWN",
            Symptom::NotReady => "RDY-UNKNOWN",
            Symptom::Evicted => "EVI-UNKNOWN",
            Symptom::Rejected => "SCH-REJECTED-UNKNOWN",
            Symptom::Lost => "LOS-UNKNOWN",
            Symptom::Deleting => "TRM-UNKNOWN",
            Symptom::NodeNotReady => "LOS-NODE-UNKNOWN",
            Symptom::NodePressure => "NOD-UNKNOWN",
            Symptom::PodsNotCreated => "ADM-UNKNOWN",
            Symptom::RolloutStuck => "ROL-UNKNOWN",
            Symptom::JobFailed => "ROL-JOB-UNKNOWN",
            Symptom::ScheduleMissed => "ROL-CRONJOB-UNKNOWN",
            Symptom::NotScaling => "ROL-AUTOSCALER-UNKNOWN",
            Symptom::BudgetBlocks => "ROL-BUDGET-UNKNOWN",
            Symptom::ClaimNotBound => "DEP-CLAIM-UNKNOWN",
            Symptom::NoEndpoints
            | Symptom::PortNotServed
            | Symptom::NoAddress
            | Symptom::NotRouted
            | Symptom::Unserved => "SVC-UNKNOWN",
            Symptom::AtRest => "ROL-AT-REST-UNKNOWN",
        }
    }
}

/// One run of a container that ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// How it ended.
    pub end: Terminated,
    /// Where the status says so: `status.containerStatuses[0].lastState.terminated`.
    pub path: String,
    /// The log of this run is the container's previous log.
    pub previous: bool,
    /// How often the container was restarted in all.
    pub restarts: i64,
}

/// One occurrence of a symptom, with what ties evidence to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// The object.
    pub subject: ObjectRef,
    /// The symptom.
    pub symptom: Symptom,
    /// The container, where one is meant.
    pub container: Option<Arc<str>>,
    /// What the user sees: `CrashLoopBackOff`.
    pub word: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// When it ended, where it is over.
    pub ended: Option<Timestamp>,
    /// How often in a row it has happened to what its owner made anew each time; 0 where that was not counted.
    pub repeated: usize,
    /// The run that ended, for [`Symptom::Terminated`].
    pub run: Option<Run>,
}

impl Episode {
    /// An episode that goes on.
    pub fn new(subject: ObjectRef, symptom: Symptom, word: impl Into<String>) -> Self {
        Self {
            subject,
            symptom,
            container: None,
            word: word.into(),
            since: None,
            ended: None,
            repeated: 0,
            run: None,
        }
    }

    /// Of a container.
    #[must_use]
    pub fn of_container(mut self, container: &str) -> Self {
        self.container = Some(container.into());
        self
    }

    /// Since a time.
    #[must_use]
    pub fn since(mut self, since: Option<Timestamp>) -> Self {
        self.since = since;
        self
    }

    /// Whether something seen at `time` can belong to the episode. What has no time may belong to any.
    ///
    /// A run's evidence lies between its start and shortly after its end: the kubelet's event and the kernel's line are
    /// written up to a grace period before the end, statuses and events up to a minute after it.
    pub fn covers(&self, time: Option<Timestamp>) -> bool {
        let Some(time) = time else { return true };
        let Some(run) = &self.run else { return true };
        let after_start = run
            .end
            .started_at
            .0
            .is_none_or(|start| start.as_second() <= 0 || time >= start.earlier(SLACK));
        let before_end = run
            .end
            .finished_at
            .0
            .is_none_or(|end| end.as_second() <= 0 || time <= end.later(SLACK));
        after_start && before_end
    }
}

/// Clocks of kubelet, kernel and event writers agree within this; a guess, generous against a run's usual length.
const SLACK: SignedDuration = SignedDuration::from_secs(30);
