// One accepted connection: refuses strangers, asks for the handshake first, then passes requests to the table and
// watches the heartbeats. Made by server.ts, which knows which connection is the client of the moment.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import {
  createMessageConnection,
  type MessageConnection,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import {
  checkHandshake,
  type ErrorReport,
  errorReport,
  type HelperNoteMethod,
  type HelperNotes,
  PROTOCOL_VERSION,
  type Requests,
  TracerError,
  toErrorReport,
  tracerError,
} from '../protocol';
import { CLOSED, type RequestTable } from './methods';
import { peerCredentials } from './peerCredentials';
import { sameToken } from './token';

/** JSON-RPC leaves -32000 to -32099 to applications; the reason is in `data`. */
const SERVER_ERROR = -32000;
const HANDSHAKE_WITHIN_MS = 30_000;
const HANDSHAKE_MAX_BYTES = 64 * 1024;
/** A refused client reads why, then closes; one that does not is closed after this. */
const REFUSED_CLOSES_MS = 200;
/** How long an ending helper leaves its client to read what it was told last. */
const READ_OUT_MS = 50;

export interface ConnectionRules {
  /** The only user who may connect. */
  uid: number;
  token: string;
  heartbeatTimeoutMs: number;
  identity: () => Requests['handshake']['result'];
  table: RequestTable;
  note: (method: string, params: unknown) => Promise<void>;
  opened: (connection: Connection) => void;
  closed: (connection: Connection, why: string) => void;
}

export class Connection {
  private readonly rpc: MessageConnection;
  private readonly running = new Map<AbortController, Promise<unknown>>();
  private readonly refused: ErrorReport | null;
  private open = false;
  private why = 'the client closed the connection';
  private lastHeardMs = performance.now();
  private suspected = false;
  private timer: NodeJS.Timeout;

  constructor(
    private readonly socket: Socket,
    private readonly rules: ConnectionRules,
  ) {
    const peer = peerCredentials(socket);
    this.refused = peer.uid === rules.uid ? null : errorReport('PEER_REFUSED', peer.uid, rules.uid);
    const reader = new StreamMessageReader(socket);
    // The library's timer for half a message would go on for ever once the client is gone in the middle of one.
    reader.partialMessageTimeout = 0;
    this.rpc = createMessageConnection(reader, new StreamMessageWriter(socket));
    this.rpc.onRequest((method, params, token) => {
      const controller = new AbortController();
      token.onCancellationRequested(() => controller.abort());
      const answer = this.answer(method, params, controller.signal).catch((error) => {
        const report = toErrorReport(error);
        return new ResponseError<ErrorReport>(SERVER_ERROR, report.message, report);
      });
      this.running.set(controller, answer);
      void answer.then(() => this.running.delete(controller));
      return answer;
    });
    this.rpc.onNotification((method, params) => {
      this.lastHeardMs = performance.now();
      if (this.open) this.rules.note(method, params).catch(() => {});
    });
    this.rpc.onError(([error]) => this.close(`the client sent what is not JSON-RPC: ${error.message}`));
    socket.on('error', () => {});
    socket.on('close', () => this.ended());
    this.timer = setTimeout(() => this.close('no handshake came'), HANDSHAKE_WITHIN_MS);
    this.limitBytesBeforeHandshake();
    this.rpc.listen();
  }

  say<M extends HelperNoteMethod>(method: M, params: HelperNotes[M]): void {
    this.rpc.sendNotification(method, params).catch(() => {});
  }

  /** Drops the connection at once. */
  close(why: string): void {
    this.why = why;
    this.socket.destroy();
  }

  /** Lets running requests be answered, then closes: for the helper's own end. */
  async finish(why: string): Promise<void> {
    this.why = why;
    await Promise.race([Promise.all(this.running.values()), once(this.socket, 'close')]);
    if (this.socket.destroyed) return;
    // The last answers are queued by promise jobs of the library; what is queued after them is written after them.
    await new Promise((resolve) => setImmediate(resolve));
    await this.rpc.sendNotification('log', { level: 'info', text: `The helper ends: ${why}` }).catch(() => {});
    // A client handles one message per turn of its event loop, and may forget those left when it sees the end.
    await new Promise((resolve) => setTimeout(resolve, READ_OUT_MS));
    await new Promise<void>((resolve) => this.socket.end(resolve));
  }

  private async answer(method: string, params: unknown, cancelled: AbortSignal): Promise<unknown> {
    this.lastHeardMs = performance.now();
    if (this.refused) return this.refuse(this.refused);
    if (method === 'handshake') return this.shakeHands(params);
    if (!this.open) return this.refuse(errorReport('HANDSHAKE_REQUIRED', method));
    const work = Object.hasOwn(this.rules.table, method) ? this.rules.table[method as keyof RequestTable] : undefined;
    if (!work) throw tracerError('USAGE', `This helper has no method "${method}".`);
    return work(params, cancelled);
  }

  private shakeHands(params: unknown): Requests['handshake']['result'] {
    const { protocolVersion, token } = checkHandshake(params);
    if (protocolVersion !== PROTOCOL_VERSION)
      return this.refuse(errorReport('VERSION_MISMATCH', PROTOCOL_VERSION, protocolVersion));
    if (!sameToken(token, this.rules.token)) return this.refuse(errorReport('TOKEN_REFUSED'));
    if (!this.open) {
      this.open = true;
      clearTimeout(this.timer);
      this.timer = setInterval(() => this.checkHeartbeat(), Math.max(10, this.rules.heartbeatTimeoutMs / 10));
      this.rules.opened(this);
    }
    return this.rules.identity();
  }

  private refuse(report: ErrorReport): never {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.close(report.message), REFUSED_CLOSES_MS);
    throw new TracerError(report);
  }

  /** The monotonic clock stands still while the machine sleeps, so a suspend alone ends nothing. */
  private checkHeartbeat(): void {
    const silentMs = performance.now() - this.lastHeardMs;
    if (silentMs <= this.rules.heartbeatTimeoutMs) this.suspected = false;
    // Once more: if it was this process that was held, the heartbeats are there but not read yet.
    else if (!this.suspected) this.suspected = true;
    else this.close(`no heartbeat for ${Math.round(silentMs / 1000)} s`);
  }

  private limitBytesBeforeHandshake(): void {
    this.socket.on('data', () => {
      if (!this.open && this.socket.bytesRead > HANDSHAKE_MAX_BYTES) this.close('too much came before the handshake');
    });
  }

  private ended(): void {
    clearTimeout(this.timer);
    for (const controller of this.running.keys()) controller.abort(CLOSED);
    this.rpc.dispose();
    this.rules.closed(this, this.why);
  }
}
