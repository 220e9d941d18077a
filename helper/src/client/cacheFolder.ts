// Where symbols and unwind tables of files seen before are kept, so that command line and extension share what was parsed.

import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** By the XDG Base Directory Specification, to which a relative path is none; null: nowhere. What is in it may go at any time. */
export function userCacheFolder(environment: NodeJS.ProcessEnv = process.env): string | null {
  const { XDG_CACHE_HOME: cache = '', HOME: home = homedir() } = environment;
  if (isAbsolute(cache)) return join(cache, 'ebpf-tracer');
  return isAbsolute(home) ? join(home, '.cache', 'ebpf-tracer') : null;
}
