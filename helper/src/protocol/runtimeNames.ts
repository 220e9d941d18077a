// What runtimes are called where a person reads of them: picker, page and command line say the same.

import type { Runtime, RuntimeReport } from './model';

/** Empty: nothing to be said. */
export const RUNTIME_NAME: Record<Runtime, string> = {
  native: '',
  go: 'Go',
  rust: 'Rust',
  python: 'Python',
  node: 'Node.js',
  jvm: 'Java',
  dotnet: '.NET',
  ruby: 'Ruby',
  php: 'PHP',
  perl: 'Perl',
  bun: 'Bun',
  deno: 'Deno',
  pypy: 'PyPy',
  unknown: '',
};

/** `Ruby 3.3.5`; of recordings, whose runtimes may be of another version or anything. */
export function runtimeTitle({ runtime, version }: Pick<RuntimeReport, 'runtime' | 'version'>): string {
  const name = Object.hasOwn(RUNTIME_NAME, runtime) ? RUNTIME_NAME[runtime] : runtime;
  return version === null ? name : `${name} ${version}`;
}
