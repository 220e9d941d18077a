// Finds Go's pclntab in an ELF file and cuts it into its tables, in its four layouts (Go 1.12 to 1.27). It is part of the
// program (tracebacks need it), so stripped binaries have it too.

import { Cursor, FormatError } from '../../../bytes/cursor';
import type { ByteSource } from '../../../bytes/source';
import type { ElfFile } from '../../../elf/parser';
import { SHF_ALLOC, SHF_EXECINSTR, SHT_NOBITS } from '../../../elf/types';
import { MAX_SCANNED_BYTES } from '../limits';
import { goVersion, minorOf, bytesAt as programBytesAt } from '../version';
import { findModuleData } from './moduledata';
import type { InlineLayout, Pclntab, PclntabVersion } from './types';

const MAGICS = new Map<number, PclntabVersion>([
  [0xfffffffb, '1.2'],
  [0xfffffffa, '1.16'],
  [0xfffffff0, '1.18'],
  [0xfffffff1, '1.20'],
]);
const SECTIONS = ['.gopclntab', '.data.rel.ro.gopclntab'];

/** Sections that only Go programs have. */
const GO_SECTIONS = ['.note.go.buildid', '.go.buildinfo'];

/** By its sections: a program without their names is not searched. */
export function isGoFile(elf: ElfFile): boolean {
  return elf.sections.some(({ name }) => SECTIONS.includes(name) || GO_SECTIONS.includes(name));
}
const SCAN_BYTES = 1 << 18;

/** Null where this is no Go program; throws FormatError where its table is broken. */
export function findPclntab(elf: ElfFile): Pclntab | null {
  const section = elf.sections.find((s) => SECTIONS.includes(s.name) && s.type !== SHT_NOBITS);
  if (section) return readPclntab(elf, section.address, elf.source.part(section.fileOffset, section.sizeBytes));
  if (!elf.sections.some((s) => GO_SECTIONS.includes(s.name))) return null;
  const found = searchPclntab(elf);
  return found && readPclntab(elf, found.address, found.table);
}

/** The C compiler, linking a position-independent program, puts it among other constant data. Known by its first bytes. */
function searchPclntab(elf: ElfFile): { address: number; table: ByteSource } | null {
  let budgetBytes = MAX_SCANNED_BYTES;
  for (const s of elf.sections) {
    const isData = (s.flags & (SHF_ALLOC | SHF_EXECINSTR)) === SHF_ALLOC && s.type !== SHT_NOBITS;
    if (!isData || !['.data.rel.ro', '.rodata', '.data'].includes(s.name)) continue;
    const data = elf.source.part(s.fileOffset, s.sizeBytes);
    for (let from = 0; from < s.sizeBytes && budgetBytes > 0; from += SCAN_BYTES, budgetBytes -= SCAN_BYTES) {
      const bytes = data.readUpTo(from, SCAN_BYTES + 8);
      // All magic numbers end in these three bytes.
      for (let at = bytes.indexOf('ffffff0000', 0, 'hex'); at >= 0; at = bytes.indexOf('ffffff0000', at + 1, 'hex')) {
        const start = from + at - 1;
        if (at === 0 || start % 8 !== 0 || at + 7 > bytes.length || !MAGICS.has(bytes.readUInt32LE(at - 1))) continue;
        const [quantum, pointerBytes] = [bytes[at + 5], bytes[at + 6]];
        if (![1, 2, 4].includes(quantum) || pointerBytes !== 8) continue;
        return { address: s.address + start, table: data.part(start, s.sizeBytes - start) };
      }
    }
  }
  return null;
}

function readPclntab(elf: ElfFile, address: number, table: ByteSource): Pclntab {
  const cursor = new Cursor(table.readUpTo(0, 128));
  const version = MAGICS.get(cursor.u32());
  if (!version) throw new FormatError('unknown version of the Go line table');
  cursor.skip(2);
  const quantum = cursor.u8();
  const pointerBytes = cursor.u8();
  if (pointerBytes !== 8 && pointerBytes !== 4) throw new FormatError('absurd Go line table');
  const pointer = () => cursor.unsigned(pointerBytes);
  const from = (offset: number) => table.part(offset, table.sizeBytes - offset);
  const bytesAt = (at: number) => programBytesAt(elf, at);
  const functionCount = pointer();
  if (functionCount > table.sizeBytes / 8) throw new FormatError('absurd count of Go functions');
  if (version === '1.2') {
    const functionTable = from(cursor.at);
    const fileTableAt = cursor.at + functionCount * 2 * pointerBytes + pointerBytes;
    const files = from(new Cursor(table.read(fileTableAt, 4)).u32());
    return {
      version,
      pointerBytes,
      quantum,
      functionCount,
      textStart: 0,
      functionTable,
      functions: table,
      names: table,
      unitFiles: null,
      files,
      pcValues: table,
      inlines: oldInlineLayout(elf),
      goFunc: null,
      bytesAt,
    };
  }
  pointer();
  const modern = version !== '1.16';
  const textInHeader = modern ? pointer() : 0;
  const namesAt = pointer();
  const names = from(namesAt);
  const unitFiles = from(pointer());
  const files = from(pointer());
  const pcValues = from(pointer());
  const functions = from(pointer());
  const module = modern ? findModuleData(elf, version, address, address + namesAt) : null;
  return {
    version,
    pointerBytes,
    quantum,
    functionCount,
    // The header holds it up to Go 1.25, where it is not relocated.
    textStart: modern ? textInHeader || (module?.text ?? textSection(elf)) : 0,
    functionTable: functions,
    functions,
    names,
    unitFiles,
    files,
    pcValues,
    inlines: modern ? { pcdataIndex: 2, funcdataIndex: 3, isPointer: false } : oldInlineLayout(elf),
    goFunc: module?.goFunc ?? null,
    bytesAt,
  };
}

function textSection(elf: ElfFile): number {
  const text = elf.section('.text');
  if (!text) throw new FormatError('Go program without a .text section');
  return text.address;
}

/** Numbers of tables as `PCDATA_InlTreeIndex` and `FUNCDATA_InlTree` were defined in cmd/internal/objabi/funcdata.go. */
function oldInlineLayout(elf: ElfFile): InlineLayout | null {
  // Programs of Go 1.12 do not say their version where later ones do.
  if (!elf.section('.go.buildinfo')) return { pcdataIndex: 1, funcdataIndex: 2, isPointer: true };
  const minor = minorOf(goVersion(elf));
  return minor === null ? null : { pcdataIndex: 2, funcdataIndex: minor < 16 ? 4 : 3, isPointer: true };
}
