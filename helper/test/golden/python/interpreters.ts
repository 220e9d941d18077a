// The Python interpreters that tests run: the system's; with MATRIX=1 one of each version that can be had, pyenv's and those of other
// Debian suites, which are unpacked into out/golden/python when they are wanted first.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';

export interface Interpreter {
  name: string;
  program: string;
  /** Makes it ready; else says why there is none. */
  missing(): string | null;
  /** To run a file of ours, with others beside it. */
  command(file: string, ...beside: string[]): string[];
}

const ROOTS = join(process.cwd(), 'out/golden/python');
const GET_ROOT = join(process.cwd(), 'helper/test/tools/getRoot.sh');
const DEBIAN: [suite: string, version: string, packageName: string][] = [
  ['bullseye', '3.9', 'python3'],
  ['trixie', '3.13', 'python3'],
  ['sid', '3.14', 'python3.14'],
  ['sid', '3.15', 'python3.15'],
];

export function interpreters(all: boolean): Interpreter[] {
  const found: Interpreter[] = [direct("the system's", '/usr/bin/python3')];
  if (!all) return found;
  const versions = join(homedir(), '.pyenv/versions');
  for (const version of existsSync(versions) ? readdirSync(versions).sort() : [])
    if (/^3\.(8|9|1\d)\./.test(version))
      found.push(direct(`pyenv's ${version}`, join(versions, version, 'bin/python3')));
  for (const [suite, version, name] of DEBIAN) found.push(ofSuite(suite, version, name));
  return found;
}

function direct(name: string, program: string): Interpreter {
  return {
    name,
    program,
    missing: () => (existsSync(program) ? null : `no ${program}`),
    command: (file) => [program, file],
  };
}

function ofSuite(suite: string, version: string, packageName: string): Interpreter {
  const root = join(ROOTS, `${suite}-${version}`);
  return {
    name: `Debian's ${version} (${suite})`,
    program: join(root, `usr/bin/python${version}`),
    missing: () => unpack(suite, packageName, root),
    command: (file, ...beside) => {
      for (const copied of [file, ...beside]) copyFileSync(copied, join(root, 'tmp', basename(copied)));
      return ['chroot', root, `/usr/bin/python${version}`, `/tmp/${basename(file)}`];
    },
  };
}

function unpack(suite: string, packageName: string, root: string): string | null {
  if (process.getuid?.() !== 0) return 'root unpacks it and changes into it';
  const complete = `${root}.complete`;
  if (existsSync(complete)) return null;
  rmSync(root, { recursive: true, force: true });
  mkdirSync(ROOTS, { recursive: true });
  const made = spawnSync(GET_ROOT, [suite, root, packageName], { encoding: 'utf8' });
  if (made.status !== 0) return `${packageName} of ${suite} is not to be had: ${made.stderr.trim().split('\n').at(-1)}`;
  writeFileSync(complete, '');
  return null;
}
