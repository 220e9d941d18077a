// The processes below a process, as /proc has them now. Called by capture.ts once, after BPF follows forks: whoever
// is born later is seen there.

import { readdirSync, readFileSync } from 'node:fs';

/** Parents before their children. */
export function descendants(root: number): { pid: number; parentPid: number }[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    let stat: string;
    try {
      stat = readFileSync(`/proc/${name}/stat`, 'latin1');
    } catch {
      continue; // gone
    }
    // The name in parentheses may hold anything: count from its end. "state ppid …"
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    const list = children.get(parent);
    if (list) list.push(pid);
    else children.set(parent, [pid]);
  }
  const found: { pid: number; parentPid: number }[] = [];
  const queue = [root];
  for (let parent = queue.shift(); parent !== undefined; parent = queue.shift())
    for (const pid of children.get(parent) ?? []) {
      found.push({ pid, parentPid: parent });
      queue.push(pid);
    }
  return found;
}
