/* The few kernel types that the programs read, by hand: only the members in use.
 *
 * Offsets come from the running kernel's BTF when a program is loaded (preserve_access_index), so neither the order
 * here nor the kernel that the build runs on matters. Members that a kernel renamed have a flavour (`___suffix`),
 * which is the same type to the loader.
 */
#pragma once

#include "base.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#define KERNEL_TYPE __attribute__((preserve_access_index))

/* ---- tasks, groups, memory ---- */

enum cgroup_subsys_id {
	cpu_cgrp_id,
	memory_cgrp_id,
	pids_cgrp_id,
};

struct kernfs_node {
	struct kernfs_node *parent;
	const char *name;
	__u64 id;
} KERNEL_TYPE;
/* 6.15: include/linux/kernfs.h */
struct kernfs_node___6_15 {
	struct kernfs_node *__parent;
} KERNEL_TYPE;

struct cgroup {
	struct kernfs_node *kn;
} KERNEL_TYPE;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
} KERNEL_TYPE;

struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
} KERNEL_TYPE;

typedef struct {
	long counter;
} atomic_long_t;

struct page_counter {
	atomic_long_t usage;
	unsigned long max;
	struct page_counter *parent;
} KERNEL_TYPE;

struct mem_cgroup {
	struct cgroup_subsys_state css;
	struct page_counter memory;
} KERNEL_TYPE;

struct percpu_counter {
	__s64 count;
} KERNEL_TYPE;

/* include/linux/mm_types_task.h: MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES; counters per CPU since 6.2 */
struct mm_struct {
	struct percpu_counter rss_stat[4];
} KERNEL_TYPE;
struct mm_rss_stat___before_6_2 {
	atomic_long_t count[4];
} KERNEL_TYPE;
struct mm_struct___before_6_2 {
	struct mm_rss_stat___before_6_2 rss_stat;
} KERNEL_TYPE;

struct upid {
	int nr;
} KERNEL_TYPE;

struct pid {
	unsigned int level;
	struct upid numbers[1];
} KERNEL_TYPE;

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
	int group_exit_code;
} KERNEL_TYPE;

typedef struct {
	__u32 val;
} kuid_t;

struct cred {
	kuid_t uid;
} KERNEL_TYPE;

struct sigaction {
	void *sa_handler;
} KERNEL_TYPE;

struct k_sigaction {
	struct sigaction sa;
} KERNEL_TYPE;

struct sighand_struct {
	struct k_sigaction action[64];
} KERNEL_TYPE;

struct task_struct {
	struct mm_struct *mm;
	int exit_code;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	const struct cred *cred;
	char comm[16];
	struct signal_struct *signal;
	struct sighand_struct *sighand;
	struct css_set *cgroups;
} KERNEL_TYPE;

struct kernel_siginfo {
	int si_code;
} KERNEL_TYPE;

/* ---- sockets ---- */

/* include/net/sock.h, enum sock_flags: set when the peer's FIN has come (net/ipv4/tcp_input.c, tcp_fin) */
enum {
	SOCK_DONE_BIT = 1 << 1,
};
struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be32 u6_addr32[4];
	} in6_u;
} KERNEL_TYPE;

struct ns_common {
	unsigned int inum;
} KERNEL_TYPE;

struct net {
	struct ns_common ns;
} KERNEL_TYPE;

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	unsigned long skc_flags;
} KERNEL_TYPE;

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
} KERNEL_TYPE;

struct minmax_sample {
	__u32 t;
	__u32 v;
} KERNEL_TYPE;

struct minmax {
	struct minmax_sample s[3];
} KERNEL_TYPE;

struct tcp_sock {
	__u32 rcv_nxt;
	__u32 copied_seq;
	__u32 write_seq;
	__u32 snd_una;
	__u32 srtt_us;
	struct minmax rtt_min;
	__u32 total_retrans;
	__u32 snd_wnd;
	__u64 bytes_acked;
	__u64 bytes_received;
	__u64 bytes_sent;
} KERNEL_TYPE;

struct iovec {
	void *iov_base;
	unsigned long iov_len;
} KERNEL_TYPE;

struct iov_iter {
	__u8 iter_type;
	unsigned long iov_offset;
	struct iovec __ubuf_iovec;
	const struct iovec *__iov;
	unsigned long count;
	unsigned long nr_segs;
} KERNEL_TYPE;

struct msghdr {
	struct iov_iter msg_iter;
} KERNEL_TYPE;

/* include/linux/uio.h: enum iter_type */
enum {
	ITER_UBUF = 0,
	ITER_IOVEC = 1,
};

struct sk_buff {
	unsigned int len;
	unsigned char *data;
} KERNEL_TYPE;

/* include/uapi/linux/bpf.h: opaque */
struct bpf_dynptr {
	__u64 opaque[2];
} __attribute__((aligned(8)));

/* Since 6.12 from tracing programs (kernel/bpf/helpers.c); without it packets are counted and not read. */
extern int bpf_dynptr_from_skb(struct sk_buff *skb, __u64 flags, struct bpf_dynptr *dynptr) __ksym __weak;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} KERNEL_TYPE;

struct file;

struct socket {
	struct sock *sk;
} KERNEL_TYPE;

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
} KERNEL_TYPE;
