// Packets byte for byte, for tests: each header is written here as its RFC draws it, by nobody else's code.

const u16 = (number: number) => Buffer.from([number >> 8, number & 255]);
const u32 = (number: number) => Buffer.from([number >>> 24, (number >> 16) & 255, (number >> 8) & 255, number & 255]);

export const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd, vlan: 0x8100, qinq: 0x88a8 };
export const FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16 };

/** The smallest frame of Ethernet is of 60 bytes: shorter ones are padded, as a card would. */
export function ethernet(type: number, payload: Buffer, { pad = true } = {}): Buffer {
  const frame = Buffer.concat([Buffer.from('020000000001020000000002', 'hex'), u16(type), payload]);
  return pad && frame.length < 60 ? Buffer.concat([frame, Buffer.alloc(60 - frame.length)]) : frame;
}

export const tagged = (tag: number, type: number, payload: Buffer): Buffer =>
  Buffer.concat([u16(tag), u16(type), payload]);

export const address4 = (text: string): Buffer => Buffer.from(text.split('.').map(Number));

/** Eight words with colons between; no abbreviation. */
export const address6 = (text: string): Buffer =>
  Buffer.concat(text.split(':').map((word) => u16(Number.parseInt(word, 16))));

export interface Ipv4 {
  from: string;
  to: string;
  protocol: number;
  payload: Buffer;
  options?: Buffer;
  id?: number;
  /** In bytes. */
  offset?: number;
  more?: boolean;
  /** What the header says, where that is not the truth. */
  totalBytes?: number;
}

export function ipv4({ from, to, protocol, payload, options = Buffer.alloc(0), id = 1, ...more }: Ipv4): Buffer {
  const headerBytes = 20 + options.length;
  const fragment = (more.more ? 0x2000 : 0) | ((more.offset ?? 0) >> 3);
  return Buffer.concat([
    Buffer.from([0x40 | (headerBytes >> 2), 0]),
    u16(more.totalBytes ?? headerBytes + payload.length),
    u16(id),
    u16(fragment),
    Buffer.from([64, protocol, 0, 0]),
    address4(from),
    address4(to),
    options,
    payload,
  ]);
}

export function ipv6(from: string, to: string, next: number, payload: Buffer): Buffer {
  return Buffer.concat([
    u32(0x60000000),
    u16(payload.length),
    Buffer.from([next, 64]),
    address6(from),
    address6(to),
    payload,
  ]);
}

/** Of `words` 8 bytes more than the first 8: hop by hop, routing, destination. */
export const extension = (next: number, words: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([next, words]), Buffer.alloc(6 + 8 * words), payload]);

export const fragment6 = (next: number, offset: number, more: boolean, id: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([next, 0]), u16(offset | Number(more)), u32(id), payload]);

export interface Tcp {
  from: number;
  to: number;
  seq?: number;
  ack?: number;
  flags?: number;
  window?: number;
  options?: Buffer;
  payload?: Buffer;
}

export function tcp({ from, to, seq = 0, ack = 0, flags = FLAG.ack, window = 1000, ...more }: Tcp): Buffer {
  const options = more.options ?? Buffer.alloc(0);
  return Buffer.concat([
    u16(from),
    u16(to),
    u32(seq >>> 0),
    u32(ack >>> 0),
    Buffer.from([((20 + options.length) >> 2) << 4, flags]),
    u16(window),
    u16(0),
    u16(0),
    options,
    more.payload ?? Buffer.alloc(0),
  ]);
}

export const udp = (from: number, to: number, payload: Buffer = Buffer.alloc(0)): Buffer =>
  Buffer.concat([u16(from), u16(to), u16(8 + payload.length), u16(0), payload]);

export const icmp = (type: number, code: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type, code, 0, 0, 0, 0, 0, 0]), payload]);

export const sctp = (from: number, to: number): Buffer => Buffer.concat([u16(from), u16(to), Buffer.alloc(8)]);

/** Of a name with dots; RFC 1035, 4.1. */
export function dns(id: number, name: string, answer: { code: number } | null): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([
    u16(id),
    u16(answer ? 0x8180 | answer.code : 0x0100),
    u16(1),
    Buffer.alloc(6),
    ...labels,
    Buffer.from([0]),
    u16(1),
    u16(1),
  ]);
}
