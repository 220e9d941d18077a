// Finds Go's pclntab in an ELF file and cuts it into its tables, in the four layouts since Go 1.2. It is part of the
// program (tracebacks need it), so stripped binaries have it too. Called by fileSymbols.ts.

import { Cursor, FormatError } from '../bytes/cursor';
import type { ElfFile } from '../elf/parser';
import { type Section, SHT_NOBITS } from '../elf/types';
import type { Pclntab, PclntabVersion } from './types';

const MAGICS = new Map<number, PclntabVersion>([
  [0xfffffffb, '1.2'],
  [0xfffffffa, '1.16'],
  [0xfffffff0, '1.18'],
  [0xfffffff1, '1.20'],
]);
const SECTIONS = ['.gopclntab', '.data.rel.ro.gopclntab'];
/** Offset of `text` in runtime.moduledata since Go 1.16: a pointer, six slices, three pointers. */
const MODULEDATA_TEXT = 176;

/** Null where this is no Go program; throws FormatError where its table is broken. */
export function findPclntab(elf: ElfFile): Pclntab | null {
  const section = elf.sections.find((s) => SECTIONS.includes(s.name) && s.type !== SHT_NOBITS);
  return section ? readPclntab(elf, section) : null;
}

function readPclntab(elf: ElfFile, section: Section): Pclntab {
  const table = elf.source.part(section.fileOffset, section.sizeBytes);
  const cursor = new Cursor(table.readUpTo(0, 128));
  const version = MAGICS.get(cursor.u32());
  if (!version) throw new FormatError('unknown version of the Go line table');
  cursor.skip(2);
  const quantum = cursor.u8();
  const pointerBytes = cursor.u8();
  if (pointerBytes !== 8 && pointerBytes !== 4) throw new FormatError('absurd Go line table');
  const pointer = () => cursor.unsigned(pointerBytes);
  const from = (offset: number) => table.part(offset, table.sizeBytes - offset);
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
    };
  }
  pointer();
  const modern = version !== '1.16';
  const textStart = modern ? textStartOf(elf, pointer()) : 0;
  const names = from(pointer());
  const unitFiles = from(pointer());
  const files = from(pointer());
  const pcValues = from(pointer());
  const functions = from(pointer());
  return {
    version,
    pointerBytes,
    quantum,
    functionCount,
    textStart,
    functionTable: functions,
    functions,
    names,
    unitFiles,
    files,
    pcValues,
  };
}

/** The header holds it up to Go 1.25; later only runtime.moduledata does, and there not where it is relocated. */
function textStartOf(elf: ElfFile, fromHeader: number): number {
  if (fromHeader !== 0) return fromHeader;
  const module = elf.section('.go.module');
  if (module && module.type !== SHT_NOBITS && module.sizeBytes >= MODULEDATA_TEXT + 8) {
    const text = new Cursor(elf.source.read(module.fileOffset + MODULEDATA_TEXT, 8)).u64();
    if (elf.isCode(text)) return text;
  }
  const text = elf.section('.text');
  if (!text) throw new FormatError('Go program without a .text section');
  return text.address;
}
