// Headers of an ELF file: segments, sections, build-id, debug link. A file with a broken section table still gives its segments and
// build-id (stripped with sstrip, truncated by a full disk): what was wrong is in `damage`.

import { Cursor, FormatError } from '../bytes/cursor';
import { type ByteSource, cstringAt } from '../bytes/source';
import { MAX_PROGRAM_HEADERS, MAX_SECTIONS } from './limits';
import {
  type DebugLink,
  PF_X,
  PT_LOAD,
  PT_NOTE,
  type Section,
  type Segment,
  SHF_ALLOC,
  SHT_NOBITS,
  SHT_NOTE,
} from './types';

const EM_X86_64 = 62;
const EM_AARCH64 = 183;
const NT_GNU_BUILD_ID = 3;
const SECTION_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const PN_XNUM = 0xffff;
const MAX_NOTE_BYTES = 65_536;

export class ElfFile {
  private constructor(
    readonly source: ByteSource,
    readonly segments: Segment[],
    readonly sections: Section[],
    /** Lower-case hex. */
    readonly buildId: string | null,
    readonly damage: string | null,
  ) {}

  /** Throws FormatError where the file is no 64-bit little-endian ELF file. */
  static parse(source: ByteSource): ElfFile {
    if (source.sizeBytes < 64) throw new FormatError('too small for an ELF file');
    const header = new Cursor(source.read(0, 64));
    if (header.u32() !== 0x464c457f) throw new FormatError('not an ELF file');
    if (header.u8() !== 2) throw new FormatError('32-bit programs are not supported');
    if (header.u8() !== 1) throw new FormatError('big-endian programs are not supported');
    header.seek(18);
    const machine = header.u16();
    if (machine !== EM_X86_64 && machine !== EM_AARCH64)
      throw new FormatError(`programs for machine ${machine} are not supported`);
    header.seek(32);
    const programOffset = header.u64();
    const sectionOffset = header.u64();
    header.skip(6);
    const programEntryBytes = header.u16();
    let programCount = header.u16();
    const sectionEntryBytes = header.u16();
    const sectionCount = header.u16();
    const namesIndex = header.u16();

    let damage: string | null = null;
    let sections: Section[] = [];
    try {
      const read = readSections(source, sectionOffset, sectionEntryBytes, sectionCount, namesIndex);
      sections = read.sections;
      if (programCount === PN_XNUM) programCount = read.programCount;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      damage = `section table: ${error.message}`;
    }
    const segments = readSegments(source, programOffset, programEntryBytes, programCount);
    return new ElfFile(source, segments, sections, readBuildId(source, segments, sections), damage);
  }

  section(name: string): Section | null {
    return this.sections.find((s) => s.name === name) ?? null;
  }

  /** The section that is loaded at a virtual address. */
  sectionAt(address: number): Section | null {
    return (
      this.sections.find((s) => s.flags & SHF_ALLOC && address >= s.address && address < s.address + s.sizeBytes) ??
      null
    );
  }

  /** Virtual address of a byte of the file as executable code is mapped from there; null: in no segment. */
  addressOf(fileOffset: number): number | null {
    let found: Segment | null = null;
    for (const s of this.segments) {
      // The kernel maps whole pages, so code may lie before and behind what the segment says.
      const first = s.fileOffset - (s.fileOffset % 4096);
      if (s.type !== PT_LOAD || fileOffset < first || fileOffset >= s.fileOffset + s.fileSizeBytes + 4096) continue;
      const inside = fileOffset >= s.fileOffset && fileOffset < s.fileOffset + s.fileSizeBytes;
      if (!found || (s.flags & PF_X && inside)) found = s;
    }
    return found ? fileOffset - found.fileOffset + found.address : null;
  }

  /** In an executable segment. */
  isCode(address: number): boolean {
    for (const s of this.segments)
      if (s.type === PT_LOAD && s.flags & PF_X && address >= s.address && address < s.address + s.memorySizeBytes)
        return true;
    return false;
  }

  /** Of `.gnu_debuglink`: the name of the separate debug file and the CRC-32 of its bytes. */
  debugLink(): DebugLink | null {
    const section = this.section('.gnu_debuglink');
    if (!section || section.sizeBytes > 4096) return null;
    try {
      const cursor = new Cursor(this.source.read(section.fileOffset, section.sizeBytes));
      const name = cursor.cstring();
      cursor.seek(Math.ceil(cursor.at / 4) * 4);
      return name === '' || name.includes('/') || name === '.' || name === '..' ? null : { name, crc: cursor.u32() };
    } catch (error) {
      if (error instanceof FormatError) return null;
      throw error;
    }
  }
}

function readSegments(source: ByteSource, offset: number, entryBytes: number, count: number): Segment[] {
  if (count === 0) return [];
  if (entryBytes < PROGRAM_HEADER_BYTES || count > MAX_PROGRAM_HEADERS) throw new FormatError('absurd program headers');
  const cursor = new Cursor(source.read(offset, entryBytes * count));
  return Array.from({ length: count }, (_, i) => {
    cursor.seek(i * entryBytes);
    const type = cursor.u32();
    const flags = cursor.u32();
    const fileOffset = cursor.u64();
    const address = cursor.u64();
    cursor.skip(8);
    return {
      type,
      flags,
      fileOffset,
      address,
      fileSizeBytes: cursor.u64(),
      memorySizeBytes: cursor.u64(),
      alignBytes: cursor.u64(),
    };
  });
}

function readSections(
  source: ByteSource,
  offset: number,
  entryBytes: number,
  headerCount: number,
  headerNamesIndex: number,
): { sections: Section[]; programCount: number } {
  if (offset === 0) return { sections: [], programCount: 0 };
  if (entryBytes < SECTION_HEADER_BYTES) throw new FormatError('absurd entry size');
  // Counts that do not fit into the header stand in the first section.
  const first = new Cursor(source.read(offset, SECTION_HEADER_BYTES));
  first.seek(32);
  const firstSize = first.u64();
  const firstLink = first.u32();
  const firstInfo = first.u32();
  const count = headerCount === 0 ? firstSize : headerCount;
  const namesIndex = headerNamesIndex === 0xffff ? firstLink : headerNamesIndex;
  if (count > MAX_SECTIONS) throw new FormatError(`${count} sections`);
  const cursor = new Cursor(source.read(offset, entryBytes * count));
  const nameOffsets: number[] = [];
  const sections: Section[] = [];
  for (let i = 0; i < count; i++) {
    cursor.seek(i * entryBytes);
    nameOffsets.push(cursor.u32());
    const type = cursor.u32();
    const flags = cursor.u64();
    const address = cursor.u64();
    const fileOffset = cursor.u64();
    const sizeBytes = cursor.u64();
    sections.push({ name: '', type, flags, address, fileOffset, sizeBytes, link: cursor.u32() });
  }
  const names = sections[namesIndex];
  if (names && names.type !== SHT_NOBITS) {
    const table = source.part(names.fileOffset, names.sizeBytes);
    for (let i = 0; i < count; i++)
      if (nameOffsets[i] < table.sizeBytes) sections[i].name = cstringAt(table, nameOffsets[i]);
  }
  return { sections, programCount: firstInfo };
}

function readBuildId(source: ByteSource, segments: Segment[], sections: Section[]): string | null {
  for (const s of segments) {
    if (s.type !== PT_NOTE) continue;
    const id = buildIdInNotes(source, s.fileOffset, s.fileSizeBytes);
    if (id) return id;
  }
  for (const s of sections) {
    if (s.type !== SHT_NOTE) continue;
    const id = buildIdInNotes(source, s.fileOffset, s.sizeBytes);
    if (id) return id;
  }
  return null;
}

function buildIdInNotes(source: ByteSource, offset: number, sizeBytes: number): string | null {
  try {
    const cursor = new Cursor(source.read(offset, Math.min(sizeBytes, MAX_NOTE_BYTES)));
    while (cursor.end - cursor.at >= 12) {
      const nameBytes = cursor.u32();
      const descriptionBytes = cursor.u32();
      const type = cursor.u32();
      const name = cursor.take(align4(nameBytes));
      const description = cursor.take(Math.min(align4(descriptionBytes), cursor.end - cursor.at));
      if (type === NT_GNU_BUILD_ID && nameBytes === 4 && cursor.bytes.toString('latin1', name, name + 3) === 'GNU')
        if (descriptionBytes >= 4 && descriptionBytes <= 64)
          return cursor.bytes.toString('hex', description, description + descriptionBytes);
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  return null;
}

function align4(n: number): number {
  return Math.ceil(n / 4) * 4;
}
