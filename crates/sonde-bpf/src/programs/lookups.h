/* What is told of a question for a name: the twin of `src/lookups.rs`. */
#pragma once

enum {
	NAME_BYTES = 255,
	NAME_ROOM = 256,
	/* Questions whose answer has not come; the oldest go. */
	QUESTIONS_MAX = 4096,
};

/* A question that waits for its answer. */
struct question_key {
	__u64 cookie;
	__u8 remote[16];
	__u16 remote_port;
	__u16 id;
	__u32 pad;
};
struct question {
	struct edge_key edge;
	__u64 asked_ns;
	__u64 cookie;
	__u32 bytes;
	__u8 name_bytes; /* of `name` in use: the name and what is asked of it, as in the message (RFC 1035, 4.1.2) */
	__u8 pad[3];
	__u8 name[NAME_ROOM];
};

/* One that was answered. */
struct lookup {
	struct question question;
	__u64 boot_ns;
	__u64 took_ns;
	__u8 code; /* RFC 1035, section 4.1.1: RCODE */
	__u8 pad[7];
};
