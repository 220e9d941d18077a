// The threads of a recording as people think of them: by the name of their process, then by their own, with sums. A build of 143
// short processes is one row that opens.
import type { Recording } from './load';

export interface ThreadRow {
  /** Index of the recording's threads. */
  thread: number;
  pid: number;
  tid: number;
  figure: number;
}
export interface NameGroup {
  name: string;
  figure: number;
  threads: ThreadRow[];
}
export interface ProcessGroup {
  name: string;
  pids: Set<number>;
  figure: number;
  names: NameGroup[];
}

const byFigure = (a: { figure: number }, b: { figure: number }) => b.figure - a.figure;

/** Those with figures of a metric, largest first. */
export function groupThreads({ extra }: Recording, metric: number): ProcessGroup[] {
  const figures = extra?.metrics[metric]?.threads ?? [];
  const threads = extra?.threads ?? [];
  const mainName = new Map<number, string>();
  for (const { pid, tid, name } of threads) if (pid === tid || !mainName.has(pid)) mainName.set(pid, name);
  const processes = new Map<string, ProcessGroup & { byName: Map<string, NameGroup> }>();
  for (const [thread, { pid, tid, name }] of threads.entries()) {
    const figure = figures[thread] ?? 0;
    if (figure === 0) continue;
    const processName = mainName.get(pid) ?? '';
    let process = processes.get(processName);
    if (!process) {
      process = { name: processName, pids: new Set(), figure: 0, names: [], byName: new Map() };
      processes.set(processName, process);
    }
    let group = process.byName.get(name);
    if (!group) {
      group = { name, figure: 0, threads: [] };
      process.byName.set(name, group);
      process.names.push(group);
    }
    process.pids.add(pid);
    process.figure += figure;
    group.figure += figure;
    group.threads.push({ thread, pid, tid, figure });
  }
  const groups = [...processes.values()].sort(byFigure);
  for (const group of groups) {
    group.names.sort(byFigure);
    for (const { threads: rows } of group.names) rows.sort(byFigure);
  }
  return groups.map(({ byName: _, ...group }) => group);
}

export const threadsOfProcess = ({ names }: ProcessGroup): number[] =>
  names.flatMap(({ threads }) => threads.map(({ thread }) => thread));

/** Names a thread across versions of a recording, in which its place may change. */
export function threadKey({ extra }: Recording, thread: number): string {
  const { pid, tid } = extra?.threads[thread] ?? { pid: 0, tid: 0 };
  return `${pid}/${tid}`;
}

/** What was remembered, in this version; null: all, also where none of them is there. */
export function threadsOfKeys(recording: Recording, keys: readonly string[] | undefined): Set<number> | null {
  if (!keys || keys.length === 0) return null;
  const wanted = new Set(keys);
  const found = new Set<number>();
  for (const [thread] of (recording.extra?.threads ?? []).entries())
    if (wanted.has(threadKey(recording, thread))) found.add(thread);
  return found.size > 0 ? found : null;
}
