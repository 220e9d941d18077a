// Variable-length numbers of V8's position tables: base 128, the lowest seven bits first (src/base/vlq.h).

/** Ten bytes hold 64 bits; more is damage. */
const MAX_BYTES = 10;

export class VlqReader {
  at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  /** NaN where the bytes end inside of a number: no comparison with it holds. */
  unsigned(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < MAX_BYTES; i++) {
      if (this.done) return Number.NaN;
      const byte = this.bytes[this.at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    return Number.NaN;
  }

  /** The lowest bit is the sign. */
  signed(): number {
    const bits = this.unsigned();
    const magnitude = Math.floor(bits / 2);
    return bits % 2 === 1 ? -magnitude - 1 : magnitude;
  }
}
