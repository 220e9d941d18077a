// The processes below a process, as /proc has them now. Read once, after BPF follows forks: whoever is born later is seen there.

import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

const ELEVATION = ['sudo', 'pkexec'];

/** Parents before their children. Without this tracer itself, which a recorded shell may have started. */
export function descendants(root: number): { pid: number; parentPid: number }[] {
  const children = new Map<number, number[]>();
  const parents = new Map<number, number>();
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
    parents.set(pid, parent);
    const list = children.get(parent);
    if (list) list.push(pid);
    else children.set(parent, [pid]);
  }
  const own = ownProcesses(parents);
  const found: { pid: number; parentPid: number }[] = [];
  const queue = [root];
  for (let parent = queue.shift(); parent !== undefined; parent = queue.shift())
    for (const pid of children.get(parent) ?? []) {
      if (own.has(pid)) continue;
      found.push({ pid, parentPid: parent });
      queue.push(pid);
    }
  return found;
}

/** The helper and, above it, what only served to start it: sudo or pkexec, and the command line. */
function ownProcesses(parents: Map<number, number>): Set<number> {
  const commandLine = join(dirname(process.argv[1] ?? ''), 'cli.js');
  const own = new Set([process.pid]);
  for (let pid = parents.get(process.pid); pid; pid = parents.get(pid)) {
    const { elevates, script } = commandOf(pid);
    if (!elevates && script !== commandLine) break;
    own.add(pid);
  }
  return own;
}

/** `script`: the first argument as the file it is, for it may be the link that npm makes. Empty: gone or not ours to see. */
function commandOf(pid: number): { elevates: boolean; script: string } {
  try {
    const [program, first] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    if (ELEVATION.includes(basename(program))) return { elevates: true, script: '' };
    return { elevates: false, script: first ? realpathSync(resolve(`/proc/${pid}/cwd`, first)) : '' };
  } catch {
    return { elevates: false, script: '' };
  }
}
