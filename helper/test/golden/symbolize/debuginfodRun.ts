// Runs inside a network namespace of its own, where only loopback is, for debuginfod.test.ts: a real debuginfod over one
// folder, servers that misbehave, and a symbolizer that is allowed to ask them. Prints one JSON line.
// Arguments: the stripped program, the folder with its debug file, a scratch folder.

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Frame } from '../../../src/runtimes/frame';
import { TracedSymbolizer } from './tracedSymbolizer';

const [program, debugFolder, scratch] = process.argv.slice(2);
const PORT = 8002;
const SERVER = `http://127.0.0.1:${PORT}`;
const DEADLINE_MS = 60_000;

export interface DebuginfodRun {
  before: Frame;
  after: Frame;
  again: Frame;
  afterFailures: Frame;
  unknown: { frame: Frame; badFiles: string[] };
  log: string[];
  files: { name: string; mode: number }[];
  downloaderCapabilities: string | null;
  requests: string[];
}

async function until<T>(what: string, look: () => Promise<T | null> | T | null): Promise<T> {
  for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; ) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no ${what} within ${DEADLINE_MS / 1000} s`);
}

async function startProgram(): Promise<{ child: ChildProcess; work: number }> {
  const child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  for await (const piece of child.stdout!) {
    text += piece;
    if (text.includes('\n')) break;
  }
  return { child, work: Number.parseInt(text.split(' ')[0], 16) };
}

/** Answers by path: an error, half a file, nothing for long; and remembers what it was asked. */
async function startBadServer(requests: string[]): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    if (request.url?.startsWith('/broken/')) response.writeHead(500).end();
    else if (request.url?.startsWith('/partial/')) {
      response.writeHead(200, { 'content-length': 1_000_000 }).write(Buffer.alloc(1_000));
      response.destroy();
    } else if (request.url?.startsWith('/huge/')) response.writeHead(200, { 'content-length': 2 ** 40 }).write('x');
    else if (request.url?.startsWith('/other/')) response.end(readFileSync(process.execPath).subarray(0, 100_000));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function main(): Promise<void> {
  const lo = spawn('ip', ['link', 'set', 'lo', 'up']);
  await new Promise((resolve) => lo.once('exit', resolve));
  const debuginfod = spawn(
    'debuginfod',
    ['-F', '-p', String(PORT), '-d', join(scratch, 'index.sqlite'), '-t', '0', '-g', '0', debugFolder],
    { stdio: 'ignore', env: { PATH: process.env.PATH, HOME: scratch } },
  );
  const log: string[] = [];
  const requests: string[] = [];
  const bad = await startBadServer(requests);
  const { child, work } = await startProgram();
  const cacheDir = join(scratch, 'cache');
  const make = (cache = cacheDir) =>
    new TracedSymbolizer({ cacheDir: cache, workers: 1, log: (level, text) => log.push(`${level} ${text}`) });
  const ask = async (symbolizer: ReturnType<typeof make>): Promise<Frame> => {
    symbolizer.addProcess(child.pid!);
    return (await symbolizer.resolve(child.pid!, [], [work]))[0].at(-1)!;
  };
  try {
    const id = /Build ID: ([0-9a-f]+)/.exec(await output('readelf', ['-n', program]))![1];
    await until('debug file at debuginfod', async () => {
      const response = await fetch(`${SERVER}/buildid/${id}/debuginfo`).catch(() => null);
      await response?.arrayBuffer();
      return response?.ok ? true : null;
    });
    const symbolizer = make();
    const before = await ask(symbolizer);
    symbolizer.addDebugSources({ folders: [], servers: [`${SERVER}/`] });
    const after = await ask(symbolizer);
    const downloaderCapabilities = capabilitiesOfDownloader();
    await symbolizer.close();

    // From the cache: nobody is there to ask.
    const offline = make();
    offline.addDebugSources({ folders: [], servers: ['http://127.0.0.1:1'] });
    const again = await ask(offline);
    await offline.close();

    const failing = make(join(scratch, 'cache2'));
    const servers = ['missing', 'broken', 'partial', 'huge'].map((path) => `${bad.url}/${path}`);
    failing.addDebugSources({ folders: [], servers: ['http://127.0.0.1:1', ...servers, SERVER] });
    const afterFailures = await ask(failing);
    await failing.close();

    const hopeless = make(join(scratch, 'cache3'));
    hopeless.addDebugSources({ folders: [], servers: [`${bad.url}/broken`, `${bad.url}/other`] });
    const frame = await ask(hopeless);
    const badFiles = hopeless.badFiles().map(({ path, why }) => `${path}: ${why}`);
    await hopeless.close();

    const folder = join(cacheDir, 'debuginfod-v1');
    const files = readdirSync(folder).map((name) => ({ name, mode: statSync(join(folder, name)).mode & 0o777 }));
    const result: DebuginfodRun = {
      before,
      after,
      again,
      afterFailures,
      unknown: { frame, badFiles },
      log,
      files,
      downloaderCapabilities,
      requests,
    };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  } finally {
    bad.close();
    child.kill();
    debuginfod.kill();
  }
}

async function output(command: string, args: string[]): Promise<string> {
  const child = spawn(command, args);
  let text = '';
  for await (const piece of child.stdout) text += piece;
  return text;
}

/** It lives a while after its last download. */
function capabilitiesOfDownloader(): string | null {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
  for (const pid of children) {
    if (!/symbolize\/debuginfod\/child\.js/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))) continue;
    return /^CapEff:\s*(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? null;
  }
  return null;
}

void main();
