// The command line that starts the helper, the same for every way of becoming root, and the environment that it gets.

export interface HelperProgram {
  /** The runtime: this process's own. In VS Code on a desktop that is Electron, which is Node only when told so. */
  node: string;
  isElectron: boolean;
  /** helper.js. */
  script: string;
}

export interface HelperRequest {
  program: HelperProgram;
  socketFolder: string;
  /** Whom the helper becomes. */
  uid: number;
  gid: number;
  lingerMs: number;
  /** The user's cache folder for this product: symbols of files seen before. null: none. */
  cacheDir: string | null;
  /** Ids of those that will be asked for: the helper keeps the rights that they need, and no others. Left out: the usual ones. */
  tracers?: readonly string[];
  /** The user confirmed that another user's process is recorded. */
  anyUser: boolean;
  /** Other network namespaces than the helper's own may be asked for. */
  namespaces?: boolean;
  /** Test and diagnosis switch: features to do without in every recording. */
  without?: readonly string[];
}

/** `script` run by what runs this process. */
export const programOf = (script: string, node = process.execPath): HelperProgram => ({
  node,
  isElectron: process.versions.electron !== undefined || process.env.ELECTRON_RUN_AS_NODE !== undefined,
  script,
});

/** argv without the elevation in front. `env` carries the switch for Electron, because sudo and pkexec strip it. */
export function helperCommand(request: HelperRequest): string[] {
  const { program, cacheDir, tracers, without = [] } = request;
  return [
    ...(program.isElectron ? ['env', 'ELECTRON_RUN_AS_NODE=1'] : []),
    program.node,
    program.script,
    'serve',
    ...['--socket-dir', request.socketFolder],
    ...['--uid', String(request.uid)],
    ...['--gid', String(request.gid)],
    ...['--linger', String(request.lingerMs)],
    ...(cacheDir === null ? [] : ['--cache-dir', cacheDir]),
    ...(tracers ? ['--for', tracers.join(',')] : []),
    ...(without.length > 0 ? ['--without', without.join(',')] : []),
    ...(request.anyUser ? ['--any-user'] : []),
    ...(request.namespaces ? ['--namespaces'] : []),
  ];
}

/**
 * An environment without what VS Code and its debugger put there for their own child processes, and without what would make
 * the helper's Node listen or load something.
 */
export function cleanEnvironment(env: NodeJS.ProcessEnv, additions: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !/^(NODE|VSCODE|ELECTRON)_/.test(name));
  return { ...Object.fromEntries(kept), ...additions };
}
