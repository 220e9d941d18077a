// Typed JSON-RPC to the privileged helper over its Unix socket: requests, notes both ways, heartbeats. Knows nothing of
// vscode, so that the unit tests drive it against the fake helper. Held by helperHost.ts.

import { connect, type Socket } from 'node:net';
import {
  createMessageConnection,
  type MessageConnection,
  SocketMessageReader,
  SocketMessageWriter,
} from 'vscode-jsonrpc/node';
import {
  type ClientNoteMethod,
  type ClientNotes,
  HEARTBEAT_INTERVAL_MS,
  type HelperNoteMethod,
  type HelperNotes,
  PROTOCOL_VERSION,
  type RequestMethod,
  type Requests,
  TracerError,
  toErrorReport,
  tracerError,
} from '../../../helper/src/protocol';
import type { Log } from '../log';

export interface HelperAddress {
  socket: string;
  token: string;
}

export class HelperClient {
  private readonly heartbeat: NodeJS.Timeout;
  private readonly closeListeners = new Set<() => void>();
  private readonly noteListeners = new Map<HelperNoteMethod, Set<(params: unknown) => void>>();
  private closed = false;
  /** What the helper answered in the handshake. */
  hello!: Requests['handshake']['result'];

  constructor(
    private readonly rpc: MessageConnection,
    private readonly socket: Socket,
  ) {
    rpc.onClose(() => this.onClosed());
    socket.once('close', () => this.onClosed());
    rpc.onError(() => undefined); // A broken socket also closes, which is what counts.
    rpc.listen();
    this.heartbeat = setInterval(() => this.note('heartbeat', { sentAtMs: Date.now() }), HEARTBEAT_INTERVAL_MS);
    this.heartbeat.unref();
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /** Throws TracerError with the helper's report, or HELPER_DIED if the connection ends before the answer. */
  async request<M extends RequestMethod>(method: M, params: Requests[M]['params']): Promise<Requests[M]['result']> {
    if (this.closed) throw tracerError('HELPER_DIED');
    try {
      return await this.rpc.sendRequest<Requests[M]['result']>(method, params);
    } catch (error) {
      if (this.closed || this.socket.destroyed) throw tracerError('HELPER_DIED');
      throw new TracerError(toErrorReport(error));
    }
  }

  note<M extends ClientNoteMethod>(method: M, params: ClientNotes[M]): void {
    if (this.closed) return;
    try {
      this.rpc.sendNotification(method, params).catch(() => undefined);
    } catch {
      // Closed a moment ago: whoever waits for an answer learns it from there.
    }
  }

  /** Any number of listeners a method: vscode-jsonrpc itself keeps only the last handler. */
  onNote<M extends HelperNoteMethod>(method: M, listener: (params: HelperNotes[M]) => void): { dispose(): void } {
    let listeners = this.noteListeners.get(method);
    if (!listeners) {
      const created = new Set<(params: unknown) => void>();
      listeners = created;
      this.noteListeners.set(method, created);
      this.rpc.onNotification(method, (params: unknown) => {
        for (const one of [...created]) one(params);
      });
    }
    const added = listener as (params: unknown) => void;
    listeners.add(added);
    return { dispose: () => listeners.delete(added) };
  }

  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.closeListeners.add(listener);
  }

  dispose(): void {
    this.socket.end();
    this.onClosed();
  }

  private onClosed(): void {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.heartbeat);
    // Rejects what still waits for an answer: a closed connection alone leaves it waiting for ever.
    this.rpc.dispose();
    for (const listener of this.closeListeners) listener();
    this.closeListeners.clear();
  }
}

/** Connects and shakes hands. Throws TracerError: HELPER_DIED (nobody listens), VERSION_MISMATCH, PEER_REFUSED. */
export async function connectToHelper(
  address: HelperAddress,
  clientVersion: string,
  log: Log,
  timeoutMs = 10_000,
): Promise<HelperClient> {
  const socket = await openSocket(address.socket, timeoutMs);
  const reader = new SocketMessageReader(socket);
  // The library's timer for half a message would go on for ever once the helper is gone in the middle of one.
  reader.partialMessageTimeout = 0;
  const rpc = createMessageConnection(reader, new SocketMessageWriter(socket));
  const client = new HelperClient(rpc, socket);
  client.onNote('log', ({ level, text }) => log[level](`helper: ${text}`));
  try {
    client.hello = await client.request('handshake', {
      protocolVersion: PROTOCOL_VERSION,
      clientVersion,
      token: address.token,
    });
  } catch (error) {
    client.dispose();
    throw error;
  }
  if (client.hello.protocolVersion !== PROTOCOL_VERSION) {
    client.dispose();
    throw tracerError('VERSION_MISMATCH', client.hello.protocolVersion, PROTOCOL_VERSION);
  }
  log.info(`connected to helper ${client.hello.helperVersion}, pid ${client.hello.pid}, uid ${client.hello.uid}`);
  return client;
}

function openSocket(path: string, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const fail = () => {
      clearTimeout(timer);
      socket.destroy();
      reject(tracerError('HELPER_DIED'));
    };
    const timer = setTimeout(fail, timeoutMs);
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeListener('error', fail);
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
  });
}
