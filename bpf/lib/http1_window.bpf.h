/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * A window of bytes read to its end, whatever is in it.
 */
#ifndef LIB_HTTP1_WINDOW_BPF_H
#define LIB_HTTP1_WINDOW_BPF_H

#include "http1_body.bpf.h"
#include "http1_header.bpf.h"
#include "http1_request_line.bpf.h"
#include "http1_status_line.bpf.h"

/* What is read a byte at a time: what the words above did not take, and the framing of chunks. */
static __noinline int other_byte(struct http_context *context, struct http_stream *stream, __u8 byte)
{
	if (!context || !stream)
		return 0;
	switch (stream->state) {
	case HTTP1_NAME:
		name_byte(context, stream, byte);
		break;
	case HTTP1_VALUE:
		value_byte(context, stream, byte);
		break;
	case HTTP1_METHOD:
		method_byte(context, stream, byte);
		break;
	case HTTP1_VERSION:
		request_version_byte(context, stream, byte);
		break;
	case HTTP1_STATUS:
		status_byte(context, stream, byte);
		break;
	case HTTP1_HEAD_END:
		if (byte == '\n')
			stream->state = HTTP1_HEAD_DONE;
		else
			broken(context, stream);
		break;
	case WEBSOCKET_FRAME:
	case WEBSOCKET_LENGTH:
	case WEBSOCKET_HEAD:
		websocket_byte(context, stream, byte);
		break;
	case HTTP1_CHUNK_SIZE:
		chunk_size_byte(context, stream, byte);
		break;
	case HTTP1_CHUNK_EXTENSION:
		if (byte == '\n')
			chunk_size_over(context, stream);
		break;
	case HTTP1_CHUNK_END:
		if (byte == '\n') {
			stream->state = HTTP1_CHUNK_SIZE;
			stream->at = 0;
			stream->length = 0;
		} else if (byte != '\r') {
			broken(context, stream);
		}
		break;
	}
	return 0;
}

/*
 * The window's next bytes, in the order in which states usually follow each other, so that most heads take few rounds. Every
 * round takes a byte or changes the state. 1: the window's end, or nothing more to look at.
 */
static long read_window(__u32 round, struct http_context *context)
{
	struct http_work *work = context->work;
	struct http_conn *conn = context->conn;
	struct http_stream *stream = &conn->streams[work->direction & 1];

	if (work->at >= work->end || conn->role == HTTP_ROLE_IGNORED || stream->state >= HTTP1_UNTIL_CLOSE)
		return 1;
	if (stream->state == HTTP1_SKIP || stream->state == HTTP1_LINE) {
		read_lines(context, stream);
		if (stream->state == HTTP1_HEAD_DONE)
			head_done(context, stream);
		return 0;
	}
	if (is_payload(stream)) {
		body_bytes(context, stream);
		if (!stream->remaining)
			body_over(context, stream);
		return 0;
	}
	if (stream->state == HTTP1_START) {
		begin_message(context, stream, is_request_stream(conn, work->direction),
			      work->window[work->at & (HTTP_WINDOW - 1)]);
		if (stream->state == HTTP1_STATUS)
			common_status(work, stream);
		else if (stream->state == HTTP1_METHOD)
			common_method(context, stream);
		if (stream->state != HTTP1_TARGET)
			return 0;
	}
	if (stream->state == HTTP1_TARGET) {
		target_bytes(context, stream);
		if (stream->state == HTTP1_VERSION)
			common_version(work, stream);
		return 0;
	}
	if (work->at >= work->end || stream->state == HTTP1_SKIP)
		return 0;
	work->at++;
	other_byte(context, stream, work->window[(work->at - 1) & (HTTP_WINDOW - 1)]);
	if (stream->state == HTTP1_HEAD_DONE)
		head_done(context, stream);
	return 0;
}

#endif /* LIB_HTTP1_WINDOW_BPF_H */
