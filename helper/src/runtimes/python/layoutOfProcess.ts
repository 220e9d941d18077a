// The layout that fits a running interpreter: from its own debug offsets, else by its version from the table.

import type { Memory } from '../types';
import { DEBUG_OFFSETS_BYTES, parseDebugOffsets } from './debugOffsets';
import { layoutFromOffsets, layoutFromTable, type PythonLayout } from './layout';
import type { PythonImage } from './recognize';

/** Null: neither tells. */
export function layoutOf(memory: Memory, image: PythonImage, bias: number): PythonLayout | null {
  const start = memory.read(image.runtimeAddress + bias, DEBUG_OFFSETS_BYTES);
  const offsets = start && parseDebugOffsets(start);
  if (offsets) return layoutFromOffsets(offsets);
  return image.versionHex === null ? null : layoutFromTable((image.versionHex >>> 16) & 0xff);
}

export const NO_LAYOUT = (version: string | null) => ({
  reason: version === null ? 'Its version was not found.' : `Python ${version} is not known to this version.`,
  fix: 'CPython 3.8 to 3.15 can be read.',
});
