// Programs whose runtime cannot be read yet, recorded by the real command line: `--json`, the text and the recording say so with the
// way out, and do not where a perf map names their code.

import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RecordSummary } from '../../src/protocol';
import { cli, jsonOf, readRecording, recordSamples } from './cli';
import { until } from './helperProcess';
import { recordHooks } from './recordHooks';
import { SLOWNESS } from './slowness';

const SAMPLES = 30;
const MAPS_WRITTEN = 5;
const ENDLESS_PERL = '$| = 1; print "ready\n"; while (1) { $x = ($x * 31 + 7) % 1000003 }';
const ENDLESS_JAVA = `public class Endless {
  static int hottest(int count) { int sum = 0; for (int i = 0; i < count; i++) sum = sum * 31 + i; return sum; }
  public static void main(String[] arguments) {
    int sum = 0;
    for (long round = 0; ; round++) {
      sum += hottest(20000);
      if (round == 5000) System.out.println("ready " + sum);
    }
  }
}`;

const has = (program: string) => !spawnSync(program, ['-version'], { stdio: 'ignore' }).error;

describe('a runtime that cannot be read yet', function () {
  this.timeout(120_000 * SLOWNESS);
  let dir: string;
  let output: string;
  const { own } = recordHooks((folder, path) => {
    [dir, output] = [folder, path];
  });

  async function start(program: string, args: string[]): Promise<number> {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    own(child);
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    await once(child, 'spawn');
    await until(() => text.includes('ready'), `${program} runs`);
    return child.pid!;
  }

  async function recorded(pid: number): Promise<RecordSummary> {
    rmSync(output, { force: true });
    const result = await recordSamples(['--frequency', '199', '--pid', String(pid)], output, SAMPLES);
    assert.equal(result.code, 0, result.stderr);
    return jsonOf(result);
  }

  it('says so in --json, in the recording, in the text and in the process list', async function () {
    if (!has('perl')) {
      console.log('      skipped: needs perl');
      this.skip();
    }
    const pid = await start('perl', ['-e', ENDLESS_PERL]);
    const { runtimes } = await recorded(pid);
    assert.equal(runtimes?.length, 1, JSON.stringify(runtimes));
    const [perl] = runtimes;
    assert.deepEqual([perl.runtime, perl.status, perl.processes], ['perl', 'nativeOnly', 1]);
    assert.match((perl as { fix?: string }).fix ?? '', /NYTProf/);
    assert.deepEqual(readRecording(output).ebpfTracer?.health.runtimes, runtimes);
    const text = await cli(['record', '--duration', '500ms', '--output', output, '--pid', String(pid)]);
    assert.match(text.stdout + text.stderr, /^Functions of Perl are not named \(one process\): /m);
    const list = jsonOf<{ pid: number; runtime: string; nativeOnly?: boolean }[]>(await cli(['list', '--json']));
    const row = list.find((one) => one.pid === pid);
    assert.deepEqual([row?.runtime, row?.nativeOnly], ['perl', true]);
  });

  it('says so of Java until a perf map of the process names its methods', async function () {
    if (!has('javac') || !has('jcmd')) {
      console.log('      skipped: needs a JDK');
      this.skip();
    }
    writeFileSync(join(dir, 'Endless.java'), ENDLESS_JAVA);
    execFileSync('javac', [join(dir, 'Endless.java')]);
    const pid = await start('java', ['-XX:+PreserveFramePointer', '-cp', dir, 'Endless']);
    const before = await recorded(pid);
    assert.deepEqual(
      before.runtimes?.map(({ runtime, status }) => [runtime, status]),
      [['jvm', 'nativeOnly']],
    );
    const map = `/tmp/perf-${pid}.map`;
    try {
      // A method that is compiled once more has moved since its map was written, which takes long on a busy machine.
      for (let left = MAPS_WRITTEN; ; left--) {
        execFileSync('jcmd', [String(pid), 'Compiler.perfmap'], { stdio: 'ignore' });
        const after = await recorded(pid);
        assert.deepEqual(
          after.runtimes?.map(({ runtime, status }) => [runtime, status]),
          [['jvm', 'named']],
        );
        if (after.top.some(({ name }) => /Endless\.(?:main|hottest)/.test(name))) break;
        assert.ok(left > 1, JSON.stringify(after.top));
      }
    } finally {
      rmSync(map, { force: true });
    }
  });
});
