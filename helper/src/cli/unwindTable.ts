// `ebpf-tracer unwind-table`: the rows by which stacks are walked through one file, for people and for tests against other
// tools; no rights needed. Written as it is made into text, so that a million rows take no memory of their own.

import { closeSync, realpathSync } from 'node:fs';
import { FormatError } from '../bytes/cursor';
import { dropPages, FileSource } from '../bytes/source';
import type { Spill } from '../elf/contents';
import { chooseDebugFile } from '../elf/debugCandidates';
import { openDebugFiles } from '../elf/debugFiles';
import { ElfFile } from '../elf/parser';
import { OWN_ROOT, openRegular } from '../process/roots';
import { EXIT, tracerError } from '../protocol';
import { messages, output } from '../terminal/terminal';
import { compileUnwindTable, type UnwindTable } from '../unwind';
import { leavesCodeOpen } from '../unwind/coverage';
import { type DescribedRow, describeRow } from '../unwind/describe';
import { type Architecture, architectureOf } from '../unwind/registers';
import { ROW_WORDS } from '../unwind/rows';
import type { ParsedArguments } from './arguments';

const ROWS_AT_ONCE = 2_048;
const FILE_ID = 1;

export async function unwindTable(args: ParsedArguments): Promise<number> {
  const [path] = args.operands;
  const { table, arch } = await compileFile(path);
  const json = args.options.has('json');
  if (json) await output.jsonPart(`{"buildId":${JSON.stringify(table.buildId)},"arch":"${table.arch}","rows":[`);
  else await output.lines(textHead(table, arch));
  for (let first = 0; first < table.rows.length; first += ROWS_AT_ONCE * ROW_WORDS) {
    const lines: string[] = [];
    const end = Math.min(first + ROWS_AT_ONCE * ROW_WORDS, table.rows.length);
    for (let at = first; at < end; at += ROW_WORDS) {
      const row = describeRow(table.rows[at] + table.baseAddress, table.rows[at + 1], table.wideRules, arch);
      lines.push(json ? JSON.stringify(row) : textRow(row));
    }
    await (json ? output.jsonPart(`${first > 0 ? ',' : ''}\n${lines.join(',\n')}`) : output.lines(lines));
  }
  if (json) await output.jsonPart('\n]}\n');
  await messages.lines(problemsOf(table).map((problem) => `ebpf-tracer: ${path}: ${problem}`));
  return EXIT.done;
}

/** Throws FILE_UNREADABLE or NOT_A_PROGRAM. */
async function compileFile(path: string): Promise<{ table: UnwindTable; arch: Architecture }> {
  const opened = openRegular(path, true);
  if (!opened) throw tracerError('FILE_UNREADABLE', path, whyUnreadable(path));
  const opens = [opened.fd];
  const spill: Spill = { cache: null, descriptors: opens, memoryBytes: 0, nextFileId: () => FILE_ID + opens.length };
  try {
    const elf = ElfFile.parse(new FileSource(FILE_ID, opened.fd, opened.sizeBytes));
    const arch = architectureOf(elf);
    let table = await compileUnwindTable(elf, null, spill);
    if (leavesCodeOpen(elf, table)) {
      const description = { buildId: elf.buildId, debugLink: elf.debugLink(), wantsDebugFile: true };
      const found = openDebugFiles({ path: realpathSync(path), root: OWN_ROOT }, description, spill.nextFileId);
      opens.push(...found.map(({ fd }) => fd));
      const { debug } = chooseDebugFile(elf, found);
      if (debug) table = await compileUnwindTable(elf, debug, spill);
    }
    return { table, arch };
  } catch (error) {
    if (error instanceof FormatError) throw tracerError('NOT_A_PROGRAM', path, error.message);
    throw error;
  } finally {
    dropPages(FILE_ID);
    for (const fd of opens) closeSync(fd);
  }
}

function whyUnreadable(path: string): string {
  try {
    realpathSync(path);
    return 'it is no regular file, or not readable for you';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

export function textHead(table: UnwindTable, arch: Architecture): string[] {
  const count = table.rows.length / ROW_WORDS;
  const fp = `saved ${arch.registerNames[arch.fp]}`;
  return [
    `build-id ${table.buildId ?? 'none'}, ${table.arch}, ${count} rows; each holds up to the next one's address`,
    '',
    `${'address'.padEnd(18)}${'CFA'.padEnd(14)}${fp.padEnd(12)}return address`,
  ];
}

/** `-`: unchanged, or not at an offset from the CFA. */
export function textRow({ pc, cfa, fp, ra, raSigned, signalFrame }: DescribedRow): string {
  const address = pc.toString(16).padStart(16, '0').padEnd(18);
  if (cfa === null) return `${address}no information`;
  if (cfa === 'end') return `${address}end of the stack`;
  const where = cfa === 'expression' ? cfa : cfa.reg + signed(cfa.offset);
  const place = (saved: { offset: number } | null) => (saved ? `CFA${signed(saved.offset)}` : '-');
  const notes = `${raSigned ? ' signed' : ''}${signalFrame ? ' signal frame' : ''}`;
  return `${address}${where.padEnd(14)}${place(fp).padEnd(12)}${place(ra)}${notes}`;
}

function signed(offset: number): string {
  return offset < 0 ? String(offset) : `+${offset}`;
}

export function problemsOf(table: UnwindTable): string[] {
  const problems = [...table.problems];
  if (table.rows.length === 0) problems.push('it has no unwind information; stacks are walked by frame pointers there');
  for (const { pc, why, count } of table.unexpressible)
    problems.push(
      `${count === 1 ? 'a row' : `${count} rows`} without a compact form, from 0x${pc.toString(16)}: ${why}`,
    );
  return problems;
}
