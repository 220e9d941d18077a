// The fake helper's door, which keeps the protocol as the real one does (helper/src/rpc): handshake first, one client at a time, errors
// with their reports, heartbeats. It knows no peer's user and limits nothing: only tests come here.

import { createServer, type Socket } from 'node:net';
import {
  createMessageConnection,
  type MessageConnection,
  ResponseError,
  SocketMessageReader,
  SocketMessageWriter,
} from 'vscode-jsonrpc/node';
import {
  checkHandshake,
  errorReport,
  type HelperNoteMethod,
  type HelperNotes,
  type RequestMethod,
  type Requests,
  TracerError,
  toErrorReport,
  tracerError,
} from '../../../helper/src/protocol';

export type FakeMethods = {
  [M in Exclude<RequestMethod, 'handshake'>]: (
    params: unknown,
  ) => Requests[M]['result'] | Promise<Requests[M]['result']>;
};

export interface FakeDoorOptions {
  socketPath: string;
  token: string;
  heartbeatTimeoutMs: number;
  identity: Requests['handshake']['result'];
  methods: FakeMethods;
  listening(): void;
  clientCame(): void;
  clientGone(): void;
}

/** As helper/src/rpc/connection.ts: a refused client reads why. */
const REFUSED_CLOSES_MS = 50;
const SERVER_ERROR = -32000;

export class FakeDoor {
  private client: Socket | null = null;
  private rpc: MessageConnection | null = null;
  private lastHeardMs = performance.now();

  constructor(private readonly options: FakeDoorOptions) {
    createServer((socket) => this.serve(socket)).listen(options.socketPath, options.listening);
    setInterval(() => this.checkHeartbeat(), options.heartbeatTimeoutMs / 10).unref();
  }

  say<M extends HelperNoteMethod>(method: M, params: HelperNotes[M]): void {
    if (this.client) this.rpc?.sendNotification(method, params).catch(() => undefined);
  }

  /** Answers what was asked, then closes. */
  close(then: () => void): void {
    // The answer is queued by promise jobs of the library; what is queued after them is written after it.
    setImmediate(async () => {
      await this.rpc?.sendNotification('log', { level: 'info', text: 'The fake helper ends' }).catch(() => undefined);
      if (this.client) this.client.end(then);
      else then();
    });
  }

  private serve(socket: Socket): void {
    const rpc = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
    const refuse = (error: TracerError) => {
      setTimeout(() => socket.destroy(), REFUSED_CLOSES_MS);
      throw error;
    };
    const answer = async (method: string, params: unknown) => {
      this.lastHeardMs = performance.now();
      if (method === 'handshake') {
        const refusal = this.refusalOf(params);
        if (refusal) refuse(refusal);
        this.welcome(socket, rpc);
        return this.options.identity;
      }
      if (this.client !== socket) refuse(tracerError('HANDSHAKE_REQUIRED', method));
      const { methods } = this.options;
      if (!Object.hasOwn(methods, method)) throw tracerError('USAGE', `This helper has no method "${method}".`);
      return methods[method as keyof FakeMethods](params);
    };
    rpc.onRequest((method, params) =>
      answer(method, params).catch((error) => {
        const report = toErrorReport(error);
        return new ResponseError(SERVER_ERROR, report.message, report);
      }),
    );
    rpc.onNotification(() => {
      this.lastHeardMs = performance.now();
    });
    rpc.onError(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.on('close', () => {
      rpc.dispose();
      if (this.client !== socket) return;
      this.client = null;
      this.options.clientGone();
    });
    rpc.listen();
  }

  private refusalOf(params: unknown): TracerError | null {
    const { protocolVersion, token } = checkHandshake(params);
    const ours = this.options.identity.protocolVersion;
    if (protocolVersion !== ours) return new TracerError(errorReport('VERSION_MISMATCH', ours, protocolVersion));
    return token === this.options.token ? null : new TracerError(errorReport('TOKEN_REFUSED'));
  }

  /** A reloaded window takes the place of the one before. */
  private welcome(socket: Socket, rpc: MessageConnection): void {
    if (this.client === socket) return;
    const previous = this.client;
    this.client = socket;
    this.rpc = rpc;
    previous?.destroy();
    this.options.clientCame();
    this.say('log', { level: 'info', text: 'The fake helper serves' });
  }

  private checkHeartbeat(): void {
    if (performance.now() - this.lastHeardMs > this.options.heartbeatTimeoutMs) this.client?.destroy();
  }
}
