// Unwinding by tables on programs as distributions ship them and compilers make them, at work: the share of samples whose
// walk reaches its thread's entry. Those that are cheap to start in `make test`, all with MATRIX=1. A program that is not
// installed is skipped.

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { eventually } from './captureHarness';
import { missingForEbpf } from './helperProcess';
import { SLOWNESS } from './slowness';
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
  /** By which it ends in order, taking its children along; else it is killed, and they are. */
  endsBy?: NodeJS.Signals;
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

/** Exceptions through destructors and catches that throw again, by two threads. */
const EXCEPTIONS = `#include <algorithm>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
struct Guard { std::string &s; int n; ~Guard() { s += char('a' + n % 26); } };
[[gnu::noinline]] static int parse(const std::string &t, int depth, std::string &log) {
  Guard g{log, depth};
  if (depth == 0) { if (t.size() % 3 == 0) throw std::invalid_argument(t); return std::stoi(t); }
  try { return parse(t + char('0' + depth), depth - 1, log) + 1; }
  catch (const std::out_of_range &e) { std::string m = e.what(); throw std::runtime_error(m + t); }
}
static void work(unsigned seed) {
  std::map<std::string, int> counts; std::string log;
  for (unsigned i = 0;; i++) {
    try { counts[std::to_string(i % 50)] += parse(std::to_string(i * seed), 2 + i % 12, log); }
    catch (const std::invalid_argument &e) { counts[e.what()]++; }
    catch (const std::exception &e) { counts["other"]++; }
    if (log.size() > 4096) { std::sort(log.begin(), log.end()); log.clear(); }
    if (counts.size() > 2000) counts.clear();
    std::ostringstream o; o << i << ' ' << 1.5 * i; if (o.str().empty()) counts["none"]++;
  }
}
int main() { std::thread a(work, 7), b(work, 11); a.join(); b.join(); }
`;
const RUST = `use std::collections::HashMap; use std::thread;
fn main() { let t: Vec<_> = (0..2).map(|n| thread::spawn(move || loop {
 let mut m: HashMap<String, Vec<u64>> = HashMap::new();
 for i in 0..2000u64 { m.entry(format!("{}", i % 97)).or_default().push(i * n); }
 let mut v: Vec<_> = m.into_iter().collect(); v.sort_by(|a, b| b.0.cmp(&a.0)); std::hint::black_box(v); })).collect();
 for x in t { x.join().unwrap(); } }`;
/** An HTTP server on tokio: a task a connection, another one a request. */
const RUST_SERVER = `use std::collections::BTreeMap; use tokio::io::{AsyncReadExt, AsyncWriteExt};
async fn body(n: u64) -> String {
 let mut m: BTreeMap<String, u64> = BTreeMap::new();
 for i in 0..200u64 { *m.entry(format!("{}", (i * 7919 + n) % 97)).or_default() += i; }
 tokio::task::yield_now().await;
 m.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",") }
fn main() {
 let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_io().build().unwrap();
 runtime.block_on(serve()); }
async fn serve() {
 let address = format!("127.0.0.1:{}", std::env::args().nth(1).unwrap());
 let listener = tokio::net::TcpListener::bind(address).await.unwrap();
 for n in 0.. { let (mut s, _) = listener.accept().await.unwrap();
  tokio::spawn(async move { let mut b = [0u8; 4096];
   while let Ok(r) = s.read(&mut b).await { if r == 0 { break; }
    let x = tokio::spawn(body(n)).await.unwrap();
    let head = format!("HTTP/1.1 200 OK\\r\\nContent-Length: {}\\r\\n\\r\\n", x.len());
    let _ = s.write_all((head + &x).as_bytes()).await; } }); } }
`;
const CARGO = `[package]
name = "server"
version = "0.1.0"
edition = "2021"
[dependencies]
tokio = { version = "1", features = ["rt-multi-thread", "net", "io-util"] }
`;

function cargoProject(): string {
  const project = join(workFolder(), 'rust-server');
  mkdirSync(join(project, 'src'), { recursive: true });
  writeFileSync(join(project, 'Cargo.toml'), CARGO);
  writeFileSync(join(project, 'src/main.rs'), RUST_SERVER);
  return project;
}

function cargoBuilt(): string {
  const project = cargoProject();
  execFileSync('cargo', ['build', '--release'], { cwd: project, stdio: 'pipe' });
  return join(project, 'target/release/server');
}

/** Channels, maps, sorting, growing stacks and the collector, without the packages that take long to compile. */
const GO_PROGRAM = `package main
import ("sort"; "strconv"; "strings")
func deep(n int) int { var a [64]int; a[n%64] = n; if n == 0 { return 0 }; return deep(n-1) + a[n%64] }
func work(n int, out chan<- string) {
 m := map[string]int{}; s := []string{}
 for i := 0; i < 300; i++ { k := strconv.Itoa(i * n % 997); m[k]++; s = append(s, k) }
 sort.Strings(s); out <- strings.Join(s, ",") + strconv.Itoa(deep(100)) }
func main() { out := make(chan string)
 for n := 1; ; n++ { for i := 0; i < 8; i++ { go work(n+i, out) }; for i := 0; i < 8; i++ { <-out } } }
`;
const GO = `package main
import ("encoding/json"; "fmt"; "net/http"; "sort"; "strings")
func main() { http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
 s := []string{}; for i := 0; i < 300; i++ { s = append(s, fmt.Sprintf("%d", i*7919%997)) }
 sort.Strings(s); x, _ := json.Marshal(map[string]string{"a": strings.Join(s, ",")}); w.Write(x) })
 http.ListenAndServe("127.0.0.1:" + PORT, nil) }`;
const goBuild =
  (...flags: string[]) =>
  (file: string, program: string) => ['go', 'build', ...flags, '-o', program, file];

/** postgres refuses to run as root. */
const AS_POSTGRES = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'];

function postgresBinaries(): string | null {
  const versions = '/usr/lib/postgresql';
  const [newest] = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a)) : [];
  return newest === undefined ? null : join(versions, newest, 'bin');
}

/** A cluster with pgbench's tables; the command that serves it. */
function postgresServer(port: number): string[] {
  const binaries = postgresBinaries()!;
  const folder = join(workFolder(), 'postgres');
  mkdirSync(folder);
  const [uid, gid] = ['-u', '-g'].map((which) => Number(execFileSync('id', [which, 'postgres'], { encoding: 'utf8' })));
  chmodSync(workFolder(), 0o755);
  chownSync(folder, uid, gid);
  const run = (...command: string[]) =>
    execFileSync(AS_POSTGRES[0], [...AS_POSTGRES.slice(1), ...command], { stdio: 'pipe' });
  const data = join(folder, 'data');
  const settings = ['-p', String(port), '-k', folder, '-h', '127.0.0.1'];
  run(join(binaries, 'initdb'), '-D', data, '-A', 'trust', '--no-sync');
  run(join(binaries, 'pg_ctl'), '-D', data, '-o', settings.join(' '), '-l', join(folder, 'log'), '-w', 'start');
  try {
    run('pgbench', '-i', '-q', '-h', '127.0.0.1', '-p', String(port), 'postgres');
  } finally {
    run(join(binaries, 'pg_ctl'), '-D', data, '-w', 'stop');
  }
  return [...AS_POSTGRES, join(binaries, 'postgres'), '-D', data, ...settings];
}

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
    name: 'postgres',
    missing: () => needs('setpriv', 'pgbench')() ?? (postgresBinaries() ? null : 'no postgres'),
    command: postgresServer,
    // At once, but its shared memory goes with it.
    endsBy: 'SIGQUIT',
    load: (port) => [
      ...AS_POSTGRES,
      ...['pgbench', '-h', '127.0.0.1', '-p', String(port), '-c', '4', '-T', '60', '-n', 'postgres'],
    ],
  },
  {
    name: 'xz',
    always: true,
    missing: needs('xz'),
    command: () => ['sh', '-c', `head -c 200000000 /dev/urandom | xz -9 >/dev/null`],
  },
  {
    name: 'a C++ program that throws (-O3)',
    always: true,
    missing: needs('c++'),
    command: () => [
      compiled('exceptions.cpp', EXCEPTIONS, (file, program) => ['c++', '-O3', '-pthread', '-o', program, file]),
    ],
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
  {
    name: 'a Rust server on tokio',
    missing: () =>
      needs('cargo', 'wrk')() ??
      (spawnSync('cargo', ['fetch'], { cwd: cargoProject() }).status === 0 ? null : 'crates.io is not within reach'),
    command: (port) => [cargoBuilt(), String(port)],
    load: WRK,
  },
  {
    name: 'a Go program',
    always: true,
    missing: needs('go'),
    command: () => [compiled('goroutines.go', GO_PROGRAM, goBuild())],
  },
  ...[[], ['-ldflags=-s -w']].map((flags) => ({
    name: `a Go server${flags.length > 0 ? ', stripped' : ''}`,
    missing: needs('go', 'wrk'),
    command: (port: number) => [
      compiled(`server${flags.length}.go`, GO.replace('PORT', `"${port}"`), goBuild(...flags)),
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

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(port, '127.0.0.1', () => {
      connection.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
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
  // Compilers among others.
  this.timeout(300_000 * SLOWNESS);
  const started: { child: ChildProcess; endsBy?: NodeJS.Signals }[] = [];

  before(function () {
    const missing = missingForEbpf();
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
  });
  afterEach(async () => {
    for (const { child, endsBy } of started.splice(0).reverse()) {
      const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      const ended = endsBy ? [child.pid!] : [child.pid!, ...childrenOf(child.pid!)];
      for (const pid of ended)
        try {
          process.kill(pid, endsBy ?? 'SIGKILL');
        } catch {
          // Ended with its parent.
        }
      if (child.exitCode === null && child.signalCode === null) await exited;
    }
  });
  after(removeWorkFolder);

  function run(command: string[], endsBy?: NodeJS.Signals): ChildProcess {
    const child = spawn(command[0], command.slice(1), { stdio: 'ignore' });
    started.push({ child, endsBy });
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
      const child = run(program.command(port), program.endsBy);
      if (program.load) {
        await eventually(() => answers(port), 'it answers');
        run(program.load(port));
      }
      const busy = () => [child.pid!, ...childrenOf(child.pid!)].reduce((sum, pid) => sum + cpuTicks(pid), 0);
      const before = busy();
      await eventually(() => busy() > before + 20, 'it works');
      const result: Unwound = await unwound(child.pid!, SAMPLES, { frequencyHz: 499 });
      const { share, others } = wholeShare(result);
      assert.ok(share >= WHOLE_LEAST, `${(share * 100).toFixed(1)} % whole: ${others}`);
    });
});
