//! Who died, and who sent the signal: `signal_generate`, `sched_process_exit` and `mark_victim`.

mod record;

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use libbpf_rs::{RingBuffer, RingBufferBuilder};
use zerocopy::FromBytes;

use crate::object::{Loaded, set_constants};
use crate::{Error, Hierarchy};

/// Something that ended a process, or tried to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Time since the node's boot, suspended time included (`CLOCK_BOOTTIME`).
    pub since_boot: Duration,
    /// The process that was hit.
    pub subject: Process,
    /// What happened to it.
    pub what: What,
}

/// What happened to a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A signal was sent whose default is to end the process.
    Signal {
        /// Its number.
        signal: i32,
        /// Who sent it.
        sender: Sender,
        /// Whether it reached the process: a blocked, ignored or repeated one did not.
        delivered: bool,
    },
    /// It ended by a signal; or it was the first process of its pid namespace, and ended.
    Exit(Ending),
    /// The kernel chose it when memory ran out.
    Oom {
        /// The process whose allocation did not fit.
        trigger: Process,
        /// What the victim held.
        held: Held,
        /// Use and limit of the victim's control group and those above it, the nearest first.
        groups: Vec<MemoryGroup>,
    },
}

/// How a process ended, as wait(2) has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It left by itself with this code.
    Code(u8),
    /// This signal ended it.
    Signal(u8),
}

/// Who sent a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// The kernel, while this process was running: a fault of its own, the out-of-memory killer, the end of a pid
    /// namespace.
    Kernel(Process),
    /// A process, by kill(2) and its kin.
    Process(Process),
}

/// A process at the time of the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The process id on the node.
    pub pid: u32,
    /// The process id in its own pid namespace.
    pub namespace_pid: u32,
    /// Depth of its pid namespace; 0 is the node's own.
    pub namespace_level: u32,
    /// The effective user on the node.
    pub uid: u32,
    /// The command's name, cut by the kernel at 15 bytes.
    pub command: String,
    /// The parent's process id.
    pub parent_pid: u32,
    /// The parent's command.
    pub parent_command: String,
    /// Its control group.
    pub group: Group,
}

impl Process {
    /// Whether it is the first process of a pid namespace other than the node's: what ends with it is a container
    /// (or a pod, where the pod's containers share one).
    pub fn is_namespace_init(&self) -> bool {
        self.namespace_level > 0 && self.namespace_pid == 1
    }
}

/// A control group, by what the kernel knows of it without a walk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Group {
    /// Its inode in the hierarchy.
    pub id: u64,
    /// Its own name: for a container, what the runtime made of the container's id.
    pub name: String,
    /// Its parent's name: for a container, what the kubelet made of the pod's uid.
    pub parent: String,
}

/// Memory that a process held, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Anonymous memory.
    pub anonymous: u64,
    /// Mapped files.
    pub file: u64,
    /// Shared memory and tmpfs.
    pub shared: u64,
    /// Swapped out.
    pub swap: u64,
}

/// Use and limit of a control group, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryGroup {
    /// The group's own name; the root's is empty.
    pub name: String,
    /// What is charged to it.
    pub usage: u64,
    /// Its limit; `None` without one.
    pub limit: Option<u64>,
}

/// The programs at work. Dropping it takes them down.
pub struct Deaths {
    ring: RingBuffer<'static>,
    loaded: Loaded,
}

impl Deaths {
    /// Loads and attaches the programs; `on_event` is called from [`Self::consume`] and [`Self::wait`].
    ///
    /// # Errors
    ///
    /// When the kernel refuses a program, for want of rights or of a feature.
    pub fn start(
        hierarchy: &Hierarchy,
        mut on_event: impl FnMut(Event) + Send + 'static,
    ) -> Result<Self, Error> {
        let memory_on_v1 = matches!(hierarchy, Hierarchy::Memory(_));
        let mut loaded = Loaded::load("deaths", OBJECT, |open| {
            set_constants(open, &[u8::from(memory_on_v1)])
        })?;
        loaded.attach(|_| true)?;
        let mut builder = RingBufferBuilder::new();
        let ring = {
            let map = loaded.map("deaths")?;
            builder
                .add(&map, move |bytes: &[u8]| {
                    if let Some(event) = read(bytes) {
                        on_event(event);
                    }
                    0
                })
                .map_err(Error::kernel("opening the ring of deaths"))?;
            builder
                .build()
                .map_err(Error::kernel("opening the ring of deaths"))?
        };
        Ok(Self { ring, loaded })
    }

    /// Hands over what is in the ring, without waiting.
    ///
    /// # Errors
    ///
    /// When the ring cannot be read.
    pub fn consume(&self) -> Result<(), Error> {
        self.ring
            .consume()
            .map_err(Error::kernel("reading the ring of deaths"))
    }

    /// Waits up to `timeout` for events and hands them over.
    ///
    /// # Errors
    ///
    /// When the ring cannot be read.
    pub fn wait(&self, timeout: Duration) -> Result<(), Error> {
        self.ring
            .poll(timeout)
            .map_err(Error::kernel("waiting for the ring of deaths"))
    }

    /// A descriptor that becomes readable when events come; each time, [`Self::consume`] must take all there are.
    ///
    /// # Errors
    ///
    /// When the process has no descriptor left.
    pub fn descriptor(&self) -> Result<OwnedFd, Error> {
        self.loaded
            .map("deaths")?
            .as_fd()
            .try_clone_to_owned()
            .map_err(|source| Error::File {
                doing: "copying the descriptor of the ring of deaths".to_owned(),
                source,
            })
    }

    /// How many events did not fit into the ring since the start.
    ///
    /// # Errors
    ///
    /// When the counter cannot be read.
    pub fn lost(&self) -> Result<u64, Error> {
        self.loaded.counter("lost", 0)
    }
}

static OBJECT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/deaths.bpf.o"));

fn read(bytes: &[u8]) -> Option<Event> {
    let (death, _) = record::Death::read_from_prefix(bytes).ok()?;
    let subject = process(&death.subject);
    let what = match death.kind {
        record::SIGNAL => What::Signal {
            signal: death.signal,
            sender: sender(&death),
            // include/trace/events/signal.h: TRACE_SIGNAL_DELIVERED is 0
            delivered: death.result == 0,
        },
        record::EXIT => What::Exit(ending(death.signal)),
        record::OOM => What::Oom {
            trigger: process(&death.sender),
            held: Held {
                anonymous: bytes_of(death.anon_pages),
                file: bytes_of(death.file_pages),
                shared: bytes_of(death.shmem_pages),
                swap: bytes_of(death.swap_entries),
            },
            groups: death.memory.iter().map_while(memory_group).collect(),
        },
        _ => return None,
    };
    Some(Event {
        since_boot: Duration::from_nanos(death.boot_ns),
        subject,
        what,
    })
}

/// `si_code` above 0 is the kernel's word (include/uapi/asm-generic/siginfo.h: SI_USER is 0, SI_KERNEL 0x80, faults
/// count from 1); without a siginfo the kernel marks its own with SEND_SIG_PRIV.
fn sender(death: &record::Death) -> Sender {
    let process = process(&death.sender);
    match death.code {
        record::CODE_NO_INFO => Sender::Process(process),
        record::CODE_KERNEL => Sender::Kernel(process),
        code if code > 0 => Sender::Kernel(process),
        _ => Sender::Process(process),
    }
}

fn ending(status: i32) -> Ending {
    match (status & 0x7f) as u8 {
        0 => Ending::Code((status >> 8) as u8),
        signal => Ending::Signal(signal),
    }
}

fn process(raw: &record::Process) -> Process {
    Process {
        pid: raw.pid,
        namespace_pid: raw.namespace_pid,
        namespace_level: raw.namespace_level,
        uid: raw.uid,
        command: record::text(&raw.comm),
        parent_pid: raw.parent_pid,
        parent_command: record::text(&raw.parent_comm),
        group: Group {
            id: raw.group.id,
            name: record::text(&raw.group.name),
            parent: record::text(&raw.group.parent),
        },
    }
}

/// include/linux/page_counter.h: PAGE_COUNTER_MAX is LONG_MAX / PAGE_SIZE pages, which is no limit.
fn memory_group(raw: &record::MemoryLevel) -> Option<MemoryGroup> {
    let unlimited = i64::MAX as u64 / page_bytes();
    (raw.max_pages > 0 || raw.usage_pages > 0).then(|| MemoryGroup {
        name: record::text(&raw.name),
        usage: bytes_of(raw.usage_pages),
        limit: (raw.max_pages < unlimited).then(|| bytes_of(raw.max_pages)),
    })
}

fn bytes_of(pages: u64) -> u64 {
    pages.saturating_mul(page_bytes())
}

fn page_bytes() -> u64 {
    rustix::param::page_size() as u64
}
