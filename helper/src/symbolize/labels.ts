// Frames for the box: from what a worker found out about an address, and from nothing where nothing is known. Called by
// batches.ts and index.ts. No frame is ever without a name.

import type { Place } from './place';
import { EMPTY_FRAME, type Frame } from './types';

/** `module+0x1234`: as much as can be said of code without a symbol. */
export function offsetFrame(module: string, kind: Frame['kind'], offset: number | null): Frame {
  return { ...EMPTY_FRAME, name: offset === null ? module : `${module}+0x${offset.toString(16)}`, module, kind };
}

/** Innermost first, never empty. `fallbackOffset` is shown where the file does not even tell the address. */
export function userFrames(
  module: string,
  places: Place[],
  fallbackOffset: number | null,
  mtimeMs: number | null,
): Frame[] {
  if (places.length === 0) return [offsetFrame(module, 'user', fallbackOffset)];
  return places.map((place) => userFrame(module, place, fallbackOffset, mtimeMs));
}

function userFrame(module: string, place: Place, fallbackOffset: number | null, mtimeMs: number | null): Frame {
  return {
    name: place.name ?? offsetFrame(module, 'user', place.address ?? fallbackOffset).name,
    fullName: place.fullName,
    module,
    kind: 'user',
    symbolized: place.name !== null,
    file: place.file,
    line: place.line,
    column: place.column,
    functionFile: place.functionFile,
    functionLine: place.functionLine,
    inlined: place.inlined,
    sourceMd5: place.sourceMd5,
    binaryMtimeMs: mtimeMs,
  };
}
