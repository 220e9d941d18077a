/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The shape of a request's path, made while its bytes are read: segments that are numbers, UUIDs or long hexadecimal words become
 * ":id", ":uuid" and ":hash", the query is left out. So a route has a bounded number of rows, counted exactly in the kernel;
 * what more can be told apart only by looking at many paths is folded by the helper (helper/src/http/routeShapes.ts).
 */
#ifndef LIB_ROUTE_BPF_H
#define LIB_ROUTE_BPF_H

#include "conn.bpf.h"

#define ROUTE_HASH_SEED		0xcbf29ce484222325ULL	/* FNV-1a, 64 bits */
#define ROUTE_HASH_PRIME	0x100000001b3ULL
#define ROUTE_HASH_DIGITS	16	/* hexadecimal words from this length on are hashes where they have a digit */

/* http_request.segment_kinds */
#define SEGMENT_DIGIT	1
#define SEGMENT_HEX	2	/* a to f */
#define SEGMENT_DASH	4
#define SEGMENT_OTHER	8

/* http_request.target_flags */
#define TARGET_QUERY	1	/* behind the question mark */
#define TARGET_ODD	2	/* before the path of an absolute target, or no path at all */
#define TARGET_CUT	4

static __always_inline __u64 hash_step(__u64 hash, __u8 byte)
{
	return (hash ^ byte) * ROUTE_HASH_PRIME;
}

static __always_inline void route_byte(struct http_request *request, __u8 byte)
{
	request->hash = hash_step(request->hash, byte);
	if (request->route_bytes < HTTP_ROUTE_BYTES) {
		request->route[request->route_bytes & (HTTP_ROUTE_BYTES - 1)] = byte;
		request->route_bytes++;
	}
}

static __always_inline void begin_segment(struct http_request *request)
{
	request->segment_hash = request->hash;
	request->segment_at = request->route_bytes;
	request->segment_bytes = 0;
	request->segment_kinds = 0;
	request->segment_digits = 0;
	request->segment_dashes = 0;
}

/* Puts `name`, up to 8 letters in one word, in the place of the segment. */
static __always_inline void fold_segment(struct http_request *request, __u64 name)
{
	__u32 i;

	request->hash = request->segment_hash;
	request->route_bytes = request->segment_at;
	for (i = 0; i < 8; i++) {
		if (!(name & 0xff))
			break;
		route_byte(request, name);
		name >>= 8;
	}
}

#define NAME_ID		0x64693aULL		/* ":id" */
#define NAME_UUID	0x646975753aULL		/* ":uuid" */
#define NAME_HASH	0x687361683aULL		/* ":hash" */

static __noinline int end_segment(struct http_request *request)
{
	__u8 kinds;

	if (!request)
		return 0;
	kinds = request->segment_kinds;
	if (!request->segment_bytes || (kinds & SEGMENT_OTHER))
		return 0;
	if (kinds == SEGMENT_DIGIT)
		fold_segment(request, NAME_ID);
	else if (request->segment_bytes == 36 && request->segment_dashes == 4)
		fold_segment(request, NAME_UUID);
	else if (!(kinds & SEGMENT_DASH) && (kinds & SEGMENT_DIGIT) && request->segment_bytes >= ROUTE_HASH_DIGITS)
		fold_segment(request, NAME_HASH);
	return 0;
}

static __always_inline void begin_target(struct http_request *request)
{
	request->path_bytes = 0;
	request->path_at = 0;
	request->target_flags = 0;
	request->route_bytes = 0;
	begin_segment(request);
}

static __always_inline void path_byte(struct http_request *request, __u8 byte)
{
	if (request->path_bytes < HTTP_PATH_BYTES) {
		request->path[request->path_bytes & (HTTP_PATH_BYTES - 1)] = byte;
		request->path_bytes++;
	} else {
		request->target_flags |= TARGET_CUT;
	}
}

static __always_inline void target_byte(struct http_request *request, __u8 byte)
{
	__u8 lower = byte | 0x20;

	if (!request->path_bytes && byte != '/')
		request->target_flags |= TARGET_ODD;
	path_byte(request, byte);
	if (request->target_flags & TARGET_QUERY)
		return;
	if (request->target_flags & TARGET_ODD) {
		/* http://host/path: the third slash begins the path. */
		if (byte != '/' || ++request->segment_digits < 3)
			return;
		request->target_flags &= ~TARGET_ODD;
		request->path_at = request->path_bytes - 1;
	}
	if (byte == '/') {
		end_segment(request);
		route_byte(request, byte);
		begin_segment(request);
		return;
	}
	if (byte == '?' || byte == '#') {
		end_segment(request);
		begin_segment(request);
		request->target_flags |= TARGET_QUERY;
		return;
	}
	if (request->segment_bytes < 255)
		request->segment_bytes++;
	if (byte >= '0' && byte <= '9') {
		request->segment_kinds |= SEGMENT_DIGIT;
	} else if (lower >= 'a' && lower <= 'f') {
		request->segment_kinds |= SEGMENT_HEX;
	} else if (byte == '-') {
		request->segment_kinds |= SEGMENT_DASH;
		request->segment_dashes++;
	} else {
		request->segment_kinds |= SEGMENT_OTHER;
	}
	route_byte(request, byte);
}

#define NAME_STAR	0x2aULL			/* "*" */
#define NAME_AUTHORITY	0x74736f683aULL		/* ":host" */
#define NAME_ROOT	0x2fULL			/* "/" */

static __always_inline void end_target(struct http_request *request)
{
	if (!(request->target_flags & TARGET_ODD)) {
		end_segment(request);
		return;
	}
	if (request->path_bytes == 1 && request->path[0] == '*')
		fold_segment(request, NAME_STAR);
	else if (request->segment_digits == 2)
		fold_segment(request, NAME_ROOT);
	else
		fold_segment(request, NAME_AUTHORITY);
}

#endif /* LIB_ROUTE_BPF_H */
