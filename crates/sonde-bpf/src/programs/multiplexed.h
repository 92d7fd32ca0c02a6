/* Turns of connections that carry more than requests and answers: HTTP/2 (RFC 9113), and gRPC in it. They matter only for
 * the turn in which the verdict comes, for from then on calls are followed one by one (frames.h), and where the kernel
 * does not allow that.
 *
 * Settings, pings and windows are the connection's own: a turn is a request or an answer only from the packet on that has
 * a stream's headers within what is read of it.
 */
#pragma once

enum {
	FRAME_BYTES = 9, /* of a frame's own header: three of length, one of type, ... */
	FRAME_HEADERS = 1,
	TURN_FRAMES_MAX = 8, /* looked at */
	PREFACE_BYTES = 24,
};

static __always_inline bool speaks_frames(const struct call_state *state)
{
	return state->key.protocol == settings.frames_protocol;
}

/* Where the first frame with headers begins in a request or an answer, -1 if none is seen. */
static __noinline int headers_at(struct call_state *state, bool in_answer)
{
	const __u8 *bytes = in_answer ? state->answer : state->request;
	__u32 length = in_answer ? state->answer_bytes : state->request_bytes;
	__u32 at = 0;

	if (!in_answer && bytes[0] == 'P' && bytes[1] == 'R' && bytes[2] == 'I')
		at = PREFACE_BYTES;
	for (int frame = 0; frame < TURN_FRAMES_MAX; frame++) {
		if (at > PREFIX_BYTES - FRAME_BYTES || at + FRAME_BYTES > length)
			return -1;
		if (bytes[at + 3] == FRAME_HEADERS)
			return at;
		at += FRAME_BYTES + (bytes[at] << 16 | bytes[at + 1] << 8 | bytes[at + 2]);
	}
	return -1;
}

/* A packet of a request has come or leaves, and its beginning is in `state`: whether the request begins with it. */
static __always_inline bool begins_request(struct call_state *state)
{
	return !speaks_frames(state) || headers_at(state, false) >= 0;
}

/* An answer seems to begin. If what it is to was no request there is no call, and if it is none itself the call goes on:
 * the first turn of a connection begins before its protocol is known. */
static __always_inline bool is_answered(struct call_state *state)
{
	if (!speaks_frames(state))
		return true;
	if (state->request_bytes && headers_at(state, false) < 0) {
		state->turn = TURN_IDLE;
		return false;
	}
	if (headers_at(state, true) < 0) {
		state->turn = TURN_REQUEST;
		return false;
	}
	return true;
}
