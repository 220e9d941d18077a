// Records of HTTP/2 as the kernel sent them (bpf/http_events.h).

import {
  HTTP2_BLOCK_EVENT as BLOCK,
  HTTP2_CONNECTION_EVENT as CONNECTION,
  HTTP2_END_EVENT as END,
  HTTP2_END_FLAGS,
  HTTP2_UPGRADED as UPGRADED,
} from '../../abi/httpEvents.gen';
import type { Words } from '../../abi/words';
import type { RawEnds } from '../decodeSpan';
import type { BlockPiece, StreamEnd } from './streams';

/** What all of them say of their connection. */
export interface Whose {
  connection: number;
  side: number;
  tls: boolean;
}

export interface ConnectionRecord extends Whose, RawEnds {
  state: number;
  endsLost: number;
}

const bytesOf = (words: Words, at: number, length: number) =>
  Buffer.from(words.u32.buffer, words.u32.byteOffset + at * 4, length);
const number = (bytes: Buffer, offset: number) => Number(bytes.readBigUInt64LE(offset));

export function decodeConnection(words: Words, at: number): ConnectionRecord {
  const bytes = bytesOf(words, at, CONNECTION.byteLength);
  const address = (offset: number) => Buffer.from(bytes.subarray(offset, offset + 16));
  return {
    connection: number(bytes, CONNECTION.connection),
    side: bytes[CONNECTION.side],
    tls: bytes[CONNECTION.tls] !== 0,
    state: bytes[CONNECTION.state],
    endsLost: bytes.readUInt32LE(CONNECTION.endsLost),
    family: bytes[CONNECTION.family],
    local: address(CONNECTION.localAddress),
    localPort: bytes.readUInt16LE(CONNECTION.localPort),
    remote: address(CONNECTION.remoteAddress),
    remotePort: bytes.readUInt16LE(CONNECTION.remotePort),
  };
}

/** Its data is valid during the call only. */
export function decodeBlock(words: Words, at: number): Whose & BlockPiece {
  const head = bytesOf(words, at, BLOCK.data);
  const length = Math.min(head.readUInt16LE(BLOCK.bytes), BLOCK.dataLength);
  return {
    connection: number(head, BLOCK.connection),
    side: head[BLOCK.side],
    tls: head[BLOCK.tls] !== 0,
    stream: head.readUInt32LE(BLOCK.stream),
    sequence: head.readUInt32LE(BLOCK.sequence),
    flags: head.readUInt16LE(BLOCK.flags),
    startNs: number(head, BLOCK.startNs),
    timeNs: number(head, BLOCK.headerTimeNs),
    pid: head.readUInt32LE(BLOCK.pid),
    tid: head.readUInt32LE(BLOCK.tid),
    data: bytesOf(words, at, BLOCK.data + length).subarray(BLOCK.data),
  };
}

/** Texts are empty where they are not known. */
export function decodeUpgraded(data: Uint8Array): { method: string; path: string; trace: string } {
  if (data.length < UPGRADED.byteLength) return { method: '', path: '', trace: '' };
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
  const text = (at: number, length: number) => bytes.toString('latin1', at, at + length).split('\0')[0];
  return {
    method: text(UPGRADED.method, UPGRADED.methodLength),
    path: text(UPGRADED.path, Math.min(bytes.readUInt16LE(UPGRADED.pathBytes), UPGRADED.pathLength)),
    trace: text(UPGRADED.trace, UPGRADED.traceLength),
  };
}

export function decodeEnd(words: Words, at: number): Whose & StreamEnd & { joined: boolean; pid: number } {
  const bytes = bytesOf(words, at, END.byteLength);
  const flags = bytes[END.flags];
  const reset = HTTP2_END_FLAGS.HTTP2_END_RESET_RECEIVED | HTTP2_END_FLAGS.HTTP2_END_RESET_SENT;
  return {
    connection: number(bytes, END.connection),
    side: bytes[END.side],
    tls: bytes[END.tls] !== 0,
    stream: bytes.readUInt32LE(END.stream),
    timeNs: number(bytes, END.headerTimeNs),
    pid: bytes.readUInt32LE(END.pid),
    tid: bytes.readUInt32LE(END.tid),
    bytesIn: number(bytes, END.bytesIn),
    bytesOut: number(bytes, END.bytesOut),
    messagesIn: bytes.readUInt32LE(END.messagesIn),
    messagesOut: bytes.readUInt32LE(END.messagesOut),
    messageBytesIn: number(bytes, END.messageBytesIn),
    messageBytesOut: number(bytes, END.messageBytesOut),
    error: flags & reset ? bytes.readUInt32LE(END.error) : null,
    unseen: (flags & HTTP2_END_FLAGS.HTTP2_END_UNSEEN) !== 0,
    joined: (flags & HTTP2_END_FLAGS.HTTP2_END_JOINED) !== 0,
  };
}
