/* Questions for names by UDP, at the root of the control groups of version 2: what is not of port 53 is let through after a
 * look at its header. It asks nothing of the kernel's BTF.
 *
 * A question and its answer belong together by the socket, the other end and the message's number. One that is asked again
 * before it is answered is the same question.
 */
#include "base.h"
#include "packets.h"
#include "sockets.h"
#include "edges.h"
#include "lookups.h"

char LICENSE[] SEC("license") = "GPL";

/* Set before loading: the twin of `Settings` in `src/lookups.rs`. */
const volatile struct {
	__u64 slow_ns;
	__u64 read_payload;
	__u64 sample_each;
	__u64 protocol; /* as in the key of an edge */
	__u64 netns_at_packets;
} settings = {};

enum {
	PORT = 53,
	COUNT_LOOKUPS_LOST = COUNT_SAMPLES_LOST,
	/* RFC 1035, section 4.1.1, of the two bytes of flags */
	IS_ANSWER = 0x8000,
	OPCODE = 0x7800,
	CODE = 0x000f,
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, QUESTIONS_MAX);
	__type(key, struct question_key);
	__type(value, struct question);
} questions SEC(".maps");

/* A question is put together here: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct question);
} rooms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} lookups SEC(".maps");

/* RFC 1035, section 4.1.1 */
struct message {
	__be16 id;
	__be16 flags;
	__be16 questions;
	__be16 records[3];
};

struct datagram {
	struct __sk_buff *packet;
	__u32 at; /* where its bytes begin */
	__u32 bytes;
	__u8 remote[16];
	__u16 remote_port;
	__u8 role;
	bool leaves;
};

static __always_inline void ask(const struct datagram *datagram, const struct question_key *key)
{
	__u32 first = 0, bytes = datagram->bytes - sizeof(struct message);
	struct question *question = bpf_map_lookup_elem(&rooms, &first);

	if (!question)
		return;
	__builtin_memset(&question->edge, 0, sizeof(question->edge));
	question->edge.group = bpf_skb_cgroup_id(datagram->packet);
	__builtin_memcpy(question->edge.remote, datagram->remote, sizeof(datagram->remote));
	if (settings.netns_at_packets)
		question->edge.netns = bpf_get_netns_cookie(datagram->packet);
	question->edge.port = PORT;
	question->edge.role = datagram->role;
	question->edge.protocol = settings.protocol;
	question->asked_ns = bpf_ktime_get_ns();
	question->cookie = key->cookie;
	question->bytes = datagram->bytes;
	if (bytes > NAME_BYTES)
		bytes = NAME_BYTES;
	barrier_var(bytes);
	question->name_bytes = 0;
	if (settings.read_payload && bytes && bytes <= NAME_BYTES &&
	    !bpf_skb_load_bytes(datagram->packet, datagram->at + sizeof(struct message), question->name, bytes))
		question->name_bytes = bytes;
	bpf_map_update_elem(&questions, key, question, BPF_NOEXIST);
}

static __always_inline void tell(const struct question *question, __u64 took, __u8 code)
{
	struct lookup *lookup = bpf_ringbuf_reserve(&lookups, sizeof(*lookup), 0);

	if (!lookup) {
		count(COUNT_LOOKUPS_LOST);
		return;
	}
	lookup->question = *question;
	lookup->boot_ns = bpf_ktime_get_boot_ns();
	lookup->took_ns = took;
	lookup->code = code;
	bpf_ringbuf_submit(lookup, BPF_RB_NO_WAKEUP);
}

static __always_inline void answer(const struct datagram *datagram, const struct question_key *key, __u8 code)
{
	struct question *question = bpf_map_lookup_elem(&questions, key);
	bool is_client = datagram->role == ROLE_CLIENT, slow;
	struct edge *edge;
	__u64 took;

	if (!question)
		return;
	took = bpf_ktime_get_ns() - question->asked_ns;
	slow = took >= settings.slow_ns;
	edge = edge_at(&question->edge);
	if (edge) {
		add(&edge->total_ns, took);
		observe(&edge->total, took);
		add(&edge->bytes_sent, is_client ? question->bytes : datagram->bytes);
		add(&edge->bytes_received, is_client ? datagram->bytes : question->bytes);
		if (slow)
			add(&edge->slow, 1);
		if (code)
			add(&edge->errors, 1);
	}
	if (settings.read_payload &&
	    (slow || code || (settings.sample_each && bpf_get_prandom_u32() % settings.sample_each == 0)))
		tell(question, took, code);
	bpf_map_delete_elem(&questions, key);
}

static __always_inline void on_datagram(const struct datagram *datagram)
{
	struct question_key key = {};
	struct message message;
	__u16 flags;

	if (datagram->bytes < sizeof(message) ||
	    bpf_skb_load_bytes(datagram->packet, datagram->at, &message, sizeof(message)))
		return;
	flags = __builtin_bswap16(message.flags);
	if (flags & OPCODE || message.questions != __builtin_bswap16(1))
		return;
	/* Whoever serves is asked by what comes; whoever calls asks by what leaves. */
	if (!(flags & IS_ANSWER) != (datagram->leaves == (datagram->role == ROLE_CLIENT)))
		return;
	key.cookie = bpf_get_socket_cookie(datagram->packet);
	__builtin_memcpy(key.remote, datagram->remote, sizeof(key.remote));
	key.remote_port = datagram->remote_port;
	key.id = message.id;
	if (flags & IS_ANSWER)
		answer(datagram, &key, flags & CODE);
	else
		ask(datagram, &key);
}

static __always_inline void on_packet(struct __sk_buff *skb, bool leaves)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct datagram datagram = {.packet = skb, .leaves = leaves};
	__u16 source, destination;
	struct udp_header *udp;
	__u32 at;

	if (skb->protocol == __builtin_bswap16(0x0800)) {
		struct ipv4_header *header = data;

		if ((void *)(header + 1) > end || header->protocol != IPPROTO_UDP)
			return;
		at = (header->version_words & 15) * 4;
		datagram.remote[10] = 0xff;
		datagram.remote[11] = 0xff;
		__builtin_memcpy(datagram.remote + 12, leaves ? header->destination : header->source, 4);
	} else if (skb->protocol == __builtin_bswap16(0x86dd)) {
		struct ipv6_header *header = data;

		if ((void *)(header + 1) > end || header->next != IPPROTO_UDP)
			return;
		at = sizeof(*header);
		__builtin_memcpy(datagram.remote, leaves ? header->destination : header->source, 16);
	} else {
		return;
	}
	udp = data + at;
	if ((void *)(udp + 1) > end)
		return;
	source = __builtin_bswap16(udp->source);
	destination = __builtin_bswap16(udp->destination);
	if (source != PORT && destination != PORT)
		return;
	datagram.role = (leaves ? destination : source) == PORT ? ROLE_CLIENT : ROLE_SERVER;
	datagram.remote_port = leaves ? destination : source;
	datagram.at = at + sizeof(*udp);
	datagram.bytes = skb->len > datagram.at ? skb->len - datagram.at : 0;
	on_datagram(&datagram);
}

SEC("cgroup_skb/egress")
int name_leaving(struct __sk_buff *skb)
{
	on_packet(skb, true);
	return 1;
}

SEC("cgroup_skb/ingress")
int name_coming(struct __sk_buff *skb)
{
	on_packet(skb, false);
	return 1;
}
