// Which processes the active debug session is about. A debug adapter says it in DAP's `process` event, which only those hear who
// were active when it came; so the launch configuration is read too. Pure.

import type { ProcessInfo } from '../../../helper/src/protocol';

export interface DebuggedSession {
  /** From DAP's `process` event. */
  systemProcessId: number | null;
  /** The resolved launch configuration. */
  configuration: Record<string, unknown>;
}

export function debuggedPids(session: DebuggedSession, processes: readonly ProcessInfo[]): Set<number> {
  const pids = new Set<number>();
  const add = (value: unknown) => {
    const pid = Number(value);
    if (Number.isInteger(pid) && pid > 0 && processes.some((one) => one.pid === pid)) pids.add(pid);
  };
  add(session.systemProcessId);
  if (pids.size > 0) return pids;
  // The names that cppdbg, lldb, delve, debugpy and js-debug use for "attach to this one".
  const { processId, pid, program } = session.configuration;
  if (typeof processId === 'number' || typeof processId === 'string') add(processId);
  if (typeof pid === 'number' || typeof pid === 'string') add(pid);
  if (pids.size > 0 || typeof program !== 'string' || !program.startsWith('/')) return pids;
  for (const one of processes) {
    const words = one.command.split(' ');
    // The program itself, or an interpreter's script; not a debugger that names it among its own arguments.
    if (words[0] === program || (one.runtime !== 'native' && words.includes(program))) pids.add(one.pid);
  }
  return pids;
}
