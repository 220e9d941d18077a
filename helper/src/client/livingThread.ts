// The way to a process whose first thread has ended while others work on (pthread_exit in main; some runtimes do it). What
// belongs to the whole process is then gone from /proc/PID (maps is empty, root, exe and cwd cannot be followed), but all of it
// is there by any thread that lives: exit_mm(), exit_files() and exit_fs() are a thread's own (do_exit() in kernel/exit.c).

import { type Dir, opendirSync, readFileSync } from 'node:fs';

/** Threads looked at: a process of 100,000 that end all at once must not hold us up. */
const MAX_THREADS = 4_096;

/** The process's first thread or, where that has ended, another one; null where none lives. */
export function livingThread(pid: number): number | null {
  if (lives(`/proc/${pid}`)) return pid;
  let tasks: Dir;
  try {
    tasks = opendirSync(`/proc/${pid}/task`);
  } catch {
    return null;
  }
  try {
    for (let i = 0; i < MAX_THREADS; i++) {
      const entry = tasks.readSync();
      if (!entry) return null;
      const tid = Number(entry.name);
      if (tid !== pid && lives(`/proc/${pid}/task/${tid}`)) return tid;
    }
  } catch {
    // It ends just now.
  } finally {
    tasks.closeSync();
  }
  return null;
}

/**
 * What `read` finds in a process's folder, /proc/PID as a rule. Where that gives nothing (null, or an empty text), once more
 * in the folder of a thread that lives. The second argument is that thread: /proc/TID has what task/TID lacks (map_files).
 */
export function readProcess<T>(pid: number, read: (folder: string, tid: number) => T | null): T | null {
  const found = read(`/proc/${pid}`, pid);
  if (found !== null && found !== '') return found;
  const tid = livingThread(pid);
  return tid === null || tid === pid ? found : read(`/proc/${pid}/task/${tid}`, tid);
}

/** By the letter behind the name, which may hold anything (proc_pid_stat(5)). */
function lives(folder: string): boolean {
  try {
    const stat = readFileSync(`${folder}/stat`, 'latin1');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
