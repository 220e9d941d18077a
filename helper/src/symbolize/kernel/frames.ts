// Frames of kernel addresses, on the main thread: a busy server's kernel stacks are nearly all new ones, so each address is
// answered here by its function's range, at once; asking a worker for it would wake two threads and cost a promise. The worker only
// parses /proc/kallsyms and hands the table over.

import type { Frame } from '../../runtimes/frame';
import { MAX_UNNAMED_ADDRESSES } from '../limits';
import type { PendingStack } from '../pendingStack';
import { kernelFrame, unnamedKernelFrame } from './labels';
import { findKernelFunction, kernelSymbol, NO_FUNCTION } from './resolver';
import type { KernelTable } from './types';

interface Question {
  stack: PendingStack;
  index: number;
  address: number;
}

export class KernelFrames {
  /** Null: the kernel hides its addresses; undefined: not asked for yet. */
  private table: KernelTable | null | undefined;
  private reading = false;
  private waiting: Question[] = [];
  /** By index in the table: one Frame object a function, which FrameTable then knows again. */
  private readonly byFunction = new Map<number, Frame[]>();
  private readonly unnamed = new Map<number, Frame[]>();

  /** `read` never rejects; null: there are no names. */
  constructor(private readonly read: () => Promise<KernelTable | null>) {}

  /** Puts the frames at `index` of `stack`, at once where the table is there. */
  ask(address: number, stack: PendingStack, index: number): void {
    if (this.table !== undefined) {
      stack.frames[index] = this.framesOf(this.table, address);
      return;
    }
    stack.expect();
    this.waiting.push({ stack, index, address });
    if (!this.reading) void this.fetch();
  }

  /** Nobody is recorded: gives the memory back, and the next recording sees the modules and BPF programs of its time. */
  forget(): void {
    if (this.reading) return;
    this.table = undefined;
    this.byFunction.clear();
    this.unnamed.clear();
  }

  private async fetch(): Promise<void> {
    this.reading = true;
    const table = await this.read();
    this.reading = false;
    this.table = table;
    for (const { stack, index, address } of this.waiting.splice(0)) stack.fulfil(index, this.framesOf(table, address));
  }

  private framesOf(table: KernelTable | null, address: number): Frame[] {
    const found = table ? findKernelFunction(table, address) : NO_FUNCTION;
    if (!table || found === NO_FUNCTION) return this.unnamedFrames(address);
    let frames = this.byFunction.get(found);
    if (!frames) {
      frames = [kernelFrame(kernelSymbol(table, found))];
      this.byFunction.set(found, frames);
    }
    return frames;
  }

  private unnamedFrames(address: number): Frame[] {
    let frames = this.unnamed.get(address);
    if (!frames) {
      if (this.unnamed.size >= MAX_UNNAMED_ADDRESSES) this.unnamed.clear();
      frames = [unnamedKernelFrame(address)];
      this.unnamed.set(address, frames);
    }
    return frames;
  }
}
