// The frame of an address that nothing could be found out about, because asking failed. Called by recording.ts.

import type { Frame } from '../symbolize/types';
import type { Address } from './types';

export function unnamedFrame(address: Address): Frame {
  const hex = address < 0 ? (2n ** 64n + BigInt(address)).toString(16) : address.toString(16);
  return {
    name: `0x${hex}`,
    fullName: null,
    module: '[anon]',
    kind: address < 0 ? 'kernel' : 'unknown',
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
}
