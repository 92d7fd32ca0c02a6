/* What the programs of deaths.bpf.c tell user space: the twin of `src/deaths/record.rs`. */
#pragma once

enum {
	NAME_BYTES = 96,
	MEMORY_LEVELS = 4,
};

enum death_kind {
	DEATH_SIGNAL = 1, /* a signal that can end a process was sent */
	DEATH_EXIT = 2,	  /* a process ended by a signal, or the first process of a pid namespace ended */
	DEATH_OOM = 3,	  /* the kernel chose a victim */
};

/* A control group: its inode in the hierarchy, its name and its parent's. */
struct group {
	__u64 id;
	char name[NAME_BYTES];
	char parent[NAME_BYTES];
};

struct process {
	__u32 pid;	   /* as the node counts */
	__u32 namespace_pid; /* as its own pid namespace counts; 1 is the container's first process */
	__u32 namespace_level; /* 0 is the node's own */
	__u32 uid;
	char comm[16];
	__u32 parent_pid;
	char parent_comm[16];
	__u32 pad;
	struct group group;
};

/* Memory of one control group, from the victim's upwards. */
struct memory_level {
	__u64 usage_pages;
	__u64 max_pages;
	char name[NAME_BYTES];
};

struct death {
	__u64 boot_ns;
	__u32 kind;
	__s32 signal; /* DEATH_SIGNAL: the signal. DEATH_EXIT: the wait status, as wait(2) has it */
	__s32 code;   /* si_code; or CODE_* where the kernel gave no siginfo */
	__s32 result; /* 0: delivered or queued; see TRACE_SIGNAL_* in include/trace/events/signal.h */
	struct process subject;
	struct process sender;
	__u64 anon_pages;
	__u64 file_pages;
	__u64 shmem_pages;
	__u64 swap_entries;
	struct memory_level memory[MEMORY_LEVELS];
};

enum {
	CODE_NO_INFO = 0x7ffffffe, /* SEND_SIG_NOINFO: the sender is the current process */
	CODE_KERNEL = 0x7fffffff,  /* SEND_SIG_PRIV: the kernel itself */
};
