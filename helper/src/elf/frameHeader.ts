// Where functions begin and end in a program without symbols: unwinding needs that, so nothing may strip it. The header of
// .eh_frame is a table sorted by address, so that one function is found without reading the others.
// Layouts: LSB Core, "The .eh_frame_hdr section" and "The .eh_frame section".

import { countBefore } from '../bytes/search';
import type { ByteSource } from '../bytes/source';
import type { ElfFile } from './parser';
import { PT_LOAD } from './types';

const PT_GNU_EH_FRAME = 0x6474e550;
const DW_EH_PE_UDATA4 = 0x03;
const DW_EH_PE_OMIT = 0xff;
/** Signed 32 bits from the header's own address: what all linkers write. */
const DW_EH_PE_DATAREL_SDATA4 = 0x3b;
const HEADER_BYTES = 12;
const ROW_BYTES = 8;
/** Of a CIE: its augmentation is told in the first few bytes. */
const CIE_BYTES = 64;
/** Bytes of an encoded address by its lower four bits; others (LEB128) are not looked at. */
const ADDRESS_BYTES: Record<number, number> = { 0: 8, 2: 2, 3: 4, 4: 8, 10: 2, 11: 4, 12: 8 };

export class FrameHeader {
  private constructor(
    private readonly elf: ElfFile,
    private readonly table: ByteSource,
    private readonly address: number,
    private readonly count: number,
  ) {}

  /** Null where the file has no such table, or one of a kind that no linker writes. Throws FormatError where it is cut off. */
  static of(elf: ElfFile): FrameHeader | null {
    const segment = elf.segments.find((s) => s.type === PT_GNU_EH_FRAME);
    if (!segment || segment.fileSizeBytes < HEADER_BYTES) return null;
    const header = elf.source.part(segment.fileOffset, segment.fileSizeBytes);
    const [version, pointer, count, table] = header.read(0, 4);
    // The pointer to .eh_frame is 4 bytes in all but odd files.
    if (version !== 1 || (pointer & 0x0f) !== 0x0b || count !== DW_EH_PE_UDATA4 || table !== DW_EH_PE_DATAREL_SDATA4)
      return null;
    const rows = header.read(8, 4).readUInt32LE();
    const room = Math.floor((segment.fileSizeBytes - HEADER_BYTES) / ROW_BYTES);
    return new FrameHeader(elf, header.part(HEADER_BYTES, room * ROW_BYTES), segment.address, Math.min(rows, room));
  }

  /** First address of the function around `address`; null where no entry says so. Throws FormatError. */
  startOf(address: number): number | null {
    return this.boundsOf(address)?.start ?? null;
  }

  /** As `startOf`, with the first address behind the function. */
  boundsOf(address: number): { start: number; end: number } | null {
    const found = countBefore(this.count, (i) => this.startAt(i) > address) - 1;
    if (found < 0) return null;
    const start = this.startAt(found);
    const entry = this.address + this.table.read(found * ROW_BYTES + 4, 4).readInt32LE();
    const sizeBytes = this.sizeOf(entry);
    return sizeBytes !== null && address < start + sizeBytes ? { start, end: start + sizeBytes } : null;
  }

  /** The longest piece of code that no entry is of, if it has so many bytes. Throws FormatError. */
  longestGap(minBytes: number): { start: number; end: number } | null {
    let longest: { after: number; end: number } | null = null;
    for (let row = 1; row < this.count; row++) {
      const after = this.startAt(row - 1);
      const end = this.startAt(row);
      if (end - after >= minBytes && (!longest || end - after > longest.end - longest.after)) longest = { after, end };
    }
    if (!longest) return null;
    const { after, end } = longest;
    const start = this.boundsOf(after)?.end ?? after;
    return end - start >= minBytes ? { start, end } : null;
  }

  private startAt(row: number): number {
    return this.address + this.table.read(row * ROW_BYTES, 4).readInt32LE();
  }

  /** Of the code of the entry (FDE) at this address; null where it is not as the compilers write it. */
  private sizeOf(entry: number): number | null {
    const at = this.offsetOf(entry);
    if (at === null) return null;
    const { source } = this.elf;
    const head = source.read(at, 8);
    const distance = head.readUInt32LE(4);
    if (head.readUInt32LE() === 0xffffffff || distance === 0 || distance > at + 4) return null;
    const encoding = pointerEncoding(source.readUpTo(at + 4 - distance, CIE_BYTES));
    const bytes = encoding === null ? undefined : ADDRESS_BYTES[encoding & 0x0f];
    if (bytes === undefined) return null;
    const range = source.read(at + 8 + bytes, bytes);
    return bytes === 8 ? Number(range.readBigUInt64LE()) : range.readUIntLE(0, bytes);
  }

  private offsetOf(address: number): number | null {
    for (const s of this.elf.segments)
      if (s.type === PT_LOAD && address >= s.address && address < s.address + s.fileSizeBytes)
        return s.fileOffset + (address - s.address);
    return null;
  }
}

/** How a CIE's entries write their addresses; null where it is not readable. */
function pointerEncoding(cie: Buffer): number | null {
  if (cie.length < 16 || cie.readUInt32LE(4) !== 0 || (cie[8] !== 1 && cie[8] !== 3)) return null;
  const end = cie.indexOf(0, 9);
  if (end < 0) return null;
  const augmentation = cie.toString('latin1', 9, end);
  if (augmentation === '') return 0;
  if (augmentation[0] !== 'z') return null;
  let at = end + 1;
  const skipLeb = () => {
    while (at < cie.length && cie[at] >= 0x80) at++;
    at++;
  };
  skipLeb();
  skipLeb();
  if (cie[8] === 1) at++;
  else skipLeb();
  skipLeb();
  for (const letter of augmentation.slice(1)) {
    if (at >= cie.length) return null;
    if (letter === 'R') return cie[at];
    if (letter === 'L') at++;
    else if (letter === 'P') {
      const bytes = ADDRESS_BYTES[cie[at] & 0x0f];
      if (cie[at] === DW_EH_PE_OMIT || bytes === undefined) return null;
      at += 1 + bytes;
    } else if (letter !== 'S' && letter !== 'B') return null;
  }
  return 0;
}
