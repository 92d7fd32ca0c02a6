/* What the program of profile.bpf.c and user space share: the twin of `src/profile.rs`. */
#pragma once

enum {
	FRAMES_MAX = 127, /* kernel.perf_event_max_stack's default */
	STACKS_MAX = 8192,
	COUNTS_MAX = 8192,
	GROUPS_MAX = 1024,
	LEVELS_MAX = 6,
	/* include/uapi/linux/bpf.h, bpf_get_stackid */
	USER_STACK = 1 << 8,
	FAST_COMPARE = 1 << 9,
	EEXIST_CODE = 17,
};

enum {
	LOST_SAMPLE, /* the table of counts was full */
	LOST_STACK,  /* the sample counts, its stack does not show */
	LOSSES,
};

/* Where a processor was: a process, its group, and both stacks by their numbers; negative for none. */
struct place {
	__u64 group;
	__u32 pid;
	__s32 user;
	__s32 kernel;
	char command[16];
	__u32 pad;
};
