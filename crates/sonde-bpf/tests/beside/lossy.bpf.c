/* A network that loses: of what comes to a control group one packet of eight with bytes in it is dropped. */
#include "base.h"

char LICENSE[] SEC("license") = "GPL";

enum { DROPPED = 0, HEADERS = 60 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

struct __sk_buff {
	__u32 len;
};

SEC("cgroup_skb/ingress")
int lossy_coming(struct __sk_buff *packet)
{
	__u32 what = DROPPED;
	__u64 *count;

	if (packet->len <= HEADERS || bpf_get_prandom_u32() % 8)
		return 1;
	count = bpf_map_lookup_elem(&seen, &what);
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}
