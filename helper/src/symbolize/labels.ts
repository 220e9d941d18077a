// Frames for the box: from what a worker found out about an address, and from nothing where nothing is known. Called by
// batches.ts and index.ts. No frame is ever without a name.

import type { KernelSymbol } from './kernel/types';
import type { Place } from './pool/messages';
import type { Frame } from './types';

const EMPTY: Frame = {
  name: '',
  fullName: null,
  module: '',
  kind: 'unknown',
  symbolized: false,
  file: null,
  line: null,
  column: null,
  functionFile: null,
  functionLine: null,
  inlined: false,
  sourceMd5: null,
  binaryMtimeMs: null,
};

/** `module+0x1234`: as much as can be said of code without a symbol. */
export function offsetFrame(module: string, kind: Frame['kind'], offset: number | null): Frame {
  return { ...EMPTY, name: offset === null ? module : `${module}+0x${offset.toString(16)}`, module, kind };
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

export function kernelFrame({ name, fullName, module }: KernelSymbol): Frame {
  return { ...EMPTY, name, fullName, module, kind: 'kernel', symbolized: true };
}

export function unnamedKernelFrame(address: number): Frame {
  return { ...EMPTY, name: `[kernel]+0x${hexOfKernelAddress(address)}`, module: '[kernel]', kind: 'kernel' };
}

/** Two's complement in 64 bits. */
export function hexOfKernelAddress(address: number): string {
  return BigInt.asUintN(64, BigInt(address)).toString(16);
}
