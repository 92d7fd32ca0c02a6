/* Which control group a task is in. Include after kernel.h. */
#pragma once

/* The memory controller's state of the task's group, on whichever hierarchy it sits. */
static __always_inline struct cgroup_subsys_state *memory_state(struct task_struct *task)
{
	int memory = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *state = 0;

	bpf_core_read(&state, sizeof(state), &set->subsys[memory & 15]);
	return state;
}

/* The folder of the group by which a container is known: of the memory hierarchy where that is of version 1. */
static __always_inline struct kernfs_node *group_node(struct task_struct *task, bool memory_on_v1)
{
	if (memory_on_v1 && bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return BPF_CORE_READ(memory_state(task), cgroup, kn);
	return BPF_CORE_READ(task, cgroups, dfl_cgrp, kn);
}

static __always_inline struct kernfs_node *parent_of(struct kernfs_node *node)
{
	struct kernfs_node___6_15 *renamed = (void *)node;

	if (bpf_core_field_exists(renamed->__parent))
		return BPF_CORE_READ(renamed, __parent);
	return BPF_CORE_READ(node, parent);
}
