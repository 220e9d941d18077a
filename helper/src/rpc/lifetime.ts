// When the helper ends, in one place: its client is gone and does not come back, a signal, a failure. Nothing stays
// loaded while nobody is connected. Made by serve.ts.

import { toErrorReport } from '../protocol';
import { messages, output } from '../terminal/terminal';

/** From the start to the first connection: milliseconds, on an overloaded machine seconds. */
const FIRST_CLIENT_WITHIN_MS = 60_000;
/** Saving is quick; what hangs longer than this must not keep capabilities alive. */
const END_WITHIN_MS = 60_000;
/** How often a helper without a client looks whether anybody can still reach it. */
const REACHABLE_INTERVAL_MS = 1_000;

export interface LifetimeOptions {
  /** How long to wait for the client to come back; 0: not at all. */
  lingerMs: number;
  hasClient: () => boolean;
  /** Is the socket still there? A client that gave up removes it. */
  reachable: () => boolean;
  /** Stops and saves all recordings, unloads everything. */
  unload: () => Promise<void>;
  /** Removes socket, token and folder: first of all, so that a kill while it saves leaves none of them behind. */
  leave: () => void;
  /** Answers and closes connections. */
  close: (why: string) => Promise<void>;
  log: (level: 'info' | 'warn' | 'error', text: string) => void;
  exit: (code: number) => void;
}

export class Lifetime {
  private timer: NodeJS.Timeout | null = null;
  private look: NodeJS.Timeout | null = null;
  private ending = false;
  /** When the last client went, monotonic. */
  private goneAtMs: number | null = null;

  constructor(private readonly options: LifetimeOptions) {
    this.wait(Math.max(options.lingerMs, FIRST_CLIENT_WITHIN_MS), 'no client came');
    process.on('SIGTERM', () => this.end('received SIGTERM'));
    // Ctrl-C in the caller's terminal comes here, too, where sudo passes it on (use_pty). A connected client got it as
    // well and decides what it means: stop and save, abort, or leave it to the command that is being recorded.
    process.on('SIGINT', () => {
      if (!options.hasClient()) this.end('received SIGINT');
    });
    // The terminal that asked for the password may be closed: the socket is what this process hangs on.
    process.on('SIGHUP', () => {});
    for (const terminal of [output, messages]) terminal.onGone(() => {});
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      process.on(event, (error: unknown) => {
        const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
        void messages.lines(detail.split('\n'));
        options.log('error', detail);
        this.end(toErrorReport(error).message, 1);
      });
    }
  }

  clientCame(): void {
    this.stopWaiting();
    if (this.goneAtMs !== null)
      this.options.log('info', `The window is back after ${((performance.now() - this.goneAtMs) / 1000).toFixed(1)} s`);
    this.goneAtMs = null;
  }

  clientGone(why: string): void {
    if (this.ending) return;
    this.goneAtMs = performance.now();
    // The time to save does not count as waiting, but a client that returns meanwhile is welcome.
    this.wait(this.options.lingerMs + END_WITHIN_MS, why);
    const waiting = this.timer;
    void this.options.unload().finally(() => {
      if (this.timer === waiting && waiting !== null) this.wait(this.options.lingerMs, why);
    });
  }

  /** Saves, closes and exits; further calls change nothing. */
  end(why: string, code = 0): void {
    if (this.ending) return;
    this.ending = true;
    this.options.leave();
    setTimeout(() => this.options.exit(code), END_WITHIN_MS).unref();
    void this.options
      .unload()
      .catch(() => {})
      .then(() => this.options.close(why))
      .catch(() => {})
      .then(() => this.options.exit(code));
  }

  private wait(forMs: number, why: string): void {
    this.stopWaiting();
    this.timer = setTimeout(() => this.end(why), forMs);
    this.look = setInterval(() => {
      if (!this.options.reachable()) this.end(`${why}, and the socket was removed`);
    }, REACHABLE_INTERVAL_MS);
  }

  private stopWaiting(): void {
    if (this.timer) clearTimeout(this.timer);
    if (this.look) clearInterval(this.look);
    this.timer = this.look = null;
  }
}
