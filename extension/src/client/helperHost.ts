// The one helper of this window: started when first needed, shared by every flow, found again after a window reload.
// Remembers (in workspaceState) only the private folder and its token, never a password.

import { join } from 'node:path';
import * as vscode from 'vscode';
import { userCacheFolder } from '../../../helper/src/client/cacheFolder';
import { type HelperProgram, type HelperRequest, programOf } from '../../../helper/src/client/helperCommand';
import { HelperConnection } from '../../../helper/src/client/helperConnection';
import { climb } from '../../../helper/src/client/ladder';
import { beyondPasswords, readRights } from '../../../helper/src/client/rights';
import { createSocketFolder, removeSocketFolder, removeStaleFolders } from '../../../helper/src/client/socketFolder';
import { RECONNECT_GRACE_MS, TracerError, tracerError } from '../../../helper/src/protocol';
import { rungsFor } from '../elevation/ladder';
import { makeRungs, surroundings } from '../elevation/rungs';
import type { Log } from '../log';

const STATE_KEY = 'helper';
/** A helper that waits for this window answers at once. */
const RECONNECT_WITHIN_MS = 2_000;

interface RememberedHelper {
  folder: string;
  socket: string;
  token: string;
  anyUser?: boolean;
}

/** What a recording needs of the helper that makes it. */
export interface HelperNeeds {
  /** Ids. */
  tracers: readonly string[];
  anyUser: boolean;
}

export class HelperHost implements vscode.Disposable {
  private current: Promise<HelperConnection> | null = null;
  /** The current helper was started for other users' processes as well. */
  private forAnyUser = false;
  private readonly connected = new vscode.EventEmitter<HelperConnection>();
  /** A connection stands: listeners register for its notes. */
  readonly onDidConnect = this.connected.event;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: Log,
    private readonly program: HelperProgram & { needsRights: boolean },
  ) {}

  /** Connected already, without asking for anything: null where no helper runs. */
  async existing(): Promise<HelperConnection | null> {
    const client = await this.current?.catch(() => null);
    return client && !client.isClosed ? client : null;
  }

  /**
   * The helper, started if need be: at most one question for a password. A running one is taken where it has kept the rights for
   * these tracers, and may record other users' processes where that is wanted: both have to be said when it is started; one that is
   * started in its place has all that it had. Throws TracerError.
   */
  async ensure({ tracers, anyUser }: HelperNeeds): Promise<HelperConnection> {
    this.current ??= this.hold(this.reconnect().then((client) => client ?? this.start({ tracers, anyUser })));
    const held = this.current;
    const before = await held;
    if (this.serves(before, { tracers, anyUser })) return before;
    const all = [...new Set([...before.identity.tracers, ...tracers])];
    this.current = this.hold(this.start({ tracers: all, anyUser: anyUser || this.forAnyUser }));
    try {
      const client = await this.current;
      void this.letGo(before);
      return client;
    } catch (error) {
      this.current ??= before.isClosed ? null : held;
      throw error;
    }
  }

  /** Nothing needs to be asked of the user to record this with it. */
  serves(client: HelperConnection, { tracers, anyUser }: HelperNeeds): boolean {
    return (!anyUser || this.forAnyUser) && tracers.every((id) => client.identity.tracers.includes(id));
  }

  /** Recordings that run in it go on; without any it ends now. */
  private async letGo(client: HelperConnection): Promise<void> {
    const running = await client.request('record/list', {}).catch(() => []);
    if (running.length === 0) await client.request('shutdown', {}).catch(() => null);
  }

  /** After a window reload: the helper that still waits for this window, if there is one. */
  async resume(): Promise<HelperConnection | null> {
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

  private hold(client: Promise<HelperConnection>): Promise<HelperConnection> {
    const forget = () => {
      if (this.current === held) this.current = null;
    };
    const held = client.then((one) => {
      void one.closed.then(() => {
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

  private async reconnect(): Promise<HelperConnection | null> {
    const remembered = this.context.workspaceState.get<RememberedHelper>(STATE_KEY);
    if (!remembered) return null;
    try {
      const client = await this.connect(remembered, RECONNECT_WITHIN_MS);
      this.forAnyUser = remembered.anyUser === true;
      this.log.info('found the helper again after a reload');
      return client;
    } catch (error) {
      this.log.debug(`no helper from before: ${error}`);
      await this.forgetFolder();
      return null;
    }
  }

  private async start({ tracers, anyUser }: HelperNeeds): Promise<HelperConnection> {
    const impossible = this.program.needsRights ? beyondPasswords(readRights()) : null;
    if (impossible) throw new TracerError(impossible);
    const here = surroundings(this.program.needsRights);
    const folder = createSocketFolder();
    const request: HelperRequest = {
      program: this.program,
      socketFolder: folder.dir,
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
      lingerMs: RECONNECT_GRACE_MS,
      cacheDir: userCacheFolder(),
      tracers,
      anyUser,
    };
    try {
      const storage = this.context.globalStorageUri;
      await vscode.workspace.fs.createDirectory(storage);
      const ready = await climb(rungsFor(here), makeRungs(request, storage.fsPath, this.log), this.log);
      const address = { socket: ready.socket, token: folder.token };
      const client = await this.connect(address);
      await this.context.workspaceState.update(STATE_KEY, { folder: folder.dir, ...address, anyUser });
      this.forAnyUser = anyUser;
      setImmediate(() => void removeStaleFolders(folder.dir));
      return client;
    } catch (error) {
      removeSocketFolder(folder.dir);
      if (error instanceof TracerError) throw error;
      throw tracerError('HELPER_START', error instanceof Error ? error.message : String(error));
    }
  }

  private async forgetFolder(): Promise<void> {
    const remembered = this.context.workspaceState.get<RememberedHelper>(STATE_KEY);
    if (!remembered) return;
    await this.context.workspaceState.update(STATE_KEY, undefined);
    removeSocketFolder(remembered.folder);
  }

  private async connect({ socket, token }: { socket: string; token: string }, timeoutMs?: number) {
    const connection = await HelperConnection.connect({
      socket,
      token,
      timeoutMs,
      log: ({ level, text }) => this.log[level](`helper: ${text}`),
    });
    const { helperVersion, pid, uid } = connection.identity;
    this.log.info(`connected to helper ${helperVersion}, pid ${pid}, uid ${uid}`);
    return connection;
  }
}

/** `double`: a test's stand-in for dist/helper.js. */
export function helperProgram(extensionPath: string, double?: string): HelperProgram & { needsRights: boolean } {
  return { ...programOf(double ?? join(extensionPath, 'dist', 'helper.js')), needsRights: double === undefined };
}
