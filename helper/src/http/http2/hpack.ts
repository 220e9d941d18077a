// Decodes header blocks of one direction of an HTTP/2 connection (HPACK, RFC 7541), each in its turn, as each may change the
// table that the next ones refer to. What a name or a value is where the table's older entries are not known is never guessed:
// it is null. Blocks come from the wire, so nothing in them is believed: numbers, lengths and codes have their bounds.

import { DynamicTable } from './dynamicTable';
import { decodedMost, decodeHuffman } from './huffman';
import { STATIC_TABLE } from './staticTable';

/** A block is no HPACK: the connection cannot go on (RFC 7541, 2.3.3). */
export class HpackError extends Error {}

/** The block ends within a field. */
class BlockEnd extends HpackError {}

/** Null: not known. */
export type OnField = (name: string | null, value: string | null) => void;

/** No table, string or index is as large. */
const NUMBER_MOST = 2 ** 31;
/** Of one value no more is kept. */
export const VALUE_BYTES_MOST = 4_096;

/** Shared, as only one string is decoded at a time: longer ones get a buffer of their own. */
const scratch = Buffer.alloc(16_384);

export class HpackDecoder {
  readonly table: DynamicTable;
  private block: Uint8Array = scratch;
  private at = 0;
  private end = 0;
  /** Of the string that was read last, without Huffman's code. */
  private stringBytes = 0;

  /** `wants`: of which names the values are of interest; of others they are not kept, and left out. */
  constructor(
    whole: boolean,
    private readonly wants: (name: string) => boolean,
  ) {
    this.table = new DynamicTable(whole);
  }

  /** `cut`: bytes are missing at its end. Throws HpackError; the fields before that were told. */
  decode(block: Uint8Array, cut: boolean, onField: OnField): void {
    this.block = block;
    this.at = 0;
    this.end = block.length;
    try {
      while (this.at < this.end) this.field(onField);
    } catch (error) {
      if (!cut || !(error instanceof BlockEnd)) throw error;
    } finally {
      this.block = scratch;
      // What the missing bytes have added is not known.
      if (cut) this.table.forget();
    }
  }

  private field(onField: OnField): void {
    const first = this.block[this.at];
    if (first & 0x80) this.indexed(onField);
    else if (first & 0x40) this.literal(6, true, onField);
    else if (first & 0x20) this.table.resize(this.number(5));
    else this.literal(4, false, onField);
  }

  private indexed(onField: OnField): void {
    const index = this.number(7);
    if (index === 0) throw new HpackError('index 0');
    if (index <= STATIC_TABLE.length) {
      const [name, value] = STATIC_TABLE[index - 1];
      onField(name, value);
      return;
    }
    const entry = this.entry(index);
    onField(entry?.name ?? null, entry?.value ?? null);
  }

  private literal(prefixBits: number, adds: boolean, onField: OnField): void {
    const index = this.number(prefixBits);
    let name: string | null;
    let nameBytes: number;
    if (index === 0) {
      name = this.string(Number.POSITIVE_INFINITY);
      nameBytes = this.stringBytes;
    } else {
      name = index <= STATIC_TABLE.length ? STATIC_TABLE[index - 1][0] : (this.entry(index)?.name ?? null);
      nameBytes = name?.length ?? 0;
    }
    const wanted = name !== null && this.wants(name);
    const value = this.string(wanted ? VALUE_BYTES_MOST : 0);
    if (adds) this.table.add(name, wanted ? value : null, nameBytes + this.stringBytes);
    onField(name, wanted ? value : null);
  }

  private entry(index: number) {
    const entry = this.table.at(index - STATIC_TABLE.length - 1);
    if (entry === undefined) throw new HpackError(`index ${index} of an empty place`);
    return entry;
  }

  /** RFC 7541, 5.1. */
  private number(prefixBits: number): number {
    const most = (1 << prefixBits) - 1;
    let value = this.block[this.at++] & most;
    if (value < most) return value;
    for (let factor = 1; ; factor *= 128) {
      if (this.at >= this.end) throw new BlockEnd('the block ends within a number');
      const byte = this.block[this.at++];
      value += (byte & 127) * factor;
      if (value >= NUMBER_MOST || factor > NUMBER_MOST) throw new HpackError('a number that is too large');
      if (!(byte & 128)) return value;
    }
  }

  /** RFC 7541, 5.2. No more than `most` bytes of it are wanted; its length is found all the same. */
  private string(most: number): string {
    if (this.at >= this.end) throw new BlockEnd('the block ends before a string');
    const coded = (this.block[this.at] & 0x80) !== 0;
    const length = this.number(7);
    const start = this.at;
    if (length > this.end - start) throw new BlockEnd('the block ends within a string');
    this.at = start + length;
    if (!coded) {
      this.stringBytes = length;
      return textOf(this.block, start, Math.min(length, most));
    }
    const room = decodedMost(length);
    const out = room <= scratch.length ? scratch : Buffer.alloc(room);
    this.stringBytes = decodeHuffman(this.block, start, start + length, out);
    if (this.stringBytes < 0) throw new HpackError('a string that is not in the code');
    return textOf(out, 0, Math.min(this.stringBytes, most));
  }
}

/** Bytes as they are, one character each. */
function textOf(bytes: Uint8Array, start: number, length: number): string {
  return length === 0 ? '' : Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('latin1');
}
