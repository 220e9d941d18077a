// The files of a recording that have functions without names, where most samples are, and how to get the names. At the end of a
// recording only: packages are looked for in some hundred lists.

import { debugSourcesOf } from '../process/debugPackages';
import type { MappedFile } from '../process/files';
import { OWN_ROOT } from '../process/roots';
import type { UnnamedFile } from '../protocol';
import type { StackSnapshot } from '../stack/stackSnapshot';

const MAX_FILES = 3;
/** Less of the samples is not worth a word. */
const LEAST_SHARE = 0.01;
const LONGEST_SEARCH_MS = 2_000;
const UNKNOWN = { package: null, server: null };

/** `fileCalled`: the file behind a module's name, as one of the recorded processes has it. */
export async function unnamedFiles(
  snapshot: StackSnapshot,
  fileCalled: (module: string) => MappedFile | null,
): Promise<UnnamedFile[]> {
  const [metric] = snapshot.metrics;
  const selfOf = new Map<string, number>();
  snapshot.functions.forEach(({ name, module, kind }, i) => {
    if (kind === 'native' && name.startsWith(`${module}+0x`))
      selfOf.set(module, (selfOf.get(module) ?? 0) + metric.functionSelf[i]);
  });
  const found = [...selfOf]
    .map(([module, self]) => ({ file: fileCalled(module), share: metric.total > 0 ? self / metric.total : 0 }))
    .filter((one): one is { file: MappedFile; share: number } => one.file !== null && one.share >= LEAST_SHARE)
    .sort((a, b) => b.share - a.share)
    .slice(0, MAX_FILES);
  const ours = found.filter(({ file }) => file.root === OWN_ROOT).map(({ file }) => file.path);
  const sources = ours.length > 0 ? await debugSourcesOf(ours, performance.now() + LONGEST_SEARCH_MS) : [];
  return found.map(({ file, share }) => {
    const { path, root } = file;
    // What another root's package manager knows is not looked for.
    return { path, share, from: root === OWN_ROOT ? (sources[ours.indexOf(path)] ?? null) : UNKNOWN };
  });
}
