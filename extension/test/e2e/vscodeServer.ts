// A VS Code server of its own for one test file: the real workbench and the real Node extension host, as Remote-SSH
// starts them. Started here, in a process group of its own, with fresh data; ended by stop() with all it started.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  createWriteStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { artifact, freshFolder, vsCodeServerDir } from './paths';

export interface ServerOptions {
  /** Names data folder and log. */
  name: string;
  /** Installed before the start; null: none. */
  vsix: string | null;
  /** Runs the server as this user instead of the caller. */
  user?: { uid: number; gid: number; name: string; home: string };
  settings?: Record<string, unknown>;
  environment?: Record<string, string>;
  /** Lets mocha run inside the extension host. VS Code shows no notifications then. */
  hostsTests?: boolean;
  /** Asks whether a folder is trusted, as VS Code does; else every folder is. */
  asksForTrust?: boolean;
  /** What log files hold; default: VS Code's own. */
  logLevel?: 'debug' | 'trace';
}

export interface VsCodeServer {
  readonly port: number;
  readonly dataDir: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const SETTINGS = {
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.colorTheme': 'Default Dark Modern',
  'chat.disableAIFeatures': true,
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'telemetry.telemetryLevel': 'off',
  'editor.minimap.enabled': false,
  'git.enabled': false,
};

/** What our extension logged, one file after the other, as the artefact NAME-extension.log. */
function keepExtensionLogs(dataDir: string, name: string): void {
  const logs = join(dataDir, 'data/logs');
  const files = readdirSync(logs, { recursive: true, encoding: 'utf8' }).filter((file) => /ebpf.*\.log$/i.test(file));
  writeFileSync(
    artifact(`${name}-extension.log`),
    files
      .sort()
      .map((file) => readFileSync(join(logs, file), 'utf8'))
      .join(''),
  );
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

export async function startVsCodeServer(options: ServerOptions): Promise<VsCodeServer> {
  const dir = vsCodeServerDir();
  const node = join(dir, 'node/bin/node');
  const main = join(dir, 'server/lib/vscode/out/server-main.js');
  const dataDir = freshFolder(options.name);
  const userDir = join(dataDir, 'data/User');
  mkdirSync(userDir, { recursive: true });
  writeFileSync(join(userDir, 'settings.json'), JSON.stringify({ ...SETTINGS, ...options.settings }));
  const { user } = options;
  if (user) for (const path of [dataDir, join(dataDir, 'data'), userDir]) chownSync(path, user.uid, user.gid);
  if (user) chownSync(join(userDir, 'settings.json'), user.uid, user.gid);

  const environment: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    LANG: 'C.UTF-8',
    SHELL: '/bin/bash',
    HOME: user?.home ?? dataDir,
    USER: user?.name ?? 'root',
    ...options.environment,
  };
  const folders = ['--server-data-dir', dataDir, '--extensions-dir', join(dataDir, 'extensions')];
  const asUser = user ? { uid: user.uid, gid: user.gid } : {};
  if (options.vsix !== null) {
    // The checkout may be closed to the other user.
    const vsix = join(dataDir, 'extension.vsix');
    copyFileSync(options.vsix, vsix);
    chmodSync(vsix, 0o644);
    execFileSync(node, [main, '--install-extension', vsix, '--force', '--accept-server-license-terms', ...folders], {
      env: environment,
      stdio: 'pipe',
      cwd: '/',
      ...asUser,
    });
  }
  const port = await freePort();
  const child: ChildProcess = spawn(
    node,
    [
      main,
      ...['--host', '127.0.0.1', '--port', String(port), '--without-connection-token'],
      ...['--accept-server-license-terms', '--disable-telemetry'],
      ...(options.asksForTrust ? [] : ['--disable-workspace-trust']),
      '--log',
      options.logLevel ?? 'info',
      ...(options.hostsTests ? ['--enable-smoke-test-driver'] : []),
      ...['--reconnection-grace-time', '5', ...folders],
    ],
    { env: environment, cwd: '/', detached: true, stdio: ['ignore', 'pipe', 'pipe'], ...asUser },
  );
  const log = createWriteStream(artifact(`${options.name}-server.log`));
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  const exited = new Promise<void>((done) => child.once('exit', () => done()));

  const deadlineMs = Date.now() + 60_000;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`The VS Code server ended at once (${child.exitCode})`);
    const answer = await fetch(`http://127.0.0.1:${port}/version`).catch(() => null);
    if (answer?.ok) break;
    if (Date.now() > deadlineMs) throw new Error('The VS Code server does not answer');
    await new Promise((done) => setTimeout(done, 100));
  }
  return {
    port,
    dataDir,
    pid: child.pid as number,
    async stop() {
      const signalGroup = (signal: NodeJS.Signals) => {
        try {
          process.kill(-(child.pid as number), signal);
        } catch {
          // the whole group is gone
        }
      };
      signalGroup('SIGTERM');
      const timer = setTimeout(() => signalGroup('SIGKILL'), 5_000);
      await exited;
      clearTimeout(timer);
      signalGroup('SIGKILL');
      log.end();
      keepExtensionLogs(dataDir, options.name);
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}
