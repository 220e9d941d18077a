// Runs the line program of one unit into rows (address, file, line, column) in typed arrays. Only for units that have samples.
// DWARF 5, 6.2.

import { Cursor, FormatError } from '../../bytes/cursor';
import { IntervalIndex, IntervalList, isDisjoint } from '../../bytes/intervals';
import { countNotAbove } from '../../bytes/search';
import { type ByteSource, Lender } from '../../bytes/source';
import type { LiveCode } from '../../elf/liveCode';
import { MAX_LINE_FILES, MAX_LINE_ROWS } from '../limits';
import type { LineHeader } from './lineHeader';

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
  addresses: Float64Array;
  files: Uint32Array;
  lines: Uint32Array;
  columns: Uint16Array;
  /** Owners are sequences: indexes into the next two. */
  sequences: IntervalIndex;
  /** First row, first row behind. */
  sequenceFirst: Uint32Array;
  sequenceEnd: Uint32Array;
  /** First addresses behind the sequences, where some lie over each other: then not all of them can be living code's. */
  sequenceHighs: Float64Array | null;
  /** Why rows are missing, where some are. */
  damage: string | null;
}

export function sizeOfLineTable(table: LineTable): number {
  return (
    table.addresses.length * 18 +
    table.sequences.sizeBytes +
    table.sequenceFirst.length * (table.sequenceHighs ? 16 : 8)
  );
}

const FIRST_ROWS = 16_384;

/** Growing rows; doubled when full. */
class Rows {
  /** Rows there is room for. */
  size = FIRST_ROWS;
  count = 0;
  addresses = new Float64Array(FIRST_ROWS);
  files = new Uint32Array(FIRST_ROWS);
  lines = new Uint32Array(FIRST_ROWS);
  columns = new Uint16Array(FIRST_ROWS);

  grow(): void {
    if (this.count >= MAX_LINE_ROWS) throw new FormatError('too many line rows');
    const larger = <T extends Float64Array | Uint32Array | Uint16Array>(old: T, empty: T): T => {
      empty.set(old);
      return empty;
    };
    const size = this.count * 2;
    this.size = size;
    this.addresses = larger(this.addresses, new Float64Array(size));
    this.files = larger(this.files, new Uint32Array(size));
    this.lines = larger(this.lines, new Uint32Array(size));
    this.columns = larger(this.columns, new Uint16Array(size));
  }
}

/** Used for one table after another: most of the time would go into making and forgetting arrays. */
let scratch = new Rows();
const MAX_SCRATCH_ROWS = 262_144;
const sequences = new IntervalList(MAX_LINE_ROWS);
const lender = new Lender();

/**
 * @throws FormatError where nothing can be read; damage behind that keeps the sequences before it
 */
export function readLineTable(section: ByteSource, header: LineHeader, live: LiveCode): LineTable {
  const bytes = section.borrow(header.programAt, header.end - header.programAt, lender);
  if (scratch.addresses.length > MAX_SCRATCH_ROWS) scratch = new Rows();
  const rows = scratch;
  rows.count = 0;
  sequences.clear();
  const first: number[] = [];
  const end: number[] = [];
  const highs: number[] = [];
  let damage: string | null = null;
  try {
    run(header, bytes, rows, (low, high, firstRow, endRow) => {
      if (!live.isLive(low, high, 'lines')) return;
      sequences.add(low, high, first.push(firstRow) - 1);
      end.push(endRow);
      highs.push(high);
    });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    damage = error.message;
  }
  return {
    addresses: rows.addresses.slice(0, rows.count),
    files: rows.files.slice(0, rows.count),
    lines: rows.lines.slice(0, rows.count),
    columns: rows.columns.slice(0, rows.count),
    sequences: new IntervalIndex(sequences),
    sequenceFirst: Uint32Array.from(first),
    sequenceEnd: Uint32Array.from(end),
    sequenceHighs: isDisjoint(sequences) ? null : Float64Array.from(highs),
    damage,
  };
}

type OnSequence = (low: number, high: number, firstRow: number, endRow: number) => void;

const advances = new Uint8Array(256);
const lineSteps = new Int16Array(256);

/** No closures and no calls on the common path: it runs for tens of megabytes. */
function run(header: LineHeader, bytes: Buffer, rows: Rows, onSequence: OnSequence): void {
  const { minInstructionBytes, maxOpsPerInstruction, lineBase, lineRange, opcodeBase, operandCounts } = header;
  const constAdvance = Math.floor((255 - opcodeBase) / lineRange);
  // What each special opcode does: a division for each would be a quarter of the time.
  for (let opcode = opcodeBase; opcode < 256; opcode++) {
    advances[opcode] = Math.floor((opcode - opcodeBase) / lineRange);
    lineSteps[opcode] = lineBase + ((opcode - opcodeBase) % lineRange);
  }
  const cursor = new Cursor(bytes);
  const byteCount = bytes.length;
  let { addresses, files, lines, columns, size } = rows;
  let count = 0;
  let firstRow = 0;
  let at = 0;
  let address = 0;
  let opIndex = 0;
  let file = 1;
  let line = 1;
  let column = 0;
  while (at < byteCount) {
    const opcode = bytes[at++];
    /** To be advanced by. */
    let operations = 0;
    if (opcode >= opcodeBase) {
      operations = advances[opcode];
      line += lineSteps[opcode];
    } else {
      let operand = 0;
      if (opcode === LNS.advancePc || opcode === LNS.setFile || opcode === LNS.setColumn) {
        operand = bytes[at];
        if (operand < 0x80) at++;
        else {
          cursor.seek(at);
          operand = cursor.uleb();
          at = cursor.at;
        }
      }
      switch (opcode) {
        case LNS.copy:
          break;
        case LNS.advancePc:
          operations = operand;
          break;
        case LNS.advanceLine:
          operand = bytes[at];
          if (operand < 0x80) {
            at++;
            line += operand & 0x40 ? operand - 0x80 : operand;
          } else {
            cursor.seek(at);
            line += cursor.sleb();
            at = cursor.at;
          }
          break;
        case LNS.setFile:
          file = operand;
          break;
        case LNS.setColumn:
          column = operand > 0xffff ? 0xffff : operand;
          break;
        case LNS.constAddPc:
          operations = constAdvance;
          break;
        case LNS.fixedAdvancePc:
          cursor.seek(at);
          address += cursor.u16();
          at = cursor.at;
          opIndex = 0;
          break;
        case 0: {
          cursor.seek(at);
          const lengthBytes = cursor.uleb();
          const next = cursor.at + lengthBytes;
          const extended = lengthBytes > 0 ? cursor.u8() : 0;
          if (extended === LNE.endSequence) {
            if (count > firstRow) onSequence(addresses[firstRow], address, firstRow, count);
            rows.count = count;
            firstRow = count;
            address = 0;
            opIndex = 0;
            file = 1;
            line = 1;
            column = 0;
          } else if (extended === LNE.setAddress) {
            address = cursor.unsigned(lengthBytes - 1);
            opIndex = 0;
          } else if (extended === LNE.defineFile) defineFile(header, header.programAt + cursor.at);
          at = next;
          if (at > byteCount) throw new FormatError('data ends too early');
          break;
        }
        default:
          // Statement marks and whatever a later standard adds: their operands are numbers.
          if (operandCounts[opcode] > 0) {
            cursor.seek(at);
            for (let i = 0; i < operandCounts[opcode]; i++) cursor.uleb();
            at = cursor.at;
          }
      }
    }
    if (operations !== 0) {
      if (maxOpsPerInstruction === 1) address += minInstructionBytes * operations;
      else {
        address += minInstructionBytes * Math.floor((opIndex + operations) / maxOpsPerInstruction);
        opIndex = (opIndex + operations) % maxOpsPerInstruction;
      }
    }
    if (opcode < opcodeBase && opcode !== LNS.copy) continue;
    // Of rows for one address the last one holds, and most rows have one behind them.
    if (count > firstRow && addresses[count - 1] === address) count--;
    else if (count === size) {
      rows.count = count;
      rows.grow();
      ({ addresses, files, lines, columns, size } = rows);
    }
    addresses[count] = address;
    files[count] = file;
    lines[count] = line;
    columns[count++] = column;
  }
}

/** Before version 5 a program could name further files. */
function defineFile({ files }: LineHeader, at: number): void {
  if (files.format === null && files.at.push(at) > MAX_LINE_FILES) throw new FormatError('too many files');
}

/** Where a function is declared. */
export interface Declared {
  line: number;
  /** Is it in the file of this number? */
  isFile(file: number): boolean;
}

/** Index of the row that holds for the address, or -1. `declared`: the function there, if it is known. */
export function findRow(table: LineTable, address: number, declared: Declared | null): number {
  const sequence = sequenceAt(table, address, declared);
  if (sequence < 0) return -1;
  const { addresses } = table;
  const first = table.sequenceFirst[sequence];
  const before = countNotAbove(addresses, address, first, table.sequenceEnd[sequence] - first);
  return before > 0 ? first + before - 1 : -1;
}

/** Of several sequences the one that has the function's own lines: others are of code that was thrown away. */
function sequenceAt(table: LineTable, address: number, declared: Declared | null): number {
  const { addresses, sequenceFirst, sequenceHighs } = table;
  const found = table.sequences.ownerAt(address);
  if (found < 0 || declared === null || sequenceHighs === null) return found;
  let best = found;
  let nearest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < sequenceFirst.length; i++) {
    if (addresses[sequenceFirst[i]] > address || address >= sequenceHighs[i]) continue;
    const distance = linesBehind(table, i, declared);
    if (distance >= nearest) continue;
    nearest = distance;
    best = i;
  }
  return best;
}

/** How many lines behind the declaration the sequence's nearest line is: a function's lines follow it, up to the next function. */
function linesBehind({ files, lines, sequenceFirst, sequenceEnd }: LineTable, sequence: number, declared: Declared) {
  let nearest = Number.POSITIVE_INFINITY;
  for (let row = sequenceFirst[sequence]; row < sequenceEnd[sequence]; row++)
    if (lines[row] >= declared.line && lines[row] - declared.line < nearest && declared.isFile(files[row]))
      nearest = lines[row] - declared.line;
  return nearest;
}
