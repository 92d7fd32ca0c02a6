/* A finished call: how it went, its counts, its sample. The two tiers share it.
 *
 * Before it is included, a tier says what a socket is to it (`SOCKET`, and `tier_state` for what it must remember of
 * one) and what it reads an answer from (`ANSWER`), and afterwards it says what it knows of one: the functions that are
 * only declared here.
 */
#pragma once

/* Set before loading: the twin of `Settings` in `src/sockets.rs`. */
const volatile struct {
	__u64 slow_ns;
	__u64 memory_on_v1; /* tier S: whose groups are told */
	__u64 read_payload;
	__u64 sample_each;	/* every N-th call is a sample; 0: none */
	__u64 netns_at_events;	/* tier P: the kernel tells a connection's namespace when it is made, */
	__u64 netns_at_packets; /* and when a packet comes */
	__u64 frames_protocol;	/* the number of HTTP/2 */
} settings = {};

#include "multiplexed.h"

enum {
	/* Calls of a connection that are sent for a verdict, and after how many we stop looking whether there is one. */
	VERDICT_SAMPLES = 3,
	VERDICT_LOOKS = 16,
	/* Checks look no further into an answer: `sonde_l7::kernel::LOOK_MAX`. */
	OUTCOME_BYTES = 24,
	/* The reader is woken when this much waits; it looks by itself each second. */
	WAKE_BYTES = 256 * 1024,
};

static __always_inline void tell_address(__u8 *to, const SOCKET *sk, bool remote);
static __always_inline __u32 netns_of(const SOCKET *sk, const struct call_state *state);
static __always_inline __u16 port_of(const SOCKET *sk, bool remote); /* in host order */
static __always_inline __u64 cookie_of(SOCKET *sk, struct call_state *state);
/* How far each direction has come, in sequence numbers; false where it is not known. */
static __always_inline bool tell_streams(SOCKET *sk, const struct call_state *state, __u32 *sent, __u32 *received);

/* Puts the beginning of an answer that has not been read yet into `state`: what an outcome shows by, or as much as fits. */
static void read_for_outcome(struct call_state *state, ANSWER *answer);
static __always_inline void read_answer(struct call_state *state, ANSWER *answer);

static __always_inline void tell_key(struct edge_key *key, const SOCKET *sk, const struct call_state *state, __u8 role)
{
	tell_address(key->remote, sk, true);
	key->netns = netns_of(sk, state);
	key->port = port_of(sk, role != ROLE_SERVER);
	key->role = role;
}

static __always_inline void set_role(struct call_state *state, const SOCKET *sk, __u8 role)
{
	state->role = role;
	tell_key(&state->key, sk, state, role);
	/* Connections that begin together are not chosen together. */
	if (settings.sample_each)
		state->until_chosen = bpf_get_prandom_u32() % (__u32)settings.sample_each;
}

/* An accepted connection counts when its owner shows. */
static __always_inline void count_accepted(struct call_state *state)
{
	struct edge *edge = edge_of(state);

	if (edge)
		add(&edge->opened, 1);
	state->is_accepted = 0;
}

static __always_inline void count_bytes(struct call_state *state, struct edge *edge, __u32 sent, __u32 received)
{
	sent -= state->sent_seq;
	received -= state->received_seq;
	if (sent) {
		add(&edge->bytes_sent, sent);
		state->sent_seq += sent;
	}
	if (received) {
		add(&edge->bytes_received, received);
		state->received_seq += received;
	}
}

static __always_inline void count_bytes_so_far(SOCKET *sk, struct call_state *state, struct edge *edge)
{
	__u32 sent, received;

	if (!state->is_closed && tell_streams(sk, state, &sent, &received))
		count_bytes(state, edge, sent, received);
}

static __always_inline void tell_endpoint(struct endpoint *endpoint, const SOCKET *sk, const struct call_state *state)
{
	tell_address(endpoint->address, sk, state->role == ROLE_CLIENT);
	endpoint->netns = state->key.netns;
	endpoint->port = state->key.port;
}

/* User space says once for an endpoint what it speaks; each connection looks until it is said. */
static __noinline void look_for_verdict(const SOCKET *sk, struct call_state *state)
{
	struct endpoint endpoint = {};
	__u8 *verdict;
#ifndef TURNS_ONLY
	struct check *check;
	__u32 protocol;
#endif

	tell_endpoint(&endpoint, sk, state);
	verdict = bpf_map_lookup_elem(&verdicts, &endpoint);
	if (!verdict)
		return;
	state->key.protocol = *verdict;
#ifndef TURNS_ONLY
	protocol = *verdict;
	check = bpf_map_lookup_elem(&checks, &protocol);
	state->is_framed = check && check->framing.request_header && settings.read_payload;
#endif
}

/* What an endpoint speaks may be known before its first call: then that is counted as any other. */
static __always_inline void look_at_first(const SOCKET *sk, struct call_state *state)
{
	if (!state->key.protocol && !state->calls)
		look_for_verdict(sk, state);
}

/* Bytes of the request, all of it, when its answer begins. */
static __always_inline __u64 request_length(SOCKET *sk, const struct call_state *state)
{
	__u32 sent, received;

	if (!tell_streams(sk, state, &sent, &received))
		return state->request_bytes;
	return (state->role == ROLE_SERVER ? received : sent) - state->turn_seq;
}

static __noinline void send_sample(SOCKET *sk, struct call_state *state, __u64 now, __u32 reason, __u64 length)
{
	struct sample *sample = bpf_ringbuf_reserve(&samples, sizeof(*sample), 0);
	bool is_server = state->role == ROLE_SERVER, wake;

	if (!sample) {
		count(COUNT_SAMPLES_LOST);
		return;
	}
	sample->edge = state->key;
	tell_endpoint(&sample->endpoint, sk, state);
	sample->cookie = cookie_of(sk, state);
	sample->boot_ns = bpf_ktime_get_boot_ns();
	sample->number = state->calls;
	sample->worked_ns = is_server ? now - state->began_ns : 0;
	sample->waited_ns = is_server && state->arrived_ns ? state->began_ns - state->arrived_ns : 0;
	sample->total_ns = now - state->began_ns + sample->waited_ns;
	sample->reason = reason;
	sample->request_bytes = state->request_bytes;
	sample->answer_bytes = state->answer_bytes;
	sample->request_length = length;
	sample->outcome = state->outcome;
	sample->pad = 0;
	__builtin_memcpy(sample->request, state->request, PREFIX_ROOM);
	__builtin_memcpy(sample->answer, state->answer, PREFIX_ROOM);
	/* A verdict is waited for by the connection's next calls; the rest can wait for its turn. */
	wake = reason & SAMPLE_VERDICT || bpf_ringbuf_query(&samples, BPF_RB_AVAIL_DATA) > WAKE_BYTES;
	bpf_ringbuf_submit(sample, wake ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

/* Why a call becomes a sample, 0 if it does not. */
static __always_inline __u32 reason_of(struct call_state *state, bool failed, bool slow)
{
	__u32 reason = 0;

	if (!settings.read_payload)
		return 0;
	if (!state->key.protocol && state->calls <= VERDICT_SAMPLES && state->request_bytes)
		reason |= SAMPLE_VERDICT;
	if (slow)
		reason |= SAMPLE_SLOW;
	if (failed)
		reason |= SAMPLE_FAILED;
	if (settings.sample_each) {
		if (!state->until_chosen) {
			reason |= SAMPLE_CHOSEN;
			state->until_chosen = settings.sample_each;
		}
		state->until_chosen -= 1;
	}
	if (reason && !(reason & SAMPLE_VERDICT) && steering.samples_one_of > 1 &&
	    bpf_get_prandom_u32() % steering.samples_one_of) {
		count(COUNT_SAMPLES_THINNED);
		return 0;
	}
	return reason;
}

/* A call's counts, but for its bytes: it went as `outcome` says and took from `began` to `now`. Tells why it becomes a
 * sample, if it does. */
static __always_inline __u32 count_finished(struct call_state *state, struct edge *edge, __u64 began, __u64 now)
{
	bool failed = state->outcome == OUTCOME_CALLER_ERROR || state->outcome == OUTCOME_CALLEE_ERROR;
	bool slow = now - began >= settings.slow_ns;

	state->calls += 1;
	add(&edge->total_ns, now - began);
	observe(&edge->total, now - began);
	if (slow)
		add(&edge->slow, 1);
	if (failed)
		add(&edge->errors, 1);
	return reason_of(state, failed, slow);
}

/* A call is over as far as its time is concerned: at `now` the answer began. `answer` is what it is read from, 0 where
 * that has been done. */
static __always_inline void count_call(SOCKET *sk, struct call_state *state, ANSWER *answer, __u64 now)
{
	__u64 began = state->began_ns;
	struct edge *edge;
	__u32 reason;

	if (!state->key.protocol && state->calls < VERDICT_LOOKS)
		look_for_verdict(sk, state);
	if (answer && settings.read_payload && state->key.protocol) {
		if (speaks_frames(state))
			read_answer(state, answer);
		else
			read_for_outcome(state, answer);
	}
	if (!is_answered(state))
		return;
	edge = edge_of(state);
	if (!edge)
		return;
	state->outcome = outcome_of(state, speaks_frames(state) ? headers_at(state, true) : 0);
	if (state->role == ROLE_SERVER && state->arrived_ns && state->arrived_ns <= began) {
		add(&edge->waited_ns, began - state->arrived_ns);
		observe(&edge->wait, began - state->arrived_ns);
		began = state->arrived_ns;
	}
	reason = count_finished(state, edge, began, now);
	count_bytes_so_far(sk, state, edge);
	if (!reason)
		return;
	if (answer)
		read_answer(state, answer);
	send_sample(sk, state, now, reason, request_length(sk, state));
}

/* The answer before this one is written: nothing more will be known of it. */
static __always_inline void count_answer(struct call_state *state)
{
	struct edge *edge;

	if (state->turn != TURN_ANSWER || state->role != ROLE_SERVER || state->last_write_ns <= state->answer_ns)
		return;
	edge = edge_of(state);
	if (edge)
		add(&edge->written_ns, state->last_write_ns - state->answer_ns);
}
