// Frames for the box: from what a worker found out about an address, and from nothing where nothing is known. No frame is ever
// without a name.

import { EMPTY_FRAME, type Frame, type FrameKind } from '../runtimes/frame';
import type { Place } from './place';

/** `module+0x1234`: as much as can be said of code without a symbol. */
export function offsetFrame(module: string, kind: FrameKind, offset: number | null): Frame {
  return { ...EMPTY_FRAME, name: offset === null ? module : `${module}+0x${offset.toString(16)}`, module, kind };
}

/** Where the code of some places lies. */
export interface CodeOrigin {
  module: string;
  kind: 'native' | 'jit';
  mtimeMs: number | null;
}

/** Innermost first, never empty. `fallbackOffset` is shown where the file does not even tell the address. */
export function userFrames(origin: CodeOrigin, places: Place[], fallbackOffset: number | null): Frame[] {
  if (places.length === 0) return [offsetFrame(origin.module, origin.kind, fallbackOffset)];
  return places.map((place) => userFrame(origin, place, fallbackOffset));
}

function userFrame({ module, kind, mtimeMs }: CodeOrigin, place: Place, fallbackOffset: number | null): Frame {
  return {
    name: place.name ?? offsetFrame(module, kind, place.address ?? fallbackOffset).name,
    fullName: place.fullName,
    module,
    kind,
    runtime: place.runtime,
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
