// The client's end of the protocol, typed: connect, shake hands, ask, listen, keep the heart beating. One for the command line, the
// extension and the tests, so that none loses messages that another reads.

import { connect, type Socket } from 'node:net';
import {
  CancellationTokenSource,
  createMessageConnection,
  type DataCallback,
  type Disposable,
  type Message,
  type MessageConnection,
  type MessageStrategy,
  StreamMessageReader,
  StreamMessageWriter,
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
  TRACER_VERSION,
  TracerError,
  toErrorReport,
  tracerError,
} from '../protocol';

export interface ConnectOptions {
  socket: string;
  token: string;
  /** How long the socket may take to accept the connection. */
  timeoutMs?: number;
  heartbeatIntervalMs?: number;
  /** Gets the helper's log from its first line on. */
  log?: (line: HelperNotes['log']) => void;
  /** What the client claims to speak: for the tests of a mismatch. */
  protocolVersion?: number;
}

/**
 * Counts messages that have come and that were handled: the library handles one per turn of the event loop, so the last
 * ones of a helper that ends are still waiting when its socket is closed.
 */
class Inbox extends StreamMessageReader implements MessageStrategy {
  private waiting = 0;

  override listen(callback: DataCallback): Disposable {
    // The library's timer for half a message would go on for ever once the helper is gone in the middle of one.
    this.partialMessageTimeout = 0;
    return super.listen((message) => {
      this.waiting++;
      callback(message);
    });
  }

  handleMessage(message: Message, next: (message: Message) => void): void {
    this.waiting--;
    next(message);
  }

  whenEmpty(then: () => void): void {
    if (this.waiting === 0) then();
    else setImmediate(() => this.whenEmpty(then));
  }
}

const CONNECT_WITHIN_MS = 10_000;

type Listener = (params: never) => void;

export class HelperConnection {
  /** Set once the handshake succeeded. */
  identity!: Requests['handshake']['result'];
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  private readonly heartbeat: NodeJS.Timeout;
  private readonly listeners = new Map<string, Set<Listener>>();
  private gone = false;

  private constructor(
    private readonly socket: Socket,
    private readonly rpc: MessageConnection,
    inbox: Inbox,
    heartbeatIntervalMs: number,
  ) {
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.gone = true;
        clearInterval(this.heartbeat);
        inbox.whenEmpty(() => {
          // Rejects what still waits for an answer.
          rpc.dispose();
          resolve();
        });
      });
    });
    rpc.onError(() => socket.destroy());
    rpc.onNotification((method, params) => {
      for (const listener of [...(this.listeners.get(method) ?? [])]) listener(params as never);
    });
    this.heartbeat = setInterval(() => this.tell('heartbeat', { sentAtMs: Date.now() }), heartbeatIntervalMs);
    this.heartbeat.unref();
  }

  /** Throws the helper's refusal (PEER_REFUSED, VERSION_MISMATCH, TOKEN_REFUSED), HELPER_DIED where nobody answers. */
  static async connect(options: ConnectOptions): Promise<HelperConnection> {
    const socket = await openSocket(options.socket, options.timeoutMs ?? CONNECT_WITHIN_MS);
    const protocolVersion = options.protocolVersion ?? PROTOCOL_VERSION;
    const inbox = new Inbox(socket);
    const rpc = createMessageConnection(inbox, new StreamMessageWriter(socket), undefined, { messageStrategy: inbox });
    const connection = new HelperConnection(socket, rpc, inbox, options.heartbeatIntervalMs ?? HEARTBEAT_INTERVAL_MS);
    if (options.log) connection.on('log', options.log);
    rpc.listen();
    try {
      connection.identity = await connection.request('handshake', {
        protocolVersion,
        clientVersion: TRACER_VERSION,
        token: options.token,
      });
      const { protocolVersion: theirs } = connection.identity;
      if (theirs !== protocolVersion) throw tracerError('VERSION_MISMATCH', theirs, protocolVersion);
    } catch (error) {
      connection.dispose();
      throw error;
    }
    return connection;
  }

  get isClosed(): boolean {
    return this.gone;
  }

  /** Throws TracerError: the helper's own, CANCELLED after `signal`, HELPER_DIED where the connection went away. */
  async request<M extends RequestMethod>(
    method: M,
    params: Requests[M]['params'],
    signal?: AbortSignal,
  ): Promise<Requests[M]['result']> {
    if (this.gone) throw tracerError('HELPER_DIED');
    const source = new CancellationTokenSource();
    const cancel = () => source.cancel();
    if (signal?.aborted) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await this.rpc.sendRequest(method, params, source.token);
    } catch (error) {
      // An answer that was read after the socket was closed is still the answer.
      const hasReport = (error as { data?: unknown }).data !== undefined;
      if (!hasReport && (this.gone || this.socket.destroyed)) throw tracerError('HELPER_DIED');
      throw new TracerError(toErrorReport(error));
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  tell<M extends ClientNoteMethod>(method: M, params: ClientNotes[M]): void {
    if (this.gone) return;
    try {
      this.rpc.sendNotification(method, params).catch(() => {});
    } catch {
      // Closed a moment ago: `closed` says so.
    }
  }

  /** Listens to what the helper says on its own; call the result to stop. */
  on<M extends HelperNoteMethod>(method: M, listener: (params: HelperNotes[M]) => void): () => void {
    const listeners = this.listeners.get(method) ?? new Set();
    this.listeners.set(method, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Closes the connection: the helper stops and saves what it records. */
  dispose(): void {
    this.gone = true;
    this.socket.destroy();
  }
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
      socket.off('error', fail);
      // An error also closes, which is what counts.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}
