// From a stack's addresses to its place in the profile: at once where all names are known, else when the symbolizer has
// found them. Owned by a Recording.

import type { StackRecord } from '../abi/records';
import { type HelperNotes, toErrorReport } from '../protocol';
import type { Frame } from '../symbolize/types';
import type { StackProfile } from './stackProfile';
import { unnamedFrame } from './unnamedFrame';

/**
 * How long the end waits for names of the last stacks; what has none by then shows as not symbolized. Long, because the
 * symbolizer ends each request by itself (REQUEST_TIMEOUT_MS), and a second Ctrl-C or Cancel ends this wait at once.
 */
const LAST_NAMES_MS = 120_000;

export interface NameSource {
  /** Frames of a stack, by address, innermost first: at once where all are known. */
  resolve(record: StackRecord): Frame[][] | Promise<Frame[][]>;
  allResolved(): Promise<void>;
}

export class StackNames {
  private givenUp = false;
  private stopWaiting: () => void = () => {};

  constructor(
    private readonly profile: StackProfile,
    private readonly processes: NameSource,
    private readonly log: (level: HelperNotes['log']['level'], text: string) => void,
  ) {}

  add(record: StackRecord): void {
    const slot = this.profile.addStack(record);
    if (!slot) return;
    let frames: Frame[][] | Promise<Frame[][]>;
    try {
      frames = this.processes.resolve(record);
    } catch (error) {
      frames = this.unnamed(record, error);
    }
    if (!(frames instanceof Promise)) this.profile.resolved(slot, frames);
    else void frames.catch((error) => this.unnamed(record, error)).then((found) => this.profile.resolved(slot, found));
  }

  /** Resolves once the last stacks have their names, or nobody waits for them any more. */
  async last(): Promise<void> {
    let timer: NodeJS.Timeout | null = null;
    const enough = new Promise<void>((resolve) => {
      this.stopWaiting = resolve;
      timer = setTimeout(resolve, LAST_NAMES_MS);
      if (this.givenUp) resolve();
    });
    await Promise.race([this.processes.allResolved(), enough]);
    if (timer) clearTimeout(timer);
  }

  giveUp(): void {
    this.givenUp = true;
    this.stopWaiting();
  }

  private unnamed({ pid, kernel, user }: StackRecord, why: unknown): Frame[][] {
    this.log('error', `stack of ${pid} not resolved: ${toErrorReport(why).message}`);
    return [...kernel, ...user].map((address) => [unnamedFrame(address)]);
  }
}
