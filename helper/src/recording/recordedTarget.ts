// The process that a recording is of, as /proc tells of it from the start to the end. Owned by a Recording.

import type { CaptureCounters } from '../engine/types';
import { hasEnded, type ProcessStat, readCommand, readProcessLink, readStat } from '../process/procfs';
import type { ErrorReport, RecordOptions } from '../protocol';
import { emptyReason } from './emptyReason';

export class RecordedTarget {
  command = '';
  cwd: string | null = null;
  private readonly statAtStart: ProcessStat | null;
  private statLatest: ProcessStat | null;

  /** `startTicks` tells it from a later process with the same pid. */
  constructor(
    private readonly pid: number,
    private readonly startTicks: number,
  ) {
    this.describe();
    this.statAtStart = this.statLatest = readStat(pid);
  }

  /** At the start and after each exec; what cannot be read any more stays as it was. */
  describe(): void {
    this.command = readCommand(this.pid) || this.command;
    this.cwd = readProcessLink(this.pid, 'cwd') ?? this.cwd;
  }

  /** Has it ended? Its exit may go by unseen, so this is asked every second. */
  hasEnded(): boolean {
    const stat = readStat(this.pid);
    if (stat?.startTicks !== this.startTicks) return true;
    this.statLatest = stat;
    return hasEnded(this.pid, stat);
  }

  /** Why there is no sample of it. */
  whyEmpty(
    options: RecordOptions,
    { taken, lost, refused }: Pick<CaptureCounters, 'taken' | 'lost' | 'refused'>,
    exited: boolean,
  ): ErrorReport {
    // A program of milliseconds is met by no sample, but it was refused.
    const refusals = (refused?.samples ?? 0) + (refused?.processes ?? 0);
    const stat = readStat(this.pid);
    const after = stat?.startTicks === this.startTicks ? stat : this.statLatest;
    return emptyReason({ options, taken, lost, refused: refusals, exited, before: this.statAtStart, after });
  }
}
