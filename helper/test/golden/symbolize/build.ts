// Builds the test's programs, each variant once (kept in out/golden/symbolize until its source changes). Used by
// symbolize.test.ts.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = process.cwd();
export const PROGRAMS = join(root, 'helper/test/golden/symbolize/programs');
export const OUTPUT = join(root, 'out/golden/symbolize');

export function has(tool: string): boolean {
  return spawnSync(tool, ['--version']).error === undefined || spawnSync(tool, ['version']).error === undefined;
}

/** Null where the tool refuses (an option that this version does not know). Sources are relative to PROGRAMS. */
export function build(output: string, command: string[], sources: string[]): string | null {
  mkdirSync(OUTPUT, { recursive: true });
  const path = join(OUTPUT, output);
  const inputs = sources.map((source) => join(PROGRAMS, source));
  const newest = Math.max(...inputs.map((input) => statSync(input).mtimeMs));
  if (existsSync(path) && statSync(path).mtimeMs > newest) return path;
  const [tool, ...args] = command.map((part) => (part === 'OUT' ? `${path}.new` : part));
  const run = spawnSync(tool, args, { cwd: PROGRAMS, encoding: 'utf8' });
  if (run.error || run.status !== 0 || !existsSync(`${path}.new`)) return null;
  renameSync(`${path}.new`, path);
  return path;
}

/** Runs a tool of binutils; throws with what it printed where it fails. */
export function run(tool: string, ...args: string[]): string {
  const done = spawnSync(tool, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (done.error) throw done.error;
  if (done.status !== 0) throw new Error(`${tool} ${args.join(' ')}: ${done.stderr}`);
  return done.stdout;
}
