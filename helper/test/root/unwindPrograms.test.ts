// Unwinding by tables on programs as distributions ship them, at work: the share of samples whose walk reaches its
// thread's entry. One of them in `make test`, all with MATRIX=1. A program that is not installed is skipped.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { eventually, SLOWNESS } from './captureHarness';
import { missingForEbpf } from './helperProcess';
import { removeWorkFolder, type Unwound, unwound, wholeShare, workFolder } from './unwindHarness';

const SAMPLES = 400;
const WHOLE_LEAST = 0.99;

interface Program {
  name: string;
  /** In `make test` too. */
  always?: boolean;
  /** Returns why it cannot run, or null. */
  missing(): string | null;
  command(port: number): string[];
  /** What keeps it busy; ended with it. */
  load?(port: number): string[];
}

const has = (command: string) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
const needs =
  (...commands: string[]) =>
  () => {
    const missing = commands.filter((command) => !has(command));
    return missing.length > 0 ? `no ${missing.join(', no ')}` : null;
  };

function compiled(name: string, source: string, build: (file: string, program: string) => string[]): string {
  const program = join(workFolder(), name.replace(/\..*$/, ''));
  const file = join(workFolder(), name);
  writeFileSync(file, source);
  const [command, ...args] = build(file, program);
  execFileSync(command, args, { stdio: 'pipe', env: { ...process.env, GO111MODULE: 'off', GOFLAGS: '' } });
  return program;
}

function nginxConfiguration(port: number): string {
  const folder = join(workFolder(), 'nginx');
  mkdirSync(join(folder, 'files'), { recursive: true });
  for (let i = 0; i < 50; i++) writeFileSync(join(folder, 'files', `file-${i}`), 'x'.repeat(100 * i));
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `worker_processes 1; daemon off; pid ${folder}/pid; error_log ${folder}/error;
events { worker_connections 256; }
http { access_log off; gzip on; gzip_types *; gzip_min_length 1;
 server { listen 127.0.0.1:${port}; location / { root ${folder}/files; autoindex on; } } }
`,
  );
  return file;
}

const WRK = (port: number) => ['wrk', '-t1', '-c8', '-d60s', `http://127.0.0.1:${port}/`];

const RUST = `use std::collections::HashMap; use std::thread;
fn main() { let t: Vec<_> = (0..2).map(|n| thread::spawn(move || loop {
 let mut m: HashMap<String, Vec<u64>> = HashMap::new();
 for i in 0..2000u64 { m.entry(format!("{}", i % 97)).or_default().push(i * n); }
 let mut v: Vec<_> = m.into_iter().collect(); v.sort_by(|a, b| b.0.cmp(&a.0)); std::hint::black_box(v); })).collect();
 for x in t { x.join().unwrap(); } }`;
const GO = `package main
import ("fmt"; "net/http"; "sort"; "strings")
func main() { http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
 s := []string{}; for i := 0; i < 300; i++ { s = append(s, fmt.Sprintf("%d", i*7919%997)) }
 sort.Strings(s); fmt.Fprint(w, strings.Join(s, ",")) })
 http.ListenAndServe("127.0.0.1:" + PORT, nil) }`;

const PROGRAMS: Program[] = [
  {
    name: 'nginx',
    always: true,
    missing: needs('nginx', 'wrk'),
    command: (port) => ['nginx', '-c', nginxConfiguration(port), '-e', join(workFolder(), 'nginx', 'error')],
    load: WRK,
  },
  {
    name: 'redis-server',
    missing: needs('redis-server', 'redis-benchmark'),
    command: (port) => ['redis-server', '--port', String(port), '--bind', '127.0.0.1', '--save', ''],
    load: (port) => ['redis-benchmark', '-p', String(port), '-n', '100000000', '-t', 'set,lpush,lrange_100', '-q'],
  },
  {
    name: 'xz',
    missing: needs('xz'),
    command: () => ['sh', '-c', `head -c 200000000 /dev/urandom | xz -9 >/dev/null`],
  },
  {
    name: 'python3',
    missing: needs('python3'),
    command: () => [
      'python3',
      '-c',
      'import json\nwhile 1: json.loads(json.dumps([{"a": [i] * 5} for i in range(500)]))',
    ],
  },
  {
    name: 'node (code generated at run time)',
    missing: () => null,
    command: () => [
      process.execPath,
      '-e',
      'const f=(n)=>n<2?n:f(n-1)+f(n-2);const o={a:[1,2,{b:"c"}]};for(;;){f(20);JSON.parse(JSON.stringify(o))}',
    ],
  },
  {
    name: 'a Rust program with threads',
    missing: needs('rustc'),
    command: () => [compiled('threads.rs', RUST, (file, program) => ['rustc', '-O', '-o', program, file])],
  },
  ...[[], ['-ldflags=-s -w']].map((flags) => ({
    name: `a Go server${flags.length > 0 ? ', stripped' : ''}`,
    missing: needs('go', 'wrk'),
    command: (port: number) => [
      compiled(`server${flags.length}.go`, GO.replace('PORT', `"${port}"`), (file, program) => [
        'go',
        'build',
        ...flags,
        '-o',
        program,
        file,
      ]),
    ],
    load: WRK,
  })),
];

/** A port that is free now. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14]);
}

function childrenOf(pid: number): number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  return existsSync(path) ? readFileSync(path, 'latin1').trim().split(' ').filter(Boolean).map(Number) : [];
}

describe('unwinding by tables in programs as they are shipped', function () {
  this.timeout(120_000 * SLOWNESS);
  const started: ChildProcess[] = [];

  before(function () {
    const missing = missingForEbpf();
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
  });
  afterEach(async () => {
    for (const child of started.splice(0)) {
      const below = childrenOf(child.pid!);
      const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      for (const pid of [child.pid!, ...below])
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // Ended with its parent.
        }
      if (child.exitCode === null && child.signalCode === null) await exited;
    }
  });
  after(removeWorkFolder);

  function run(command: string[]): ChildProcess {
    const child = spawn(command[0], command.slice(1), { stdio: 'ignore' });
    started.push(child);
    return child;
  }

  for (const program of PROGRAMS)
    it(`walks ${program.name} to the threads' entries`, async function () {
      const missing = program.always || process.env.MATRIX ? program.missing() : 'only with MATRIX=1';
      if (missing) {
        console.log(`      skipped: ${missing}`);
        this.skip();
      }
      const port = await freePort();
      const child = run(program.command(port));
      await new Promise((resolve) => setTimeout(resolve, 300));
      if (program.load) run(program.load(port));
      const busy = () => [child.pid!, ...childrenOf(child.pid!)].reduce((sum, pid) => sum + cpuTicks(pid), 0);
      const before = busy();
      await eventually(() => busy() > before + 20, 'it works');
      const result: Unwound = await unwound(child.pid!, SAMPLES, { frequencyHz: 499 });
      const { share, others } = wholeShare(result);
      assert.ok(share >= WHOLE_LEAST, `${(share * 100).toFixed(1)} % whole: ${others}`);
    });
});
