// Which of a recording's modules is the recorded program itself: formats that list mapped files put it first, and tools
// call a profile by it.

import { basename } from 'node:path';
import type { RecordingFile } from '../protocol';

const LIBRARY = /\.so(\.|$)/;

/**
 * The module that has the command's name; where none has (a symbolic link, a title of its own) the one that is no library and is
 * in most samples. Null where there is none.
 */
export function programModule(file: RecordingFile): string | null {
  const extra = file.ebpfTracer;
  if (!extra) return null;
  const modules = extra.frameDetails.map(({ module }) => module);
  // Servers write what they are into their arguments: `nginx: worker process`.
  const name = basename((extra.command ?? '').split(' ')[0]).replace(/:$/, '');
  if (name !== '' && modules.includes(name)) return name;
  const weights = new Map<string, number>();
  const [merged] = file.profiles;
  for (const [i, stack] of (merged?.samples ?? []).entries())
    for (const module of new Set(stack.map((frame) => modules[frame])))
      if (module && !module.startsWith('[') && !LIBRARY.test(module))
        weights.set(module, (weights.get(module) ?? 0) + merged.weights[i]);
  const [heaviest] = [...weights].sort((a, b) => b[1] - a[1]);
  return heaviest?.[0] ?? null;
}
