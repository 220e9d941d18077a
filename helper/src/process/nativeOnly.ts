// Whether stacks of a process would show native frames alone, told before anybody records it: its runtime cannot be read yet, and no
// perf map or jitdump of its own names what it compiled. For the process list; a recording decides by what is mapped.

import { livingThread } from '../client/livingThread';
import type { Runtime } from '../protocol';
import { closeTouched } from './patience';
import { openInTmp, readIdentity } from './perfMaps';

/** Those of runtimes/nativeOnly/. */
export const UNREAD_RUNTIMES: ReadonlySet<Runtime> = new Set<Runtime>([
  'jvm',
  'dotnet',
  'ruby',
  'php',
  'perl',
  'bun',
  'deno',
  'pypy',
]);

export function isNativeOnly(pid: number, runtime: Runtime): boolean {
  return UNREAD_RUNTIMES.has(runtime) && !namesItsCode(pid);
}

function namesItsCode(pid: number): boolean {
  const identity = readIdentity(pid);
  const thread = livingThread(pid);
  if (!identity || thread === null) return false;
  const { namespacePid, uid } = identity;
  for (const name of [`perf-${namespacePid}.map`, `jit-${namespacePid}.dump`]) {
    const opened = openInTmp(`/proc/${pid}/task/${thread}/root`, name, uid, () => {});
    if (!opened) continue;
    closeTouched(opened.fd);
    return true;
  }
  return false;
}
