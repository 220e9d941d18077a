// From a stack's addresses to its place among the stacks: at once where all names are known, else when the symbolizer has
// found them. Owned by a Recording.

import type { StackRecord } from '../abi/records';
import type { ProcessTable } from '../process/table';
import type { RawFrame } from '../process/types';
import { type HelperNotes, toErrorReport } from '../protocol';
import { unnamedRuntimeFrame } from '../runtimes/attachedRuntime';
import type { Frame } from '../runtimes/frame';
import type { ProcessRuntimes } from '../runtimes/processRuntimes';
import { namedFrames } from '../runtimes/stackFrames';
import type { Symbolizer } from '../symbolize/types';
import type { StackSlot } from './slots';
import type { StackCounts } from './stackCounts';
import { unnamedFrame } from './unnamedFrame';

/**
 * How long the end waits for names of the last stacks; what has none by then shows as not symbolized. Long, because the
 * symbolizer ends each request by itself (REQUEST_TIMEOUT_MS), and a second Ctrl-C or Cancel ends this wait at once.
 */
const LAST_NAMES_MS = 120_000;

/** Stacks of code without a name yet that are kept to be asked about again: some 1 KB each. */
const MAX_UNNAMED_STACKS = 2_048;

interface Unnamed {
  record: StackRecord;
  slot: StackSlot;
  /** More names became known while its answer was under way. */
  askAgain: boolean;
  /** Its process runs another program by now: what it is asked for later is of that one. */
  final: boolean;
}

export class StackNames {
  /**
   * By process: stacks with generated code that nobody has named yet (runtimes write names late, some when they end), and those
   * that came before it was known which runtimes the process has.
   */
  private readonly unnamed = new Map<number, Unnamed[]>();
  private unnamedCount = 0;
  /** Whose answers are under way. */
  private readonly asked = new Set<Unnamed>();
  /** Stacks that wait for their names. */
  private waiting = 0;
  private allNamed: () => void = () => {};
  private givenUp = false;
  private isLast = false;
  private stopWaiting: () => void = () => {};

  constructor(
    private readonly stacks: StackCounts,
    private readonly processes: ProcessTable,
    private readonly runtimes: ProcessRuntimes,
    private readonly symbolizer: Pick<Symbolizer, 'resolve'>,
    private readonly log: (level: HelperNotes['log']['level'], text: string) => void,
  ) {
    runtimes.onSettled((pid) => this.again(pid));
  }

  add(record: StackRecord): void {
    const slot = this.stacks.addStack(record);
    if (slot) this.ask({ record, slot, askAgain: false, final: false });
  }

  /** More names may be known of a process's generated code. */
  again(pid: number): void {
    for (const one of this.asked) if (one.record.pid === pid && !one.final) one.askAgain = true;
    for (const one of this.take(pid)) this.ask(one);
  }

  /** Its generated code loses its names (it executes another program): what has none stays without. */
  forget(pid: number): void {
    for (const one of this.asked) {
      if (one.record.pid !== pid) continue;
      one.final = true;
      one.askAgain = false;
    }
    this.confirm(pid);
  }

  /** Resolves once the last stacks have their names, or nobody waits for them any more. */
  async last(): Promise<void> {
    this.isLast = true;
    for (const pid of new Set([...this.unnamed.keys(), ...[...this.asked].map(({ record }) => record.pid)])) {
      // Of those that ended, what they left was read then.
      if (this.processes.isAlive(pid)) this.again(pid);
      else this.confirm(pid);
    }
    let timer: NodeJS.Timeout | null = null;
    const enough = new Promise<void>((resolve) => {
      this.stopWaiting = resolve;
      timer = setTimeout(resolve, LAST_NAMES_MS);
      if (this.givenUp) resolve();
    });
    const all = new Promise<void>((resolve) => {
      this.allNamed = resolve;
      if (this.waiting === 0) resolve();
    });
    await Promise.race([all, enough]);
    if (timer) clearTimeout(timer);
  }

  giveUp(): void {
    this.givenUp = true;
    this.stopWaiting();
  }

  private ask(one: Unnamed): void {
    const { record } = one;
    let frames: Frame[][] | Promise<Frame[][]>;
    try {
      frames = namedFrames(this.runtimes, record, (kernel, user, exact) =>
        this.symbolizer.resolve(this.processes, record.pid, kernel, user, exact),
      );
    } catch (error) {
      frames = this.withoutNames(record, error);
    }
    if (!(frames instanceof Promise)) this.named(one, frames);
    else void this.whenFound(one, frames);
  }

  private async whenFound(one: Unnamed, frames: Promise<Frame[][]>): Promise<void> {
    const { record } = one;
    const letGo = this.processes.hold(record.pid);
    this.waiting++;
    this.asked.add(one);
    const found = await frames.catch((error) => this.withoutNames(record, error));
    this.asked.delete(one);
    if (one.askAgain) {
      one.askAgain = false;
      this.ask(one);
    } else this.named(one, found);
    letGo();
    if (--this.waiting === 0) this.allNamed();
  }

  private named(one: Unnamed, frames: Frame[][]): void {
    const { record, slot } = one;
    const keep =
      !this.isLast &&
      this.unnamedCount < MAX_UNNAMED_STACKS &&
      !one.final &&
      (hasUnnamedCode(frames) || !this.runtimes.isSettled(record.pid)) &&
      this.processes.isAlive(record.pid);
    this.stacks.resolved(slot, frames, keep);
    if (!keep) return;
    this.unnamedCount++;
    const others = this.unnamed.get(record.pid);
    if (others) others.push(one);
    else this.unnamed.set(record.pid, [one]);
  }

  private confirm(pid: number): void {
    for (const { slot } of this.take(pid)) this.stacks.confirm(slot);
  }

  private take(pid: number): Unnamed[] {
    const taken = this.unnamed.get(pid) ?? [];
    this.unnamed.delete(pid);
    this.unnamedCount -= taken.length;
    return taken;
  }

  private withoutNames({ pid, kernel, user }: StackRecord, why: unknown): Frame[][] {
    this.log('error', `stack of ${pid} not resolved: ${toErrorReport(why).message}`);
    const nameless = (frame: RawFrame) => (typeof frame === 'number' ? unnamedFrame(frame) : unnamedRuntimeFrame(null));
    return [...kernel, ...user].map((frame) => [nameless(frame)]);
  }
}

function hasUnnamedCode(frames: Frame[][]): boolean {
  return frames.some((at) => at.some(({ module, symbolized }) => module === '[anon]' && !symbolized));
}
