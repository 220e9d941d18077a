// The command line that starts the helper, the same for every way of becoming root. Called by the rungs.

export interface HelperProgram {
  /** The runtime: this extension host's own. On a desktop that is Electron, which is Node only when told so. */
  node: string;
  isElectron: boolean;
  /** dist/helper.js. */
  script: string;
  /** false only for the test double, which traces nothing. */
  needsRights: boolean;
}

export interface HelperRequest {
  program: HelperProgram;
  socketFolder: string;
  uid: number;
  gid: number;
  lingerMs: number;
  /** The user's cache folder for this product: symbols of files seen before. */
  cacheDir: string;
  /** The user confirmed that another user's process is recorded. */
  anyUser: boolean;
}

/** Ids of the tracers that this extension asks for: the helper keeps the rights that they need, and no others. */
const RECORDED_BY = ['cpu'];

/** argv without the elevation in front. `env` carries the switch for Electron, because sudo and pkexec strip it. */
export function helperCommand({
  program,
  socketFolder,
  uid,
  gid,
  lingerMs,
  cacheDir,
  anyUser,
}: HelperRequest): string[] {
  return [
    ...(program.isElectron ? ['env', 'ELECTRON_RUN_AS_NODE=1'] : []),
    program.node,
    program.script,
    'serve',
    '--socket-dir',
    socketFolder,
    '--uid',
    String(uid),
    '--gid',
    String(gid),
    '--linger',
    String(lingerMs),
    '--cache-dir',
    cacheDir,
    '--for',
    RECORDED_BY.join(','),
    ...(anyUser ? ['--any-user'] : []),
  ];
}

/** This process's environment without what VS Code and its debugger put there for their own child processes. */
export function cleanEnvironment(env: NodeJS.ProcessEnv, additions: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const clean: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(env)) {
    if (name === 'NODE_OPTIONS' || name.startsWith('VSCODE_') || name.startsWith('ELECTRON_')) continue;
    clean[name] = value;
  }
  return { ...clean, ...additions };
}
