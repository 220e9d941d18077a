// The frames of one stack while they are found: most are known at once, the rest come from workers. One object and at most
// one promise a stack, because a busy target shows a hundred new stacks a second. Made by index.ts, filled by batches.ts
// and kernel/frames.ts.

import type { Frame } from '../runtimes/frame';

export class PendingStack {
  /** By address, in the order asked. */
  readonly frames: Frame[][];
  private missing = 0;
  private done: (frames: Frame[][]) => void = () => {};

  constructor(addressCount: number) {
    this.frames = new Array(addressCount);
  }

  /** One of the frames comes later, by `fulfil`. */
  expect(): void {
    this.missing++;
  }

  fulfil(index: number, frames: Frame[]): void {
    this.frames[index] = frames;
    if (--this.missing === 0) this.done(this.frames);
  }

  /** Called once, after everything was asked for. */
  result(): Frame[][] | Promise<Frame[][]> {
    if (this.missing === 0) return this.frames;
    return new Promise((resolve) => {
      this.done = resolve;
    });
  }
}
