// A workspace folder as a developer has one: sources, programs built from them in place, so that the debug information
// names files of this folder. Any user may read it.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freshFolder, WORKLOAD_SOURCES } from './paths';

export interface Owner {
  uid: number;
  gid: number;
}

export interface Workspace {
  folder: string;
  /** hot.c, built: 60 % of its time in work_sixty, line 16. */
  program: string;
  /** inlined.cpp, built with -O2 and without frame pointers; null where there is no C++ compiler. */
  inlined: string | null;
  remove(): void;
}

export function makeWorkspace(name: string, owner?: Owner): Workspace {
  const folder = freshFolder(name);
  const program = join(folder, 'hot');
  copyFileSync(join(WORKLOAD_SOURCES, 'hot.c'), join(folder, 'hot.c'));
  execFileSync('cc', ['-g', '-O2', '-fno-omit-frame-pointer', '-mno-omit-leaf-frame-pointer', '-o', 'hot', 'hot.c'], {
    cwd: folder,
  });
  copyFileSync(join(WORKLOAD_SOURCES, 'inlined.cpp'), join(folder, 'inlined.cpp'));
  const built = spawnSync('c++', ['-std=c++17', '-g', '-O2', '-o', 'inlined', 'inlined.cpp'], { cwd: folder });
  const inlined = built.status === 0 ? join(folder, 'inlined') : null;
  chmodSync(folder, 0o755);
  if (owner)
    for (const path of [folder, ...readdirSync(folder).map((name) => join(folder, name))])
      chownSync(path, owner.uid, owner.gid);
  return { folder, program, inlined, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface RunningProgram {
  pid: number;
  stop(): Promise<void>;
}

/** Starts a program of the workspace's as `owner` (default: the caller), at most for `seconds`. */
export async function startProgram(program: string, seconds: number, owner?: Owner): Promise<RunningProgram> {
  const child: ChildProcess = spawn(program, [String(seconds)], {
    cwd: dirname(program),
    stdio: ['ignore', 'pipe', 'ignore'],
    ...owner,
  });
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  await new Promise<void>((done, fail) => {
    child.stdout?.once('data', () => done());
    child.once('error', fail);
  });
  return {
    pid: child.pid as number,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
