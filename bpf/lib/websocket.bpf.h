/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * WebSocket frames (RFC 6455, 5.2) on a connection after its 101: counted by the route that opened it, with control frames apart. Of a
 * frame only its head is looked at: opcode, length, whether there is a mask.
 */
#ifndef LIB_WEBSOCKET_BPF_H
#define LIB_WEBSOCKET_BPF_H

#include "http_count.bpf.h"

#define WEBSOCKET_OPCODE	0x0f
#define WEBSOCKET_CONTROL	0x08	/* of an opcode */
#define WEBSOCKET_CLOSE		0x08
#define WEBSOCKET_OPCODE_MAX	0x0a
#define WEBSOCKET_MASKED	0x80
#define WEBSOCKET_MASK_BYTES	4

static __noinline struct http_websocket *websocket_row(struct http_context *context)
{
	struct http_websocket_key key = {};
	struct http_websocket empty = {};
	struct http_websocket *row;
	struct http_conn *conn;

	if (!context)
		return 0;
	conn = context->conn;
	key.route = conn->websocket_route;
	key.pid = conn->pid;
	key.side = conn->role == HTTP_ROLE_CLIENT ? HTTP_CLIENT : HTTP_SERVER;
	key.tls = conn->tls;
	row = bpf_map_lookup_elem(&http_websockets, &key);
	if (row)
		return row;
	bpf_map_update_elem(&http_websockets, &key, &empty, BPF_NOEXIST);
	return bpf_map_lookup_elem(&http_websockets, &key);
}

static __always_inline void open_websocket(struct http_context *context)
{
	struct http_conn *conn = context->conn;
	struct http_websocket *row;

	conn->websocket = WEBSOCKET_OPEN;
	conn->streams[0].state = WEBSOCKET_FRAME;
	conn->streams[1].state = WEBSOCKET_FRAME;
	row = websocket_row(context);
	if (row)
		__sync_fetch_and_add(&row->opened, 1);
}

/* By a frame of either side, or with the connection. */
static __always_inline void close_websocket(struct http_context *context)
{
	struct http_websocket *row;

	if (context->conn->websocket != WEBSOCKET_OPEN)
		return;
	context->conn->websocket = WEBSOCKET_CLOSED;
	row = websocket_row(context);
	if (row)
		__sync_fetch_and_add(&row->closed, 1);
}

/* A frame's head is whole: opcode in `status`, payload in `length`. */
static __noinline int websocket_frame(struct http_context *context, struct http_stream *stream)
{
	struct http_websocket *row;
	bool received;

	if (!context || !stream)
		return 0;
	stream->remaining = stream->length;
	stream->state = stream->length ? WEBSOCKET_PAYLOAD : WEBSOCKET_FRAME;
	received = context->work->direction == HTTP_RECEIVED;
	row = websocket_row(context);
	if (!row)
		return 0;
	if (stream->status & WEBSOCKET_CONTROL)
		__sync_fetch_and_add(received ? &row->control_in : &row->control_out, 1);
	else
		__sync_fetch_and_add(received ? &row->frames_in : &row->frames_out, 1);
	__sync_fetch_and_add(received ? &row->bytes_in : &row->bytes_out, stream->length);
	if (stream->status == WEBSOCKET_CLOSE)
		close_websocket(context);
	return 0;
}

static __always_inline void websocket_byte(struct http_context *context, struct http_stream *stream, __u8 byte)
{
	__u8 length = byte & ~WEBSOCKET_MASKED;

	if (stream->state == WEBSOCKET_FRAME) {
		stream->status = byte & WEBSOCKET_OPCODE;
		stream->state = WEBSOCKET_LENGTH;
		if (stream->status > WEBSOCKET_OPCODE_MAX || (stream->status > 2 && stream->status < WEBSOCKET_CLOSE)) {
			/* Something else is spoken. */
			close_websocket(context);
			context->conn->role = HTTP_ROLE_IGNORED;
		}
		return;
	}
	if (stream->state == WEBSOCKET_LENGTH) {
		/* `minor`: bytes of a longer length that come next; `at`: these and the mask's. */
		stream->minor = length == 126 ? 2 : length == 127 ? 8 : 0;
		stream->length = stream->minor ? 0 : length;
		stream->at = stream->minor + (byte & WEBSOCKET_MASKED ? WEBSOCKET_MASK_BYTES : 0);
		stream->state = WEBSOCKET_HEAD;
		if (!stream->at)
			websocket_frame(context, stream);
		return;
	}
	if (stream->minor) {
		stream->length = stream->length << 8 | byte;
		stream->minor--;
	}
	stream->at--;
	if (!stream->at)
		websocket_frame(context, stream);
}

#endif /* LIB_WEBSOCKET_BPF_H */
