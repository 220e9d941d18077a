// The one helper of this window: started when first needed, shared by every flow, found again after a window reload.
// Remembers (in workspaceState) only the private folder and its token, never a password.

import { homedir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { readRights, refusal, ungrantable } from '../../../helper/src/client/rights';
import { containerEngine } from '../../../helper/src/client/surroundings';
import { RECONNECT_GRACE_MS, TracerError, tracerError } from '../../../helper/src/protocol';
import type { HelperProgram, HelperRequest } from '../elevation/helperCommand';
import { climb, rungsFor } from '../elevation/ladder';
import { makeRungs, surroundings } from '../elevation/rungs';
import type { Log } from '../log';
import { connectToHelper, type HelperClient } from './helperClient';
import { createSocketFolder, removeAbandonedFolders, removeSocketFolder } from './socketFolder';

const STATE_KEY = 'helper';
interface RememberedHelper {
  folder: string;
  socket: string;
  token: string;
  anyUser?: boolean;
}

export class HelperHost implements vscode.Disposable {
  private current: Promise<HelperClient> | null = null;
  /** The current helper was started for other users' processes as well. */
  private forAnyUser = false;
  private readonly connected = new vscode.EventEmitter<HelperClient>();
  /** A connection stands: listeners register for its notes. */
  readonly onDidConnect = this.connected.event;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: Log,
    private readonly program: HelperProgram,
  ) {}

  /** Connected already, without asking for anything: null where no helper runs. */
  async existing(): Promise<HelperClient | null> {
    const client = await this.current?.catch(() => null);
    return client && !client.isClosed ? client : null;
  }

  /**
   * The helper, started if need be: at most one question for a password. `anyUser`: one that may record other users'
   * processes, which has to be said when it is started. Throws TracerError.
   */
  async ensure(anyUser = false): Promise<HelperClient> {
    this.current ??= this.hold(this.reconnect().then((client) => client ?? this.start(anyUser)));
    const held = this.current;
    const before = await held;
    if (!anyUser || this.forAnyUser) return before;
    this.current = this.hold(this.start(true));
    try {
      const client = await this.current;
      void this.letGo(before);
      return client;
    } catch (error) {
      this.current ??= before.isClosed ? null : held;
      throw error;
    }
  }

  /** Recordings that run in it go on; without any it ends now. */
  private async letGo(client: HelperClient): Promise<void> {
    const running = await client.request('record/list', {}).catch(() => []);
    if (running.length === 0) await client.request('shutdown', {}).catch(() => null);
  }

  /** After a window reload: the helper that still waits for this window, if there is one. */
  async resume(): Promise<HelperClient | null> {
    if (this.current) return this.existing();
    if (!this.context.workspaceState.get(STATE_KEY)) return null;
    const attempt = this.reconnect();
    // Whoever calls ensure() meanwhile waits for this attempt first, and starts a helper only if it found none.
    this.current = this.hold(attempt.then((client) => client ?? Promise.reject(tracerError('HELPER_DIED'))));
    this.current.catch(() => undefined);
    const client = await attempt;
    return client;
  }

  dispose(): void {
    // The socket closes with the extension host; the helper waits RECONNECT_GRACE_MS for this window to come back.
    this.connected.dispose();
  }

  private hold(client: Promise<HelperClient>): Promise<HelperClient> {
    const forget = () => {
      if (this.current === held) this.current = null;
    };
    const held = client.then((one) => {
      one.onClose(() => {
        this.log.info('the helper is gone');
        forget();
        if (this.current === null) void this.forgetFolder();
      });
      this.connected.fire(one);
      return one;
    });
    held.catch(forget);
    return held;
  }

  private async reconnect(): Promise<HelperClient | null> {
    const remembered = this.context.workspaceState.get<RememberedHelper>(STATE_KEY);
    if (!remembered) return null;
    try {
      const client = await connectToHelper(remembered, this.version(), this.log, 2_000);
      this.forAnyUser = remembered.anyUser === true;
      this.log.info('found the helper again after a reload');
      return client;
    } catch (error) {
      this.log.debug(`no helper from before: ${error}`);
      await this.forgetFolder();
      return null;
    }
  }

  private async start(anyUser: boolean): Promise<HelperClient> {
    const rights = readRights();
    const impossible = ungrantable(rights);
    if (impossible.length > 0 && this.program.needsRights) {
      throw containerEngine()
        ? new TracerError(refusal(0n, rights.bounding)!)
        : tracerError('NO_PRIVILEGE', `${impossible.join(', ')} cannot be had here`);
    }
    const here = surroundings(this.program);
    if (here.noNewPrivileges && !here.privileged)
      throw tracerError('NO_PRIVILEGE', 'VS Code runs where no program may gain rights (Flatpak, Snap, no_new_privs).');
    const folder = await createSocketFolder();
    const request: HelperRequest = {
      program: this.program,
      socketFolder: folder.path,
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
      lingerMs: RECONNECT_GRACE_MS,
      // As the command line has it (XDG Base Directory Specification), so that both share what was parsed.
      cacheDir: join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ebpf-tracer'),
      anyUser,
    };
    try {
      const storage = this.context.globalStorageUri;
      await vscode.workspace.fs.createDirectory(storage);
      const ready = await climb(rungsFor(here), makeRungs(request, storage.fsPath, this.log), this.log);
      const address = { socket: ready.socket, token: folder.token };
      const client = await connectToHelper(address, this.version(), this.log);
      await this.context.workspaceState.update(STATE_KEY, { folder: folder.path, ...address, anyUser });
      this.forAnyUser = anyUser;
      setImmediate(() => void removeAbandonedFolders());
      return client;
    } catch (error) {
      await removeSocketFolder(folder.path);
      if (error instanceof TracerError) throw error;
      throw tracerError('HELPER_START', error instanceof Error ? error.message : String(error));
    }
  }

  private async forgetFolder(): Promise<void> {
    const remembered = this.context.workspaceState.get<RememberedHelper>(STATE_KEY);
    if (!remembered) return;
    await this.context.workspaceState.update(STATE_KEY, undefined);
    await removeSocketFolder(remembered.folder).catch((error) => this.log.debug(`${error}`));
  }

  private version(): string {
    return String(this.context.extension.packageJSON.version);
  }
}

/** `double`: a test's stand-in for dist/helper.js. */
export function helperProgram(extensionPath: string, double?: string): HelperProgram {
  return {
    node: process.execPath,
    isElectron: process.versions.electron !== undefined || process.env.ELECTRON_RUN_AS_NODE !== undefined,
    script: double ?? join(extensionPath, 'dist', 'helper.js'),
    needsRights: double === undefined,
  };
}
