// What a recording of Python and Node.js costs and shows: BPF time a sample where stacks are some 30 functions deep, how soon their
// names are there, and how many samples have them. py-spy's CPU time stands beside, where the tests have fetched it.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordingFile } from '../src/protocol';
import { ROOT } from './paths';
import { cpuTimeMs, start } from './processes';
import { record, startRecording } from './recorder';

const DEPTH = 28;
const SECONDS = 5;
const PY_SPY = join(ROOT, 'out/runtimes/py-spy/bin/py-spy');

const PYTHON = `
def spin():
    total = 0
    for i in range(2000):
        total = (total * 31 + i) % 65537
    return total
def deep(depth):
    if depth == 0:
        return spin()
    return deep(depth - 1) + 1
print("ready", flush=True)
while True: deep(${DEPTH})
`;
const JAVASCRIPT = `
function spin() { let total = 0; for (let i = 0; i < 2000; i++) total = (total * 31 + i) % 65537; return total; }
function deep(depth) { return depth === 0 ? spin() : deep(depth - 1) + 1; }
console.log('ready');
for (;;) deep(${DEPTH});
`;

export interface RuntimeFigures {
  name: string;
  /** BPF time a kept sample at 99 and 999 Hz. */
  at99Us: number[];
  at999Us: number[];
  /** From the command to a file with a function of the program's, with what is known of files in the cache. */
  namesMs: number[];
  /** Of samples from the first one with a function of the program's on: those whose functions are all known, and those that end on a line of the program's. */
  namedShare: number;
  ownShare: number;
  /** Of one CPU, at 99 Hz; null: it is not here, or does not know this runtime. */
  pySpyShare: number | null;
}

interface Language {
  name: string;
  command: string[];
  extension: string;
  source: string;
}

const LANGUAGES: Language[] = [
  { name: 'Python', command: ['/usr/bin/python3'], extension: 'py', source: PYTHON },
  // Of what is inlined there would be no frames to walk.
  { name: 'Node.js', command: [process.execPath, '--no-turbo-inlining'], extension: 'js', source: JAVASCRIPT },
];

export async function measureRuntimes(runs: number): Promise<RuntimeFigures[]> {
  const figures: RuntimeFigures[] = [];
  for (const language of LANGUAGES) if (existsSync(language.command[0])) figures.push(await measure(language, runs));
  return figures;
}

async function measure({ name, command, extension, source }: Language, runs: number): Promise<RuntimeFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'runtimes-'));
  const program = join(folder, `program.${extension}`);
  const output = join(folder, 'recording.json');
  writeFileSync(program, source);
  const target = await start([...command, program], 0);
  const args = (hz: number) => ['--pid', String(target.pid), '--frequency', String(hz)];
  const found: RuntimeFigures = {
    name,
    at99Us: [],
    at999Us: [],
    namesMs: [],
    namedShare: 0,
    ownShare: 0,
    pySpyShare: null,
  };
  try {
    await record({ args: [...args(99), '--duration', '3s'] });
    for (let run = 0; run < runs; run++) {
      for (const [hz, list] of [
        [99, found.at99Us],
        [999, found.at999Us],
      ] as const) {
        const { helper, samples } = await record({ args: [...args(hz), '--duration', `${SECONDS}s`] });
        if (helper.bpfNs !== null && samples > 0) list.push(helper.bpfNs / samples / 1_000);
      }
      const recording = startRecording({ args: args(99) });
      found.namesMs.push(await recording.until('(?:^|\\.)?deep'));
      await recording.stop();
    }
    await record({ args: [...args(999), '--duration', `${SECONDS}s`], output });
    Object.assign(found, sharesOf(JSON.parse(readFileSync(output, 'utf8')), program));
    if (name === 'Python' && existsSync(PY_SPY)) found.pySpyShare = await pySpyShare(target.pid, join(folder, 'raw'));
  } finally {
    await target.stop();
    rmSync(folder, { recursive: true });
  }
  return found;
}

function sharesOf({ shared: { frames }, profiles: [all], ebpfTracer }: RecordingFile, program: string) {
  const period = ebpfTracer?.metrics[0].period ?? 1;
  let [samples, named, own] = [0, 0, 0];
  let isReady = false;
  for (const [i, stack] of all.samples.entries()) {
    const here = stack.map((index) => frames[index]);
    isReady ||= here.some(({ file }) => file === program);
    if (!isReady) continue;
    const count = all.weights[i] / period;
    samples += count;
    if (here.every(({ name }) => !/^\[(?:not named yet|python: |v8: |anon|truncated)/.test(name))) named += count;
    if (here.at(-1)?.file === program) own += count;
  }
  return { namedShare: named / samples, ownShare: own / samples };
}

async function pySpyShare(pid: number, output: string): Promise<number> {
  const options = ['--rate', '99', '--duration', String(SECONDS), '--format', 'raw', '--output', output];
  const child = spawn(PY_SPY, ['record', ...options, '--pid', String(pid)], { stdio: 'ignore' });
  let usedMs = 0;
  const timer = setInterval(() => {
    usedMs = Math.max(usedMs, child.pid === undefined ? 0 : cpuTimeMs(child.pid));
  }, 100);
  await new Promise((done) => child.once('exit', done));
  clearInterval(timer);
  return usedMs / (SECONDS * 1_000);
}
