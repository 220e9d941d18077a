/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Frames of HTTP/2: what a frame's head says of its payload, and what is done at its end. Of payloads only header blocks, a few fields in
 * front of them, and the heads of gRPC's messages are looked at.
 */
#ifndef LIB_HTTP2_FRAME_BPF_H
#define LIB_HTTP2_FRAME_BPF_H

#include "http2_stream.bpf.h"

#define HTTP2_BLOCK_MAX		(32 << 10)	/* bytes of one header block that are sent: what is beyond is cut */
#define PRIORITY_BYTES		5
#define PROMISED_BYTES		4
#define ERROR_BYTES		4

static __always_inline __u32 big_endian(const __u8 *bytes)
{
	return (__u32)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

struct http2_head {
	__u32 length;
	__u32 stream;
	__u8 type;
	__u8 flags;
};

static __always_inline struct http2_head frame_head(const __u8 *bytes)
{
	return (struct http2_head){
		.length = (__u32)bytes[0] << 16 | bytes[1] << 8 | bytes[2],
		.type = bytes[3],
		.flags = bytes[4],
		.stream = big_endian(bytes + 5) & 0x7fffffff,
	};
}

/* Does this break no rule of its type (RFC 9113, 6)? Types that are not known are left alone (4.1). */
static __always_inline bool is_frame(struct http2_head head)
{
	switch (head.type) {
	case FRAME_DATA:
	case FRAME_HEADERS:
	case FRAME_PUSH_PROMISE:
	case FRAME_CONTINUATION:
		return head.stream;
	case FRAME_PRIORITY:
		return head.stream && head.length == 5;
	case FRAME_RST_STREAM:
		return head.stream && head.length == ERROR_BYTES;
	case FRAME_SETTINGS:
		return !head.stream && head.length % 6 == 0;
	case FRAME_PING:
		return !head.stream && head.length == 8;
	case FRAME_GOAWAY:
		return !head.stream && head.length >= 8;
	case FRAME_WINDOW_UPDATE:
		return head.length == 4;
	}
	return true;
}

/* The frame's stream has its end in this direction. */
static __always_inline void half_over(struct http_context *context, __u32 number)
{
	if (!is_request_stream(context->conn, context->work->direction))
		stream_over(context, number, 0, 0);
}

/* A header block is whole. */
static __always_inline void block_over(struct http_context *context, struct http2_side *side)
{
	__u32 number = side->block_stream;

	side->block_stream = 0;
	if (side->block_flags & FLAG_END_STREAM)
		half_over(context, number);
}

/* Sends `bytes` of the present block, which lie in work->http2_block already. */
static __always_inline void block_piece(struct http_context *context, struct http_stream *stream, struct http2_side *side,
					__u32 bytes)
{
	struct http2_block_event *event = &context->work->http2_block;
	bool whole = !stream->length && (side->flags & FLAG_END_HEADERS);

	event->bytes = bytes;
	event->flags = 0;
	if (!side->block_bytes)
		event->flags |= HTTP2_BLOCK_BEGIN;
	if (side->block_flags & FLAG_END_STREAM)
		event->flags |= HTTP2_BLOCK_END_STREAM;
	if (whole)
		event->flags |= HTTP2_BLOCK_END;
	if (is_request_stream(context->conn, context->work->direction))
		event->flags |= HTTP2_BLOCK_OF_REQUEST;
	if (side->block_opens)
		event->flags |= HTTP2_BLOCK_OPENS;
	if (side->block_pushes)
		event->flags |= HTTP2_BLOCK_PUSH;
	if (side->block_cut)
		event->flags |= HTTP2_BLOCK_CUT;
	side->block_bytes += bytes ?: 1;
	send_block(context, side, side->block_stream, 1);
	if (whole)
		block_over(context, side);
}

static __always_inline void begin_head(struct http_stream *stream, struct http2_side *side)
{
	stream->state = HTTP2_HEAD;
	stream->at = 0;
	side->want = HTTP2_HEAD_BYTES;
}

/* The last byte of a frame was read. */
static __noinline int frame_over(struct http_context *context, struct http_stream *stream, struct http2_side *side)
{
	if (!context || !stream || !side)
		return 0;
	begin_head(stream, side);
	if (side->type == FRAME_DATA && (side->flags & FLAG_END_STREAM))
		half_over(context, side->stream);
	return 0;
}

/* What follows a frame's head and fields, where that is nothing. */
static __always_inline void rest_over(struct http_context *context, struct http_stream *stream, struct http2_side *side)
{
	if (!stream->remaining)
		frame_over(context, stream, side);
	else if (stream->state == HTTP2_BLOCK && !stream->length)
		stream->state = HTTP2_SKIP;
}

/* A block's frame begins. */
static __always_inline void begin_block(struct http_context *context, struct http_stream *stream, struct http2_side *side)
{
	struct http_conn *conn = context->conn;
	bool request = is_request_stream(conn, context->work->direction);
	struct http2_stream *known;

	stream->state = HTTP2_BLOCK;
	if (side->type != FRAME_CONTINUATION) {
		side->block_stream = side->stream;
		side->block_flags = side->type == FRAME_HEADERS ? side->flags : 0;
		side->block_bytes = 0;
		side->block_opens = 0;
		side->block_cut = 0;
		side->block_pushes = side->type == FRAME_PUSH_PROMISE;
		/* Even numbers are those of pushed answers. */
		if (side->type == FRAME_HEADERS && (side->stream & 1)) {
			if (request && side->stream > conn->http2_last) {
				side->block_opens = 1;
				conn->http2_last = side->stream;
				if (!conn->http2_first)
					conn->http2_first = side->stream;
				open_stream(context, side->stream, false);
			} else if (!request && conn->http2 == HTTP2_PART &&
				   (!conn->http2_first || side->stream < conn->http2_first) &&
				   !find_stream(conn, side->stream)) {
				open_stream(context, side->stream, true);
			}
		}
	}
	known = find_stream(conn, side->stream);
	if (known)
		known->halves[context->work->direction & 1].bytes += HTTP2_HEAD_BYTES + side->length;
	if (!stream->length)
		block_piece(context, stream, side, 0);
}

/* Head and fields are there: the rest of the payload comes next. */
static __noinline int begin_rest(struct http_context *context, struct http_stream *stream, struct http2_side *side)
{
	struct http2_stream *known;
	__u32 pad = 0, flags;

	if (!context || !stream || !side)
		return 0;
	if ((side->flags & FLAG_PADDED) &&
	    (side->type == FRAME_DATA || side->type == FRAME_HEADERS || side->type == FRAME_PUSH_PROMISE))
		pad = side->small[0];
	if (pad > stream->remaining) {
		lose_http2(context, HTTP2_BROKEN);
		return 0;
	}
	stream->length = stream->remaining - pad;
	stream->state = HTTP2_SKIP;
	if (side->type == FRAME_HEADERS || side->type == FRAME_PUSH_PROMISE || side->type == FRAME_CONTINUATION) {
		begin_block(context, stream, side);
	} else if (side->type == FRAME_DATA) {
		stream->state = HTTP2_DATA;
		known = find_stream(context->conn, side->stream);
		if (known)
			known->halves[context->work->direction & 1].bytes += HTTP2_HEAD_BYTES + side->length;
		if (!known || known->halves[context->work->direction & 1].body == BODY_OTHER)
			stream->state = HTTP2_SKIP;
	} else if (side->type == FRAME_RST_STREAM) {
		flags = context->work->direction == HTTP_RECEIVED ? HTTP2_END_RESET_RECEIVED : HTTP2_END_RESET_SENT;
		stream_over(context, side->stream, flags, big_endian(side->small));
	}
	rest_over(context, stream, side);
	return 0;
}

/* A frame's nine bytes are in `small`. */
static __noinline int take_head(struct http_context *context, struct http_stream *stream, struct http2_side *side)
{
	struct http2_head head;
	__u32 fields = 0;

	if (!context || !stream || !side)
		return 0;
	head = frame_head(side->small);
	/* Nothing may come within a header block but its continuation (RFC 9113, 6.10). */
	if (!is_frame(head) || (side->block_stream ? head.type != FRAME_CONTINUATION || head.stream != side->block_stream
						    : head.type == FRAME_CONTINUATION)) {
		lose_http2(context, HTTP2_BROKEN);
		return 0;
	}
	if ((head.flags & FLAG_PADDED) &&
	    (head.type == FRAME_DATA || head.type == FRAME_HEADERS || head.type == FRAME_PUSH_PROMISE))
		fields = 1;
	if (head.type == FRAME_HEADERS && (head.flags & FLAG_PRIORITY))
		fields += PRIORITY_BYTES;
	else if (head.type == FRAME_PUSH_PROMISE)
		fields += PROMISED_BYTES;
	else if (head.type == FRAME_RST_STREAM)
		fields = ERROR_BYTES;
	if (fields > head.length) {
		lose_http2(context, HTTP2_BROKEN);
		return 0;
	}
	side->type = head.type;
	side->flags = head.flags;
	side->stream = head.stream;
	side->length = head.length;
	stream->remaining = head.length - fields;
	stream->at = 0;
	side->want = fields;
	stream->state = HTTP2_FIELDS;
	if (!fields)
		begin_rest(context, stream, side);
	return 0;
}

/*
 * Bytes that passed without a call that is seen, sent from a file, say: known to be what a payload consists of, or the place is lost. Where they end
 * a stream it ended when its frame began, at the earliest.
 */
static __always_inline void pass_over_frames(struct http_context *context, __u32 gap)
{
	struct http_work *work = context->work;
	struct http_conn *conn = context->conn;
	struct http_stream *stream = &conn->streams[work->direction & 1];
	struct http2_side *side = &conn->sides[work->direction & 1];

	stream->total += gap;
	if (stream->state == HTTP2_FIND)
		return;
	if ((stream->state != HTTP2_SKIP && stream->state != HTTP2_DATA) || stream->remaining < gap) {
		lose_http2(context, HTTP2_LOST);
		return;
	}
	stream->remaining -= gap;
	stream->state = HTTP2_SKIP;
	rest_over(context, stream, side);
}

#endif /* LIB_HTTP2_FRAME_BPF_H */
