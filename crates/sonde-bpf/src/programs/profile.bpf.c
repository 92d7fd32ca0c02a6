/* Where processors are busy: a sample of each, so many times a second, counted by its stacks.
 *
 * Stacks are walked by frame pointers alone. There are two sets of maps: the programs write one while user space reads
 * the other, so nothing is counted twice and nothing is missed. What does not fit is counted.
 */
#include "kernel.h"
#include "groups.h"
#include "profile.h"

char LICENSE[] SEC("license") = "GPL";

const volatile struct {
	__u64 memory_on_v1;
	__u64 only_groups; /* only tasks of the groups in `wanted`, or below them */
	__u64 only_pid;	   /* only this process; 0 for all */
} settings = {};

/* Which set is written: user space flips it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} side SEC(".maps");

#define STACKS                                                                                                         \
	{                                                                                                              \
		__uint(type, 7 /* BPF_MAP_TYPE_STACK_TRACE */);                                                        \
		__uint(max_entries, STACKS_MAX);                                                                       \
		__uint(key_size, sizeof(__u32));                                                                       \
		__uint(value_size, FRAMES_MAX * sizeof(__u64));                                                        \
	}
struct STACKS stacks_a SEC(".maps");
struct STACKS stacks_b SEC(".maps");

#define COUNTS                                                                                                         \
	{                                                                                                              \
		__uint(type, BPF_MAP_TYPE_HASH);                                                                       \
		__uint(max_entries, COUNTS_MAX);                                                                       \
		__type(key, struct place);                                                                             \
		__type(value, __u64);                                                                                  \
	}
struct COUNTS counts_a SEC(".maps");
struct COUNTS counts_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GROUPS_MAX);
	__type(key, __u64);
	__type(value, __u8);
} wanted SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LOSSES);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

static __always_inline void lose(__u32 why)
{
	__u64 *count = bpf_map_lookup_elem(&lost, &why);

	if (count)
		*count += 1;
}

/* The task's group, or one above it, was asked for: containers make groups within their own. */
static __always_inline bool is_wanted(struct kernfs_node *node)
{
	for (int level = 0; level < LEVELS_MAX && node; level++) {
		__u64 id = BPF_CORE_READ(node, id);

		if (bpf_map_lookup_elem(&wanted, &id))
			return true;
		node = parent_of(node);
	}
	return false;
}

static __always_inline void count(void *context, void *stacks, void *counts, struct place *place)
{
	__u64 *have, one = 1;

	place->user = bpf_get_stackid(context, stacks, USER_STACK | FAST_COMPARE);
	place->kernel = bpf_get_stackid(context, stacks, FAST_COMPARE);
	/* -EFAULT is no stack at all; -EEXIST is another stack's place. */
	if (place->user == -EEXIST_CODE || place->kernel == -EEXIST_CODE)
		lose(LOST_STACK);
	have = bpf_map_lookup_elem(counts, place);
	if (have)
		__sync_fetch_and_add(have, 1);
	else if (bpf_map_update_elem(counts, place, &one, BPF_NOEXIST)) {
		/* Another processor may have made it in between. */
		have = bpf_map_lookup_elem(counts, place);
		if (have)
			__sync_fetch_and_add(have, 1);
		else
			lose(LOST_SAMPLE);
	}
}

SEC("perf_event")
int on_tick(void *context)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32, first = 0, *second;
	struct task_struct *task = (void *)bpf_get_current_task();
	struct place place = {};
	struct kernfs_node *node;

	/* An idle processor runs task 0. */
	if (!pid || (settings.only_pid && pid != settings.only_pid))
		return 0;
	node = group_node(task, settings.memory_on_v1);
	if (settings.only_groups && !is_wanted(node))
		return 0;
	place.pid = pid;
	place.group = BPF_CORE_READ(node, id);
	bpf_get_current_comm(&place.command, sizeof(place.command));
	second = bpf_map_lookup_elem(&side, &first);
	if (second && *second)
		count(context, &stacks_b, &counts_b, &place);
	else
		count(context, &stacks_a, &counts_a, &place);
	return 0;
}
