// Frames for the box, of kernel addresses with a name and without one.

import { EMPTY_FRAME, type Frame } from '../../runtimes/frame';
import type { KernelSymbol } from './types';

export function kernelFrame({ name, fullName, module }: KernelSymbol): Frame {
  return { ...EMPTY_FRAME, name, fullName, module, kind: 'kernel', symbolized: true };
}

export function unnamedKernelFrame(address: number): Frame {
  return { ...EMPTY_FRAME, name: `[kernel]+0x${hexOfKernelAddress(address)}`, module: '[kernel]', kind: 'kernel' };
}

/** Two's complement in 64 bits. */
export function hexOfKernelAddress(address: number): string {
  return BigInt.asUintN(64, BigInt(address)).toString(16);
}
