/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * HTTP/2 in the bytes of one call, frame by frame. Each frame says how long it is, so payloads of no interest are passed over by their length,
 * wherever they lie; what is of interest is read where it is, in as many pieces as it comes in.
 *
 *     a call ── http2_find: HTTP/2? where does a frame begin? ── here ── http2_frame: heads ──> http2_stream: records, streams
 */
#ifndef LIB_HTTP2_BPF_H
#define LIB_HTTP2_BPF_H

#include "http2_find.bpf.h"

static __always_inline void take_bytes(struct http_work *work, struct http_stream *stream, __u64 bytes)
{
	stream->total += bytes;
	work->left -= bytes;
	if (work->piece_left >= bytes) {
		work->base += bytes;
		work->piece_left -= bytes;
	} else {
		work->piece_left = 0;
	}
}

/* Bytes of the payload that is being passed over, in which `length` counts what is no padding. */
static __always_inline void take_payload(struct http_work *work, struct http_stream *stream, __u64 bytes)
{
	take_bytes(work, stream, bytes);
	stream->remaining -= bytes;
	stream->length -= stream->length < bytes ? stream->length : bytes;
}

/* Up to `most` bytes that are not looked at; how many they were. */
static __always_inline __u64 skip_payload(struct http_work *work, struct http_stream *stream, __u64 most)
{
	__u64 bytes = most;

	/* All of the rest, wherever it lies. */
	if (bytes >= work->left)
		bytes = work->left;
	else if (work->readable && bytes > work->piece_left)
		bytes = work->piece_left;
	take_payload(work, stream, bytes);
	return bytes;
}

/* The preface's last words: what came before them was read here, or as a request of HTTP/1. */
static __always_inline bool is_preface(const __u8 *bytes)
{
	return *(__u32 *)(bytes + 12) == 0x0a0d302e /* ".0\r\n" */ &&
	       *(__u64 *)(bytes + 16) == 0x0a0d0a0d4d530a0dULL /* "\r\nSM\r\n\r\n" */;
}

/* Bytes that are looked at once they are all there. */
static __noinline int collect(struct http_context *context, struct http_stream *stream, struct http2_side *side)
{
	struct http_work *work;
	__u64 bytes;
	__u32 at;

	if (!context || !stream || !side)
		return 0;
	work = context->work;
	at = stream->at & 31;
	bytes = (side->want - at) & 31;
	if (bytes > work->piece_left)
		bytes = work->piece_left;
	if (bpf_probe_read_user(&side->small[at], bytes & 31, (void *)work->base)) {
		lose_http2(context, HTTP2_LOST);
		return 0;
	}
	if (!at)
		side->frame_ns = stream->state == HTTP2_FIELDS ? side->frame_ns : work_now(work);
	stream->at = at + bytes;
	take_bytes(work, stream, bytes);
	if (stream->at < side->want)
		return 0;
	if (stream->state == HTTP2_HEAD)
		take_head(context, stream, side);
	else if (stream->state == HTTP2_FIELDS)
		begin_rest(context, stream, side);
	else if (is_preface(side->small))
		begin_head(stream, side);
	else
		lose_http2(context, HTTP2_BROKEN);
	return 0;
}

/* Bytes of a header block. */
static __noinline int read_block(struct http_context *context, struct http_stream *stream, struct http2_side *side)
{
	struct http_work *work;
	__u64 bytes;

	if (!context || !stream || !side)
		return 0;
	work = context->work;
	bytes = stream->length;
	if (bytes > work->piece_left)
		bytes = work->piece_left;
	if (bytes > HTTP2_BLOCK_BYTES)
		bytes = HTTP2_BLOCK_BYTES;
	if (side->block_bytes >= HTTP2_BLOCK_MAX) {
		side->block_cut = 1;
	} else if (bpf_probe_read_user(work->http2_block.data, bytes & (2 * HTTP2_BLOCK_BYTES - 1), (void *)work->base)) {
		lose_http2(context, HTTP2_LOST);
		return 0;
	}
	take_payload(work, stream, bytes);
	if (!side->block_cut || (!stream->length && (side->flags & FLAG_END_HEADERS)))
		block_piece(context, stream, side, side->block_cut ? 0 : bytes);
	rest_over(context, stream, side);
	return 0;
}

/* A message's five bytes are there: is it one? */
static __always_inline void take_message(struct http_context *context, struct http2_half *half)
{
	__u8 flags = half->head[0];

	half->at = 0;
	half->message_left = big_endian(half->head + 1);
	half->trailers = 0;
	if (flags <= MESSAGE_COMPRESSED) {
		half->body = BODY_MESSAGES;
		half->messages++;
		half->message_bytes += half->message_left;
	} else if (flags == MESSAGE_TRAILERS && half->body == BODY_MESSAGES && half->message_left <= MESSAGE_TRAILERS_MAX &&
		   !is_request_stream(context->conn, context->work->direction)) {
		half->trailers = 1;
	} else {
		half->body = BODY_OTHER;
		half->messages = 0;
		half->message_bytes = 0;
	}
}

/* Trailers in a body of gRPC-Web (PROTOCOL-WEB.md of grpc/grpc): text, which names the status. */
static __always_inline void web_trailers(struct http_context *context, struct http_stream *stream, struct http2_half *half,
					 struct http2_side *side, __u64 bytes)
{
	struct http_work *work = context->work;

	if (bytes > HTTP2_BLOCK_BYTES)
		bytes = HTTP2_BLOCK_BYTES;
	if (bpf_probe_read_user(work->http2_block.data, bytes & (2 * HTTP2_BLOCK_BYTES - 1), (void *)work->base)) {
		half->body = BODY_OTHER;
		return;
	}
	work->http2_block.bytes = bytes;
	work->http2_block.flags = HTTP2_BLOCK_TEXT;
	half->message_left -= bytes;
	send_block(context, side, side->stream, 0);
	take_payload(work, stream, bytes);
}

/* Bytes of DATA: messages of gRPC are counted by their heads. */
static __noinline int read_data(struct http_context *context, struct http_stream *stream, struct http2_side *side)
{
	struct http2_stream *known;
	struct http2_half *half;
	struct http_work *work;
	__u64 bytes;
	__u32 at;

	if (!context || !stream || !side)
		return 0;
	work = context->work;
	known = find_stream(context->conn, side->stream);
	if (!known || !stream->length || !work->readable) {
		if (known && stream->length)
			known->halves[work->direction & 1].body = BODY_OTHER;
		stream->state = HTTP2_SKIP;
		return 0;
	}
	half = &known->halves[work->direction & 1];
	bytes = stream->length;
	if (half->message_left) {
		if (bytes > half->message_left)
			bytes = half->message_left;
		if (half->trailers)
			web_trailers(context, stream, half, side, bytes > work->piece_left ? work->piece_left : bytes);
		else
			half->message_left -= skip_payload(work, stream, bytes);
	} else {
		at = half->at & 7;
		if (bytes > MESSAGE_HEAD_BYTES - at)
			bytes = MESSAGE_HEAD_BYTES - at;
		if (bytes > work->piece_left)
			bytes = work->piece_left;
		if (bpf_probe_read_user(&half->head[at], bytes & 7, (void *)work->base)) {
			half->body = BODY_OTHER;
			stream->state = HTTP2_SKIP;
			return 0;
		}
		half->at = at + bytes;
		take_payload(work, stream, bytes);
		if (half->at >= MESSAGE_HEAD_BYTES)
			take_message(context, half);
	}
	if (half->body == BODY_OTHER)
		stream->state = HTTP2_SKIP;
	rest_over(context, stream, side);
	return 0;
}

/* One piece of the call's bytes. 1: done. */
static long read_frames(__u32 round, struct http_context *context)
{
	struct http_work *work = context->work;
	struct http_conn *conn = context->conn;
	struct http_stream *stream = &conn->streams[work->direction & 1];
	struct http2_side *side = &conn->sides[work->direction & 1];

	if (!work->left || conn->role == HTTP_ROLE_IGNORED || stream->state == HTTP2_FIND)
		return 1;
	if (stream->state == HTTP2_SKIP && (stream->remaining >= work->left || !work->readable || work->piece_left)) {
		skip_payload(work, stream, stream->remaining);
		rest_over(context, stream, side);
		return 0;
	}
	if (!work->piece_left && work->readable) {
		next_vector(0, context);
		return 0;
	}
	if (stream->state == HTTP2_DATA)
		read_data(context, stream, side);
	else if (!work->readable)
		lose_http2(context, HTTP2_LOST);
	else if (stream->state == HTTP2_BLOCK)
		read_block(context, stream, side);
	else
		collect(context, stream, side);
	return 0;
}

#endif /* LIB_HTTP2_BPF_H */
