// Frames of HTTP/2 and fields of HPACK written by hand (RFC 9113, 4.1; RFC 7541, 6), for tests that say which bytes go where.

export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const END_STREAM = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
export const PRIORITY = 0x20;

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export function frame(type: number, flags: number, stream: number, payload: Buffer | string = ''): Buffer {
  const bytes = Buffer.from(payload as string, 'latin1');
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, bytes]);
}

export const settings = frame(SETTINGS, 0, 0);
export const acknowledged = frame(SETTINGS, 1, 0);

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  const length =
    bytes.length < 127
      ? [bytes.length]
      : [
          127,
          ((bytes.length - 127) & 127) | 128,
          (((bytes.length - 127) >> 7) & 127) | 128,
          (bytes.length - 127) >> 14,
        ];
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** A field that leaves no trace in the table; one that is added to it; one that stands in it (61 static ones come first). */
export const literal = (name: string, value: string) => Buffer.concat([Buffer.from([0]), text(name), text(value)]);
export const added = (name: string, value: string) => Buffer.concat([Buffer.from([0x40]), text(name), text(value)]);
export const indexed = (index: number) => Buffer.from([0x80 | index]);

/** Static ones. */
export const GET = indexed(2);
export const POST = indexed(3);
export const HTTP = indexed(6);
export const OK = indexed(8);
/** The newest of the dynamic ones. */
export const NEWEST = 62;

export const block = (...fields: Buffer[]) => Buffer.concat(fields);
export const headers = (stream: number, flags: number, ...fields: Buffer[]) =>
  frame(HEADERS, END_HEADERS | flags, stream, block(...fields));
/** GET without a body. */
export const get = (stream: number, path: string) => headers(stream, END_STREAM, GET, HTTP, literal(':path', path));
/** 200 without a body. */
export const ok = (stream: number) => headers(stream, END_STREAM, OK);
