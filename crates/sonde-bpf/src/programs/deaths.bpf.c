/* Who died, and who sent the signal.
 *
 * Rare events, so a ring buffer carries them whole; what does not fit is counted in `lost`.
 */
#include "kernel.h"
#include "groups.h"
#include "deaths.h"

char LICENSE[] SEC("license") = "GPL";

/* Set before loading: 1 where the memory controller sits on a hierarchy of version 1. */
const volatile bool memory_on_v1 = false;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} deaths SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

static __always_inline struct death *begin(__u32 kind)
{
	struct death *death = bpf_ringbuf_reserve(&deaths, sizeof(*death), 0);

	if (!death) {
		__u32 first = 0;
		__u64 *count = bpf_map_lookup_elem(&lost, &first);

		if (count)
			*count += 1;
		return 0;
	}
	__builtin_memset(death, 0, sizeof(*death));
	death->boot_ns = bpf_ktime_get_boot_ns();
	death->kind = kind;
	return death;
}

static __always_inline void tell_group(struct group *group, struct task_struct *task)
{
	struct kernfs_node *node = group_node(task, memory_on_v1);
	const char *name;

	group->id = BPF_CORE_READ(node, id);
	name = BPF_CORE_READ(node, name);
	bpf_probe_read_kernel_str(group->name, sizeof(group->name), name);
	node = parent_of(node);
	name = BPF_CORE_READ(node, name);
	bpf_probe_read_kernel_str(group->parent, sizeof(group->parent), name);
}

/* The process id as its own pid namespace counts it. `numbers` is a flexible array with an entry for each level, and
 * an entry is larger than the part of it that kernel.h names, so the step is the running kernel's. */
static __always_inline int namespace_pid(struct pid *pid, unsigned int level)
{
	struct upid *own = (void *)&pid->numbers[0] + (level & 31) * bpf_core_type_size(struct upid);

	return BPF_CORE_READ(own, nr);
}

static __always_inline void tell_process(struct process *process, struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct task_struct *parent = BPF_CORE_READ(leader, real_parent);
	struct pid *pid = BPF_CORE_READ(leader, thread_pid);
	unsigned int level = BPF_CORE_READ(pid, level);

	process->pid = BPF_CORE_READ(task, tgid);
	process->namespace_level = level;
	process->namespace_pid = namespace_pid(pid, level);
	process->uid = BPF_CORE_READ(task, cred, uid.val);
	process->parent_pid = BPF_CORE_READ(parent, tgid);
	BPF_CORE_READ_STR_INTO(&process->comm, leader, comm);
	BPF_CORE_READ_STR_INTO(&process->parent_comm, parent, comm);
	tell_group(&process->group, leader);
}

/* Signals that are sent to end a process, handled or not: HUP INT QUIT ILL ABRT BUS FPE KILL SEGV TERM SYS */
#define ENDS                                                                                                           \
	(1ULL << 1 | 1ULL << 2 | 1ULL << 3 | 1ULL << 4 | 1ULL << 6 | 1ULL << 7 | 1ULL << 8 | 1ULL << 9 | 1ULL << 11 |  \
	 1ULL << 15 | 1ULL << 31)
/* Signals whose default is not to end the process: CHLD CONT STOP TSTP TTIN TTOU URG WINCH */
#define HARMLESS                                                                                                       \
	(1ULL << 17 | 1ULL << 18 | 1ULL << 19 | 1ULL << 20 | 1ULL << 21 | 1ULL << 22 | 1ULL << 23 | 1ULL << 28)

/* A signal that will end the process, or is meant to. The rest are sent thousands of times a second to processes that
 * handle them (timers, profilers); they count only where the default stands (SIG_DFL is 0). */
static __always_inline bool is_fatal(int signal, struct task_struct *task)
{
	struct sighand_struct *handlers;
	unsigned long handler = 1;

	if (signal <= 0 || signal > 64)
		return false;
	if (signal < 64 && (ENDS >> signal & 1))
		return true;
	if (signal < 64 && (HARMLESS >> signal & 1))
		return false;
	handlers = BPF_CORE_READ(task, sighand);
	if (!handlers)
		return false;
	bpf_probe_read_kernel(&handler, sizeof(handler),
			      (void *)handlers + bpf_core_field_offset(struct sighand_struct, action) +
				      (signal - 1) * bpf_core_type_size(struct k_sigaction) +
				      bpf_core_field_offset(struct k_sigaction, sa.sa_handler));
	return handler == 0;
}

SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int signal, struct kernel_siginfo *info, struct task_struct *task, int group, int result)
{
	struct death *death;

	if (!is_fatal(signal, task))
		return 0;
	death = begin(DEATH_SIGNAL);
	if (!death)
		return 0;
	death->signal = signal;
	death->result = result;
	/* include/linux/sched/signal.h: SEND_SIG_NOINFO is 0, SEND_SIG_PRIV is 1. */
	if ((unsigned long)info == 0)
		death->code = CODE_NO_INFO;
	else if ((unsigned long)info == 1)
		death->code = CODE_KERNEL;
	else
		death->code = BPF_CORE_READ(info, si_code);
	tell_process(&death->subject, task);
	tell_process(&death->sender, (struct task_struct *)bpf_get_current_task());
	bpf_ringbuf_submit(death, 0);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct pid *pid;
	unsigned int level;
	int status;
	struct death *death;

	/* The last thread of the process: the counter was taken down before this point (kernel/exit.c, do_exit). */
	if (BPF_CORE_READ(task, signal, live.counter) != 0)
		return 0;
	status = BPF_CORE_READ(task, signal, group_exit_code);
	if (!status)
		status = BPF_CORE_READ(task, exit_code);
	pid = BPF_CORE_READ(task, group_leader, thread_pid);
	level = BPF_CORE_READ(pid, level);
	if (!(status & 0x7f) && !(level > 0 && namespace_pid(pid, level) == 1))
		return 0;
	death = begin(DEATH_EXIT);
	if (!death)
		return 0;
	death->signal = status;
	tell_process(&death->subject, task);
	bpf_ringbuf_submit(death, 0);
	return 0;
}

static __always_inline __u64 resident(struct mm_struct *mm, int kind)
{
	struct mm_struct___before_6_2 *before = (void *)mm;
	__s64 pages = 0;

	if (bpf_core_field_exists(before->rss_stat.count))
		bpf_core_read(&pages, sizeof(pages), &before->rss_stat.count[kind]);
	else
		/* An array of counters that are larger than the part of them that kernel.h names. */
		bpf_probe_read_kernel(&pages, sizeof(pages),
				      (void *)mm + bpf_core_field_offset(struct mm_struct, rss_stat) +
					      kind * bpf_core_type_size(struct percpu_counter) +
					      bpf_core_field_offset(struct percpu_counter, count));
	return pages > 0 ? pages : 0;
}

static __always_inline void tell_memory(struct death *death, struct task_struct *task)
{
	struct cgroup_subsys_state *state;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return;
	state = memory_state(task);
	for (int level = 0; level < MEMORY_LEVELS && state; level++) {
		/* css is the first member of struct mem_cgroup in every kernel; the offset is read all the same */
		struct mem_cgroup *group = (void *)state - bpf_core_field_offset(struct mem_cgroup, css);
		struct memory_level *memory = &death->memory[level];
		const char *name = BPF_CORE_READ(state, cgroup, kn, name);

		memory->usage_pages = BPF_CORE_READ(group, memory.usage.counter);
		memory->max_pages = BPF_CORE_READ(group, memory.max);
		bpf_probe_read_kernel_str(memory->name, sizeof(memory->name), name);
		state = BPF_CORE_READ(state, parent);
	}
}

SEC("tp_btf/mark_victim")
int BPF_PROG(on_victim, struct task_struct *task)
{
	struct death *death = begin(DEATH_OOM);
	struct mm_struct *mm;

	if (!death)
		return 0;
	tell_process(&death->subject, task);
	tell_process(&death->sender, (struct task_struct *)bpf_get_current_task());
	mm = BPF_CORE_READ(task, mm);
	death->file_pages = resident(mm, 0);
	death->anon_pages = resident(mm, 1);
	death->swap_entries = resident(mm, 2);
	death->shmem_pages = resident(mm, 3);
	tell_memory(death, task);
	bpf_ringbuf_submit(death, 0);
	return 0;
}
