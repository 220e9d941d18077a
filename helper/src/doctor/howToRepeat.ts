// The command by which this check was started, to be started again with other rights: a clone has no `ebpf-tracer` in its
// PATH, and sudo does not look where a user's Node lies.

import { basename, relative } from 'node:path';

/** As a shell takes it. */
function quoted(word: string): string {
  return /^[\w./+:=@%-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** `sudo /usr/bin/node dist/cli.js check`; in a helper, which nobody starts by hand, the tool's name. */
export function checkCommand(prefix: string[] = [], script = process.argv[1] ?? '', folder = process.cwd()): string {
  const near = relative(folder, script);
  const path = near.startsWith('..') ? script : near;
  const program: Record<string, string[]> = { 'cli.js': [process.execPath, path], 'ebpf-tracer': [script] };
  const words = program[basename(script)] ?? ['ebpf-tracer'];
  return [...prefix, ...words.map(quoted), 'check'].join(' ');
}

/** What to do where only an administrator sees. */
export const repeatAsRoot = (): string => `Run "${checkCommand(['sudo'])}".`;
