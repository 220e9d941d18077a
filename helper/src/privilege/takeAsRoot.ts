// What must be taken while the process is still root, because the capabilities that it keeps do not reach it: the
// kernel's own symbols, a higher limit for locked memory; and a session of its own. Called once by main.ts, before the drop. Nothing in here depends on what anybody else wrote.

import { openSync } from 'node:fs';
import { raiseMemlock } from './drop';
import { libc } from './libc';

export interface TakenAsRoot {
  /** /proc/kallsyms, opened with root's eyes: kptr_restrict asks who opened it. null where it does not open. */
  kallsymsFd: number | null;
  /** For the log. */
  notes: string[];
}

export function takeAsRoot(): TakenAsRoot {
  const notes: string[] = [];
  // Ctrl-C in the caller's terminal is for the client, which then tells us; fails harmlessly for a session's leader.
  libc().setsid();
  try {
    raiseMemlock();
  } catch (error) {
    notes.push(`RLIMIT_MEMLOCK could not be raised (${error}); it matters only before Linux 5.11`);
  }
  let kallsymsFd: number | null = null;
  try {
    kallsymsFd = openSync('/proc/kallsyms', 'r');
  } catch (error) {
    notes.push(`kernel symbols cannot be read: ${error}`);
  }
  return { kallsymsFd, notes };
}
