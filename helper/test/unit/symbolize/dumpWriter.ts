// Writes a jitdump as a just-in-time compiler does, for the tests of its reader.

export type DumpedLine = [address: number, line: number, discriminator: number, file: string];

export class DumpWriter {
  private readonly pieces: Buffer[] = [];
  private index = 0;

  constructor(headerBytes = 40, magic = 0x4a695444, version = 1) {
    const header = Buffer.alloc(headerBytes);
    for (const [i, word] of [magic, version, headerBytes, 62, 0, 1].entries()) header.writeUInt32LE(word, i * 4);
    this.pieces.push(header);
  }

  load(start: number, sizeBytes: number, name: string): this {
    const code = Buffer.alloc(sizeBytes, 0xcc);
    return this.record(
      0,
      words32(1, 1),
      words64(start, start, sizeBytes, this.index++),
      Buffer.from(`${name}\0`),
      code,
    );
  }

  /** The `index`th that was loaded. */
  move(index: number, from: number, to: number, sizeBytes: number): this {
    return this.record(1, words32(1, 1), words64(to, from, to, sizeBytes, index));
  }

  /** Of the function that is loaded next. */
  lines(start: number, lines: DumpedLine[]): this {
    const entries = lines.map(([address, line, discriminator, file]) =>
      Buffer.concat([words64(address), words32(line, discriminator), Buffer.from(`${file}\0`, 'latin1')]),
    );
    return this.record(2, words64(start, lines.length), ...entries, Buffer.alloc(4));
  }

  record(id: number, ...parts: Buffer[]): this {
    const sizeBytes = 16 + parts.reduce((sum, part) => sum + part.length, 0);
    this.pieces.push(words32(id, sizeBytes), words64(1), ...parts);
    return this;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }
}

export function exampleDump(): Buffer {
  return new DumpWriter()
    .load(0x10000, 0x40, 'first')
    .lines(0x10040, [
      [0x10040, 7, 3, '/src/a.js'],
      [0x10050, 8, 5, '\xff'],
    ])
    .load(0x10040, 0x40, 'with lines')
    .record(4, words64(8, 8, 8), Buffer.alloc(8))
    .move(0, 0x10000, 0x20000, 0x40)
    .record(3).bytes;
}

function words32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value, i * 4);
  return bytes;
}

function words64(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 8);
  for (const [i, value] of values.entries()) bytes.writeBigUInt64LE(BigInt(value), i * 8);
  return bytes;
}
