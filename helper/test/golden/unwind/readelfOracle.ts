// Our rows against `readelf -wF`, binutils' own interpretation of the same sections, row by row. It prints, for each function,
// a line per place where the rules change: CFA, then a column per saved register. `u`: not saved (or undefined), `s`: the
// same, `c-16`: at CFA - 16, `exp`: by an expression.

import { spawn } from 'node:child_process';
import { type DescribedRow, describeRow } from '../../../src/unwind/describe';
import type { Architecture } from '../../../src/unwind/registers';
import { kindOf, rowAt, UNWIND_NONE, UNWIND_SIGNAL_RETURN, UNWIND_UNEXPRESSIBLE } from '../../../src/unwind/rows';
import type { UnwindTable } from '../../../src/unwind/table';

export interface Comparison {
  /** readelf's rows that were looked for. */
  rows: number;
  /** Of these, ours say that they cannot express it. */
  unexpressible: number;
  functions: number;
  wrong: number;
  /** The first of them, in words. */
  examples: string[];
}

interface Fde {
  start: number;
  end: number;
  /** readelf prints no row where a function has no instructions of its own: then the CIE's holds. */
  rows: { pc: number; cells: string[] }[];
  columns: string[];
}

/**
 * `section`: `.eh_frame` or `.debug_frame`; what the table has from the other is not compared. `isLinkers`: is there code of
 * the linker's, which we know without unwind information?
 */
export async function compareWithReadelf(
  path: string,
  table: UnwindTable,
  arch: Architecture,
  section: string,
  isLinkers: (address: number) => boolean,
): Promise<Comparison> {
  const result: Comparison = { rows: 0, unexpressible: 0, functions: 0, wrong: 0, examples: [] };
  const check = new Checker(table, arch, result);
  let inSection = false;
  let cie: { offset: string; cells: string[]; columns: string[] } | null = null;
  const cies = new Map<string, { cells: string[]; columns: string[] }>();
  let fde: Fde | null = null;
  let columns: string[] = [];
  const flush = () => {
    if (fde) check.function(fde);
    if (cie) cies.set(cie.offset, cie);
    fde = null;
    cie = null;
  };
  for await (const line of linesOf(path)) {
    if (line.startsWith('Contents of the ')) {
      flush();
      // binutils' old compressed sections have a z in their names.
      inSection = line.replace(' .z', ' .').includes(` ${section} section`);
      cies.clear();
    } else if (!inSection || line === '') {
      // Nothing of ours.
    } else if (line.startsWith('   LOC')) {
      columns = line.trim().split(/\s+/).slice(1);
    } else if (line.includes(' FDE ')) {
      flush();
      const match = / FDE cie=(\w+) pc=(\w+)\.\.(\w+)/.exec(line);
      const common = match && cies.get(match[1]);
      if (!common) throw new Error(`readelf: ${line}`);
      fde = { start: Number.parseInt(match[2], 16), end: Number.parseInt(match[3], 16), rows: [], columns: [] };
      fde.rows.push({ pc: fde.start, cells: common.cells });
      fde.columns = common.columns;
    } else if (line.includes(' CIE ')) {
      flush();
      cie = { offset: line.split(' ')[0], cells: [], columns: [] };
    } else if (/^[0-9a-f]{8,} +\S/.test(line) && !line.includes('ZERO terminator')) {
      // A register prints as `r10 (r10)`.
      const cells = line
        .trim()
        .replace(/ \(\w+\)/g, '')
        .split(/\s+/);
      const pc = Number.parseInt(cells.shift()!, 16);
      const current = fde as Fde | null;
      if (current) {
        // What is printed replaces what the CIE gave for the first place.
        if (current.columns !== columns) current.rows = [];
        current.columns = columns;
        if (current.rows.at(-1)?.pc === pc) current.rows.pop();
        current.rows.push({ pc, cells });
      } else if (cie) Object.assign(cie, { cells, columns });
    }
  }
  flush();
  // Of Go's functions the padding behind them is part, and some are left to frame pointers on purpose.
  if (!table.keepsFramePointers) check.gaps(isLinkers);
  return result;
}

/** A trampoline loads a number and enters the kernel. */
const TRAMPOLINE_ROWS_MAX = 4;

class Checker {
  private trampolineRows = 0;
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];

  constructor(
    private readonly table: UnwindTable,
    private readonly arch: Architecture,
    private readonly result: Comparison,
  ) {}

  function(fde: Fde): void {
    const { table, result, arch } = this;
    if (!table.segments.some((s) => fde.start >= s.address && fde.start < s.address + s.sizeBytes)) return;
    if (fde.end <= fde.start) return;
    result.functions++;
    this.starts.push(fde.start);
    this.ends.push(fde.end);
    const places = new Set<number>();
    for (const { pc, cells } of fde.rows) {
      if (pc >= fde.end) continue;
      places.add(pc);
      result.rows++;
      const at = this.find(pc);
      const rule = at < 0 ? UNWIND_NONE : table.rows[at + 1];
      // Go's own trampoline: its .debug_frame does not know that a signal's frame lies above it.
      if (
        table.keepsFramePointers &&
        kindOf(rule) === UNWIND_SIGNAL_RETURN &&
        ++this.trampolineRows <= TRAMPOLINE_ROWS_MAX
      )
        continue;
      if (kindOf(rule) === UNWIND_UNEXPRESSIBLE) result.unexpressible++;
      const ours = describeRow(pc, rule, table.wideRules, arch);
      const difference = differenceOf(ours, cells, fde.columns, arch, table.keepsFramePointers);
      if (difference) this.wrong(`${pc.toString(16)}: ${difference} in readelf's ${cells.join(' ')}`);
    }
    // A row of ours that begins where readelf sees no change would be one too many.
    for (let at = this.find(fde.start) + 2; at < table.rows.length; at += 2) {
      const pc = table.rows[at] + table.baseAddress;
      if (pc >= fde.end) break;
      if (!places.has(pc)) this.wrong(`${pc.toString(16)}: a row that readelf does not have`);
    }
  }

  /** Behind the last function of each run of functions nothing may be claimed. */
  gaps(isLinkers: (address: number) => boolean): void {
    const order = Uint32Array.from(this.starts.keys()).sort((a, b) => this.starts[a] - this.starts[b]);
    let coveredUntil = 0;
    order.forEach((i, k) => {
      coveredUntil = Math.max(coveredUntil, this.ends[i]);
      if (k + 1 < order.length && this.starts[order[k + 1]] <= coveredUntil) return;
      const at = this.find(coveredUntil);
      if (at >= 0 && kindOf(this.table.rows[at + 1]) !== UNWIND_NONE && !isLinkers(coveredUntil))
        this.wrong(`${coveredUntil.toString(16)}: a row behind the end of a function`);
    });
  }

  private wrong(text: string): void {
    this.result.wrong++;
    if (this.result.examples.length < 5) this.result.examples.push(text);
  }

  private find(pc: number): number {
    return rowAt(this.table.rows, pc - this.table.baseAddress);
  }
}

/** Null: they say the same. */
function differenceOf(
  ours: DescribedRow,
  cells: string[],
  columns: string[],
  arch: Architecture,
  keepsFramePointers: boolean,
): string | null {
  const cellOf = (name: string) => cells[columns.indexOf(name)] ?? 'u';
  const ra = cellOf('ra');
  if (ours.cfa === null) return keepsFramePointers ? null : 'we have no row';
  if (ours.cfa === 'end') return ra === 'u' || keepsFramePointers ? null : 'we say that it is the end';
  // Go's linker gives no caller to all that its runtime does not unwind further, signal handlers too.
  if (ra === 'u' && keepsFramePointers) return null;
  // On arm64 a return address that is still in its register prints as `u`, too.
  if (ra === 'u' && (!arch.hasLinkRegister || ours.ra !== null)) return 'we do not say that it is the end';
  const cfa = cellOf('CFA');
  const ourCfa = ours.cfa === 'expression' ? 'exp' : ours.cfa.reg + signed(ours.cfa.offset);
  if (cfa !== ourCfa && cfa !== 'exp') return `CFA ${ourCfa}`;
  if (!agrees(ours.ra, ra)) return `ra ${JSON.stringify(ours.ra)}`;
  // Go does not tell where its frame pointer is.
  if (keepsFramePointers) return null;
  const fp = cellOf(arch.registerNames[arch.fp]);
  return agrees(ours.fp, fp) ? null : `fp ${JSON.stringify(ours.fp)}`;
}

/** An offset from the CFA must be ours exactly; for all else we have null. */
function agrees(ours: { offset: number } | null, cell: string): boolean {
  return ours ? cell === `c${signed(ours.offset)}` : !/^c[+-]/.test(cell);
}

function signed(value: number): string {
  return value < 0 ? String(value) : `+${value}`;
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const child = spawn('readelf', ['-wF', '--wide', path], { stdio: ['ignore', 'pipe', 'ignore'] });
  let rest = '';
  for await (const chunk of child.stdout) {
    const lines = (rest + (chunk as Buffer).toString('latin1')).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== '') yield rest;
}
