// The same run seen by us and by the profilers that people use: py-spy, attached to the same unprepared process at the same time, and
// V8's own --cpu-prof, which has to be started with its program (attached late it is wrong in Node 22 and 24). Lines of the program
// have the same shares within sampling error. Skipped where PyPI has no py-spy.

import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { interpreters } from '../golden/python/interpreters';
import { NODE_PROGRAMS } from '../tools/nodeVersions';
import { jsonOf, readRecording, recordSamples } from './cli';
import { missingForEbpf, until } from './helperProcess';
import { endPython, startPython } from './pythonRun';
import { SLOWNESS } from './slowness';

const PY_SPY = resolve('out/runtimes/py-spy');
const SHARES_JS = resolve('helper/test/root/node/shares.js');
const SAMPLES = 1_500;
/** A program that ends by the clock has few on a busy machine; the error that is allowed counts them. */
const FEWEST = 150;
const PY_SPY_HZ = 200;
const PY_SPY_SECONDS = 8;
const NODE_SECONDS = 8;
/** V8's profiler puts what was inlined on lines of the caller's file in Node 18, 20 and 24: those shares node.test.ts has by the text. */
const WITHOUT_INLINING = '--no-turbo-inlining';
/** Lines with less in both are too few samples to be told apart from others. */
const TELLING_SHARE = 0.03;
/** Of a difference; one in 16,000 comparisons is further off by chance. */
const STANDARD_ERRORS = 4;
/** That a profiler pauses the program at places of its own choice. */
const OWN_ERROR = 0.01;

/** Samples by `file:line`. */
type Lines = Map<string, number>;

function add(lines: Lines, key: string, count: number): void {
  lines.set(key, (lines.get(key) ?? 0) + count);
}

function ours(output: string, isProgram: (file: string) => boolean): Lines {
  const lines: Lines = new Map();
  for (const { file, line, self } of readRecording(output).ebpfTracer!.metrics[0].lines)
    if (isProgram(file) && self > 0) add(lines, `${basename(file)}:${line}`, self);
  return lines;
}

function expectSame(found: Lines, expected: Lines): void {
  const [all, ofAll] = [found, expected].map((lines) => [...lines.values()].reduce((a, b) => a + b, 0));
  assert.ok(Math.min(all, ofAll) > FEWEST, `${all} and ${ofAll} samples on lines of the program`);
  let compared = 0;
  for (const key of new Set([...found.keys(), ...expected.keys()])) {
    const [a, b] = [(found.get(key) ?? 0) / all, (expected.get(key) ?? 0) / ofAll];
    if (Math.max(a, b) < TELLING_SHARE) continue;
    const share = (a * all + b * ofAll) / (all + ofAll);
    const error = STANDARD_ERRORS * Math.sqrt(share * (1 - share) * (1 / all + 1 / ofAll)) + OWN_ERROR;
    assert.ok(Math.abs(a - b) < error, `${key}: ${a} of ours, ${b} of the other's (± ${error})`);
    compared++;
  }
  assert.ok(compared >= 3, `${compared} lines compared`);
}

function pySpy(): string | null {
  const program = join(PY_SPY, 'bin/py-spy');
  if (existsSync(program)) return program;
  try {
    execFileSync('python3', ['-m', 'pip', 'install', '--quiet', '--target', PY_SPY, 'py-spy'], { stdio: 'pipe' });
  } catch {
    return null;
  }
  return existsSync(program) ? program : null;
}

describe('beside other profilers', function () {
  this.timeout(180_000 * SLOWNESS);
  let dir: string;
  let output: string;

  before(function () {
    const missing = missingForEbpf();
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    dir = mkdtempSync(join(tmpdir(), 'profilers-'));
    output = join(dir, 'recording.json');
  });
  beforeEach(() => rmSync(output, { force: true }));
  after(() => {
    if (dir) rmSync(dir, { recursive: true });
  });

  for (const interpreter of interpreters(process.env.MATRIX === '1'))
    it(`py-spy says the same of ${interpreter.name} Python`, async function () {
      const program = pySpy();
      const missing = interpreter.missing() ?? (program ? null : 'PyPI has no py-spy');
      if (program === null || missing !== null) {
        console.log(`      skipped: ${missing}`);
        return this.skip();
      }
      const run = await startPython(interpreter, 'shares.py');
      try {
        const raw = join(dir, 'py-spy.txt');
        const options = `record --format raw --rate ${PY_SPY_HZ} --duration ${PY_SPY_SECONDS}`.split(' ');
        const other = promisify(execFile)(program, [...options, '--output', raw, '--pid', `${run.child.pid}`]);
        const [recorded, refused] = await Promise.all([
          recordSamples(['--frequency', '999', '--pid', `${run.child.pid}`], output, SAMPLES),
          other.then(
            () => null,
            (error: { stderr: string }) => error.stderr,
          ),
        ]);
        jsonOf(recorded);
        if (refused !== null) {
          console.log(`      skipped: py-spy cannot read it: ${refused.trim().split('\n').at(-1)}`);
          return this.skip();
        }
        const expected: Lines = new Map();
        for (const line of readFileSync(raw, 'utf8').split('\n')) {
          const [, file, number, count] = /([^\s/(]+\.py):(\d+)\) (\d+)$/.exec(line) ?? [];
          if (file?.startsWith('shares')) add(expected, `${file}:${number}`, Number(count));
        }
        expectSame(
          ours(output, (file) => basename(file).startsWith('shares')),
          expected,
        );
      } finally {
        await endPython(run);
      }
    });

  for (const node of NODE_PROGRAMS)
    it(`--cpu-prof of Node ${node.major} says the same`, async function () {
      // No oracle for each run: V8's own sampler said 12 % once of a line that the program books, and we found, at 30 %.
      if (!process.env.MATRIX) {
        console.log('      skipped: only with MATRIX=1');
        return this.skip();
      }
      const { path, missing } = node.find();
      if (path === null) {
        console.log(`      skipped: ${missing}`);
        return this.skip();
      }
      const folder = join(dir, `node-${node.major}`);
      mkdirSync(folder);
      const profiled = ['--cpu-prof', '--cpu-prof-interval', '2000', '--cpu-prof-dir', folder];
      const child = spawn(path, [...profiled, WITHOUT_INLINING, SHARES_JS, String(NODE_SECONDS * SLOWNESS)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = once(child, 'exit');
      try {
        let said = '';
        child.stdout.on('data', (chunk) => {
          said += chunk;
        });
        await until(() => said.includes('ready'), 'the program runs');
        jsonOf(await recordSamples(['--frequency', '499', '--pid', String(child.pid)], output, SAMPLES));
        // It writes its profile as it ends by itself.
        await ended;
      } finally {
        child.kill('SIGKILL');
      }
      const [name] = readdirSync(folder);
      const { nodes } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
        nodes: { callFrame: { url: string }; positionTicks?: { line: number; ticks: number }[] }[];
      };
      const expected: Lines = new Map();
      for (const { callFrame, positionTicks = [] } of nodes)
        if (callFrame.url.startsWith('file:'))
          for (const { line, ticks } of positionTicks)
            add(expected, `${basename(fileURLToPath(callFrame.url))}:${line}`, ticks);
      expectSame(
        ours(output, (file) => basename(file).startsWith('shares')),
        expected,
      );
    });
});
