// What must be taken while the process is still root, because the capabilities that it keeps do not reach it: the kernel's own
// symbols, the run-time counters of BPF programs, a higher limit for locked memory; and a session of its own. Nothing in here
// depends on what anybody else wrote.

import { openSync } from 'node:fs';
import { openBpfStats } from './health/bpfStats';
import { raiseMemlock } from './privilege/drop';
import { libc } from './privilege/libc';

export interface TakenAsRoot {
  /** /proc/kallsyms, opened with root's eyes: kptr_restrict asks who opened it. null where it does not open. */
  kallsymsFd: number | null;
  /** The same for whoever looks for the unwind tables: two readers of one open file would keep starting it anew. */
  unwindKallsymsFd: number | null;
  /** For the log. */
  notes: string[];
}

export function takeAsRoot(): TakenAsRoot {
  const notes: string[] = [];
  // Ctrl-C in the caller's terminal is for the client, which then tells us; fails harmlessly for a session's leader.
  libc().setsid();
  attempt(raiseMemlock);
  // Counts for as long as the process lives: switching it on later would need CAP_SYS_ADMIN. Where libbpf does not load,
  // the first recording says so.
  const counting = attempt(() => openBpfStats());
  if (!counting)
    notes.push('The kernel does not count the run time of BPF programs: the cost of recordings is not shown');
  const kallsymsFd = attempt(() => openSync('/proc/kallsyms', 'r'));
  if (kallsymsFd === null) notes.push('/proc/kallsyms does not open: kernel functions have no names');
  const unwindKallsymsFd = attempt(() => openSync('/proc/kallsyms', 'r'));
  return { kallsymsFd, unwindKallsymsFd, notes };
}

function attempt<T>(action: () => T): T | null {
  try {
    return action();
  } catch {
    return null;
  }
}
