/* Counts by edge, in two maps that take turns, and the programs' own counters. */
#pragma once

struct edge_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, EDGES_MAX);
	__type(key, struct edge_key);
	__type(value, struct edge);
};
struct edge_map edges_a SEC(".maps");
struct edge_map edges_b SEC(".maps");

/* Which of the two is written now (the twin of `Steering` in `src/sockets/edges.rs`): a variable, for a look into a map that
 * the verifier knows costs half of one into a map of maps. User space turns it over, then writes to `turned`: the kernel lets that wait until no program is still
 * at work that read the old value (kernel/bpf/syscall.c, maybe_wait_bpf_programs), so a harvest loses nothing. */
volatile struct {
	__u32 edges_active;
	__u32 samples_one_of; /* of samples that are no verdict's one of so many is sent; 0 and 1: each */
} steering = {};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct edge_map);
} turned SEC(".maps") = {
	.values = {&edges_a},
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

/* An edge full of zeros, to insert: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct edge);
} empty SEC(".maps");

static __always_inline void count(__u32 which)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &which);

	if (value)
		*value += 1;
}

/* The number of the highest bit that is set; `value` is not 0. */
static __always_inline __u32 highest_bit(__u64 value)
{
	__u32 bit = 0;

	if (value >> 32) {
		bit += 32;
		value >>= 32;
	}
	if (value >> 16) {
		bit += 16;
		value >>= 16;
	}
	if (value >> 8) {
		bit += 8;
		value >>= 8;
	}
	if (value >> 4) {
		bit += 4;
		value >>= 4;
	}
	if (value >> 2) {
		bit += 2;
		value >>= 2;
	}
	return bit + (value >> 1);
}

static __always_inline __u32 bucket_of(__u64 ns)
{
	__u64 units = ns >> 8;
	__u32 octave, bucket;

	if (units < 4)
		return units;
	octave = highest_bit(units);
	bucket = (octave - 1) * 4 + ((units >> (octave - 2)) & 3);
	return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

static __always_inline void add(__u64 *to, __u64 value)
{
	__sync_fetch_and_add(to, value);
}

static __always_inline void observe(struct histogram *histogram, __u64 ns)
{
	__sync_fetch_and_add(&histogram->bucket[bucket_of(ns) & (BUCKETS - 1)], 1);
}

/* A new edge; those that find no room share one. */
static __noinline struct edge *new_edge(const struct edge_key *key)
{
	void *map = steering.edges_active ? (void *)&edges_b : (void *)&edges_a;
	struct edge_key overflow = {};
	struct edge *edge, *zeros;
	__u32 first = 0;

	if (!key)
		return 0;
	zeros = bpf_map_lookup_elem(&empty, &first);
	if (!zeros)
		return 0;
	bpf_map_update_elem(map, key, zeros, BPF_NOEXIST);
	edge = bpf_map_lookup_elem(map, key);
	if (edge) {
		edge->first_boot_ns = bpf_ktime_get_boot_ns();
		return edge;
	}
	count(COUNT_EDGES_FULL);
	return bpf_map_lookup_elem(map, &overflow);
}

/* The edge of a key in the map that is written now. */
static __always_inline struct edge *edge_at(const struct edge_key *key)
{
	struct edge *edge = steering.edges_active ? bpf_map_lookup_elem(&edges_b, key) : bpf_map_lookup_elem(&edges_a, key);

	return edge ? edge : new_edge(key);
}
