/* Someone else's programs at a control group: they count, and let everything through. */
#include "base.h"

char LICENSE[] SEC("license") = "GPL";

enum { PACKETS = 0, EVENTS = 1 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

struct bpf_sock_ops {
	__u32 op;
};

static __always_inline int see(__u32 what)
{
	__u64 *count = bpf_map_lookup_elem(&seen, &what);

	if (count)
		__sync_fetch_and_add(count, 1);
	return 1;
}

SEC("cgroup_skb/egress")
int other_leaving(void *packet)
{
	return see(PACKETS);
}

SEC("cgroup_skb/ingress")
int other_coming(void *packet)
{
	return see(PACKETS);
}

SEC("sockops")
int other_event(struct bpf_sock_ops *event)
{
	return see(EVENTS);
}
