// Reads little-endian fields one after another from bytes that nobody has checked. Every parser of this folder reads
// through it; any step outside the bytes throws FormatError, so no parser can read what it was not given.

/** The bytes are not what they claim to be, or exceed a limit. Costs the file its names, nothing else. */
export class FormatError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FormatError';
  }
}

const TWO_32 = 4_294_967_296;

export class Cursor {
  readonly end: number;

  constructor(
    readonly bytes: Buffer,
    public at = 0,
    end = bytes.length,
  ) {
    this.end = Math.min(end, bytes.length);
    if (!(at >= 0 && at <= this.end)) throw new FormatError('offset outside of the data');
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  skip(lengthBytes: number): void {
    this.seek(this.at + lengthBytes);
  }

  seek(at: number): void {
    if (!(at >= 0 && at <= this.end)) throw new FormatError('offset outside of the data');
    this.at = at;
  }

  u8(): number {
    return this.bytes[this.take(1)];
  }

  i8(): number {
    return this.bytes.readInt8(this.take(1));
  }

  u16(): number {
    const { bytes } = this;
    const at = this.take(2);
    return bytes[at] | (bytes[at + 1] << 8);
  }

  u24(): number {
    return this.bytes.readUIntLE(this.take(3), 3);
  }

  u32(): number {
    const at = this.take(4);
    return wordAt(this.bytes, at);
  }

  i32(): number {
    return this.bytes.readInt32LE(this.take(4));
  }

  /** Exact up to 2^53; larger values (tombstones, nonsense) come out rounded, which no caller takes for an address. */
  u64(): number {
    const at = this.take(8);
    return wordAt(this.bytes, at) + wordAt(this.bytes, at + 4) * TWO_32;
  }

  unsigned(sizeBytes: number): number {
    switch (sizeBytes) {
      case 1:
        return this.u8();
      case 2:
        return this.u16();
      case 4:
        return this.u32();
      case 8:
        return this.u64();
      default:
        throw new FormatError(`field of ${sizeBytes} bytes`);
    }
  }

  /** Unsigned LEB128, at most ten bytes. Exact up to 2^53. */
  uleb(): number {
    // Most are short.
    const first = this.bytes[this.at];
    if (first < 0x80 && this.at < this.end) {
      this.at++;
      return first;
    }
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new FormatError('LEB128 number too long');
  }

  /** Signed LEB128, at most ten bytes. Exact within +-2^53. */
  sleb(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return byte & 0x40 ? value - scale : value;
    }
    throw new FormatError('LEB128 number too long');
  }

  /** Zero-terminated UTF-8. */
  cstring(): string {
    const zero = this.bytes.indexOf(0, this.at);
    if (zero < 0 || zero >= this.end) throw new FormatError('string without an end');
    const text = this.bytes.toString('utf8', this.at, zero);
    this.at = zero + 1;
    return text;
  }

  skipCstring(): void {
    const zero = this.bytes.indexOf(0, this.at);
    if (zero < 0 || zero >= this.end) throw new FormatError('string without an end');
    this.at = zero + 1;
  }

  take(lengthBytes: number): number {
    const at = this.at;
    const next = at + lengthBytes;
    if (!(next <= this.end)) throw new FormatError('data ends too early');
    this.at = next;
    return at;
  }
}

/** Buffer's own method checks again what `take` has checked. */
function wordAt(bytes: Buffer, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

/** Bad bytes and unreadable files are expected; anything else is a mistake of ours, and costs no more than this file. */
export function messageOf(error: unknown): string {
  if (error instanceof FormatError) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
