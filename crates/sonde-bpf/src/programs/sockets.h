/* What is counted of TCP connections, shared by the programs of both tiers: the twin of `src/sockets/record.rs`. */
#pragma once

enum {
	BUCKETS = 128,
	EDGES_MAX = 16384,
	PREFIX_BYTES = 255, /* read at most; the room for it is a power of two */
	PREFIX_ROOM = 256,
	RULES = 6,
};

enum role {
	ROLE_UNKNOWN = 0,
	ROLE_CLIENT = 1,
	ROLE_SERVER = 2,
};

/* One end of the calls between an owner and a remote address. */
struct edge_key {
	__u64 group;	 /* the owner's control group; 0 where no process context was seen */
	__u8 remote[16]; /* IPv6, or IPv4 as ::ffff:a.b.c.d */
	__u32 netns;	 /* inode of the network namespace */
	__u16 port;	 /* the server's, in host order */
	__u8 role;
	__u8 protocol;
};

/* What the histograms hold is not counted a second time: an atomic addition is most of what a call costs.
 * Log-linear: 4 buckets for each doubling from 256 ns, so a value is known to 12.5 %. */
struct histogram {
	__u32 bucket[BUCKETS];
};

struct edge {
	__u64 first_boot_ns; /* when it was first counted, since the node's boot */
	__u64 errors;
	__u64 slow;
	__u64 total_ns;	  /* server: arrival of the request to the answer; client: request to arrival of the answer */
	__u64 waited_ns;  /* server: unread in the receive queue */
	__u64 written_ns; /* server: from the first to the last write */
	__u64 bytes_sent;
	__u64 bytes_received;
	__u64 opened;
	__u64 closed;
	__u64 connect_ns;
	__u64 connect_failed;
	__u64 retransmits;
	__u64 resets_sent;
	__u64 resets_received;
	struct histogram total;
	struct histogram wait;
};

/* The server's end of an edge, for verdicts: all connections to it speak one protocol. */
struct endpoint {
	__u8 address[16];
	__u32 netns;
	__u32 port;
};

/* How a protocol's answer shows by its first bytes how the call went: `sonde_l7::KernelCheck`, field by field. */
enum outcome {
	OUTCOME_UNKNOWN = 0,
	OUTCOME_OK = 1,
	OUTCOME_CALLER_ERROR = 2,
	OUTCOME_CALLEE_ERROR = 3,
	OUTCOME_INTERIM = 4,
};
struct rule {
	__u8 offset;
	__u8 width; /* 1, 2 or 4 bytes, the most significant first; 0: no rule */
	__u8 outcome;
	__u8 pad;
	__u32 mask;
	__u32 low;
	__u32 high;
};
struct correlation {
	__u8 request_offset;
	__u8 answer_offset;
	__u8 width;
	__u8 pad;
};
struct length {
	__u8 offset;
	__u8 width;
	__u8 little_endian;
	__s8 add;
};
struct framing {
	__u8 request_header; /* 0: calls are not followed one by one */
	__u8 answer_header;
	__u8 preface_len;
	__u8 answer_by_id;
	__u8 answers_unasked;
	__u8 pad[3];
	__u8 preface[4];
	__u32 len_max;
	struct rule client;
	struct rule server;
	struct rule request[2];
	struct rule answer[2];
	struct rule end;
	struct rule abort;
};
struct check {
	struct rule guard;
	struct rule rules[RULES];
	__u8 otherwise;
	__u8 pad[3];
	struct correlation correlation;
	struct length length;
	struct framing framing;
};

enum sample_reason {
	SAMPLE_VERDICT = 1, /* among the first of a connection whose protocol is not known */
	SAMPLE_SLOW = 2,
	SAMPLE_FAILED = 4,
	SAMPLE_CHOSEN = 8, /* one of N */
};

/* One call with the beginnings of what was said. */
struct sample {
	struct edge_key edge;
	struct endpoint endpoint;
	__u64 cookie;
	__u64 boot_ns; /* when the answer began */
	__u64 number;  /* of the call on its connection */
	__u64 total_ns;
	__u64 waited_ns;
	__u64 worked_ns;
	__u64 request_length; /* of the whole turn */
	__u32 reason;
	__u8 outcome;
	__u8 request_bytes; /* of `request` in use */
	__u8 answer_bytes;
	__u8 pad;
	__u8 request[PREFIX_ROOM];
	__u8 answer[PREFIX_ROOM];
};

/* Counters of the programs themselves. */
enum counter {
	COUNT_EDGES_FULL = 0,	/* a new edge found no room: its calls went to the overflow edge */
	COUNT_STORAGE_FULL = 1, /* no memory for a socket's storage: its calls were not seen */
	COUNT_SAMPLES_LOST = 2, /* samples that the ring had no room for */
	COUNT_SAMPLES_THINNED = 3, /* samples left out because user space asked for fewer */
	COUNT_FRAMES_LOST = 4, /* pieces of streams and answers that could not be followed where calls run at once */
	COUNTERS = 8,
};

/* A live connection, as the sweep writes it. */
struct connection {
	struct edge_key edge;
	__u8 local[16];
	__u8 remote[16];
	__u64 cookie;
	__u64 bytes_acked;
	__u64 bytes_received;
	__u64 calls;
	__u32 smoothed_rtt_us;
	__u32 min_rtt_us;
	__u32 retransmits;
	__u32 unacked;
	__u32 unread;
	__u32 peer_window;
	__u16 local_port;
	__u16 remote_port;
	__u8 state;
	__u8 pad[3];
};
