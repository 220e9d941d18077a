// runtime.moduledata: two addresses that the pclntab counts from and does not hold itself, the start of the program's code and the
// base of its functions' data (inline trees). Found where the linker put it or, in programs without symbols, as the place that
// points to the pclntab. Layout: `moduledata` in Go's runtime/symtab.go, Go 1.18 to 1.27.

import { Cursor } from '../../../bytes/cursor';
import type { ElfFile } from '../../../elf/parser';
import { SHF_ALLOC, SHF_WRITE, SHT_NOBITS, SHT_RELA } from '../../../elf/types';
import { MAX_RELOCATIONS, MAX_SCANNED_BYTES } from '../limits';
import type { PclntabVersion } from './types';

const MODULE_SECTION = '.go.module';
const POINTER_BYTES = 8;
const RELA_BYTES = 24;
const CHUNK_BYTES = 1 << 16;
const CHUNK_RELOCATIONS = 2_048;
/** Places that point to the pclntab: one or two in a sound program. */
const MAX_PLACES = 8;
/** Fields of these that are relocated. */
const MAX_TARGETS = 1_024;
const R_X86_64_RELATIVE = 8;
const R_AARCH64_RELATIVE = 1027;

/** A pointer to the pclntab, six slices, three pointers. */
const TEXT = 176;
/** `gofunc`, behind `rodata`: of Go 1.18 and 1.19; of 1.20 (with covctrs) to 1.26, or 1.27 (with itaboffset). */
const GO_FUNC: Partial<Record<PclntabVersion, number[]>> = { '1.18': [304], '1.20': [320, 344] };

export interface ModuleData {
  text: number | null;
  goFunc: number | null;
}

/** What is read of it lies before this. */
const MODULE_BYTES = 352;

/** `table`: address of the pclntab, `names`: of its names. Null where no moduledata belongs to it. */
export function findModuleData(elf: ElfFile, version: PclntabVersion, table: number, names: number): ModuleData | null {
  const section = elf.section(MODULE_SECTION);
  const places = [...(section ? [section.address] : []), ...pointersTo(elf, table)];
  // In a position-independent program that the C compiler linked, pointers are zero in the file and stand in relocations.
  places.push(...[...relativeTargets(elf, (_, target) => target === table).keys()].slice(0, MAX_PLACES));
  const near = (address: number) => places.some((place) => address >= place && address < place + MODULE_BYTES);
  const relocated = places.length > 0 ? relativeTargets(elf, near) : new Map<number, number>();
  const read = (address: number) => pointerAt(elf, address) || relocated.get(address) || 0;
  const module = places.find((place) => read(place) === table && read(place + POINTER_BYTES) === names);
  if (module === undefined) return null;
  const text = read(module + TEXT);
  const offset = GO_FUNC[version]?.find((offset) => {
    // In 1.27's layout an address and an offset stand where 1.26 has these two.
    const [rodata, goFunc] = [read(module + offset - POINTER_BYTES), read(module + offset)];
    return goFunc >= rodata && elf.sectionAt(rodata) !== null && elf.sectionAt(goFunc) !== null;
  });
  return { text: elf.isCode(text) ? text : null, goFunc: offset === undefined ? null : read(module + offset) };
}

/** Addresses in the program's data that hold `value`. */
function pointersTo(elf: ElfFile, value: number): number[] {
  const wanted = Buffer.alloc(POINTER_BYTES);
  wanted.writeBigUInt64LE(BigInt(value));
  const found: number[] = [];
  let budget = MAX_SCANNED_BYTES;
  for (const s of elf.sections) {
    if (s.type === SHT_NOBITS || (s.flags & (SHF_ALLOC | SHF_WRITE)) !== (SHF_ALLOC | SHF_WRITE)) continue;
    const data = elf.source.part(s.fileOffset, s.sizeBytes);
    for (let from = 0; from < s.sizeBytes && budget > 0; from += CHUNK_BYTES, budget -= CHUNK_BYTES) {
      const bytes = data.readUpTo(from, CHUNK_BYTES);
      for (let at = bytes.indexOf(wanted); at >= 0 && found.length < MAX_PLACES; at = bytes.indexOf(wanted, at + 1))
        if ((s.address + from + at) % POINTER_BYTES === 0) found.push(s.address + from + at);
    }
  }
  return found;
}

function pointerAt(elf: ElfFile, address: number): number {
  const s = elf.sectionAt(address);
  if (!s || s.type === SHT_NOBITS || address + POINTER_BYTES > s.address + s.sizeBytes) return 0;
  return new Cursor(elf.source.read(s.fileOffset + address - s.address, POINTER_BYTES)).u64();
}

/** The relocations that `keep` wants: place and what it will point to. */
function relativeTargets(elf: ElfFile, keep: (place: number, target: number) => boolean): Map<number, number> {
  const targets = new Map<number, number>();
  const section = elf.section('.rela.dyn');
  if (!section || section.type !== SHT_RELA || section.sizeBytes > MAX_RELOCATIONS * RELA_BYTES) return targets;
  const data = elf.source.part(section.fileOffset, section.sizeBytes);
  for (let from = 0; from < data.sizeBytes; from += RELA_BYTES * CHUNK_RELOCATIONS) {
    const cursor = new Cursor(data.readUpTo(from, RELA_BYTES * CHUNK_RELOCATIONS));
    while (cursor.end - cursor.at >= RELA_BYTES && targets.size < MAX_TARGETS) {
      const place = cursor.u64();
      const type = cursor.u32();
      cursor.skip(4);
      const target = cursor.u64();
      if ((type === R_X86_64_RELATIVE || type === R_AARCH64_RELATIVE) && keep(place, target))
        targets.set(place, target);
    }
  }
  return targets;
}
