/* Calls that run at the same time on one connection: each is followed by the id that its frames carry.
 *
 * Of each direction of such a connection it is remembered where the next frame begins in the stream, so of what travels
 * only the headers of frames are read. A header may lie across two pieces of the stream. What cannot be followed (a piece
 * that is missing or out of order, one whose memory is not here) is counted, and the next piece that begins with what can
 * be a frame is where it goes on. What frames look like is data: `sonde_l7::kernel::Framing`.
 *
 * Before it is included, a tier says what a piece of a stream is to it (`struct piece`), and afterwards how it is read.
 */
#pragma once

enum {
	/* In flight at a time on the node; beyond that the oldest are forgotten, and their answers counted as not followed. */
	FLIGHTS_MAX = 16384,
	/* Of a request, for its sample. */
	FLIGHT_BYTES = 128,
	/* Frames that are looked at in one piece; a piece has at most 64 KiB, or what a process writes at once. */
	FRAMES_MAX = 4096,
	/* A frame's beginning, as far as it is looked at, and the room to read as much from any byte of it. */
	LANE_BYTES = OUTCOME_BYTES,
	LANE_HALF = 32,
	LANE_ROOM = 96,
	/* Bytes of a stream that are one piece */
	PIECE_MAX = 1 << 30,
	/* Packets with requests that the server has not read. */
	UNREAD_MAX = 16,
};

/* One direction of a connection. */
struct lane {
	__u32 next;   /* where in the stream the next frame begins, or goes on */
	__u8 held;    /* bytes of it that are here */
	__u8 in_step; /* a frame led here, so this is one */
	__u8 finished; /* calls, in the walk that is under way */
	__u8 pad;
	/* In the walk that is under way; here, where the verifier does not count along. */
	__u32 at;    /* where in the piece the next byte stands that is looked for */
	__u32 begun; /* calls */
	__u32 lost;
	/* Tier S: the part of a vector that was read last, and where it begins. */
	__u64 part;
	__u64 part_at;
	__u8 bytes[LANE_ROOM];
};

struct unread {
	__u32 sequence;
	__u32 calls;
	__u64 arrived_ns;
};

struct frames {
	struct lane requests;
	struct lane answers;
	/* Server, tier S: a ring. */
	__u32 unread_first;
	__u32 unread_end;
	struct unread unread[UNREAD_MAX];
};
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct frames);
} followed SEC(".maps");

struct flight_key {
	__u64 cookie;
	__u64 id;
};
struct flight {
	__u64 began_ns;
	__u64 answered_ns;
	__u32 length;
	__u8 bytes;
	__u8 pad[3];
	__u8 request[FLIGHT_BYTES];
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FLIGHTS_MAX);
	__type(key, struct flight_key);
	__type(value, struct flight);
} flights SEC(".maps");

/* A walk over the frames of a piece. */
struct walk {
	SOCKET *sk;
	struct call_state *state;
	struct lane *lane;
	const struct check *check;
	struct piece *piece;
	__u64 now;
	struct flight_key key;
	__u64 in_answer;
};

static __always_inline void count_more(__u32 which, __u64 more)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &which);

	if (value)
		*value += more;
}

/* The tier's: they read all of `bytes` of a piece, from `at` on. */
static __always_inline bool read_frame(struct piece *piece, __u32 at, struct lane *lane, __u32 held, __u32 bytes);
static __always_inline bool read_request_at(struct piece *piece, __u32 at, struct flight *flight, __u32 bytes);
static __always_inline bool read_answer_at(struct piece *piece, __u32 at, struct call_state *state, __u32 bytes);

/* Rules of frames are about four bytes. A rule that is not there holds. */
static __always_inline bool is_so(const struct rule *rule, const struct lane *lane)
{
	__u32 value;

	__builtin_memcpy(&value, lane->bytes + (rule->offset & 31), sizeof(value));
	value = __builtin_bswap32(value) & rule->mask;
	return !rule->width || (value >= rule->low && value <= rule->high);
}

static __always_inline __u64 length_of(const struct check *check, const struct lane *lane)
{
	__u32 value;

	__builtin_memcpy(&value, lane->bytes + (check->length.offset & 31), sizeof(value));
	if (check->length.little_endian)
		value <<= 32 - 8 * (check->length.width & 7);
	else
		value = __builtin_bswap32(value);
	value >>= 32 - 8 * (check->length.width & 7);
	return (__u64)value + check->length.add;
}

static __always_inline __u64 id_of(const struct walk *walk)
{
	const struct correlation *correlation = &walk->check->correlation;
	__u32 at = walk->in_answer ? correlation->answer_offset : correlation->request_offset;
	const __u8 *bytes = walk->lane->bytes + (at & 31);
	__u32 low, high = 0;

	__builtin_memcpy(&low, bytes, sizeof(low));
	if (correlation->width == 8)
		__builtin_memcpy(&high, bytes + 4, sizeof(high));
	return (__u64)high << 32 | low;
}

/* A request's first frame: of it `have` bytes are in the lane; if it is whole, `bytes` of it are in the piece. */
static __noinline void begin_flight(struct walk *walk, __u32 length, __u32 have, bool is_whole, __u32 bytes)
{
	const struct lane *lane = walk->lane;
	struct flight flight;

	__builtin_memset(&flight, 0, sizeof(flight));
	flight.began_ns = walk->now;
	flight.length = length;
	if (bytes > FLIGHT_BYTES)
		bytes = FLIGHT_BYTES;
	if (is_whole && bytes && read_request_at(walk->piece, walk->lane->at, &flight, bytes)) {
		flight.bytes = bytes;
	} else {
		__builtin_memcpy(flight.request, lane->bytes, LANE_BYTES);
		flight.bytes = have;
	}
	if (bpf_map_update_elem(&flights, &walk->key, &flight, BPF_ANY))
		walk->lane->lost += 1;
	walk->lane->begun += 1;
}

/* These are not static: the verifier looks at each once, and not again on each way that leads to it. */

/* How a call went by its answer's first frame, which is in `state`. */
__noinline int judge_flight(struct call_state *state)
{
	return state ? outcome_of(state, 0) : OUTCOME_UNKNOWN;
}

/* A call's counts, but for its bytes. Tells why it becomes a sample, if it does. */
__noinline int count_flight(struct call_state *state, struct flight *flight, __u64 now)
{
	struct edge *edge;

	if (!state || !flight)
		return 0;
	flight->answered_ns = now;
	edge = edge_of(state);
	if (!edge)
		return 0;
	state->began_ns = flight->began_ns;
	state->arrived_ns = 0;
	return count_finished(state, edge, flight->began_ns, now);
}

__noinline int count_written(struct call_state *state, __u64 ns)
{
	struct edge *edge = state ? edge_of(state) : 0;

	if (edge)
		add(&edge->written_ns, ns);
	return 0;
}

/* Calls that waited unread. */
__noinline int count_waited(struct call_state *state, __u64 ns, __u64 calls)
{
	struct edge *edge = state ? edge_of(state) : 0;

	if (!edge)
		return 0;
	add(&edge->waited_ns, ns * calls);
	__sync_fetch_and_add(&edge->wait.bucket[bucket_of(ns) & (BUCKETS - 1)], calls);
	return 0;
}

/* A call that is counted, with its beginnings. */
static __noinline void sample_flight(struct walk *walk, struct flight *flight, bool is_whole, __u32 bytes, __u32 reason)
{
	struct call_state *state = walk->state;

	state->request_bytes = flight->bytes;
	__builtin_memcpy(state->request, flight->request, FLIGHT_BYTES);
	if (bytes > PREFIX_BYTES)
		bytes = PREFIX_BYTES;
	if (is_whole && bytes && read_answer_at(walk->piece, walk->lane->at, state, bytes))
		state->answer_bytes = bytes;
	send_sample(walk->sk, state, walk->now, reason, flight->length);
}

/* A frame of which enough is here. */
static __always_inline void on_frame(struct walk *walk, __u32 length, __u32 have, bool is_whole, __u32 bytes)
{
	const struct framing *framing = &walk->check->framing;
	struct call_state *state = walk->state;
	struct lane *lane = walk->lane;
	bool begins, ends, aborts = framing->abort.width && is_so(&framing->abort, lane);
	struct flight *flight;
	__u32 reason;

	if (!walk->in_answer) {
		begins = is_so(&framing->request[0], lane) && is_so(&framing->request[1], lane);
		if (!begins && !aborts)
			return;
		walk->key.id = id_of(walk);
		if (begins)
			begin_flight(walk, length, have, is_whole, bytes);
		else
			bpf_map_delete_elem(&flights, &walk->key);
		return;
	}
	begins = is_so(&framing->answer[0], lane) && is_so(&framing->answer[1], lane);
	ends = framing->end.width ? is_so(&framing->end, lane) : begins;
	if (!begins && !ends && !aborts)
		return;
	walk->key.id = id_of(walk);
	flight = bpf_map_lookup_elem(&flights, &walk->key);
	if (!flight) {
		/* Trailers may be those of an answer that began before the verdict. */
		if (begins && !(framing->end.width && ends) && !framing->answers_unasked)
			walk->lane->lost += 1;
		return;
	}
	if (!flight->answered_ns && (begins || aborts)) {
		__builtin_memcpy(state->answer, lane->bytes, LANE_BYTES);
		state->answer_bytes = have;
		state->outcome = aborts ? OUTCOME_CALLEE_ERROR : judge_flight(state);
		if (state->outcome == OUTCOME_INTERIM)
			return;
		reason = count_flight(state, flight, walk->now);
		lane->finished = 1;
		if (reason)
			sample_flight(walk, flight, is_whole, bytes, reason);
	} else if (state->role == ROLE_SERVER && (ends || aborts) && walk->now > flight->answered_ns) {
		count_written(state, walk->now - flight->answered_ns);
	}
	if (ends || aborts)
		bpf_map_delete_elem(&flights, &walk->key);
}

/* This is no frame, or one that cannot be read. */
static __always_inline void lose_step(struct walk *walk)
{
	walk->lane->lost += walk->lane->in_step;
	walk->lane->in_step = 0;
	walk->lane->held = 0;
	walk->lane->at = walk->piece->bytes;
}

static __always_inline bool is_plausible(struct walk *walk, __u64 length, __u32 header)
{
	const struct framing *framing = &walk->check->framing;

	if (length < header || length > framing->len_max)
		return false;
	if (!is_so(walk->in_answer ? &framing->server : &framing->client, walk->lane))
		return false;
	if (!walk->in_answer || !framing->answer_by_id || walk->lane->in_step)
		return true;
	walk->key.id = id_of(walk);
	return bpf_map_lookup_elem(&flights, &walk->key);
}

/* One frame, or as much of it as the piece has. 1: there are no more. */
static long next_frame(__u64 number, struct walk *walk)
{
	const struct framing *framing = &walk->check->framing;
	__u32 header = walk->in_answer ? framing->answer_header : framing->request_header;
	struct piece *piece = walk->piece;
	struct lane *lane = walk->lane;
	__u32 held = lane->held, bytes, have;
	bool is_whole = !held;
	__u64 length;

	if (walk->lane->at >= piece->bytes)
		return 1;
	if (held >= LANE_BYTES)
		held = 0;
	bytes = LANE_BYTES - held;
	if (bytes > piece->bytes - walk->lane->at)
		bytes = piece->bytes - walk->lane->at;
	barrier_var(bytes);
	if (!bytes || bytes > LANE_BYTES || !read_frame(piece, walk->lane->at, lane, held, bytes)) {
		lose_step(walk);
		return 1;
	}
	have = held + bytes;
	if (have < header) {
		lane->held = have;
		walk->lane->at += bytes;
		return 1;
	}
	if (framing->preface_len && !walk->in_answer && !__builtin_memcmp(lane->bytes, framing->preface, 4)) {
		walk->lane->at += framing->preface_len - held;
		lane->held = 0;
		return 0;
	}
	length = length_of(walk->check, lane);
	if (!is_plausible(walk, length, header)) {
		lose_step(walk);
		return 1;
	}
	lane->in_step = 1;
	if (have < length && have < LANE_BYTES) {
		lane->held = have;
		walk->lane->at += bytes;
		return 1;
	}
	if (have > length)
		have = length;
	bytes = piece->bytes - walk->lane->at;
	on_frame(walk, length, have, is_whole, bytes < length ? bytes : length);
	lane->held = 0;
	walk->lane->at += length - held;
	return 0;
}

/* A piece of a stream that has come or leaves. Tells how many calls begin in it. */
static __noinline __u32 follow(SOCKET *sk, struct call_state *state, struct piece *piece)
{
	__u32 protocol = state->key.protocol;
	struct walk walk = {.sk = sk, .state = state, .piece = piece};
	struct frames *frames = bpf_sk_storage_get(&followed, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	struct edge *edge;
	struct lane *lane;
	__s32 ahead;

	walk.check = bpf_map_lookup_elem(&checks, &protocol);
	if (!walk.check || !piece->bytes)
		return 0;
	if (!frames) {
		count(COUNT_STORAGE_FULL);
		return 0;
	}
	walk.in_answer = piece->leaves == (state->role == ROLE_SERVER);
	piece->lane = walk.lane = lane = walk.in_answer ? &frames->answers : &frames->requests;
	lane->finished = 0;
	lane->at = lane->begun = lane->lost = 0;
	if (lane->in_step || lane->held) {
		ahead = lane->next - piece->sequence;
		if (ahead >= (__s32)piece->bytes)
			return 0;
		if (ahead < 0) {
			/* What was to come next is missing. */
			lane->in_step = lane->held = 0;
			lane->lost = 1;
			ahead = 0;
		}
		lane->at = ahead;
	}
	lane->part = 0;
	lane->part_at = 0;
	walk.now = bpf_ktime_get_ns();
	walk.key.cookie = cookie_of(sk, state);
	bpf_loop(FRAMES_MAX, next_frame, &walk, 0);
	lane->next = piece->sequence + lane->at;
	if (lane->finished) {
		edge = edge_of(state);
		if (edge)
			count_bytes_so_far(sk, state, edge);
	}
	if (lane->lost)
		count_more(COUNT_FRAMES_LOST, lane->lost);
	return lane->begun;
}
