// The order in which the picker shows processes: what is most likely meant first, and within each group as a tree, children under
// their parents. Pure.

import type { ProcessInfo } from '../../../helper/src/protocol';

export type Group = 'debugged' | 'terminal' | 'own' | 'others';

export interface ListedProcess {
  process: ProcessInfo;
  group: Group;
  /** Levels under the topmost listed ancestor in the same group. */
  depth: number;
}

export interface PickerContext {
  /** Whose window this is. */
  uid: number;
  /** Never offered: this extension host, its helper. */
  hiddenPids: ReadonlySet<number>;
  debuggedPids: ReadonlySet<number>;
  /** Shell of the active terminal: its descendants are meant, itself is not. */
  terminalPid: number | null;
}

export function listProcesses(processes: readonly ProcessInfo[], context: PickerContext): ListedProcess[] {
  const offered = processes.filter((one) => one.command !== '' && !context.hiddenPids.has(one.pid));
  const childrenOf = groupBy(offered, (one) => one.ppid);
  const groupOf = new Map<number, Group>();
  const claim = (pid: number, group: Group) => {
    for (const child of childrenOf.get(pid) ?? []) {
      if (groupOf.has(child.pid)) continue;
      groupOf.set(child.pid, group);
      claim(child.pid, group);
    }
  };
  for (const one of offered) if (context.debuggedPids.has(one.pid)) groupOf.set(one.pid, 'debugged');
  for (const pid of context.debuggedPids) claim(pid, 'debugged');
  if (context.terminalPid !== null) claim(context.terminalPid, 'terminal');
  for (const one of offered) {
    if (!groupOf.has(one.pid)) groupOf.set(one.pid, one.uid === context.uid ? 'own' : 'others');
  }
  const order: Group[] = ['debugged', 'terminal', 'own', 'others'];
  return order.flatMap((group) =>
    inTreeOrder(offered.filter((one) => groupOf.get(one.pid) === group)).map(({ process, depth }) => ({
      process,
      depth,
      group,
    })),
  );
}

/** Parents before children. Among siblings the youngest subtree first: what was just started is what is looked for. */
function inTreeOrder(processes: ProcessInfo[]): { process: ProcessInfo; depth: number }[] {
  const pids = new Set(processes.map((one) => one.pid));
  const childrenOf = groupBy(processes, (one) => one.ppid);
  const newest = new Map<number, number>();
  const newestOf = (one: ProcessInfo, guard = 0): number => {
    const known = newest.get(one.pid);
    if (known !== undefined || guard > processes.length) return known ?? one.startTimeMs;
    newest.set(one.pid, one.startTimeMs);
    const time = Math.max(
      one.startTimeMs,
      ...(childrenOf.get(one.pid) ?? []).map((child) => newestOf(child, guard + 1)),
    );
    newest.set(one.pid, time);
    return time;
  };
  const sorted = (siblings: ProcessInfo[]) => [...siblings].sort((a, b) => newestOf(b) - newestOf(a) || b.pid - a.pid);
  const result: { process: ProcessInfo; depth: number }[] = [];
  const seen = new Set<number>();
  const visit = (process: ProcessInfo, depth: number) => {
    if (seen.has(process.pid)) return;
    seen.add(process.pid);
    result.push({ process, depth });
    for (const child of sorted(childrenOf.get(process.pid) ?? [])) visit(child, depth + 1);
  };
  for (const root of sorted(processes.filter((one) => !pids.has(one.ppid) || one.ppid === one.pid))) visit(root, 0);
  // A list read while processes come and go can hold a cycle of reused pids: nothing may be lost.
  for (const one of processes) visit(one, 0);
  return result;
}

function groupBy<T>(items: readonly T[], key: (item: T) => number): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}
