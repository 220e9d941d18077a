// Asks debuginfod servers for debug files, where the user named servers: nothing else turns it on, no variable of the environment
// either. The network is another process's work (child.ts), which is started for a download and ended when there has been none for
// a while. Files lie in the caller's cache folder and are asked for once.

import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { DOWNLOADER_IDLE_MS, MAX_DOWNLOADS_AT_ONCE } from '../limits';
import type { SymbolizerOptions } from '../types';
import type { DownloadNews, DownloadRequest } from './messages';

const FOLDER = 'debuginfod-v1';
const MB = 1e6;
/** Between two lines of the log about one file. */
const TELL_EVERY_MS = 5_000;

interface Job {
  buildId: string;
  /** For the log. */
  name: string;
  startedMs: number;
  toldMs: number;
  resolve: (found: { path: string | null; why: string | null }) => void;
}

export class Downloads {
  private urls: readonly string[] = [];
  private child: ChildProcess | null = null;
  private readonly running = new Map<string, Job>();
  private readonly waiting: Job[] = [];
  private readonly promises = new Map<string, Promise<{ path: string | null; why: string | null }>>();
  private idle: NodeJS.Timeout | null = null;
  private closed = false;

  /** `cacheDir` null: nothing is downloaded. */
  constructor(
    private readonly cacheDir: string | null,
    private readonly log: SymbolizerOptions['log'],
  ) {}

  setServers(urls: readonly string[]): void {
    this.urls = urls;
  }

  /**
   * Path of the debug file; null where there is none, with the reason where it should have come. Never rejects. Takes as
   * long as a download may take (DOWNLOAD_TIMEOUT_MS a server). `name`: of the program, for the log.
   */
  async find(buildId: string, name: string): Promise<{ path: string | null; why: string | null }> {
    if (this.cacheDir === null || this.urls.length === 0 || this.closed) return { path: null, why: null };
    const path = join(this.cacheDir, FOLDER, `${buildId}.debug`);
    if (existsSync(path)) {
      touch(path);
      return { path, why: null };
    }
    let promise = this.promises.get(buildId);
    if (!promise) {
      promise = new Promise((resolve) => {
        this.waiting.push({ buildId, name, startedMs: performance.now(), toldMs: performance.now(), resolve });
        this.next();
      });
      this.promises.set(buildId, promise);
      void promise.then(() => this.promises.delete(buildId));
    }
    return promise;
  }

  close(): void {
    this.closed = true;
    this.endChild('symbolization was ended');
  }

  private next(): void {
    if (this.idle) clearTimeout(this.idle);
    while (this.waiting.length > 0 && this.running.size < MAX_DOWNLOADS_AT_ONCE) {
      const job = this.waiting.shift()!;
      this.running.set(job.buildId, job);
      this.child ??= this.start();
      const { urls } = this;
      const request: DownloadRequest = { buildId: job.buildId, urls: [...urls], folder: join(this.cacheDir!, FOLDER) };
      this.child.send(request, (error) => error && this.settle(job.buildId, null, error.message));
    }
    if (this.running.size > 0) return;
    this.idle = setTimeout(() => this.endChild('idle'), DOWNLOADER_IDLE_MS);
    this.idle.unref();
  }

  private start(): ChildProcess {
    const child = fork(childFile(), [], {
      execArgv: [],
      // Certificates of a company's proxy are the only thing that the environment may bring in.
      env: { ELECTRON_RUN_AS_NODE: '1', ...pick(process.env, 'NODE_EXTRA_CA_CERTS') },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    // It may not keep the helper alive.
    child.unref();
    child.channel?.unref();
    child.on('message', (news: DownloadNews) => this.heard(news));
    const gone = () => {
      if (this.child !== child) return;
      this.child = null;
      for (const buildId of [...this.running.keys()]) this.settle(buildId, null, 'the downloading process ended');
    };
    child.on('exit', gone);
    child.on('error', gone);
    return child;
  }

  private heard(news: DownloadNews): void {
    const job = this.running.get(news.buildId);
    if (!job) return;
    const now = performance.now();
    if (news.kind === 'progress') {
      if (now - job.toldMs < TELL_EVERY_MS && job.toldMs !== job.startedMs) return;
      job.toldMs = now;
      const total = news.totalBytes > 0 ? ` of ${(news.totalBytes / MB).toFixed(1)}` : '';
      const text = `${(news.receivedBytes / MB).toFixed(1)}${total} MB`;
      this.log('info', `debuginfod: ${job.name} from ${news.url}, ${text}`);
      return;
    }
    const seconds = ((now - job.startedMs) / 1000).toFixed(1);
    if (news.path !== null)
      this.log('info', `debuginfod: ${job.name}, ${(news.receivedBytes / MB).toFixed(1)} MB in ${seconds} s`);
    else
      this.log(
        news.why ? 'warn' : 'debug',
        `debuginfod: nothing for ${job.name} (${news.why ?? 'unknown to the servers'})`,
      );
    this.settle(news.buildId, news.path, news.why);
  }

  private settle(buildId: string, path: string | null, why: string | null): void {
    const job = this.running.get(buildId);
    this.running.delete(buildId);
    job?.resolve({ path, why });
    this.next();
  }

  private endChild(why: string): void {
    if (this.idle) clearTimeout(this.idle);
    const { child } = this;
    this.child = null;
    if (child?.connected) child.disconnect();
    for (const job of this.waiting.splice(0)) job.resolve({ path: null, why });
    for (const [buildId, job] of this.running) {
      this.running.delete(buildId);
      job.resolve({ path: null, why });
    }
  }
}

/** A server as the user writes it: http or https, no more than a folder. */
export function isServerUrl(text: string): boolean {
  try {
    const { protocol, search, hash, username } = new URL(text);
    return (protocol === 'http:' || protocol === 'https:') && search === '' && hash === '' && username === '';
  } catch {
    return false;
  }
}

function pick(env: NodeJS.ProcessEnv, name: string): NodeJS.ProcessEnv {
  const value = env[name];
  return value === undefined ? {} : { [name]: value };
}

/** Used just now: what is not goes first when room is made. */
function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Then it goes earlier.
  }
}

/** Beside the bundle, or in the tests' tree. */
function childFile(): string {
  const bundled = join(__dirname, 'debuginfod.js');
  return existsSync(bundled) ? bundled : join(__dirname, 'child.js');
}
