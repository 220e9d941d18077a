// Which processes a session traces: those that it was asked for, those below them when it begins, and those that they start,
// which BPF follows (bpf/process_watch.bpf.c). None with rights that the caller has not.

import type { BpfObject } from '../bpf/object';
import { attachProcessWatch } from '../bpf/processWatch';
import { rightsBeyond } from '../process/callersRights';
import type { ProcessRecord } from '../process/types';
import { tracerError } from '../protocol';
import { descendants } from './descendants';
import type { KernelSession } from './kernelSession';
import { TargetMap } from './targetMap';

/** bpf/lib/filter.bpf.h */
const TARGETS_MAP = 'targets';

export class FollowedProcesses {
  map: TargetMap | null = null;
  refusedAtStart = 0;
  private readonly adopted: ((pid: number) => void)[] = [];

  constructor(
    private readonly session: KernelSession,
    private readonly tell: (record: ProcessRecord) => void,
  ) {}

  onAdopted(take: (pid: number) => void): void {
    this.adopted.push(take);
  }

  /** Of an object that was just loaded, and nothing of it attached: the first one that asks for targets has their map. */
  look(object: BpfObject): void {
    if (this.map || !object.hasMap(TARGETS_MAP)) return;
    const { targets, processes } = this.session;
    const map = new TargetMap(object.mapFd(TARGETS_MAP), object.mapFd('targets_added'));
    for (const pid of targets.pids) {
      map.add(pid, targets.startAtExec ? 'held' : 'active');
      processes.announce(pid);
    }
    this.map = map;
  }

  /** Has it rights that the caller has not? As BPF asks, where it could not yet. */
  readonly isRefused = (pid: number): boolean => {
    const { rights } = this.session.targets;
    return !!rights && rightsBeyond(pid, rights) !== null;
  };

  /** Children that are there already; those to come are followed by BPF, once that is attached. */
  addDescendants(): void {
    const { pids, children, startAtExec } = this.session.targets;
    // A held launcher has none that count.
    if (!children || startAtExec) return;
    for (const root of pids)
      for (const { pid, parentPid } of descendants(root)) {
        const refused = this.isRefused(pid);
        if (!this.map?.add(pid, refused ? 'refused' : 'active')) continue;
        if (refused) {
          this.refusedAtStart++;
          continue;
        }
        this.session.processes.add(pid);
        for (const take of this.adopted) take(pid);
        this.tell({ kind: 'fork', timeNs: Number(process.hrtime.bigint()), pid, parentPid });
      }
  }

  /** Throws KERNEL_NO_BPF where a held command's exec cannot be seen. */
  watch(): void {
    const { session } = this;
    const { object, programs, step, log } = attachProcessWatch(session);
    session.report(step);
    for (const text of log) session.log('warn', text);
    if (object) for (const program of programs) session.countRunTime(object, program);
    else if (session.targets.startAtExec)
      throw tracerError('KERNEL_NO_BPF', step.refused.map(({ rung, why }) => `${rung}: ${why}`).join(', '));
  }
}
