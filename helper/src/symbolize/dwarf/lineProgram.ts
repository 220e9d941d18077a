// Runs the line program of one unit into rows (address, file, line, column) in typed arrays. Called by resolver.ts for
// units that have samples, kept there while memory allows. DWARF 5, 6.2.

import { Cursor, FormatError } from '../bytes/cursor';
import type { ByteSource } from '../bytes/source';
import { MAX_LINE_ROWS, MAX_UNIT_BYTES } from '../limits';
import { type LineHeader, readFile4, readLineHeader } from './lineHeader';

const LNS = {
  copy: 1,
  advancePc: 2,
  advanceLine: 3,
  setFile: 4,
  setColumn: 5,
  constAddPc: 8,
  fixedAdvancePc: 9,
} as const;
const LNE = { endSequence: 1, setAddress: 2, defineFile: 3 } as const;

/** Rows of one unit. A row holds from its address to the next row's, within its sequence. */
export interface LineTable {
  header: LineHeader;
  addresses: Float64Array;
  files: Uint32Array;
  lines: Uint32Array;
  columns: Uint16Array;
  /** Sequences ordered by start: first address, first address behind, first row, first row behind. */
  sequenceLows: Float64Array;
  sequenceHighs: Float64Array;
  sequenceFirst: Uint32Array;
  sequenceEnd: Uint32Array;
  /** Why rows are missing, where some are. */
  damage: string | null;
}

export function sizeOfLineTable(table: LineTable): number {
  return table.addresses.length * 18 + table.sequenceLows.length * 24 + table.header.files.length * 96;
}

const FIRST_ROWS = 16_384;

/** Growing rows; doubled when full. */
class Rows {
  count = 0;
  addresses = new Float64Array(FIRST_ROWS);
  files = new Uint32Array(FIRST_ROWS);
  lines = new Uint32Array(FIRST_ROWS);
  columns = new Uint16Array(FIRST_ROWS);

  push(address: number, file: number, line: number, column: number): void {
    if (this.count === this.addresses.length) this.grow();
    const i = this.count++;
    this.addresses[i] = address;
    this.files[i] = file;
    this.lines[i] = line;
    this.columns[i] = Math.min(column, 0xffff);
  }

  private grow(): void {
    if (this.count >= MAX_LINE_ROWS) throw new FormatError('too many line rows');
    const larger = <T extends Float64Array | Uint32Array | Uint16Array>(old: T, empty: T): T => {
      empty.set(old);
      return empty;
    };
    const size = this.count * 2;
    this.addresses = larger(this.addresses, new Float64Array(size));
    this.files = larger(this.files, new Uint32Array(size));
    this.lines = larger(this.lines, new Uint32Array(size));
    this.columns = larger(this.columns, new Uint16Array(size));
  }
}

/** Used for one table after another: most of the time would go into making and forgetting arrays. */
let scratch = new Rows();
const MAX_SCRATCH_ROWS = 262_144;

interface Sequence {
  low: number;
  high: number;
  first: number;
  end: number;
}

/**
 * @param offset of the unit in `section` (.debug_line)
 * @param isCode tells live code from what the linker threw away, whose addresses are 0 or nonsense
 * @throws FormatError where not even the header can be read; damage behind it keeps the sequences before it
 */
export function readLineTable(
  section: ByteSource,
  offset: number,
  unitAddressBytes: number,
  isCode: (address: number) => boolean,
): LineTable {
  const head = new Cursor(section.readUpTo(offset, 12));
  let lengthBytes = head.u32();
  let offsetBytes = 4;
  if (lengthBytes === 0xffffffff) {
    lengthBytes = head.u64();
    offsetBytes = 8;
  }
  if (lengthBytes > MAX_UNIT_BYTES) throw new FormatError(`line table of ${lengthBytes} bytes`);
  const cursor = new Cursor(section.readUpTo(offset + head.at, lengthBytes));
  const header = readLineHeader(cursor, offsetBytes, unitAddressBytes);
  cursor.seek(header.programAt);
  if (scratch.addresses.length > MAX_SCRATCH_ROWS) scratch = new Rows();
  const rows = scratch;
  rows.count = 0;
  const sequences: Sequence[] = [];
  let damage = cursor.end < lengthBytes ? 'line table is cut off' : null;
  try {
    run(header, cursor, rows, (low, high, first, end) => {
      if (high > low && isCode(low)) sequences.push({ low, high, first, end });
    });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    damage = error.message;
  }
  sequences.sort((a, b) => a.low - b.low || a.high - b.high);
  return {
    header,
    addresses: rows.addresses.slice(0, rows.count),
    files: rows.files.slice(0, rows.count),
    lines: rows.lines.slice(0, rows.count),
    columns: rows.columns.slice(0, rows.count),
    sequenceLows: Float64Array.from(sequences, (s) => s.low),
    sequenceHighs: Float64Array.from(sequences, (s) => s.high),
    sequenceFirst: Uint32Array.from(sequences, (s) => s.first),
    sequenceEnd: Uint32Array.from(sequences, (s) => s.end),
    damage,
  };
}

type OnSequence = (low: number, high: number, firstRow: number, endRow: number) => void;

function run(header: LineHeader, cursor: Cursor, rows: Rows, onSequence: OnSequence): void {
  const { minInstructionBytes, maxOpsPerInstruction, lineBase, lineRange, opcodeBase, operandCounts } = header;
  let address = 0;
  let opIndex = 0;
  let file = 1;
  let line = 1;
  let column = 0;
  let firstRow = rows.count;

  const advance = (operations: number) => {
    if (maxOpsPerInstruction === 1) address += minInstructionBytes * operations;
    else {
      address += minInstructionBytes * Math.floor((opIndex + operations) / maxOpsPerInstruction);
      opIndex = (opIndex + operations) % maxOpsPerInstruction;
    }
  };

  while (!cursor.done) {
    const opcode = cursor.u8();
    if (opcode >= opcodeBase) {
      const adjusted = opcode - opcodeBase;
      advance(Math.floor(adjusted / lineRange));
      line += lineBase + (adjusted % lineRange);
      rows.push(address, file, line, column);
    } else if (opcode === 0) {
      const lengthBytes = cursor.uleb();
      const next = cursor.at + lengthBytes;
      if (lengthBytes === 0) continue;
      const extended = cursor.u8();
      if (extended === LNE.endSequence) {
        if (rows.count > firstRow) onSequence(rows.addresses[firstRow], address, firstRow, rows.count);
        firstRow = rows.count;
        address = 0;
        opIndex = 0;
        file = 1;
        line = 1;
        column = 0;
      } else if (extended === LNE.setAddress) {
        address = cursor.unsigned(lengthBytes - 1);
        opIndex = 0;
      } else if (extended === LNE.defineFile) header.files.push(readFile4(cursor, cursor.cstring()));
      cursor.seek(next);
    } else {
      switch (opcode) {
        case LNS.copy:
          rows.push(address, file, line, column);
          break;
        case LNS.advancePc:
          advance(cursor.uleb());
          break;
        case LNS.advanceLine:
          line += cursor.sleb();
          break;
        case LNS.setFile:
          file = cursor.uleb();
          break;
        case LNS.setColumn:
          column = cursor.uleb();
          break;
        case LNS.constAddPc:
          advance(Math.floor((255 - opcodeBase) / lineRange));
          break;
        case LNS.fixedAdvancePc:
          address += cursor.u16();
          opIndex = 0;
          break;
        default:
          // Statement marks and whatever a later standard adds: their operands are numbers.
          for (let i = 0; i < operandCounts[opcode]; i++) cursor.uleb();
      }
    }
  }
}

const MAX_OVERLAP = 8;

/** Index of the row that holds for the address, or -1. */
export function findRow(table: LineTable, address: number): number {
  const sequence = lastAtMost(table.sequenceLows, 0, table.sequenceLows.length, address);
  for (let i = sequence; i >= 0 && i > sequence - MAX_OVERLAP; i--)
    if (address < table.sequenceHighs[i])
      return lastAtMost(table.addresses, table.sequenceFirst[i], table.sequenceEnd[i], address);
  return -1;
}

/** Index in [from, end) of the last value that is not greater, or `from` - 1. */
function lastAtMost(values: Float64Array, from: number, end: number, value: number): number {
  let low = from;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low - 1;
}
