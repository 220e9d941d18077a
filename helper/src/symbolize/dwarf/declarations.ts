// What a function is called and where it is declared: its entry, completed by what it leaves to its abstract origin and
// specification, which may stand in another unit or in the supplementary file. DWARF 5, 2.13 and 3.3.8.

import { Cursor, FormatError } from '../../bytes/cursor';
import { MAX_ORIGIN_DEPTH } from '../limits';
import type { DebugFile, LoadedUnit } from './debugFile';
import { CodeEntry, type EntryContext, readCodeEntry } from './entries';
import { IN_SUPPLEMENT, NO_REFERENCE } from './forms';

export interface Declaration {
  /** As the linker knows it. */
  linkageName: string | null;
  name: string | null;
  file: string | null;
  line: number | null;
}

/** Most entries of functions; those with long names written out are read with more. */
const ENTRY_BYTES = 256;
const MAX_ENTRY_BYTES = 65_536;

/** `first`: an entry in `unit`, or wherever it refers to. A chain that does not end is cut. Throws FormatError. */
export function readDeclaration(file: DebugFile, unit: LoadedUnit, first: number): Declaration {
  const found: Declaration = { linkageName: null, name: null, file: null, line: null };
  const entry = new CodeEntry();
  let here: { file: DebugFile; unit: LoadedUnit | null } = { file, unit };
  let fileNumber = -1;
  let declaring: { file: DebugFile; unit: LoadedUnit } | null = null;
  for (let next = first, depth = 0; next !== NO_REFERENCE && depth < MAX_ORIGIN_DEPTH; depth++) {
    here = follow(here.file, here.unit, next);
    if (!here.unit) break;
    const { unit } = here;
    const { file: holder } = here;
    const dieOffset = next <= IN_SUPPLEMENT ? IN_SUPPLEMENT - next : next;
    // A broken link costs what is behind it.
    if (!holder.guard(() => readAt(holder, unit, dieOffset, entry))) break;
    found.linkageName ??= here.file.text(entry.linkageName, unit);
    found.name ??= here.file.text(entry.name, unit);
    if (entry.declLine > 0) found.line ??= entry.declLine;
    if (fileNumber < 0 && entry.declFile >= 0) {
      fileNumber = entry.declFile;
      declaring = { file: here.file, unit };
    }
    next = entry.origin;
  }
  if (declaring) found.file = declaring.file.file(declaring.unit, fileNumber).path;
  return found;
}

function follow(
  file: DebugFile,
  unit: LoadedUnit | null,
  reference: number,
): { file: DebugFile; unit: LoadedUnit | null } {
  if (reference <= IN_SUPPLEMENT) {
    const { alt } = file;
    return alt ? { file: alt, unit: alt.unitHolding(IN_SUPPLEMENT - reference) } : { file, unit: null };
  }
  const isHere = unit !== null && reference >= unit.unit.firstDie && reference < unit.unit.end;
  return { file, unit: isHere ? unit : file.unitHolding(reference) };
}

/** Fills `entry`; true. Throws FormatError. */
function readAt(file: DebugFile, unit: LoadedUnit, dieOffset: number, entry: CodeEntry): true {
  const { firstDie, end } = unit.unit;
  if (!(dieOffset >= firstDie && dieOffset < end)) throw new FormatError('reference outside of its unit');
  const context: EntryContext = { unit: unit.unit, sections: file.sections, abbreviations: unit.abbreviations };
  const read = (bytes: Buffer, at: number) => {
    const cursor = new Cursor(bytes, at);
    readCodeEntry(cursor, unit.abbreviations.slot(cursor.uleb()), context, entry);
  };
  const whole = file.bytesAtHand(unit);
  if (whole) {
    read(whole, dieOffset - firstDie);
    return true;
  }
  const info = file.sections.info!;
  const near = info.window(dieOffset, ENTRY_BYTES);
  try {
    read(near, 0);
  } catch (error) {
    if (!(error instanceof FormatError) || near.length >= MAX_ENTRY_BYTES) throw error;
    read(info.readUpTo(dieOffset, MAX_ENTRY_BYTES), 0);
  }
  return true;
}
