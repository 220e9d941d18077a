// The line of an instruction, from a code object's line table. Three encodings: co_lnotab (3.8, 3.9), co_linetable with ranges
// (3.10), location entries (3.11 and later). The tables are memory of the target: whatever they hold, a step consumes at least one
// byte, and nothing is read behind the end.
// Formats: CPython's Objects/lnotab_notes.txt (3.8 to 3.10) and Objects/locations.md (3.11 and later; InternalDocs/code_objects.md
// from 3.13 on).

export type LineTableFormat = 'lnotab' | 'ranges' | 'locations';

/** Of one instruction unit from 3.11 on. */
const CODE_UNIT_BYTES = 2;
const NO_LINE_DELTA = -128;

/**
 * `offsetBytes` counts from the first instruction; negative before it was begun. Null: the instruction has no line (code that the
 * compiler made up), or the table ends before it.
 */
export function lineOf(
  format: LineTableFormat,
  table: Uint8Array,
  firstLine: number,
  offsetBytes: number,
): number | null {
  if (offsetBytes < 0) return firstLine;
  const line =
    format === 'lnotab'
      ? byLnotab(table, firstLine, offsetBytes)
      : format === 'ranges'
        ? byRanges(table, firstLine, offsetBytes)
        : byLocations(table, firstLine, offsetBytes);
  return line !== null && line > 0 ? line : null;
}

/** Pairs: bytes of code, then lines (signed) to add behind them. */
function byLnotab(table: Uint8Array, firstLine: number, offsetBytes: number): number {
  let line = firstLine;
  let address = 0;
  for (let at = 0; at + 1 < table.length; at += 2) {
    address += table[at];
    if (address > offsetBytes) break;
    line += signed(table[at + 1]);
  }
  return line;
}

/** Pairs: bytes of code, and lines (signed) to add before them; -128 for code without a line. */
function byRanges(table: Uint8Array, firstLine: number, offsetBytes: number): number | null {
  let line = firstLine;
  let end = 0;
  for (let at = 0; at + 1 < table.length; at += 2) {
    const delta = signed(table[at + 1]);
    if (delta !== NO_LINE_DELTA) line += delta;
    end += table[at];
    if (offsetBytes < end) return delta === NO_LINE_DELTA ? null : line;
  }
  return null;
}

function byLocations(table: Uint8Array, firstLine: number, offsetBytes: number): number | null {
  let line = firstLine;
  let end = 0;
  let at = 0;
  const varint = () => {
    let value = 0;
    let scale = 1;
    // Six bits a byte; numbers are of 32 bits at the most.
    for (let i = 0; i < 6 && at < table.length; i++) {
      const byte = table[at++];
      value += (byte & 0x3f) * scale;
      if ((byte & 0x40) === 0) break;
      scale *= 64;
    }
    return value;
  };
  const signedVarint = () => {
    const value = varint();
    return value % 2 === 1 ? -Math.floor(value / 2) : value / 2;
  };
  while (at < table.length) {
    const first = table[at++];
    const kind = (first >> 3) & 15;
    end += ((first & 7) + 1) * CODE_UNIT_BYTES;
    if (kind <= 9) at += 1;
    else if (kind <= 12) {
      line += kind - 10;
      at += 2;
    } else if (kind <= 14) {
      line += signedVarint();
      if (kind === 14) for (let i = 0; i < 3; i++) varint();
    }
    if (offsetBytes < end) return kind === 15 ? null : line;
  }
  return null;
}

function signed(byte: number): number {
  return byte < 128 ? byte : byte - 256;
}
