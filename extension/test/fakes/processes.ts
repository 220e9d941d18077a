// Process lists for the tests: a made-up machine (`processes`), and the few real processes that can be recorded here.

import { readFileSync } from 'node:fs';
import type { ProcessInfo } from '../../../helper/src/protocol';

export function aProcess(pid: number, ppid: number, more: Partial<ProcessInfo> = {}): ProcessInfo {
  return {
    pid,
    ppid,
    uid: 1000,
    user: 'alice',
    runtime: 'native',
    name: `p${pid}`,
    command: `/usr/bin/p${pid} --x`,
    cwd: '/home/alice',
    container: null,
    listeningPorts: [],
    tty: 0,
    startTimeMs: pid,
    ...more,
  };
}

/** The parent and grandparent of the fake, which live as long as the test does. */
export function listFakeProcesses(): ProcessInfo[] {
  const list: ProcessInfo[] = [];
  for (let pid = process.ppid; pid > 1 && list.length < 2; ) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '';
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
    const ppid = Number(field('PPid'));
    const uid = Number(field('Uid'));
    list.push(aProcess(pid, ppid, { name: field('Name'), command, uid, user: String(uid), runtime: 'node' }));
    pid = ppid;
  }
  return list;
}
