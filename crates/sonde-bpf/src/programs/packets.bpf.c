/* Tier P: calls and connections by their packets, at the root of the control groups of version 2.
 *
 * It asks nothing of the kernel's BTF: programs at control groups (Linux 5.10) are told all they need by the kernel's
 * stable interface. What it sees of a call is its first packet that leaves or comes, so:
 * - a call at the server lasts from the arrival of the request to the departure of the answer's first packet, as in tier
 *   S but for the microseconds between write(2) and the packet; at the client from the departure of the request to the
 *   arrival of the answer. Sequence numbers tell what is new from what is sent again.
 * - how long a request lay unread is not known, so it is within the server's work.
 * - the owner is the control group (version 2) of whoever made the socket, or of whoever made the listening one.
 * - what IPsec encrypts has no packets of TCP here.
 */
#include "base.h"
#include "packets.h"
#include "sockets.h"

#define SOCKET struct bpf_sock
struct tier_state {
	__u64 cookie;
	__u32 netns;	/* the low half of the kernel's cookie of the namespace; 0 where the kernel does not tell it */
	__u32 sent;	/* the end of what left */
	__u32 received; /* the end of what came */
	__u8 is_old;	/* older than the programs: the kernel tells of it by its packets alone */
	__u8 fins;
	__u8 pad[2];
};
struct segment;
#define ANSWER struct segment
#include "calls.h"
#include "finished.h"

#ifndef TURNS_ONLY
/* Of a stream: what a packet carries. */
struct piece {
	struct __sk_buff *packet;
	__u32 start; /* where its bytes begin */
	__u32 sequence;
	__u32 bytes;
	__u32 leaves;
	struct lane *lane;
};
#include "frames.h"
#endif

char LICENSE[] SEC("license") = "GPL";

/* User space reads these two from outside (`src/sockets/diag.rs`). */
_Static_assert(__builtin_offsetof(struct call_state, key) == 56, "the place of the key");
_Static_assert(__builtin_offsetof(struct call_state, calls) == 96, "the place of the count");

/* The third word of ::ffff:a.b.c.d */
#define MAPPED_IPV4 __builtin_bswap32(0xffff)

enum {
	/* A number further ahead than any window (RFC 7323, section 2.3) is not of this connection. */
	WINDOW_MAX = 1 << 30,
	FIN_SENT = 1,
	FIN_RECEIVED = 2,
};

/* A packet's TCP part. */
struct segment {
	struct __sk_buff *packet;
	__u32 at; /* where its bytes begin in the packet */
	__u32 bytes;
	__u32 sequence; /* of its first byte */
	__u8 flags;
};

/* Ends a branch with a number of its own: clang would make one read of what two branches read from a socket, by a computed
 * pointer, which the verifier does not allow. */
#define APART(number) asm volatile("" ::"i"(number) : "memory")

static __always_inline void tell_address(__u8 *to, const struct bpf_sock *sk, bool remote)
{
	__u32 *words = (__u32 *)to;

	if (sk->family == AF_INET6 && remote) {
		words[0] = sk->dst_ip6[0];
		words[1] = sk->dst_ip6[1];
		words[2] = sk->dst_ip6[2];
		words[3] = sk->dst_ip6[3];
		APART(1);
	} else if (sk->family == AF_INET6) {
		words[0] = sk->src_ip6[0];
		words[1] = sk->src_ip6[1];
		words[2] = sk->src_ip6[2];
		words[3] = sk->src_ip6[3];
		APART(2);
	} else {
		words[0] = 0;
		words[1] = 0;
		words[2] = MAPPED_IPV4;
		if (remote) {
			words[3] = sk->dst_ip4;
			APART(3);
		} else {
			words[3] = sk->src_ip4;
			APART(4);
		}
	}
}

static __always_inline __u32 netns_of(const struct bpf_sock *sk, const struct call_state *state)
{
	return state->tier.netns;
}

static __always_inline __u16 port_of(const struct bpf_sock *sk, bool remote)
{
	__u16 port;

	if (remote) {
		port = __builtin_bswap16(sk->dst_port);
		APART(5);
	} else {
		port = sk->src_port;
		APART(6);
	}
	return port;
}

static __always_inline __u64 cookie_of(struct bpf_sock *sk, struct call_state *state)
{
	return state->tier.cookie;
}

static __always_inline bool tell_streams(struct bpf_sock *sk, const struct call_state *state, __u32 *sent,
					 __u32 *received)
{
	*sent = state->tier.sent;
	*received = state->tier.received;
	return true;
}

static __always_inline void set_streams(struct call_state *state, __u32 sent, __u32 received)
{
	state->sent_seq = state->tier.sent = sent;
	state->received_seq = state->tier.received = received;
}

/* Who serves: the side whose port something listens on. Nobody sends from port 0, so only a listener is found. */
static __always_inline __u8 guess_role(struct __sk_buff *skb, const struct bpf_sock *sk)
{
	struct bpf_sock_tuple to = {};
	struct bpf_sock *listener;
	__u32 local[4];

	tell_address((__u8 *)local, sk, false);
	if (local[0] == 0 && local[1] == 0 && local[2] == MAPPED_IPV4) {
		to.ipv4.daddr = local[3];
		to.ipv4.dport = __builtin_bswap16(port_of(sk, false));
		listener = bpf_sk_lookup_tcp(skb, &to, sizeof(to.ipv4), BPF_F_CURRENT_NETNS, 0);
	} else {
		__builtin_memcpy(to.ipv6.daddr, local, sizeof(local));
		to.ipv6.dport = __builtin_bswap16(port_of(sk, false));
		listener = bpf_sk_lookup_tcp(skb, &to, sizeof(to.ipv6), BPF_F_CURRENT_NETNS, 0);
	}
	if (!listener)
		return ROLE_CLIENT;
	bpf_sk_release(listener);
	return ROLE_SERVER;
}

/* A connection that is older than the programs, at the first packet with bytes. */
static __always_inline struct call_state *adopt(struct __sk_buff *skb, struct bpf_sock *sk)
{
	struct bpf_tcp_sock *tcp = bpf_tcp_sock(sk);
	struct call_state *state;

	if (!tcp || sk->state == TCP_LISTEN)
		return 0;
	state = bpf_sk_storage_get(&states, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!state) {
		count(COUNT_STORAGE_FULL);
		return 0;
	}
	state->tier.is_old = 1;
	state->tier.cookie = bpf_get_socket_cookie(skb);
	if (settings.netns_at_packets)
		state->tier.netns = bpf_get_netns_cookie(skb);
	set_streams(state, tcp->snd_nxt, tcp->rcv_nxt);
	set_role(state, sk, guess_role(skb, sk));
	return state;
}

static __always_inline void on_end(struct call_state *state)
{
	struct edge *edge = edge_of(state);

	if (!edge || state->is_closed)
		return;
	state->is_closed = 1;
	if (state->is_accepted)
		count_accepted(state);
	add(&edge->closed, 1);
	count_bytes(state, edge, state->tier.sent, state->tier.received);
	count_answer(state);
}

/* Of an old connection no change of state is told: it ends with both FINs, or a reset. */
static __always_inline void watch_for_end(struct call_state *state, __u8 flags, bool leaves)
{
	if (!state->tier.is_old)
		return;
	if (flags & FLAG_FIN)
		state->tier.fins |= leaves ? FIN_SENT : FIN_RECEIVED;
	if (flags & FLAG_RST || state->tier.fins == (FIN_SENT | FIN_RECEIVED))
		on_end(state);
}

static __always_inline void on_reset(struct bpf_sock *sk, struct call_state *state, const struct segment *segment,
				     bool leaves)
{
	struct bpf_tcp_sock *tcp;
	struct edge *edge;

	if (!leaves && sk->state != TCP_SYN_SENT) {
		/* One that the kernel heeds (RFC 5961, section 3.2). */
		tcp = bpf_tcp_sock(sk);
		if (!tcp || tcp->rcv_nxt != segment->sequence)
			return;
	}
	edge = edge_of(state);
	if (edge)
		add(leaves ? &edge->resets_sent : &edge->resets_received, 1);
}

/* The beginning of what a packet carries, up to `most`, which a byte can count. */
static __always_inline __u8 read_packet(__u8 *to, const struct segment *segment, __u32 most)
{
	__u32 bytes = segment->bytes;

	if (bytes > most)
		bytes = most;
	/* Or clang leaves out a check that it knows to hold, and the verifier does not. */
	barrier_var(bytes);
	if (!bytes || bytes > most || bpf_skb_load_bytes(segment->packet, segment->at, to, bytes))
		return 0;
	return bytes;
}

static __always_inline void read_answer(struct call_state *state, struct segment *answer)
{
	state->answer_bytes = read_packet(state->answer, answer, PREFIX_BYTES);
}

static __always_inline void read_for_outcome(struct call_state *state, struct segment *answer)
{
	state->answer_bytes = read_packet(state->answer, answer, OUTCOME_BYTES);
}

static __always_inline void begin_request(struct call_state *state, __u32 sequence)
{
	state->turn = TURN_REQUEST;
	state->turn_seq = sequence;
	state->answer_bytes = 0;
	state->request_bytes = 0;
	state->began_ns = bpf_ktime_get_ns();
}

#ifndef TURNS_ONLY
static __always_inline bool read_frame(struct piece *piece, __u32 at, struct lane *lane, __u32 held, __u32 bytes)
{
	return !bpf_skb_load_bytes(piece->packet, piece->start + at, lane->bytes + held, bytes);
}

static __always_inline bool read_request_at(struct piece *piece, __u32 at, struct flight *flight, __u32 bytes)
{
	return !bpf_skb_load_bytes(piece->packet, piece->start + at, flight->request, bytes);
}

static __always_inline bool read_answer_at(struct piece *piece, __u32 at, struct call_state *state, __u32 bytes)
{
	return !bpf_skb_load_bytes(piece->packet, piece->start + at, state->answer, bytes);
}

static __noinline void follow_segment(struct bpf_sock *sk, struct call_state *state, const struct segment *segment,
				      bool leaves)
{
	struct piece piece = {
		.packet = segment->packet,
		.start = segment->at,
		.sequence = segment->sequence,
		.bytes = segment->bytes,
		.leaves = leaves,
	};

	follow(sk, state, &piece);
}
#endif

/* New bytes of the connection. */
static __always_inline void on_bytes(struct bpf_sock *sk, struct call_state *state, struct segment *segment, bool leaves)
{
	bool is_request = leaves == (state->role == ROLE_CLIENT);
	__u64 now;

#ifndef TURNS_ONLY
	if (state->is_framed) {
		follow_segment(sk, state, segment, leaves);
		return;
	}
#endif
	if (is_request) {
		if (state->turn == TURN_REQUEST)
			return;
		look_at_first(sk, state);
#ifdef TURNS_ONLY
		if (speaks_frames(state)) {
			state->request_bytes = read_packet(state->request, segment, PREFIX_BYTES);
			if (!begins_request(state))
				return;
		}
#else
		if (state->is_framed) {
			follow_segment(sk, state, segment, leaves);
			return;
		}
#endif
		count_answer(state);
		begin_request(state, segment->sequence);
		if (settings.read_payload)
			state->request_bytes = read_packet(state->request, segment, PREFIX_BYTES);
		return;
	}
	if (state->turn == TURN_IDLE || (!leaves && state->turn == TURN_ANSWER))
		return;
	now = bpf_ktime_get_ns();
	state->last_write_ns = now;
	if (state->turn == TURN_ANSWER)
		return;
	state->turn = TURN_ANSWER;
	state->answer_ns = now;
	count_call(sk, state, segment, now);
}

static __always_inline void on_segment(struct __sk_buff *skb, struct segment *segment, bool leaves)
{
	struct bpf_sock *sk = skb->sk;
	struct call_state *state;
	__u32 end, *high, ahead;
	struct edge *edge;

	if (!sk)
		return;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return;
	state = bpf_sk_storage_get(&states, sk, 0, 0);
	if (!state) {
		if (!segment->bytes)
			return;
		state = adopt(skb, sk);
		if (!state)
			return;
	}
	if (!state->key.group) {
		state->key.group = bpf_skb_cgroup_id(skb);
		if (state->is_accepted)
			count_accepted(state);
	}
	if (segment->flags & FLAG_SYN) {
		if (!leaves)
			return;
		if (!state->tier.sent)
			set_streams(state, segment->sequence, 0);
	}
	if (segment->flags & FLAG_RST)
		on_reset(sk, state, segment, leaves);
	if (segment->bytes) {
		high = leaves ? &state->tier.sent : &state->tier.received;
		end = segment->sequence + segment->bytes;
		ahead = end - *high;
		if (ahead && ahead < WINDOW_MAX) {
			*high = end;
			on_bytes(sk, state, segment, leaves);
		} else if (leaves && state->tier.is_old) {
			edge = edge_of(state);
			if (edge)
				add(&edge->retransmits, 1);
		}
	}
	if (segment->flags & (FLAG_FIN | FLAG_RST))
		watch_for_end(state, segment->flags, leaves);
}

/* Finds the TCP part; an acknowledgement alone says nothing that is counted. */
static __always_inline void on_packet(struct __sk_buff *skb, bool leaves)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct segment segment = {.packet = skb};
	struct tcp_header *tcp;
	__u32 at;

	if (skb->protocol == __builtin_bswap16(0x0800)) {
		struct ipv4_header *header = data;

		if ((void *)(header + 1) > end || header->protocol != IPPROTO_TCP)
			return;
		at = (header->version_words & 15) * 4;
	} else if (skb->protocol == __builtin_bswap16(0x86dd)) {
		struct ipv6_header *header = data;
		__u8 *options = (__u8 *)(header + 1);

		if ((void *)(options + IPV6_JUMBO_BYTES) > end)
			return;
		at = sizeof(*header);
		if (header->next == IPV6_HOP_BY_HOP && options[0] == IPPROTO_TCP && !options[1])
			at += IPV6_JUMBO_BYTES;
		else if (header->next != IPPROTO_TCP)
			return;
	} else {
		return;
	}
	tcp = data + at;
	if ((void *)(tcp + 1) > end)
		return;
	segment.at = at + (tcp->words >> 4) * 4;
	segment.bytes = skb->len > segment.at ? skb->len - segment.at : 0;
	segment.flags = tcp->flags;
	if (!segment.bytes && !(segment.flags & (FLAG_SYN | FLAG_FIN | FLAG_RST)))
		return;
	/* A SYN has a number, and the bytes that may travel with it come after (RFC 7413). */
	segment.sequence = __builtin_bswap32(tcp->sequence) + (segment.flags & FLAG_SYN ? 1 : 0);
	on_segment(skb, &segment, leaves);
}

SEC("cgroup_skb/egress")
int on_leaving(struct __sk_buff *skb)
{
	on_packet(skb, true);
	return 1;
}

SEC("cgroup_skb/ingress")
int on_coming(struct __sk_buff *skb)
{
	on_packet(skb, false);
	return 1;
}

static __always_inline struct call_state *new_state(struct bpf_sock_ops *event, struct bpf_sock *sk, __u8 role)
{
	struct call_state *state = bpf_sk_storage_get(&states, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (!state) {
		count(COUNT_STORAGE_FULL);
		return 0;
	}
	state->tier.cookie = bpf_get_socket_cookie(event);
	if (settings.netns_at_events)
		state->tier.netns = bpf_get_netns_cookie(event);
	set_role(state, sk, role);
	bpf_sock_ops_cb_flags_set(event, event->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG |
						 BPF_SOCK_OPS_RETRANS_CB_FLAG);
	return state;
}

/* The packet that ends the handshake was seen with the listening socket; a request may have come with it. */
static __always_inline void on_accepted(struct bpf_sock_ops *event, struct bpf_sock *sk)
{
	struct call_state *state = new_state(event, sk, ROLE_SERVER);
	struct tcp_header *tcp = event->skb_data;
	void *end = event->skb_data_end;
	__u32 header;

	if (!state)
		return;
	state->is_accepted = 1;
	set_streams(state, event->snd_nxt, event->rcv_nxt);
	if (!event->skb_len || (void *)(tcp + 1) > end)
		return;
	header = (tcp->words >> 4) * 4;
	if (event->skb_len <= header)
		return;
	state->received_seq = __builtin_bswap32(tcp->sequence) + (tcp->flags & FLAG_SYN ? 1 : 0);
	state->tier.received = state->received_seq + event->skb_len - header;
	begin_request(state, state->received_seq);
}

/* The SYN is about to leave; the socket may have had a connection before. */
static __always_inline void on_connect(struct bpf_sock_ops *event, struct bpf_sock *sk)
{
	struct call_state *state = new_state(event, sk, ROLE_CLIENT);

	if (!state)
		return;
	state->connect_ns = bpf_ktime_get_ns();
	state->turn = TURN_IDLE;
	state->is_closed = 0;
	state->tier.sent = 0;
}

static __always_inline void on_connected(struct call_state *state, __u32 received)
{
	struct edge *edge = edge_of(state);

	state->received_seq = state->tier.received = received;
	if (edge) {
		add(&edge->opened, 1);
		add(&edge->connect_ns, bpf_ktime_get_ns() - state->connect_ns);
	}
	state->connect_ns = 0;
}

static __always_inline void on_state(struct call_state *state, __u32 before, __u32 after)
{
	struct edge *edge;

	if (after != TCP_CLOSE)
		return;
	if (before != TCP_SYN_SENT) {
		on_end(state);
		return;
	}
	edge = edge_of(state);
	if (edge)
		add(&edge->connect_failed, 1);
}

SEC("sockops")
int on_event(struct bpf_sock_ops *event)
{
	struct bpf_sock *sk = event->sk;
	struct call_state *state;
	struct edge *edge;

	if (!sk)
		return 1;
	switch (event->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		on_connect(event, sk);
		return 1;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		on_accepted(event, sk);
		return 1;
	}
	state = bpf_sk_storage_get(&states, sk, 0, 0);
	if (!state)
		return 1;
	switch (event->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		on_connected(state, event->rcv_nxt);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		on_state(state, event->args[0], event->args[1]);
		break;
	case BPF_SOCK_OPS_RETRANS_CB:
		edge = edge_of(state);
		if (edge && !event->args[2])
			add(&edge->retransmits, 1);
		break;
	}
	return 1;
}
