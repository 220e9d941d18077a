/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * HTTP/2 found by its frames: where a server speaks first, and on connections whose beginning was not seen. There the bytes of a call
 * count as frames only where all heads in them keep the rules and one of them is of HEADERS, whose first byte
 * says whether they are a request's or an answer's.
 */
#ifndef LIB_HTTP2_FIND_BPF_H
#define LIB_HTTP2_FIND_BPF_H

#include "http2_frame.bpf.h"
#include "http_call.bpf.h"

#define FRAMES_LOOKED_AT	6
#define LENGTH_USUAL		16384	/* SETTINGS_MAX_FRAME_SIZE, as long as nobody says otherwise (RFC 9113, 6.5.2) */

enum frames_found {
	FRAMES_NONE = 0,
	FRAMES_UNTOLD,		/* frames, but nothing says whose */
	FRAMES_OF_CLIENT,
	FRAMES_OF_SERVER,
};

static __always_inline bool read_head(__u64 base, struct http2_head *head)
{
	__u8 bytes[HTTP2_HEAD_BYTES + 7] = {};

	if (bpf_probe_read_user(bytes, HTTP2_HEAD_BYTES, (void *)base))
		return false;
	*head = frame_head(bytes);
	return true;
}

/* A frame as it usually is, told from bytes that may be anything. */
static __always_inline bool is_usual_frame(struct http2_head head)
{
	__u8 known = 0;

	if (head.type > FRAME_CONTINUATION || head.length > LENGTH_USUAL || !is_frame(head))
		return false;
	if (head.type == FRAME_DATA)
		known = FLAG_END_STREAM | FLAG_PADDED;
	else if (head.type == FRAME_HEADERS)
		known = FLAG_END_STREAM | FLAG_END_HEADERS | FLAG_PADDED | FLAG_PRIORITY;
	else if (head.type == FRAME_PUSH_PROMISE)
		known = FLAG_END_HEADERS | FLAG_PADDED;
	else if (head.type == FRAME_SETTINGS || head.type == FRAME_PING)
		known = FLAG_END_STREAM;	/* which is ACK there */
	else if (head.type == FRAME_CONTINUATION)
		known = FLAG_END_HEADERS;
	return !(head.flags & ~known);
}

/* A server's preface: its SETTINGS. */
static __always_inline bool begins_with_settings(struct http_work *work)
{
	struct http2_head head;

	return work->readable && work->piece_left >= HTTP2_HEAD_BYTES && read_head(work->base, &head) &&
	       head.type == FRAME_SETTINGS && !head.flags && is_usual_frame(head);
}

/*
 * Fields of requests begin with ":authority" to ":scheme", those of answers with ":status" (RFC 7541, appendix A; RFC 9113, 8.3): as
 * one that is indexed, or a literal whose name is.
 */
static __always_inline enum frames_found first_field(__u8 byte)
{
	__u8 index = byte & 0x80 ? byte & 0x7f : byte & 0x40 ? byte & 0x3f : byte & 0x0f;

	if ((byte & 0xe0) == 0x20 || !index)
		return FRAMES_UNTOLD;
	return index <= 7 ? FRAMES_OF_CLIENT : index <= 14 ? FRAMES_OF_SERVER : FRAMES_UNTOLD;
}

struct frames_walk {
	__u64 base;
	__u64 left;
	enum frames_found found;
	__u32 frames;
};

/* One frame of a call. 1: done; `found` is FRAMES_NONE where it is none. */
static long walk_frame(__u32 round, struct frames_walk *walk)
{
	struct http2_head head = {};
	__u32 fields = 0;
	__u8 byte = 0;

	if (walk->left < HTTP2_HEAD_BYTES) {
		/* The next head's beginning says too little. */
		return 1;
	}
	if (!read_head(walk->base, &head) || !is_usual_frame(head)) {
		walk->found = FRAMES_NONE;
		return 1;
	}
	walk->frames++;
	if (head.type == FRAME_HEADERS && (head.stream & 1) && walk->found == FRAMES_UNTOLD) {
		fields = (head.flags & FLAG_PADDED ? 1 : 0) + (head.flags & FLAG_PRIORITY ? PRIORITY_BYTES : 0);
		if (head.length > fields && walk->left > HTTP2_HEAD_BYTES + fields &&
		    !bpf_probe_read_user(&byte, 1, (void *)(walk->base + HTTP2_HEAD_BYTES + fields)))
			walk->found = first_field(byte);
	}
	if (walk->left < HTTP2_HEAD_BYTES + head.length) {
		/* It goes on in the next call: a head alone is taken for one of HEADERS only. */
		if (walk->frames == 1 && head.type != FRAME_HEADERS)
			walk->found = FRAMES_NONE;
		return 1;
	}
	walk->base += HTTP2_HEAD_BYTES + head.length;
	walk->left -= HTTP2_HEAD_BYTES + head.length;
	return !walk->left;
}

/* What the call's bytes are, as far as they lie in one piece. */
static __always_inline enum frames_found frames_in(struct http_work *work)
{
	struct frames_walk walk = {
		.base = work->base,
		.left = work->piece_left < work->left ? work->piece_left : work->left,
		.found = FRAMES_UNTOLD,
	};

	if (!work->readable || walk.left < HTTP2_HEAD_BYTES)
		return FRAMES_NONE;
	FEW_ROUNDS(FRAMES_LOOKED_AT, walk_frame, &walk);
	return walk.found;
}

/* A connection that has been lost as HTTP/1, or was never seen from its beginning: is this HTTP/2? */
static __always_inline bool join_http2(struct http_context *context)
{
	struct http_conn *conn = context->conn;
	__u8 direction = context->work->direction & 1;
	enum frames_found found = frames_in(context->work);

	if (found != FRAMES_OF_CLIENT && found != FRAMES_OF_SERVER)
		return false;
	conn->role = (found == FRAMES_OF_CLIENT) == (direction == HTTP_RECEIVED) ? HTTP_ROLE_SERVER : HTTP_ROLE_CLIENT;
	begin_http2(context, HTTP2_PART);
	return true;
}

/* In a direction whose place is not known: does a frame begin with this call? */
static __always_inline void find_frame(struct http_context *context)
{
	struct http_conn *conn = context->conn;
	__u8 direction = context->work->direction & 1;

	if (frames_in(context->work) != FRAMES_NONE)
		begin_head(&conn->streams[direction], &conn->sides[direction]);
}

#endif /* LIB_HTTP2_FIND_BPF_H */
