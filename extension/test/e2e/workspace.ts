// A workspace folder as a developer has one: source, program built from it in place, so that the debug information names
// files of this folder. Any user may read it.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freshFolder, WORKLOAD_SOURCES } from './paths';

export interface Owner {
  uid: number;
  gid: number;
}

export interface Workspace {
  folder: string;
  /** hot.c, built: 60 % of its time in work_sixty, line 16. */
  program: string;
  remove(): void;
}

export function makeWorkspace(name: string, owner?: Owner): Workspace {
  const folder = freshFolder(name);
  const program = join(folder, 'hot');
  copyFileSync(join(WORKLOAD_SOURCES, 'hot.c'), join(folder, 'hot.c'));
  execFileSync('cc', ['-g', '-O2', '-fno-omit-frame-pointer', '-mno-omit-leaf-frame-pointer', '-o', 'hot', 'hot.c'], {
    cwd: folder,
  });
  chmodSync(folder, 0o755);
  if (owner) for (const path of [folder, program, join(folder, 'hot.c')]) chownSync(path, owner.uid, owner.gid);
  return { folder, program, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface RunningProgram {
  pid: number;
  stop(): Promise<void>;
}

/** Starts the workspace's program as `owner` (default: the caller), at most for `seconds`. */
export async function startProgram(workspace: Workspace, seconds: number, owner?: Owner): Promise<RunningProgram> {
  const child: ChildProcess = spawn(workspace.program, [String(seconds)], {
    cwd: workspace.folder,
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
