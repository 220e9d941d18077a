// The processes that a recording is of, as /proc tells of them from the start to the end. None where it is of something else. Owned
// by a Recording.

import { hasEnded, type ProcessStat, readStat } from '../client/processStat';
import type { EndFacts } from '../engine/tracer';
import { readCommand, readProcessLink } from '../process/procfs';

/** `startTicks` tells it from a later process with the same pid. */
export interface TargetProcess {
  pid: number;
  startTicks: number;
}

interface Seen {
  startTicks: number;
  atStart: ProcessStat | null;
  latest: ProcessStat | null;
  ended: boolean;
}

export class RecordedTargets {
  /** Of the first process. */
  command = '';
  cwd: string | null = null;
  private readonly first: number | null;
  private readonly seen = new Map<number, Seen>();

  constructor(processes: readonly TargetProcess[]) {
    this.first = processes[0]?.pid ?? null;
    for (const { pid, startTicks } of processes) {
      const stat = readStat(pid);
      this.seen.set(pid, { startTicks, atStart: stat, latest: stat, ended: false });
    }
    if (this.first !== null) this.describe(this.first);
  }

  has(pid: number): boolean {
    return this.seen.has(pid);
  }

  /** At the start and after each exec; what cannot be read any more stays as it was. */
  describe(pid: number): void {
    if (pid !== this.first) return;
    this.command = readCommand(pid) || this.command;
    this.cwd = readProcessLink(pid, 'cwd') ?? this.cwd;
  }

  /** One has exited. True where it was the last of them. */
  exited(pid: number): boolean {
    const one = this.seen.get(pid);
    if (!one) return false;
    one.ended = true;
    return this.allEnded;
  }

  /** Have all ended? Exits may go by unseen, so this is asked every second. */
  haveEnded(): boolean {
    for (const [pid, one] of this.seen) {
      if (one.ended) continue;
      const stat = readStat(pid);
      if (stat?.startTicks !== one.startTicks) {
        one.ended = true;
        continue;
      }
      one.latest = stat;
      one.ended = hasEnded(pid, stat);
    }
    return this.allEnded;
  }

  private get allEnded(): boolean {
    return this.seen.size > 0 && [...this.seen.values()].every(({ ended }) => ended);
  }

  /** CPU time of all of them; `fromStart`: also what they used before the recording. */
  spentMs(fromStart: boolean): EndFacts['spentMs'] {
    const spent = { user: 0, kernel: 0, children: 0 };
    for (const [pid, { startTicks, atStart, latest }] of this.seen) {
      const stat = readStat(pid);
      const after = stat?.startTicks === startTicks ? stat : latest;
      const since = (what: 'userMs' | 'kernelMs' | 'childrenMs') =>
        Math.max(0, (after?.[what] ?? 0) - (fromStart ? 0 : (atStart?.[what] ?? 0)));
      spent.user += since('userMs');
      spent.kernel += since('kernelMs');
      spent.children += since('childrenMs');
    }
    return spent;
  }
}
