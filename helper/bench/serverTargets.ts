// What is recorded. Servers under a steady load: ours (frame pointers, so that whole stacks are walked) under wrk and Debian's
// redis under redis-benchmark; target on CPU 0, load on CPU 1, everything on loopback and bounded in time. And threads that
// only compute, on all CPUs.
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WORKLOADS } from './paths';
import { pause, type Started, start } from './processes';

/** Work done so far: what CPU time is divided by. */
export interface Work {
  requests: number;
  cpuNs: number;
}

export interface ServerTarget {
  name: string;
  pid: number;
  work(): Promise<Work>;
  stop(): Promise<void>;
}

const LIMIT_SECONDS = 3_600;

function load(command: string[]): { stop(): void } {
  const child = spawn('timeout', [String(LIMIT_SECONDS), 'taskset', '-c', '1', ...command], { stdio: 'ignore' });
  return { stop: () => child.kill('SIGTERM') };
}

/** Requests sent at once on a connection: else the one core that the load has would be the limit, not the server. */
const PIPELINED = 4;
const PIPELINE_SCRIPT = `
function init()
  local batch = {}
  for i = 1, ${PIPELINED} do batch[i] = wrk.format("GET") end
  requests = table.concat(batch)
end
function request() return requests end
`;

/** struct stats of server.c: two 32-bit words, then two of 64 bits. */
const STATS_BYTES = 24;
const ANSWER_POLL_MS = 1;

export async function startOurServer(): Promise<ServerTarget> {
  const folder = mkdtempSync(join(tmpdir(), 'ebpf-bench-server-'));
  const statsFile = join(folder, 'stats');
  writeFileSync(statsFile, Buffer.alloc(STATS_BYTES));
  writeFileSync(join(folder, 'pipeline.lua'), PIPELINE_SCRIPT);
  const fd = openSync(statsFile, 'r+');
  const server: Started = await start([`${WORKLOADS}/server`, '0', String(LIMIT_SECONDS), statsFile], 0);
  const url = `http://127.0.0.1:${server.firstLine.split(' ')[1]}/orders/42/items`;
  const wrk = load(['wrk', '-t1', '-c16', `-d${LIMIT_SECONDS}s`, '-s', join(folder, 'pipeline.lua'), url]);
  let asked = 0;
  return {
    name: 'HTTP server with frame pointers under wrk',
    pid: server.pid,
    async work() {
      const question = Buffer.alloc(4);
      question.writeUInt32LE(++asked);
      writeSync(fd, question, 0, 4, 0);
      const stats = Buffer.alloc(STATS_BYTES);
      while (readSync(fd, stats, 0, STATS_BYTES, 0) > 0 && stats.readUInt32LE(4) !== asked) await pause(ANSWER_POLL_MS);
      return { requests: Number(stats.readBigUInt64LE(8)), cpuNs: Number(stats.readBigUInt64LE(16)) };
    },
    async stop() {
      wrk.stop();
      await server.stop();
      closeSync(fd);
      rmSync(folder, { recursive: true });
    },
  };
}

export async function startThreads(): Promise<{ name: string; pid: number; stop(): Promise<void> }> {
  const child = spawn(`${WORKLOADS}/threads`, ['8', String(LIMIT_SECONDS)], { stdio: 'ignore' });
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  return {
    name: '8 busy threads',
    pid: child.pid as number,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Sends INFO and reads what it answers. */
function redisInfo(port: number): Promise<string> {
  return new Promise((done, fail) => {
    const socket = createConnection(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
      // A bulk string: $LENGTH\r\n, then as many bytes.
      const length = Number(/^\$(\d+)\r\n/.exec(text)?.[1] ?? Number.NaN);
      if (text.length >= length + String(length).length + 3) socket.end();
    });
    socket.on('close', () => done(text));
    socket.on('error', fail);
    socket.write('INFO everything\r\n');
  });
}

export async function startRedis(): Promise<ServerTarget> {
  const port = 16_379;
  const server = await start(
    ['redis-server', '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
    0,
  );
  while (!(await redisInfo(port).catch(() => '')).includes('redis_version')) await pause(50);
  const bench = load(['redis-benchmark', '-p', String(port), '-c', '16', '-n', '1000000000', '-t', 'set', '-q']);
  return {
    name: 'redis under redis-benchmark',
    pid: server.pid,
    async work() {
      const info = await redisInfo(port);
      const field = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]);
      return {
        requests: field('total_commands_processed'),
        cpuNs: (field('used_cpu_user') + field('used_cpu_sys')) * 1e9,
      };
    },
    async stop() {
      bench.stop();
      await server.stop();
    },
  };
}
