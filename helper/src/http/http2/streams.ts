// The streams of one HTTP/2 connection, from their header blocks and ends as the kernel tells of them (bpf/lib/http2_stream.bpf.h): what was
// asked, what was answered. Blocks are decoded in wire order by direction, all of them, also those of streams that are over
// or of no interest, as each may change the table.

import type { HTTP2_BLOCK_FLAGS } from '../../abi/httpEvents.gen';
import { isGrpc, parseStatus, parseTimeout, statusInText, statusOfReset } from './grpc';
import { HpackDecoder, HpackError } from './hpack';
import { UNKNOWN } from './shape';

/** A piece of a header block, and whose it is. */
export interface BlockPiece {
  stream: number;
  sequence: number;
  flags: number;
  startNs: number;
  timeNs: number;
  pid: number;
  tid: number;
  /** Valid during the call only. */
  data: Uint8Array;
}

export interface StreamEnd {
  stream: number;
  timeNs: number;
  tid: number;
  bytesIn: number;
  bytesOut: number;
  messagesIn: number;
  messagesOut: number;
  messageBytesIn: number;
  messageBytesOut: number;
  /** By RST_STREAM; null: it was not reset. */
  error: number | null;
  unseen: boolean;
}

export interface OpenRequest {
  method: string;
  /** Null: it has none (CONNECT). */
  path: string | null;
  grpc: boolean;
  trace: string;
  timeoutNs: number | null;
  startNs: number;
  requestNs: number;
  pid: number;
  tid: number;
  /** Of the final answer. '?': it came, but the table does not know which it is. */
  status: number | typeof UNKNOWN | null;
  firstByteNs: number | null;
  grpcStatus: number | typeof UNKNOWN | null;
  /** What has come of gRPC-Web's trailers. */
  text: string;
}

export type Ended =
  | { request: OpenRequest; finished: boolean }
  /** Not in any row. */
  | { why: 'unseen' | 'lost' | 'undecodable' };

const WANTED = new Set([':method', ':path', ':status', 'content-type', 'grpc-status', 'grpc-timeout', 'traceparent']);

/** Of a block, before it is whole. */
export const BLOCK_BYTES_MOST = 64 << 10;
const TEXT_CHARACTERS_MOST = 4_096;

class Direction {
  readonly decoder: HpackDecoder;
  sequence = 0;
  /** Of the block under way. */
  pieces: Buffer[] = [];
  bytes = 0;
  /** Its beginning was not seen, or there was no room for it. */
  spoilt = false;
  broken = false;

  constructor(whole: boolean) {
    this.decoder = new HpackDecoder(whole, (name) => WANTED.has(name));
  }

  discard(): void {
    this.pieces = [];
    this.bytes = 0;
    this.spoilt = false;
  }
}

type Flags = typeof HTTP2_BLOCK_FLAGS;

export class Http2Streams {
  readonly open = new Map<number, OpenRequest>();
  private readonly undecodable = new Set<number>();
  private readonly requests: Direction;
  private readonly answers: Direction;

  constructor(
    whole: boolean,
    private readonly flags: Flags,
  ) {
    this.requests = new Direction(whole);
    this.answers = new Direction(whole);
  }

  /** Of tables and of what waits for the rest of its block. */
  get keptBytes(): number {
    const { requests, answers } = this;
    return requests.bytes + answers.bytes + requests.decoder.table.keptBytes + answers.decoder.table.keptBytes;
  }

  /** To save memory: what is referred to later is unknown then. */
  keepNothing(): void {
    for (const direction of [this.requests, this.answers]) {
      if (direction.bytes > 0) direction.spoilt = true;
      direction.pieces = [];
      direction.bytes = 0;
      direction.decoder.table.keepLess(0);
    }
  }

  take(piece: BlockPiece): void {
    const { flags } = this;
    if (piece.flags & flags.HTTP2_BLOCK_TEXT) this.takeText(piece);
    else {
      const direction = piece.flags & flags.HTTP2_BLOCK_OF_REQUEST ? this.requests : this.answers;
      this.inOrder(direction, piece);
      if (piece.flags & flags.HTTP2_BLOCK_BEGIN) direction.discard();
      const isWhole = (piece.flags & flags.HTTP2_BLOCK_END) !== 0;
      if (isWhole && direction.bytes === 0 && !direction.spoilt) this.takeBlock(direction, piece, piece.data);
      else if (isWhole) this.takeBlock(direction, piece, Buffer.concat([...direction.pieces, piece.data]));
      else this.keep(direction, piece);
    }
  }

  /** Records that found no room in the ring are missing: with them what they have done to the table. */
  private inOrder(direction: Direction, { sequence, flags }: BlockPiece): void {
    if (sequence !== direction.sequence + 1) {
      direction.decoder.table.forget();
      direction.discard();
      direction.spoilt = (flags & this.flags.HTTP2_BLOCK_BEGIN) === 0;
    }
    direction.sequence = sequence;
  }

  private keep(direction: Direction, piece: BlockPiece): void {
    if (direction.spoilt) return;
    if (direction.bytes + piece.data.length > BLOCK_BYTES_MOST) {
      direction.discard();
      direction.spoilt = true;
      return;
    }
    direction.pieces.push(Buffer.from(piece.data));
    direction.bytes += piece.data.length;
  }

  private takeBlock(direction: Direction, piece: BlockPiece, block: Uint8Array): void {
    const { spoilt } = direction;
    const opened = this.openedBy(piece);
    direction.discard();
    if (spoilt) {
      // Its beginning is missing, so what it names is not known; nor what it adds.
      direction.decoder.table.forget();
      return;
    }
    const stream = opened ?? (piece.flags & this.flags.HTTP2_BLOCK_PUSH ? null : (this.open.get(piece.stream) ?? null));
    let decoded = !direction.broken;
    try {
      if (decoded) this.decode(direction, piece, block, stream);
    } catch (error) {
      if (!(error instanceof HpackError)) throw error;
      // The connection's own end of it has given up, too.
      direction.broken = true;
      decoded = false;
    }
    if (opened && decoded && opened.method !== '') this.open.set(piece.stream, opened);
    else if (opened || (stream && !decoded)) {
      this.open.delete(piece.stream);
      this.undecodable.add(piece.stream);
    }
  }

  private openedBy({ flags, startNs, timeNs, pid, tid }: BlockPiece): OpenRequest | null {
    if (!(flags & this.flags.HTTP2_BLOCK_OPENS)) return null;
    return {
      method: '',
      path: null,
      grpc: false,
      trace: '',
      timeoutNs: null,
      startNs,
      requestNs: timeNs,
      pid,
      tid,
      status: null,
      firstByteNs: null,
      grpcStatus: null,
      text: '',
    };
  }

  private decode(direction: Direction, piece: BlockPiece, block: Uint8Array, stream: OpenRequest | null): void {
    if (piece.flags & this.flags.HTTP2_BLOCK_PLAIN) return;
    const isRequest = direction === this.requests;
    const cut = (piece.flags & this.flags.HTTP2_BLOCK_CUT) !== 0;
    const ends = (piece.flags & this.flags.HTTP2_BLOCK_END_STREAM) !== 0;
    const opens = (piece.flags & this.flags.HTTP2_BLOCK_OPENS) !== 0;
    /** A field that is not known: among pseudo-header fields, which come first (RFC 9113, 8.3); behind them. */
    let unknownPseudo = false;
    let unknownField = false;
    let regular = false;
    direction.decoder.decode(block, cut, (name, value) => {
      if (!stream) return;
      if (name === null) {
        if (regular) unknownField = true;
        else unknownPseudo = true;
        return;
      }
      regular ||= !name.startsWith(':');
      if (!isRequest) takeAnswer(stream, name, value, piece);
      else if (opens) takeRequest(stream, name, value);
    });
    if (!stream) return;
    // A field that is not known may be the one that is missing.
    if (!isRequest) {
      if (stream.status === null && unknownPseudo) {
        stream.status = UNKNOWN;
        stream.firstByteNs = piece.startNs;
      } else if (stream.grpc && stream.grpcStatus === null && (unknownPseudo || unknownField) && ends)
        stream.grpcStatus = UNKNOWN;
    }
    if (!opens) return;
    if (stream.method === '' && unknownPseudo) stream.method = UNKNOWN;
    if (stream.path === null && unknownPseudo && stream.method !== 'CONNECT') stream.path = UNKNOWN;
  }

  private takeText({ stream, data }: BlockPiece): void {
    const request = this.open.get(stream);
    if (!request?.grpc || request.text.length > TEXT_CHARACTERS_MOST) return;
    request.text += Buffer.from(data).toString('latin1');
    request.grpcStatus = statusInText(request.text) ?? request.grpcStatus;
  }

  /** The request of an upgrade from HTTP/1.1. */
  upgrade(piece: BlockPiece, method: string, path: string, trace: string): void {
    const opened = this.openedBy(piece)!;
    this.open.set(piece.stream, { ...opened, method: method || UNKNOWN, path: path || UNKNOWN, trace });
  }

  end({ stream, unseen, error, timeNs }: StreamEnd): Ended {
    const request = this.open.get(stream);
    if (!request) {
      const undecodable = this.undecodable.delete(stream);
      return { why: undecodable ? 'undecodable' : unseen ? 'unseen' : 'lost' };
    }
    this.open.delete(stream);
    const finished = error === null || request.grpcStatus !== null;
    if (request.grpc && request.grpcStatus === null && error !== null)
      request.grpcStatus = statusOfReset(error, request.timeoutNs, timeNs - request.startNs);
    return { request, finished };
  }
}

function takeRequest(stream: OpenRequest, name: string, value: string | null): void {
  const text = value ?? UNKNOWN;
  if (name === ':method') stream.method = text;
  else if (name === ':path') stream.path = text;
  else if (name === 'content-type') stream.grpc = isGrpc(text);
  else if (name === 'grpc-timeout') stream.timeoutNs = parseTimeout(text);
  else if (name === 'traceparent') stream.trace = text;
}

function takeAnswer(stream: OpenRequest, name: string, value: string | null, { startNs }: BlockPiece): void {
  if (value === null) return;
  if (name === ':status') {
    const status = parseStatus(value);
    // Interim answers are none (RFC 9110, 15.2).
    if (status === null || status < 200 || status > 999) return;
    stream.status = status;
    stream.firstByteNs = startNs;
  } else if (name === 'content-type' && isGrpc(value)) stream.grpc = true;
  else if (name === 'grpc-status') stream.grpcStatus = parseStatus(value) ?? stream.grpcStatus;
}
