// Writes .eh_frame and .debug_frame sections byte by byte, and compiles the table of a small file that holds one.

import { BufferSource } from '../../../src/bytes/source';
import { ElfFile } from '../../../src/elf/parser';
import { compileUnwindTable, type UnwindTable } from '../../../src/unwind';
import { type DescribedRow, describeRow } from '../../../src/unwind/describe';
import { architectureOf } from '../../../src/unwind/registers';
import { ROW_WORDS } from '../../../src/unwind/rows';
import { bytes, CODE_ADDRESS, type SectionInput, u32, u64, withLength, writeElf } from '../symbolize/elfWriter';

export const EH_FRAME_ADDRESS = 0x500000;
const EM_AARCH64 = 183;

export interface CieInput {
  version?: number;
  augmentation?: string;
  /** Behind the augmentation string, before the alignment factors (`eh`; address and segment size of version 4). */
  head?: Buffer;
  codeAlign?: number;
  /** SLEB128 in one byte. */
  dataAlign?: number;
  ra?: number;
  /** With its length in front where the augmentation has a `z`. */
  data?: Buffer;
  instructions?: Buffer;
}

export const X86_START = bytes([0x0c, 7, 8, 0x80 | 16, 1]);

/** An .eh_frame's CIE, with length and id. The default is what gcc writes on x86-64. */
export function cie(input: CieInput = {}, id = 0): Buffer {
  const { version = 1, augmentation = 'zR', head = Buffer.alloc(0), codeAlign = 1, dataAlign = 0x78, ra = 16 } = input;
  const data = input.data ?? bytes(1, 0x1b);
  return withLength(
    bytes(u32(id), version, augmentation, head, codeAlign, dataAlign, ra, data, input.instructions ?? X86_START),
  );
}

/** An FDE at `at` in .eh_frame, of the CIE at `cieAt`, for `sizeBytes` from `start`; addresses as pcrel sdata4. */
export function fde(
  at: number,
  cieAt: number,
  start: number,
  sizeBytes: number,
  instructions: Buffer,
  data = bytes(0),
): Buffer {
  const relative = u32((start - (EH_FRAME_ADDRESS + at + 8)) >>> 0);
  return withLength(bytes(u32(at + 4 - cieAt), relative, u32(sizeBytes), data, instructions));
}

export interface FunctionInput {
  start?: number;
  sizeBytes?: number;
  instructions: Buffer;
}

/** One CIE and FDEs behind it. */
export function ehFrame(common: CieInput, functions: FunctionInput[]): Buffer {
  const parts = [cie(common)];
  for (const { start = CODE_ADDRESS, sizeBytes = 0x40, instructions } of functions)
    parts.push(fde(Buffer.concat(parts).length, 0, start, sizeBytes, instructions));
  return Buffer.concat(parts);
}

export function elfWith(sections: SectionInput[], arch: 'x86-64' | 'aarch64' = 'x86-64', codeBytes = 0x1000): Buffer {
  const text = { name: '.text', type: 1, flags: 6, address: CODE_ADDRESS, data: Buffer.alloc(codeBytes, 0x90) };
  const file = writeElf([text, ...sections], codeBytes);
  if (arch === 'aarch64') file.writeUInt16LE(EM_AARCH64, 18);
  return file;
}

export function ehFrameSection(data: Buffer): SectionInput {
  return { name: '.eh_frame', type: 1, flags: 2, address: EH_FRAME_ADDRESS, data };
}

export function compileFile(file: Buffer): Promise<UnwindTable> {
  const spill = { cache: null, descriptors: [], memoryBytes: 0, nextFileId: () => -1 };
  return compileUnwindTable(ElfFile.parse(new BufferSource(file)), null, spill);
}

/** The rows in words, shortest form: `401000 rsp+8 fp-16 ra-8`. */
export async function compileRows(data: Buffer, arch: 'x86-64' | 'aarch64' = 'x86-64'): Promise<string[]> {
  const file = elfWith([ehFrameSection(data)], arch);
  return rowsOf(await compileFile(file), file);
}

export function rowsOf(table: UnwindTable, file: Buffer): string[] {
  const arch = architectureOf(ElfFile.parse(new BufferSource(file)));
  const rows: string[] = [];
  for (let at = 0; at < table.rows.length; at += ROW_WORDS)
    rows.push(inWords(describeRow(table.rows[at] + table.baseAddress, table.rows[at + 1], table.wideRules, arch)));
  return rows;
}

function inWords({ pc, cfa, fp, ra, raSigned, signalFrame }: DescribedRow): string {
  const offset = (name: string, place: { offset: number } | null) =>
    place ? ` ${name}${place.offset < 0 ? '' : '+'}${place.offset}` : '';
  const where = cfa === null ? 'gap' : typeof cfa === 'string' ? cfa : `${cfa.reg}${offset('', cfa).trim()}`;
  const notes = `${raSigned ? ' signed' : ''}${signalFrame ? ' signal' : ''}`;
  return `${pc.toString(16)} ${where}${offset('fp', fp)}${offset('ra', ra)}${notes}`;
}

/** .debug_frame: one CIE (version 4 by default) and one FDE with absolute addresses. */
export function debugFrame(start: number, sizeBytes: number, instructions: Buffer, dwarf64 = false): Buffer {
  const length = (body: Buffer) => (dwarf64 ? bytes(u32(0xffffffff), u64(body.length), body) : withLength(body));
  const id = dwarf64 ? bytes(u32(0xffffffff), u32(0xffffffff)) : u32(0xffffffff);
  const common = length(bytes(id, 4, '', [8, 0, 1, 0x78, 16], X86_START));
  const pointer = dwarf64 ? u64(0) : u32(0);
  return bytes(common, length(bytes(pointer, u64(start), u64(sizeBytes), instructions)));
}
