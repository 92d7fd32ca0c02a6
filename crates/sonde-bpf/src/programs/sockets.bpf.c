/* Tier S: calls and connections at the socket, by BTF tracepoints.
 *
 * Requests and answers are seen where the kernel builds and drains a socket's queues, whatever system call led there.
 */
#include "kernel.h"
#include "groups.h"
#include "sockets.h"

/* The kernel's own socket tells all there is to remember. */
#define SOCKET struct sock
struct tier_state {
};
#define ANSWER struct msghdr
#include "calls.h"
#include "finished.h"

/* Of a stream: a packet that has come, or what a process hands over. */
struct piece {
	struct sk_buff *packet;
	struct msghdr *message;
	__u32 sequence;
	__u32 bytes;
	__u32 leaves;
	__u32 header; /* packet: where its bytes begin */
	struct lane *lane; /* whose vector it may be */
};
#include "frames.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline __u64 group_of(struct task_struct *task)
{
	struct kernfs_node *node = group_node(task, settings.memory_on_v1);

	return BPF_CORE_READ(node, id);
}

static __always_inline __u64 current_group(void)
{
	if (!settings.memory_on_v1)
		return bpf_get_current_cgroup_id();
	return group_of((struct task_struct *)bpf_get_current_task());
}

static __always_inline void tell_address(__u8 *to, const struct sock *sk, bool remote)
{
	const struct sock_common *common = &sk->__sk_common;

	if (common->skc_family == AF_INET6) {
		if (remote)
			__builtin_memcpy(to, common->skc_v6_daddr.in6_u.u6_addr8, 16);
		else
			__builtin_memcpy(to, common->skc_v6_rcv_saddr.in6_u.u6_addr8, 16);
		return;
	}
	__builtin_memset(to, 0, 10);
	to[10] = 0xff;
	to[11] = 0xff;
	*(__be32 *)(to + 12) = remote ? common->skc_daddr : common->skc_rcv_saddr;
}

static __always_inline __u32 netns_of(const struct sock *sk, const struct call_state *state)
{
	return sk->__sk_common.skc_net.net->ns.inum;
}

static __always_inline __u16 port_of(const struct sock *sk, bool remote)
{
	return remote ? __builtin_bswap16(sk->__sk_common.skc_dport) : sk->__sk_common.skc_num;
}

static __always_inline __u64 cookie_of(struct sock *sk, struct call_state *state)
{
	return bpf_get_socket_cookie(sk);
}

static __always_inline bool tell_streams(struct sock *sk, const struct call_state *state, __u32 *sent, __u32 *received)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

	if (!tcp)
		return false;
	*sent = tcp->write_seq;
	*received = tcp->copied_seq;
	return true;
}

/* Ports that something listens on, by network namespace: who is the server of a connection older than the agent. */
struct listener {
	__u32 netns;
	__u32 port;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct listener);
	__type(value, __u8);
} listeners SEC(".maps");

static __always_inline struct listener listener_of(const struct sock *sk)
{
	struct listener local = {
		.netns = netns_of(sk, 0),
		.port = port_of(sk, false),
	};

	return local;
}

static __always_inline void note_listener(const struct sock *sk)
{
	struct listener local = listener_of(sk);
	__u8 yes = 1;

	bpf_map_update_elem(&listeners, &local, &yes, BPF_ANY);
}

/* Who serves: the side whose port something listens on. */
static __always_inline __u8 guess_role(const struct sock *sk)
{
	struct listener local = listener_of(sk);

	return bpf_map_lookup_elem(&listeners, &local) ? ROLE_SERVER : ROLE_CLIENT;
}

static __always_inline struct call_state *new_state(struct sock *sk, __u8 role)
{
	struct call_state *state = bpf_sk_storage_get(&states, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (state)
		set_role(state, sk, role);
	else
		count(COUNT_STORAGE_FULL);
	return state;
}

/* The state of a connection, from a hook that runs in the context of the process that uses it. */
static __always_inline struct call_state *state_of(struct sock *sk)
{
	struct call_state *state = bpf_sk_storage_get(&states, sk, 0, 0);

	if (!state) {
		/* It is older than the programs. */
		state = new_state(sk, guess_role(sk));
		if (!state)
			return 0;
		tell_streams(sk, state, &state->sent_seq, &state->received_seq);
	}
	if (!state->key.group) {
		state->key.group = current_group();
		if (state->is_accepted)
			count_accepted(state);
	}
	return state;
}

/* At the end nothing more is read or written, and a FIN, which has a sequence number, is no byte. */
static __always_inline void count_last_bytes(struct sock *sk, struct call_state *state, struct edge *edge, int before)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	bool sent_fin = before == TCP_FIN_WAIT1 || before == TCP_FIN_WAIT2 || before == TCP_LAST_ACK ||
			before == TCP_CLOSING;
	bool got_fin = sk->__sk_common.skc_flags & SOCK_DONE_BIT;

	if (tcp && !state->is_closed)
		count_bytes(state, edge, tcp->write_seq - sent_fin, tcp->rcv_nxt - got_fin);
	state->is_closed = 1;
}

/* Where what a process hands to the kernel begins, and how much of it lies there in one piece. */
static __always_inline void *begin_of(struct msghdr *message, unsigned long *bytes)
{
	struct iov_iter *iter = &message->msg_iter;

	*bytes = iter->count;
	if (iter->iter_type == ITER_UBUF)
		return iter->__ubuf_iovec.iov_base + iter->iov_offset;
	if (iter->iter_type == ITER_IOVEC) {
		const struct iovec *first = iter->__iov;
		unsigned long length = BPF_CORE_READ(first, iov_len) - iter->iov_offset;

		if (length < *bytes)
			*bytes = length;
		return BPF_CORE_READ(first, iov_base) + iter->iov_offset;
	}
	return 0;
}

/* Pieces of a vectored write that are looked at, and where the last one may begin: many send a length by itself. */
enum {
	PIECES = 4,
	PIECE_START = 63,
};

static __always_inline __u8 read_pieces(__u8 *to, struct iov_iter *iter)
{
	unsigned long skipped = iter->iov_offset;
	__u32 bytes = 0;

	for (__u32 at = 0; at < PIECES && at < iter->nr_segs && bytes <= PIECE_START; at++) {
		const struct iovec *piece = iter->__iov + at;
		void *from = BPF_CORE_READ(piece, iov_base) + skipped;
		unsigned long length = BPF_CORE_READ(piece, iov_len) - skipped;

		skipped = 0;
		if (!length)
			continue;
		if (length > PREFIX_BYTES - PIECE_START)
			length = PREFIX_BYTES - PIECE_START;
		if (bpf_probe_read_user(to + (bytes & PIECE_START), length, from))
			break;
		bytes += length;
	}
	return bytes;
}

/* The beginning of what a process hands to the kernel. */
static __always_inline __u8 read_user(__u8 *to, struct msghdr *message)
{
	struct iov_iter *iter = &message->msg_iter;
	unsigned long bytes;
	void *from;

	if (iter->iter_type == ITER_IOVEC && iter->nr_segs > 1)
		return read_pieces(to, iter);
	from = begin_of(message, &bytes);
	if (!from)
		return 0;
	if (bytes > PREFIX_BYTES)
		bytes = PREFIX_BYTES;
	if (!bytes || bpf_probe_read_user(to, bytes, from))
		return 0;
	return bytes;
}

static __always_inline void read_answer(struct call_state *state, struct msghdr *answer)
{
	state->answer_bytes = read_user(state->answer, answer);
}

/* It is read onto the stack first: where user memory is copied to anything else, a hardened kernel looks up what that is
 * (mm/usercopy.c), which takes as long as the copy. A function of its own, for the stack of one with 64 bytes or more is
 * no stack to the kernel (6.13: private stacks). What lies behind a short answer is read, too, and not looked at. */
static __noinline void read_for_outcome(struct call_state *state, struct msghdr *answer)
{
	__u64 room[OUTCOME_BYTES / sizeof(__u64)];
	unsigned long bytes;
	void *from = begin_of(answer, &bytes);

	/* It may come in pieces, or end where the process's memory does. */
	if (!from || (bytes < sizeof(room) && bytes < answer->msg_iter.count) ||
	    bpf_probe_read_user(room, sizeof(room), from)) {
		read_answer(state, answer);
		return;
	}
	__builtin_memcpy(state->answer, room, sizeof(room));
	state->answer_bytes = bytes < sizeof(room) ? bytes : sizeof(room);
}

/* The beginning of what a packet carries after its TCP header. */
static __always_inline __u8 read_packet(__u8 *to, struct sk_buff *skb, __u32 header)
{
	__u32 bytes = skb->len - header;
	struct bpf_dynptr packet;

	if (!bpf_ksym_exists(bpf_dynptr_from_skb) || bpf_dynptr_from_skb(skb, 0, &packet))
		return 0;
	if (bytes > PREFIX_BYTES)
		bytes = PREFIX_BYTES;
	if (!bytes || bpf_dynptr_read(to, bytes, &packet, header, 0))
		return 0;
	return bytes;
}

/* Parts of a vector that are looked at for one read. */
#define PARTS 16

/* What is to be read of a vector. */
struct vector {
	__u64 parts; /* where they are told */
	__u64 count;
	__u64 from;  /* in the vector */
	__u64 bytes;
	__u64 part; /* that is read, and where it begins */
	__u64 part_at;
	__u64 first; /* the same of the part where `from` is: frames stand behind each other */
	__u64 first_at;
};

/* Where it is read to: in pieces of `half` at most, to where there is room for two. Each in eight bytes of its own: the
 * verifier knows a number on the stack for as long as its neighbour is left alone. */
struct reading {
	struct vector *vector;
	void *to;
	__u64 half;
	__u64 done;
};

/* Reads on in one part, or goes to the next. 1: there is no more. */
static long read_part(__u64 tries, struct reading *reading)
{
	struct vector *vector = reading->vector;
	__u64 half = reading->half, done = reading->done, from, here;
	struct iovec part;

	if (vector->part >= vector->count || done >= vector->bytes ||
	    bpf_probe_read_kernel(&part, sizeof(part), (void *)(vector->parts + vector->part * sizeof(part))))
		return 1;
	from = vector->from + done - vector->part_at;
	if (from >= part.iov_len) {
		vector->part_at += part.iov_len;
		vector->part += 1;
		if (!done) {
			vector->first_at = vector->part_at;
			vector->first = vector->part;
		}
		return 0;
	}
	here = vector->bytes - done;
	if (here > part.iov_len - from)
		here = part.iov_len - from;
	if (here > half)
		here = half;
	barrier_var(here);
	if (here > half || bpf_probe_read_user(reading->to + (done & (half - 1)), here, part.iov_base + from))
		return 1;
	reading->done = done + here;
	return 0;
}

static __always_inline int read_parts(struct vector *vector, void *to, __u64 half)
{
	struct reading reading = {.vector = vector, .to = to, .half = half};

	bpf_loop(PARTS, read_part, &reading, 0);
	return reading.done >= vector->bytes;
}

/* Not static: the verifier looks at each once, not at each place where it is called. */
__noinline int read_vector_frame(struct vector *vector, struct lane *lane, __u32 held)
{
	return vector && lane ? read_parts(vector, lane->bytes + (held & (LANE_HALF - 1)), LANE_HALF) : 0;
}

__noinline int read_vector_request(struct vector *vector, struct flight *flight)
{
	return vector && flight ? read_parts(vector, flight->request, FLIGHT_BYTES / 2) : 0;
}

__noinline int read_vector_answer(struct vector *vector, struct call_state *state)
{
	return vector && state ? read_parts(vector, state->answer, PREFIX_ROOM / 2) : 0;
}

static __always_inline void tell_vector(struct vector *vector, const struct piece *piece, __u32 at, __u32 bytes)
{
	const struct iov_iter *iter = &piece->message->msg_iter;

	vector->parts = (__u64)iter->__iov;
	vector->count = iter->nr_segs;
	vector->from = iter->iov_offset + at;
	vector->bytes = bytes;
	vector->part = vector->first = piece->lane->part;
	vector->part_at = vector->first_at = piece->lane->part_at;
}

static __always_inline bool is_vector(const struct piece *piece)
{
	return !piece->packet && piece->message->msg_iter.iter_type == ITER_IOVEC;
}

/* What lies in one place. */
static __always_inline bool read_piece(struct piece *piece, __u32 at, void *to, __u32 bytes)
{
	const struct iov_iter *iter;
	struct bpf_dynptr packet;

	if (piece->packet)
		return bpf_ksym_exists(bpf_dynptr_from_skb) && !bpf_dynptr_from_skb(piece->packet, 0, &packet) &&
		       !bpf_dynptr_read(to, bytes, &packet, piece->header + at, 0);
	iter = &piece->message->msg_iter;
	return iter->iter_type == ITER_UBUF &&
	       !bpf_probe_read_user(to, bytes, iter->__ubuf_iovec.iov_base + iter->iov_offset + at);
}

static __always_inline bool read_frame(struct piece *piece, __u32 at, struct lane *lane, __u32 held, __u32 bytes)
{
	struct vector vector;

	if (!is_vector(piece))
		return read_piece(piece, at, lane->bytes + held, bytes);
	tell_vector(&vector, piece, at, bytes);
	if (!read_vector_frame(&vector, lane, held))
		return false;
	lane->part = vector.first;
	lane->part_at = vector.first_at;
	return true;
}

static __always_inline bool read_request_at(struct piece *piece, __u32 at, struct flight *flight, __u32 bytes)
{
	struct vector vector;

	if (!is_vector(piece))
		return read_piece(piece, at, flight->request, bytes);
	tell_vector(&vector, piece, at, bytes);
	return read_vector_request(&vector, flight);
}

static __always_inline bool read_answer_at(struct piece *piece, __u32 at, struct call_state *state, __u32 bytes)
{
	struct vector vector;

	if (!is_vector(piece))
		return read_piece(piece, at, state->answer, bytes);
	tell_vector(&vector, piece, at, bytes);
	return read_vector_answer(&vector, state);
}

static __noinline void follow_message(struct sock *sk, struct call_state *state, struct msghdr *message)
{
	const struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	struct piece piece = {.message = message, .leaves = true};
	unsigned long bytes = message->msg_iter.count;

	if (!tcp)
		return;
	piece.sequence = tcp->write_seq;
	piece.bytes = bytes < PIECE_MAX ? bytes : PIECE_MAX;
	follow(sk, state, &piece);
}

/* Requests that come are unread until the process reads beyond where they begin. */
static __always_inline void note_unread(struct sock *sk, const struct piece *piece, __u32 calls)
{
	struct frames *frames = bpf_sk_storage_get(&followed, sk, 0, 0);
	struct unread *unread;

	if (!frames || frames->unread_end - frames->unread_first >= UNREAD_MAX)
		return;
	unread = &frames->unread[frames->unread_end & (UNREAD_MAX - 1)];
	unread->sequence = piece->sequence;
	unread->calls = calls;
	unread->arrived_ns = bpf_ktime_get_ns();
	frames->unread_end += 1;
}

static __noinline void follow_packet(struct sock *sk, struct call_state *state, struct sk_buff *skb)
{
	struct piece piece = {.packet = skb};
	__u8 tcp[13];
	__u32 calls;

	if (bpf_probe_read_kernel(tcp, sizeof(tcp), skb->data))
		return;
	piece.header = (tcp[12] >> 4) * 4;
	if (skb->len <= piece.header)
		return;
	piece.bytes = skb->len - piece.header;
	piece.sequence = tcp[4] << 24 | tcp[5] << 16 | tcp[6] << 8 | tcp[7];
	calls = follow(sk, state, &piece);
	if (calls && state->role == ROLE_SERVER)
		note_unread(sk, &piece, calls);
}

static __noinline void count_read(struct sock *sk, struct call_state *state)
{
	struct frames *frames = bpf_sk_storage_get(&followed, sk, 0, 0);
	const struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
	__u64 now;

	if (!frames || !tcp || frames->unread_first == frames->unread_end)
		return;
	now = bpf_ktime_get_ns();
	for (int packet = 0; packet < UNREAD_MAX && frames->unread_first != frames->unread_end; packet++) {
		const struct unread *unread = &frames->unread[frames->unread_first & (UNREAD_MAX - 1)];

		if ((__s32)(tcp->copied_seq - unread->sequence) <= 0)
			return;
		count_waited(state, now - unread->arrived_ns, unread->calls);
		frames->unread_first += 1;
	}
}

SEC("tp_btf/tcp_sendmsg_locked")
int BPF_PROG(on_send, struct sock *sk, struct msghdr *message)
{
	struct call_state *state = state_of(sk);
	__u64 now;

	if (!state)
		return 0;
	if (state->is_framed) {
		follow_message(sk, state, message);
		return 0;
	}
	if (state->role == ROLE_SERVER) {
		if (state->turn == TURN_IDLE)
			return 0;
		now = bpf_ktime_get_ns();
		state->last_write_ns = now;
		if (state->turn == TURN_REQUEST) {
			state->turn = TURN_ANSWER;
			state->answer_ns = now;
			state->answer_bytes = 0;
			count_call(sk, state, message, now);
			state->arrived_ns = 0;
		}
		return 0;
	}
	if (state->turn != TURN_REQUEST) {
		struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

		if (settings.read_payload)
			state->request_bytes = read_user(state->request, message);
		look_at_first(sk, state);
		if (state->is_framed) {
			follow_message(sk, state, message);
			return 0;
		}
		state->turn = TURN_REQUEST;
		state->turn_seq = tcp ? tcp->write_seq : 0;
		state->answer_bytes = 0;
		state->arrived_ns = 0;
		state->began_ns = bpf_ktime_get_ns();
	}
	return 0;
}

SEC("tp_btf/tcp_rcv_space_adjust")
int BPF_PROG(on_receive, struct sock *sk)
{
	struct call_state *state = state_of(sk);

	if (!state)
		return 0;
	if (state->is_framed) {
		if (state->role == ROLE_SERVER)
			count_read(sk, state);
		return 0;
	}
	if (state->role == ROLE_SERVER) {
		if (state->turn == TURN_REQUEST)
			return 0;
		count_answer(state);
		state->turn = TURN_REQUEST;
		state->turn_seq = state->received_seq;
		state->began_ns = bpf_ktime_get_ns();
		return 0;
	}
	if (state->turn == TURN_REQUEST) {
		state->turn = TURN_ANSWER;
		/* What the caller itself leaves unread is neither the network's time nor the server's. */
		count_call(sk, state, 0, state->arrived_ns ?: bpf_ktime_get_ns());
	}
	return 0;
}

/* A packet of the connection has come, before it is looked at: "current" is whoever was interrupted.
 * A server's may be the first of a request, a client's the first of an answer. */
SEC("tp_btf/tcp_probe")
int BPF_PROG(on_packet, struct sock *sk, struct sk_buff *skb)
{
	struct call_state *state = bpf_sk_storage_get(&states, sk, 0, 0);
	__u8 words = 0;
	__u32 header;

	if (!state)
		return 0;
	if (state->is_framed) {
		follow_packet(sk, state, skb);
		return 0;
	}
	if (state->arrived_ns || (state->turn == TURN_REQUEST) == (state->role == ROLE_SERVER))
		return 0;
	/* The length of the TCP header in words of four bytes: the high half of its 13th byte. */
	bpf_probe_read_kernel(&words, 1, skb->data + 12);
	header = (words >> 4) * 4;
	if (skb->len <= header)
		return 0;
	state->arrived_ns = bpf_ktime_get_ns();
	if (!settings.read_payload)
		return 0;
	if (state->role == ROLE_SERVER) {
		state->request_bytes = read_packet(state->request, skb, header);
		look_at_first(sk, state);
		if (state->is_framed)
			follow_packet(sk, state, skb);
	} else {
		state->answer_bytes = read_packet(state->answer, skb, header);
	}
	return 0;
}

static __always_inline void on_connect_failed(struct call_state *state)
{
	struct edge *edge = edge_of(state);

	if (edge)
		add(&edge->connect_failed, 1);
	state->connect_ns = 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_state, struct sock *sk, int before, int after)
{
	struct call_state *state;
	struct edge *edge;

	if (sk->sk_protocol != IPPROTO_TCP)
		return 0;
	if (after == TCP_LISTEN || before == TCP_LISTEN) {
		if (after == TCP_LISTEN)
			note_listener(sk);
		return 0;
	}
	if (after == TCP_SYN_SENT) {
		state = new_state(sk, ROLE_CLIENT);
		if (!state)
			return 0;
		/* connect(2) runs in the process that owns the socket */
		state->key.group = current_group();
		state->connect_ns = bpf_ktime_get_ns();
		return 0;
	}
	if (after == TCP_ESTABLISHED && before == TCP_SYN_RECV) {
		/* In the softirq that got the last packet of the handshake: the owner shows at the first read or write. */
		state = new_state(sk, ROLE_SERVER);
		if (!state)
			return 0;
		state->is_accepted = 1;
		tell_streams(sk, state, &state->sent_seq, &state->received_seq);
		return 0;
	}
	state = bpf_sk_storage_get(&states, sk, 0, 0);
	if (!state)
		return 0;
	if (after == TCP_ESTABLISHED) {
		tell_streams(sk, state, &state->sent_seq, &state->received_seq);
		edge = edge_of(state);
		if (edge) {
			add(&edge->opened, 1);
			add(&edge->connect_ns, bpf_ktime_get_ns() - state->connect_ns);
		}
		state->connect_ns = 0;
		return 0;
	}
	if (after == TCP_CLOSE) {
		if (before == TCP_SYN_SENT) {
			on_connect_failed(state);
			return 0;
		}
		edge = edge_of(state);
		if (!edge)
			return 0;
		if (state->is_accepted)
			count_accepted(state);
		add(&edge->closed, 1);
		count_last_bytes(sk, state, edge, before);
		count_answer(state);
	}
	return 0;
}

/* The edge of a connection that is followed; a reset may be sent without a socket. */
static __always_inline struct edge *followed_edge(struct sock *sk)
{
	struct call_state *state = sk ? bpf_sk_storage_get(&states, sk, 0, 0) : 0;

	return state ? edge_of(state) : 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(on_retransmit, struct sock *sk)
{
	struct edge *edge = followed_edge(sk);

	if (edge)
		add(&edge->retransmits, 1);
	return 0;
}

SEC("tp_btf/tcp_send_reset")
int BPF_PROG(on_reset_sent, struct sock *sk)
{
	struct edge *edge = followed_edge(sk);

	if (edge)
		add(&edge->resets_sent, 1);
	return 0;
}

SEC("tp_btf/tcp_receive_reset")
int BPF_PROG(on_reset_received, struct sock *sk)
{
	struct edge *edge = followed_edge(sk);

	if (edge)
		add(&edge->resets_received, 1);
	return 0;
}

/* Every TCP socket that a process has open, in whatever network namespace: the start-up inventory (who listens), and the
 * sweep of live connections. A socket that several processes have is told several times, with one cookie. */
SEC("iter/task_file")
int sweep(struct bpf_iter__task_file *context)
{
	struct file *file = context->file;
	struct task_struct *task = context->task;
	struct connection connection = {};
	struct sock_common *common;
	struct call_state *state;
	struct tcp_sock *tcp;
	struct socket *socket;
	struct sock *sk;

	if (!file || !task)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk)
		return 0;
	common = &sk->__sk_common;
	/* Go listens for MPTCP since 1.24; what it accepts is a plain connection for most clients. */
	if (common->skc_state == TCP_LISTEN &&
	    (sk->sk_protocol == IPPROTO_TCP || sk->sk_protocol == IPPROTO_MPTCP)) {
		note_listener(sk);
		return 0;
	}
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return 0;
	state = bpf_sk_storage_get(&states, tcp, 0, 0);
	if (state) {
		connection.edge = state->key;
		connection.calls = state->calls;
	} else {
		tell_key(&connection.edge, sk, 0, guess_role(sk));
	}
	if (!connection.edge.group)
		connection.edge.group = group_of(task);
	tell_address(connection.local, sk, false);
	tell_address(connection.remote, sk, true);
	connection.cookie = bpf_get_socket_cookie(tcp);
	connection.bytes_acked = tcp->bytes_acked;
	connection.bytes_received = tcp->bytes_received;
	connection.smoothed_rtt_us = tcp->srtt_us >> 3;
	connection.min_rtt_us = tcp->rtt_min.s[0].v;
	connection.retransmits = tcp->total_retrans;
	connection.unacked = tcp->write_seq - tcp->snd_una;
	connection.unread = tcp->rcv_nxt - tcp->copied_seq;
	connection.peer_window = tcp->snd_wnd;
	connection.local_port = common->skc_num;
	connection.remote_port = __builtin_bswap16(common->skc_dport);
	connection.state = common->skc_state;
	bpf_seq_write(context->meta->seq, &connection, sizeof(connection));
	return 0;
}
