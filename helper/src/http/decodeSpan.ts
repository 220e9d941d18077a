// A span as the kernel sent it (struct http_span_event of bpf/http_events.h), redacted at once: what it held besides never leaves
// this file.

import { HTTP_SPAN_FLAGS as FLAGS, HTTP_PROTOCOL, HTTP_SIDE, HTTP_SPAN_EVENT as SPAN } from '../abi/httpEvents.gen';
import type { Words } from '../abi/words';
import type { HttpProtocol, HttpSpan } from '../protocol';
import { redactMethod, redactTarget, truncateAddress } from './redact';
import { parseTraceParent } from './traceContext';

export const PROTOCOLS: Record<number, HttpProtocol> = {
  [HTTP_PROTOCOL.HTTP_1_0]: 'HTTP/1.0',
  [HTTP_PROTOCOL.HTTP_1_1]: 'HTTP/1.1',
  [HTTP_PROTOCOL.HTTP_2]: 'h2',
  [HTTP_PROTOCOL.HTTP_GRPC]: 'grpc',
};

const AF_INET = 2;
const AF_INET6 = 10;
const MAPPED_IPV4 = '00000000000000000000ffff';

export interface DecodedSpan {
  /** Its route is for who knows all routes to fill in. */
  span: HttpSpan;
  routeId: bigint;
  /** Both ends of its connection, whole: `local>peer`. Null: a Unix socket. */
  ends: string | null;
}

export function decodeSpan(words: Words, at: number, truncateAddresses: boolean): DecodedSpan {
  const bytes = Buffer.from(words.u32.buffer, words.u32.byteOffset + at * 4, SPAN.byteLength);
  const number = (offset: number) => Number(bytes.readBigUInt64LE(offset));
  const flags = bytes.readUInt8(SPAN.flags);
  const status = bytes.readUInt16LE(SPAN.status);
  const firstByteNs = number(SPAN.firstByteNs);
  const side = bytes.readUInt8(SPAN.side) === HTTP_SIDE.HTTP_CLIENT ? 'client' : 'server';
  const hasPath = (flags & FLAGS.HTTP_SPAN_PATH) !== 0;
  const pathBytes = Math.min(bytes.readUInt16LE(SPAN.pathBytes), SPAN.pathLength);
  const path = bytes.toString('latin1', SPAN.path, SPAN.path + pathBytes);
  const family = bytes.readUInt8(SPAN.family);
  const [local, remote] = [SPAN.localAddress, SPAN.remoteAddress].map((at) => bytes.subarray(at, at + 16));
  const ends = endsOf(
    {
      family,
      local,
      localPort: bytes.readUInt16LE(SPAN.localPort),
      remote,
      remotePort: bytes.readUInt16LE(SPAN.remotePort),
    },
    truncateAddresses,
  );
  const connection = number(SPAN.connection);
  const sequence = bytes.readUInt32LE(SPAN.sequence);
  return {
    routeId: bytes.readBigUInt64LE(SPAN.route),
    ends: ends.whole,
    span: {
      id: `${connection}.${sequence}.${side}`,
      parent: null,
      side,
      startNs: number(SPAN.startNs),
      firstByteNs: firstByteNs === 0 ? null : firstByteNs,
      endNs: number(SPAN.endNs),
      method: redactMethod(textAt(bytes, SPAN.method, SPAN.methodLength)),
      target: hasPath ? redactTarget(path) + (flags & FLAGS.HTTP_SPAN_CUT ? '…' : '') : null,
      route: '',
      status: status === 0 ? null : status,
      protocol: PROTOCOLS[bytes.readUInt8(SPAN.protocol)] ?? 'HTTP/1.1',
      tls: (flags & FLAGS.HTTP_SPAN_TLS) !== 0,
      error: errorOf(flags, status, side),
      bytesIn: number(SPAN.bytesIn),
      bytesOut: number(SPAN.bytesOut),
      pid: bytes.readUInt32LE(SPAN.pid),
      tid: bytes.readUInt32LE(SPAN.tid),
      answerTid: bytes.readUInt32LE(SPAN.answerTid),
      connection,
      sequence,
      local: ends.local,
      peer: ends.peer,
      every: bytes.readUInt32LE(SPAN.every),
      trace: hasPath ? parseTraceParent(textAt(bytes, SPAN.trace, SPAN.traceLength)) : null,
    },
  };
}

/** Incoming: the server's own failures; outgoing: whatever the caller did not want (OpenTelemetry's HTTP conventions). */
export function isErrorStatus(status: number, side: 'server' | 'client'): boolean {
  return status >= (side === 'client' ? 400 : 500);
}

function errorOf(flags: number, status: number, side: 'server' | 'client'): HttpSpan['error'] {
  if (flags & FLAGS.HTTP_SPAN_NO_ANSWER || status === 0) return 'no answer';
  if (flags & FLAGS.HTTP_SPAN_UNFINISHED) return 'unfinished';
  return isErrorStatus(status, side) ? 'status' : null;
}

function textAt(bytes: Buffer, at: number, length: number): string {
  const text = bytes.toString('latin1', at, at + length);
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

/** Addresses as the kernel sent them, of 16 bytes each. */
export interface RawEnds {
  family: number;
  local: Buffer;
  localPort: number;
  remote: Buffer;
  remotePort: number;
}

export interface Ends {
  /** `address:port`; a Unix socket: `unix`. */
  local: string;
  peer: string;
  /** Both, never truncated: `local>peer`. Null: a Unix socket. */
  whole: string | null;
}

export function endsOf({ family, local, localPort, remote, remotePort }: RawEnds, truncate: boolean): Ends {
  const place = (address: Buffer, port: number, cut: boolean) => {
    const text = addressText(family, address);
    if (text === null) return 'unix';
    const shown = cut ? truncateAddress(text) : text;
    return `${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
  };
  const [ownEnd, peer] = [place(local, localPort, truncate), place(remote, remotePort, truncate)];
  const whole = `${place(local, localPort, false)}>${place(remote, remotePort, false)}`;
  return { local: ownEnd, peer, whole: ownEnd === 'unix' ? null : whole };
}

/** IPv4 in IPv6 (RFC 4291, 2.5.5.2) is IPv4. Null for a Unix socket. */
function addressText(family: number, bytes: Buffer): string | null {
  if (family === AF_INET) return bytes.subarray(0, 4).join('.');
  if (family !== AF_INET6) return null;
  if (bytes.toString('hex', 0, 12) === MAPPED_IPV4) return bytes.subarray(12, 16).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(':');
  const zeros = (groups.match(/(?:^|:)0(?::0)+(?=:|$)/g) ?? []).sort((a, b) => b.length - a.length)[0];
  if (!zeros) return groups;
  const start = groups.indexOf(zeros);
  return `${groups.slice(0, start)}::${groups.slice(start + zeros.length).replace(/^:/, '')}`;
}
