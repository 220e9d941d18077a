// The processes of one recording as the symbolizer must know them: told as they appear, run other programs and end, and
// released once the last of their stacks has its names. Owned by a Recording.

import type { StackRecord } from '../abi/records';
import type { ProcessRecord } from '../process/types';
import type { NameSource } from '../stack/stackNames';
import type { Frame, Symbolizer } from '../symbolize/types';

interface Watched {
  /** Stacks that wait for their names. */
  pending: number;
  exitedAtMs: number | null;
}

/** Last samples of a process may be drained after its exit: its mappings are kept for them. */
const LINGER_MS = 1_000;

export class ProcessWatch implements NameSource {
  private readonly watched = new Map<number, Watched>();
  private pending = 0;
  private closed = false;
  private whenResolved: (() => void)[] = [];

  constructor(private readonly symbolizer: Symbolizer) {}

  add(pid: number): void {
    if (this.closed || this.watched.has(pid)) return;
    this.watched.set(pid, { pending: 0, exitedAtMs: null });
    this.symbolizer.addProcess(pid);
  }

  record(record: ProcessRecord): void {
    if (this.closed) return;
    const { pid } = record;
    switch (record.kind) {
      case 'fork':
        this.seenAlive(pid);
        this.symbolizer.processForked(pid, record.parentPid);
        return;
      case 'exec':
        this.seenAlive(pid);
        this.symbolizer.processExecuted(pid);
        return;
      case 'mmap':
        this.add(pid);
        this.symbolizer.processMapped(pid, record.mapping);
        return;
      // As if it had ended: its earlier samples are the caller's.
      case 'refused':
      case 'exit': {
        const process = this.watched.get(pid);
        if (!process) return;
        process.exitedAtMs = performance.now();
        this.symbolizer.processExited(pid);
      }
    }
  }

  /** Frames of a stack, by address, innermost first: at once where all are known, as they mostly are. */
  resolve({ pid, kernel, user }: StackRecord): Frame[][] | Promise<Frame[][]> {
    this.add(pid);
    const frames = this.symbolizer.resolve(pid, kernel, user);
    return frames instanceof Promise ? this.awaited(pid, frames) : frames;
  }

  private async awaited(pid: number, frames: Promise<Frame[][]>): Promise<Frame[][]> {
    const process = this.watched.get(pid);
    if (process) process.pending++;
    this.pending++;
    try {
      return await frames;
    } finally {
      this.pending--;
      if (process) process.pending--;
      // After the caller has taken the frames.
      if (this.pending === 0) setImmediate(() => this.sayResolved());
    }
  }

  mayBeNamedLater(pid: number): boolean {
    return this.watched.get(pid)?.exitedAtMs === null;
  }

  /** Processes whose generated code has other names than at the last call. */
  jitChanged(): number[] {
    const changed: number[] = [];
    for (const [pid, { exitedAtMs }] of this.watched)
      if (exitedAtMs === null && this.symbolizer.jitChanged(pid)) changed.push(pid);
    return changed;
  }

  /** Lets go of processes that ended a while ago and whose stacks all have their names. Called every second. */
  releaseEnded(): void {
    const before = performance.now() - LINGER_MS;
    for (const [pid, { exitedAtMs, pending }] of this.watched) {
      if (exitedAtMs === null || exitedAtMs > before || pending > 0) continue;
      this.watched.delete(pid);
      this.symbolizer.release(pid);
    }
  }

  allResolved(): Promise<void> {
    if (this.pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.whenResolved.push(resolve));
  }

  close(): void {
    this.closed = true;
    for (const pid of this.watched.keys()) this.symbolizer.release(pid);
    this.watched.clear();
  }

  /** A pid may be given to a new process soon after its old one ended. */
  private seenAlive(pid: number): void {
    const process = this.watched.get(pid);
    if (process) process.exitedAtMs = null;
    else this.watched.set(pid, { pending: 0, exitedAtMs: null });
  }

  private sayResolved(): void {
    if (this.pending > 0) return;
    for (const resolve of this.whenResolved.splice(0)) resolve();
  }
}
