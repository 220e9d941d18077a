// A target with code on a file system whose server stops answering: the recording samples, names what it can, says what it could
// not, ends and exits, whatever request stays without an answer.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Target } from './captureHarness';
import { cli, jsonOf, readRecording, samplesIn, startCli } from './cli';
import { bpfObjectsOf, descendantsOf, isAlive, missingForEbpf, until } from './helperProcess';
import { hostileLibrary, hostileProgram, removePrograms, stallingFileSystem } from './hostilePrograms';
import { stillThere } from './kernelObjects';
import { SLOWNESS } from './slowness';

/** <linux/fuse.h> */
const REQUESTS = { all: 'all', open: '14', read: '15', attributes: '3', 'flush (at close)': '25' };

describe('a file system that does not answer', function () {
  this.timeout(180_000 * SLOWNESS);
  let folder: string;
  let server: ChildProcess | null = null;
  let target: Target | null = null;
  let heard = '';

  before(function () {
    let missing = missingForEbpf();
    try {
      accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    } catch {
      missing ??= 'needs /dev/fuse';
    }
    if (!missing) return;
    console.log(`      skipped: ${missing}`);
    this.skip();
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'stalled-'));
    mkdirSync(join(folder, 'mount'));
    const started = spawn(stallingFileSystem(), [join(folder, 'mount'), hostileLibrary()], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    server = started;
    heard = '';
    started.stdout.on('data', (chunk) => {
      heard += chunk;
    });
    await until(() => heard.includes('ready') || started.exitCode !== null, 'it is mounted');
    assert.equal(started.exitCode, null, 'it could be mounted');
  });
  afterEach(async () => {
    // It unmounts itself, which fails what waits for it.
    server?.stdin?.end();
    await until(() => server === null || server.exitCode !== null, 'it is unmounted');
    await target?.end();
    target = null;
    assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(folder), 'nothing stays mounted');
    rmSync(folder, { recursive: true });
  });
  after(removePrograms);

  async function silence(request: string): Promise<void> {
    server!.stdin!.write(`${request}\n`);
    await until(() => heard.includes('silent'), 'it stops answering');
  }

  /** Works in code that lies there. */
  async function loadedTarget(): Promise<Target> {
    target = await Target.start(hostileProgram(), 'load', join(folder, 'mount', 'file'));
    target.poke();
    assert.equal(await target.line(), 'loaded');
    return target;
  }

  for (const [what, request] of Object.entries(REQUESTS))
    it(`costs only its own names when it is silent to: ${what}`, async () => {
      const { pid } = await loadedTarget();
      await silence(request);
      const output = join(folder, 'out.speedscope.json');
      const run = startCli(['record', '--json', '-o', output, '-p', String(pid)]);
      await until(() => descendantsOf(run.child.pid!).length > 0, 'the helper runs');
      const [helper] = descendantsOf(run.child.pid!);
      let objects: string[] = [];
      await until(() => {
        objects = isAlive(helper) ? bpfObjectsOf(helper) : objects;
        return objects.length > 0 || run.child.exitCode !== null;
      }, 'programs are loaded');
      // However busy the machine is: it goes on sampling while nobody answers.
      await until(() => samplesIn(output) > 20 || run.child.exitCode !== null, 'samples come');
      run.child.kill('SIGINT');
      const result = await run.ended;
      assert.equal(result.code, 0, result.stdout + result.stderr);
      const summary = jsonOf(result);
      assert.equal(summary.stopReason, 'stopped');
      assert.equal(readRecording(output).ebpfTracer?.complete, true);
      await until(() => stillThere(objects).length === 0, 'nothing is left loaded');
      if (request === 'all' || request === '14') {
        const why = summary.badFiles?.find(({ path }) => path.startsWith(folder))?.why;
        assert.match(why ?? '', /file system \(fuse\.stalling at .*\) does not answer/);
      }
      // What waits for the answer to a flush is nobody's to end: the kernel sends it as it takes the process down.
      if (request !== '25') await until(() => !isAlive(helper), 'the helper is gone');
    });

  it('that answers is read like others', async () => {
    const { pid } = await loadedTarget();
    const output = join(folder, 'out.speedscope.json');
    const result = await cli(['record', '--json', '-d', '2s', '-o', output, '-p', String(pid)]);
    assert.equal(result.code, 0, result.stderr);
    const summary = jsonOf(result);
    assert.ok(summary.top.some(({ name, self }) => name === 'library_work' && self > 0.5));
    assert.deepEqual(
      summary.badFiles?.filter(({ path }) => path.startsWith(folder)),
      [],
    );
  });
});
