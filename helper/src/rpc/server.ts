// The helper's listening socket and the client of the moment. One helper serves one VS Code window (or one command), so
// a new client that shows the token takes the old one's place: that is a reloaded window. Made by serve.ts; lifetime.ts
// decides from its two events when the process ends.

import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import type { HelperNoteMethod, HelperNotes, Requests } from '../protocol';
import { Connection } from './connection';
import { requestTable, type SayToClient, type Services, takeNote } from './methods';

/** Connections that have not shaken hands yet; more are closed at once. */
const MAX_CONNECTIONS = 8;
/** Log lines kept for the client that has not come yet. */
const MAX_EARLY_LOG = 200;

export interface ServerOptions {
  socket: string;
  uid: number;
  token: string;
  heartbeatTimeoutMs: number;
  services: Services;
  identity: () => Requests['handshake']['result'];
  clientCame: () => void;
  /** Nobody is there any more. */
  clientGone: (why: string) => void;
}

export class HelperServer {
  private readonly server: Server;
  private readonly connections = new Set<Connection>();
  private readonly earlyLog: HelperNotes['log'][] = [];
  private client: Connection | null = null;

  constructor(private readonly options: ServerOptions) {
    const { services } = options;
    const table = requestTable(services, this.say);
    this.server = createServer((socket) => {
      try {
        const connection = new Connection(socket, {
          ...options,
          table,
          note: (method, params) => takeNote(services, method, params),
          opened: (opened) => this.opened(opened),
          closed: (closed, why) => this.closed(closed, why),
        });
        this.connections.add(connection);
      } catch {
        // Closed again before its credentials could be asked for.
        socket.destroy();
      }
    });
    this.server.maxConnections = MAX_CONNECTIONS;
  }

  /** Resolves once clients can connect. Only the socket's owner may, by its mode and its folder's. */
  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.options.socket, () => {
        chmodSync(this.options.socket, 0o600);
        resolve();
      });
    });
  }

  readonly say: SayToClient = <M extends HelperNoteMethod>(method: M, params: HelperNotes[M]) => {
    this.client?.say(method, params);
  };

  log = (level: HelperNotes['log']['level'], text: string): void => {
    if (this.client) this.client.say('log', { level, text });
    else if (this.earlyLog.push({ level, text }) > MAX_EARLY_LOG) this.earlyLog.shift();
  };

  hasClient(): boolean {
    return this.client !== null;
  }

  /** Answers what is running, then closes everything and removes the socket. */
  async close(why: string): Promise<void> {
    this.server.close();
    rmSync(this.options.socket, { force: true });
    await this.client?.finish(why);
    for (const connection of this.connections) connection.close(why);
  }

  private opened(connection: Connection): void {
    const previous = this.client;
    this.client = connection;
    previous?.close('another connection of the same client took its place');
    for (const line of this.earlyLog.splice(0)) connection.say('log', line);
    this.options.clientCame();
  }

  private closed(connection: Connection, why: string): void {
    this.connections.delete(connection);
    if (this.client !== connection) return;
    this.client = null;
    this.options.clientGone(why);
  }
}
