// Network namespaces as the command line names them, and whether the helper has to enter one.

import { existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { tracerError } from '../protocol';

const NAMED_NAMESPACES = '/run/netns';

/** Of a name of "ip netns", a path, or a process in it. Throws NETNS_UNKNOWN. */
export function namespacePath(name: string): string {
  if (name.startsWith('/')) return name;
  const named = join(NAMED_NAMESPACES, name);
  if (/^\d+$/.test(name) && !existsSync(named)) return `/proc/${name}/ns/net`;
  if (name.includes('/') || name.startsWith('.') || !existsSync(named))
    throw tracerError('NETNS_UNKNOWN', name, `there is no ${named}`);
  return named;
}

export const isInOtherNamespace = (pid: number): boolean => isOtherNamespace(`/proc/${pid}/ns/net`);

/** What may not be read is taken for another one. */
export function isOtherNamespace(path: string): boolean {
  try {
    return readlinkSync(path) !== readlinkSync('/proc/self/ns/net');
  } catch {
    return true;
  }
}
