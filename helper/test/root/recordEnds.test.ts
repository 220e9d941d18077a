// How recordings end and are refused, through the real command line: Ctrl-C once and twice, exit of the target, a killed
// helper, two at once, a full disk, every wrong input with its code and exit code.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cli, errorOf, jsonOf, readRecording, samplesIn, startCli, workload } from './cli';
import { bpfObjectsOf, descendantsOf, isAlive, until } from './helperProcess';
import { stillThere } from './kernelObjects';
import { recordHooks } from './recordHooks';
import { SLOWNESS } from './slowness';

describe('the end of a recording', function () {
  this.timeout(120_000 * SLOWNESS);
  let dir: string;
  let output: string;
  const { start, own } = recordHooks((folder, path) => {
    [dir, output] = [folder, path];
  });
  const run = async (name: string) => String((await start(name)).pid);
  const hasSamples = (path = output) => until(() => samplesIn(path) > 0, 'the first checkpoint is there');
  const helperOf = (cliPid: number) =>
    descendantsOf(cliPid).find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('helper.js'))!;

  it('by Ctrl-C saves it, and nothing is left in the kernel', async () => {
    const { child, ended } = startCli(['record', '--json', '-o', output, '-p', await run('hot-c')]);
    await hasSamples();
    const helper = helperOf(child.pid!);
    const objects = bpfObjectsOf(helper);
    assert.ok(objects.length > 0);
    child.kill('SIGINT');
    const result = await ended;
    assert.equal(result.code, 0, result.stderr);
    assert.equal(jsonOf(result).stopReason, 'stopped');
    assert.equal(result.stderr, '');
    assert.equal(readRecording(output).ebpfTracer?.complete, true);
    await until(() => !isAlive(helper), 'the helper is gone');
    await until(() => stillThere(objects).length === 0, 'its programs and maps are gone');
  });

  it('by Ctrl-C twice aborts', async () => {
    const stubborn = ['sh', '-c', 'trap "" INT TERM; while :; do :; done'];
    const { child, ended } = startCli(['record', '--json', '-o', output, '--', ...stubborn]);
    await hasSamples();
    const command = descendantsOf(child.pid!).find((pid) => readFileSync(`/proc/${pid}/comm`, 'latin1') === 'sh\n')!;
    try {
      child.kill('SIGINT');
      await until(() => readRecording(output).ebpfTracer?.complete === true, 'the recording is saved');
      child.kill('SIGINT');
      await until(() => child.exitCode !== null, 'the command line has ended');
    } finally {
      // It ignores what it is asked, and holds our pipes.
      process.kill(command, 'SIGKILL');
    }
    const result = await ended;
    assert.equal(result.code, 1);
    assert.equal(errorOf(result).code, 'CANCELLED');
  });

  it('by the exit of the target keeps what was recorded', async () => {
    const pid = await run('hot-c');
    const { ended } = startCli(['record', '--json', '-F', '999', '-o', output, '-p', pid]);
    await until(() => samplesIn(output) > 50, 'samples are there');
    process.kill(Number(pid), 'SIGTERM');
    const result = await ended;
    assert.equal(result.code, 0, result.stdout);
    const summary = jsonOf(result);
    assert.equal(summary.stopReason, 'exited');
    assert.ok(summary.top.some(({ name }) => name === 'work_sixty'));
  });

  it('by its duration ends a command that still runs', async () => {
    const result = await cli(['record', '--json', '-d', '1s', '-o', output, '--', workload('hot-c')]);
    const summary = jsonOf(result);
    assert.equal(result.code, 0);
    assert.equal(summary.stopReason, 'duration');
    assert.deepEqual(summary.command, { exitCode: null, signal: 'SIGTERM' });
  });

  it('by kill -9 of the helper keeps what had arrived, marked', async () => {
    const { child, ended } = startCli(['record', '--json', '-o', output, '-p', await run('hot-c')]);
    await hasSamples();
    const helper = helperOf(child.pid!);
    const objects = bpfObjectsOf(helper);
    process.kill(helper, 'SIGKILL');
    const result = await ended;
    assert.equal(result.code, 1);
    const { code, fix } = errorOf(result);
    assert.equal(code, 'HELPER_DIED');
    assert.ok(fix.includes(output));
    const { ebpfTracer: extra } = readRecording(output);
    assert.deepEqual([extra?.complete, extra?.stopReason], [false, 'helperDied']);
    assert.ok(extra!.metrics[0].samples > 0);
    await until(() => stillThere(objects).length === 0, 'its programs and maps are gone');
  });

  it('by kill -9 of the command line is a saved file, too', async () => {
    const { child, ended } = startCli(['record', '-o', output, '-p', await run('hot-c')]);
    await hasSamples();
    const helper = helperOf(child.pid!);
    child.kill('SIGKILL');
    await ended;
    await until(() => !isAlive(helper), 'the helper is gone');
    assert.equal(readRecording(output).ebpfTracer?.complete, true);
  });

  it('by a full disk keeps the last version that fitted', async function () {
    const small = join(dir, 'small');
    mkdirSync(small);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', small], { stdio: 'ignore' });
    } catch {
      console.log('      skipped: no file system can be mounted here');
      this.skip();
    }
    try {
      const path = join(small, 'out.speedscope.json');
      const { ended } = startCli(['record', '--json', '-F', '999', '-o', path, '-p', await run('hot-c')]);
      await hasSamples(path);
      writeFileSync(join(small, 'filler'), Buffer.alloc(1));
      try {
        writeFileSync(join(small, 'filler'), Buffer.alloc(512 * 1024));
      } catch {
        // That was the intention.
      }
      const result = await ended;
      assert.equal(result.code, 1);
      assert.match(result.stdout, /DISK_FULL/);
      const { ebpfTracer: extra } = readRecording(path);
      assert.deepEqual([extra?.complete, extra?.stopReason], [false, 'diskFull']);
      assert.ok(extra!.metrics[0].samples > 0);
    } finally {
      execFileSync('umount', [small]);
    }
  });

  it('comes before its beginning where the process is recorded already', async () => {
    const pid = await run('hot-c');
    const { child, ended } = startCli(['record', '--json', '-o', output, '-p', pid]);
    await hasSamples();
    const second = await cli(['record', '--json', '-d', '1s', '-o', join(dir, 'b'), '-p', pid]);
    assert.equal(errorOf(second).code, 'BUSY');
    assert.equal(second.code, 1);
    child.kill('SIGINT');
    assert.equal((await ended).code, 0);
  });

  it('with nothing says why', async () => {
    const idle = spawn('sleep', ['60']);
    own(idle);
    const result = await cli(['record', '--json', '-d', '600ms', '-o', output, '-p', String(idle.pid)]);
    assert.equal(result.code, 4);
    assert.equal(errorOf(result).code, 'NOTHING_RECORDED_IDLE');
    assert.equal(existsSync(output), false);
    const short = await cli(['record', '--json', '-F', '1', '-o', output, '--', 'true']);
    assert.equal(short.code, 4);
    assert.equal(errorOf(short).code, 'NOTHING_RECORDED_SHORT');
    const text = await cli(['record', '-d', '600ms', '-o', output, '-p', String(idle.pid)]);
    assert.equal(text.stdout, '');
    assert.match(text.stderr, /^ebpf-tracer: No samples: process \d+ used no CPU time/);
  });

  it('is refused for wrong input, each with its code and exit code', async () => {
    const foreign = join(dir, 'thesis.txt');
    writeFileSync(foreign, 'years of work');
    const pid = await run('hot-c');
    const cases: [string[], string, number][] = [
      [['--pid', '0'], 'PID_INVALID', 2],
      [['--pid', '-1'], 'PID_INVALID', 2],
      [['--pid', 'nginx'], 'PID_INVALID', 2],
      [['--pid', '4194303'], 'PID_GONE', 1],
      [[], 'USAGE', 2],
      [['--pid', pid, '--nonsense'], 'USAGE', 2],
      [['--pid', pid, '--', 'true'], 'USAGE', 2],
      [['--pid', pid, '--frequency', '5000'], 'FREQUENCY_INVALID', 2],
      [['--pid', pid, '--duration', 'long'], 'DURATION_INVALID', 2],
      [['--pid', pid, '--format', 'svg'], 'FORMAT_INVALID', 2],
      [['--pid', pid, '--output', foreign], 'OUTPUT_EXISTS', 1],
      [['--pid', pid, '--output', '/proc/none/x.json'], 'OUTPUT_NOT_WRITABLE', 1],
      [['--', 'no-such-command-anywhere'], 'COMMAND_NOT_FOUND', 1],
    ];
    for (const [args, code, exitCode] of cases) {
      const result = await cli(['record', '--json', ...args], { cwd: dir });
      assert.equal(errorOf(result).code, code, args.join(' '));
      assert.equal(result.code, exitCode, args.join(' '));
    }
    assert.equal(readFileSync(foreign, 'utf8'), 'years of work');
  });
});
