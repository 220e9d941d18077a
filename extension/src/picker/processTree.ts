// The order in which the picker shows processes: what is most likely meant first, and within each group as a tree, children under
// their parents. Pure.

import type { ProcessInfo } from '../../../helper/src/protocol';

/** The program and its script are among the first words. */
const WORDS = 8;

export type Group = 'debugged' | 'terminal' | 'busy' | 'workspace' | 'own' | 'others' | 'editor';

const ORDER: readonly Group[] = ['debugged', 'terminal', 'busy', 'workspace', 'own', 'others', 'editor'];
/** Of one CPU, percent: what uses less is not what is being waited for. */
const BUSY_PERCENT = 5;
const MAX_BUSY = 6;

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
  /** Of one CPU, by pid. */
  cpuPercent: ReadonlyMap<number, number>;
  /** Folders. */
  workspace: readonly string[];
  /** VS Code's own: its program files begin with one of these. */
  editorPaths: readonly string[];
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
  const free = () => offered.filter(({ pid }) => !groupOf.has(pid));
  for (const one of free()) if (isEditor(one, context)) groupOf.set(one.pid, 'editor');
  const cpu = ({ pid }: ProcessInfo) => context.cpuPercent.get(pid) ?? 0;
  const busiest = (list: ProcessInfo[]) => [...list].sort((a, b) => cpu(b) - cpu(a));
  for (const one of busiest(free().filter((one) => cpu(one) >= BUSY_PERCENT)).slice(0, MAX_BUSY))
    groupOf.set(one.pid, 'busy');
  for (const one of free()) {
    const isOwn = one.uid === context.uid;
    groupOf.set(one.pid, isOwn && isOfWorkspace(one, context) ? 'workspace' : isOwn ? 'own' : 'others');
  }
  return ORDER.flatMap((group) => {
    const members = offered.filter((one) => groupOf.get(one.pid) === group);
    // What is busy stands by how busy it is, whoever started it.
    const rows = group === 'busy' ? busiest(members).map((process) => ({ process, depth: 0 })) : inTreeOrder(members);
    return rows.map(({ process, depth }) => ({ process, depth, group }));
  });
}

const isBelow = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);

/** Its program, its script or the folder that it works in is in the workspace. */
function isOfWorkspace({ command, cwd }: ProcessInfo, { workspace }: PickerContext): boolean {
  const paths = [...(cwd === null ? [] : [cwd]), ...command.split(' ', WORDS).filter((word) => word.startsWith('/'))];
  return workspace.some((folder) => paths.some((path) => isBelow(path, folder)));
}

/** Programs that the user runs in its terminals are not the editor's. */
function isEditor({ command }: ProcessInfo, { editorPaths }: PickerContext): boolean {
  const [program = ''] = command.split(' ', 1);
  return editorPaths.some((path) => path !== '' && isBelow(program, path));
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
