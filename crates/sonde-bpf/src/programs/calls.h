/* Where a connection stands between request and answer, and how a finished call is counted.
 *
 * The two tiers hook different places; what a turn of direction means is said once, here.
 * Tier S runs with the socket locked. In tier P a packet that comes is seen before that, so the two directions may run at
 * once; each writes its own members, and what both write follows from the other's packet. So the storage needs no atomics;
 * edges are shared, so they do.
 */
#pragma once

#include "edges.h"

enum turn {
	TURN_IDLE = 0,
	TURN_REQUEST = 1,
	TURN_ANSWER = 2,
};

/* What each packet and each read looks at stands first: the kernel puts it on one line of the cache. */
struct call_state {
	__u8 role; /* as in the key */
	__u8 turn;
	__u8 is_accepted; /* and not yet counted as opened */
	__u8 is_closed;	  /* its bytes are counted to the end */
	__u8 request_bytes;
	__u8 answer_bytes;
	__u8 outcome;
	__u8 is_framed; /* its calls may run at the same time: frames.h follows them */
	__u64 arrived_ns; /* first packet of the request (server) or of the answer (client) */
	__u64 began_ns;	  /* server: first read; client: first write */
	__u64 answer_ns;  /* server: first write of the answer */
	__u64 last_write_ns;
	__u32 turn_seq;	    /* where the request began in its stream */
	__u32 received_seq; /* counted up to here */
	__u32 sent_seq;	    /* counted up to here */
	__u32 until_chosen; /* calls until the next one that is a sample for its own sake */
	struct edge_key key; /* the edge that its calls count on; the kernel forgets a local port before it tells of the close */
	__u64 connect_ns; /* when the SYN left; 0 once it is known how that ended */
	__u64 calls;
	struct tier_state tier;
	__u8 request[PREFIX_ROOM];
	__u8 answer[PREFIX_ROOM + 4]; /* a check reads four bytes at once */
	__u8 pad2[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct call_state);
} states SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct endpoint);
	__type(value, __u8);
} verdicts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct check);
} checks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} samples SEC(".maps");

/* -1: too few bytes to tell */
static __always_inline int holds(const struct rule *rule, const __u8 *answer, __u32 start, __u32 bytes)
{
	__u32 at = (start + rule->offset) & (PREFIX_ROOM - 1), width = rule->width, value;

	if (at + width > bytes)
		return -1;
	__builtin_memcpy(&value, answer + at, sizeof(value));
	value = __builtin_bswap32(value) >> (32 - 8 * width);
	value &= rule->mask;
	return value >= rule->low && value <= rule->high;
}

/* How the call went, by the bytes of its answer from `start` on. */
static __always_inline __u8 outcome_of(struct call_state *state, __u32 start)
{
	__u32 protocol = state->key.protocol;
	struct check *check;

	if (!protocol || !state->answer_bytes)
		return OUTCOME_UNKNOWN;
	check = bpf_map_lookup_elem(&checks, &protocol);
	if (!check)
		return OUTCOME_UNKNOWN;
	if (check->guard.width && holds(&check->guard, state->answer, start, state->answer_bytes) != 1)
		return OUTCOME_UNKNOWN;
	for (int at = 0; at < RULES; at++) {
		const struct rule *rule = &check->rules[at];
		int held;

		if (!rule->width)
			continue;
		held = holds(rule, state->answer, start, state->answer_bytes);
		if (held)
			return held > 0 ? rule->outcome : OUTCOME_UNKNOWN;
	}
	return check->otherwise;
}

/* The edge of a connection in the map that is written now. */
static __always_inline struct edge *edge_of(const struct call_state *state)
{
	return edge_at(&state->key);
}
