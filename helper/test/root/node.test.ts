// Node.js programs recorded while they run, without a flag or a restart: known shares on known lines, in every tier, in worker
// threads and children; TypeScript by its source maps; pairs of frames that the program's text forbids. By the Node.js that runs the
// tests and one more, with MATRIX=1 by all (../tools/nodeVersions.ts).

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { LineCount, RecordingFile, RecordSummary } from '../../src/protocol';
import { NODE_PROGRAMS } from '../tools/nodeVersions';
import { jsonOf, readRecording, recordSamples } from './cli';
import { missingForEbpf, until } from './helperProcess';
import { SLOWNESS } from './slowness';

const FOLDER = resolve('helper/test/root/node');
const SHARES = join(FOLDER, 'shares.js');
const ELSEWHERE = join(FOLDER, 'sharesElsewhere.js');
/** Longer than any recording; the tests end it. */
const SECONDS = '600';
const SAMPLES = 1_500;
/** Four standard errors of 60 % of as many samples. */
const TOLERANCE = 0.055;
const STALE_MOST = 0.01;

let dir = '';
let output = '';
const running: ChildProcess[] = [];

async function start(program: string, args: string[]): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  running.push(child);
  let text = '';
  child.stdout!.on('data', (chunk) => {
    text += chunk;
  });
  await until(() => text.includes('ready'), `${args.join(' ')} runs`);
  return child;
}

/** Its children, too. */
function end(): void {
  for (const { pid } of running.splice(0))
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
}

async function recorded(pid: number, samples: number, ...options: string[]): Promise<[RecordSummary, RecordingFile]> {
  rmSync(output, { force: true });
  const result = await recordSamples([...options, '--pid', String(pid)], output, samples);
  assert.equal(result.code, 0, result.stderr);
  return [jsonOf(result), readRecording(output)];
}

function lineOf(file: string, mark: string): number {
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .findIndex((text) => text.includes(mark));
  assert.ok(line >= 0, mark);
  return line + 1;
}

const selfIn = (lines: LineCount[], file: string) =>
  lines.filter((one) => one.file === file).reduce((sum, { self }) => sum + self, 0);

/** What came before its functions could be read says so; code that is nobody's there is not. */
function expectNoNamelessCode({ shared: { frames }, profiles: [all] }: RecordingFile): void {
  const nameless = all.samples.filter((stack) => stack.some((index) => frames[index].name === '[anon]')).length;
  assert.ok(nameless <= all.samples.length * STALE_MOST, `${nameless} of ${all.samples.length} stacks have [anon]`);
}

function expectShares(file: RecordingFile): void {
  expectNoNamelessCode(file);
  const { lines } = file.ebpfTracer!.metrics[0];
  const all = selfIn(lines, SHARES) + selfIn(lines, ELSEWHERE);
  assert.ok(all > SAMPLES / 3, `${all} samples on lines of the program`);
  for (const [path, mark, share] of [
    [SHARES, '// 60 %', 0.6],
    [ELSEWHERE, '// 30 %', 0.3],
    [ELSEWHERE, '// 10 %', 0.1],
  ] as const) {
    const line = lineOf(path, mark);
    const self = lines.find((one) => one.file === path && one.line === line)?.self ?? 0;
    assert.ok(Math.abs(self / all - share) < TOLERANCE, `${mark}: ${self} of ${all}`);
  }
}

function expectNoProblems({ runtimes = [], samples }: RecordSummary): void {
  const node = runtimes.filter(({ runtime }) => runtime === 'node');
  assert.ok(node.length > 0, JSON.stringify(runtimes));
  for (const { status, problems } of node) {
    assert.equal(status, 'named', JSON.stringify(runtimes));
    const stale = problems.filter(({ why }) => why.startsWith('a frame')).reduce((sum, { count }) => sum + count, 0);
    assert.ok(stale <= samples * STALE_MOST, JSON.stringify(problems));
  }
}

/** Who may call whom, by the text of pairs.js; others may be called by anybody. */
const CALLERS: [RegExp, RegExp][] = [
  [/^aLeaf$/, /^aMid$/],
  [/^bLeaf$/, /^bMid$/],
  [/^aMid$/, /^a$/],
  [/^bMid$/, /^b$/],
  [/^(a|b|aDrive|bDrive|garbage|made)$/, /^main$/],
  [/^fib$/, /^(fib|main)$/],
  [/^aGenerated$/, /^(aDrive|GeneratorPrototypeNext|next)$/],
  [/^bGenerated$/, /^(bDrive|GeneratorPrototypeNext|next)$/],
  [/^inner\d+$/, /^(anonymous|\(anonymous\))$/],
];

function crossings(file: RecordingFile): string[] {
  const names = file.shared.frames.map(({ name }) => name.replace(/ \(inlined\)$/, ''));
  return file.profiles[0].samples.flatMap((stack) =>
    stack.flatMap((frame, i) => {
      const caller = i === 0 ? '' : names[stack[i - 1]];
      const rule = CALLERS.find(([called]) => called.test(names[frame]));
      return rule && !rule[1].test(caller) ? `${caller} > ${names[frame]}` : [];
    }),
  );
}

describe('Node.js programs', function () {
  this.timeout(180_000 * SLOWNESS);
  before(function () {
    const missing = missingForEbpf();
    if (missing) {
      console.log(`      skipped: ${missing}`);
      this.skip();
    }
    dir = mkdtempSync(join(tmpdir(), 'node-'));
    output = join(dir, 'recording.speedscope.json');
  });
  afterEach(end);
  after(() => rmSync(dir, { recursive: true, force: true }));

  for (const { major, find } of NODE_PROGRAMS)
    describe(`Node ${major}`, () => {
      let path = '';
      before(function () {
        const program = find();
        if (program.path === null) {
          console.log(`      skipped: ${program.missing}`);
          this.skip();
        }
        path = program.path;
      });

      it('shares of two files on their exact lines', async () => {
        const { pid } = await start(path, [SHARES, SECONDS]);
        const [summary, file] = await recorded(pid!, SAMPLES, '-F', '999');
        expectShares(file);
        expectNoProblems(summary);
        const frames = file.shared.frames.map(({ name }, i) => ({ name, ...file.ebpfTracer!.frameDetails[i] }));
        assert.equal(frames.find(({ name }) => /^sixty\b/.test(name))?.runtime, 'node');
        assert.ok(frames.some(({ kind }) => kind === 'jit') && frames.some(({ kind }) => kind === 'interpreted'));
      });

      it('no pair of frames that the text forbids', async () => {
        const { pid } = await start(path, [join(FOLDER, 'pairs.js'), SECONDS]);
        const [summary, file] = await recorded(pid!, 2 * SAMPLES, '-F', '999');
        assert.deepEqual(crossings(file), []);
        expectNoProblems(summary);
        const names = new Set(file.shared.frames.map(({ name }) => name.replace(/ \(inlined\)$/, '')));
        for (const name of ['aLeaf', 'bMid', 'fib', 'aGenerated', 'garbage']) assert.ok(names.has(name), name);
      });
    });

  for (const flags of [['--jitless'], ['--no-opt'], ['--always-sparkplug', '--no-opt'], ['--use-largepages=silent']])
    it(`shares with ${flags.join(' ')}`, async () => {
      const { pid } = await start(process.execPath, [...flags, SHARES, SECONDS]);
      const [summary, file] = await recorded(pid!, SAMPLES, '-F', '999');
      expectShares(file);
      expectNoProblems(summary);
    });

  for (const how of ['workers', 'cluster', 'child', 'async', 'eval'])
    it(`shares: ${how}`, async () => {
      const { pid } = await start(process.execPath, [SHARES, SECONDS, how]);
      const [summary, file] = await recorded(pid!, SAMPLES, '-F', '999');
      expectShares(file);
      expectNoProblems(summary);
    });

  it('deep recursion, up to the limit of frames', async () => {
    const { pid } = await start(process.execPath, ['--stack-size=4000', SHARES, SECONDS, 'deep']);
    const [summary, file] = await recorded(pid!, SAMPLES, '-F', '999', '--max-frames', '1023');
    expectShares(file);
    expectNoProblems(summary);
    const nested = file.shared.frames.findIndex(({ name }) => name === 'nested');
    const deepest = Math.max(
      ...file.profiles[0].samples.map((stack) => stack.filter((frame) => frame === nested).length),
    );
    assert.equal(deepest, 401);
  });

  it('ES modules by their paths', async () => {
    const script = join(dir, 'a b%20ü', 'module.mjs');
    mkdirSync(join(dir, 'a b%20ü'));
    copyFileSync(join(FOLDER, 'module.mjs'), script);
    const { pid } = await start(process.execPath, [script, SECONDS]);
    const [summary, file] = await recorded(pid!, SAMPLES / 2, '-F', '999');
    expectNoProblems(summary);
    const { lines } = file.ebpfTracer!.metrics[0];
    const self = lines.find((one) => one.file === script && one.line === lineOf(script, '// hot'))?.self ?? 0;
    assert.ok(self > SAMPLES / 8, `${self} of ${summary.samples}`);
  });

  it('a program whose file was renamed and deleted', async () => {
    const program = join(dir, 'renamed');
    copyFileSync(process.execPath, program);
    const { pid } = await start(program, [SHARES, SECONDS]);
    rmSync(program);
    const [summary, file] = await recorded(pid!, SAMPLES, '-F', '999');
    expectShares(file);
    expectNoProblems(summary);
  });

  it('TypeScript on the lines of its own file, under the names in it', async () => {
    const source = join(dir, 'src/typed.ts');
    const script = join(dir, 'dist/typed.js');
    mkdirSync(join(dir, 'src'));
    copyFileSync(join(FOLDER, 'typed.ts'), source);
    const options = ['--sourceMap', '--target', 'es2015', '--module', 'commonjs', '--ignoreConfig', '--skipLibCheck'];
    try {
      execFileSync('node_modules/.bin/tsc', [
        ...options,
        '--rootDir',
        join(dir, 'src'),
        '--outDir',
        join(dir, 'dist'),
        source,
      ]);
    } catch {
      // It finds no types of Node.js there, and writes the script all the same.
    }
    const { pid } = await start(process.execPath, [script, SECONDS]);
    const [summary, file] = await recorded(pid!, SAMPLES, '-F', '999');
    expectNoProblems(summary);
    const { lines } = file.ebpfTracer!.metrics[0];
    const hot = lineOf(source, '// hot');
    const onHot = lines.filter((one) => one.file === source && Math.abs(one.line - hot) <= 1);
    const self = onHot.reduce((sum, one) => sum + one.self, 0);
    const all = selfIn(lines, source) + selfIn(lines, script);
    assert.ok(all > SAMPLES / 3 && self / all > 0.9, `${self} of ${all} on ${source}:${hot}`);
    assert.equal(selfIn(lines, script), 0);
    const total = file.shared.frames.find(({ name }) => name === 'Basket.total');
    assert.deepEqual([total?.file, total?.line], [source, lineOf(source, 'total(): number')]);
  });
});
