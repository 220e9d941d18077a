// The frame of an address that nothing could be found out about, because asking failed.

import type { Address } from '../process/types';
import type { Frame } from '../runtimes/frame';
import { offsetFrame } from '../symbolize/labels';

export function unnamedFrame(address: Address): Frame {
  const hex = address < 0 ? (2n ** 64n + BigInt(address)).toString(16) : address.toString(16);
  return { ...offsetFrame(`0x${hex}`, address < 0 ? 'kernel' : 'unknown', null), module: '[anon]' };
}
