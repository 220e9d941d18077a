// Names for the jump stubs through which a program calls other libraries (`malloc@plt`): they have no symbols, but stand in
// profiles. A stub jumps through a slot; the slot's relocation names the function. x86-64 only: the jump is found by its bytes.
// Layout: System V ABI, AMD64 supplement, "Procedure Linkage Table"; `.plt.sec` and `.plt.got` as GNU ld writes them.

import { type ByteSource, cstringAt } from '../bytes/source';
import { MAX_SYMBOLS } from './limits';
import type { ElfFile } from './parser';
import { SHT_DYNSYM, SHT_NOBITS } from './types';

const RELOCATION_BYTES = 24;
const SYMBOL_BYTES = 24;
const R_X86_64_GLOB_DAT = 6;
const R_X86_64_JUMP_SLOT = 7;
const STUBS = new Map([
  ['.plt', 16],
  ['.plt.sec', 16],
  ['.plt.got', 8],
]);
const CHUNK_RELOCATIONS = 512;

export interface PltStub {
  name: string;
  /** Address of the stub's first byte. */
  start: number;
}

export class PltStubs {
  /** Index of the dynamic symbol by the address of the slot. */
  private slots: Map<number, number> | null = null;

  constructor(private readonly elf: ElfFile) {}

  /** Throws FormatError. */
  find(address: number): PltStub | null {
    const section = this.elf.sections.find(
      (s) => STUBS.has(s.name) && s.type !== SHT_NOBITS && address >= s.address && address < s.address + s.sizeBytes,
    );
    if (!section) return null;
    // With endbr64 in front, entries of .plt.got take 16 bytes; 8 divides both.
    const size = STUBS.get(section.name)!;
    for (const length of size === 8 ? [8, 16] : [16]) {
      const at = Math.floor((address - section.address) / length) * length;
      const bytes = this.elf.source.readUpTo(section.fileOffset + at, Math.min(length, section.sizeBytes - at));
      const jump = bytes.indexOf('ff25', 0, 'hex');
      if (jump < 0 || jump > 5 || jump + 6 > bytes.length) continue;
      const slot = section.address + at + jump + 6 + bytes.readInt32LE(jump + 2);
      const name = this.nameOf(slot);
      if (name !== null) return { name: `${name}@plt`, start: section.address + at };
    }
    return null;
  }

  private nameOf(slot: number): string | null {
    this.slots ??= this.readSlots();
    const symbol = this.slots.get(slot);
    const table = this.elf.sections.find((s) => s.type === SHT_DYNSYM);
    const strings = table && this.elf.sections[table.link];
    if (symbol === undefined || !strings) return null;
    const entry = this.elf.source.part(table.fileOffset, table.sizeBytes).read(symbol * SYMBOL_BYTES, 4);
    return cstringAt(this.elf.source.part(strings.fileOffset, strings.sizeBytes), entry.readUInt32LE(0)) || null;
  }

  private readSlots(): Map<number, number> {
    const slots = new Map<number, number>();
    for (const name of ['.rela.plt', '.rela.dyn']) {
      const section = this.elf.section(name);
      if (!section || section.type === SHT_NOBITS) continue;
      addSlots(this.elf.source.part(section.fileOffset, section.sizeBytes), slots);
    }
    return slots;
  }
}

function addSlots(relocations: ByteSource, slots: Map<number, number>): void {
  const count = Math.min(Math.floor(relocations.sizeBytes / RELOCATION_BYTES), MAX_SYMBOLS);
  for (let first = 0; first < count; first += CHUNK_RELOCATIONS) {
    const here = Math.min(CHUNK_RELOCATIONS, count - first);
    const bytes = relocations.read(first * RELOCATION_BYTES, here * RELOCATION_BYTES);
    for (let at = 0; at < bytes.length; at += RELOCATION_BYTES) {
      const type = bytes.readUInt32LE(at + 8);
      if (type !== R_X86_64_JUMP_SLOT && type !== R_X86_64_GLOB_DAT) continue;
      slots.set(bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 4_294_967_296, bytes.readUInt32LE(at + 12));
    }
  }
}
