// The first payloads of flows, as the kernel sent them: the server's name, protocols and version that a TLS client asks for, and the
// names of DNS queries. They come from anybody on the network: every length is checked, and what is kept is bounded.
// Layouts: RFC 8446 (4.1.2, 4.2, 5.1), RFC 6066 (3), RFC 7301 (3.1), RFC 1035 (4.1).

import { FLOW_HEAD_EVENT as HEAD } from '../abi/flowEvents.gen';
import type { Words } from '../abi/words';

export interface Hello {
  sni: string | null;
  alpn: string[];
  version: string | null;
}

const FLOWS_MOST = 50_000;
const NAMES_MOST = 4;
const HELLO_MOST_BYTES = 16_384;
const VERSIONS: Record<number, string> = { 769: 'TLS 1.0', 770: 'TLS 1.1', 771: 'TLS 1.2', 772: 'TLS 1.3' };

export class Heads {
  private readonly hellos = new Map<number, Hello>();
  private readonly names = new Map<number, Set<string>>();
  /** Beginnings of hellos that take several packets. */
  private readonly parts = new Map<number, { next: number; bytes: Buffer }>();

  /** A record of kind EVENT_FLOW_HEAD. */
  take(words: Words, at: number): void {
    const record = Buffer.from(words.u32.buffer, words.u32.byteOffset + at * 4, HEAD.byteLength);
    const serial = Number(record.readBigUInt64LE(HEAD.serial));
    const length = Math.min(record.readUInt32LE(HEAD.bytes), HEAD.dataLength);
    const bytes = Buffer.from(record.subarray(HEAD.data, HEAD.data + length));
    const isTcp = (record.readUInt32LE(HEAD.keyKind) & 0xff) === 6;
    if (isTcp) this.takeTls(serial * 2 + (record[HEAD.side] & 1), serial, bytes, record.readUInt32LE(HEAD.sequence));
    else this.takeDns(serial, bytes, record.readUInt16BE(HEAD.keyEnds), record.readUInt16BE(HEAD.keyEnds + 2));
  }

  hello(serial: number): Hello | null {
    return this.hellos.get(serial) ?? null;
  }

  namesOf(serial: number): string[] {
    return [...(this.names.get(serial) ?? [])];
  }

  private takeTls(stream: number, serial: number, bytes: Buffer, sequence: number): void {
    const before = this.parts.get(stream);
    if (before && before.next !== sequence) return;
    const all = before ? Buffer.concat([before.bytes, bytes]) : bytes;
    this.parts.delete(stream);
    const hello = parseClientHello(all);
    if (hello === 'short' && all.length < HELLO_MOST_BYTES && this.parts.size < FLOWS_MOST)
      this.parts.set(stream, { next: (sequence + bytes.length) >>> 0, bytes: all });
    else if (hello && hello !== 'short' && this.hellos.size < FLOWS_MOST) this.hellos.set(serial, hello);
  }

  private takeDns(serial: number, bytes: Buffer, onePort: number, otherPort: number): void {
    const name = [onePort, otherPort].some((port) => port === 53 || port === 5353) ? dnsName(bytes) : null;
    if (name === null) return;
    const names = this.names.get(serial) ?? new Set();
    if (names.size < NAMES_MOST && (this.names.has(serial) || this.names.size < FLOWS_MOST)) names.add(name);
    this.names.set(serial, names);
  }
}

/** Null: something else; `short`: its end is still to come. */
export function parseClientHello(bytes: Buffer): Hello | 'short' | null {
  if (bytes.length < 9) return 'short';
  if (bytes[0] !== 22 || bytes[1] !== 3 || bytes[5] !== 1) return null;
  const helloBytes = bytes.readUIntBE(6, 3);
  const message = handshakeBytes(bytes, 4 + helloBytes);
  if (message === null) return null;
  if (message.length < 4 + helloBytes) return 'short';
  return readHello(message.subarray(4, 4 + helloBytes));
}

/** The message's bytes out of the records that carry it, as many as are there. */
function handshakeBytes(bytes: Buffer, most: number): Buffer | null {
  const parts: Buffer[] = [];
  let have = 0;
  for (let at = 0; at + 5 <= bytes.length && have < most; ) {
    if (bytes[at] !== 22) return null;
    const length = bytes.readUInt16BE(at + 3);
    const part = bytes.subarray(at + 5, at + 5 + length);
    parts.push(part);
    have += part.length;
    at += 5 + length;
  }
  return Buffer.concat(parts);
}

function readHello(hello: Buffer): Hello | null {
  const found: Hello = { sni: null, alpn: [], version: null };
  try {
    let version = hello.readUInt16BE(0);
    let at = 34;
    at += 1 + hello[at];
    at += 2 + hello.readUInt16BE(at);
    at += 1 + hello[at];
    const end = at >= hello.length ? at : Math.min(hello.length, at + 2 + hello.readUInt16BE(at));
    for (at += 2; at + 4 <= end; ) {
      const type = hello.readUInt16BE(at);
      const data = hello.subarray(at + 4, Math.min(end, at + 4 + hello.readUInt16BE(at + 2)));
      at += 4 + hello.readUInt16BE(at + 2);
      if (type === 0 && data[2] === 0) found.sni = data.toString('latin1', 5, 5 + data.readUInt16BE(3)).slice(0, 255);
      if (type === 16) found.alpn = shortTexts(data.subarray(2)).slice(0, 8);
      if (type === 43)
        for (let i = 1; i + 2 <= data.length; i += 2)
          if (VERSIONS[data.readUInt16BE(i)]) version = Math.max(version, data.readUInt16BE(i));
    }
    found.version = VERSIONS[version] ?? null;
    return found;
  } catch {
    // A length led beyond the end.
    return null;
  }
}

function shortTexts(bytes: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; at += 1 + bytes[at])
    texts.push(bytes.toString('latin1', at + 1, at + 1 + bytes[at]));
  return texts;
}

/** Of the first question; null: there is none. */
export function dnsName(message: Buffer): string | null {
  if (message.length < 17 || message.readUInt16BE(4) === 0) return null;
  const labels: string[] = [];
  let at = 12;
  while (at < message.length && message[at] !== 0) {
    // A question has no pointers.
    if (message[at] > 63 || at + 1 + message[at] > message.length || labels.length > 127) return null;
    labels.push(message.toString('latin1', at + 1, at + 1 + message[at]));
    at += 1 + message[at];
  }
  return at < message.length ? labels.join('.') : null;
}
