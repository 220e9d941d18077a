// The supplementary file that dwz makes of what several debug files have in common: where it lies, and whether it is the right one.
// `.gnu_debugaltlink`: GDB's manual, "Debugging Information in Separate Files"; `.debug_sup`: DWARF 5, 7.3.6.

import { posix } from 'node:path';
import { Cursor } from '../../bytes/cursor';
import type { Spill } from '../../elf/contents';
import { sectionContentsNow } from '../../elf/contents';
import type { ElfFile } from '../../elf/parser';
import type { ElfOpener } from './opener';
import { readSections } from './sections';
import type { DwarfSections } from './types';

const DEBUG_FOLDER = '/usr/lib/debug';
const MAX_LINK_BYTES = 8_192;

interface Link {
  path: string;
  /** Hex. */
  buildId: string;
}

/** Null where the file has none. Throws FormatError. */
function findLink(elf: ElfFile): Link | null {
  const old = sectionContentsNow(elf, '.gnu_debugaltlink');
  if (old) {
    const cursor = new Cursor(old.readUpTo(0, MAX_LINK_BYTES));
    const path = cursor.cstring();
    return { path, buildId: cursor.bytes.toString('hex', cursor.at, cursor.end) };
  }
  const standard = sectionContentsNow(elf, '.debug_sup');
  if (!standard) return null;
  const cursor = new Cursor(standard.readUpTo(0, MAX_LINK_BYTES));
  cursor.skip(2);
  if (cursor.u8() !== 0) return null;
  const path = cursor.cstring();
  const lengthBytes = cursor.uleb();
  const at = cursor.take(lengthBytes);
  return { path, buildId: cursor.bytes.toString('hex', at, at + lengthBytes) };
}

/** The id by which a supplementary file is known: its build-id, or what its own `.debug_sup` says. */
function idOf(elf: ElfFile): string | null {
  if (elf.buildId !== null) return elf.buildId;
  const own = sectionContentsNow(elf, '.debug_sup');
  if (!own) return null;
  const cursor = new Cursor(own.readUpTo(0, MAX_LINK_BYTES));
  cursor.skip(3);
  cursor.skipCstring();
  const lengthBytes = cursor.uleb();
  const at = cursor.take(lengthBytes);
  return cursor.bytes.toString('hex', at, at + lengthBytes);
}

/** What stands for /usr/lib/debug where the debug file lies: packages may be unpacked in a folder of the user's. */
function debugFolderOf(path: string): string | null {
  const found = /^(.*)\/\.build-id\//.exec(path) ?? /^(.*\/usr\/lib\/debug)\//.exec(path);
  return found?.[1] ?? null;
}

/** `path`: of the file with the debug information. Null where there is no such file or none is needed. */
export async function openSupplement(
  elf: ElfFile,
  path: string,
  opener: ElfOpener,
  spill: Spill,
  report: (problem: string) => void,
): Promise<{ sections: DwarfSections; close: () => void } | null> {
  const link = findLink(elf);
  if (!link) return null;
  const id = link.buildId;
  const candidates = new Set([posix.resolve(posix.dirname(path), link.path)]);
  for (const folder of [debugFolderOf(path), DEBUG_FOLDER]) {
    if (folder === null) continue;
    if (link.path.startsWith(`${DEBUG_FOLDER}/`)) candidates.add(folder + link.path.slice(DEBUG_FOLDER.length));
    candidates.add(`${folder}/.build-id/${id.slice(0, 2)}/${id.slice(2)}.debug`);
    candidates.add(`${folder}/.dwz/${posix.basename(link.path)}`);
  }
  let problem = `supplementary debug information is missing: ${link.path}`;
  for (const candidate of candidates) {
    const opened = opener.open(candidate);
    if (!opened) continue;
    if (idOf(opened.elf) === id) return { sections: await readSections(opened.elf, spill), close: opened.close };
    opened.close();
    problem = `${candidate} belongs to another build`;
  }
  report(problem);
  return null;
}
